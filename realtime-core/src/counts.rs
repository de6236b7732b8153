use crate::Action;

/// How often something happened in a hub since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Clients that connected.
    pub connected: u64,
    /// Subscriptions that began.
    pub subscribed: u64,
    /// Subscriptions that ended.
    pub unsubscribed: u64,
    /// Subscribes that were denied.
    pub denied: u64,
    /// Members that joined a presence channel.
    pub joined: u64,
    /// Members that left one.
    pub left: u64,
}

impl Counts {
    pub(crate) fn count(&mut self, action: &Action) {
        match action {
            Action::Connected { .. } => self.connected += 1,
            Action::Subscribed { .. } => self.subscribed += 1,
            Action::Unsubscribed { .. } => self.unsubscribed += 1,
            Action::Denied { .. } => self.denied += 1,
            Action::Joined { .. } => self.joined += 1,
            Action::Left { .. } => self.left += 1,
            Action::Deliver { .. }
            | Action::Authorize(_)
            | Action::NothingRetained { .. }
            | Action::Disconnect { .. }
            | Action::Closed => {}
        }
    }

    /// How many subscriptions there are.
    #[must_use]
    pub const fn subscriptions(&self) -> u64 {
        self.subscribed - self.unsubscribed
    }

    /// How many members all presence channels have together.
    #[must_use]
    pub const fn members(&self) -> u64 {
        self.joined - self.left
    }
}
