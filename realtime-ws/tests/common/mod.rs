//! The vocabulary of the behaviour tests: a peer's frames, and an end of a connection that receives them.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of the vocabulary")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(feature = "deflate")]
pub mod inflate;

use realtime_ws::{
    CheckedConfig, CloseCode, Config, Connection, Delivery, Event, MaskingKeys, MessageKind, PeerMisbehaved,
    Piece, Role, Timestamp,
};
use std::time::Duration;

pub const ROLES: [Role; 2] = [Role::Server, Role::Client];

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

pub const NO_REASON: &str = "";

/// The longest message that a header can declare and this machine could hold.
pub const LONGEST_MESSAGE: u64 = if usize::BITS == 64 { 1 << 62 } else { 1 << 30 };

/// A frame, legal or not, as RFC 6455 §5.2 draws it. Its bytes are made and read here, by the letter and
/// without the crate's own code, so that the two check each other.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    pub fin: bool,
    pub reserved_bits: u8,
    pub opcode: u8,
    pub payload: Vec<u8>,
}

pub fn frame(opcode: u8, payload: impl AsRef<[u8]>) -> Frame {
    Frame { fin: true, reserved_bits: 0, opcode, payload: payload.as_ref().to_vec() }
}

pub fn text(payload: impl AsRef<[u8]>) -> Frame {
    frame(TEXT, payload)
}

pub fn binary(payload: impl AsRef<[u8]>) -> Frame {
    frame(BINARY, payload)
}

pub fn ping(payload: impl AsRef<[u8]>) -> Frame {
    frame(PING, payload)
}

pub fn pong(payload: impl AsRef<[u8]>) -> Frame {
    frame(PONG, payload)
}

pub fn close(code: u16, reason: &str) -> Frame {
    frame(CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// The last fragment of a message; `.unfinished()` makes it one in the middle.
pub fn continuation(payload: impl AsRef<[u8]>) -> Frame {
    frame(CONTINUATION, payload)
}

impl Frame {
    pub fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    pub fn with_reserved_bits(self, reserved_bits: u8) -> Self {
        Self { reserved_bits, ..self }
    }

    /// As the peer of `role` sends it: to a server masked, to a client not.
    pub fn to(&self, role: Role) -> Vec<u8> {
        match role {
            Role::Server => self.masked([0x37, 0xfa, 0x21, 0x3d]),
            Role::Client => self.unmasked(),
        }
    }

    pub fn unmasked(&self) -> Vec<u8> {
        let mut bytes = header(self.fin, self.reserved_bits, self.opcode, self.payload.len() as u64);
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    pub fn masked(&self, key: [u8; 4]) -> Vec<u8> {
        let mut bytes = header(self.fin, self.reserved_bits, self.opcode, self.payload.len() as u64);
        bytes[1] |= 0x80;
        bytes.extend_from_slice(&key);
        bytes.extend(self.payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
        bytes
    }

    /// The frame at the front of `wire`, taken off it, and whether it was masked.
    fn take(wire: &mut &[u8]) -> (Self, bool) {
        let (first, second) = (wire[0], wire[1]);
        let (len, at) = match second & 0x7F {
            126 => (usize::from(u16::from_be_bytes(wire[2..4].try_into().unwrap())), 4),
            127 => (u64::from_be_bytes(wire[2..10].try_into().unwrap()) as usize, 10),
            len => (usize::from(len), 2),
        };
        let is_masked = second & 0x80 != 0;
        let (key, at) = if is_masked { (wire[at..at + 4].to_vec(), at + 4) } else { (vec![0; 4], at) };
        let payload = wire[at..at + len].iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
        *wire = &wire[at + len..];
        let (fin, reserved_bits, opcode) = (first & 0x80 != 0, (first & 0x70) >> 4, first & 0x0F);
        (Self { fin, reserved_bits, opcode, payload }, is_masked)
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (shown, rest) = self.payload.split_at(self.payload.len().min(32));
        let fin = if self.fin { "" } else { ", unfinished" };
        let more = if rest.is_empty() { "" } else { "…" };
        write!(
            f,
            "frame({:#x}, {} bytes \"{}{more}\"{fin})",
            self.opcode,
            self.payload.len(),
            shown.escape_ascii()
        )
    }
}

/// The header without a mask, its length in the shortest form.
pub fn header(fin: bool, reserved_bits: u8, opcode: u8, payload_len: u64) -> Vec<u8> {
    let mut bytes = vec![u8::from(fin) << 7 | reserved_bits << 4 | opcode];
    match payload_len {
        0..=125 => bytes.push(payload_len as u8),
        126..=0xFFFF => {
            bytes.push(126);
            bytes.extend_from_slice(&(payload_len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend_from_slice(&payload_len.to_be_bytes());
        }
    }
    bytes
}

/// The header of a frame to `role` that declares `payload_len` bytes; with a mask of zeros, where one is
/// needed, so that the payload may follow as it is.
pub fn header_to(role: Role, fin: bool, opcode: u8, payload_len: u64) -> Vec<u8> {
    let mut bytes = header(fin, 0, opcode, payload_len);
    if role == Role::Server {
        bytes[1] |= 0x80;
        bytes.extend_from_slice(&[0; 4]);
    }
    bytes
}

/// The frames one after another, as the peer of `role` sends them.
pub fn stream(role: Role, frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.to(role)).collect()
}

/// An event, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Piece { kind: MessageKind, bytes: Vec<u8>, is_last: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closing(Option<u16>, String),
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into()),
            Event::Binary(bytes) => Self::Binary(bytes.into()),
            Event::Piece(Piece { kind, bytes, is_last }) => {
                Self::Piece { kind, bytes: bytes.into(), is_last }
            }
            Event::Ping(payload) => Self::Ping(payload.into()),
            Event::Pong(payload) => Self::Pong(payload.into()),
            Event::Closing { code, reason } => Self::Closing(code.map(CloseCode::get), reason.into()),
        }
    }
}

pub fn sees_text(text: &str) -> Seen {
    Seen::Text(text.into())
}

pub fn sees_binary(bytes: impl AsRef<[u8]>) -> Seen {
    Seen::Binary(bytes.as_ref().into())
}

pub fn sees_ping(payload: impl AsRef<[u8]>) -> Seen {
    Seen::Ping(payload.as_ref().into())
}

pub fn sees_pong(payload: impl AsRef<[u8]>) -> Seen {
    Seen::Pong(payload.as_ref().into())
}

pub fn sees_close(code: u16, reason: &str) -> Seen {
    Seen::Closing(Some(code), reason.into())
}

/// How bytes come out of the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Always into the caller's buffer.
    Buffered,
    /// Into the connection's spare where it offers one.
    Direct,
    /// As that, with a buffer lent for large messages.
    Lent,
}

/// One end of a connection under test, with a clock of its own.
pub struct End {
    pub connection: Connection,
    pub role: Role,
    pub now: Timestamp,
    /// Lent for large messages.
    pub buffer: Vec<u8>,
}

/// Runs the test as a server, then as a client.
pub fn as_both_roles(test: impl Fn(End)) {
    as_both_roles_with(Config::default(), test);
}

pub fn as_both_roles_with(config: Config, test: impl Fn(End)) {
    for role in ROLES {
        test(End::with(role, config.clone()));
    }
}

pub fn unlimited() -> Config {
    Config { max_message_bytes: usize::MAX, max_fragments: u32::MAX, ..Config::default() }
}

pub fn in_pieces() -> Config {
    Config { delivery: Delivery::Pieces, ..Config::default() }
}

impl End {
    pub fn new(role: Role) -> Self {
        Self::with(role, Config::default())
    }

    pub fn with(role: Role, config: Config) -> Self {
        let config: CheckedConfig = config.checked().unwrap();
        let connection = match role {
            Role::Server => Connection::server(config, Timestamp::START),
            Role::Client => {
                let mut key = 0x9E37_79B9u32; // tests are not attacked: counting is unpredictable enough
                let draw = move || {
                    key = key.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
                    key.to_be_bytes()
                };
                Connection::client(config, MaskingKeys::new(draw), Timestamp::START)
            }
        };
        Self { connection, role, now: Timestamp::START, buffer: Vec::new() }
    }

    /// Receives `bytes` at once: the events, and the error that ended them.
    pub fn try_receive(&mut self, bytes: &[u8]) -> (Vec<Seen>, Option<PeerMisbehaved>) {
        let mut scratch = bytes.to_vec();
        let mut input = &mut scratch[..];
        let mut seen = Vec::new();
        loop {
            match self.connection.receive(&mut input, self.now) {
                Ok(Some((event, _))) => seen.push(event.into()),
                Ok(None) => {
                    assert!(input.is_empty(), "{} bytes of input are left over", input.len());
                    return (seen, None);
                }
                Err(misbehaved) => return (seen, Some(misbehaved)),
            }
        }
    }

    /// Receives `bytes` in chunks of the lengths that `chunks` gives; what is left after the last comes at
    /// once.
    pub fn try_receive_in_chunks(
        &mut self,
        mut bytes: &[u8],
        chunks: impl IntoIterator<Item = usize>,
        reading: Reading,
    ) -> (Vec<Seen>, Option<PeerMisbehaved>) {
        let mut seen = Vec::new();
        let mut chunks = chunks.into_iter();
        while !bytes.is_empty() {
            let mut len = chunks.next().unwrap_or(bytes.len()).min(bytes.len());
            if reading == Reading::Lent && self.connection.wants_message_buffer() {
                self.connection.lend_message_buffer(std::mem::take(&mut self.buffer));
            }
            let spare = if reading == Reading::Buffered { None } else { self.connection.spare() };
            let read = if let Some(spare) = spare {
                len = len.min(spare.len());
                spare[..len].copy_from_slice(&bytes[..len]);
                self.connection.filled(len, self.now);
                &[]
            } else {
                &bytes[..len]
            };
            bytes = &bytes[len..];
            let (events, error) = self.try_receive(read);
            if let Some(buffer) = self.connection.reclaim_message_buffer() {
                self.buffer = buffer;
            }
            seen.extend(events);
            if error.is_some() {
                return (seen, error);
            }
        }
        (seen, None)
    }

    /// Receives the frames, which must be to its liking.
    #[track_caller]
    pub fn receives(&mut self, frames: &[Frame]) -> Vec<Seen> {
        let (seen, error) = self.try_receive(&stream(self.role, frames));
        assert_eq!(error, None, "{:?} refuses {frames:?}", self.role);
        seen
    }

    /// Receives bytes that it must fail the connection for; checks that the peer is told, that no event
    /// came of them, and that there is no way back.
    #[track_caller]
    pub fn refuses_bytes(&mut self, bytes: &[u8]) -> PeerMisbehaved {
        let (seen, error) = self.try_receive(bytes);
        assert_eq!(seen, [], "{:?} surfaces events before it fails", self.role);
        let Some(misbehaved) = error else { panic!("{:?} accepts {:x?}", self.role, bytes) };
        assert_eq!(self.try_receive(&text("more").to(self.role)), (vec![], Some(misbehaved)));
        let expected = close(misbehaved.close_code().get(), &misbehaved.to_string());
        assert_eq!(self.writes().last(), Some(&expected), "{:?} must tell the peer", self.role);
        assert!(self.connection.is_finished(), "{:?} waits for more after failing", self.role);
        assert_eq!(self.connection.closure().map(|closure| closure.code), Some(misbehaved.close_code()));
        assert_eq!(self.connection.held_bytes(), 0);
        misbehaved
    }

    /// As [`refuses_bytes`](Self::refuses_bytes), with frames.
    #[track_caller]
    pub fn refuses(&mut self, frames: &[Frame]) -> PeerMisbehaved {
        self.refuses_bytes(&stream(self.role, frames))
    }

    /// Writes all that waits, and gives the frames; each masked if and only if a client sends it.
    #[track_caller]
    pub fn writes(&mut self) -> Vec<Frame> {
        let wire = self.writes_bytes(usize::MAX);
        frames_from(self.role, &wire)
    }

    /// Writes up to `room` bytes into a socket that takes no more.
    pub fn writes_bytes(&mut self, room: usize) -> Vec<u8> {
        let mut wire = Vec::new();
        while wire.len() < room {
            let mut slices = [&[][..]; 4];
            let filled = self.connection.poll_transmit(&mut slices);
            if filled == 0 {
                break;
            }
            let before = wire.len();
            for slice in &slices[..filled] {
                assert!(!slice.is_empty(), "an empty slice is not worth a place");
                wire.extend_from_slice(&slice[..slice.len().min(room - wire.len())]);
            }
            self.connection.transmitted(wire.len() - before);
        }
        wire
    }

    pub fn passes(&mut self, time: Duration) {
        self.now = self.now + time;
        self.connection.handle_timeout(self.now);
    }

    /// Goes to the moment that `poll_timeout` names, and does what is due.
    #[track_caller]
    pub fn passes_to_timeout(&mut self) -> Timestamp {
        let Some(due) = self.connection.poll_timeout() else { panic!("nothing is due") };
        self.now = self.now.max(due);
        self.connection.handle_timeout(self.now);
        due
    }

    #[track_caller]
    pub fn closes(&mut self, code: u16, reason: &str) {
        let Some(code) = CloseCode::new(code) else { panic!("{code} is no code to send") };
        assert_eq!(self.connection.close(code, reason, self.now), Ok(()));
    }

    /// The code and cleanness of the end.
    #[track_caller]
    pub fn closure(&self) -> (u16, bool) {
        let Some(closure) = self.connection.closure() else { panic!("{:?} has not ended", self.role) };
        (closure.code.get(), closure.was_clean)
    }
}

/// The frames in what an end in `role` wrote.
#[track_caller]
pub fn frames_from(role: Role, mut wire: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !wire.is_empty() {
        let (frame, is_masked) = Frame::take(&mut wire);
        assert_eq!(is_masked, role == Role::Client, "{frame:?} from a {role:?}");
        frames.push(frame);
    }
    frames
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
