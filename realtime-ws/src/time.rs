use core::fmt;
use core::num::NonZeroU64;
use core::ops::Add;
use core::time::Duration;

/// A moment, as the time since a start that the driver chooses.
///
/// The machines own no clock: every call that depends on time takes `now`, and only differences
/// matter. A driver usually keeps one `std::time::Instant` and hands in what has elapsed since;
/// a test simply counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// One more than the nanoseconds since the start, so that a moment or none takes no more bytes.
    nanos_and_one: NonZeroU64,
}

impl Timestamp {
    /// The driver's start.
    pub const START: Self = Self { nanos_and_one: NonZeroU64::MIN };

    /// The moment `elapsed` after the driver's start; saturates after 584 years.
    #[must_use]
    pub const fn after_start(elapsed: Duration) -> Self {
        let nanos = elapsed.as_nanos();
        let nanos = if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 };
        Self { nanos_and_one: NonZeroU64::MIN.saturating_add(nanos) }
    }

    /// The time from `earlier` to `self`; zero if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_and_one.get().saturating_sub(earlier.nanos_and_one.get()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamp").field(&self.since(Self::START)).finish()
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates: a deadline too far away to be written down never comes.
    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self { nanos_and_one: self.nanos_and_one.saturating_add(nanos) }
    }
}
