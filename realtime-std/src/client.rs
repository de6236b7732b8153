use crate::hub::Hub;
use realtime_adapter::{ForAdapters, Inbox, SubscribeError, lock};
use realtime_core::{ChannelName, ClientId, Credentials, Ending, HubError, Received};
use realtime_ws::{CloseCode, PreparedMessage};
use std::fmt;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Wake;
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
    inbox: Inbox,
    arrival: Arc<Arrival>,
}

impl Deliveries {
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, arrival: Arc::default() }
    }

    /// The next message; blocks until there is one.
    ///
    /// # Errors
    /// [`Ending`]: the client was disconnected, and all messages from before that are received.
    pub fn recv(&mut self) -> Result<PreparedMessage, Ending> {
        loop {
            if let Some(message) = self.receive_or_wake()? {
                return Ok(message);
            }
            self.arrival.wait();
        }
    }

    /// The next message; `None` if there is none within `timeout`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<PreparedMessage>, Ending> {
        let start = Instant::now();
        loop {
            if let Some(message) = self.receive_or_wake()? {
                return Ok(Some(message));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.arrival.wait_for(left);
        }
    }

    /// The next message that is already there.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Option<PreparedMessage>, Ending> {
        message(self.inbox.receive())
    }

    /// How many messages were dropped so far because they were received too slowly.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.inbox.dropped()
    }

    fn receive_or_wake(&mut self) -> Result<Option<PreparedMessage>, Ending> {
        message(self.inbox.receive_or_wake(&Arc::clone(&self.arrival).into()))
    }
}

impl Iterator for Deliveries {
    type Item = PreparedMessage;

    fn next(&mut self) -> Option<PreparedMessage> {
        self.recv().ok()
    }
}

fn message(received: Received) -> Result<Option<PreparedMessage>, Ending> {
    match received {
        Received::Message(message) => Ok(Some(message)),
        Received::Nothing => Ok(None),
        Received::Ended(ending) => Err(ending),
    }
}

/// What a thread blocks on until its inbox wakes it.
#[derive(Debug, Default)]
struct Arrival {
    has_come: Mutex<bool>,
    condition: Condvar,
}

impl Arrival {
    fn wait(&self) {
        let mut has_come = lock(&self.has_come);
        while !mem::take(&mut *has_come) {
            has_come = self.condition.wait(has_come).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits once, for `timeout` at most.
    fn wait_for(&self, timeout: Duration) {
        let has_come = lock(&self.has_come);
        let waiting = self.condition.wait_timeout_while(has_come, timeout, |has_come| !*has_come);
        let (mut has_come, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        *has_come = false;
    }
}

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        *lock(&self.has_come) = true;
        self.condition.notify_one();
    }
}
