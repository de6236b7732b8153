use crate::choices::{Choices, chosen_lengths};
use crate::naive;
use realtime_ws::frame::Header;
use realtime_ws::{
    CheckedConfig, Config, Connection, Delivery, Event, MaskingKeys, Opcode, PeerMisbehaved, Timestamp,
};
use std::sync::LazyLock;

static WHOLE: LazyLock<CheckedConfig> = LazyLock::new(|| config(Delivery::Whole));
static PIECES: LazyLock<CheckedConfig> = LazyLock::new(|| config(Delivery::Pieces));

/// Text in any fragments, which arrive in any chunks, is accepted if the standard library accepts it, and
/// refused in the very chunk with which no continuation can make it valid any more.
pub fn utf8(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let form = choices.byte();
    let config: &CheckedConfig = if form & 1 == 0 { &WHOLE } else { &PIECES };
    let reading = if form & 2 == 0 { Reading::Buffered } else { Reading::Direct };
    let end = match form >> 2 & 3 {
        0 | 1 => End::Message,
        2 => End::NeverToCome,
        _ => return close_reason(config, choices),
    };
    let (fragments, chunks) = (choices.bytes_up_to(7), choices.bytes_up_to(15));
    let text = choices.rest();
    let mut stream = Stream::new(text, fragments, end);

    let refused_after = naive::hopeless_after(text).map(|end| stream.ends[end - 1]).or_else(|| {
        let is_cut = end == End::Message && std::str::from_utf8(text).is_err();
        is_cut.then_some(stream.bytes.len())
    });
    let mut connection = Connection::client(config.clone(), MaskingKeys::new(|| [0; 4]), Timestamp::START);
    let (mut arrived, mut received) = (0, Vec::new());
    let mut ended = false;
    let mut lengths = chosen_lengths(chunks);
    let stream_bytes = stream.bytes.len();
    while arrived < stream_bytes {
        let rest = &mut stream.bytes[arrived..];
        let mut len = lengths.next().expect("they go on for ever").min(rest.len());
        let spare = if reading == Reading::Direct { connection.spare() } else { None };
        let chunk = match spare {
            Some(spare) => {
                len = len.min(spare.len());
                spare[..len].copy_from_slice(&rest[..len]);
                connection.filled(len, Timestamp::START);
                &mut []
            }
            None => &mut rest[..len],
        };
        arrived += len;
        let verdict = receive(&mut connection, chunk, &mut received, &mut ended);
        let is_refused = refused_after.is_some_and(|after| after <= arrived);
        let expected = if is_refused { Err(PeerMisbehaved::InvalidUtf8) } else { Ok(()) };
        assert_eq!(verdict, expected, "{arrived} of {} bytes arrived", stream_bytes);
        if is_refused {
            return;
        }
    }
    assert_eq!(ended, end == End::Message);
    if ended || config.delivery == Delivery::Pieces {
        assert_eq!(received, text);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Buffered,
    Direct,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The last fragment is whole.
    Message,
    /// The last frame declares more than comes.
    NeverToCome,
}

/// Text in frames.
struct Stream {
    bytes: Vec<u8>,
    /// For each byte of the text, how much of the stream has arrived with it.
    ends: Vec<usize>,
}

impl Stream {
    fn new(mut text: &[u8], fragments: &[u8], end: End) -> Self {
        let mut stream = Self { bytes: Vec::new(), ends: Vec::with_capacity(text.len()) };
        let mut opcode = Opcode::Text;
        for length in fragments {
            let (fragment, rest) = text.split_at(usize::from(*length).min(text.len()));
            text = rest;
            stream.push(opcode, false, fragment, 0);
            opcode = Opcode::Continuation;
        }
        match end {
            End::Message => stream.push(opcode, true, text, 0),
            End::NeverToCome => stream.push(opcode, true, text, 8_192),
        }
        stream
    }

    fn push(&mut self, opcode: Opcode, fin: bool, payload: &[u8], more: u64) {
        let payload_len = payload.len() as u64 + more;
        Header { fin, reserved_bits: 0, opcode, masking_key: None, payload_len }.encode(&mut self.bytes);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        self.ends.extend(start + 1..=self.bytes.len());
    }
}

fn receive(
    connection: &mut Connection,
    mut input: &mut [u8],
    received: &mut Vec<u8>,
    ended: &mut bool,
) -> Result<(), PeerMisbehaved> {
    while let Some((event, _)) = connection.receive(&mut input, Timestamp::START)? {
        match event {
            Event::Text(text) => {
                received.extend_from_slice(text.as_bytes());
                *ended = true;
            }
            Event::Piece(piece) => {
                received.extend_from_slice(piece.bytes);
                *ended = piece.is_last;
            }
            Event::Binary(_) | Event::Ping(_) | Event::Pong(_) | Event::Closing { .. } => {
                panic!("text is taken for {event:?}")
            }
        }
    }
    Ok(())
}

/// A close reason is judged as a whole, once it is there.
fn close_reason(config: &CheckedConfig, choices: Choices<'_>) {
    let reason = choices.rest();
    let reason = &reason[..reason.len().min(123)];
    let payload_len = 2 + reason.len() as u64;
    let mut bytes = Vec::new();
    Header { fin: true, reserved_bits: 0, opcode: Opcode::Close, masking_key: None, payload_len }
        .encode(&mut bytes);
    bytes.extend_from_slice(&[0x03, 0xE8]);
    bytes.extend_from_slice(reason);
    let mut connection = Connection::client(config.clone(), MaskingKeys::new(|| [0; 4]), Timestamp::START);
    let mut input = &mut bytes[..];
    match (connection.receive(&mut input, Timestamp::START), std::str::from_utf8(reason)) {
        (Ok(Some((Event::Closing { reason, .. }, _))), Ok(expected)) => assert_eq!(reason, expected),
        (Err(PeerMisbehaved::InvalidUtf8), Err(_)) => {}
        (other, expected) => panic!("{other:?} of {expected:?}"),
    }
}

fn config(delivery: Delivery) -> CheckedConfig {
    Config { delivery, ..Config::default() }.checked().expect("the configuration is valid")
}
