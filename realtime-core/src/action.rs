use crate::{ChannelKind, ChannelName, ClientId, Credentials, Denial, Home, Member, Recipients};
use alloc::string::String;
use realtime_ws::{CloseCode, PreparedMessage};

/// All that a driver can be asked to do.
///
/// Only [`Deliver`](Self::Deliver), [`Authorize`](Self::Authorize) and [`Disconnect`](Self::Disconnect)
/// want something done; the others tell the application what has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The client of [`Input::Connect`](crate::Input::Connect) is known from now on. The first action after
    /// that input.
    Connected {
        /// Its id.
        client: ClientId,
    },
    /// Put `message` into the outbox of each of `to`. Deliveries must reach each outbox in the order of
    /// these actions.
    Deliver {
        /// Who gets it.
        to: Recipients,
        /// The message.
        message: PreparedMessage,
    },
    /// Ask the authorizer, and hand in its answer as [`Input::Decided`](crate::Input::Decided).
    Authorize(AuthorizationRequest),
    /// A client receives a channel's messages from now on.
    Subscribed {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
        /// How many clients do, with this one.
        subscribers: usize,
    },
    /// A client was not let into a channel.
    Denied {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
        /// Why.
        denial: Denial,
    },
    /// A client that was let into a channel was told that no message is retained for it. Only where the wire
    /// format has a message for that.
    NothingRetained {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
    },
    /// A client no longer receives a channel's messages.
    Unsubscribed {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
        /// How many clients still do.
        subscribers: usize,
    },
    /// A member joined a presence channel: its first client subscribed.
    Joined {
        /// The channel.
        channel: ChannelName,
        /// Who.
        member: Member,
    },
    /// A member left a presence channel: its last client is gone from it.
    Left {
        /// The channel.
        channel: ChannelName,
        /// Who.
        member: Member,
    },
    /// Close this client's transport with `code`, after what is already in its outbox. The hub has forgotten
    /// it.
    Disconnect {
        /// The client.
        client: ClientId,
        /// Where it lives.
        home: Home,
        /// The code.
        code: CloseCode,
        /// The reason to tell it.
        reason: String,
    },
    /// The hub is closed; no action follows.
    Closed,
}

/// Names one question to the authorizer; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// A client asks to be let into a private or presence channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Names this question in the answer.
    pub request: RequestId,
    /// The channel.
    pub channel: ChannelName,
    /// Private or presence.
    pub kind: ChannelKind,
    /// Who asks.
    pub client: ClientId,
    /// What it shows: of the subscribe, or else of the connect.
    pub credentials: Credentials,
}

/// The authorizer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let it in. In presence channels it is seen as `member`; `None`, or an empty member id, makes the
    /// client's id its member id.
    Allow {
        /// Whom the others see.
        member: Option<Member>,
    },
    /// Do not let it in.
    Deny {
        /// Why, for the client and the log.
        reason: String,
    },
}
