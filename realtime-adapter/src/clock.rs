use realtime_ws::Timestamp;
use std::time::{Duration, Instant};

/// The machines' time: what has passed since the hub, or the connection, was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::after_start(self.start.elapsed())
    }

    /// How long it is until `deadline`; zero once it has passed.
    #[must_use]
    pub fn until(&self, deadline: Timestamp) -> Duration {
        deadline.since(self.now())
    }

    /// The system's name for `timestamp`.
    #[must_use]
    pub fn instant(&self, timestamp: Timestamp) -> Instant {
        self.start + timestamp.since(Timestamp::START)
    }
}
