use super::event::Event;
use alloc::collections::VecDeque;

/// The events that wait for the application.
#[derive(Debug)]
pub(super) struct Events {
    queue: VecDeque<Event>,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

impl Events {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { queue: VecDeque::new(), bytes: 0, max_events, max_bytes }
    }

    /// Lets an event in, or counts it where it would have stood. The count may be one more than there is room for.
    pub(super) fn push(&mut self, event: Event) {
        let bytes = event.bytes();
        let has_room =
            self.queue.len() < self.max_events && self.bytes.saturating_add(bytes) <= self.max_bytes;
        if has_room || self.queue.is_empty() {
            self.bytes += bytes;
            self.queue.push_back(event);
        } else if let Some(Event::Missed { events }) = self.queue.back_mut() {
            *events = events.saturating_add(1);
        } else {
            self.queue.push_back(Event::Missed { events: 1 });
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.queue.pop_front()?;
        self.bytes -= event.bytes();
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn event(bytes: usize) -> Event {
        Event::Malformed { reason: String::from_iter((0..bytes).map(|_| 'x')) }
    }

    fn all(events: &mut Events) -> Vec<Event> {
        core::iter::from_fn(|| events.pop()).collect()
    }

    #[test]
    fn what_comes_while_the_queue_is_full_is_counted_and_told_in_its_place() {
        let mut events = Events::new(2, 100);
        for bytes in [1, 2, 3, 4] {
            events.push(event(bytes));
        }
        assert_eq!(events.pop(), Some(event(1)));
        events.push(event(5)); // the place that became free is the count's
        assert_eq!(events.pop(), Some(event(2)));
        events.push(event(6));
        assert_eq!(all(&mut events), [Event::Missed { events: 3 }, event(6)]);
    }

    #[test]
    fn bytes_are_limited_too_but_one_event_always_fits() {
        let mut events = Events::new(10, 4);
        for bytes in [5, 1] {
            events.push(event(bytes));
        }
        assert_eq!(all(&mut events), [event(5), Event::Missed { events: 1 }]);
        for bytes in [2, 2, 1] {
            events.push(event(bytes));
        }
        assert_eq!(all(&mut events), [event(2), event(2), Event::Missed { events: 1 }]);
    }
}
