use alloc::string::String;

/// Why a client was not let into a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The hub has no authorizer, and the channel is private or a presence channel.
    NoAuthorizer,
    /// The authorizer said no; the reason is its own.
    Refused(String),
    /// The authorizer did not answer within [`Config::authorization_timeout`](crate::Config::authorization_timeout).
    AuthorizerTimedOut,
    /// The client is in [`Config::max_channels_per_client`](crate::Config::max_channels_per_client) channels already.
    TooManyChannels {
        /// That limit.
        limit: usize,
    },
    /// The channel has [`Config::max_members_per_channel`](crate::Config::max_members_per_channel) members already.
    TooManyMembers {
        /// That limit.
        limit: usize,
    },
    /// The name is longer than [`Config::max_channel_name_bytes`](crate::Config::max_channel_name_bytes).
    ChannelNameTooLong {
        /// That limit, in bytes.
        limit: usize,
    },
    /// The name is empty.
    ChannelNameEmpty,
}

/// An input that the hub did not take; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// The hub is closed.
    Closed,
    /// No such client, or it is gone.
    UnknownClient,
}
