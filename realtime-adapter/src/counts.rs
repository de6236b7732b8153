use realtime_core::{Counts, Notice};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a hub has, and what happened in it since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubCounts {
    /// How many clients are connected.
    pub clients: usize,
    /// How many channels have a subscriber.
    pub channels: usize,
    /// What happened to clients, subscriptions and members.
    pub events: Counts,
    /// Messages that slow clients lost, where the policy is to drop.
    pub dropped: u64,
    /// Slow clients that were disconnected, where that is the policy.
    pub too_slow: u64,
    /// Messages for clients that were disconnected or left before they got them.
    pub undelivered: u64,
    /// Inputs that the hub refused as overloaded.
    pub overloaded: u64,
}

/// What goes wrong, which is seldom: whoever it happens to counts it.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    dropped: AtomicU64,
    too_slow: AtomicU64,
    undelivered: AtomicU64,
    overloaded: AtomicU64,
}

impl Losses {
    pub(crate) fn count(&self, notice: &Notice) {
        match notice {
            Notice::Dropped { messages, .. } => add(&self.dropped, *messages),
            Notice::TooSlow { .. } => add(&self.too_slow, 1),
            Notice::Undelivered { messages, .. } => add(&self.undelivered, *messages),
            Notice::Subscribed { .. }
            | Notice::Denied { .. }
            | Notice::Unsubscribed { .. }
            | Notice::Joined { .. }
            | Notice::Left { .. }
            | Notice::NothingRetained { .. }
            | Notice::Closed => {}
        }
    }

    pub(crate) fn count_overloaded(&self) {
        add(&self.overloaded, 1);
    }

    pub(crate) fn with(&self, clients: usize, channels: usize, events: Counts) -> HubCounts {
        HubCounts {
            clients,
            channels,
            events,
            dropped: self.dropped.load(Ordering::Relaxed),
            too_slow: self.too_slow.load(Ordering::Relaxed),
            undelivered: self.undelivered.load(Ordering::Relaxed),
            overloaded: self.overloaded.load(Ordering::Relaxed),
        }
    }
}

fn add(count: &AtomicU64, more: u64) {
    if more > 0 {
        count.fetch_add(more, Ordering::Relaxed);
    }
}
