use crate::close::{CloseCode, fit_reason};
use crate::config::{CheckedConfig, Config};
use crate::connection::{MaskingKeys, Role};
use crate::deflate::Compressor;
#[cfg(feature = "deflate")]
use crate::deflate::{NegotiatedDeflate, Settings};
use crate::error::{ApiMisuse, PeerMisbehaved};
use crate::event::{Event, Piece};
use crate::frame::{Header, MAX_CONTROL_PAYLOAD_BYTES, RSV1};
use crate::mask;
use crate::message::Message;
use crate::opcode::{MessageKind, Opcode};
use crate::prepared::{CompressionClass, PreparedMessage};
use crate::receiver::Receiver;
use crate::time::Timestamp;
use crate::transmit::Transmit;
use alloc::string::ToString;
use alloc::vec::Vec;

/// From this many bytes of payload on, a system call of its own costs less than a copy.
const DIRECT_FROM_BYTES: usize = 16 * 1024;

/// The sending half of a [`Connection`](crate::Connection): messages to bytes, and the closing handshake.
///
/// What is sent waits here until the driver writes it: [`poll_transmit`](Self::poll_transmit), then
/// [`transmitted`](Self::transmitted). Pings and pongs overtake messages that are not yet on their way.
#[derive(Debug)]
pub struct Sender {
    config: CheckedConfig,
    masking_keys: Option<MaskingKeys>,
    closing: Closing,
    close_deadline: Option<Timestamp>,
    /// The kind of the message that was begun in pieces and is not finished.
    unfinished: Option<MessageKind>,
    /// There if the handshake agreed on compression.
    compressor: Option<Compressor>,
    transmit: Transmit,
}

/// How far the closing handshake is (RFC 6455 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    Open,
    /// Our close frame is queued or sent, the peer's has not come.
    AwaitingReply,
    /// Both close frames are queued, sent or received, or no reply is wanted.
    Closed,
    /// The peer is lost or took too long; the socket is to be closed as it is.
    GivenUp,
}

#[derive(Clone, Copy)]
enum Close {
    Sent,
    Received,
    NeverToCome,
}

impl Closing {
    /// Every transition of the closing handshake is in this one `match`.
    const fn after(self, close: Close) -> Self {
        match (self, close) {
            (Self::Open, Close::Sent) => Self::AwaitingReply,
            (Self::AwaitingReply, Close::Received) => Self::Closed,
            (Self::Open | Self::AwaitingReply | Self::Closed, Close::NeverToCome) => Self::GivenUp,
            // A close frame received while open is answered by `Close::Sent` and `Close::Received` together.
            (Self::Open, Close::Received)
            | (Self::AwaitingReply | Self::Closed, Close::Sent)
            | (Self::Closed, Close::Received)
            | (Self::GivenUp, _) => self,
        }
    }
}

impl Sender {
    pub(crate) fn new(config: CheckedConfig, masking_keys: Option<MaskingKeys>) -> Self {
        Self {
            config,
            masking_keys,
            closing: Closing::Open,
            close_deadline: None,
            unfinished: None,
            compressor: None,
            transmit: Transmit::default(),
        }
    }

    /// Says what the handshake agreed on.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_deflate(&mut self, agreed: NegotiatedDeflate) {
        let config = self.config.deflate.unwrap_or_default();
        self.transmit.set_class(CompressionClass::of(Settings::new(&config, agreed)));
        self.compressor = Some(Compressor::new(agreed));
    }

    /// Queues a message; its payload is copied, or compressed where that was agreed on and is worth it.
    ///
    /// # Errors
    /// The caller's fault, and nothing changed: [`ApiMisuse::SendAfterClose`],
    /// [`ApiMisuse::UnfinishedMessage`], or [`ApiMisuse::QueueFull`] if [`Config::max_unsent_bytes`] wait
    /// already.
    #[inline]
    pub fn send<'a>(&mut self, message: impl Into<Message<'a>>) -> Result<(), ApiMisuse> {
        let message = message.into();
        self.check_whole_message()?;
        self.push_message(message.kind(), message.payload());
        Ok(())
    }

    /// Sends a message as [`send`](Self::send) does, but has `write` write as much of it as can be written at
    /// once, so that a long one is not copied only to be written right after. `write` is given the frame in
    /// two parts and returns how many bytes of it were written; the rest is queued.
    ///
    /// It is not called, and all is queued, if something waits, or the message is short, to be masked, or to
    /// be compressed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Panics
    /// If `write` says that it wrote more than it was given.
    #[inline]
    pub fn send_through<'a>(
        &mut self,
        message: impl Into<Message<'a>>,
        write: impl FnOnce([&[u8]; 2]) -> usize,
    ) -> Result<(), ApiMisuse> {
        let message = message.into();
        self.check_whole_message()?;
        let (kind, payload) = (message.kind(), message.payload());
        if payload.len() < DIRECT_FROM_BYTES || !self.sends_as_it_is() || !self.transmit.is_empty() {
            self.push_message(kind, payload);
            return Ok(());
        }
        let (opcode, payload_len) = (kind.opcode(), payload.len() as u64);
        let header = Header { fin: true, reserved_bits: 0, opcode, masking_key: None, payload_len };
        self.transmit.write_directly(&header, payload, write);
        Ok(())
    }

    /// Queues a message that other connections send too. A server shares its bytes, compressed or not,
    /// with all connections of its [`compression_class`](Self::compression_class); a client masks a copy.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, message: &PreparedMessage) -> Result<(), ApiMisuse> {
        self.check_whole_message()?;
        if self.masking_keys.is_none() {
            self.transmit.push_shared(message);
            self.handle_shared(message);
        } else {
            self.push_message(message.kind(), message.payload());
        }
        Ok(())
    }

    /// Says that `message` is sent on this connection past this half, as
    /// [`compression_class`](Self::compression_class) says: what is compressed from now on does not refer
    /// to what came before it.
    pub fn handle_shared(&mut self, message: &PreparedMessage) {
        if let Some(compressor) = &mut self.compressor
            && message.is_compressed_for(self.transmit.class())
        {
            compressor.forget_context();
        }
    }

    /// In which form this connection sends messages that it shares with others.
    #[must_use]
    pub fn compression_class(&self) -> CompressionClass {
        self.transmit.class()
    }

    /// Queues a piece of a message, as a frame of its own; the first piece begins the message. Of a text
    /// message the pieces taken together must be UTF-8, which is for the caller to see to. Pieces go out
    /// uncompressed.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`ApiMisuse::UnfinishedMessage`] if a message of the other kind is
    /// unfinished.
    pub fn send_piece(&mut self, piece: Piece<'_>) -> Result<(), ApiMisuse> {
        let opcode = match self.unfinished {
            None => piece.kind.opcode(),
            Some(kind) if kind == piece.kind => Opcode::Continuation,
            Some(_) => return Err(ApiMisuse::UnfinishedMessage),
        };
        self.check_room()?;
        self.unfinished = if piece.is_last { None } else { Some(piece.kind) };
        self.push_frame(piece.is_last, 0, opcode, piece.bytes);
        Ok(())
    }

    /// Queues a ping; the peer's answer comes as [`Event::Pong`] with the same payload of at most 125 bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`ApiMisuse::ControlPayloadTooLong`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), ApiMisuse> {
        if payload.len() > MAX_CONTROL_PAYLOAD_BYTES {
            return Err(ApiMisuse::ControlPayloadTooLong);
        }
        self.check_room()?;
        let masking_key = self.draw_masking_key();
        encode_frame(self.transmit.controls(), true, 0, Opcode::Ping, masking_key, payload);
        Ok(())
    }

    /// Begins the closing handshake (RFC 6455 §7.1.2): queues a close frame after all that was sent before.
    /// `reason` is cut to the 123 bytes that fit. Closing again changes nothing.
    ///
    /// # Errors
    /// [`ApiMisuse::UnsendableCloseCode`], the caller's fault; nothing changed.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Timestamp) -> Result<(), ApiMisuse> {
        if !code.is_sendable() {
            return Err(ApiMisuse::UnsendableCloseCode(code));
        }
        self.push_close(Some(code), reason, now);
        Ok(())
    }

    /// Does what an event of the receiving half asks for: answers a ping, and a close frame.
    ///
    /// Only for halves that were split; [`Connection::receive`](crate::Connection::receive) has done it
    /// already.
    #[inline]
    pub fn handle_event(&mut self, event: &Event<'_>, now: Timestamp) {
        match event {
            Event::Text(_) | Event::Binary(_) | Event::Piece(_) | Event::Pong(_) => {}
            Event::Ping(payload) => {
                if self.is_open() {
                    let masking_key = self.draw_masking_key();
                    encode_frame(self.transmit.pong(), true, 0, Opcode::Pong, masking_key, payload);
                }
            }
            Event::Closing { code, .. } => {
                self.push_close(*code, "", now);
                self.closing = self.closing.after(Close::Received);
                self.close_deadline = Some(now + self.config.close_timeout);
            }
        }
    }

    /// Fails the connection (RFC 6455 §7.1.7): queues a close frame that says what the peer did wrong.
    /// Idempotent.
    ///
    /// Only for halves that were split; [`Connection::receive`](crate::Connection::receive) has done it
    /// already.
    pub fn fail(&mut self, misbehaved: &PeerMisbehaved, now: Timestamp) {
        self.push_close(Some(misbehaved.close_code()), &misbehaved.to_string(), now);
        self.closing = self.closing.after(Close::Received); // no reply is wanted
    }

    /// Fills `slices` with what is to be written now, in order, and returns how many it filled; zero:
    /// nothing.
    ///
    /// Write them with one vectored write, then call [`transmitted`](Self::transmitted).
    #[inline]
    pub fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        self.transmit.poll_transmit(slices)
    }

    /// Says that the first `bytes` bytes of what [`poll_transmit`](Self::poll_transmit) gave were written.
    /// Nothing may be queued between the two, not by an event that is handled either: a control frame would
    /// take the place of what was written.
    ///
    /// # Panics
    /// If that is more than it gave.
    #[inline]
    pub fn transmitted(&mut self, bytes: usize) {
        self.transmit.transmitted(bytes);
    }

    /// The bytes that wait to be written, headers included.
    #[must_use]
    #[inline]
    pub fn unsent_bytes(&self) -> usize {
        self.transmit.unsent_bytes()
    }

    /// Lends an empty buffer to encode into, unless this half has one. A driver of many connections lends
    /// the same one to each in turn, so that messages sent in reply allocate nothing; `buffer` is left
    /// empty.
    pub fn lend_buffer(&mut self, buffer: &mut Vec<u8>) {
        self.transmit.lend(buffer);
    }

    /// Gives the lent buffer back to `buffer`, if all in it was transmitted. Otherwise this half keeps it
    /// until then.
    pub fn reclaim_buffer(&mut self, buffer: &mut Vec<u8>) {
        self.transmit.reclaim(buffer);
    }

    /// When the peer must have finished the closing handshake; `None` while none was begun.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.closing {
            Closing::Open | Closing::GivenUp => None,
            Closing::AwaitingReply | Closing::Closed => self.close_deadline,
        }
    }

    /// Gives the peer up if the closing handshake took too long.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.give_up();
        }
    }

    /// Says that the peer is lost: its stream ended without a close frame, or it was silent for too long.
    /// What waits is not written any more, and nothing more can be sent.
    ///
    /// Only for halves that were split; a [`Connection`](crate::Connection) does it by itself.
    pub fn give_up(&mut self) {
        self.closing = self.closing.after(Close::NeverToCome);
        self.compressor = None;
    }

    /// The limits of this connection.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether messages can be sent: no close frame is queued or sent.
    #[must_use]
    #[inline]
    pub fn is_open(&self) -> bool {
        self.closing == Closing::Open
    }

    /// Whether the socket is to be closed, given the other half; see
    /// [`Connection::is_finished`](crate::Connection::is_finished).
    #[must_use]
    pub fn is_finished_with(&self, receiver: &Receiver) -> bool {
        let is_written = self.closing == Closing::Closed && self.transmit.is_empty();
        if self.has_given_up() || receiver.is_lost() {
            return true;
        }
        let may_close_first = match receiver.role() {
            Role::Server => true,
            Role::Client => receiver.has_failed(),
        };
        is_written && (may_close_first || receiver.is_ended())
    }

    /// Whether the peer is lost or took too long over the closing handshake.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        self.closing == Closing::GivenUp
    }

    /// The bytes held on the heap for what is unsent, shared messages left out; zero when all is
    /// transmitted, unless compressed messages may refer to earlier ones.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let compressor = match (&self.compressor, self.transmit.class().settings()) {
            (Some(compressor), Some(settings)) => compressor.held_bytes(settings),
            (Some(_) | None, _) => 0,
        };
        self.transmit.held_bytes() + compressor
    }

    /// Queues bytes that go out before the first frame: the opening handshake.
    pub(crate) fn push_head(&mut self, head: &[u8]) {
        self.transmit.push_head(head);
    }

    fn check_whole_message(&self) -> Result<(), ApiMisuse> {
        if self.unfinished.is_some() {
            return Err(ApiMisuse::UnfinishedMessage);
        }
        self.check_room()
    }

    fn check_room(&self) -> Result<(), ApiMisuse> {
        if !self.is_open() {
            return Err(ApiMisuse::SendAfterClose);
        }
        // One message beyond the limit is let in: a limit below its length would otherwise make it
        // unsendable.
        let limit = self.config.max_unsent_bytes;
        if self.transmit.unsent_bytes() >= limit { Err(ApiMisuse::QueueFull { limit }) } else { Ok(()) }
    }

    /// Whether payloads are neither masked nor compressed.
    #[inline]
    fn sends_as_it_is(&self) -> bool {
        self.masking_keys.is_none() && self.compressor.is_none()
    }

    #[inline]
    fn push_message(&mut self, kind: MessageKind, payload: &[u8]) {
        if self.sends_as_it_is() {
            encode_frame(self.transmit.frames(), true, 0, kind.opcode(), None, payload);
        } else {
            self.push_transformed(kind, payload);
        }
    }

    #[inline(never)] // so that `push_message` stays short where it is inlined
    fn push_transformed(&mut self, kind: MessageKind, payload: &[u8]) {
        let opcode = kind.opcode();
        let compressed = match (&mut self.compressor, self.transmit.class().settings()) {
            (Some(compressor), Some(settings)) => compressor.compress(payload, settings),
            (Some(_) | None, _) => None,
        };
        match compressed {
            Some(compressed) => self.push_frame(true, RSV1, opcode, &compressed),
            None => self.push_frame(true, 0, opcode, payload),
        }
    }

    fn push_frame(&mut self, fin: bool, reserved_bits: u8, opcode: Opcode, payload: &[u8]) {
        let masking_key = self.draw_masking_key();
        encode_frame(self.transmit.frames(), fin, reserved_bits, opcode, masking_key, payload);
    }

    #[inline]
    fn draw_masking_key(&mut self) -> Option<[u8; 4]> {
        self.masking_keys.as_mut().map(MaskingKeys::draw)
    }

    fn push_close(&mut self, code: Option<CloseCode>, reason: &str, now: Timestamp) {
        if !self.is_open() {
            return;
        }
        let mut payload = [0; MAX_CONTROL_PAYLOAD_BYTES];
        let mut len = 0;
        if let Some(code) = code {
            let reason = fit_reason(reason).as_bytes();
            payload[..2].copy_from_slice(&code.get().to_be_bytes());
            payload[2..2 + reason.len()].copy_from_slice(reason);
            len = 2 + reason.len();
        }
        self.push_frame(true, 0, Opcode::Close, &payload[..len]);
        self.compressor = None; // nothing more can be compressed
        self.closing = self.closing.after(Close::Sent);
        self.close_deadline = Some(now + self.config.close_timeout);
    }
}

#[inline(always)]
fn encode_frame(
    out: &mut Vec<u8>,
    fin: bool,
    reserved_bits: u8,
    opcode: Opcode,
    masking_key: Option<[u8; 4]>,
    payload: &[u8],
) {
    Header { fin, reserved_bits, opcode, masking_key, payload_len: payload.len() as u64 }.encode(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = masking_key {
        mask::apply(key, &mut out[start..]);
    }
}
