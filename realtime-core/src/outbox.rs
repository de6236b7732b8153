use crate::Parcel;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use realtime_ws::{CompressionClass, PreparedMessage, Segment};

/// The bounds of one client's outbox and what happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// The most messages that wait. Default 64.
    pub max_messages: usize,
    /// The most bytes that wait, as they go out: frame headers included, and compressed where the
    /// connection is. Default 1 MiB. A message longer than this never fits, not even alone.
    pub max_bytes: usize,
    /// What happens when a message does not fit. Default: it is dropped.
    pub policy: SlowConsumer,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { max_messages: 64, max_bytes: 1024 * 1024, policy: SlowConsumer::default() }
    }
}

impl OutboxLimits {
    /// Whether so much may wait.
    #[inline]
    const fn allow(&self, messages: usize, bytes: usize) -> bool {
        messages <= self.max_messages && bytes <= self.max_bytes
    }
}

/// What happens when a client receives more slowly than it is sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlowConsumer {
    /// The new message is dropped and counted; the client lives.
    #[default]
    DropNewest,
    /// The oldest messages are dropped and counted until the new one fits; the client lives. A message that
    /// is partly transmitted stays, and one that would not fit even then is itself dropped and counted.
    DropOldest,
    /// The client is to be disconnected; nothing counts as dropped.
    Disconnect,
}

/// One client's bounded queue of references to messages.
///
/// Messages leave either as bytes of WebSocket frames ([`poll_transmit`](Self::poll_transmit),
/// [`transmitted`](Self::transmitted)) or whole, for any other transport ([`pop`](Self::pop)). An empty
/// outbox owns no heap memory.
#[derive(Debug)]
pub struct Outbox {
    limits: OutboxLimits,
    // In which form messages are counted and transmitted; a message's form never changes.
    class: CompressionClass,
    // What is first waits here, so that a client that keeps up needs no allocation. A segment stays whole only
    // until some of it is transmitted, or one of its messages is wanted alone.
    front: Option<Parcel>,
    // What waits behind it; `None` if nothing does. Boxed, since nearly all clients keep up.
    rest: Option<Box<Rest>>,
    // How much of `front` has been transmitted; less than all of it, and nothing of a segment.
    front_transmitted: usize,
    // All that wait, those of segments one by one.
    messages: usize,
    // All that wait in full, a partly transmitted one too: that is the memory they hold.
    bytes: usize,
    dropped: u64,
}

/// How many places there are, behind the first, once a second message waits: a few at once are common, and
/// growing by steps would allocate for each.
const FIRST_CAPACITY: usize = 16;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It waits; nothing was lost.
    Queued,
    /// The policy dropped this message or older ones, which [`Outbox::dropped`] counts.
    Dropped {
        /// How many.
        messages: u64,
    },
    /// It did not fit and does not wait; disconnect the client.
    Overflowed,
    /// The connection is closing; [`Outgoing::undelivered`](crate::Outgoing::undelivered) counts it. An outbox by
    /// itself does not close.
    Closing,
}

impl Outbox {
    /// An empty outbox, whose messages leave uncompressed.
    #[must_use]
    pub const fn new(limits: OutboxLimits) -> Self {
        Self::for_class(limits, CompressionClass::NONE)
    }

    /// An empty outbox of a connection of `class`.
    #[must_use]
    pub const fn for_class(limits: OutboxLimits, class: CompressionClass) -> Self {
        Self {
            limits,
            class,
            front: None,
            rest: None,
            front_transmitted: 0,
            messages: 0,
            bytes: 0,
            dropped: 0,
        }
    }

    /// Bounds by `limits` what is pushed from now on; what waits already stays.
    pub fn set_limits(&mut self, limits: OutboxLimits) {
        self.limits = limits;
    }

    /// Whether `message` fits now.
    #[must_use]
    #[inline]
    pub fn has_room_for(&self, message: &PreparedMessage) -> bool {
        self.fits(1, message.frame_for(self.class).len())
    }

    /// Appends a message, or does what the policy says if it does not fit.
    #[inline]
    pub fn push(&mut self, message: PreparedMessage) -> Pushed {
        let bytes = message.frame_for(self.class).len();
        if self.fits(1, bytes) {
            self.append(Parcel::Message(message), 1, bytes);
            Pushed::Queued
        } else {
            self.push_beyond_limits(message, bytes)
        }
    }

    /// Appends the messages of `segment`, if they all fit now. Otherwise, which is the answer false, nothing
    /// changes: [`push`](Self::push) them one by one.
    #[inline]
    #[must_use = "if they do not fit they are still to be pushed"]
    pub fn push_whole(&mut self, segment: &Segment) -> bool {
        let messages = segment.messages().len();
        // The frames are looked at last: to have them in a compressed form takes work.
        let fits = self.fits(messages, 0) && self.fits(messages, segment.frames_for(self.class).len());
        if fits && messages > 0 {
            let bytes = segment.frames_for(self.class).len();
            self.append(Parcel::Segment(segment.clone()), messages, bytes);
        }
        fits
    }

    /// Fills `slices` with what to write next, in order, and returns how many it filled. The first one starts
    /// where the last write ended.
    #[inline]
    pub fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        let (Some(front), [first, others @ ..]) = (&self.front, slices) else { return 0 };
        *first = &self.frames_of(front)[self.front_transmitted..];
        1 + self.poll_transmit_rest(others)
    }

    /// Like [`poll_transmit`](Self::poll_transmit), without the message that is on its way.
    pub(crate) fn poll_transmit_untransmitted<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        if self.is_in_mid_frame() { self.poll_transmit_rest(slices) } else { self.poll_transmit(slices) }
    }

    #[inline]
    fn poll_transmit_rest<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        let Some(rest) = &self.rest else { return 0 };
        let mut filled = 0;
        for (slice, parcel) in slices.iter_mut().zip(&rest.parcels) {
            *slice = self.frames_of(parcel);
            filled += 1;
        }
        filled
    }

    /// How much of the first message is still to be transmitted, if it is on its way; otherwise zero.
    pub(crate) fn unsent_of_front(&self) -> usize {
        match &self.front {
            Some(front) if self.is_in_mid_frame() => self.bytes_of(front) - self.front_transmitted,
            Some(_) | None => 0,
        }
    }

    /// The first `bytes` bytes of what [`poll_transmit`](Self::poll_transmit) lent were written.
    ///
    /// # Panics
    /// If more was written than waited.
    #[inline]
    pub fn transmitted(&mut self, bytes: usize) {
        if bytes == self.bytes - self.front_transmitted {
            self.forget_all();
        } else {
            self.transmitted_in_part(bytes);
        }
    }

    /// Whether the first message is partly transmitted, so that no other frame can be sent before the rest of
    /// it.
    #[must_use]
    pub const fn is_in_mid_frame(&self) -> bool {
        self.front_transmitted > 0
    }

    /// Takes the first message, for a transport that sends it in another form than
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn pop(&mut self) -> Option<PreparedMessage> {
        self.front_transmitted = 0;
        let first = match self.front.take()? {
            Parcel::Message(message) => message,
            segment @ Parcel::Segment(_) => {
                let rest = self.rest.get_or_insert_default();
                rest.parcels.push_front(segment);
                rest.pop_message()?
            }
        };
        self.bytes -= first.frame_for(self.class).len();
        self.messages -= 1;
        self.advance();
        Some(first)
    }

    /// How many messages wait, a partly transmitted one included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.messages
    }

    /// Whether nothing waits.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.front.is_none()
    }

    /// How many bytes wait, frame headers included; a message counts in full until its last byte is
    /// transmitted.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages the policy has dropped so far.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Forgets what waits, because nothing can be sent any more. Returns how many messages are lost with
    /// it, a partly transmitted one included; [`dropped`](Self::dropped) does not count them.
    pub fn clear(&mut self) -> u64 {
        let lost = self.messages as u64;
        self.forget_all();
        lost
    }

    /// Forgets what has not begun to be transmitted, because something else must be sent instead. Returns how
    /// many messages are lost with it; [`dropped`](Self::dropped) does not count them.
    pub fn clear_untransmitted(&mut self) -> u64 {
        if !self.is_in_mid_frame() {
            return self.clear();
        }
        let lost = self.messages as u64 - 1;
        self.rest = None;
        self.messages = 1;
        self.bytes = self.front.as_ref().map_or(0, |front| self.bytes_of(front));
        lost
    }

    #[cold]
    fn push_beyond_limits(&mut self, message: PreparedMessage, bytes: usize) -> Pushed {
        match self.limits.policy {
            SlowConsumer::DropNewest => self.count_dropped(1),
            SlowConsumer::DropOldest => self.push_dropping_oldest(message, bytes),
            SlowConsumer::Disconnect => Pushed::Overflowed,
        }
    }

    fn push_dropping_oldest(&mut self, message: PreparedMessage, bytes: usize) -> Pushed {
        let on_its_way = self.front.as_ref().filter(|_| self.front_transmitted > 0);
        let (messages_that_stay, bytes_that_stay) =
            on_its_way.map_or((0, 0), |front| (1, self.bytes_of(front)));
        if !self.limits.allow(messages_that_stay + 1, bytes_that_stay.saturating_add(bytes)) {
            return self.count_dropped(1);
        }
        let mut messages = 0;
        while !self.fits(1, bytes) {
            if messages_that_stay == 0 {
                self.pop();
            } else if let Some(oldest) = self.rest.as_mut().and_then(|rest| rest.pop_message()) {
                self.bytes -= oldest.frame_for(self.class).len();
                self.messages -= 1;
            }
            messages += 1;
        }
        self.append(Parcel::Message(message), 1, bytes);
        self.count_dropped(messages)
    }

    #[inline]
    fn fits(&self, messages: usize, bytes: usize) -> bool {
        self.limits.allow(self.messages.saturating_add(messages), self.bytes.saturating_add(bytes))
    }

    #[inline]
    fn append(&mut self, parcel: Parcel, messages: usize, bytes: usize) {
        self.messages += messages;
        self.bytes += bytes;
        if self.front.is_none() {
            self.front = Some(parcel);
        } else {
            self.rest.get_or_insert_default().push(parcel);
        }
    }

    fn transmitted_in_part(&mut self, bytes: usize) {
        self.front_transmitted += bytes;
        while self.front_transmitted > 0 {
            let Some(front) = &self.front else { panic!("more bytes transmitted than waited") };
            let bytes_of_front = self.bytes_of(front);
            match front {
                whole if self.front_transmitted >= bytes_of_front => {
                    self.messages -= whole.messages().len();
                    self.bytes -= bytes_of_front;
                    self.front_transmitted -= bytes_of_front;
                    self.advance();
                }
                // Control frames may go between its messages, and each counts until it is transmitted.
                Parcel::Segment(segment) => {
                    let rest = self.rest.get_or_insert_default();
                    rest.parcels.push_front(Parcel::Segment(segment.clone()));
                    self.front = rest.pop_message().map(Parcel::Message);
                }
                Parcel::Message(_) => return,
            }
        }
    }

    /// Puts the first of the rest in the place of what was first.
    fn advance(&mut self) {
        self.front = self.rest.as_mut().and_then(|rest| rest.parcels.pop_front());
        if self.front.is_none() {
            self.rest = None;
        }
    }

    #[inline]
    fn forget_all(&mut self) {
        (self.front, self.rest) = (None, None);
        (self.front_transmitted, self.messages, self.bytes) = (0, 0, 0);
    }

    #[inline]
    fn frames_of<'p>(&self, parcel: &'p Parcel) -> &'p [u8] {
        match parcel {
            Parcel::Message(message) => message.frame_for(self.class),
            Parcel::Segment(segment) => segment.frames_for(self.class),
        }
    }

    fn bytes_of(&self, parcel: &Parcel) -> usize {
        self.frames_of(parcel).len()
    }

    fn count_dropped(&mut self, messages: u64) -> Pushed {
        self.dropped += messages;
        Pushed::Dropped { messages }
    }
}

/// What waits behind the first of an outbox.
#[derive(Debug, Default)]
struct Rest {
    parcels: VecDeque<Parcel>,
}

impl Rest {
    fn push(&mut self, parcel: Parcel) {
        if self.parcels.capacity() == 0 {
            self.parcels.reserve(FIRST_CAPACITY);
        }
        self.parcels.push_back(parcel);
    }

    /// Takes out the first message; if it is a segment's, the others of that wait one by one from now on.
    fn pop_message(&mut self) -> Option<PreparedMessage> {
        match self.parcels.pop_front()? {
            Parcel::Message(message) => Some(message),
            Parcel::Segment(segment) => {
                let (first, others) = segment.messages().split_first()?;
                self.parcels.reserve(others.len());
                for message in others.iter().rev() {
                    self.parcels.push_front(Parcel::Message(message.clone()));
                }
                Some(first.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_outbox_owns_no_heap_memory() {
        let mut outbox = Outbox::new(OutboxLimits::default());
        for text in ["1", "2", "3"] {
            outbox.push(text.into());
        }
        assert!(outbox.rest.is_some());
        outbox.transmitted(outbox.bytes());
        assert!(outbox.rest.is_none());
    }

    #[test]
    fn one_message_at_a_time_allocates_nothing() {
        let mut outbox = Outbox::new(OutboxLimits::default());
        for _ in 0..3 {
            outbox.push("hi".into());
            assert!(outbox.rest.is_none());
            outbox.pop();
        }
    }
}
