use crate::wire::Wire;
use crate::{Action, Counts, Recipients};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use realtime_ws::PreparedMessage;

/// The most actions that room is kept for between inputs.
const KEPT_CAPACITY: usize = 256;

/// Says what happened, to the driver and through it to the clients.
pub(crate) struct Announcer {
    pub(crate) wire: Box<dyn Wire>,
    // Bounded by what one input leads to: the driver takes everything before the next.
    actions: VecDeque<Action>,
    pub(crate) counts: Counts,
}

impl Announcer {
    pub(crate) fn new(wire: Box<dyn Wire>) -> Self {
        Self { wire, actions: VecDeque::new(), counts: Counts::default() }
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.counts.count(&action);
        self.actions.push_back(action);
    }

    /// Delivers what `render` makes of a fact, if the wire format has a message for it and anybody is there
    /// to get it.
    pub(crate) fn deliver(
        &mut self,
        to: Recipients,
        render: impl FnOnce(&dyn Wire) -> Option<PreparedMessage>,
    ) {
        if !to.is_empty()
            && let Some(message) = render(&*self.wire)
        {
            self.act(Action::Deliver { to, message });
        }
    }

    pub(crate) fn next(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            // What the close of a large hub led to is not kept for good.
            self.actions.shrink_to(KEPT_CAPACITY);
        }
        action
    }
}
