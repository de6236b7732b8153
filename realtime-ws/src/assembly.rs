mod compressed;

use self::compressed::EndOf;
use crate::close::CloseCode;
use crate::config::{Config, Delivery};
use crate::connection::Role;
use crate::deflate::Decompressor;
#[cfg(feature = "deflate")]
use crate::deflate::NegotiatedDeflate;
use crate::error::PeerMisbehaved;
use crate::event::{Event, Piece};
use crate::frame::{Header, MAX_HEADER_BYTES, RSV1};
use crate::opcode::{MessageKind, Opcode};
use crate::{mask, utf8};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

/// A direct read is worth a system call of its own from this many bytes on.
const MIN_SPARE_BYTES: usize = 4 * 1024;

/// The most that a direct read may get beyond doubling what has already arrived.
const SPARE_STEP_BYTES: usize = 64 * 1024;

/// A large payload is unmasked and checked in blocks, of which each is in the processor's nearest cache
/// from the one to the other.
const BLOCK_BYTES: usize = 8 * 1024;

/// Frames to messages (RFC 6455 §5.4): what has arrived of a frame or message that is not yet complete.
///
/// Between messages it holds nothing. A frame that is whole in the caller's input is lent from there.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    partial: Option<Box<Partial>>,
    /// There if the handshake agreed on compression.
    decompressor: Option<Decompressor>,
}

#[derive(Debug, Default)]
struct Partial {
    header: PartialHeader,
    frame: Option<FrameInProgress>,
    message: Option<MessageInProgress>,
    /// The payload of the control frame in progress or just lent; at most 125 bytes.
    control: Vec<u8>,
    /// The payload of the message in progress or just lent; of a compressed one that is delivered in
    /// pieces, the piece. `data[..data_len]` is unmasked, decompressed and checked; what follows is
    /// spare, of which `unread` bytes have been read.
    data: Vec<u8>,
    data_len: usize,
    unread: usize,
    /// Whether `data` belongs to the driver.
    is_lent: bool,
}

/// The first bytes of a header whose rest is awaited.
#[derive(Debug, Default)]
struct PartialHeader {
    bytes: [u8; MAX_HEADER_BYTES],
    len: usize,
}

#[derive(Debug)]
struct FrameInProgress {
    opcode: Opcode,
    fin: bool,
    /// The key for the next byte of the payload.
    key: [u8; 4],
    remaining: usize,
}

#[derive(Debug)]
struct MessageInProgress {
    kind: MessageKind,
    fragments: u32,
    /// The message's length as far as it is known: all that the headers so far declare, or, of a
    /// compressed message, all that was decompressed.
    len: usize,
    is_compressed: bool,
    utf8: utf8::Validator,
}

/// Where what comes next is. An event is lent only once it is clear that there is no error, so that with one
/// everything can be freed.
enum Found<'i> {
    InInput(Event<'i>),
    Collected(Collected),
}

/// What in a [`Partial`] is complete.
enum Collected {
    Control(Opcode),
    Message(MessageKind),
    Piece { kind: MessageKind, is_last: bool },
}

impl Assembly {
    /// The next event in `input`, whose bytes are taken off its front; `None` takes all of it. With an error
    /// nothing is held any more.
    #[inline]
    pub(crate) fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        config: &Config,
        role: Role,
    ) -> Result<Option<Event<'s>>, PeerMisbehaved> {
        if self.is_between_messages() {
            match self.begin(input, config, role) {
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => {}
                Err(misbehaved) => return Err(self.fail(misbehaved)),
            }
        }
        self.go_on(input, config, role)
    }

    /// Whether nothing is awaited; what was lent is then given back.
    #[inline]
    fn is_between_messages(&mut self) -> bool {
        match &mut self.partial {
            None => true,
            Some(partial) if !partial.is_empty() => false,
            Some(partial) if partial.is_lent => {
                partial.clear();
                true
            }
            Some(_) => {
                self.partial = None;
                true
            }
        }
    }

    /// Goes on with what has begun, if anything has.
    #[inline(never)]
    fn go_on<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        config: &Config,
        role: Role,
    ) -> Result<Option<Event<'s>>, PeerMisbehaved> {
        let found = match &mut self.partial {
            Some(partial) => partial.receive(input, config, role, &mut self.decompressor),
            None => return Ok(None),
        };
        match found {
            Ok(None) => Ok(None),
            Ok(Some(Found::InInput(event))) => Ok(Some(event)),
            Ok(Some(Found::Collected(collected))) => self.lend_event(collected),
            Err(misbehaved) => Err(self.fail(misbehaved)),
        }
    }

    /// The usual case: a frame that is a whole message, whole in `input`. Otherwise its header is taken.
    #[inline]
    fn begin<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        config: &Config,
        role: Role,
    ) -> Result<Option<Event<'i>>, PeerMisbehaved> {
        let Some((header, header_bytes)) = Header::decode(input)? else {
            return self.begin_header(input);
        };
        let payload_bytes = check_frame(&header, role, config, &self.decompressor)?;
        let is_event = match header.opcode {
            Opcode::Text | Opcode::Binary => header.reserved_bits == 0,
            Opcode::Close | Opcode::Ping | Opcode::Pong => true,
            Opcode::Continuation => false,
        };
        let frame_bytes = header_bytes.saturating_add(payload_bytes);
        if input.len() < frame_bytes || !header.fin || !is_event {
            take(input, header_bytes);
            return self.begin_frame(header, payload_bytes, config);
        }
        let payload = &mut take(input, frame_bytes)[header_bytes..];
        if let Some(key) = header.masking_key {
            mask::apply(key, payload);
        }
        let event = whole_frame(header.opcode, payload)?;
        Ok(Some(in_delivery(event, config.delivery)))
    }

    /// Keeps the bytes of a header whose rest is awaited.
    #[inline(never)]
    fn begin_header<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, PeerMisbehaved> {
        if !input.is_empty() {
            self.partial.get_or_insert_default().header.collect(input)?;
        }
        Ok(None)
    }

    /// Takes up a frame that is no event by itself, or whose rest is awaited.
    #[inline(never)]
    fn begin_frame<'i>(
        &mut self,
        header: Header,
        payload_bytes: usize,
        config: &Config,
    ) -> Result<Option<Event<'i>>, PeerMisbehaved> {
        self.partial.get_or_insert_default().begin_frame(&header, payload_bytes, config)?;
        Ok(None)
    }

    /// Frees what there is: nothing more is looked at.
    #[cold]
    fn fail(&mut self, misbehaved: PeerMisbehaved) -> PeerMisbehaved {
        *self = Self::default();
        misbehaved
    }

    fn lend_event(&self, collected: Collected) -> Result<Option<Event<'_>>, PeerMisbehaved> {
        let Some(partial) = &self.partial else { return Ok(None) };
        match collected {
            Collected::Control(opcode) => whole_frame(opcode, &partial.control).map(Some),
            Collected::Message(kind) => partial.lend_message(kind).map(Some),
            Collected::Piece { kind, is_last } => {
                let bytes = &partial.data[..partial.data_len];
                Ok(Some(Event::Piece(Piece { kind, bytes, is_last })))
            }
        }
    }

    /// Says that messages may come compressed from now on.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_decompressor(&mut self, decompressor: Decompressor) {
        self.decompressor = Some(decompressor);
    }

    /// What the handshake agreed on.
    #[cfg(feature = "deflate")]
    pub(crate) fn deflate(&self) -> Option<NegotiatedDeflate> {
        self.decompressor.as_ref().map(Decompressor::agreed)
    }

    /// Whether a frame or a message has begun and not ended.
    pub(crate) fn is_in_progress(&self) -> bool {
        self.partial.as_ref().is_some_and(|partial| !partial.is_empty())
    }

    pub(crate) fn spare(&mut self, config: &Config) -> Option<&mut [u8]> {
        let partial = self.partial.as_mut()?;
        let awaited = partial.directly_readable_bytes(config)?;
        // Memory follows what has arrived, not what was declared; but what there is may be used.
        let free = partial.data.len() - partial.data_len;
        let spare = awaited.min(partial.data_len.max(SPARE_STEP_BYTES).max(free));
        let end = partial.data_len + spare;
        if partial.data.len() < end {
            partial.data.resize(end, 0);
        }
        Some(&mut partial.data[partial.data_len..end])
    }

    pub(crate) fn filled(&mut self, bytes: usize) {
        let spare = self.partial.as_ref().map_or(0, |partial| partial.data.len() - partial.data_len);
        assert!(bytes <= spare, "{bytes} bytes said to be read into a spare of {spare}");
        if let Some(partial) = &mut self.partial {
            partial.unread = bytes;
        }
    }

    pub(crate) fn wants_buffer(&self, config: &Config) -> bool {
        self.partial
            .as_ref()
            .is_some_and(|partial| !partial.is_lent && partial.directly_readable_bytes(config).is_some())
    }

    pub(crate) fn lend(&mut self, mut buffer: Vec<u8>) {
        let partial = self.partial.get_or_insert_default();
        partial.is_lent = true;
        let received = &partial.data[..partial.data_len];
        if let Some(front) = buffer.get_mut(..received.len()) {
            front.copy_from_slice(received);
            partial.data = buffer;
        }
    }

    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        let partial = self.partial.take_if(|partial| partial.is_lent && partial.is_empty())?;
        Some(partial.data)
    }

    /// The bytes on the heap, as far as they can be known.
    pub(crate) fn held_bytes(&self) -> usize {
        let partial = self.partial.as_ref().map_or(0, |partial| {
            mem::size_of::<Partial>() + partial.control.capacity() + partial.data.capacity()
        });
        partial + self.decompressor.as_ref().map_or(0, Decompressor::held_bytes)
    }
}

impl Partial {
    /// Whether nothing is awaited: what it still holds was lent and is given back.
    fn is_empty(&self) -> bool {
        self.header.len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// Forgets what it still holds, for the next message.
    fn clear(&mut self) {
        self.control.clear();
        self.data_len = 0;
    }

    /// How much of the frame in progress can be read straight to where its message is put together; `None`
    /// if there is nothing to gain.
    fn directly_readable_bytes(&self, config: &Config) -> Option<usize> {
        let frame = self.frame.as_ref()?;
        // Compressed bytes are not what the message is put together from.
        let is_direct = config.delivery == Delivery::Whole
            && !self.message.as_ref().is_some_and(|message| message.is_compressed)
            && !frame.opcode.is_control()
            && frame.remaining >= MIN_SPARE_BYTES
            && self.unread == 0;
        is_direct.then_some(frame.remaining)
    }

    fn receive<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        config: &Config,
        role: Role,
        decompressor: &mut Option<Decompressor>,
    ) -> Result<Option<Found<'i>>, PeerMisbehaved> {
        loop {
            if self.frame.is_none() {
                let Some(header) = self.header.collect(input)? else { return Ok(None) };
                let payload_bytes = check_frame(&header, role, config, decompressor)?;
                self.begin_frame(&header, payload_bytes, config)?;
            }
            let Some(frame) = &mut self.frame else { return Ok(None) };
            if frame.opcode.is_control() {
                let opcode = frame.opcode;
                self.control.extend_from_slice(frame.take_payload(input));
                if frame.remaining > 0 {
                    return Ok(None);
                }
                self.frame = None;
                whole_frame(opcode, &self.control)?; // so that it can be lent without an error
                return Ok(Some(Found::Collected(Collected::Control(opcode))));
            }
            let Some(message) = &mut self.message else { return Ok(None) };
            if let Some(decompressor) = decompressor
                && message.is_compressed
            {
                let kind = message.kind;
                let reached = self.decompress(input, config, decompressor)?;
                let is_last = reached == EndOf::Message;
                match config.delivery {
                    Delivery::Whole if is_last => {
                        return Ok(Some(Found::Collected(Collected::Message(kind))));
                    }
                    Delivery::Pieces if is_last || self.data_len > 0 => {
                        return Ok(Some(Found::Collected(Collected::Piece { kind, is_last })));
                    }
                    Delivery::Whole | Delivery::Pieces if reached == EndOf::Input => return Ok(None),
                    Delivery::Whole | Delivery::Pieces => {}
                }
            } else if config.delivery == Delivery::Pieces {
                let bytes = frame.take_payload(input);
                message.check(bytes)?;
                let (kind, frame_ended) = (message.kind, frame.remaining == 0);
                let is_last = frame_ended && frame.fin;
                if is_last {
                    message.utf8.finish()?;
                    self.message = None;
                }
                if frame_ended {
                    self.frame = None;
                }
                if is_last || !bytes.is_empty() {
                    return Ok(Some(Found::InInput(Event::Piece(Piece { kind, bytes, is_last }))));
                }
                if !frame_ended {
                    return Ok(None);
                }
            } else {
                if self.unread > 0 {
                    let read = &mut self.data[self.data_len..self.data_len + mem::take(&mut self.unread)];
                    frame.unmask_and_check(read, message)?;
                    self.data_len += read.len();
                }
                let bytes = take(input, frame.remaining.min(input.len()));
                frame.unmask_and_check(bytes, message)?;
                let spare = &mut self.data[self.data_len..];
                let (into_spare, beyond) = bytes.split_at(bytes.len().min(spare.len()));
                spare[..into_spare.len()].copy_from_slice(into_spare);
                self.data.extend_from_slice(beyond);
                self.data_len += bytes.len();
                if frame.remaining > 0 {
                    return Ok(None);
                }
                let (kind, is_last) = (message.kind, frame.fin);
                self.frame = None;
                if is_last {
                    message.utf8.finish()?;
                    self.message = None;
                    return Ok(Some(Found::Collected(Collected::Message(kind))));
                }
            }
        }
    }

    fn begin_frame(
        &mut self,
        header: &Header,
        payload_bytes: usize,
        config: &Config,
    ) -> Result<(), PeerMisbehaved> {
        let begun = match (header.opcode, &mut self.message) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => {
                self.control.clear();
                None
            }
            (Opcode::Text, None) => Some(MessageKind::Text),
            (Opcode::Binary, None) => Some(MessageKind::Binary),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(PeerMisbehaved::ExpectedContinuation),
            (Opcode::Continuation, None) => return Err(PeerMisbehaved::UnexpectedContinuation),
            (Opcode::Continuation, Some(message)) => {
                message.fragments = message.fragments.saturating_add(1); // the greatest number is no limit
                if message.fragments > config.max_fragments {
                    return Err(PeerMisbehaved::TooManyFragments { limit: config.max_fragments });
                }
                if !message.is_compressed {
                    message.len = message.len.saturating_add(payload_bytes);
                    if message.len > config.max_message_bytes {
                        return Err(PeerMisbehaved::MessageTooBig { limit: config.max_message_bytes });
                    }
                }
                None
            }
        };
        if let Some(kind) = begun {
            let is_compressed = header.reserved_bits == RSV1;
            let len = if is_compressed { 0 } else { payload_bytes };
            let utf8 = utf8::Validator::default();
            self.message = Some(MessageInProgress { kind, fragments: 1, len, is_compressed, utf8 });
        }
        self.frame = Some(FrameInProgress {
            opcode: header.opcode,
            fin: header.fin,
            key: header.masking_key.unwrap_or_default(),
            remaining: payload_bytes,
        });
        Ok(())
    }

    fn lend_message(&self, kind: MessageKind) -> Result<Event<'_>, PeerMisbehaved> {
        let data = &self.data[..self.data_len];
        Ok(match kind {
            // Checked as it came; without `unsafe` a `str` is to be had only for a second look.
            MessageKind::Text => Event::Text(utf8::check(data)?),
            MessageKind::Binary => Event::Binary(data),
        })
    }
}

impl PartialHeader {
    /// The header that the bytes so far and the front of `input` make; `None` takes all of `input`.
    fn collect(&mut self, input: &mut &mut [u8]) -> Result<Option<Header>, PeerMisbehaved> {
        let missing = self.bytes.len() - self.len;
        let front = &input[..missing.min(input.len())];
        self.bytes[self.len..self.len + front.len()].copy_from_slice(front);
        let end = self.len + front.len();
        match Header::decode(&self.bytes[..end])? {
            Some((header, header_bytes)) => {
                take(input, header_bytes - self.len);
                self.len = 0;
                Ok(Some(header))
            }
            None => {
                take(input, end - self.len);
                self.len = end;
                Ok(None)
            }
        }
    }
}

impl FrameInProgress {
    /// As much of the payload as is at the front of `input`, unmasked.
    fn take_payload<'i>(&mut self, input: &mut &'i mut [u8]) -> &'i [u8] {
        let payload = take(input, self.remaining.min(input.len()));
        self.unmask(payload);
        payload
    }

    fn unmask_and_check(
        &mut self,
        payload: &mut [u8],
        message: &mut MessageInProgress,
    ) -> Result<(), PeerMisbehaved> {
        payload.chunks_mut(BLOCK_BYTES).try_for_each(|block| {
            self.unmask(block);
            message.check(block)
        })
    }

    fn unmask(&mut self, payload: &mut [u8]) {
        // Frames without a mask have the key zero here; skip the work.
        if self.key != [0; 4] {
            mask::apply(self.key, payload);
            self.key = mask::rotate(self.key, payload.len());
        }
        self.remaining -= payload.len();
    }
}

impl MessageInProgress {
    fn check(&mut self, piece: &[u8]) -> Result<(), PeerMisbehaved> {
        match self.kind {
            MessageKind::Text => self.utf8.push(piece),
            MessageKind::Binary => Ok(()),
        }
    }
}

/// What the connection has to say about a header; the payload's length.
#[inline]
fn check_frame(
    header: &Header,
    role: Role,
    config: &Config,
    decompressor: &Option<Decompressor>,
) -> Result<usize, PeerMisbehaved> {
    let is_compressed = header.reserved_bits != 0;
    if is_compressed {
        // Only the first frame of a message can say that the message is compressed (RFC 7692 §6).
        let begins_message = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        if decompressor.is_none() || header.reserved_bits != RSV1 || !begins_message {
            return Err(PeerMisbehaved::ReservedBits);
        }
    }
    match (role, header.masking_key) {
        (Role::Server, Some(_)) | (Role::Client, None) => {}
        (Role::Server, None) => return Err(PeerMisbehaved::UnmaskedFrame),
        (Role::Client, Some(_)) => return Err(PeerMisbehaved::MaskedFrame),
    }
    let too_big = PeerMisbehaved::MessageTooBig { limit: config.max_message_bytes };
    let payload_bytes = usize::try_from(header.payload_len).map_err(|_| too_big)?;
    // What a compressed message is long shows itself only when it is decompressed.
    let has_message_len = matches!(header.opcode, Opcode::Text | Opcode::Binary) && !is_compressed;
    if has_message_len && payload_bytes > config.max_message_bytes {
        return Err(too_big);
    }
    Ok(payload_bytes)
}

/// A whole message as it is to be delivered.
#[inline]
fn in_delivery(event: Event<'_>, delivery: Delivery) -> Event<'_> {
    let piece = |kind, bytes| Event::Piece(Piece { kind, bytes, is_last: true });
    match (delivery, event) {
        (Delivery::Pieces, Event::Text(text)) => piece(MessageKind::Text, text.as_bytes()),
        (Delivery::Pieces, Event::Binary(bytes)) => piece(MessageKind::Binary, bytes),
        (Delivery::Whole | Delivery::Pieces, event) => event,
    }
}

#[inline]
fn whole_frame(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, PeerMisbehaved> {
    match opcode {
        Opcode::Text => Ok(Event::Text(utf8::check(payload)?)),
        Opcode::Binary => Ok(Event::Binary(payload)),
        Opcode::Ping => Ok(Event::Ping(payload)),
        Opcode::Pong => Ok(Event::Pong(payload)),
        Opcode::Continuation => Err(PeerMisbehaved::UnexpectedContinuation),
        Opcode::Close => closing(payload),
    }
}

#[cold]
fn closing(payload: &[u8]) -> Result<Event<'_>, PeerMisbehaved> {
    match payload {
        [] => Ok(Event::Closing { code: None, reason: "" }),
        [_] => Err(PeerMisbehaved::ClosePayloadTooShort),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let code = CloseCode::new(code).ok_or(PeerMisbehaved::InvalidCloseCode(code))?;
            Ok(Event::Closing { code: Some(code), reason: utf8::check(reason)? })
        }
    }
}

#[inline]
fn take<'i>(input: &mut &'i mut [u8], bytes: usize) -> &'i mut [u8] {
    let (taken, rest) = mem::take(input).split_at_mut(bytes);
    *input = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_without_a_limit_may_be_more_than_can_be_counted() {
        let utf8 = utf8::Validator::default();
        let (kind, fragments) = (MessageKind::Binary, u32::MAX);
        let message = Some(MessageInProgress { kind, fragments, len: 0, is_compressed: false, utf8 });
        let mut partial = Partial { message, ..Partial::default() };
        let opcode = Opcode::Continuation;
        let header = Header { fin: false, reserved_bits: 0, opcode, masking_key: None, payload_len: 0 };
        let config = Config { max_fragments: u32::MAX, ..Config::default() };
        assert_eq!(partial.begin_frame(&header, 0, &config), Ok(()));
        let config = Config { max_fragments: u32::MAX - 1, ..config };
        let too_many = PeerMisbehaved::TooManyFragments { limit: u32::MAX - 1 };
        assert_eq!(partial.begin_frame(&header, 0, &config), Err(too_many));
    }
}
