use crate::traffic::Count;
use std::ops::Add;
use std::time::Duration;

/// How long things took: how many took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// How many took as long as each of [`BOUNDS`](Self::BOUNDS), or less, and longer than the bound before it. The last
    /// number is of those that took longer than all bounds.
    pub counts: [u64; Self::BOUNDS.len() + 1],
    /// How long all of them took together.
    pub total: Duration,
}

impl Delays {
    /// From 100 µs to 1 s, in ascending order.
    pub const BOUNDS: [Duration; 12] = [
        Duration::from_micros(100),
        Duration::from_micros(250),
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_micros(2500),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_secs(1),
    ];
}

impl Add for Delays {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let counts = std::array::from_fn(|place| self.counts[place] + other.counts[place]);
        Self { counts, total: self.total + other.total }
    }
}

/// [`Delays`] that one thread counts and every thread can read.
#[derive(Debug, Default)]
pub struct DelayTally {
    counts: [Count; Delays::BOUNDS.len() + 1],
    nanos: Count,
}

impl DelayTally {
    /// Takes note of one.
    pub fn add(&self, delay: Duration) {
        self.counts[Delays::BOUNDS.partition_point(|bound| *bound < delay)].add(1);
        self.nanos.add(usize::try_from(delay.as_nanos()).unwrap_or(usize::MAX));
    }

    /// What was counted, from any thread.
    #[must_use]
    pub fn delays(&self) -> Delays {
        let counts = std::array::from_fn(|place| self.counts[place].get());
        Delays { counts, total: Duration::from_nanos(self.nanos.get()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_at_the_first_bound_that_it_does_not_exceed() {
        let tally = DelayTally::default();
        for micros in [0, 100, 101, 1_000_000, 1_000_001] {
            tally.add(Duration::from_micros(micros));
        }
        let delays = tally.delays();
        assert_eq!(delays.counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(delays.total, Duration::from_micros(2_000_202));
        assert_eq!((delays + delays).counts[0], 4);
    }

    #[test]
    fn bounds_ascend() {
        assert!(Delays::BOUNDS.is_sorted());
    }
}
