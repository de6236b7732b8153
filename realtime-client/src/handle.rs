use crate::shared::Shared;
use realtime_core::pusher::SocketId;
use realtime_core::pusher::client::{Client, State, SubscribeError, TriggerError};
use realtime_core::{ChannelName, Member, Roster};
use std::fmt;
use std::sync::Arc;

/// What can be asked of a client from anywhere, without waiting. Cheap to clone; any thread can use it.
///
/// The client lives for as long as there is one, or a [`Channel`]. Then its connection is closed.
#[derive(Clone, Debug)]
pub struct Handle {
    owner: Arc<Owner>,
}

/// Ends the client when it is dropped.
#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { owner: Arc::new(Owner { shared }) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.owner.shared
    }

    /// The channel `name`, to be subscribed to; nothing happens by this alone.
    #[must_use]
    pub fn channel(&self, name: impl Into<ChannelName>) -> Channel {
        Channel { handle: self.clone(), name: name.into() }
    }

    /// Sends an event to the other subscribers of `channel`; see [`Channel::trigger`].
    ///
    /// # Errors
    /// As there.
    pub fn trigger(
        &self,
        channel: impl Into<ChannelName>,
        event: &str,
        data: &str,
    ) -> Result<(), TriggerError> {
        self.channel(channel).trigger(event, data)
    }

    /// Signs in, on this connection and on each later one, as the user that the authorizer names. Idempotent.
    /// [`Event::SignedIn`](crate::Event::SignedIn) or [`Event::SignInFailed`](crate::Event::SignInFailed) tells what
    /// came of it; events to the user come as [`Event::ToUser`](crate::Event::ToUser).
    pub fn sign_in(&self) {
        self.shared().change(Client::sign_in);
    }

    /// Connects again after `disconnect` or [`State::Failed`]; otherwise that is done, or under way. Subscriptions
    /// and the sign-in are done again.
    pub fn reconnect(&self) {
        self.shared().change(Client::connect);
    }

    /// The state of the connection.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared().see(Client::state)
    }

    /// The id of the connection, with which the app's server leaves it out of a broadcast; `None` while there is
    /// none.
    #[must_use]
    pub fn socket_id(&self) -> Option<SocketId> {
        self.shared().see(Client::socket_id)
    }

    /// The id of the user as whom the client is signed in; `None` while it is not.
    #[must_use]
    pub fn user_id(&self) -> Option<String> {
        self.shared().see(|client| client.user_id().map(str::to_string))
    }

    /// The channels that are wanted, in the order in which they were subscribed to.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelName> {
        self.shared().see(|client| client.channels().cloned().collect())
    }
}

/// One channel as a client sees it. Cheap to clone; any thread can use it.
#[derive(Clone)]
pub struct Channel {
    handle: Handle,
    name: ChannelName,
}

impl Channel {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        &self.name
    }

    /// Subscribes to it, on this connection and on each later one. Idempotent; if it was refused on this connection, it
    /// is tried again. [`Event::Subscribed`](crate::Event::Subscribed) or
    /// [`Event::SubscriptionFailed`](crate::Event::SubscriptionFailed) tells what came of it.
    ///
    /// # Errors
    /// [`SubscribeError`]: the caller's fault; nothing changed.
    pub fn subscribe(&self) -> Result<(), SubscribeError> {
        self.shared().change(|client, now| client.subscribe(self.name.as_str(), now)).map(drop)
    }

    /// Unsubscribes from it. Idempotent. Events from before may still wait.
    pub fn unsubscribe(&self) {
        self.shared().change(|client, _| client.unsubscribe(&self.name));
    }

    /// Sends an event, whose name begins with `client-`, to the other subscribers. `data` is JSON, such as
    /// `{"typing":true}` or `"text"`.
    ///
    /// # Errors
    /// [`TriggerError`]: it will not be sent. Nothing changed. What the server does not accept, such as more than it
    /// takes in a second, it tells as [`Event::Error`](crate::Event::Error).
    pub fn trigger(&self, event: &str, data: &str) -> Result<(), TriggerError> {
        self.shared().change(|client, _| client.trigger(&self.name, event, data))
    }

    /// Whether the server has let the client in, on this connection.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        self.shared().see(|client| client.is_subscribed(&self.name))
    }

    /// Who is there at this moment, this client's own member included; nobody if it is no presence channel or the client
    /// is not subscribed.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let members = |roster: &Roster| roster.members().cloned().collect();
        self.shared().see(|client| client.roster(&self.name).map_or_else(Vec::new, members))
    }

    /// As whom this client is seen there; `None` if it is no presence channel or the client is not subscribed.
    #[must_use]
    pub fn me(&self) -> Option<Member> {
        self.shared().see(|client| client.me(&self.name).cloned())
    }

    fn shared(&self) -> &Shared {
        self.handle.shared()
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Channel").field(&self.name).finish()
    }
}
