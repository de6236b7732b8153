use crate::hub::Hub;
use futures_core::Stream;
use realtime_adapter::{ForAdapters, Inbox, SubscribeError};
use realtime_core::{ChannelName, ClientId, Credentials, Ending, HubError, Received};
use realtime_ws::{CloseCode, PreparedMessage};
use smol::Task;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// One client of a hub; a handle that is cheap to clone and can be used from any thread and task. It does not
/// keep the client connected: once that is gone, everything is [`HubError::UnknownClient`].
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

    /// Subscribes it to `channel`; the authorizer is shown what the client showed when it connected.
    /// Idempotent.
    ///
    /// What comes back need not be awaited nor kept: without it the subscribe goes on all the same.
    pub fn subscribe(&self, channel: impl Into<ChannelName>) -> Subscribing {
        self.hub.subscribe(self.id, channel.into(), None)
    }

    /// Subscribes it to `channel`; the authorizer is shown `credentials`.
    pub fn subscribe_with(
        &self,
        channel: impl Into<ChannelName>,
        credentials: impl Into<Credentials>,
    ) -> Subscribing {
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

/// A subscribe on its way: a future of what comes of it. It goes on when this is dropped.
#[must_use = "what comes of it may be an error; `drop` it if that is no matter"]
#[derive(Debug)]
pub struct Subscribing(State);

#[derive(Debug)]
enum State {
    Ready(Option<Result<(), SubscribeError>>),
    Asked(Option<Task<Result<(), SubscribeError>>>),
}

impl Subscribing {
    pub(crate) fn ready(outcome: Result<(), SubscribeError>) -> Self {
        Self(State::Ready(Some(outcome)))
    }

    pub(crate) fn asked(task: Task<Result<(), SubscribeError>>) -> Self {
        Self(State::Asked(Some(task)))
    }
}

impl Future for Subscribing {
    type Output = Result<(), SubscribeError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            State::Asked(Some(task)) => {
                let outcome = Pin::new(task).poll(context);
                if outcome.is_ready() {
                    self.0 = State::Asked(None);
                }
                outcome
            }
            State::Asked(None) => Poll::Pending,
        }
    }
}

impl Drop for Subscribing {
    fn drop(&mut self) {
        if let State::Asked(task) = &mut self.0
            && let Some(task) = task.take()
        {
            task.detach();
        }
    }
}

/// What is delivered to a client without a connection: a stream that ends when the client is disconnected.
/// Dropping it makes the client gone.
#[derive(Debug)]
pub struct Deliveries {
    inbox: Inbox,
    ending: Option<Ending>,
}

impl Deliveries {
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, ending: None }
    }

    /// Why the stream ended, once it has.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// How many messages were dropped so far because they were received too slowly.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.inbox.dropped()
    }

    /// The next message that is already there; `None` if there is none now, or none any more.
    pub fn try_next(&mut self) -> Option<PreparedMessage> {
        match self.inbox.receive() {
            Received::Message(message) => Some(message),
            Received::Nothing => None,
            Received::Ended(ending) => {
                self.ending.get_or_insert(ending);
                None
            }
        }
    }
}

impl Stream for Deliveries {
    type Item = PreparedMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PreparedMessage>> {
        match self.inbox.receive_or_wake(context.waker()) {
            Received::Message(message) => Poll::Ready(Some(message)),
            Received::Nothing => Poll::Pending,
            Received::Ended(ending) => {
                self.ending.get_or_insert(ending);
                Poll::Ready(None)
            }
        }
    }
}
