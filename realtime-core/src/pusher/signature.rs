use super::SocketId;
use core::fmt;

/// What an app's server signs to let a client in; written out by `Display` as it is signed.
///
/// | for | the string |
/// |---|---|
/// | a private channel | `{socket_id}:{channel}` |
/// | a presence channel | `{socket_id}:{channel}:{channel_data}` |
/// | a user | `{socket_id}::user::{user_data}` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningString<'a> {
    /// A client may subscribe to a channel.
    Channel {
        /// The client's connection.
        socket_id: SocketId,
        /// The channel.
        channel: &'a str,
        /// Who it is there, letter by letter as it is sent.
        channel_data: Option<&'a str>,
    },
    /// A client is a user of the app.
    User {
        /// The client's connection.
        socket_id: SocketId,
        /// Who it is, letter by letter as it is sent.
        user_data: &'a str,
    },
}

impl fmt::Display for SigningString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel { socket_id, channel, channel_data: None } => write!(f, "{socket_id}:{channel}"),
            Self::Channel { socket_id, channel, channel_data: Some(data) } => {
                write!(f, "{socket_id}:{channel}:{data}")
            }
            Self::User { socket_id, user_data } => write!(f, "{socket_id}::user::{user_data}"),
        }
    }
}
