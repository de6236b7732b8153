use crate::ChannelName;
use alloc::collections::{BTreeMap, BTreeSet};
use realtime_ws::Timestamp;

/// Of which channels the subscribers were told lately how many they are, and what has changed since.
#[derive(Default)]
pub(crate) struct SubscriberCounts {
    told: BTreeMap<ChannelName, Told>,
    due: BTreeSet<(Timestamp, ChannelName)>,
}

struct Told {
    // Before this moment they are not told again.
    until: Timestamp,
    since: Since,
}

/// What became of a channel's count since it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    Unchanged,
    Changed,
}

/// When to tell of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    Now,
    Later,
}

impl SubscriberCounts {
    /// The count of `channel` changed.
    pub(crate) fn change(&mut self, channel: &ChannelName) -> Tell {
        match self.told.get_mut(channel) {
            Some(told) => {
                told.since = Since::Changed;
                Tell::Later
            }
            None => Tell::Now,
        }
    }

    /// The count of `channel` is told now, and not again before `until`.
    pub(crate) fn tell(&mut self, channel: &ChannelName, until: Timestamp) {
        self.forget(channel);
        self.told.insert(channel.clone(), Told { until, since: Since::Unchanged });
        self.due.insert((until, channel.clone()));
    }

    /// Nobody is left to be told.
    pub(crate) fn forget(&mut self, channel: &ChannelName) {
        if let Some((channel, told)) = self.told.remove_entry(channel) {
            self.due.remove(&(told.until, channel));
        }
    }

    /// A channel whose count may be told again, and what became of it.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<(ChannelName, Since)> {
        if self.first_due()? > now {
            return None;
        }
        let (_, channel) = self.due.pop_first()?;
        self.told.remove_entry(&channel).map(|(channel, told)| (channel, told.since))
    }

    /// When there may be something to tell. Also where nothing has changed yet: a driver that sleeps would not
    /// learn of a change that leads to no delivery.
    pub(crate) fn first_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }
}
