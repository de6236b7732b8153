use super::driver::{Authorize, Driver};
use crate::endpoint::{Endpoint, default_config};
use crate::error::ConnectError;
use crate::handle::Handle;
use crate::shared::Shared;
use realtime_core::pusher::client::{Authorization, Config, Event, Question};
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::sync::Arc;

/// A client whose calls are awaited. Cheap to clone; any task can use it; it lends the methods of [`Handle`].
///
/// # Implementation
/// One task of smol's global executor opens the connections, one after the other, reads, sends, and keeps the time. Each
/// question to the authorizer is a task. They end with the last handle.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Handle,
}

/// A client's parts, each with a default; see [`Client::builder`].
pub struct ClientBuilder {
    address: String,
    key: String,
    config: Config,
    websocket: realtime_ws::Config,
    authorize: Option<Arc<Authorize>>,
}

impl Client {
    /// The parts of a client of the app `key` at `address`, which is `ws://host[:port][/path]`; what the gateway is mounted
    /// under is its path.
    #[must_use]
    pub fn builder(address: &str, key: &str) -> ClientBuilder {
        ClientBuilder {
            address: address.to_string(),
            key: key.to_string(),
            config: Config::default(),
            websocket: default_config(),
            authorize: None,
        }
    }

    /// The next event. `None` once the client has been [disconnected](Self::disconnect), or
    /// [failed](crate::State::Failed), and all events from before are taken. If several tasks wait, each event goes to
    /// one of them; none is lost when the future is dropped.
    pub async fn next_event(&self) -> Option<Event> {
        poll_fn(|context| self.shared().poll_event(context)).await
    }

    /// Closes the connection, after what was triggered before, and does not come back; ready once it is closed. That takes
    /// as long as the closing handshake, at most [`close_timeout`](realtime_ws::Config::close_timeout). If the future is
    /// dropped, the connection is closed all the same.
    pub async fn disconnect(&self) {
        self.shared().change(|client, _| client.disconnect());
        poll_fn(|context| self.shared().poll_closed(context)).await;
    }
}

impl Deref for Client {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl ClientBuilder {
    /// Sets who gets the signatures for private and presence channels and the sign-in. The future may wait for whatever it
    /// likes, for as long as [`authorization_timeout`](Config::authorization_timeout), and is dropped then. Default:
    /// nobody, and such channels fail.
    #[must_use]
    pub fn authorizer<E, F>(mut self, authorize: impl Fn(Question) -> F + Send + Sync + 'static) -> Self
    where
        E: fmt::Display,
        F: Future<Output = Result<Authorization, E>> + Send + 'static,
    {
        self.authorize = Some(Arc::new(move |question| {
            let answer = authorize(question);
            Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
        }));
        self
    }

    /// Sets patience and limits.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the limits of the WebSocket, such as the longest message. Default: those of
    /// [`realtime_ws::Config`], with a ping after 45 s of silence.
    #[must_use]
    pub fn websocket(mut self, config: realtime_ws::Config) -> Self {
        self.websocket = config;
        self
    }

    /// Starts the client. It connects in the background, and events tell of it: that the server cannot be reached is no
    /// error here.
    ///
    /// # Errors
    /// [`ConnectError`]: nothing was started.
    pub fn connect(self) -> Result<Client, ConnectError> {
        let endpoint = Endpoint::new(&self.address, &self.key, self.websocket)?;
        let patience = self.config.authorization_timeout;
        let shared = Shared::new(self.config);
        let handle = Handle::new(shared.clone());
        handle.reconnect();
        ::smol::spawn(Driver::new(shared, endpoint, self.authorize, patience).run()).detach();
        Ok(Client { handle })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("address", &self.address)
            .field("key", &self.key)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
