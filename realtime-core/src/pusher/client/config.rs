use core::time::Duration;

/// The patience and the limits of a [`Client`](super::Client).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The silence after which the server is asked whether it lives, unless it says a shorter one itself. Default
    /// 120 s; 10 ms at the least.
    pub activity_timeout: Duration,
    /// How long the server may take to answer that. Default 30 s. Then the connection is closed with 4201, and
    /// another opened.
    pub pong_timeout: Duration,
    /// How long it may take to open a connection, the greeting included. Default 15 s. Then it is given up, which is
    /// an attempt that failed.
    pub connect_timeout: Duration,
    /// How long to be without a connection until that is told as [`State::Unavailable`](super::State::Unavailable).
    /// Default 10 s. The client goes on trying.
    pub unavailable_after: Duration,
    /// What is waited at the least before connecting again. Default 1 s. It doubles with each attempt that fails,
    /// up to half of `max_retry_delay`; each wait is drawn at random between this and twice as much, and is 10 ms at the
    /// least.
    pub first_retry_delay: Duration,
    /// What is waited at the most before connecting again. Default 30 s. There is no limit on the attempts.
    pub max_retry_delay: Duration,
    /// How long a connection must have lived so that its end counts as the first that failed. Default 10 s; 10 ms at
    /// the least. So a server that greets and closes at once is not asked more and more often.
    pub stable_after: Duration,
    /// How long the authorizer may take. Default 10 s. Then its answer is ignored, and the subscription failed.
    pub authorization_timeout: Duration,
    /// The most channels that are wanted at a time. Default 256. One more is refused.
    pub max_channels: usize,
    /// The most client events that wait for the driver to send them. Default 64. One more is refused.
    pub max_unsent_client_events: usize,
    /// The most events that wait for the application. Default 1,024. More are counted as
    /// [`Event::Missed`](super::Event::Missed).
    pub max_queued_events: usize,
    /// The most bytes of texts from the server in the events that wait. Default 4 MiB. At the limit as above, but
    /// one event is always let in.
    pub max_queued_event_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            activity_timeout: Duration::from_secs(120),
            pong_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(15),
            unavailable_after: Duration::from_secs(10),
            first_retry_delay: Duration::from_secs(1),
            max_retry_delay: Duration::from_secs(30),
            stable_after: Duration::from_secs(10),
            authorization_timeout: Duration::from_secs(10),
            max_channels: 256,
            max_unsent_client_events: 64,
            max_queued_events: 1024,
            max_queued_event_bytes: 4 * 1024 * 1024,
        }
    }
}
