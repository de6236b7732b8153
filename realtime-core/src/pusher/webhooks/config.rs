use super::event_type::{EventType, EventTypes};
use crate::ChannelName;
use alloc::string::String;
use core::time::Duration;

/// Of which events an endpoint is told. The default is all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of these.
    pub events: EventTypes,
    /// Of channels whose names begin so. Default: empty, which is all.
    pub channel_prefix: String,
}

impl Filter {
    pub(super) fn wants(&self, event: EventType, channel: &ChannelName) -> bool {
        self.events.contains(event) && channel.as_str().starts_with(&self.channel_prefix)
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self { events: EventTypes::ALL, channel_prefix: String::new() }
    }
}

/// When webhooks are sent, how often they are tried and how much of them waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long it must last that a channel is vacated, that a member is away or that a channel has another number of
    /// subscribers before it is told. Default 3 s. Of what comes back within that time neither its going nor its coming
    /// is told, so that who reloads a page makes no noise.
    pub hold_back: Duration,
    /// The most events held back at a time. Default 10,000. Beyond it, they are told at once.
    pub max_held_events: usize,
    /// How long an event waits for others to go with it. Default 250 ms.
    pub batch_window: Duration,
    /// The most events of one request. Default 100. A request with as many waits no longer.
    pub max_batch_events: usize,
    /// The most bytes of the events in one request; a longer event goes alone. Default 256 KiB.
    pub max_batch_bytes: usize,
    /// The most events that wait for one endpoint, beside those under way. Default 10,000. Beyond it the oldest are given
    /// up: who hears late had better hear of the present.
    pub max_queued_events: usize,
    /// The most bytes of events that wait for one endpoint, beside those under way. Default 8 MiB. Beyond it the oldest
    /// are given up.
    pub max_queued_bytes: usize,
    /// How long a request is repeated that fails, counted from the latest of its events. Default 5 min. Then its events
    /// are given up; each was tried at least once.
    pub retry_for: Duration,
    /// How long after its first failure a request is repeated. Default 1 s, less a random part of at most half; twice as
    /// long after each further failure of the endpoint.
    pub first_retry_delay: Duration,
    /// The longest time until a request is repeated. Default 60 s.
    pub max_retry_delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hold_back: Duration::from_secs(3),
            max_held_events: 10_000,
            batch_window: Duration::from_millis(250),
            max_batch_events: 100,
            max_batch_bytes: 256 * 1024,
            max_queued_events: 10_000,
            max_queued_bytes: 8 * 1024 * 1024,
            retry_for: Duration::from_secs(5 * 60),
            first_retry_delay: Duration::from_secs(1),
            max_retry_delay: Duration::from_secs(60),
        }
    }
}
