use alloc::vec::Vec;
use core::num::NonZeroU64;

/// A sequence in the order of joining, from whose middle anything can leave.
///
/// Joining is O(1), leaving O(log n), both amortised; iteration is over contiguous memory.
#[derive(Clone, Debug)]
pub(crate) struct JoinOrder<T> {
    // Tickets ascend, so a ticket is found by binary search. `None` has left; never more than half of them.
    entries: Vec<(Ticket, Option<T>)>,
    len: usize,
    next_ticket: Ticket,
}

/// Finds one value of a [`JoinOrder`] again; never reused within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(NonZeroU64);

impl<T> JoinOrder<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), len: 0, next_ticket: Ticket(NonZeroU64::MIN) }
    }

    pub(crate) fn push(&mut self, value: T) -> Ticket {
        let ticket = self.next_ticket;
        // At a million joins a second, this saturates after half a million years.
        self.next_ticket = Ticket(ticket.0.saturating_add(1));
        self.entries.push((ticket, Some(value)));
        self.len += 1;
        ticket
    }

    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let position = self.position(ticket)?;
        let value = self.entries[position].1.take()?;
        self.len -= 1;
        if self.entries.len() > 2 * self.len {
            self.entries.retain(|(_, value)| value.is_some());
            self.entries.shrink_to(2 * self.len);
        }
        Some(value)
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&T> {
        self.entries[self.position(ticket)?].1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut T> {
        let position = self.position(ticket)?;
        self.entries[position].1.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().filter_map(|(_, value)| value.as_ref())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().filter_map(|(_, value)| value.as_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn position(&self, ticket: Ticket) -> Option<usize> {
        self.entries.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()
    }
}

impl<T> Default for JoinOrder<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn memory_shrinks_with_the_number_of_values() {
        let mut order = JoinOrder::default();
        let tickets: Vec<Ticket> = (0..10_000).map(|n| order.push(n)).collect();
        for ticket in &tickets[1..] {
            order.remove(*ticket);
        }
        assert!(order.entries.capacity() <= 4, "{} entries kept for one value", order.entries.capacity());
    }

    #[test]
    fn a_ticket_finds_its_value_once() {
        let mut order = JoinOrder::default();
        let ticket = order.push('a');
        assert_eq!(order.get(ticket), Some(&'a'));
        assert_eq!(order.remove(ticket), Some('a'));
        assert_eq!(order.remove(ticket), None);
        assert_eq!(order.get(ticket), None);
    }

    proptest! {
        #[test]
        fn equals_a_plain_list(steps in proptest::collection::vec((any::<bool>(), any::<usize>()), 0..300)) {
            let mut order = JoinOrder::default();
            let mut list: Vec<(Ticket, usize)> = Vec::new();
            for (joins, n) in steps {
                if joins || list.is_empty() {
                    list.push((order.push(n), n));
                } else {
                    let (ticket, value) = list.remove(n % list.len());
                    prop_assert_eq!(order.remove(ticket), Some(value));
                }
                prop_assert_eq!(order.len(), list.len());
                prop_assert!(order.iter().eq(list.iter().map(|(_, value)| value)));
                prop_assert!(order.entries.len() <= 2 * list.len());
            }
        }
    }
}
