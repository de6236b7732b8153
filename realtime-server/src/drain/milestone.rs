use smol::channel::{Receiver, Sender, bounded};
use std::convert::Infallible;

/// Something that happens once, and that any number of others can wait for.
#[derive(Clone, Debug)]
pub(crate) struct Milestone {
    // Closed when it is reached; nothing is ever sent.
    ahead: Sender<Infallible>,
    waiting: Receiver<Infallible>,
}

impl Milestone {
    pub(crate) fn reach(&self) {
        self.ahead.close();
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.ahead.is_closed()
    }

    pub(crate) async fn reached(&self) {
        // Nothing is sent there: this returns when the channel is closed.
        let _ = self.waiting.recv().await;
    }
}

impl Default for Milestone {
    fn default() -> Self {
        let (ahead, waiting) = bounded(1);
        Self { ahead, waiting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::future::{block_on, poll_once, zip};
    use std::pin::pin;

    #[test]
    fn all_who_wait_go_on_when_it_is_reached_and_so_does_who_comes_later() {
        let milestone = Milestone::default();
        let other = milestone.clone();
        let mut both = pin!(zip(milestone.reached(), other.reached()));
        assert!(block_on(poll_once(both.as_mut())).is_none() && !milestone.is_reached());
        milestone.reach();
        other.reach();
        block_on(both);
        block_on(milestone.reached());
        assert!(other.is_reached());
    }
}
