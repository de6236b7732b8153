use super::publish::{MAX_EVENT_BYTES, MAX_PUBLISH_CHANNELS};
use super::request::MAX_CLOCK_DIFFERENCE_SECONDS;
use crate::pusher::MAX_EVENT_NAME_BYTES;
use crate::pusher::channel_name::InvalidChannelName;
use crate::pusher::query::InvalidQuery;
use crate::pusher::shown::Shown;
use crate::pusher::socket_id::InvalidSocketId;
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
    /// The event's data is longer than [`MAX_EVENT_BYTES`].
    EventTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The event is for more channels than [`MAX_PUBLISH_CHANNELS`].
    TooManyChannels {
        /// How many.
        channels: usize,
    },
    /// The protocol does not allow a channel's name.
    Channel(InvalidChannelName),
    /// `socket_id` is none.
    SocketId(InvalidSocketId),
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
            | Self::UnknownInfo { .. } => 400,
            Self::Unsigned { .. }
            | Self::WrongKey { .. }
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
                write!(f, "there is nothing at {}; events are posted to /apps/{{id}}/events", Shown(path))
            }
            Self::MethodNotAllowed { method, allowed } => {
                write!(f, "this path takes {allowed}, not {}", Shown(method))
            }
            Self::NoSuchApp { app_id } => write!(f, "there is no app with the id {}", Shown(app_id)),
            Self::Query(invalid) => invalid.fmt(f),
            Self::Unsigned { missing } => write!(f, "the request is not signed: {missing} is missing"),
            Self::WrongKey { key } => write!(f, "auth_key is {}, which is not this app's key", Shown(key)),
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
            Self::EventTooLong { bytes } => {
                write!(f, "the event's data has {bytes} bytes; at most {MAX_EVENT_BYTES} are accepted")
            }
            Self::TooManyChannels { channels } => write!(
                f,
                "the event is for {channels} channels; at most {MAX_PUBLISH_CHANNELS} are accepted at a time"
            ),
            Self::Channel(invalid) => invalid.fmt(f),
            Self::SocketId(invalid) => invalid.fmt(f),
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

impl From<InvalidSocketId> for ApiError {
    fn from(invalid: InvalidSocketId) -> Self {
        Self::SocketId(invalid)
    }
}
