use crate::ChannelName;
use alloc::collections::BTreeMap;
use alloc::string::String;
use realtime_ws::Timestamp;

/// What is not told yet, since it may not last.
#[derive(Default)]
pub(super) struct Held {
    changes: BTreeMap<Subject, Change>,
    // Of those that are due at the same moment, the one that happened first comes first.
    by_due: BTreeMap<(Timestamp, u64), Subject>,
    held_so_far: u64,
}

/// What a change that may not last is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// Whether a channel is occupied.
    Occupancy(ChannelName),
    /// Whether a user is in a channel.
    Membership(ChannelName, String),
    /// How many are subscribed to a channel.
    Count(ChannelName),
}

struct Change {
    due: (Timestamp, u64),
    facts: u64,
    before: usize,
    after: usize,
}

/// What a further fact makes of a change that is held back.
pub(super) enum Amended {
    NotHeld,
    StillHeld,
    /// All is as it was before so many facts.
    Undone {
        facts: u64,
    },
}

/// A change that lasted.
pub(super) struct Released {
    pub(super) subject: Subject,
    /// How many facts it stands for.
    pub(super) facts: u64,
    pub(super) after: usize,
}

impl Held {
    /// Takes note that `subject` is `after` now, if a change of it is held back.
    pub(super) fn amend(&mut self, subject: &Subject, after: usize) -> Amended {
        let Some(change) = self.changes.get_mut(subject) else { return Amended::NotHeld };
        change.facts += 1;
        change.after = after;
        if change.after != change.before {
            return Amended::StillHeld;
        }
        self.cancel(subject).map_or(Amended::NotHeld, |facts| Amended::Undone { facts })
    }

    /// Holds a change back until `due`.
    pub(super) fn hold(&mut self, subject: Subject, (before, after): (usize, usize), due: Timestamp) {
        let due = (due, self.held_so_far);
        self.held_so_far += 1;
        self.by_due.insert(due, subject.clone());
        self.changes.insert(subject, Change { due, facts: 1, before, after });
    }

    /// Forgets the change of `subject`; how many facts it was.
    pub(super) fn cancel(&mut self, subject: &Subject) -> Option<u64> {
        let change = self.changes.remove(subject)?;
        self.by_due.remove(&change.due);
        Some(change.facts)
    }

    /// The next change that is due at `now`.
    pub(super) fn release(&mut self, now: Timestamp) -> Option<Released> {
        if self.first_due()? > now {
            return None;
        }
        self.release_first()
    }

    /// The next change, whenever it is due.
    pub(super) fn release_first(&mut self) -> Option<Released> {
        let (_, subject) = self.by_due.pop_first()?;
        let Change { facts, after, .. } = self.changes.remove(&subject)?;
        Some(Released { subject, facts, after })
    }

    pub(super) fn first_due(&self) -> Option<Timestamp> {
        self.by_due.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }
}
