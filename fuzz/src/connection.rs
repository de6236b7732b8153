use crate::choices::{Choices, chunk_lengths};
use crate::frames::{self, Compressed};
use crate::inflate::{End, inflate};
use crate::naive::{self, Rules, Seen, Takeover};
use realtime_ws::frame::Header;
use realtime_ws::{
    ApiMisuse, CheckedConfig, CloseCode, Config, Connection, DeflateConfig, Delivery, Event, MaskingKeys,
    MessageKind, NegotiatedDeflate, PeerMisbehaved, Piece, PreparedMessage, Role, Sender, Timestamp,
};

/// What a message or frame in progress may hold beyond its bytes.
const STATE_BYTES: usize = 256;
/// What one spare may add before as much has arrived.
const SPARE_BYTES: usize = 128 * 1024;
/// Shorter than some messages.
const LENT_BYTES: usize = 6_000;
/// What the most pongs that wait and a close frame take, in buffers that grow by doubling.
const CONTROL_BYTES: usize = 2 * 18 * 139;
/// What a piece of a compressed message takes.
const PIECE_BYTES: usize = 16 * 1024;
/// After so many cuts the rest goes in one piece: more of them are slow and tell nothing new.
const MAX_CUTS: usize = 300;
/// How much longer than its compressed form a message can be, at most.
const MAX_EXPANSION: usize = 1032;

/// A stream of bytes to either role, with compression or without: what is seen of it, and what is wrong with
/// it, is what a naive receiver says, at once and in chunks. Memory follows the bytes, the peer is told of
/// every error, and it receives all that was sent, in order.
pub fn connection(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let role = choices.one_of(&[Role::Server, Role::Client]);
    let config = Config {
        max_message_bytes: choices.one_of(&[1 << 20, 200, 60_000, usize::MAX]),
        max_fragments: choices.one_of(&[16_384, 3]),
        max_unsent_bytes: choices.one_of(&[1 << 20, 300]),
        keepalive: None,
        ..Config::default()
    };
    let delivery = choices.one_of(&[Delivery::Whole, Delivery::Pieces]);
    let seed = choices.byte();
    let reading = choices.one_of(&[Reading::Buffered, Reading::Direct, Reading::Lent]);
    let replies = choices.one_of(&[Replies::None, Replies::Echo, Replies::Close]);
    let deflate = deflate(&mut choices);
    let setting =
        Setting { role, config: Config { deflate: deflate.map(|(config, _)| config), ..config }, deflate };
    let peer = setting.of_the_peer().role;
    let stream = match (choices.byte() % 2, deflate) {
        (0, _) => choices.rest().to_vec(),
        (_, None) => frames::stream(choices, peer, Compressed::Never),
        (_, Some(_)) => frames::stream(choices, peer, Compressed::NowAndThen),
    };

    let (expected, error) = naive::receive(&setting.rules(), &stream);
    let at_once =
        Run::new(&setting, Replies::None).read(&stream, std::iter::repeat(usize::MAX), Reading::Buffered);
    assert_eq!(at_once.seen, expected);
    assert_eq!(at_once.error, error);
    let setting = Setting { config: Config { delivery, ..setting.config }, ..setting };
    let chunks = chunk_lengths(seed).take(MAX_CUTS).chain(std::iter::repeat(usize::MAX));
    let in_chunks = Run::new(&setting, replies).read(&stream, chunks, reading);
    assert_eq!(in_chunks.error, error);
    if replies != Replies::Close {
        assert_eq!(in_chunks.connection.closure(), at_once.connection.closure());
    }
    match delivery {
        Delivery::Whole => assert_eq!(in_chunks.seen, expected),
        Delivery::Pieces => assert_eq!(joined(&in_chunks.seen), expected),
    }
    at_once.finish(seed);
    in_chunks.finish(seed);
}

/// What was agreed on, and how messages are compressed; most streams are without.
fn deflate(choices: &mut Choices<'_>) -> Option<(DeflateConfig, NegotiatedDeflate)> {
    if choices.byte() % 3 != 1 {
        return None;
    }
    let takeover = choices.byte();
    let agreed = NegotiatedDeflate {
        outgoing_context_takeover: takeover & 1 == 1,
        incoming_context_takeover: takeover & 2 == 2,
        outgoing_window_bits: choices.in_range(8, 15),
        incoming_window_bits: choices.in_range(8, 15),
    };
    let config = DeflateConfig {
        outgoing_window_bits: choices.in_range(9, 15),
        level: choices.in_range(1, 9),
        memory_level: choices.in_range(1, 9),
        min_message_bytes: choices.one_of(&[0, 1, 40, 256]),
        ..DeflateConfig::default()
    };
    Some((config, agreed))
}

/// One side of a connection.
#[derive(Clone)]
struct Setting {
    role: Role,
    config: Config,
    deflate: Option<(DeflateConfig, NegotiatedDeflate)>,
}

impl Setting {
    fn rules(&self) -> Rules {
        let takeover = |(_, agreed): (_, NegotiatedDeflate)| {
            if agreed.incoming_context_takeover { Takeover::Context } else { Takeover::None }
        };
        Rules {
            role: self.role,
            max_message_bytes: self.config.max_message_bytes,
            max_fragments: self.config.max_fragments,
            deflate: self.deflate.map(takeover),
        }
    }

    /// The other side, which takes whatever comes.
    fn of_the_peer(&self) -> Self {
        let mirrored = |(config, agreed): (DeflateConfig, NegotiatedDeflate)| {
            let agreed = NegotiatedDeflate {
                outgoing_context_takeover: agreed.incoming_context_takeover,
                incoming_context_takeover: agreed.outgoing_context_takeover,
                outgoing_window_bits: agreed.incoming_window_bits,
                incoming_window_bits: agreed.outgoing_window_bits,
            };
            (config, agreed)
        };
        Self {
            role: match self.role {
                Role::Server => Role::Client,
                Role::Client => Role::Server,
            },
            config: Config {
                max_message_bytes: usize::MAX,
                max_fragments: u32::MAX,
                delivery: Delivery::Pieces, // a message may be cut off by a close frame
                ..Config::default()
            },
            deflate: self.deflate.map(mirrored),
        }
    }

    fn open(&self) -> Connection {
        let config = self.config.clone().checked().expect("the configuration is valid");
        let connection = open(self.role, config);
        match self.deflate {
            Some((_, agreed)) => connection.with_deflate(agreed),
            None => connection,
        }
    }

    /// The most that may be held when `arrived` bytes have come, beyond what waits to be written.
    fn max_received_bytes(&self, arrived: usize, reading: Reading) -> usize {
        let spare = match reading {
            Reading::Buffered => 0,
            Reading::Direct => SPARE_BYTES,
            Reading::Lent => SPARE_BYTES + LENT_BYTES,
        };
        let plain = STATE_BYTES + 4 * arrived + spare;
        let Some((config, agreed)) = self.deflate else { return plain };
        let message = match self.config.delivery {
            // One byte more than the message may have shows that it has too many.
            Delivery::Whole => {
                (2 * self.config.max_message_bytes.saturating_add(1).min(MAX_EXPANSION * arrived + 1024))
                    .max(1024)
            }
            Delivery::Pieces => PIECE_BYTES,
        };
        let window_bits = agreed.outgoing_window_bits.min(config.outgoing_window_bits);
        let outgoing = if agreed.outgoing_context_takeover {
            137_000 + (4 << window_bits) + (448 << config.memory_level)
        } else {
            0
        };
        plain + 47_680 + message + outgoing
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Buffered,
    Direct,
    /// Directly, into a buffer that is lent, and not an empty one.
    Lent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replies {
    None,
    Echo,
    Close,
}

struct Run {
    connection: Connection,
    setting: Setting,
    replies: Replies,
    seen: Vec<Seen>,
    /// The messages and pieces that were accepted for sending.
    sent: Vec<Seen>,
    error: Option<PeerMisbehaved>,
}

impl Run {
    fn new(setting: &Setting, replies: Replies) -> Self {
        let (connection, setting) = (setting.open(), setting.clone());
        Self { connection, setting, replies, seen: Vec::new(), sent: Vec::new(), error: None }
    }

    fn read(mut self, mut stream: &[u8], chunks: impl Iterator<Item = usize>, reading: Reading) -> Self {
        let mut arrived = 0;
        for chunk in chunks {
            if stream.is_empty() || self.error.is_some() {
                break;
            }
            let mut len = chunk.min(stream.len());
            if reading == Reading::Lent && self.connection.wants_message_buffer() {
                self.connection.lend_message_buffer(vec![0xAA; LENT_BYTES]);
            }
            let spare = if reading == Reading::Buffered { None } else { self.connection.spare() };
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
            self.connection.reclaim_message_buffer();
            let unsent = self.connection.unsent_bytes();
            let held = self.connection.held_bytes();
            let most = self.setting.max_received_bytes(arrived, reading) + CONTROL_BYTES + 2 * unsent;
            assert!(held <= most, "{held} bytes held of {most}: {arrived} arrived, {unsent} wait");
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
                    let seen = keep(&event);
                    // A refusal is one of the outcomes: the queue is full, or the connection closes.
                    if reply(self.replies, &event, sender).is_ok() && self.replies == Replies::Echo {
                        self.sent.push(seen.clone());
                    }
                    self.seen.push(seen);
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

    /// Writes all that waits, in chunks; the peer sees all that was sent, and is told of an error.
    fn finish(mut self, seed: u8) {
        let mut peer = Self::new(&self.setting.of_the_peer(), Replies::None);
        let mut all_written = Vec::new();
        for room in chunk_lengths(seed).take(MAX_CUTS).chain(std::iter::repeat(usize::MAX)) {
            if self.connection.unsent_bytes() == 0 {
                break;
            }
            let mut written = write(&mut self.connection, room);
            all_written.extend_from_slice(&written);
            peer.receive(&mut written);
            assert_eq!(peer.error, None, "the peer refuses what was written");
        }
        assert!(self.connection.poll_transmit(&mut [&[][..]]) == 0);
        assert_eq!(messages(&peer.seen), messages(&self.sent), "what was sent is received");
        if let Some((config, agreed)) = self.setting.deflate {
            let window_bits = agreed.outgoing_window_bits.min(config.outgoing_window_bits);
            assert_references_stay_within(1 << window_bits, agreed.outgoing_context_takeover, &all_written);
        }
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
        if self.setting.deflate.is_none() {
            assert_eq!(self.connection.held_bytes(), 0, "a finished connection holds nothing");
        }
    }
}

fn reply(replies: Replies, event: &Event<'_>, sender: &mut Sender) -> Result<(), ApiMisuse> {
    match (replies, *event) {
        (Replies::None, _) | (_, Event::Pong(_) | Event::Closing { .. }) => Ok(()),
        (Replies::Close, _) => sender.close(CloseCode::GOING_AWAY, "enough", Timestamp::START),
        (Replies::Echo, Event::Text(text)) => sender.send(text),
        (Replies::Echo, Event::Binary(bytes)) => sender.send_prepared(&PreparedMessage::new(bytes)),
        (Replies::Echo, Event::Piece(piece)) => sender.send_piece(piece),
        (Replies::Echo, Event::Ping(payload)) => sender.ping(payload),
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

fn messages(seen: &[Seen]) -> Vec<Seen> {
    let mut whole = joined(seen);
    whole.retain(|seen| matches!(seen, Seen::Text(_) | Seen::Binary(_)));
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

/// No compressed message of `stream` refers back farther than its receiver said that it remembers.
fn assert_references_stay_within(window_bytes: usize, takeover: bool, mut stream: &[u8]) {
    let mut history = Vec::new();
    while let Ok(Some((Header { reserved_bits, masking_key, payload_len, .. }, header_bytes))) =
        Header::decode(stream)
    {
        let (payload, rest) = stream[header_bytes..].split_at(payload_len as usize);
        stream = rest;
        if reserved_bits != 0 {
            let mut payload = naive::mask(masking_key.unwrap_or_default(), payload);
            payload.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
            let inflated = inflate(&payload, &history, usize::MAX);
            assert_eq!(inflated.end, End::Block, "a compressed message is whole");
            assert!(inflated.farthest <= window_bytes, "{} bytes back", inflated.farthest);
            if takeover {
                history = inflated.history;
            }
        }
    }
}
