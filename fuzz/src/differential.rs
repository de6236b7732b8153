use crate::choices::{Choices, chunk_lengths};
use crate::frames::{self, Compressed};
use crate::naive::Seen;
use realtime_ws::{CheckedConfig, Config, Connection, Event, MaskingKeys, PeerMisbehaved, Role, Timestamp};
use std::io::{self, Read, Write};
use std::sync::LazyLock;
use tungstenite::protocol::{Message, WebSocket, WebSocketConfig};

/// The limit of both; tungstenite sets aside what a header declares below it.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// What tungstenite may do otherwise. Nothing else is tolerated.
const DIFFERENCES: [Difference; 5] = [
    Difference {
        what: "a length in a longer form than it needs is taken",
        why: "RFC 6455 §5.2 demands the fewest bytes, and a top bit of 0; such a length is 1009 there",
        applies: |ours, _| ours.misbehaved == Some(PeerMisbehaved::BadLengthEncoding),
    },
    Difference {
        what: "a control frame may have its length of 0 to 125 in a longer form",
        why: "RFC 6455 §5.5: such a length has no other form than seven bits (§5.2), so the form is judged",
        applies: |ours, _| ours.misbehaved == Some(PeerMisbehaved::ControlFrameTooLong),
    },
    Difference {
        what: "a close code that may not be sent is reported as 1002",
        why: "RFC 6455 §7.4.2: it is a protocol error, which ours reports as one; 1002 goes out either way",
        applies: |ours, theirs| {
            matches!(ours.misbehaved, Some(PeerMisbehaved::InvalidCloseCode(_)))
                && theirs.end == End::closed(1002, "Protocol violation")
        },
    },
    Difference {
        what: "1014 may not be sent",
        why: "the registry of RFC 6455 §11.7 has it",
        applies: |ours, theirs| {
            matches!(ours.end, End::Closed(Some(1014), _))
                && theirs.end == End::closed(1002, "Protocol violation")
        },
    },
    Difference {
        what: "of several faults in one frame, another one counts: length and reason before the rest",
        why: "RFC 6455 §7.1.7 fails the connection for any of them, and names no order",
        applies: |ours, theirs| {
            let is_protocol_error = ours.end == End::Refused(1002);
            let is_code = matches!(ours.misbehaved, Some(PeerMisbehaved::InvalidCloseCode(_)));
            is_protocol_error
                && (theirs.end == End::Refused(1009) || is_code && theirs.end == End::Refused(1007))
        },
    },
];

static CONFIG: LazyLock<CheckedConfig> = LazyLock::new(|| {
    let config = Config {
        max_message_bytes: MAX_MESSAGE_BYTES,
        max_fragments: u32::MAX, // tungstenite has no such limit
        keepalive: None,
        ..Config::default()
    };
    config.checked().expect("the configuration is valid")
});

/// A stream that both this and tungstenite read, in either role: the same messages in the same order, and the
/// same verdict with the same close code. What is answered, tungstenite's other side understands.
pub fn differential(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (role, peer) = choices.one_of(&[(Role::Server, Role::Client), (Role::Client, Role::Server)]);
    let seed = choices.byte();
    let is_raw = choices.byte() % 8 == 7;
    let stream =
        if is_raw { choices.rest().to_vec() } else { frames::stream(choices, peer, Compressed::Never) };

    let (ours, answers) = read_with_ours(role, &stream, seed);
    let mut theirs = read_with_theirs(role, &stream, seed);
    if ours.misbehaved.is_some() && theirs.end == End::Waiting {
        // Ours fails at the first bad byte (§7.1.7, §8.1), tungstenite when the frame is there.
        theirs = read_with_theirs(role, &with_its_frame_complete(&stream), seed);
    }
    let is_same = ours.seen == theirs.seen && ours.end == theirs.end;
    let is_allowed =
        |difference: &Difference| theirs.seen.starts_with(&ours.seen) && (difference.applies)(&ours, &theirs);
    if !is_same && !DIFFERENCES.iter().any(is_allowed) {
        let known = DIFFERENCES.map(|Difference { what, why, .. }| format!("- {what}: {why}")).join("\n");
        panic!("{ours:?}\nbut of tungstenite {theirs:?}\nwhich is none of the known differences:\n{known}");
    }

    let understood = read_with_theirs(peer, &answers, seed);
    let expected = match (&ours.end, ours.misbehaved) {
        (End::Closed(Some(1014), _), _) => End::closed(1002, "Protocol violation"), // the difference above
        (End::Closed(code, _), _) => End::Closed(*code, String::new()),
        (End::Refused(code), Some(misbehaved)) => End::closed(*code, &misbehaved.to_string()),
        (End::Refused(_) | End::Waiting, _) => End::Waiting,
    };
    assert_eq!(understood.end, expected);
    assert_eq!(messages(&understood.seen), messages(&ours.seen), "echoed");
}

#[derive(Debug)]
struct Reading {
    seen: Vec<Seen>,
    end: End,
    /// Why ours refused it.
    misbehaved: Option<PeerMisbehaved>,
}

/// How a stream ends for its reader.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Waiting,
    Closed(Option<u16>, String),
    /// With this close code.
    Refused(u16),
}

struct Difference {
    what: &'static str,
    why: &'static str,
    applies: fn(&Reading, &Reading) -> bool,
}

impl End {
    fn closed(code: u16, reason: &str) -> Self {
        Self::Closed(Some(code), reason.into())
    }
}

/// What ours makes of it, and what it writes, which is an echo.
fn read_with_ours(role: Role, stream: &[u8], seed: u8) -> (Reading, Vec<u8>) {
    let mut connection = match role {
        Role::Server => Connection::server(CONFIG.clone(), Timestamp::START),
        Role::Client => {
            let keys = MaskingKeys::new(|| [0x5A, 0xC3, 0x0F, 0x81]);
            Connection::client(CONFIG.clone(), keys, Timestamp::START)
        }
    };
    let mut stream = stream.to_vec();
    let mut unread = &mut stream[..];
    let mut reading = Reading { seen: Vec::new(), end: End::Waiting, misbehaved: None };
    for len in chunk_lengths(seed).take(300).chain([usize::MAX]) {
        let (chunk, rest) = unread.split_at_mut(len.min(unread.len()));
        unread = rest;
        if let Err(misbehaved) = echo(&mut connection, chunk, &mut reading) {
            reading.end = End::Refused(misbehaved.close_code().get());
            reading.misbehaved = Some(misbehaved);
            break;
        }
    }
    let mut answers = Vec::new();
    loop {
        let mut slices = [&[][..]; 8];
        let filled = connection.poll_transmit(&mut slices);
        let written = slices[..filled].concat();
        if written.is_empty() {
            return (reading, answers);
        }
        answers.extend_from_slice(&written);
        connection.transmitted(written.len());
    }
}

fn echo(
    connection: &mut Connection,
    mut input: &mut [u8],
    reading: &mut Reading,
) -> Result<(), PeerMisbehaved> {
    while let Some((event, sender)) = connection.receive(&mut input, Timestamp::START)? {
        match event {
            Event::Text(text) => {
                sender.send(text).expect("there is room");
                reading.seen.push(Seen::Text(text.into()));
            }
            Event::Binary(bytes) => {
                sender.send(bytes).expect("there is room");
                reading.seen.push(Seen::Binary(bytes.into()));
            }
            Event::Ping(payload) => reading.seen.push(Seen::Ping(payload.into())),
            Event::Pong(payload) => reading.seen.push(Seen::Pong(payload.into())),
            Event::Closing { code, reason } => {
                reading.end = End::Closed(code.map(|code| code.get()), reason.into());
            }
            Event::Piece(_) => panic!("messages are to come whole"),
        }
    }
    Ok(())
}

fn read_with_theirs(role: Role, stream: &[u8], seed: u8) -> Reading {
    let role = match role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let socket = Socket { unread: stream, lengths: chunk_lengths(seed) };
    let mut socket = WebSocket::from_raw_socket(socket, role, Some(config));
    let mut seen = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(Message::Text(text)) => seen.push(Seen::Text(text.as_str().into())),
            Ok(Message::Binary(bytes)) => seen.push(Seen::Binary(bytes.into())),
            Ok(Message::Ping(payload)) => seen.push(Seen::Ping(payload.into())),
            Ok(Message::Pong(payload)) => seen.push(Seen::Pong(payload.into())),
            Ok(Message::Close(None)) => break End::Closed(None, String::new()),
            Ok(Message::Close(Some(close))) => break End::closed(close.code.into(), &close.reason),
            Ok(Message::Frame(frame)) => panic!("{frame:?} is only written"),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                break End::Waiting;
            }
            Err(tungstenite::Error::Protocol(_)) => break End::Refused(1002),
            Err(tungstenite::Error::Utf8(_)) => break End::Refused(1007),
            Err(tungstenite::Error::Capacity(_)) => break End::Refused(1009),
            Err(other) => panic!("tungstenite: {other:?}"),
        }
    };
    Reading { seen, end, misbehaved: None }
}

/// `stream`, and zeros for what its last frame lacks.
fn with_its_frame_complete(stream: &[u8]) -> Vec<u8> {
    let mut stream = stream.to_vec();
    let mut at = 0;
    while at < stream.len() {
        let byte = |at: usize, stream: &[u8]| stream.get(at).copied().unwrap_or_default();
        let second = byte(at + 1, &stream);
        let length_bytes = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mut len = u64::from(second & 0x7F);
        if length_bytes > 0 {
            len = (0..length_bytes).fold(0, |len, i| len << 8 | u64::from(byte(at + 2 + i, &stream)));
        }
        let key_bytes = if second & 0x80 == 0 { 0 } else { 4 };
        at += 2 + length_bytes + key_bytes;
        if stream.len() < at {
            stream.resize(at, 0);
        }
        if len > MAX_MESSAGE_BYTES as u64 {
            break; // refused for that
        }
        at += len as usize;
    }
    stream.resize(stream.len().max(at), 0);
    stream
}

fn messages(seen: &[Seen]) -> Vec<&Seen> {
    seen.iter().filter(|seen| matches!(seen, Seen::Text(_) | Seen::Binary(_))).collect()
}

/// Gives a stream in chunks, and takes whatever is written.
struct Socket<'a, L> {
    unread: &'a [u8],
    lengths: L,
}

impl<L: Iterator<Item = usize>> Read for Socket<'_, L> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = self.lengths.next().unwrap_or(usize::MAX).min(self.unread.len()).min(buffer.len());
        let (now, later) = self.unread.split_at(len);
        buffer[..len].copy_from_slice(now);
        self.unread = later;
        Ok(len)
    }
}

impl<L> Write for Socket<'_, L> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
