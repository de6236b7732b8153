use super::app::InvalidAuth;
use super::channel_name::InvalidChannelName;
use super::error_code::ErrorCode;
use super::shown::Shown;
use super::user::InvalidUserData;
use alloc::string::String;
use core::fmt;

/// A message that was not accepted. The client's fault; it is told with a `pusher:error` event, whose text is
/// what `Display` writes, and the connection lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The frame is binary.
    Binary,
    /// The frame, or a JSON text inside of it, is not JSON.
    NotJson {
        /// What is wrong, and where.
        reason: String,
    },
    /// A JSON object was expected, and the JSON is none.
    NotAnObject {
        /// `message`, or the field that it is in.
        what: &'static str,
    },
    /// A field is needed and is not there.
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field must be a string.
    NotAString {
        /// The field.
        field: &'static str,
    },
    /// The event is none that a client may send.
    UnknownEvent {
        /// Its name.
        event: String,
    },
    /// The event's name is longer than [`MAX_EVENT_NAME_BYTES`](super::MAX_EVENT_NAME_BYTES).
    EventNameTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The protocol does not allow the channel's name.
    Channel(InvalidChannelName),
    /// `auth` contains a line break.
    AuthNotOneLine,
    /// `channel_data` is longer than [`MAX_CHANNEL_DATA_BYTES`](super::MAX_CHANNEL_DATA_BYTES).
    ChannelDataTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The app's server did not sign the client in.
    SignInAuth(InvalidAuth),
    /// The `user_data` of a sign-in names no user.
    UserData(InvalidUserData),
    /// The client is signed in as another user; a connection belongs to one.
    SignedInAs {
        /// The user's id.
        user_id: String,
    },
    /// The client signs in more often than it may.
    TooManySignIns {
        /// The most in a second.
        per_second: u32,
    },
    /// The app does not allow client events.
    ClientEventsDisabled,
    /// Client events are for private and presence channels.
    ClientEventOnPublicChannel {
        /// The channel.
        channel: String,
    },
    /// Whoever receives on an encrypted channel could not tell a client event from one of the app's server.
    ClientEventOnEncryptedChannel {
        /// The channel.
        channel: String,
    },
    /// The sender is not subscribed to the channel of its client event.
    NotSubscribed {
        /// The channel.
        channel: String,
    },
    /// The data of a client event is too long.
    ClientEventTooLong {
        /// Its length.
        bytes: usize,
        /// The most that the app allows.
        limit: usize,
    },
    /// The client sends more client events than it may.
    TooManyClientEvents {
        /// The most in a second.
        per_second: u32,
    },
}

impl ClientError {
    /// The code that the client is told with the text, if the protocol has one for this.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::TooManyClientEvents { .. } => Some(ErrorCode::CLIENT_EVENT_RATE),
            // Without a code a client would not know that it is about its sign-in, and wait on.
            Self::SignInAuth(_) | Self::SignedInAs { .. } | Self::TooManySignIns { .. } => {
                Some(ErrorCode::UNAUTHORIZED)
            }
            Self::UserData(invalid) => Some(invalid.code()),
            Self::Binary
            | Self::NotJson { .. }
            | Self::NotAnObject { .. }
            | Self::Missing { .. }
            | Self::NotAString { .. }
            | Self::UnknownEvent { .. }
            | Self::EventNameTooLong { .. }
            | Self::Channel(_)
            | Self::AuthNotOneLine
            | Self::ChannelDataTooLong { .. }
            | Self::ClientEventsDisabled
            | Self::ClientEventOnPublicChannel { .. }
            | Self::ClientEventOnEncryptedChannel { .. }
            | Self::NotSubscribed { .. }
            | Self::ClientEventTooLong { .. } => None,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary => f.write_str("binary messages are not accepted; send JSON as text"),
            Self::NotJson { reason } => write!(f, "the message is not valid: {reason}"),
            Self::NotAnObject { what } => write!(f, "{what} must be a JSON object"),
            Self::Missing { field } => write!(f, "{field} is missing"),
            Self::NotAString { field } => write!(f, "{field} must be a string"),
            Self::UnknownEvent { event } => write!(
                f,
                "the event {} is not known; accepted are pusher:subscribe, pusher:unsubscribe, \
                 pusher:signin, pusher:ping, pusher:pong, and names that begin with client-",
                Shown(event)
            ),
            Self::EventNameTooLong { bytes } => {
                let limit = super::MAX_EVENT_NAME_BYTES;
                write!(f, "the event name has {bytes} bytes; at most {limit} are accepted")
            }
            Self::Channel(invalid) => invalid.fmt(f),
            Self::AuthNotOneLine => f.write_str("auth must be one line: key:signature"),
            Self::ChannelDataTooLong { bytes } => {
                let limit = super::MAX_CHANNEL_DATA_BYTES;
                write!(f, "channel_data has {bytes} bytes; at most {limit} are accepted")
            }
            Self::SignInAuth(invalid) => invalid.fmt(f),
            Self::UserData(invalid) => invalid.fmt(f),
            Self::SignedInAs { user_id } => write!(
                f,
                "this connection is signed in as the user {} and stays so; connect anew for another one",
                Shown(user_id)
            ),
            Self::TooManySignIns { per_second } => {
                write!(f, "at most {per_second} sign-ins a second are accepted; this one was refused")
            }
            Self::ClientEventsDisabled => f.write_str("client events are not enabled for this app"),
            Self::ClientEventOnPublicChannel { channel } => write!(
                f,
                "client events are accepted on private and presence channels, and {} is neither",
                Shown(channel)
            ),
            Self::ClientEventOnEncryptedChannel { channel } => {
                write!(
                    f,
                    "client events are not accepted on encrypted channels, and {} is one",
                    Shown(channel)
                )
            }
            Self::NotSubscribed { channel } => {
                write!(f, "this connection is not subscribed to {}, so it may not send to it", Shown(channel))
            }
            Self::ClientEventTooLong { bytes, limit } => {
                write!(f, "the data of the client event has {bytes} bytes; at most {limit} are accepted")
            }
            Self::TooManyClientEvents { per_second } => {
                write!(f, "at most {per_second} client events a second are accepted; this one was dropped")
            }
        }
    }
}

impl core::error::Error for ClientError {}

impl From<InvalidAuth> for ClientError {
    fn from(invalid: InvalidAuth) -> Self {
        Self::SignInAuth(invalid)
    }
}

impl From<InvalidUserData> for ClientError {
    fn from(invalid: InvalidUserData) -> Self {
        Self::UserData(invalid)
    }
}

impl From<InvalidChannelName> for ClientError {
    fn from(invalid: InvalidChannelName) -> Self {
        Self::Channel(invalid)
    }
}
