use crate::close::{CloseCode, Closure};
use crate::config::CheckedConfig;
use crate::deflate::NegotiatedDeflate;
use crate::error::{ApiMisuse, PeerMisbehaved};
use crate::event::{Event, Piece};
use crate::message::Message;
use crate::prepared::{CompressionClass, PreparedMessage};
use crate::receiver::{Receiver, Silence};
use crate::sender::Sender;
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// Which side of the connection this is (RFC 6455 §1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Accepts; its frames are not masked.
    Server,
    /// Connects; its frames are masked.
    Client,
}

/// Where a client's masking keys come from.
pub struct MaskingKeys(Box<dyn FnMut() -> [u8; 4] + Send>);

impl MaskingKeys {
    /// `draw` gives a key each time. It must be unpredictable, so that nobody can choose what bytes appear on
    /// the wire (RFC 6455 §10.3): take it from the system's secure random source.
    pub fn new(draw: impl FnMut() -> [u8; 4] + Send + 'static) -> Self {
        Self(Box::new(draw))
    }

    pub(crate) fn draw(&mut self) -> [u8; 4] {
        (self.0)()
    }
}

impl fmt::Debug for MaskingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskingKeys")
    }
}

/// One WebSocket connection after its opening handshake, as a state machine: bytes in, events out; messages
/// in, bytes out (RFC 6455 §5 to §7).
///
/// A driver does four things, in any order and as often as it likes:
/// - hands in what it read: [`receive`](Self::receive) until it returns `None`,
///   [`receive_eof`](Self::receive_eof);
/// - writes what [`poll_transmit`](Self::poll_transmit) gives, and says so with
///   [`transmitted`](Self::transmitted);
/// - comes back at [`poll_timeout`](Self::poll_timeout) with [`handle_timeout`](Self::handle_timeout);
/// - closes the socket once [`is_finished`](Self::is_finished).
///
/// An idle connection owns no heap memory, unless it agreed on compression with context takeover.
#[derive(Debug)]
pub struct Connection {
    receiver: Receiver,
    sender: Sender,
}

impl Connection {
    /// The server's side of a connection whose opening handshake is done.
    #[must_use]
    pub fn server(config: CheckedConfig, now: Timestamp) -> Self {
        let receiver = Receiver::new(config.clone(), Role::Server, now);
        Self { receiver, sender: Sender::new(config, None) }
    }

    /// The client's side of a connection whose opening handshake is done.
    #[must_use]
    pub fn client(config: CheckedConfig, masking_keys: MaskingKeys, now: Timestamp) -> Self {
        let sender = Sender::new(config.clone(), Some(masking_keys));
        Self { receiver: Receiver::new(config, Role::Client, now), sender }
    }

    /// The same connection with compression, as a handshake agreed on that was none of this crate's:
    /// those do this by themselves. What is not negotiated is taken from
    /// [`Config::deflate`](crate::Config::deflate), or is its default.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreed: NegotiatedDeflate) -> Self {
        self.receiver.set_deflate(agreed);
        self.sender.set_deflate(agreed);
        self
    }

    /// The server's side with `response`, the end of the opening handshake, as the first thing to transmit.
    pub(crate) fn server_after(
        config: CheckedConfig,
        response: &[u8],
        deflate: Option<NegotiatedDeflate>,
        now: Timestamp,
    ) -> Self {
        let mut connection = Self::server(config, now).after_agreeing_on(deflate);
        connection.sender.push_head(response);
        connection
    }

    #[cfg(feature = "deflate")]
    pub(crate) fn after_agreeing_on(self, deflate: Option<NegotiatedDeflate>) -> Self {
        match deflate {
            Some(agreed) => self.with_deflate(agreed),
            None => self,
        }
    }

    #[cfg(not(feature = "deflate"))]
    pub(crate) fn after_agreeing_on(self, _: Option<NegotiatedDeflate>) -> Self {
        self
    }

    /// The compression that was agreed on, if any; forgotten once nothing more can come from the peer.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(&self) -> Option<NegotiatedDeflate> {
        self.receiver.deflate()
    }

    /// The next event in `input`, and the half to answer it with; takes what it used off the front of
    /// `input`. `None`: all of `input` is used.
    ///
    /// The payload of a frame that is whole in `input` is unmasked in place and lent from there; only an
    /// incomplete frame and a fragmented message are copied. A message put together from several frames is
    /// lent by the connection and freed by the next call. Pings and close frames are already answered.
    ///
    /// # Errors
    /// [`PeerMisbehaved`]: the connection is failed, and a close frame that says why is queued. Transmit
    /// it, then close the socket. The same error comes back for ever.
    #[inline]
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        now: Timestamp,
    ) -> Result<Option<(Event<'s>, &'s mut Sender)>, PeerMisbehaved> {
        match self.receiver.receive(input, now) {
            Ok(Some(event)) => {
                self.sender.handle_event(&event, now);
                Ok(Some((event, &mut self.sender)))
            }
            Ok(None) => Ok(None),
            Err(misbehaved) => {
                self.sender.fail(&misbehaved, now);
                Err(misbehaved)
            }
        }
    }

    /// See [`Receiver::spare`].
    pub fn spare(&mut self) -> Option<&mut [u8]> {
        self.receiver.spare()
    }

    /// See [`Receiver::filled`].
    ///
    /// # Panics
    /// If `bytes` is longer than the spare was.
    pub fn filled(&mut self, bytes: usize, now: Timestamp) {
        self.receiver.filled(bytes, now);
    }

    /// See [`Receiver::wants_message_buffer`].
    #[must_use]
    pub fn wants_message_buffer(&self) -> bool {
        self.receiver.wants_message_buffer()
    }

    /// See [`Receiver::lend_message_buffer`].
    pub fn lend_message_buffer(&mut self, buffer: Vec<u8>) {
        self.receiver.lend_message_buffer(buffer);
    }

    /// See [`Receiver::reclaim_message_buffer`].
    pub fn reclaim_message_buffer(&mut self) -> Option<Vec<u8>> {
        self.receiver.reclaim_message_buffer()
    }

    /// See [`Receiver::receive_eof`].
    pub fn receive_eof(&mut self) {
        if !self.receiver.is_closed() {
            self.sender.give_up();
        }
        self.receiver.receive_eof();
    }

    /// See [`Sender::send`].
    ///
    /// # Errors
    /// [`ApiMisuse`]: the caller's fault, nothing changed.
    #[inline]
    pub fn send<'a>(&mut self, message: impl Into<Message<'a>>) -> Result<(), ApiMisuse> {
        self.sender.send(message)
    }

    /// See [`Sender::send_through`].
    ///
    /// # Errors
    /// [`ApiMisuse`]: the caller's fault, nothing changed.
    ///
    /// # Panics
    /// If `write` says that it wrote more than it was given.
    #[inline]
    pub fn send_through<'a>(
        &mut self,
        message: impl Into<Message<'a>>,
        write: impl FnOnce([&[u8]; 2]) -> usize,
    ) -> Result<(), ApiMisuse> {
        self.sender.send_through(message, write)
    }

    /// See [`Sender::send_prepared`].
    ///
    /// # Errors
    /// [`ApiMisuse`]: the caller's fault, nothing changed.
    pub fn send_prepared(&mut self, message: &PreparedMessage) -> Result<(), ApiMisuse> {
        self.sender.send_prepared(message)
    }

    /// See [`Sender::compression_class`].
    #[must_use]
    pub fn compression_class(&self) -> CompressionClass {
        self.sender.compression_class()
    }

    /// See [`Sender::send_piece`].
    ///
    /// # Errors
    /// [`ApiMisuse`]: the caller's fault, nothing changed.
    pub fn send_piece(&mut self, piece: Piece<'_>) -> Result<(), ApiMisuse> {
        self.sender.send_piece(piece)
    }

    /// See [`Sender::ping`].
    ///
    /// # Errors
    /// [`ApiMisuse`]: the caller's fault, nothing changed.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), ApiMisuse> {
        self.sender.ping(payload)
    }

    /// See [`Sender::close`].
    ///
    /// # Errors
    /// [`ApiMisuse::UnsendableCloseCode`]: the caller's fault, nothing changed.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Timestamp) -> Result<(), ApiMisuse> {
        self.sender.close(code, reason, now)
    }

    /// See [`Sender::poll_transmit`].
    #[inline]
    pub fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        self.sender.poll_transmit(slices)
    }

    /// See [`Sender::transmitted`].
    ///
    /// # Panics
    /// If `bytes` is more than [`poll_transmit`](Self::poll_transmit) gave.
    #[inline]
    pub fn transmitted(&mut self, bytes: usize) {
        self.sender.transmitted(bytes);
    }

    /// See [`Sender::unsent_bytes`].
    #[must_use]
    #[inline]
    pub fn unsent_bytes(&self) -> usize {
        self.sender.unsent_bytes()
    }

    /// See [`Sender::lend_buffer`].
    pub fn lend_buffer(&mut self, buffer: &mut Vec<u8>) {
        self.sender.lend_buffer(buffer);
    }

    /// See [`Sender::reclaim_buffer`].
    pub fn reclaim_buffer(&mut self, buffer: &mut Vec<u8>) {
        self.sender.reclaim_buffer(buffer);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) if nothing happens before; `None`: never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [self.receiver.poll_timeout(), self.sender.poll_timeout()].into_iter().flatten().min()
    }

    /// Does what is due at `now`: pings a silent peer, and gives one up that is silent for too long or does
    /// not finish the closing handshake.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        match self.receiver.handle_timeout(now) {
            Silence::Bearable => {}
            Silence::Lost => self.sender.give_up(),
            Silence::Ping => {
                // Refused while closing, or when so much waits that the peer will have to answer for it.
                let _ = self.sender.ping(&[]);
            }
        }
        self.sender.handle_timeout(now);
        if self.sender.has_given_up() {
            self.receiver.give_up();
        }
    }

    /// Whether messages can be sent: no close frame is queued or sent, and the peer is not lost.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.sender.is_open()
    }

    /// Whether the socket is to be closed: the closing handshake is complete and written, the peer is gone
    /// or lost, or it took too long. A client waits for the server to close first (RFC 6455 §7.1.1), within
    /// [`Config::close_timeout`](crate::Config::close_timeout).
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.sender.is_finished_with(&self.receiver)
    }

    /// How the connection ended, once the peer's close frame has come or none can come any more.
    #[must_use]
    pub fn closure(&self) -> Option<&Closure> {
        self.receiver.closure()
    }

    /// The two halves, for drivers that read and write in different threads. Each event is then to be shown
    /// to [`Sender::handle_event`], an error to [`Sender::fail`], and the loss of the peer to
    /// [`Sender::give_up`].
    #[must_use]
    pub fn split(self) -> (Receiver, Sender) {
        (self.receiver, self.sender)
    }

    /// The bytes held on the heap, shared messages left out; zero when nothing is incomplete or unsent,
    /// unless compressed messages may refer to earlier ones. What the compression library holds is known
    /// by its layout rather than counted.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.receiver.held_bytes() + self.sender.held_bytes()
    }
}
