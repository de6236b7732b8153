use super::request::MAX_CLOCK_DIFFERENCE_SECONDS;
use crate::ChannelName;
use crate::pusher::channel_name::InvalidChannelName;
use crate::pusher::query::InvalidQuery;
use crate::pusher::shown::Shown;
use crate::pusher::socket_id::InvalidSocketId;
use crate::pusher::{InvalidUserData, MAX_EVENT_NAME_BYTES};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// A request that is refused: the fault of whoever sent it. Answer [`status`](Self::status), and as text what
/// `Display` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The API has nothing at this path.
    NoSuchPath {
        /// The path.
        path: String,
    },
    /// The path is asked with another method.
    MethodNotAllowed {
        /// The method.
        method: String,
        /// What the path takes.
        allowed: &'static str,
    },
    /// There is no app with this id.
    NoSuchApp {
        /// The id.
        app_id: String,
    },
    /// The query cannot be read.
    Query(InvalidQuery),
    /// A parameter is missing that every signed request has.
    Unsigned {
        /// The parameter.
        missing: &'static str,
    },
    /// `auth_key` is not the app's.
    WrongKey {
        /// What it is.
        key: String,
    },
    /// There is no app whose key `auth_key` is, and nothing else says of which app the request is.
    UnknownKey {
        /// What it is.
        key: String,
    },
    /// `auth_version` is not `1.0`.
    WrongAuthVersion {
        /// What it is.
        version: String,
    },
    /// `auth_timestamp` is not a number.
    InvalidTimestamp {
        /// What it is.
        timestamp: String,
    },
    /// The request is too old, or a clock is wrong.
    WrongTime {
        /// `auth_timestamp`.
        sent_at: u64,
        /// The server's time, likewise in seconds since 1970.
        server: u64,
    },
    /// `body_md5` is not the MD5 of the body.
    WrongBodyMd5 {
        /// What that is.
        actual: String,
    },
    /// `auth_signature` is not the app's.
    WrongSignature {
        /// The string that had to be signed.
        signed: String,
    },
    /// The body is not a JSON object.
    NotAnObject,
    /// The body is not JSON, or a field in it is of another type.
    NotJson {
        /// What is wrong, and where.
        reason: String,
    },
    /// The body lacks a field.
    Missing {
        /// The field.
        field: &'static str,
    },
    /// The event's name is longer than [`MAX_EVENT_NAME_BYTES`].
    EventNameTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The event's data is too long.
    EventTooLong {
        /// Its length.
        bytes: usize,
        /// The longest that is accepted.
        limit: usize,
    },
    /// The event is for too many channels.
    TooManyChannels {
        /// How many.
        channels: usize,
        /// The most that are accepted.
        limit: usize,
    },
    /// The protocol does not allow a channel's name.
    Channel(InvalidChannelName),
    /// `socket_id` is none.
    SocketId(InvalidSocketId),
    /// There are too many events in a batch.
    TooManyEvents {
        /// How many.
        events: usize,
        /// The most that are accepted.
        limit: usize,
    },
    /// An event of a batch is for none or several channels.
    NotOneChannel {
        /// How many.
        channels: usize,
    },
    /// One event of a batch is wrong.
    InBatch {
        /// Which, from 0 on.
        index: usize,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// Only a presence channel has users, and this is none.
    NoPresenceChannel {
        /// The channel.
        channel: ChannelName,
    },
    /// `user_count` is asked of channels that may be no presence channels.
    NoPresencePrefix,
    /// More channels begin with the prefix than an answer tells of.
    TooManyChannelsFound {
        /// The most that an answer tells of.
        limit: usize,
    },
    /// What should be the id of a user is none.
    User(InvalidUserData),
    /// `info` asks for something that is not known of channels.
    UnknownInfo {
        /// What it asks for.
        name: String,
    },
}

impl ApiError {
    /// The status to answer with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Query(_)
            | Self::NotAnObject
            | Self::NotJson { .. }
            | Self::Missing { .. }
            | Self::EventNameTooLong { .. }
            | Self::TooManyChannels { .. }
            | Self::Channel(_)
            | Self::SocketId(_)
            | Self::TooManyEvents { .. }
            | Self::NotOneChannel { .. }
            | Self::NoPresenceChannel { .. }
            | Self::NoPresencePrefix
            | Self::TooManyChannelsFound { .. }
            | Self::User(_)
            | Self::UnknownInfo { .. } => 400,
            Self::InBatch { error, .. } => error.status(),
            Self::Unsigned { .. }
            | Self::WrongKey { .. }
            | Self::UnknownKey { .. }
            | Self::WrongAuthVersion { .. }
            | Self::InvalidTimestamp { .. }
            | Self::WrongTime { .. }
            | Self::WrongBodyMd5 { .. }
            | Self::WrongSignature { .. } => 401,
            Self::NoSuchPath { .. } | Self::NoSuchApp { .. } => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::EventTooLong { .. } => 413,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPath { path } => {
                write!(
                    f,
                    "there is nothing at {}; accepted below /apps/{{id}} are events, batch_events, channels, \
                     channels/{{channel}}, channels/{{channel}}/users, connections and \
                     users/{{id}}/terminate_connections",
                    Shown(path)
                )
            }
            Self::MethodNotAllowed { method, allowed } => {
                write!(f, "this path takes {allowed}, not {}", Shown(method))
            }
            Self::NoSuchApp { app_id } => write!(f, "there is no app with the id {}", Shown(app_id)),
            Self::Query(invalid) => invalid.fmt(f),
            Self::Unsigned { missing } => write!(f, "the request is not signed: {missing} is missing"),
            Self::WrongKey { key } => write!(f, "auth_key is {}, which is not this app's key", Shown(key)),
            Self::UnknownKey { key } => {
                write!(f, "auth_key is {}, and there is no app with that key", Shown(key))
            }
            Self::WrongAuthVersion { version } => {
                write!(f, "auth_version is {}; only 1.0 is accepted", Shown(version))
            }
            Self::InvalidTimestamp { timestamp } => {
                write!(f, "auth_timestamp is {}; it must be seconds since 1970", Shown(timestamp))
            }
            Self::WrongTime { sent_at, server } => write!(
                f,
                "auth_timestamp is {sent_at} and the server's time {server}; they may differ by \
                 {MAX_CLOCK_DIFFERENCE_SECONDS} s at most"
            ),
            Self::WrongBodyMd5 { actual } => write!(f, "body_md5 is wrong; the MD5 of the body is {actual}"),
            Self::WrongSignature { signed } => write!(
                f,
                "auth_signature is not the HMAC-SHA256 of the following string with the app's secret, in \
                 lower-case hex: {signed:?}"
            ),
            Self::NotAnObject => f.write_str("the body must be a JSON object"),
            Self::NotJson { reason } => write!(f, "the body is not valid: {reason}"),
            Self::Missing { field } => write!(f, "{field} is missing from the body"),
            Self::EventNameTooLong { bytes } => {
                write!(f, "the event name has {bytes} bytes; at most {MAX_EVENT_NAME_BYTES} are accepted")
            }
            Self::EventTooLong { bytes, limit } => {
                write!(f, "the event's data has {bytes} bytes; at most {limit} are accepted")
            }
            Self::TooManyChannels { channels, limit } => {
                write!(f, "the event is for {channels} channels; at most {limit} are accepted at a time")
            }
            Self::Channel(invalid) => invalid.fmt(f),
            Self::SocketId(invalid) => invalid.fmt(f),
            Self::TooManyEvents { events, limit } => {
                write!(f, "the batch has {events} events; at most {limit} are accepted at a time")
            }
            Self::NotOneChannel { channels } => {
                write!(f, "it is for {channels} channels; an event of a batch is for one")
            }
            Self::InBatch { index, error } => write!(f, "event {} of the batch: {error}", index + 1),
            Self::NoPresenceChannel { channel } => write!(
                f,
                "only presence channels have users, and {} does not begin with presence-",
                Shown(channel.as_str())
            ),
            Self::NoPresencePrefix => {
                f.write_str("only presence channels have users: for user_count, filter_by_prefix must begin with presence-")
            }
            Self::TooManyChannelsFound { limit } => write!(
                f,
                "more than {limit} channels begin so, the most that are listed; ask with a longer filter_by_prefix"
            ),
            Self::User(invalid) => invalid.fmt(f),
            Self::UnknownInfo { name } => {
                write!(f, "info asks for {}; accepted are user_count and subscription_count", Shown(name))
            }
        }
    }
}

impl core::error::Error for ApiError {}

impl From<InvalidQuery> for ApiError {
    fn from(invalid: InvalidQuery) -> Self {
        Self::Query(invalid)
    }
}

impl From<InvalidChannelName> for ApiError {
    fn from(invalid: InvalidChannelName) -> Self {
        Self::Channel(invalid)
    }
}

impl From<InvalidUserData> for ApiError {
    fn from(invalid: InvalidUserData) -> Self {
        Self::User(invalid)
    }
}

impl From<InvalidSocketId> for ApiError {
    fn from(invalid: InvalidSocketId) -> Self {
        Self::SocketId(invalid)
    }
}
