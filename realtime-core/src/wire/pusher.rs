use super::Wire;
use crate::pusher::{frames, is_cache_channel};
use crate::{ChannelKind, ChannelName, Denial, Member, Roster};
use alloc::string::String;
use realtime_ws::PreparedMessage;

/// The frames of the Pusher protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pusher;

impl Wire for Pusher {
    fn subscribed(&self, channel: &ChannelName, roster: Option<&Roster>) -> Option<PreparedMessage> {
        prepared(frames::subscription_succeeded(channel, roster))
    }

    fn newcomer_knows_itself(&self) -> bool {
        true
    }

    fn nothing_retained(&self, channel: &ChannelName) -> Option<PreparedMessage> {
        is_cache_channel(channel).then(|| PreparedMessage::new(&frames::cache_miss(channel)))
    }

    fn subscriber_count(&self, channel: &ChannelName, subscribers: usize) -> Option<PreparedMessage> {
        match channel.kind() {
            // How many connections a user has is between it and the app.
            ChannelKind::Public if channel.as_str().starts_with('#') => None,
            ChannelKind::Public | ChannelKind::Private => {
                prepared(frames::subscription_count(channel, subscribers))
            }
            // Its members are told.
            ChannelKind::Presence => None,
        }
    }

    fn denied(&self, channel: &ChannelName, denial: &Denial) -> Option<PreparedMessage> {
        let (kind, status) = kind_and_status(denial);
        prepared(frames::subscription_error(channel, kind, denial, status))
    }

    fn joined(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        prepared(frames::member_added(channel, member))
    }

    fn left(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        prepared(frames::member_removed(channel, member))
    }
}

fn prepared(frame: String) -> Option<PreparedMessage> {
    Some(PreparedMessage::new(&frame))
}

/// The `type` of a `pusher:subscription_error` and the HTTP status that is nearest.
fn kind_and_status(denial: &Denial) -> (&'static str, u16) {
    match denial {
        Denial::NoAuthorizer | Denial::Refused(_) => ("AuthError", 401),
        Denial::AuthorizerTimedOut => ("AuthError", 503),
        Denial::TooManyChannels { .. } | Denial::TooManyMembers { .. } => ("LimitReached", 429),
        Denial::MemberTooLong { .. } | Denial::RosterTooLong { .. } => ("LimitReached", 413),
        Denial::ChannelNameTooLong { .. } | Denial::ChannelNameEmpty => ("InvalidChannel", 400),
    }
}
