use realtime_core::pusher::webhooks::{Counts, Response, Webhooks};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is counted of one app's webhooks, for whoever asks.
#[derive(Debug, Default)]
pub(super) struct Tally {
    latest: Mutex<Latest>,
    overlooked: AtomicU64,
}

/// How it stood when the courier last looked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest {
    pub(crate) counts: Counts,
    pub(crate) queued_events: u64,
    /// Facts that came faster than the courier took them, or after it had ended.
    pub(crate) overlooked: u64,
    /// Requests by the status that answered them; `None` is no answer.
    pub(crate) requests: BTreeMap<Option<u16>, u64>,
}

impl Tally {
    pub(super) fn latest(&self) -> Latest {
        Latest { overlooked: self.overlooked.load(Ordering::Relaxed), ..self.lock().clone() }
    }

    pub(super) fn count_overlooked(&self) {
        self.overlooked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn update(&self, webhooks: &Webhooks) {
        let mut latest = self.lock();
        (latest.counts, latest.queued_events) = (webhooks.counts(), webhooks.queued_events());
    }

    pub(super) fn count_request(&self, response: Response) {
        let status = match response {
            Response::Status(status) => Some(status),
            Response::None => None,
        };
        *self.lock().requests.entry(status).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Latest> {
        // Each use leaves it whole, whatever panicked while it was locked.
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
