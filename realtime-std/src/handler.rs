use crate::client::Client;
use crate::driver::Driver;
use crate::hub::Hub;
use crate::link::Link;
use realtime_core::{ClientId, Credentials, HubError, Pushed};
use realtime_ws::handshake::Upgrade;
use realtime_ws::{ApiMisuse, CloseCode, Closure, Message, Piece, PreparedMessage};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// What an application does with the connections of a [`Server`](crate::Server).
///
/// Each connection has a thread, in which the methods run one after the other. They may block: nobody but that connection
/// waits for them.
///
/// A closure `Fn(&mut Peer<'_>, Message<'_>)` is a handler too, that accepts whoever comes.
pub trait Handler: Send + Sync + 'static {
    /// What the application keeps for each connection.
    type State: Send + 'static;

    /// Decides whether a client may connect. Its origin has been checked already.
    fn on_request(&self, request: &Upgrade<'_>, address: SocketAddr) -> Answer<Self::State>;

    /// A client is connected.
    fn on_open(&self, peer: &mut Peer<'_>, state: &mut Self::State) {
        let _ = (peer, state);
    }

    /// A message came, whole. Lent: copy what is to be kept.
    fn on_message(&self, peer: &mut Peer<'_>, state: &mut Self::State, message: Message<'_>);

    /// A piece of a message came; only if the server's configuration asks for pieces.
    fn on_piece(&self, peer: &mut Peer<'_>, state: &mut Self::State, piece: Piece<'_>) {
        let _ = (peer, state, piece);
    }

    /// A connection has ended. If it was a client of the hub, that has forgotten it already.
    fn on_close(&self, client: Option<ClientId>, state: Self::State, closure: &Closure) {
        let _ = (client, state, closure);
    }

    /// A request came that is no upgrade; the socket changes hands. By default it is answered with 426.
    fn on_http(&self, mut takeover: Takeover) {
        // If it cannot be sent, the client learns by the connection's end.
        let _ = takeover.stream.write_all(UPGRADE_REQUIRED);
    }
}

pub(crate) const UPGRADE_REQUIRED: &[u8] =
    b"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 36\r\n\r\n\
    only WebSocket connections are taken";

impl<F: Fn(&mut Peer<'_>, Message<'_>) + Send + Sync + 'static> Handler for F {
    type State = ();

    fn on_request(&self, _: &Upgrade<'_>, _: SocketAddr) -> Answer<()> {
        Answer::accept(())
    }

    fn on_message(&self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self(peer, message);
    }
}

/// An application's answer to a client that wants to connect.
#[derive(Debug)]
pub struct Answer<S> {
    pub(crate) verdict: Verdict<S>,
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) enum Verdict<S> {
    Accept { state: S, subprotocol: Option<String> },
    Reject { status: u16, body: String },
}

impl<S> Answer<S> {
    /// Lets the client connect; `state` is kept for the connection.
    #[must_use]
    pub fn accept(state: S) -> Self {
        Self { verdict: Verdict::Accept { state, subprotocol: None }, headers: Vec::new() }
    }

    /// Refuses with an HTTP status of 200 to 599, and a text that says why.
    #[must_use]
    pub fn reject(status: u16, body: impl Into<String>) -> Self {
        Self { verdict: Verdict::Reject { status, body: body.into() }, headers: Vec::new() }
    }

    /// Chooses a subprotocol, which must be one that the client offered. Nothing to choose when rejecting.
    #[must_use]
    pub fn subprotocol(mut self, chosen: impl Into<String>) -> Self {
        if let Verdict::Accept { subprotocol, .. } = &mut self.verdict {
            *subprotocol = Some(chosen.into());
        }
        self
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A socket on which a request came that is no upgrade.
#[derive(Debug)]
pub struct Takeover {
    /// The socket; it blocks.
    pub stream: TcpStream,
    /// What was read from it: the request's head, and whatever came with it.
    pub received: Vec<u8>,
    /// The client's address.
    pub address: SocketAddr,
}

/// The connection that a handler is called for.
///
/// What is sent is written once the handler returns and no further message is at hand, so that the answers to messages that
/// came together leave together. A handler that goes on for long after sending calls [`flush`](Self::flush).
#[derive(Debug)]
pub struct Peer<'a> {
    pub(crate) link: &'a Arc<Link>,
    pub(crate) driver: &'a Driver,
    pub(crate) client: &'a mut Option<Client>,
    pub(crate) address: SocketAddr,
}

impl Peer<'_> {
    /// Sends a message to this peer, after all that is already on its way. Blocks while
    /// [`Config::max_unsent_bytes`](crate::Config::max_unsent_bytes) wait to be written.
    ///
    /// Behind deliveries of the hub that wait, it is bounded as they are, and may be dropped and counted.
    ///
    /// # Errors
    /// [`ApiMisuse::SendAfterClose`]; or [`ApiMisuse::QueueFull`] if the connection failed, or the peer took nothing
    /// for as long as its silence is borne. Nothing changed.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<Pushed, ApiMisuse> {
        let message = message.into();
        match self.link.outbound().send(message) {
            Err(ApiMisuse::QueueFull { .. }) => {}
            outcome => return outcome,
        }
        // If it fails, so does the second attempt.
        let _ = self.link.drain();
        self.link.outbound().send(message)
    }

    /// Sends a message that others get too; never blocks, and is bounded as deliveries of the hub are.
    pub fn send_prepared(&mut self, message: PreparedMessage) -> Pushed {
        self.link.outbound().push(message)
    }

    /// Writes all that was sent; blocks until the peer has taken it.
    ///
    /// # Errors
    /// The connection failed, or the peer took nothing for as long as its silence is borne.
    pub fn flush(&mut self) -> io::Result<()> {
        self.link.drain()
    }

    /// Closes the connection after all that is already on its way. `reason` is cut to the 123 bytes that fit.
    ///
    /// # Errors
    /// [`ApiMisuse::UnsendableCloseCode`]; nothing changed.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), ApiMisuse> {
        self.link.outbound().close(code, reason, self.link.now())
    }

    /// Makes this connection a client of the server's hub; the authorizer is shown `credentials`. Idempotent.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn connect(&mut self, credentials: impl Into<Credentials>) -> Result<&Client, HubError> {
        if let Some(client) = self.client {
            return Ok(client);
        }
        let id = self.driver.connect(self.link, credentials.into())?;
        Ok(self.client.insert(Client::new(self.hub().clone(), id)))
    }

    /// The client of the hub that this connection is, if [`connect`](Self::connect) made it one.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The server's hub.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        self.driver.hub()
    }

    /// The peer's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
