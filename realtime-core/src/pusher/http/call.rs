use super::error::ApiError;
use crate::ChannelName;
use crate::pusher::channel_name::parse_channel_name;
use crate::pusher::query::decode_segment;
use crate::pusher::user::check_user_id;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a request asks for, and of which app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCall<'a> {
    /// The app's id, as it stands in the path; `None` if only `auth_key` names the app.
    pub app_id: Option<&'a str>,
    /// What for.
    pub endpoint: Endpoint,
}

/// What an app's own server can ask for, below `/apps/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST events`: an event for one or more channels. The body is a [`Publish`](super::Publish).
    PublishEvent,
    /// `POST batch_events`: several events. The body is a [`PublishBatch`](super::PublishBatch).
    PublishBatch,
    /// `GET channels`: the channels with a subscriber. The query is a [`ListChannels`](super::ListChannels).
    ListChannels,
    /// `GET channels/{channel}`: what is known of a channel. The query is a
    /// [`DescribeChannel`](super::DescribeChannel).
    DescribeChannel {
        /// The channel.
        channel: ChannelName,
    },
    /// `GET channels/{channel}/users`: who is present. [`list_users`](super::list_users) answers.
    ListUsers {
        /// The channel.
        channel: ChannelName,
    },
    /// `GET connections`: how many there are.
    CountConnections,
    /// `POST users/{id}/terminate_connections`: closes all connections of a user who has signed in. Without
    /// `/apps/{id}` in front of it, too.
    TerminateConnections {
        /// The user; 1 to [`MAX_USER_ID_CHARS`](crate::pusher::MAX_USER_ID_CHARS) characters.
        user_id: String,
    },
}

impl Endpoint {
    /// Its path, with the names of what varies in place of that.
    #[must_use]
    pub const fn route(&self) -> &'static str {
        match self {
            Self::PublishEvent => "/apps/{id}/events",
            Self::PublishBatch => "/apps/{id}/batch_events",
            Self::ListChannels => "/apps/{id}/channels",
            Self::DescribeChannel { .. } => "/apps/{id}/channels/{channel}",
            Self::ListUsers { .. } => "/apps/{id}/channels/{channel}/users",
            Self::CountConnections => "/apps/{id}/connections",
            Self::TerminateConnections { .. } => "/apps/{id}/users/{id}/terminate_connections",
        }
    }

    /// The method that it takes.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::PublishEvent | Self::PublishBatch | Self::TerminateConnections { .. } => "POST",
            Self::ListChannels
            | Self::DescribeChannel { .. }
            | Self::ListUsers { .. }
            | Self::CountConnections => "GET",
        }
    }
}

impl<'a> ApiCall<'a> {
    /// What `method` asks of `path`.
    pub(super) fn parse(method: &str, path: &'a str) -> Result<Self, ApiError> {
        let no_such_path = || ApiError::NoSuchPath { path: path.to_string() };
        let segments: Vec<&str> = path.splitn(MAX_SEGMENTS, '/').collect();
        let (app_id, endpoint) = match segments[..] {
            ["", "apps", app_id, ref endpoint @ ..] if !app_id.is_empty() => (Some(app_id), endpoint),
            // The library for Python leaves the app out.
            ["", "users", ..] => (None, &segments[1..]),
            _ => return Err(no_such_path()),
        };
        let endpoint = match *endpoint {
            ["events"] => Endpoint::PublishEvent,
            ["batch_events"] => Endpoint::PublishBatch,
            ["channels"] => Endpoint::ListChannels,
            ["channels", channel] => Endpoint::DescribeChannel { channel: parse_channel(channel)? },
            ["channels", channel, "users"] => Endpoint::ListUsers { channel: parse_channel(channel)? },
            ["connections"] => Endpoint::CountConnections,
            ["users", user_id, "terminate_connections"] => {
                Endpoint::TerminateConnections { user_id: parse_user_id(user_id)? }
            }
            _ => return Err(no_such_path()),
        };
        if method != endpoint.method() {
            return Err(ApiError::MethodNotAllowed {
                method: method.to_string(),
                allowed: endpoint.method(),
            });
        }
        Ok(Self { app_id, endpoint })
    }
}

/// One more than any path has, so that longer ones match none.
const MAX_SEGMENTS: usize = 7;

fn parse_channel(segment: &str) -> Result<ChannelName, ApiError> {
    Ok(parse_channel_name(&decode_segment(segment)?)?)
}

fn parse_user_id(segment: &str) -> Result<String, ApiError> {
    let user_id = decode_segment(segment)?;
    check_user_id(&user_id)?;
    Ok(user_id)
}
