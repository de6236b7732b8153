use core::ops::Add;
use core::time::Duration;

/// A moment, as the time since a start that the driver chooses.
///
/// The machines own no clock: every call that depends on time takes `now`, and only differences
/// matter. A driver usually keeps one `std::time::Instant` and hands in what has elapsed since;
/// a test simply counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    nanos: u64,
}

impl Timestamp {
    /// The driver's start.
    pub const START: Self = Self { nanos: 0 };

    /// The moment `elapsed` after the driver's start; saturates after 584 years.
    #[must_use]
    pub const fn after_start(elapsed: Duration) -> Self {
        let nanos = elapsed.as_nanos();
        Self { nanos: if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 } }
    }

    /// The time from `earlier` to `self`; zero if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates: a deadline too far away to be written down never comes.
    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self { nanos: self.nanos.saturating_add(nanos) }
    }
}
