use alloc::collections::VecDeque;
use realtime_ws::{CompressionClass, PreparedMessage};

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
    // The first message waits here, so that a client that keeps up needs no allocation.
    front: Option<PreparedMessage>,
    // Empty, and without memory, if there is no `front`.
    rest: VecDeque<PreparedMessage>,
    // How much of `front` has been transmitted; less than all of it.
    front_transmitted: usize,
    // All that wait in full, a partly transmitted one too: that is the memory they hold.
    bytes: usize,
    dropped: u64,
}

/// How many messages there is room for, behind the first, once a second one waits: a few at once are common,
/// and growing by steps would allocate for each.
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
        Self { limits, class, front: None, rest: VecDeque::new(), front_transmitted: 0, bytes: 0, dropped: 0 }
    }

    /// Whether `message` fits now.
    #[must_use]
    pub fn has_room_for(&self, message: &PreparedMessage) -> bool {
        self.fits_behind(self.len(), self.bytes, self.bytes_of(message))
    }

    /// Appends a message, or does what the policy says if it does not fit.
    pub fn push(&mut self, message: PreparedMessage) -> Pushed {
        let bytes = self.bytes_of(&message);
        if self.fits_behind(self.len(), self.bytes, bytes) {
            self.append(message, bytes);
            return Pushed::Queued;
        }
        match self.limits.policy {
            SlowConsumer::DropNewest => self.count_dropped(1),
            SlowConsumer::DropOldest => self.push_dropping_oldest(message, bytes),
            SlowConsumer::Disconnect => Pushed::Overflowed,
        }
    }

    /// Fills `slices` with what to write next, in order, and returns how many it filled. The first one starts
    /// where the last write ended.
    pub fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        let (Some(front), [first, others @ ..]) = (&self.front, slices) else { return 0 };
        *first = &front.frame_for(self.class)[self.front_transmitted..];
        let mut filled = 1;
        for (slice, message) in others.iter_mut().zip(&self.rest) {
            *slice = message.frame_for(self.class);
            filled += 1;
        }
        filled
    }

    /// Like [`poll_transmit`](Self::poll_transmit), without the first `skip` messages.
    pub(crate) fn poll_transmit_after<'s>(&'s self, skip: usize, slices: &mut [&'s [u8]]) -> usize {
        if skip == 0 {
            return self.poll_transmit(slices);
        }
        let mut filled = 0;
        for (slice, message) in slices.iter_mut().zip(self.messages().skip(skip)) {
            *slice = message.frame_for(self.class);
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
    pub fn transmitted(&mut self, bytes: usize) {
        self.front_transmitted += bytes;
        while let Some(front) = &self.front {
            let bytes_of_front = self.bytes_of(front);
            if self.front_transmitted < bytes_of_front {
                return;
            }
            self.front_transmitted -= bytes_of_front;
            self.remove_front(bytes_of_front);
        }
        assert!(self.front_transmitted == 0, "more bytes transmitted than waited");
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
        let bytes = self.bytes_of(self.front.as_ref()?);
        self.remove_front(bytes)
    }

    /// How many messages wait, a partly transmitted one included.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.front.is_some()) + self.rest.len()
    }

    /// Whether nothing waits.
    #[must_use]
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
        let lost = self.len() as u64;
        *self = Self { dropped: self.dropped, ..Self::for_class(self.limits, self.class) };
        lost
    }

    /// Forgets what has not begun to be transmitted, because something else must be sent instead. Returns how
    /// many messages are lost with it; [`dropped`](Self::dropped) does not count them.
    pub fn clear_untransmitted(&mut self) -> u64 {
        if !self.is_in_mid_frame() {
            return self.clear();
        }
        let lost = self.rest.len() as u64;
        self.rest = VecDeque::new();
        self.bytes = self.front.as_ref().map_or(0, |front| self.bytes_of(front));
        lost
    }

    fn push_dropping_oldest(&mut self, message: PreparedMessage, bytes: usize) -> Pushed {
        let stays = self.front.as_ref().filter(|_| self.is_in_mid_frame());
        let (messages_that_stay, bytes_that_stay) = stays.map_or((0, 0), |front| (1, self.bytes_of(front)));
        if !self.fits_behind(messages_that_stay, bytes_that_stay, bytes) {
            return self.count_dropped(1);
        }
        let mut messages = 0;
        while !self.fits_behind(self.len(), self.bytes, bytes) {
            if messages_that_stay == 0 {
                self.pop();
            } else if let Some(oldest) = self.rest.pop_front() {
                self.bytes -= self.bytes_of(&oldest);
            }
            messages += 1;
        }
        self.append(message, bytes);
        self.count_dropped(messages)
    }

    fn fits_behind(&self, messages_before: usize, bytes_before: usize, bytes: usize) -> bool {
        messages_before < self.limits.max_messages
            && self.limits.max_bytes.checked_sub(bytes_before).is_some_and(|free| bytes <= free)
    }

    fn append(&mut self, message: PreparedMessage, bytes: usize) {
        self.bytes += bytes;
        if self.front.is_none() {
            self.front = Some(message);
        } else {
            if self.rest.capacity() == 0 {
                self.rest.reserve(FIRST_CAPACITY);
            }
            self.rest.push_back(message);
        }
    }

    /// Takes out the first message, which has so many bytes.
    fn remove_front(&mut self, bytes: usize) -> Option<PreparedMessage> {
        self.bytes -= bytes;
        let next = self.rest.pop_front();
        if next.is_none() && self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
        }
        core::mem::replace(&mut self.front, next)
    }

    fn bytes_of(&self, message: &PreparedMessage) -> usize {
        message.frame_for(self.class).len()
    }

    fn count_dropped(&mut self, messages: u64) -> Pushed {
        self.dropped += messages;
        Pushed::Dropped { messages }
    }

    fn messages(&self) -> impl Iterator<Item = &PreparedMessage> {
        self.front.iter().chain(&self.rest)
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
        assert!(outbox.rest.capacity() > 0);
        outbox.transmitted(outbox.bytes());
        assert_eq!(outbox.rest.capacity(), 0);
    }

    #[test]
    fn one_message_at_a_time_allocates_nothing() {
        let mut outbox = Outbox::new(OutboxLimits::default());
        for _ in 0..3 {
            outbox.push("hi".into());
            assert_eq!(outbox.rest.capacity(), 0);
            outbox.pop();
        }
    }
}
