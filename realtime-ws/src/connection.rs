//! stub
use crate::*;
use alloc::sync::Arc;
use core::time::Duration;

/// Which side of the connection this is (RFC 6455 §1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// s
    Server,
    /// c
    Client,
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Receiver {
    pub(crate) config: Arc<Config>,
}
/// The sending half of a connection.
#[derive(Debug)]
pub struct Sender {
    pub(crate) x: u8,
}

/// Where a client's masking keys come from
pub struct MaskingKeys(alloc::boxed::Box<dyn FnMut() -> [u8; 4] + Send>);
impl MaskingKeys {
    /// `draw` must give an unpredictable key each time (RFC 6455 §10.3).
    pub fn new(draw: impl FnMut() -> [u8; 4] + Send + 'static) -> Self {
        Self(alloc::boxed::Box::new(draw))
    }
}
impl core::fmt::Debug for MaskingKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MaskingKeys")
    }
}

/// A connection
#[derive(Debug)]
pub struct Connection {
    receiver: Receiver,
    sender: Sender,
}

impl Receiver {
    /// Like [`Connection::receive`]; show each event to `Sender::handle_event`, and an error to `Sender::fail`.
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        now: Timestamp,
    ) -> Result<Option<Event<'s>>, PeerMisbehaved> {
        todo!()
    }
    /// Where the rest of a large frame can be read to directly; `None` if there is nothing to gain.
    pub fn spare(&mut self) -> Option<&mut [u8]> {
        todo!()
    }
    /// `bytes` bytes were read into `spare()`. Call `receive` next (with empty input).
    pub fn filled(&mut self, bytes: usize) {
        todo!()
    }
    /// The peer's stream ended.
    pub fn receive_eof(&mut self) {
        todo!()
    }
    /// keepalive
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        todo!()
    }
    /// keepalive: ping it through the sender (Due::Ping), or finished (closure is set)
    pub fn handle_timeout(&mut self, now: Timestamp) -> bool {
        todo!()
    }
}
impl Sender {
    /// Queues a message: payload is copied.
    pub fn send<'a>(&mut self, message: impl Into<Message<'a>>) -> Result<(), ApiMisuse> {
        todo!()
    }
    /// Queues a reference. server role only? (client: masks a copy)
    pub fn send_prepared(&mut self, message: &PreparedMessage) -> Result<(), ApiMisuse> {
        todo!()
    }
    /// ping
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), ApiMisuse> {
        todo!()
    }
    /// Queues a close frame.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Timestamp) -> Result<(), ApiMisuse> {
        todo!()
    }
    /// Split halves only.
    pub fn handle_event(&mut self, event: &Event<'_>, now: Timestamp) {
        todo!()
    }
    /// Split halves only.
    pub fn fail(&mut self, misbehaved: &PeerMisbehaved, now: Timestamp) {
        todo!()
    }
    /// What to write now.
    pub fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        todo!()
    }
    /// bytes were written
    pub fn transmitted(&mut self, bytes: usize) {
        todo!()
    }
    /// bytes queued and not yet transmitted
    pub fn unsent_bytes(&self) -> usize {
        todo!()
    }
    /// close timeout
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        todo!()
    }
    /// close timeout
    pub fn handle_timeout(&mut self, now: Timestamp) {
        todo!()
    }
    /// Bytes that go out before the first frame: the opening handshake's response
    pub(crate) fn queue_head(&mut self, head: &[u8]) {
        todo!()
    }
}
impl Connection {
    /// A server's connection after its opening handshake; `handshake` is the response, which is transmitted first.
    pub(crate) fn server_after(config: Arc<Config>, response: &[u8], now: Timestamp) -> Self {
        todo!()
    }
    /// server
    pub fn server(config: Arc<Config>, now: Timestamp) -> Self {
        todo!()
    }
    /// client
    pub fn client(config: Arc<Config>, keys: MaskingKeys, now: Timestamp) -> Self {
        todo!()
    }
    /// Takes what it used off the front of `input`.
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        now: Timestamp,
    ) -> Result<Option<(Event<'s>, &'s mut Sender)>, PeerMisbehaved> {
        todo!()
    }
    /// Independently usable halves, for two threads
    pub fn split(self) -> (Receiver, Sender) {
        (self.receiver, self.sender)
    }
    /// Whether the socket should be closed: nothing more to receive nor to transmit.
    pub fn is_finished(&self) -> bool {
        todo!()
    }
    /// How it ended, once it has.
    pub fn closure(&self) -> Option<&Closure> {
        todo!()
    }
}
