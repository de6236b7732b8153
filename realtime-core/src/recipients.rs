use crate::{ClientId, Home};

/// A set of clients that a message goes to: a cheap snapshot, grouped by [`Home`].
#[derive(Clone, Debug, PartialEq)]
pub struct Recipients {}

impl Recipients {
    /// All recipients: home by home, in each in the order in which they subscribed.
    pub fn iter(&self) -> impl Iterator<Item = ClientId> {
        core::iter::empty()
    }
    /// The homes with at least one recipient, ascending. A driver with several loops passes a clone of the snapshot to each once
    pub fn homes(&self) -> impl Iterator<Item = Home> {
        core::iter::empty()
    }
    /// Those of one home
    pub fn at(&self, home: Home) -> impl Iterator<Item = ClientId> {
        core::iter::empty()
    }
    /// how many
    pub fn len(&self) -> usize {
        todo!()
    }
    /// none
    pub fn is_empty(&self) -> bool {
        todo!()
    }
}
