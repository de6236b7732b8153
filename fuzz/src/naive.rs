//! RFC 6455 and RFC 7692 taken literally: what a receiver must make of a stream, all of which is there.

use crate::inflate::{End, inflate};
use realtime_ws::frame::Header;
use realtime_ws::{MessageKind, Opcode, PeerMisbehaved, Role};

/// What a receiver saw, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Piece(MessageKind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closing(Option<u16>, String),
}

pub(crate) struct Rules {
    pub(crate) role: Role,
    pub(crate) max_message_bytes: usize,
    pub(crate) max_fragments: u32,
    /// Whether messages may come compressed; if so, whether they may refer to earlier ones.
    pub(crate) deflate: Option<Takeover>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takeover {
    None,
    Context,
}

/// What is seen of `stream`, and what is wrong with it.
pub(crate) fn receive(rules: &Rules, stream: &[u8]) -> (Vec<Seen>, Option<PeerMisbehaved>) {
    let mut receiver = Receiver { rules, rest: stream, seen: Vec::new(), message: None, history: Vec::new() };
    let error = receiver.run().err();
    (receiver.seen, error)
}

/// The header at the start of `bytes`, bit by bit (RFC 6455 §5.2).
pub(crate) fn header(bytes: &[u8]) -> Result<Option<(Header, usize)>, PeerMisbehaved> {
    if bytes.len() < 2 {
        return Ok(None);
    }
    let bit = |byte: usize, place: u8| bytes[byte] >> (7 - place) & 1 == 1;
    let opcode = match bytes[0] % 16 {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        reserved => return Err(PeerMisbehaved::ReservedOpcode(reserved)),
    };
    let (is_control, short) = (bytes[0] % 16 >= 8, bytes[1] % 128);
    if is_control && !bit(0, 0) {
        return Err(PeerMisbehaved::FragmentedControlFrame);
    }
    if is_control && short > 125 {
        return Err(PeerMisbehaved::ControlFrameTooLong);
    }
    let (length_bytes, least) = match short {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    if bytes.len() < 2 + length_bytes {
        return Ok(None);
    }
    let length =
        bytes[2..2 + length_bytes].iter().fold(0u128, |length, byte| 256 * length + u128::from(*byte));
    if length < least || length >= 1 << 63 {
        return Err(PeerMisbehaved::BadLengthEncoding);
    }
    let payload_len = if length_bytes == 0 { short.into() } else { length as u64 };
    let key_bytes = if bit(1, 0) { 4 } else { 0 };
    let end = 2 + length_bytes + key_bytes;
    if bytes.len() < end {
        return Ok(None);
    }
    let masking_key = bit(1, 0).then(|| std::array::from_fn(|i| bytes[2 + length_bytes + i]));
    let reserved_bits = bytes[0] / 16 % 8;
    Ok(Some((Header { fin: bit(0, 0), reserved_bits, opcode, masking_key, payload_len }, end)))
}

/// Every byte with its own byte of the key (RFC 6455 §5.3).
pub(crate) fn mask(key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
}

/// After how many bytes no continuation can make `bytes` text, if there is such a point.
pub(crate) fn hopeless_after(bytes: &[u8]) -> Option<usize> {
    let valid = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_some() => error.valid_up_to(),
        Ok(_) | Err(_) => return None,
    };
    let is_hopeless = |end: &usize| {
        std::str::from_utf8(&bytes[valid..*end]).is_err_and(|error| error.error_len().is_some())
    };
    (valid + 1..=bytes.len()).find(is_hopeless)
}

struct Receiver<'a> {
    rules: &'a Rules,
    rest: &'a [u8],
    seen: Vec<Seen>,
    message: Option<Message>,
    /// What compressed messages may refer to.
    history: Vec<u8>,
}

struct Message {
    kind: MessageKind,
    is_compressed: bool,
    frames: u32,
    /// What the headers so far declare.
    declared: u64,
    payload: Vec<u8>,
}

impl Receiver<'_> {
    fn run(&mut self) -> Result<(), PeerMisbehaved> {
        while let Some((header, header_bytes)) = header(self.rest)? {
            self.check(&header)?;
            self.rest = &self.rest[header_bytes..];
            let there =
                usize::try_from(header.payload_len).map_or(self.rest.len(), |len| len.min(self.rest.len()));
            let (payload, rest) = self.rest.split_at(there);
            self.rest = rest;
            let payload = mask(header.masking_key.unwrap_or_default(), payload);
            let is_whole = payload.len() as u64 == header.payload_len;
            if header.opcode.is_control() {
                if is_whole && self.control(header.opcode, payload)? {
                    return Ok(());
                }
            } else {
                self.data(&header, &payload, is_whole)?;
            }
            if !is_whole {
                return Ok(());
            }
        }
        Ok(())
    }

    fn check(&mut self, header: &Header) -> Result<(), PeerMisbehaved> {
        let begins = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        let may_be_compressed = begins && self.rules.deflate.is_some();
        if header.reserved_bits != 0 && !(header.reserved_bits == 4 && may_be_compressed) {
            return Err(PeerMisbehaved::ReservedBits);
        }
        match (self.rules.role, header.masking_key) {
            (Role::Server, None) => return Err(PeerMisbehaved::UnmaskedFrame),
            (Role::Client, Some(_)) => return Err(PeerMisbehaved::MaskedFrame),
            (Role::Server, Some(_)) | (Role::Client, None) => {}
        }
        let limit = self.rules.max_message_bytes;
        if begins && header.reserved_bits == 0 && header.payload_len > limit as u64 {
            return Err(PeerMisbehaved::MessageTooBig { limit });
        }
        match (&mut self.message, header.opcode) {
            (_, Opcode::Close | Opcode::Ping | Opcode::Pong) => {}
            (Some(_), Opcode::Text | Opcode::Binary) => return Err(PeerMisbehaved::ExpectedContinuation),
            (None, Opcode::Continuation) => return Err(PeerMisbehaved::UnexpectedContinuation),
            (None, Opcode::Text | Opcode::Binary) => {
                self.message = Some(Message {
                    kind: if header.opcode == Opcode::Text { MessageKind::Text } else { MessageKind::Binary },
                    is_compressed: header.reserved_bits != 0,
                    frames: 1,
                    declared: header.payload_len,
                    payload: Vec::new(),
                });
            }
            (Some(message), Opcode::Continuation) => {
                message.frames += 1;
                message.declared += header.payload_len;
                if message.frames > self.rules.max_fragments {
                    return Err(PeerMisbehaved::TooManyFragments { limit: self.rules.max_fragments });
                }
                if !message.is_compressed && message.declared > limit as u64 {
                    return Err(PeerMisbehaved::MessageTooBig { limit });
                }
            }
        }
        Ok(())
    }

    /// Whether it was a close frame.
    fn control(&mut self, opcode: Opcode, payload: Vec<u8>) -> Result<bool, PeerMisbehaved> {
        match (opcode, &payload[..]) {
            (Opcode::Ping, _) => self.seen.push(Seen::Ping(payload)),
            (Opcode::Pong, _) => self.seen.push(Seen::Pong(payload)),
            (_, []) => self.seen.push(Seen::Closing(None, String::new())),
            (_, [_]) => return Err(PeerMisbehaved::ClosePayloadTooShort),
            (_, [high, low, reason @ ..]) => {
                let code = 256 * u16::from(*high) + u16::from(*low);
                let defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
                if !defined.contains(&code) && !(3000..5000).contains(&code) {
                    return Err(PeerMisbehaved::InvalidCloseCode(code));
                }
                let reason = String::from_utf8(reason.to_vec()).map_err(|_| PeerMisbehaved::InvalidUtf8)?;
                self.seen.push(Seen::Closing(Some(code), reason));
            }
        }
        Ok(opcode == Opcode::Close)
    }

    fn data(&mut self, header: &Header, payload: &[u8], is_whole: bool) -> Result<(), PeerMisbehaved> {
        let Some(message) = &mut self.message else { unreachable!("the check has begun a message") };
        message.payload.extend_from_slice(payload);
        let is_last = is_whole && header.fin;
        let content = if message.is_compressed {
            let Some(content) = decompress(self.rules, message, &mut self.history, is_last)? else {
                return Ok(());
            };
            content
        } else {
            message.payload.clone()
        };
        if message.kind == MessageKind::Text && hopeless_after(&content).is_some() {
            return Err(PeerMisbehaved::InvalidUtf8);
        }
        if is_last {
            self.seen.push(match message.kind {
                MessageKind::Text => {
                    Seen::Text(String::from_utf8(content).map_err(|_| PeerMisbehaved::InvalidUtf8)?)
                }
                MessageKind::Binary => Seen::Binary(content),
            });
            self.message = None;
        }
        Ok(())
    }
}

/// What there is so far of a compressed message; `None` where it has not ended and is good so far.
fn decompress(
    rules: &Rules,
    message: &Message,
    history: &mut Vec<u8>,
    is_last: bool,
) -> Result<Option<Vec<u8>>, PeerMisbehaved> {
    let limit = rules.max_message_bytes;
    let mut inflated = inflate(&message.payload, history, limit);
    let accepted = &inflated.output[..inflated.output.len().min(limit)];
    if message.kind == MessageKind::Text && hopeless_after(accepted).is_some() {
        return Err(PeerMisbehaved::InvalidUtf8);
    }
    match inflated.end {
        End::Limit => return Err(PeerMisbehaved::MessageTooBig { limit }),
        End::Corrupt => return Err(PeerMisbehaved::CorruptCompression),
        End::Block | End::Cut if !is_last => return Ok(None),
        End::Block | End::Cut => {}
    }
    if !inflated.is_complete {
        let len = inflated.output.len();
        let with_tail = [&message.payload[..], &[0, 0, 0xFF, 0xFF]].concat();
        inflated = inflate(&with_tail, history, limit);
        if inflated.end != End::Block || inflated.output.len() != len {
            return Err(PeerMisbehaved::CorruptCompression);
        }
    }
    match rules.deflate {
        Some(Takeover::Context) => *history = inflated.history,
        Some(Takeover::None) | None => {}
    }
    Ok(Some(inflated.output))
}
