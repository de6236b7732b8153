use crate::client::Client;
use crate::driver::Driver;
use crate::hub::Hub;
use crate::link::Link;
use realtime_core::responses::UPGRADE_REQUIRED;
use realtime_core::{Answer, ClientId, Credentials, HubError, Pushed};
use realtime_ws::handshake::{Refusal, Upgrade};
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

    /// A client is turned away, for its opening handshake is none that can be accepted; it is told why. What
    /// [`on_request`](Self::on_request) rejects does not come here.
    fn on_refusal(&self, refusal: &Refusal, address: SocketAddr) {
        let _ = (refusal, address);
    }

    /// A request came that is no upgrade; the socket changes hands. By default it is answered with 426.
    fn on_http(&self, mut takeover: Takeover) {
        // If it cannot be sent, the client learns by the connection's end.
        let _ = takeover.stream.write_all(UPGRADE_REQUIRED);
    }
}

impl<F: Fn(&mut Peer<'_>, Message<'_>) + Send + Sync + 'static> Handler for F {
    type State = ();

    fn on_request(&self, _: &Upgrade<'_>, _: SocketAddr) -> Answer<()> {
        Answer::accept(())
    }

    fn on_message(&self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        self(peer, message);
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
        match self.link.send(message) {
            Err(ApiMisuse::QueueFull { .. }) => {}
            outcome => return outcome,
        }
        // If it fails, so does the second attempt.
        let _ = self.link.drain();
        self.link.send(message)
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
    /// A server of this adapter has one hub; with `realtime-smol`, its connections can be clients of different ones.
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
