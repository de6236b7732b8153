use crate::{Home, Order, Recipients};
use alloc::vec::Vec;
use core::iter::Peekable;
use core::slice;
use realtime_ws::{PreparedMessage, Segment};

/// What a loop puts into the outboxes of some clients at once: a message, or several as one.
///
/// It makes no difference to a client, nor to what is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// A message.
    Message(PreparedMessage),
    /// Several messages, as one run of frames.
    Segment(Segment),
}

/// Fewer recipients are not worth the copy that joining messages takes: it has to be small beside what is sent.
const MIN_RECIPIENTS: usize = 16;

/// The longest run of frames that messages are joined into, which bounds the copy.
const MAX_SEGMENT_BYTES: usize = 64 * 1024;

/// The most messages of a segment: half of what an outbox takes by default, so that one fits behind another.
const MAX_SEGMENT_MESSAGES: usize = 32;

impl Parcel {
    /// The messages, in order.
    #[must_use]
    pub fn messages(&self) -> &[PreparedMessage] {
        match self {
            Self::Message(message) => slice::from_ref(message),
            Self::Segment(segment) => segment.messages(),
        }
    }
}

impl From<PreparedMessage> for Parcel {
    fn from(message: PreparedMessage) -> Self {
        Self::Message(message)
    }
}

impl Order {
    /// `orders` as they are to be performed at `home`: messages that go to the same clients there, one directly
    /// after the other, come as one segment of at most 32 messages and 64 KiB.
    ///
    /// For loops whose clients are sent frames. It is done where it pays: for 16 clients and more.
    pub fn joined(orders: impl IntoIterator<Item = Self>, home: Home) -> impl Iterator<Item = Self> {
        Joined { orders: orders.into_iter().peekable(), home }
    }
}

struct Joined<I: Iterator<Item = Order>> {
    orders: Peekable<I>,
    home: Home,
}

impl<I: Iterator<Item = Order>> Iterator for Joined<I> {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        match self.orders.next()? {
            Order::Deliver { to, parcel: Parcel::Message(first) } => {
                let parcel = self.join_what_follows(&to, first);
                Some(Order::Deliver { to, parcel })
            }
            order @ (Order::Deliver { parcel: Parcel::Segment(_), .. } | Order::Disconnect { .. }) => {
                Some(order)
            }
        }
    }
}

impl<I: Iterator<Item = Order>> Joined<I> {
    fn join_what_follows(&mut self, to: &Recipients, first: PreparedMessage) -> Parcel {
        let mut bytes = first.frame().len();
        let Some(second) = self.next_if_joinable(to, &mut bytes) else { return first.into() };
        let mut messages = Vec::from([first, second]);
        while messages.len() < MAX_SEGMENT_MESSAGES
            && let Some(message) = self.next_if_joinable(to, &mut bytes)
        {
            messages.push(message);
        }
        Parcel::Segment(Segment::new(messages))
    }

    /// The next message, if it goes to the same clients and fits behind so many bytes; then it is added to these.
    fn next_if_joinable(&mut self, to: &Recipients, bytes: &mut usize) -> Option<PreparedMessage> {
        let next = self.orders.next_if(|next| match next {
            Order::Deliver { to: its, parcel: Parcel::Message(message) } => {
                its.shares_with(to)
                    && *bytes + message.frame().len() <= MAX_SEGMENT_BYTES
                    && to.at(self.home).nth(MIN_RECIPIENTS - 1).is_some()
            }
            Order::Deliver { parcel: Parcel::Segment(_), .. } | Order::Disconnect { .. } => false,
        });
        let Some(Order::Deliver { parcel: Parcel::Message(message), .. }) = next else { return None };
        *bytes += message.frame().len();
        Some(message)
    }
}
