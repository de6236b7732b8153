use crate::choices::{Choices, chunk_lengths};
use realtime_ws::{
    CheckedConfig, CloseCode, Config, Connection, Delivery, Event, MaskingKeys, MessageKind, PeerMisbehaved,
    Piece, PreparedMessage, Role, Timestamp,
};

/// What a message or frame in progress may hold beyond its bytes.
const STATE_BYTES: usize = 256;
/// What one spare may add before as much has arrived.
const SPARE_BYTES: usize = 128 * 1024;
/// What the most pongs that wait and a close frame take, in buffers that grow by doubling.
const CONTROL_BYTES: usize = 2 * 18 * 139;

/// A stream of bytes to either role, at once and in chunks: the events, the error and the end are the same,
/// memory follows the bytes, the peer is told of every error, and accepts all that is written.
pub fn connection(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let role = choices.one_of(&[Role::Server, Role::Client]);
    let config = Config {
        max_message_bytes: choices.one_of(&[1 << 20, 200, usize::MAX]),
        max_fragments: choices.one_of(&[16_384, 3]),
        max_unsent_bytes: choices.one_of(&[1 << 20, 300]),
        keepalive: None,
        ..Config::default()
    };
    let delivery = choices.one_of(&[Delivery::Whole, Delivery::Pieces]);
    let seed = choices.byte();
    let reading = choices.one_of(&[Reading::Buffered, Reading::Direct]);
    let replies = choices.one_of(&[Replies::None, Replies::Echo, Replies::Close]);
    let stream = choices.rest();

    let at_once =
        Run::new(role, &config, Replies::None).read(stream, std::iter::repeat(usize::MAX), Reading::Buffered);
    let config = Config { delivery, ..config };
    let in_chunks = Run::new(role, &config, replies).read(stream, chunk_lengths(seed), reading);
    assert_eq!(in_chunks.error, at_once.error);
    if replies != Replies::Close {
        assert_eq!(in_chunks.connection.closure(), at_once.connection.closure());
    }
    match delivery {
        Delivery::Whole => assert_eq!(in_chunks.seen, at_once.seen),
        Delivery::Pieces => assert_eq!(joined(&in_chunks.seen), at_once.seen),
    }
    at_once.finish(seed);
    in_chunks.finish(seed);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Buffered,
    Direct,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replies {
    None,
    Echo,
    Close,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Piece(MessageKind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closing(Option<u16>, String),
}

struct Run {
    connection: Connection,
    role: Role,
    replies: Replies,
    seen: Vec<Seen>,
    error: Option<PeerMisbehaved>,
}

impl Run {
    fn new(role: Role, config: &Config, replies: Replies) -> Self {
        let connection = open(role, config.clone().checked().expect("the configuration is valid"));
        Self { connection, role, replies, seen: Vec::new(), error: None }
    }

    fn read(mut self, mut stream: &[u8], chunks: impl Iterator<Item = usize>, reading: Reading) -> Self {
        let mut arrived = 0;
        for chunk in chunks {
            if stream.is_empty() || self.error.is_some() {
                break;
            }
            let mut len = chunk.min(stream.len());
            let spare = if reading == Reading::Direct { self.connection.spare() } else { None };
            let mut buffered = Vec::new();
            if let Some(spare) = spare {
                len = len.min(spare.len());
                spare[..len].copy_from_slice(&stream[..len]);
                self.connection.filled(len, Timestamp::START);
            } else {
                buffered.extend_from_slice(&stream[..len]);
            }
            stream = &stream[len..];
            arrived += len;
            self.receive(&mut buffered);
            let unsent = self.connection.unsent_bytes();
            let held = self.connection.held_bytes();
            let received =
                STATE_BYTES + 4 * arrived + if reading == Reading::Direct { SPARE_BYTES } else { 0 };
            assert!(
                held <= received + CONTROL_BYTES + 2 * unsent,
                "{held} bytes held: {arrived} arrived, {unsent} wait"
            );
            if self.replies == Replies::None {
                assert!(unsent <= CONTROL_BYTES, "{unsent} bytes wait, though nothing was sent");
            }
        }
        self
    }

    fn receive(&mut self, bytes: &mut [u8]) {
        let mut input = bytes;
        loop {
            match self.connection.receive(&mut input, Timestamp::START) {
                Ok(None) => {
                    assert!(input.is_empty(), "bytes are left over");
                    return;
                }
                Ok(Some((event, sender))) => {
                    assert!(!matches!(self.seen.last(), Some(Seen::Closing(..))), "{event:?} after a close");
                    self.seen.push(keep(&event));
                    // A refusal is one of the outcomes: the queue is full, or the connection closes.
                    let _ = match (self.replies, event) {
                        (Replies::None, _) | (_, Event::Pong(_) | Event::Closing { .. }) => Ok(()),
                        (Replies::Close, _) => {
                            sender.close(CloseCode::GOING_AWAY, "enough", Timestamp::START)
                        }
                        (Replies::Echo, Event::Text(text)) => sender.send(text),
                        (Replies::Echo, Event::Binary(bytes)) => {
                            sender.send_prepared(&PreparedMessage::new(bytes))
                        }
                        (Replies::Echo, Event::Piece(piece)) => sender.send_piece(piece),
                        (Replies::Echo, Event::Ping(payload)) => sender.ping(payload),
                    };
                }
                Err(misbehaved) => {
                    assert!(input.is_empty(), "bytes are left over after a failure");
                    self.error = Some(misbehaved);
                    let again = self.connection.receive(&mut &mut [][..], Timestamp::START);
                    assert_eq!(again.map(drop), Err(misbehaved), "the same error comes back");
                    return;
                }
            }
        }
    }

    /// Writes all that waits, in chunks; the peer accepts it, and is told of an error.
    fn finish(mut self, seed: u8) {
        let other = match self.role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        let unlimited = Config {
            max_message_bytes: usize::MAX,
            max_fragments: u32::MAX,
            delivery: Delivery::Pieces, // a message may be cut off by a close frame
            ..Config::default()
        };
        let mut peer = Self::new(other, &unlimited, Replies::None);
        for room in chunk_lengths(seed) {
            if self.connection.unsent_bytes() == 0 {
                break;
            }
            let mut written = write(&mut self.connection, room);
            peer.receive(&mut written);
            assert_eq!(peer.error, None, "the peer refuses what was written");
        }
        assert!(self.connection.poll_transmit(&mut [&[][..]]) == 0);
        if let Some(misbehaved) = self.error {
            let told = Seen::Closing(Some(misbehaved.close_code().get()), misbehaved.to_string());
            match self.replies {
                Replies::None | Replies::Echo => assert_eq!(peer.seen.last(), Some(&told)),
                Replies::Close => assert!(matches!(peer.seen.last(), Some(Seen::Closing(..)))),
            }
            assert!(self.connection.is_finished());
        }
        self.receive(&mut []);
        self.connection.receive_eof();
        assert!(self.connection.is_finished());
        assert!(self.connection.closure().is_some());
        assert_eq!(self.connection.held_bytes(), 0, "a finished connection holds nothing");
    }
}

fn open(role: Role, config: CheckedConfig) -> Connection {
    match role {
        Role::Server => Connection::server(config, Timestamp::START),
        Role::Client => {
            let mut key = 0u32;
            let draw = move || {
                key = key.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
                key.to_be_bytes()
            };
            Connection::client(config, MaskingKeys::new(draw), Timestamp::START)
        }
    }
}

fn keep(event: &Event<'_>) -> Seen {
    match *event {
        Event::Text(text) => Seen::Text(text.into()),
        Event::Binary(bytes) => Seen::Binary(bytes.into()),
        Event::Piece(Piece { kind, bytes, is_last }) => Seen::Piece(kind, bytes.into(), is_last),
        Event::Ping(payload) => Seen::Ping(payload.into()),
        Event::Pong(payload) => Seen::Pong(payload.into()),
        Event::Closing { code, reason } => Seen::Closing(code.map(CloseCode::get), reason.into()),
    }
}

/// The pieces of each message joined, as they would come whole. Those of a message that has no end are left
/// out.
fn joined(seen: &[Seen]) -> Vec<Seen> {
    let (mut whole, mut message) = (Vec::new(), Vec::new());
    for event in seen {
        match event {
            Seen::Piece(kind, bytes, is_last) => {
                message.extend_from_slice(bytes);
                if *is_last {
                    let bytes = std::mem::take(&mut message);
                    whole.push(match kind {
                        MessageKind::Text => Seen::Text(String::from_utf8(bytes).expect("text is UTF-8")),
                        MessageKind::Binary => Seen::Binary(bytes),
                    });
                }
            }
            Seen::Text(_) | Seen::Binary(_) | Seen::Ping(_) | Seen::Pong(_) | Seen::Closing(..) => {
                whole.push(event.clone());
            }
        }
    }
    whole
}

/// Writes into a socket that takes up to `room` bytes.
fn write(connection: &mut Connection, room: usize) -> Vec<u8> {
    let mut slices = [&[][..]; 3];
    let filled = connection.poll_transmit(&mut slices);
    let mut written = slices[..filled].concat();
    written.truncate(room);
    connection.transmitted(written.len());
    written
}
