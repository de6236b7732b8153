use super::app::{App, InvalidAuth};
use super::channel_data::{InvalidChannelData, parse_channel_data};
use super::credentials::{Identity, SubscribeCredentials};
use super::signature::SigningString;
use crate::{AuthorizationRequest, ChannelKind, Decision, Member};
use alloc::string::ToString;
use core::fmt;

/// Decides whether a client is let into a private or presence channel: by the signature of the app's own
/// server, so nobody has to be asked.
///
/// Whom the others see in a presence channel is whom the app's server signed with the channel, or else the user
/// as whom the client is signed in.
///
/// Only for requests whose subscribe came from a [`Conversation`](super::Conversation).
#[must_use]
pub fn authorize(app: &App, request: &AuthorizationRequest) -> Decision {
    match member_let_in(app, request) {
        Ok(member) => Decision::Allow { member },
        Err(refusal) => Decision::Deny { reason: refusal.to_string() },
    }
}

fn member_let_in(app: &App, request: &AuthorizationRequest) -> Result<Option<Member>, Refusal> {
    let shown = SubscribeCredentials::decode(&request.credentials).ok_or(InvalidAuth::Missing)?;
    let SubscribeCredentials { socket_id, auth, identity } = shown;
    let channel_data = match identity {
        Identity::ChannelData(channel_data) => Some(channel_data),
        Identity::None | Identity::User(_) => None,
    };
    app.verify_auth(
        auth,
        &SigningString::Channel { socket_id, channel: request.channel.as_str(), channel_data },
    )?;
    match request.kind {
        ChannelKind::Public | ChannelKind::Private => Ok(None),
        ChannelKind::Presence => match identity {
            Identity::ChannelData(channel_data) => Ok(Some(parse_channel_data(channel_data)?)),
            Identity::User(member) => {
                Member::from_json(member).map(Some).ok_or(InvalidChannelData::Missing.into())
            }
            Identity::None => Err(InvalidChannelData::Missing.into()),
        },
    }
}

/// Why a client is not let in.
enum Refusal {
    Auth(InvalidAuth),
    ChannelData(InvalidChannelData),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(invalid) => invalid.fmt(f),
            Self::ChannelData(invalid) => invalid.fmt(f),
        }
    }
}

impl From<InvalidAuth> for Refusal {
    fn from(invalid: InvalidAuth) -> Self {
        Self::Auth(invalid)
    }
}

impl From<InvalidChannelData> for Refusal {
    fn from(invalid: InvalidChannelData) -> Self {
        Self::ChannelData(invalid)
    }
}
