use core::time::Duration;

/// The limits of a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether private and presence channels ask or are closed. Default: closed.
    pub authorization: Authorization,
    /// How long the authorizer may take. Default 10 s. Then the client is denied.
    pub authorization_timeout: Duration,
    /// The most channels that one client is in or the authorizer is asked about. Default 256. One more is
    /// denied. A question counts until it is decided, also if the client unsubscribes meanwhile.
    pub max_channels_per_client: usize,
    /// The longest channel name, in bytes. Default 164. A longer one is denied.
    pub max_channel_name_bytes: usize,
    /// The most members of one presence channel. Default 10,000. One more is denied.
    pub max_members_per_channel: usize,
    /// The longest member of a presence channel, in bytes of its JSON: `{"id":..,"info":..}`. Default 2 KiB.
    /// A longer one is denied.
    pub max_member_bytes: usize,
    /// The longest message that tells a newcomer who is in a presence channel, in bytes. Default 1 MiB, as much
    /// as an outbox takes by default; it must be no more than that, and the adapters see to it. A newcomer for
    /// whom it would be longer is denied.
    pub max_roster_bytes: usize,
    /// How often, at most, the subscribers of a channel are told how many they are: the first change at once, all
    /// that follow within this time together when it is over. Default `None`: they are not told. Nor are they where
    /// the [`Wire`](crate::wire::Wire) has no message for it.
    pub subscriber_count_interval: Option<Duration>,
    /// How long the latest message of [`Input::Retain`](crate::Input::Retain) is sent to newcomers. Default
    /// 30 min. Then it is forgotten.
    pub retention: Duration,
    /// The most channels whose latest message is retained. Default 10,000. Beyond it, the oldest one is
    /// forgotten.
    pub max_retained_messages: usize,
    /// The most bytes of retained messages and the names of their channels. Default 32 MiB. Beyond it, the
    /// oldest ones are forgotten.
    pub max_retained_bytes: usize,
}

/// What becomes of a subscribe to a private or presence channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// It is denied: the application has no authorizer.
    #[default]
    DenyAll,
    /// The driver is asked with [`Action::Authorize`](crate::Action::Authorize).
    Ask,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            authorization: Authorization::DenyAll,
            authorization_timeout: Duration::from_secs(10),
            max_channels_per_client: 256,
            max_channel_name_bytes: 164,
            max_members_per_channel: 10_000,
            max_member_bytes: 2 * 1024,
            max_roster_bytes: 1024 * 1024,
            subscriber_count_interval: None,
            retention: Duration::from_secs(30 * 60),
            max_retained_messages: 10_000,
            max_retained_bytes: 32 * 1024 * 1024,
        }
    }
}
