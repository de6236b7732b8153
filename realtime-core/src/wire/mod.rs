//! How presence and subscription results look on the wire.

mod pusher;

pub use pusher::Pusher;

use crate::{ChannelName, Denial, Member, Roster};
use realtime_ws::PreparedMessage;

/// A wire format: what clients are told of their subscriptions and of each other.
///
/// The hub renders each fact once, whatever the number of its recipients. Broadcasts are not touched.
pub trait Wire: Send {
    /// Told to a client that was let into a channel, before anything else of that channel. `roster` is the channel's, if it is a
    /// presence channel: as it was before `newcomer` joined if `NEWCOMER_IN_ROSTER`... (see roster_includes_newcomer)
    fn subscribed(&self, channel: &ChannelName, roster: Option<&Roster>) -> Option<PreparedMessage>;
    /// Whether the roster that a newcomer is told includes itself already, and it is not told of its own joining.
    fn newcomer_knows_itself(&self) -> bool;
    /// Told to a client that was not let in.
    fn denied(&self, channel: &ChannelName, denial: &Denial) -> Option<PreparedMessage>;
    /// Told to a presence channel's clients when a member joins.
    fn joined(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage>;
    /// Told to a presence channel's clients when a member leaves.
    fn left(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage>;
}
