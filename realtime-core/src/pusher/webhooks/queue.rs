use super::config::Config;
use super::request::{Body, Request, Response};
use crate::pusher::app::App;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use realtime_ws::Timestamp;

/// What one endpoint is still to be told, in order.
#[derive(Default)]
pub(super) struct Queue {
    events: VecDeque<Queued>,
    bytes: usize,
    batch: Option<Batch>,
    // Since its last success.
    failures: u32,
    // No request is made before; `None`: no need to wait.
    not_before: Option<Timestamp>,
}

struct Queued {
    json: Arc<str>,
    since: Timestamp,
}

/// Events that were taken from the queue and go together until they are accepted or given up.
struct Batch {
    body: Body,
    events: u64,
    // A failure from then on is the last one.
    until: Timestamp,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    UnderWay,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered(u64),
    GivenUp(u64),
    ToBeRepeated,
    /// It was given up before.
    NoLongerWanted,
}

impl Queue {
    /// Appends an event; how many are given up for want of room.
    pub(super) fn push(&mut self, json: Arc<str>, now: Timestamp, config: &Config) -> u64 {
        if json.len() > config.max_queued_bytes {
            return 1;
        }
        self.bytes += json.len();
        self.events.push_back(Queued { json, since: now });
        let mut given_up = 0;
        while self.events.len() > config.max_queued_events || self.bytes > config.max_queued_bytes {
            given_up += u64::from(self.pop().is_some());
        }
        given_up
    }

    /// When the next request is due if no event comes before; `None` if there is nothing to ask, or one is under way.
    /// `window` is how long an event waits for others.
    pub(super) fn due(&self, window: Duration, config: &Config) -> Option<Timestamp> {
        let due = match &self.batch {
            Some(batch) if batch.place == Place::UnderWay => return None,
            Some(_) => Timestamp::START,
            None => {
                let first = self.events.front()?;
                let is_full =
                    self.events.len() >= config.max_batch_events || self.bytes >= config.max_batch_bytes;
                if is_full { Timestamp::START } else { first.since + window }
            }
        };
        Some(self.not_before.map_or(due, |not_before| due.max(not_before)))
    }

    /// The request that is due: the one that failed once more, or a new one.
    pub(super) fn request(
        &mut self,
        app: &App,
        endpoint: usize,
        config: &Config,
        time_ms: u64,
    ) -> Option<Request> {
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => {
                let (events, latest) = self.take_events(config)?;
                Batch {
                    body: Body::new(&events, time_ms),
                    events: events.len() as u64,
                    until: latest + config.retry_for,
                    place: Place::Here,
                }
            }
        };
        let batch = self.batch.insert(Batch { place: Place::UnderWay, ..batch });
        Some(Request::new(app, endpoint, batch.body.clone()))
    }

    /// Takes what came of the request under way; `random` spreads repetitions.
    pub(super) fn response(
        &mut self,
        response: Response,
        random: u32,
        now: Timestamp,
        config: &Config,
    ) -> Outcome {
        let Some(batch) = self.batch.take() else { return Outcome::NoLongerWanted };
        if response.accepts() {
            (self.failures, self.not_before) = (0, None);
            return Outcome::Delivered(batch.events);
        }
        let pause = pause(self.failures, random, config);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + pause);
        if now >= batch.until {
            return Outcome::GivenUp(batch.events);
        }
        // The last attempt is made when the time is over, not some time before.
        self.not_before = Some((now + pause).min(batch.until));
        self.batch = Some(Batch { place: Place::Here, ..batch });
        Outcome::ToBeRepeated
    }

    /// Waits no longer after a failure.
    pub(super) fn hurry(&mut self) {
        self.not_before = None;
    }

    /// Forgets everything; how many events that are.
    pub(super) fn give_up(&mut self) -> u64 {
        let events = self.len();
        *self = Self::default();
        events
    }

    /// How many events wait, those under way included.
    pub(super) fn len(&self) -> u64 {
        self.events.len() as u64 + self.batch.as_ref().map_or(0, |batch| batch.events)
    }

    /// What goes together next, at least one event if there is one; and since when the latest of it waits.
    fn take_events(&mut self, config: &Config) -> Option<(Vec<Arc<str>>, Timestamp)> {
        let Queued { json, since: mut latest } = self.pop()?;
        let mut bytes = json.len();
        let mut events = Vec::from([json]);
        while let Some(next) = self.events.front()
            && events.len() < config.max_batch_events
            && bytes + next.json.len() <= config.max_batch_bytes
            && let Some(Queued { json, since }) = self.pop()
        {
            bytes += json.len();
            latest = since;
            events.push(json);
        }
        Some((events, latest))
    }

    fn pop(&mut self) -> Option<Queued> {
        let event = self.events.pop_front()?;
        self.bytes -= event.json.len();
        Some(event)
    }
}

/// How long to wait after so many failures in a row and one more.
fn pause(failures: u32, random: u32, config: &Config) -> Duration {
    let doubled = 2_u32.checked_pow(failures).and_then(|times| config.first_retry_delay.checked_mul(times));
    let longest = doubled.map_or(config.max_retry_delay, |pause| pause.min(config.max_retry_delay));
    longest - longest.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_lose_at_most_half_at_random() {
        let config = Config::default();
        let seconds = |failures, random| pause(failures, random, &config).as_secs_f64();
        for (failures, longest) in [(0, 1.0), (1, 2.0), (5, 32.0), (6, 60.0), (31, 60.0), (u32::MAX, 60.0)] {
            assert_eq!(seconds(failures, 0), longest);
            assert_eq!(seconds(failures, u32::MAX), longest / 2.0);
            assert!((seconds(failures, u32::MAX / 2) - longest * 0.75).abs() < 0.001);
        }
    }
}
