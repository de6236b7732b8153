use realtime_ws::Timestamp;
use std::time::{Duration, Instant};

/// The machines' time: what has passed since the hub, or the connection, was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::after_start(self.start.elapsed())
    }

    /// How long it is until `deadline`; zero once it has passed.
    pub(crate) fn until(&self, deadline: Timestamp) -> Duration {
        deadline.since(self.now())
    }
}
