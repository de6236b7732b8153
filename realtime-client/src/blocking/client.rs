use super::authorizer::{Authorize, Authorizer};
use super::driver::Driver;
use super::waiting::wait_for;
use crate::endpoint::{Endpoint, default_config};
use crate::error::ConnectError;
use crate::handle::Handle;
use crate::shared::Shared;
use realtime_core::pusher::client::{Authorization, Config, Event, Question};
use std::fmt;
use std::ops::Deref;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A client whose calls block. Cheap to clone; any thread can use it; it lends the methods of [`Handle`].
///
/// # Implementation
/// One thread opens the connections, one after the other, sends and keeps the time; one for each connection reads; one,
/// if there is an authorizer, asks that. They end with the last handle.
///
/// What holds up the first of these holds up the time as well: that a host's name is looked up, its addresses are tried one
/// after the other, and a server takes nothing of what is sent. What falls due meanwhile is done then.
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
    authorize: Option<Box<Authorize>>,
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

    /// The next event; blocks until there is one. `None` once the client has been
    /// [disconnected](Self::disconnect), or [failed](crate::State::Failed), and all events from before are taken. If
    /// several threads wait, each event goes to one of them.
    #[must_use]
    pub fn next_event(&self) -> Option<Event> {
        wait_for(|context| self.shared().poll_event(context), || None)
    }

    /// The next event, as [`next_event`](Self::next_event).
    ///
    /// # Errors
    /// [`TimedOut`]: there was none for as long as `timeout`.
    pub fn next_event_timeout(&self, timeout: Duration) -> Result<Option<Event>, TimedOut> {
        let start = Instant::now();
        let left = || timeout.saturating_sub(start.elapsed());
        wait_for(
            |context| match self.shared().poll_event(context) {
                Poll::Ready(event) => Poll::Ready(Ok(event)),
                Poll::Pending if left().is_zero() => Poll::Ready(Err(TimedOut)),
                Poll::Pending => Poll::Pending,
            },
            || Some(left()),
        )
    }

    /// Closes the connection, after what was triggered before, and does not come back; blocks until it is closed. That
    /// takes as long as the closing handshake, at most
    /// [`close_timeout`](realtime_ws::Config::close_timeout); or, if a connection is just being opened or the server
    /// takes nothing, until that is given up.
    pub fn disconnect(&self) {
        self.shared().change(|client, _| client.disconnect());
        wait_for(|context| self.shared().poll_closed(context), || None);
    }
}

impl Deref for Client {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl ClientBuilder {
    /// Sets who gets the signatures for private and presence channels and the sign-in. It may block; one question is asked
    /// after the other, and those of one connection share the time: each is to be answered within
    /// [`authorization_timeout`](Config::authorization_timeout) of the moment in which it came up. What nobody wants to
    /// know any more when its turn comes is not asked. Default: nobody, and such channels fail.
    #[must_use]
    pub fn authorizer<E: fmt::Display>(
        mut self,
        authorize: impl Fn(&Question) -> Result<Authorization, E> + Send + 'static,
    ) -> Self {
        self.authorize =
            Some(Box::new(move |question| authorize(question).map_err(|error| error.to_string())));
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
        // The thread that opens connections is the one that keeps the time.
        let handshake_timeout = self.websocket.handshake_timeout.min(self.config.connect_timeout);
        let websocket = realtime_ws::Config { handshake_timeout, ..self.websocket };
        let endpoint = Endpoint::new(&self.address, &self.key, websocket)?;
        let shared = Shared::new(self.config);
        let handle = Handle::new(shared.clone());
        let authorizer = Authorizer::new(self.authorize, &shared).map_err(ConnectError::Thread)?;
        Driver::start(shared, endpoint, authorizer).map_err(ConnectError::Thread)?;
        handle.reconnect();
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

/// No event came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no event came in time")
    }
}

impl std::error::Error for TimedOut {}
