//! How presence and the answers to a subscribe look on the wire.

mod plain;
mod pusher;

pub use plain::Plain;
pub use pusher::Pusher;

use crate::json::push_string;
use crate::{ChannelName, Denial, Member, Roster};
use alloc::boxed::Box;
use alloc::string::String;
use realtime_ws::PreparedMessage;

/// A wire format: what clients are told of their subscriptions and of each other.
///
/// The hub renders each fact once, whatever the number of its recipients. What is broadcast or sent passes
/// as it is. A fact that the format has no message for is `None`.
pub trait Wire: Send {
    /// Whether the roster that a newcomer is told includes itself, so that it is not told of its own
    /// joining.
    ///
    /// If not, the roster is the one before it joined, and its joining is told to all members, itself
    /// included.
    fn newcomer_knows_itself(&self) -> bool;

    /// What a client that was let into a channel is told before anything else of that channel. `roster` is
    /// there if it is a presence channel.
    fn subscribed(&self, channel: &ChannelName, roster: Option<&Roster>) -> Option<PreparedMessage>;

    /// What a client that was let into a channel is told next if no message is
    /// [retained](crate::Input::Retain) for it.
    fn nothing_retained(&self, channel: &ChannelName) -> Option<PreparedMessage>;

    /// What the subscribers of a channel are told when there are `subscribers` of them, if they are told at all
    /// (see [`Config::subscriber_count_interval`](crate::Config::subscriber_count_interval)).
    fn subscriber_count(&self, channel: &ChannelName, subscribers: usize) -> Option<PreparedMessage>;

    /// What a client that was not let into a channel is told.
    fn denied(&self, channel: &ChannelName, denial: &Denial) -> Option<PreparedMessage>;

    /// What the clients in a presence channel are told when a member joins.
    fn joined(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage>;

    /// What the clients that remain in a presence channel are told when a member leaves.
    fn left(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage>;
}

impl<W: Wire + ?Sized> Wire for Box<W> {
    fn newcomer_knows_itself(&self) -> bool {
        (**self).newcomer_knows_itself()
    }

    fn subscribed(&self, channel: &ChannelName, roster: Option<&Roster>) -> Option<PreparedMessage> {
        (**self).subscribed(channel, roster)
    }

    fn nothing_retained(&self, channel: &ChannelName) -> Option<PreparedMessage> {
        (**self).nothing_retained(channel)
    }

    fn subscriber_count(&self, channel: &ChannelName, subscribers: usize) -> Option<PreparedMessage> {
        (**self).subscriber_count(channel, subscribers)
    }

    fn denied(&self, channel: &ChannelName, denial: &Denial) -> Option<PreparedMessage> {
        (**self).denied(channel, denial)
    }

    fn joined(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        (**self).joined(channel, member)
    }

    fn left(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        (**self).left(channel, member)
    }
}

/// `text` as a JSON string, quotes included.
pub(crate) fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + "\"\"".len());
    push_string(&mut json, text);
    json
}
