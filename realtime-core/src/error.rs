use alloc::string::String;
use core::fmt;

/// Why a client was not let into a channel. `Display` says so in words that can be told to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The hub has no authorizer, and the channel is private or a presence channel.
    NoAuthorizer,
    /// The authorizer said no; the reason is its own.
    Refused(String),
    /// The authorizer did not answer within
    /// [`Config::authorization_timeout`](crate::Config::authorization_timeout).
    AuthorizerTimedOut,
    /// The client is in [`Config::max_channels_per_client`](crate::Config::max_channels_per_client) channels
    /// already.
    TooManyChannels {
        /// That limit.
        limit: usize,
    },
    /// The channel has [`Config::max_members_per_channel`](crate::Config::max_members_per_channel) members
    /// already.
    TooManyMembers {
        /// That limit.
        limit: usize,
    },
    /// The member that the authorizer named is longer than
    /// [`Config::max_member_bytes`](crate::Config::max_member_bytes).
    MemberTooLong {
        /// That limit, in bytes.
        limit: usize,
    },
    /// What the client would be told of the channel's members is longer than
    /// [`Config::max_roster_bytes`](crate::Config::max_roster_bytes).
    RosterTooLong {
        /// That limit, in bytes.
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

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthorizer => f.write_str("private and presence channels are closed here"),
            Self::Refused(reason) if reason.is_empty() => f.write_str("not authorized"),
            Self::Refused(reason) => f.write_str(reason),
            Self::AuthorizerTimedOut => f.write_str("the authorizer did not answer in time"),
            Self::TooManyChannels { limit } => write!(f, "already in {limit} channels, the most allowed"),
            Self::TooManyMembers { limit } => {
                write!(f, "the channel already has {limit} members, the most allowed")
            }
            Self::MemberTooLong { limit } => write!(f, "the member is longer than {limit} bytes"),
            Self::RosterTooLong { limit } => {
                write!(f, "the list of the channel's members is longer than {limit} bytes")
            }
            Self::ChannelNameTooLong { limit } => {
                write!(f, "the channel's name is longer than {limit} bytes")
            }
            Self::ChannelNameEmpty => f.write_str("the channel's name is empty"),
        }
    }
}

impl core::error::Error for Denial {}

/// An input that the hub did not take, because of the application: it changed nothing, and the hub goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// The hub is closed.
    Closed,
    /// No such client, or it is gone.
    UnknownClient,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the hub is closed"),
            Self::UnknownClient => f.write_str("no such client, or it is gone"),
        }
    }
}

impl core::error::Error for InputError {}

/// What the application wanted was not done; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubError {
    /// The hub is closed, for good.
    Closed,
    /// No such client, or it is gone.
    UnknownClient,
    /// So much waits to be delivered that the hub takes nothing more for the moment; see
    /// [`MailboxLimits`](crate::MailboxLimits).
    Overloaded,
    /// A client was to connect at a [`Home`](crate::Home) that
    /// [`Exchange::add_home`](crate::Exchange::add_home) never gave: a driver's fault.
    UnknownHome,
}

impl From<InputError> for HubError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Closed => Self::Closed,
            InputError::UnknownClient => Self::UnknownClient,
        }
    }
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => InputError::Closed.fmt(f),
            Self::UnknownClient => InputError::UnknownClient.fmt(f),
            Self::Overloaded => f.write_str("the hub is overloaded: too many deliveries wait"),
            Self::UnknownHome => {
                f.write_str("no loop takes this client's deliveries: its home was never added")
            }
        }
    }
}

impl core::error::Error for HubError {}
