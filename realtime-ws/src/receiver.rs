use crate::assembly::Assembly;
use crate::close::{CloseCode, Closure};
use crate::config::CheckedConfig;
use crate::connection::Role;
#[cfg(feature = "deflate")]
use crate::deflate::{Decompressor, NegotiatedDeflate};
use crate::error::PeerMisbehaved;
use crate::event::Event;
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

/// The receiving half of a [`Connection`](crate::Connection): bytes to events, and what silence means.
///
/// On its own, such as in a thread that blocks in reads, it needs its other half told: each event goes to
/// [`Sender::handle_event`](crate::Sender::handle_event), an error to [`Sender::fail`](crate::Sender::fail).
#[derive(Debug)]
pub struct Receiver {
    config: CheckedConfig,
    role: Role,
    state: State,
    was_pinged: bool,
    last_heard: Timestamp,
    assembly: Assembly,
    closure: Option<Box<Closure>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The peer's close frame has come; RFC 6455 §5.5.1 forbids it to send more.
    Closed,
    /// No more bytes will come, or none are waited for.
    Ended,
    Failed(PeerMisbehaved),
}

/// What a silent peer calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nothing yet.
    Bearable,
    /// A ping, to see whether it lives.
    Ping,
    /// An end: the connection is lost.
    Lost,
}

impl Receiver {
    pub(crate) fn new(config: CheckedConfig, role: Role, now: Timestamp) -> Self {
        Self {
            config,
            role,
            state: State::Open,
            was_pinged: false,
            last_heard: now,
            assembly: Assembly::default(),
            closure: None,
        }
    }

    /// The next event in `input`; takes what it used off the front. `None`: all of `input` is used.
    ///
    /// The payload of a frame that is whole in `input` is unmasked in place and lent from there; only an
    /// incomplete frame and a fragmented message are copied.
    ///
    /// # Errors
    /// [`PeerMisbehaved`] fails the connection: tell [`Sender::fail`](crate::Sender::fail). The same error
    /// comes back for ever.
    #[inline]
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        now: Timestamp,
    ) -> Result<Option<Event<'s>>, PeerMisbehaved> {
        if !matches!(self.state, State::Open) {
            return self.receive_after_end(input);
        }
        if !input.is_empty() {
            self.heard(now);
        }
        match self.assembly.receive(input, &self.config, self.role) {
            Ok(Some(Event::Closing { code, reason })) => {
                self.state = State::Closed;
                self.closure = Some(clean_end(code, reason));
                Ok(Some(Event::Closing { code, reason }))
            }
            Ok(event) => Ok(event),
            Err(misbehaved) => {
                *input = &mut [];
                self.state = State::Failed(misbehaved);
                self.closure = Some(failure(misbehaved));
                Err(misbehaved)
            }
        }
    }

    /// Takes what comes too late; nobody looks at it.
    #[cold]
    fn receive_after_end<'e>(&mut self, input: &mut &mut [u8]) -> Result<Option<Event<'e>>, PeerMisbehaved> {
        self.assembly = Assembly::default();
        *input = &mut [];
        match self.state {
            State::Open | State::Closed | State::Ended => Ok(None),
            State::Failed(misbehaved) => Err(misbehaved),
        }
    }

    /// Where the rest of a large frame can be read to directly, saving a copy; `None` if there is nothing
    /// to gain, or before what was read into the last one is looked at. After the read call
    /// [`filled`](Self::filled).
    ///
    /// Without a lent buffer it is never longer than 64 KiB or what has arrived of the message, whichever is
    /// more: memory follows the bytes received.
    pub fn spare(&mut self) -> Option<&mut [u8]> {
        match self.state {
            State::Open => self.assembly.spare(&self.config),
            State::Closed | State::Ended | State::Failed(_) => None,
        }
    }

    /// Says that `bytes` bytes were read into [`spare`](Self::spare); [`receive`](Self::receive) then looks
    /// at them, also with empty input.
    ///
    /// # Panics
    /// If `bytes` is longer than the spare was.
    pub fn filled(&mut self, bytes: usize, now: Timestamp) {
        match self.state {
            State::Open => {
                if bytes > 0 {
                    self.heard(now);
                }
                self.assembly.filled(bytes);
            }
            State::Closed | State::Ended | State::Failed(_) => {} // ended while the read was under way
        }
    }

    /// Whether a large frame is awaited that no buffer was lent for.
    #[must_use]
    pub fn wants_message_buffer(&self) -> bool {
        match self.state {
            State::Open => self.assembly.wants_buffer(&self.config),
            State::Closed | State::Ended | State::Failed(_) => false,
        }
    }

    /// Lends a buffer to put a message together in; when
    /// [`wants_message_buffer`](Self::wants_message_buffer) says so.
    ///
    /// A driver of many connections keeps a few for all: to allocate a large one for each message anew can
    /// take longer than all else that is done with it. All of the buffer's length is used, so that
    /// [`spare`](Self::spare) may be longer than memory that follows the bytes received; one that is too
    /// short grows with them.
    pub fn lend_message_buffer(&mut self, buffer: Vec<u8>) {
        self.assembly.lend(buffer);
    }

    /// Gives the lent buffer back, or what took its place, if no message is in progress in it.
    pub fn reclaim_message_buffer(&mut self) -> Option<Vec<u8>> {
        self.assembly.reclaim()
    }

    /// Says that the peer's stream ended. Without a close frame before it the connection was lost
    /// ([`CloseCode::ABNORMAL`]).
    pub fn receive_eof(&mut self) {
        match self.state {
            State::Open => {
                let how = if self.assembly.is_in_progress() {
                    "connection ended in the middle of a message"
                } else {
                    "connection ended without a close frame"
                };
                self.lose(how);
            }
            State::Closed => self.state = State::Ended,
            State::Ended | State::Failed(_) => {}
        }
    }

    /// When silence calls for something; `None`: never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let keepalive = self.config.keepalive?;
        match self.state {
            State::Open if self.was_pinged => Some(self.last_heard + keepalive.close_after),
            State::Open => Some(self.last_heard + keepalive.ping_after),
            State::Closed | State::Ended | State::Failed(_) => None,
        }
    }

    /// What the silence up to `now` calls for. [`Silence::Lost`] has already ended this half;
    /// [`Silence::Ping`] is said once: send one.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Silence {
        let (Some(keepalive), State::Open) = (self.config.keepalive, self.state) else {
            return Silence::Bearable;
        };
        let silence = now.since(self.last_heard);
        if silence >= keepalive.close_after {
            self.lose("peer was silent for too long");
            Silence::Lost
        } else if silence >= keepalive.ping_after && !mem::replace(&mut self.was_pinged, true) {
            Silence::Ping
        } else {
            Silence::Bearable
        }
    }

    /// Says that the silence up to `now` is not the peer's: the driver did not read.
    pub fn excuse_silence(&mut self, now: Timestamp) {
        self.last_heard = self.last_heard.max(now);
    }

    /// Whether nothing more can come: the peer's close frame was received, it misbehaved, or the connection
    /// is lost.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state != State::Open
    }

    /// Whether no bytes are waited for any more: the peer's stream ended or it was silent for too long.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// How the peer's side of the connection ended, once it has.
    #[must_use]
    pub fn closure(&self) -> Option<&Closure> {
        self.closure.as_deref()
    }

    /// The bytes held on the heap for what is incomplete; zero between messages, unless compressed ones
    /// may refer to earlier ones.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.assembly.held_bytes()
    }

    /// Says what the handshake agreed on.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_deflate(&mut self, agreed: NegotiatedDeflate) {
        self.assembly.set_decompressor(Decompressor::new(agreed));
    }

    /// What the handshake agreed on; forgotten once nothing more can come.
    #[cfg(feature = "deflate")]
    pub(crate) fn deflate(&self) -> Option<NegotiatedDeflate> {
        self.assembly.deflate()
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// Whether the connection ended without a close frame, so that nothing need be written either.
    pub(crate) fn is_lost(&self) -> bool {
        // The reply to a close frame may still be on its way when the peer's stream ends after it.
        self.is_ended() && self.closure.as_ref().is_some_and(|closure| !closure.was_clean)
    }

    /// Says that the peer's close frame is waited for no longer. Only for halves that were split.
    pub fn give_up(&mut self) {
        if self.state == State::Open {
            self.lose("peer did not answer the close frame");
        }
    }

    fn lose(&mut self, how: &str) {
        self.state = State::Ended;
        self.assembly = Assembly::default();
        let closure = Closure { code: CloseCode::ABNORMAL, reason: String::from(how), was_clean: false };
        self.closure.get_or_insert_with(|| Box::new(closure));
    }

    #[inline]
    fn heard(&mut self, now: Timestamp) {
        self.last_heard = self.last_heard.max(now);
        self.was_pinged = false;
    }
}

#[cold]
fn clean_end(code: Option<CloseCode>, reason: &str) -> Box<Closure> {
    let code = code.unwrap_or(CloseCode::NO_STATUS);
    Box::new(Closure { code, reason: reason.into(), was_clean: true })
}

#[cold]
fn failure(misbehaved: PeerMisbehaved) -> Box<Closure> {
    let reason = misbehaved.to_string();
    Box::new(Closure { code: misbehaved.close_code(), reason, was_clean: false })
}
