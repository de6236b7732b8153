use core::num::NonZeroU32;
use core::time::Duration;
use realtime_ws::Keepalive;

/// What the connections of an app may do, and what they are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The silence after which a client asks whether the server lives, in seconds. Default 120. pusher-js
    /// takes the shorter of this and 120 s, and gives up a connection for which it is missing or zero.
    pub activity_timeout_seconds: NonZeroU32,
    /// Whether clients may send events to each other. Default: they may.
    pub client_events: ClientEvents,
    /// The most client events of one connection in a second. Default 10. One more is dropped, and its sender
    /// told.
    pub client_events_per_second: NonZeroU32,
    /// The most sign-ins of one connection in a second, whether they are accepted or not. Default 10. One more is
    /// refused before its signature is looked at.
    pub sign_ins_per_second: NonZeroU32,
    /// The most bytes of JSON in the data of a client event. Default 10 KiB. A longer one is dropped, and its
    /// sender told.
    pub max_client_event_bytes: usize,
}

/// Whether clients may send events to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientEvents {
    /// They may, on private and presence channels that they are subscribed to.
    #[default]
    Enabled,
    /// They may not.
    Disabled,
}

impl Settings {
    /// When a connection that these settings are announced to is asked whether it lives, and given up: 30 s
    /// after the moment at which the client itself would have spoken, so that a client is never dropped which
    /// still hopes.
    #[must_use]
    pub fn keepalive(&self) -> Keepalive {
        let activity_timeout = Duration::from_secs(self.activity_timeout_seconds.get().into());
        Keepalive { ping_after: activity_timeout, close_after: activity_timeout + Duration::from_secs(30) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            activity_timeout_seconds: const { NonZeroU32::new(120).unwrap() },
            client_events: ClientEvents::default(),
            client_events_per_second: const { NonZeroU32::new(10).unwrap() },
            sign_ins_per_second: const { NonZeroU32::new(10).unwrap() },
            max_client_event_bytes: 10 * 1024,
        }
    }
}
