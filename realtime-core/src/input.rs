use crate::{ChannelName, ClientId, Config, Credentials, Decision, Home, RequestId};
use alloc::boxed::Box;
use alloc::string::String;
use realtime_ws::{CloseCode, PreparedMessage};

/// All that can happen to a hub: what the application wants and what happened outside.
///
/// A transcript, a replay, a fuzzer's case and a bug report are each a list of inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A client connected. Answered by [`Action::Connected`](crate::Action::Connected).
    Connect {
        /// What it showed when it connected; the authorizer sees it.
        credentials: Credentials,
        /// The loop that its deliveries go to.
        home: Home,
    },
    /// A client wants to receive a channel's messages. Idempotent.
    Subscribe {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
        /// What it shows for this channel; `None`: what it showed when it connected.
        credentials: Option<Credentials>,
    },
    /// The authorizer decided a request. Ignored if what was asked is no longer wanted.
    Decided {
        /// The request, as [`Action::Authorize`](crate::Action::Authorize) named it.
        request: RequestId,
        /// What it decided.
        decision: Decision,
    },
    /// A client no longer wants a channel's messages. Idempotent; cancels an undecided subscribe.
    Unsubscribe {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
    },
    /// A message for all subscribers of a channel. No error if there are none.
    Broadcast {
        /// The channel.
        channel: ChannelName,
        /// The message.
        message: PreparedMessage,
        /// A subscriber that does not get it, such as its sender.
        except: Option<ClientId>,
    },
    /// A message for all subscribers of a channel, as [`Broadcast`](Self::Broadcast), and for all that come
    /// later: each is sent the latest one right after it is let in. For how long and how many are kept,
    /// [`Config`](crate::Config) says.
    Retain {
        /// The channel.
        channel: ChannelName,
        /// The message.
        message: PreparedMessage,
        /// A subscriber that does not get it, such as its sender.
        except: Option<ClientId>,
    },
    /// A message for one client.
    Send {
        /// The client.
        client: ClientId,
        /// The message.
        message: PreparedMessage,
    },
    /// The application wants a client to leave.
    Disconnect {
        /// The client.
        client: ClientId,
        /// The code it is closed with.
        code: CloseCode,
        /// The reason it is told.
        reason: String,
    },
    /// A client's transport ended. Idempotent.
    Gone {
        /// The client.
        client: ClientId,
    },
    /// The hub's limits are others from now on; what went before stays as it is. What its
    /// [`authorization`](Config::authorization) and [`authorization_timeout`](Config::authorization_timeout) are was
    /// settled when it was made.
    Configure(Box<Config>),
    /// Nothing but time passed, to the moment that [`Hub::poll_timeout`](crate::Hub::poll_timeout) named or
    /// later.
    TimePassed,
    /// The hub closes: every client leaves, and nothing is accepted any more. Idempotent.
    Close,
}
