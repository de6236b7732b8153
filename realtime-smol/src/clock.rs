use realtime_ws::Timestamp;
use std::time::Instant;

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

    pub(crate) fn instant(&self, timestamp: Timestamp) -> Instant {
        self.start + timestamp.since(Timestamp::START)
    }
}
