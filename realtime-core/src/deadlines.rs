use alloc::collections::BTreeSet;
use realtime_ws::Timestamp;

/// What is due when, for a driver of many machines: one entry each, the moment at which the machine is to be
/// looked at.
///
/// A machine that keeps moving its own deadline into the future, as every message does that postpones a ping,
/// need not be entered anew: look when the entered moment comes, and enter the one that holds then.
#[derive(Debug)]
pub struct Deadlines<K> {
    by_time: BTreeSet<(Timestamp, K)>,
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Nothing is due.
    #[must_use]
    pub const fn new() -> Self {
        Self { by_time: BTreeSet::new() }
    }

    /// Enters `key` at `deadline` if that is earlier than where it stands; `entered` remembers where that is,
    /// and belongs to `key` alone.
    pub fn advance(&mut self, key: K, entered: &mut Option<Timestamp>, deadline: Option<Timestamp>) {
        let Some(deadline) = deadline else { return };
        if entered.is_some_and(|entered| entered <= deadline) {
            return;
        }
        self.remove(key, entered);
        self.by_time.insert((deadline, key));
        *entered = Some(deadline);
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: K, entered: &mut Option<Timestamp>) {
        if let Some(entered) = entered.take() {
            self.by_time.remove(&(entered, key));
        }
    }

    /// When the next entry is due.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(deadline, _)| *deadline)
    }

    /// Takes out the first entry that is due at `now`. Its `entered` is to be set to `None`.
    pub fn take_due(&mut self, now: Timestamp) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        self.by_time.pop_first().map(|(_, key)| key)
    }
}

impl<K: Copy + Ord> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::START + Duration::from_secs(seconds)
    }

    #[test]
    fn entries_come_due_in_order() {
        let mut deadlines = Deadlines::new();
        let (mut a, mut b) = (None, None);
        deadlines.advance('a', &mut a, Some(at(20)));
        deadlines.advance('b', &mut b, Some(at(10)));
        assert_eq!(deadlines.next(), Some(at(10)));
        assert_eq!(deadlines.take_due(at(9)), None);
        assert_eq!(deadlines.take_due(at(30)), Some('b'));
        assert_eq!(deadlines.take_due(at(30)), Some('a'));
        assert_eq!(deadlines.take_due(at(30)), None);
    }

    #[test]
    fn only_an_earlier_deadline_moves_an_entry() {
        let mut deadlines = Deadlines::default();
        let mut entered = None;
        deadlines.advance('a', &mut entered, Some(at(20)));
        deadlines.advance('a', &mut entered, Some(at(30)));
        deadlines.advance('a', &mut entered, None);
        assert_eq!(deadlines.next(), Some(at(20)));
        deadlines.advance('a', &mut entered, Some(at(5)));
        assert_eq!((deadlines.next(), entered), (Some(at(5)), Some(at(5))));
        deadlines.remove('a', &mut entered);
        assert_eq!((deadlines.next(), entered), (None, None));
    }
}
