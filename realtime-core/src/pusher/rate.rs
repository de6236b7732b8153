use core::num::NonZeroU32;
use core::time::Duration;
use realtime_ws::Timestamp;

/// What one client may still send of something that is allowed `per_second` times a second: that many at
/// once, and one more each time that a fraction of a second has passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    // When a client that sends as fast as it may would be where this one is: one moment stands for the whole
    // count.
    used_until: Timestamp,
}

impl Allowance {
    /// Nothing used yet.
    pub(crate) const UNUSED: Self = Self { used_until: Timestamp::START };

    /// Uses one of it, if there is one left.
    pub(crate) fn take(&mut self, per_second: NonZeroU32, now: Timestamp) -> Taken {
        let one = Duration::from_secs(1) / per_second.get();
        let used_until = self.used_until.max(now) + one;
        if used_until.since(now) > Duration::from_secs(1) {
            return Taken::NothingLeft;
        }
        self.used_until = used_until;
        Taken::One
    }
}

/// Whether there was something left of an [`Allowance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    One,
    NothingLeft,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

    fn at(millis: u64) -> Timestamp {
        Timestamp::after_start(Duration::from_millis(millis))
    }

    #[test]
    fn a_second_s_worth_may_come_at_once_and_then_one_each_tenth() {
        let mut allowance = Allowance::UNUSED;
        for _ in 0..10 {
            assert_eq!(allowance.take(TEN, at(5_000)), Taken::One);
        }
        assert_eq!(allowance.take(TEN, at(5_000)), Taken::NothingLeft);
        assert_eq!(allowance.take(TEN, at(5_099)), Taken::NothingLeft);
        assert_eq!(allowance.take(TEN, at(5_100)), Taken::One);
        assert_eq!(allowance.take(TEN, at(5_100)), Taken::NothingLeft);
    }

    #[test]
    fn silence_saves_up_no_more_than_a_second() {
        let mut allowance = Allowance::UNUSED;
        assert_eq!(allowance.take(TEN, at(0)), Taken::One);
        let taken = (0..100).filter(|_| allowance.take(TEN, at(3_600_000)) == Taken::One).count();
        assert_eq!(taken, 10);
    }

    #[test]
    fn rates_that_do_not_divide_a_second_never_give_more_than_they_say() {
        for per_second in [1, 3, 7, 1_000, u32::MAX] {
            let per_second = NonZeroU32::new(per_second).unwrap();
            let mut allowance = Allowance::UNUSED;
            let taken = (0..2_000).filter(|_| allowance.take(per_second, at(0)) == Taken::One).count();
            assert_eq!(taken, 2_000.min(per_second.get() as usize));
        }
    }
}
