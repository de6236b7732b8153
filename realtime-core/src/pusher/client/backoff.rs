use super::config::Config;
use core::time::Duration;

/// When to come back after a connection that ended or did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Only when the application says so: the server would refuse again.
    Never,
    /// At once, the first time.
    AtOnce,
    /// After a while.
    Later,
}

impl Again {
    /// What the server wants that closed with `code`, or named it in a `pusher:error` instead of greeting.
    pub(super) const fn after(code: Option<u16>) -> Self {
        match code {
            // 4000 asks for TLS, which is no matter of coming back.
            Some(4000..=4099 | 4300..) => Self::Never,
            Some(4200..=4299) => Self::AtOnce,
            Some(_) | None => Self::Later,
        }
    }
}

/// No configuration has the server asked more often.
pub(super) const LEAST_PAUSE: Duration = Duration::from_millis(10);

/// How long to wait before connecting again: longer with each failure, and drawn at random.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: Random,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, random: Random { state: seed } }
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// One more failure: how long to wait after it; `None` for ever.
    pub(super) fn delay(&mut self, again: Again, config: &Config) -> Option<Duration> {
        let earlier_failures = self.failures;
        match (again, earlier_failures) {
            (Again::Never, _) => return None,
            (Again::AtOnce, 0) => {
                self.failures = 1;
                return Some(Duration::ZERO);
            }
            (Again::AtOnce | Again::Later, _) => {}
        }
        self.failures = earlier_failures.saturating_add(1);
        let doubled = config.first_retry_delay.saturating_mul(1 << earlier_failures.min(31));
        let least = doubled.min(config.max_retry_delay / 2).max(LEAST_PAUSE);
        Some(least + self.random.share_of(least))
    }
}

/// SplitMix64: enough to spread clients, and nothing secret depends on it.
#[derive(Debug)]
struct Random {
    state: u64,
}

impl Random {
    /// Anything from nothing to all of `duration`.
    fn share_of(&mut self, duration: Duration) -> Duration {
        let share = u128::from(self.next() >> 32);
        let nanos = (duration.as_nanos().min(u64::MAX.into()) * share) >> 32;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_code_has_its_reaction() {
        for (codes, again) in [
            (&[4000, 4001, 4009, 4099, 4300, 4301, 4999][..], Again::Never),
            (&[4200, 4201, 4202, 4299], Again::AtOnce),
            (&[4100, 4199, 1000, 1001, 1006, 1009, 1011, 1012, 1013, 3000, 3999], Again::Later),
        ] {
            for code in codes {
                assert_eq!(Again::after(Some(*code)), again, "{code}");
            }
        }
        assert_eq!(Again::after(None), Again::Later);
    }

    proptest! {
        #[test]
        fn waits_double_up_to_the_limit_and_are_drawn_between_one_and_two_times(seed in any::<u64>()) {
            let (config, mut backoff) = (Config::default(), Backoff::new(seed));
            for least in [1, 2, 4, 8, 15, 15, 15].map(Duration::from_secs) {
                let delay = backoff.delay(Again::Later, &config).unwrap();
                prop_assert!((least..=2 * least).contains(&delay), "{delay:?} of {least:?}");
            }
            backoff.reset();
            prop_assert!(backoff.delay(Again::Later, &config).unwrap() <= Duration::from_secs(2));
        }

        #[test]
        fn no_configuration_overflows(first in any::<Duration>(), max in any::<Duration>(), failures in any::<u32>()) {
            let config = Config { first_retry_delay: first, max_retry_delay: max, ..Config::default() };
            let mut backoff = Backoff { failures, random: Random { state: 1 } };
            prop_assert!(backoff.delay(Again::Later, &config).unwrap() <= max.max(2 * LEAST_PAUSE));
        }
    }

    #[test]
    fn delays_of_nothing_leave_a_pause() {
        let (first_retry_delay, max_retry_delay) = (Duration::ZERO, Duration::ZERO);
        for config in [
            Config { first_retry_delay, ..Config::default() },
            Config { max_retry_delay, ..Config::default() },
        ] {
            let mut backoff = Backoff::new(1);
            for _ in 0..100 {
                assert!(backoff.delay(Again::Later, &config).unwrap() >= LEAST_PAUSE);
            }
        }
    }

    #[test]
    fn two_clients_wait_for_different_times() {
        let first_delay = |seed| Backoff::new(seed).delay(Again::Later, &Config::default());
        assert_ne!(first_delay(1), first_delay(2));
    }

    #[test]
    fn at_once_is_for_the_first_failure_only() {
        let (config, mut backoff) = (Config::default(), Backoff::new(1));
        assert_eq!(backoff.delay(Again::AtOnce, &config), Some(Duration::ZERO));
        assert!(backoff.delay(Again::AtOnce, &config).unwrap() >= Duration::from_secs(1));
        assert_eq!(backoff.delay(Again::Never, &config), None);
    }
}
