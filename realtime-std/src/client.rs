use crate::error::SubscribeError;
use crate::hub::Hub;
use realtime_core::{ChannelName, ClientId, Credentials, Ending, HubError, Received};
use realtime_ws::{CloseCode, PreparedMessage};
use std::fmt;
use std::sync::{Arc, Condvar, PoisonError};
use std::time::{Duration, Instant};

/// One client of a hub; a handle that is cheap to clone and can be used from any thread.
///
/// It does not keep the client connected: once that is gone, everything is [`HubError::UnknownClient`].
#[derive(Clone)]
pub struct Client {
    hub: Hub,
    id: ClientId,
}

impl Client {
    pub(crate) fn new(hub: Hub, id: ClientId) -> Self {
        Self { hub, id }
    }

    /// Its id; never reused.
    #[must_use]
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// The hub that it belongs to.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Subscribes it to `channel`; the authorizer is shown what the client showed when it connected. Idempotent.
    ///
    /// The authorizer, if it is asked, runs in this call.
    ///
    /// # Errors
    /// [`SubscribeError`]: the client is not subscribed.
    pub fn subscribe(&self, channel: impl Into<ChannelName>) -> Result<(), SubscribeError> {
        self.hub.subscribe(self.id, channel.into(), None)
    }

    /// Subscribes it to `channel`; the authorizer is shown `credentials`.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_with(
        &self,
        channel: impl Into<ChannelName>,
        credentials: impl Into<Credentials>,
    ) -> Result<(), SubscribeError> {
        self.hub.subscribe(self.id, channel.into(), Some(credentials.into()))
    }

    /// Ends a subscription, or one that is still being decided. Idempotent.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`] or [`HubError::Closed`].
    pub fn unsubscribe(&self, channel: impl Into<ChannelName>) -> Result<(), HubError> {
        self.hub.unsubscribe(self.id, channel.into())
    }

    /// Sends it a message.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn send(&self, message: impl Into<PreparedMessage>) -> Result<(), HubError> {
        self.hub.send(self.id, message)
    }

    /// Closes its connection, after what is already on its way to it.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`] or [`HubError::Closed`].
    pub fn disconnect(&self, code: CloseCode, reason: &str) -> Result<(), HubError> {
        self.hub.disconnect(self.id, code, reason)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.id)
    }
}

/// What is delivered to a client without a connection. Dropping it makes the client gone.
///
/// As an iterator it blocks for each message, and ends when the client is disconnected.
#[derive(Debug)]
pub struct Deliveries {
    hub: Hub,
    id: ClientId,
    arrival: Arc<Condvar>,
}

impl Deliveries {
    pub(crate) fn new(hub: Hub, id: ClientId, arrival: Arc<Condvar>) -> Self {
        Self { hub, id, arrival }
    }

    /// The next message; blocks until there is one.
    ///
    /// # Errors
    /// [`Ending`]: the client was disconnected, and all messages from before that are received.
    pub fn recv(&mut self) -> Result<PreparedMessage, Ending> {
        let mut locals = self.hub.locals();
        loop {
            match locals.receive(self.id) {
                Received::Message(message) => return Ok(message),
                Received::Ended(ending) => return Err(ending),
                Received::Nothing => {}
            }
            locals = self.arrival.wait(locals).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next message; `None` if there is none within `timeout`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<PreparedMessage>, Ending> {
        let start = Instant::now();
        let mut locals = self.hub.locals();
        loop {
            match locals.receive(self.id) {
                Received::Message(message) => return Ok(Some(message)),
                Received::Ended(ending) => return Err(ending),
                Received::Nothing => {}
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            (locals, _) = self.arrival.wait_timeout(locals, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next message that is already there.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Option<PreparedMessage>, Ending> {
        match self.hub.locals().receive(self.id) {
            Received::Message(message) => Ok(Some(message)),
            Received::Nothing => Ok(None),
            Received::Ended(ending) => Err(ending),
        }
    }

    /// How many messages were dropped so far because they were received too slowly.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.hub.locals().dropped(self.id)
    }
}

impl Iterator for Deliveries {
    type Item = PreparedMessage;

    fn next(&mut self) -> Option<PreparedMessage> {
        self.recv().ok()
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.hub.forget_local(self.id);
    }
}
