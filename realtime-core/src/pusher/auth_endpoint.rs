//! What an app's own server does when a client asks it to be let into a channel, or as whom it is signed in.

use super::app::App;
use super::channel_name::{InvalidChannelName, parse_channel_name};
use super::query::{InvalidQuery, Query};
use super::signature::SigningString;
use super::socket_id::{InvalidSocketId, SocketId};
use crate::ChannelName;
use crate::json::push_string;
use alloc::string::{String, ToString};
use core::fmt;

/// A client's question to the auth endpoint, such as `/broadcasting/auth` or `/pusher/auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelAuthRequest {
    /// The client's connection.
    pub socket_id: SocketId,
    /// The channel that it wants to be let into.
    pub channel: ChannelName,
}

impl ChannelAuthRequest {
    /// Parses the body that clients send: the form `socket_id=…&channel_name=…`.
    ///
    /// # Errors
    /// [`InvalidChannelAuthRequest`]: the client's fault; answer 400. Nothing that is not a socket id and a
    /// channel name may ever be signed: other strings could be joined to one that means something else.
    pub fn parse(form: &str) -> Result<Self, InvalidChannelAuthRequest> {
        let form = Query::parse(form)?;
        let field = |name| form.value(name).ok_or(InvalidChannelAuthRequest::Missing { field: name });
        Self::new(field("socket_id")?, field("channel_name")?)
    }

    /// The question of the connection `socket_id` about the channel `channel_name`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn new(socket_id: &str, channel_name: &str) -> Result<Self, InvalidChannelAuthRequest> {
        let (socket_id, channel) = (socket_id.parse()?, parse_channel_name(channel_name)?);
        if channel.as_str().starts_with('#') {
            let name = channel_name.to_string();
            return Err(InvalidChannelName::Reserved { name }.into()); // a sign-in lets into it, no signature
        }
        Ok(Self { socket_id, channel })
    }

    /// The JSON to answer with to let the client in. In presence channels `channel_data` says as whom:
    /// `{"user_id":…,"user_info":…}`.
    #[must_use]
    pub fn allow(&self, app: &App, channel_data: Option<&str>) -> String {
        let (socket_id, channel) = (self.socket_id, self.channel.as_str());
        let mut answer = String::from(r#"{"auth":"#);
        push_string(&mut answer, &app.auth(&SigningString::Channel { socket_id, channel, channel_data }));
        if let Some(channel_data) = channel_data {
            answer.push_str(r#","channel_data":"#);
            push_string(&mut answer, channel_data);
        }
        answer.push('}');
        answer
    }
}

/// A client's question as whom it is signed in, to an endpoint such as `/broadcasting/user-auth` or
/// `/pusher/user-auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAuthRequest {
    /// The client's connection.
    pub socket_id: SocketId,
}

impl UserAuthRequest {
    /// The JSON to answer with to sign the client in as the user of `user_data`, which
    /// [`User::parse`](super::User::parse) must accept.
    #[must_use]
    pub fn allow(&self, app: &App, user_data: &str) -> String {
        let mut answer = String::from(r#"{"auth":"#);
        push_string(&mut answer, &app.auth(&SigningString::User { socket_id: self.socket_id, user_data }));
        answer.push_str(r#","user_data":"#);
        push_string(&mut answer, user_data);
        answer.push('}');
        answer
    }
}

/// A question to the auth endpoint that cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidChannelAuthRequest {
    /// The form cannot be read.
    Form(InvalidQuery),
    /// A field is not there.
    Missing {
        /// The field.
        field: &'static str,
    },
    /// `socket_id` is none.
    SocketId(InvalidSocketId),
    /// `channel_name` is none.
    Channel(InvalidChannelName),
}

impl fmt::Display for InvalidChannelAuthRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(invalid) => invalid.fmt(f),
            Self::Missing { field } => write!(f, "{field} is missing from the form"),
            Self::SocketId(invalid) => invalid.fmt(f),
            Self::Channel(invalid) => invalid.fmt(f),
        }
    }
}

impl core::error::Error for InvalidChannelAuthRequest {}

impl From<InvalidQuery> for InvalidChannelAuthRequest {
    fn from(invalid: InvalidQuery) -> Self {
        Self::Form(invalid)
    }
}

impl From<InvalidSocketId> for InvalidChannelAuthRequest {
    fn from(invalid: InvalidSocketId) -> Self {
        Self::SocketId(invalid)
    }
}

impl From<InvalidChannelName> for InvalidChannelAuthRequest {
    fn from(invalid: InvalidChannelName) -> Self {
        Self::Channel(invalid)
    }
}
