use crate::{ChannelName, Member};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use realtime_ws::CloseCode;

/// Something that the application is to know.
///
/// `data` is what the sender gave: for events of the app's server a text, usually JSON; for client events JSON,
/// but a JSON string comes as the text that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state of the connection is another one.
    StateChanged {
        /// The new state.
        state: State,
    },
    /// A connection ended, or could not be opened. What the client does then is told by the state.
    ConnectionLost {
        /// The code that the server closed it with, if it did.
        code: Option<CloseCode>,
        /// What happened, in words.
        reason: String,
    },
    /// The server let the client into a channel: after a subscribe, and again on each new connection.
    Subscribed {
        /// The channel.
        channel: ChannelName,
        /// Who is there, if it is a presence channel. It takes the place of all that was told before.
        presence: Option<Presence>,
    },
    /// The client was not let into a channel. It is tried again on the next connection, or when the application
    /// subscribes again.
    SubscriptionFailed {
        /// The channel.
        channel: ChannelName,
        /// Why.
        failure: SubscriptionFailure,
    },
    /// An event came on a channel, from the app's server or, if its name begins with `client-`, from a client.
    Message {
        /// The channel.
        channel: ChannelName,
        /// Its name.
        event: String,
        /// What it says; empty if nothing.
        data: String,
        /// Which member sent it, if it is a client event on a presence channel.
        user_id: Option<String>,
    },
    /// A member joined a presence channel.
    MemberJoined {
        /// The channel.
        channel: ChannelName,
        /// The member.
        member: Member,
    },
    /// A member left a presence channel, with the last of its connections.
    MemberLeft {
        /// The channel.
        channel: ChannelName,
        /// The member.
        member: Member,
    },
    /// So many are subscribed to a channel.
    SubscriptionCount {
        /// The channel.
        channel: ChannelName,
        /// How many.
        subscribers: u64,
    },
    /// The cache channel that the client was let into has no latest event.
    CacheMiss {
        /// The channel.
        channel: ChannelName,
    },
    /// The client is signed in, on this connection.
    SignedIn {
        /// As whom: what the authorizer gave, as the server tells it.
        user_data: String,
    },
    /// The client is not signed in. It is tried again on the next connection, or when the application asks again.
    SignInFailed {
        /// Why.
        reason: String,
    },
    /// An event came for the user as whom the client is signed in.
    ToUser {
        /// Its name.
        event: String,
        /// What it says; empty if nothing.
        data: String,
    },
    /// An event came that belongs to no channel, and that this client knows nothing of.
    ToConnection {
        /// Its name.
        event: String,
        /// What it says; empty if nothing.
        data: String,
    },
    /// Users of the watchlist are online.
    Online {
        /// Who.
        user_ids: Vec<String>,
    },
    /// Users of the watchlist are offline.
    Offline {
        /// Who.
        user_ids: Vec<String>,
    },
    /// The server did not accept something, and says why; the connection lives, unless the state says otherwise.
    Error {
        /// The code of the protocol, if it has one for this.
        code: Option<u16>,
        /// Why, in words.
        message: String,
    },
    /// The server sent what is no message of the protocol. It was ignored.
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// A client event was accepted, and the connection ended before it could be sent.
    NotSent {
        /// Its channel.
        channel: ChannelName,
        /// Its name.
        event: String,
    },
    /// So many events came after those before this one, and were thrown away, as the application took none. Who
    /// is in a channel it can ask the client.
    Missed {
        /// How many.
        events: u64,
    },
}

/// Who is in a presence channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The members, in the order that the server tells, this client's own included.
    pub members: Vec<Member>,
    /// As whom this client is seen there; `None` if the server does not list it.
    pub me: Option<Member>,
}

/// The state of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has asked for one yet.
    Initialized,
    /// There is none, and the client tries to get one.
    Connecting,
    /// It is there, and the server has greeted.
    Connected,
    /// As [`Connecting`](Self::Connecting), for so long that users should know.
    Unavailable,
    /// There is none, and the client does not try again: the server does not want it.
    Failed,
    /// There is none, since the application said so.
    Disconnected,
}

/// Why a client was not let into a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionFailure {
    /// The authorizer gave no authorization.
    Authorizer {
        /// Why, in its words.
        reason: String,
    },
    /// The server did not accept it.
    Server {
        /// The HTTP status that is nearest, if it gave one.
        status: Option<u16>,
        /// Why, in its words.
        reason: String,
    },
}

impl Event {
    /// The bytes from the server, or from elsewhere outside, that it holds.
    pub(super) fn bytes(&self) -> usize {
        let of_all = |texts: &[String]| texts.iter().map(String::len).sum();
        match self {
            Self::StateChanged { .. }
            | Self::SubscriptionCount { .. }
            | Self::CacheMiss { .. }
            | Self::Missed { .. } => 0,
            Self::Subscribed { presence: None, .. } => 0,
            Self::Subscribed { presence: Some(presence), .. } => {
                presence.members.iter().map(|member| member.to_json().len()).sum()
            }
            Self::ConnectionLost { reason, .. }
            | Self::SignInFailed { reason }
            | Self::Malformed { reason }
            | Self::SubscriptionFailed {
                failure:
                    SubscriptionFailure::Authorizer { reason } | SubscriptionFailure::Server { reason, .. },
                ..
            } => reason.len(),
            Self::Message { event, data, user_id, .. } => {
                event.len() + data.len() + user_id.as_ref().map_or(0, String::len)
            }
            Self::ToUser { event, data } | Self::ToConnection { event, data } => event.len() + data.len(),
            Self::MemberJoined { member, .. } | Self::MemberLeft { member, .. } => member.to_json().len(),
            Self::SignedIn { user_data } => user_data.len(),
            Self::Online { user_ids } | Self::Offline { user_ids } => of_all(user_ids),
            Self::Error { message, .. } => message.len(),
            Self::NotSent { event, .. } => event.len(),
        }
    }
}

impl fmt::Display for SubscriptionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorizer { reason } => write!(f, "not authorized: {reason}"),
            Self::Server { reason, .. } => write!(f, "refused by the server: {reason}"),
        }
    }
}

impl core::error::Error for SubscriptionFailure {}
