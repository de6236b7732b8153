//! Where a hub's client and a WebSocket connection meet.

use crate::Parcel;
use crate::outbox::{Outbox, OutboxLimits, Pushed};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use realtime_ws::{
    ApiMisuse, CloseCode, Closure, CompressionClass, Config, Connection, Event, Message, PeerMisbehaved,
    PreparedMessage, Receiver, Segment, Sender, Silence, Timestamp,
};

/// No more is read from a peer for which this much waits in replies: who does not read the answers is asked
/// for no more questions.
const MAX_UNSENT_REPLY_BYTES: usize = 64 * 1024;

/// One client's WebSocket connection from the end of its opening handshake to its last byte: what comes in,
/// and all that goes out, the hub's deliveries among it.
///
/// Driven like a [`Connection`]: [`receive`](Self::receive), [`poll_transmit`](Outgoing::poll_transmit),
/// [`poll_timeout`](Self::poll_timeout). Deliveries come in through [`Outgoing::push`].
#[derive(Debug)]
pub struct Session {
    receiver: Receiver,
    outgoing: Outgoing,
}

impl Session {
    /// The session of `connection`, whose deliveries are bounded by `limits`.
    #[must_use]
    pub fn new(connection: Connection, limits: OutboxLimits) -> Self {
        let (receiver, sender) = connection.split();
        let outbox = Outbox::for_class(limits, sender.compression_class());
        let outgoing = Outgoing { sender, outbox, deferred_close: None, undelivered: 0 };
        Self { receiver, outgoing }
    }

    /// See [`Connection::receive`].
    ///
    /// # Errors
    /// [`PeerMisbehaved`]: the connection is failed, and a close frame that says why is queued. The same
    /// error comes back for ever.
    #[inline]
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        now: Timestamp,
    ) -> Result<Option<(Event<'s>, &'s mut Outgoing)>, PeerMisbehaved> {
        match self.receiver.receive(input, now) {
            Ok(Some(event)) => {
                self.outgoing.handle_event(&event, now);
                Ok(Some((event, &mut self.outgoing)))
            }
            Ok(None) => Ok(None),
            Err(misbehaved) => {
                self.outgoing.fail(&misbehaved, now);
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
            self.outgoing.give_up();
        }
        self.receiver.receive_eof();
    }

    /// See [`Receiver::excuse_silence`].
    pub fn excuse_silence(&mut self, now: Timestamp) {
        self.receiver.excuse_silence(now);
    }

    /// All that goes out.
    #[must_use]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// All that goes out.
    pub fn outgoing_mut(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) if nothing happens before; `None`: never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [self.receiver.poll_timeout(), self.outgoing.poll_timeout()].into_iter().flatten().min()
    }

    /// See [`Connection::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Timestamp) {
        match self.receiver.handle_timeout(now) {
            Silence::Bearable => {}
            Silence::Lost => self.outgoing.give_up(),
            Silence::Ping => self.outgoing.ping(),
        }
        self.outgoing.handle_timeout(now);
        if self.outgoing.sender.has_given_up() {
            self.receiver.give_up();
        }
    }

    /// Whether the socket is to be closed: nothing more will come, and nothing is left to write.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.outgoing.is_finished_with(&self.receiver)
    }

    /// Whether the peer's stream has ended, so that nothing more need be read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.receiver.is_ended()
    }

    /// See [`Connection::closure`].
    #[must_use]
    pub fn closure(&self) -> Option<&Closure> {
        self.receiver.closure()
    }

    /// The two halves, for drivers that read and write in different threads. Each event is then to be shown
    /// to [`Outgoing::handle_event`], and an error to [`Outgoing::fail`].
    #[must_use]
    pub fn split(self) -> (Receiver, Outgoing) {
        (self.receiver, self.outgoing)
    }
}

/// All that waits to go out to one client: control frames and replies, and the deliveries in its [`Outbox`].
///
/// Messages leave in the order in which they came in, by whichever way; control frames overtake them.
#[derive(Debug)]
pub struct Outgoing {
    sender: Sender,
    outbox: Outbox,
    deferred_close: Option<Box<DeferredClose>>,
    undelivered: u64,
}

/// A close frame that waits for the outbox to drain.
#[derive(Debug)]
struct DeferredClose {
    code: CloseCode,
    reason: String,
    deadline: Timestamp,
}

impl Outgoing {
    /// Queues a message, or does what the outbox's policy says. [`Pushed::Overflowed`]: close with
    /// [`close_now`](Self::close_now).
    pub fn push(&mut self, message: PreparedMessage) -> Pushed {
        if !self.is_open() {
            self.undelivered += 1;
            return Pushed::Closing;
        }
        self.sender.handle_shared(&message);
        let pushed = self.outbox.push(message);
        if pushed == Pushed::Overflowed {
            self.undelivered += 1; // the connection closes for it
        }
        pushed
    }

    /// The limits of this connection, less those of its outbox.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.sender.config()
    }

    /// Bounds by `limits` what is pushed from now on; what waits already stays.
    pub fn set_limits(&mut self, limits: OutboxLimits) {
        self.outbox.set_limits(limits);
    }

    /// Whether `message` fits into the outbox now. If not, write what waits before the policy is asked, as
    /// [`deliver`](Self::deliver) does.
    #[must_use]
    pub fn has_room_for(&self, message: &PreparedMessage) -> bool {
        self.outbox.has_room_for(message)
    }

    /// Queues what the hub delivers, or does what the outbox's policy says; but first, if it does not fit,
    /// has `write` write what waits as far as the transport takes it: that many messages came in one turn does
    /// not alone make the client slow. [`Pushed::Overflowed`]: close with [`close_now`](Self::close_now).
    ///
    /// What becomes of a segment is told as a whole; of each of its messages it is what would have become of it
    /// alone.
    #[inline]
    pub fn deliver(&mut self, parcel: &Parcel, mut write: impl FnMut(&mut Self)) -> Pushed {
        match parcel {
            Parcel::Message(message) => self.deliver_message(message, &mut write),
            Parcel::Segment(segment) => {
                if self.push_whole(segment) {
                    return Pushed::Queued;
                }
                if !self.is_open() {
                    self.undelivered += segment.messages().len() as u64;
                    return Pushed::Closing;
                }
                write(self);
                if self.push_whole(segment) {
                    return Pushed::Queued;
                }
                self.deliver_each(segment.messages(), write)
            }
        }
    }

    #[inline]
    fn deliver_message(&mut self, message: &PreparedMessage, write: &mut impl FnMut(&mut Self)) -> Pushed {
        if !self.outbox.has_room_for(message) {
            write(self);
        }
        self.push(message.clone())
    }

    /// Whether the messages of `segment` were queued, which they are if all of them fit.
    #[inline]
    fn push_whole(&mut self, segment: &Segment) -> bool {
        let is_queued = self.is_open() && self.outbox.push_whole(segment);
        if is_queued && self.sender.compression_class() != CompressionClass::NONE {
            segment.messages().iter().for_each(|message| self.sender.handle_shared(message));
        }
        is_queued
    }

    #[cold]
    fn deliver_each(&mut self, messages: &[PreparedMessage], mut write: impl FnMut(&mut Self)) -> Pushed {
        let mut dropped = 0;
        for (position, message) in messages.iter().enumerate() {
            let behind = (messages.len() - position - 1) as u64;
            match self.deliver_message(message, &mut write) {
                Pushed::Queued => {}
                Pushed::Dropped { messages } => dropped += messages,
                lost @ (Pushed::Overflowed | Pushed::Closing) => {
                    self.undelivered += behind; // the connection closes before they are sent
                    return lost;
                }
            }
        }
        if dropped == 0 { Pushed::Queued } else { Pushed::Dropped { messages: dropped } }
    }

    /// Queues a reply, whose payload is copied; behind deliveries that wait it is bounded as they are.
    ///
    /// # Errors
    /// [`ApiMisuse`]: the caller's fault, nothing changed.
    #[inline]
    pub fn send<'a>(&mut self, message: impl Into<Message<'a>>) -> Result<Pushed, ApiMisuse> {
        if self.outbox.is_empty() {
            self.sender.send(message).map(|()| Pushed::Queued)
        } else if self.is_open() {
            Ok(self.push(PreparedMessage::new(message)))
        } else {
            Err(ApiMisuse::SendAfterClose)
        }
    }

    /// As [`send`](Self::send), with `write` as in [`Sender::send_through`].
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
    ) -> Result<Pushed, ApiMisuse> {
        if self.outbox.is_empty() {
            self.sender.send_through(message, write).map(|()| Pushed::Queued)
        } else {
            self.send(message)
        }
    }

    /// Begins the closing handshake after all that waits. `reason` is cut to the 123 bytes that fit. Closing
    /// again changes nothing.
    ///
    /// # Errors
    /// [`ApiMisuse::UnsendableCloseCode`], the caller's fault; nothing changed.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Timestamp) -> Result<(), ApiMisuse> {
        if self.outbox.is_empty() || !self.sender.is_open() {
            return self.sender.close(code, reason, now);
        }
        if !code.is_sendable() {
            return Err(ApiMisuse::UnsendableCloseCode(code));
        }
        let deadline = now + self.sender.config().close_timeout;
        // The first one stays: a close frame sent now would go before the deliveries that it is to follow.
        self.deferred_close
            .get_or_insert_with(|| Box::new(DeferredClose { code, reason: reason.into(), deadline }));
        Ok(())
    }

    /// Begins the closing handshake instead of the deliveries that wait; they are counted as
    /// [`undelivered`](Self::undelivered).
    ///
    /// # Errors
    /// [`ApiMisuse::UnsendableCloseCode`], the caller's fault; nothing changed.
    pub fn close_now(&mut self, code: CloseCode, reason: &str, now: Timestamp) -> Result<(), ApiMisuse> {
        self.sender.close(code, reason, now)?;
        self.forget_deliveries();
        Ok(())
    }

    /// See [`Sender::handle_event`]. Only for halves that were split.
    #[inline]
    pub fn handle_event(&mut self, event: &Event<'_>, now: Timestamp) {
        self.sender.handle_event(event, now);
        if matches!(event, Event::Closing { .. }) {
            self.forget_deliveries(); // nothing may follow a close frame
        }
    }

    /// See [`Sender::fail`]. Only for halves that were split.
    pub fn fail(&mut self, misbehaved: &PeerMisbehaved, now: Timestamp) {
        self.sender.fail(misbehaved, now);
        self.forget_deliveries();
    }

    /// See [`Sender::give_up`]; what waits is counted as [`undelivered`](Self::undelivered). Only for halves
    /// that were split.
    pub fn give_up(&mut self) {
        self.sender.give_up();
        self.forget_deliveries();
    }

    /// Gives the peer up because its transport is closed. Returns how many deliveries were
    /// [`undelivered`](Self::undelivered) in all.
    pub fn end(&mut self) -> u64 {
        self.give_up();
        self.undelivered
    }

    /// Asks a silent peer whether it lives. Only for halves that were split.
    pub fn ping(&mut self) {
        // Refused while closing, or when so much waits that the peer will have to answer for it.
        let _ = self.sender.ping(&[]);
    }

    /// Fills `slices` with what to write now, in order, and returns how many it filled; zero: nothing.
    #[inline]
    pub fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        if self.outbox.is_empty() {
            return self.sender.poll_transmit(slices);
        }
        // A delivery that is on its way has to end first. Then what the sender holds: messages from before
        // the outbox filled, and control frames, which overtake.
        let first = usize::from(self.outbox.is_in_mid_frame()).min(slices.len());
        let mut filled = self.outbox.poll_transmit(&mut slices[..first]);
        filled += self.sender.poll_transmit(&mut slices[filled..]);
        if filled == slices.len() {
            return filled;
        }
        filled + self.outbox.poll_transmit_untransmitted(&mut slices[filled..])
    }

    /// Says that the first `bytes` bytes of what [`poll_transmit`](Self::poll_transmit) gave were written.
    /// Nothing may be queued between the two: a control frame would take the place of what was written.
    ///
    /// # Panics
    /// If that is more than it gave.
    #[inline]
    pub fn transmitted(&mut self, bytes: usize, now: Timestamp) {
        if self.outbox.is_empty() {
            return self.sender.transmitted(bytes);
        }
        let of_front = bytes.min(self.outbox.unsent_of_front());
        self.outbox.transmitted(of_front);
        let of_sender = (bytes - of_front).min(self.sender.unsent_bytes());
        self.sender.transmitted(of_sender);
        self.outbox.transmitted(bytes - of_front - of_sender);
        if self.outbox.is_empty()
            && let Some(close) = self.deferred_close.take()
        {
            // Its code was checked when it was deferred.
            let _ = self.sender.close(close.code, &close.reason, now);
        }
    }

    /// See [`Sender::lend_buffer`].
    pub fn lend_buffer(&mut self, buffer: &mut Vec<u8>) {
        self.sender.lend_buffer(buffer);
    }

    /// See [`Sender::reclaim_buffer`].
    pub fn reclaim_buffer(&mut self, buffer: &mut Vec<u8>) {
        self.sender.reclaim_buffer(buffer);
    }

    /// When the peer must have taken what waits and finished the closing handshake; `None` while none was
    /// begun.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match &self.deferred_close {
            Some(close) => Some(close.deadline),
            None => self.sender.poll_timeout(),
        }
    }

    /// Gives the peer up if it took too long over the closing handshake.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if let Some(close) = self.deferred_close.take_if(|close| close.deadline <= now) {
            self.forget_deliveries();
            let _ = self.sender.close(close.code, &close.reason, now);
        }
        self.sender.handle_timeout(now);
        if self.sender.has_given_up() {
            self.forget_deliveries();
        }
    }

    /// Whether messages can be sent: no close frame is sent or waits.
    #[must_use]
    #[inline]
    pub fn is_open(&self) -> bool {
        self.sender.is_open() && self.deferred_close.is_none()
    }

    /// Whether nothing is to be written.
    #[must_use]
    #[inline]
    pub fn is_drained(&self) -> bool {
        self.outbox.is_empty() && self.sender.unsent_bytes() == 0
    }

    /// Whether the peer's next bytes should be read now: not while it leaves more than 64 KiB of replies
    /// unread.
    #[must_use]
    #[inline]
    pub fn wants_input(&self) -> bool {
        self.sender.unsent_bytes() <= MAX_UNSENT_REPLY_BYTES
    }

    /// Whether the socket is to be closed, given the other half.
    #[must_use]
    pub fn is_finished_with(&self, receiver: &Receiver) -> bool {
        self.sender.is_finished_with(receiver)
    }

    /// The deliveries that wait.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// How many deliveries the outbox's policy has dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.outbox.dropped()
    }

    /// How many deliveries were lost so far because the connection closed before they were written. They are
    /// none of those that the outbox's policy [`dropped`](Self::dropped).
    #[must_use]
    pub fn undelivered(&self) -> u64 {
        self.undelivered
    }

    fn forget_deliveries(&mut self) {
        self.deferred_close = None;
        self.undelivered += if self.sender.has_given_up() {
            self.outbox.clear() // the rest of a delivery that is on its way is not written either
        } else {
            self.outbox.clear_untransmitted()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realtime_ws::CheckedConfig;

    #[test]
    fn what_is_for_a_lost_peer_is_counted_as_undelivered() {
        let config = CheckedConfig::default();
        let mut session = Session::new(Connection::server(config, Timestamp::START), OutboxLimits::default());
        assert_eq!(session.outgoing_mut().push(PreparedMessage::new("waits")), Pushed::Queued);
        assert_eq!((session.outgoing().outbox().len(), session.outgoing().outbox().bytes()), (1, 7));
        session.receive_eof();
        assert_eq!(session.outgoing_mut().push(PreparedMessage::new("late")), Pushed::Closing);
        assert_eq!(session.outgoing_mut().send("reply"), Err(ApiMisuse::SendAfterClose));
        assert_eq!((session.outgoing().undelivered(), session.is_finished()), (2, true));
    }

    #[test]
    fn other_limits_hold_for_what_is_pushed_from_then_on() {
        let config = CheckedConfig::default();
        let connection = Connection::server(config.clone(), Timestamp::START);
        let mut session = Session::new(connection, OutboxLimits::default());
        assert_eq!(session.outgoing().config(), &*config);
        for text in ["waits", "and waits"] {
            assert_eq!(session.outgoing_mut().push(PreparedMessage::new(text)), Pushed::Queued);
        }
        let limits = OutboxLimits { max_messages: 1, ..OutboxLimits::default() };
        session.outgoing_mut().set_limits(limits);
        let pushed = session.outgoing_mut().push(PreparedMessage::new("one too many"));
        assert_eq!((pushed, session.outgoing().dropped()), (Pushed::Dropped { messages: 1 }, 1));
    }

    /// A session with one delivery waiting and one on its way, of which the peer took five bytes.
    fn session_in_mid_frame() -> Session {
        let config = CheckedConfig::default();
        let mut session = Session::new(Connection::server(config, Timestamp::START), OutboxLimits::default());
        for text in ["on its way", "waits"] {
            session.outgoing_mut().push(PreparedMessage::new(text));
        }
        session.outgoing_mut().transmitted(5, Timestamp::START);
        session
    }

    #[test]
    fn a_delivery_cut_off_by_the_loss_of_the_peer_is_undelivered() {
        let mut session = session_in_mid_frame();
        assert_eq!((session.outgoing_mut().end(), session.outgoing().is_drained()), (2, true));
    }

    #[test]
    fn a_delivery_that_outlasts_the_closing_handshake_is_undelivered() {
        let mut session = session_in_mid_frame();
        let close = session.outgoing_mut().close_now(CloseCode::NORMAL, "", Timestamp::START);
        assert_eq!((close, session.outgoing().undelivered()), (Ok(()), 1));
        session.handle_timeout(session.poll_timeout().unwrap());
        assert_eq!((session.outgoing().undelivered(), session.is_finished()), (2, true));
    }
}
