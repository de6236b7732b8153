use realtime_core::pusher::webhooks;
use std::time::Duration;

/// When an app's webhooks are sent, and how long anything of it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// What is held back, what goes together, how often it is tried, and how much waits.
    pub queue: webhooks::Config,
    /// How long it may take to look up the endpoint's address, connect to it and agree on TLS. Default 5 s. Then the
    /// request has failed.
    pub connect_timeout: Duration,
    /// How long a whole request may take, connecting included. Default 10 s. Then it has failed.
    pub request_timeout: Duration,
    /// How long a gateway that stops takes to deliver what waits, once its clients are gone. Default 5 s. Then the rest
    /// is given up, counted and said. Without anything that waits it takes no time.
    pub drain_timeout: Duration,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            queue: webhooks::Config::default(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
        }
    }
}
