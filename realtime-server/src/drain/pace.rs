use std::time::Duration;

/// When each of many clients may be closed: evenly over a time, and without a burst, however late whoever closes them
/// comes. Time is what has passed since the first may be closed.
///
/// No stretch of time holds more closes than those that are due in it and in [`MAX_LAG`](Self::MAX_LAG), and one.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    gap: Duration,
    next: Duration,
}

impl Pace {
    /// How far a close may be behind its time and not put off those that follow: more than a timer's inaccuracy.
    pub(super) const MAX_LAG: Duration = Duration::from_millis(5);

    /// Spreads `clients` over `duration`, with gaps of at most `max_gap`.
    pub(super) fn new(clients: usize, duration: Duration, max_gap: Duration) -> Self {
        let clients = u32::try_from(clients).unwrap_or(u32::MAX).max(1);
        Self { gap: (duration / clients).min(max_gap), next: Duration::ZERO }
    }

    /// How long it is until the next may be closed; `None`: it may be now.
    pub(super) fn wait(&self, elapsed: Duration) -> Option<Duration> {
        self.next.checked_sub(elapsed).filter(|wait| !wait.is_zero())
    }

    /// One was closed.
    pub(super) fn closed(&mut self, elapsed: Duration) {
        self.next = self.next.max(elapsed.saturating_sub(Self::MAX_LAG)) + self.gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NO_LIMIT: Duration = Duration::MAX;

    /// When each is closed by someone who looks `late` later than asked to.
    fn closes(mut pace: Pace, clients: usize, mut late: impl FnMut() -> Duration) -> Vec<Duration> {
        let (mut now, mut closes) = (Duration::ZERO, Vec::new());
        while closes.len() < clients {
            if let Some(wait) = pace.wait(now) {
                now += wait + late();
            } else {
                pace.closed(now);
                closes.push(now);
            }
        }
        closes
    }

    /// The most closes in any stretch as long as `window`, its end excluded.
    fn most_within(window: Duration, closes: &[Duration]) -> usize {
        let within = |first: usize| closes[first..].partition_point(|at| *at < closes[first] + window);
        (0..closes.len()).map(within).max().unwrap_or(0)
    }

    #[test]
    fn closes_are_spread_evenly_over_the_time() {
        let closes = closes(Pace::new(2000, 5 * SECOND, NO_LIMIT), 2000, || Duration::ZERO);
        assert_eq!(closes[..3], [0, 2500, 5000].map(Duration::from_micros));
        assert_eq!(closes.last(), Some(&Duration::from_micros(1999 * 2500)));
        assert_eq!(most_within(SECOND / 10, &closes), 40);
    }

    #[test]
    fn few_clients_take_no_more_time_than_the_longest_gap_between_them() {
        let closes = closes(Pace::new(3, 5 * SECOND, SECOND / 20), 3, || Duration::ZERO);
        assert_eq!(closes, [0, 50, 100].map(Duration::from_millis));
    }

    #[test]
    fn nobody_to_close_is_no_reason_to_wait() {
        assert_eq!(Pace::new(0, 5 * SECOND, NO_LIMIT).wait(Duration::ZERO), None);
    }

    #[test]
    fn whoever_was_held_up_does_not_catch_up_in_a_burst() {
        let mut held_up = [2 * SECOND].into_iter();
        let late = || held_up.next().unwrap_or_default();
        let closes = closes(Pace::new(1000, SECOND, NO_LIMIT), 1000, late);
        assert_eq!(most_within(SECOND / 10, &closes), 105);
        assert!(*closes.last().unwrap_or(&SECOND) > 2 * SECOND);
    }

    proptest! {
        #[test]
        fn no_stretch_holds_more_than_is_due_in_it_and_in_the_lag(
            clients in 1..2000_usize,
            millis in 1..10_000_u64,
            late in proptest::collection::vec(0..300_000_u64, 1..50),
        ) {
            let duration = Duration::from_millis(millis);
            let mut late = late.into_iter().map(Duration::from_micros).cycle();
            let closes = closes(Pace::new(clients, duration, NO_LIMIT), clients, || late.next().unwrap_or_default());
            let window = SECOND / 10;
            let due = clients as f64 * (window + Pace::MAX_LAG).as_secs_f64() / duration.as_secs_f64();
            // The gap is cut to whole nanoseconds.
            let most = (due * 1.001).ceil() as usize + 1;
            prop_assert!(most_within(window, &closes) <= most);
        }
    }
}
