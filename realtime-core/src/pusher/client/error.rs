use crate::pusher::{InvalidChannelName, MAX_EVENT_NAME_BYTES};
use alloc::string::String;
use core::fmt;

/// A channel that cannot be subscribed to. The caller's fault; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscribeError {
    /// The protocol does not allow the name.
    Name(InvalidChannelName),
    /// It is the channel of a user, which is subscribed to by signing in.
    UserChannel,
    /// As many channels are wanted as may be.
    TooManyChannels {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(invalid) => invalid.fmt(f),
            Self::UserChannel => f.write_str("a user's channel is subscribed to by signing in"),
            Self::TooManyChannels { limit } => write!(f, "at most {limit} channels can be subscribed to"),
        }
    }
}

impl core::error::Error for SubscribeError {}

/// A client event that is not sent. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerError {
    /// Its name does not begin with `client-`.
    EventName,
    /// Its name is longer than [`MAX_EVENT_NAME_BYTES`].
    EventNameTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Client events are for private and presence channels.
    PublicChannel,
    /// Whoever receives on an encrypted channel could not tell a client event from one of the app's server.
    EncryptedChannel,
    /// Its data is not JSON.
    DataNotJson {
        /// What is wrong, and where.
        reason: String,
    },
    /// There is no connection at the moment.
    NotConnected,
    /// The client is not subscribed to the channel, or not yet.
    NotSubscribed,
    /// As many wait to be sent as may.
    QueueFull {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for TriggerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventName => f.write_str("the name of a client event must begin with client-"),
            Self::EventNameTooLong { bytes } => {
                write!(f, "the event's name has {bytes} bytes; at most {MAX_EVENT_NAME_BYTES} are accepted")
            }
            Self::PublicChannel => f.write_str("client events are for private and presence channels"),
            Self::EncryptedChannel => f.write_str("there are no client events on encrypted channels"),
            Self::DataNotJson { reason } => write!(f, "the event's data must be JSON: {reason}"),
            Self::NotConnected => f.write_str("there is no connection at the moment"),
            Self::NotSubscribed => f.write_str("the client is not subscribed to the channel"),
            Self::QueueFull { limit } => write!(f, "{limit} client events wait to be sent already"),
        }
    }
}

impl core::error::Error for TriggerError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn each_error_is_put_in_words() {
        use {SubscribeError as S, TriggerError as T};
        for (error, words) in [
            (S::Name(InvalidChannelName::Empty).to_string(), "the channel name is empty"),
            (S::UserChannel.to_string(), "a user's channel is subscribed to by signing in"),
            (S::TooManyChannels { limit: 2 }.to_string(), "at most 2 channels can be subscribed to"),
            (T::EventName.to_string(), "the name of a client event must begin with client-"),
            (
                T::EventNameTooLong { bytes: 201 }.to_string(),
                "the event's name has 201 bytes; at most 200 are accepted",
            ),
            (T::PublicChannel.to_string(), "client events are for private and presence channels"),
            (T::EncryptedChannel.to_string(), "there are no client events on encrypted channels"),
            (T::DataNotJson { reason: "x".into() }.to_string(), "the event's data must be JSON: x"),
            (T::NotConnected.to_string(), "there is no connection at the moment"),
            (T::NotSubscribed.to_string(), "the client is not subscribed to the channel"),
            (T::QueueFull { limit: 64 }.to_string(), "64 client events wait to be sent already"),
        ] {
            assert_eq!(error, words);
        }
    }
}
