use crate::client::Client;
use crate::connection::{Reading, write_once};
use crate::driver::Mail;
use crate::homes::{HomeKey, Homes};
use crate::hub::Hub;
use realtime_adapter::ForAdapters;
use realtime_core::responses::UPGRADE_REQUIRED;
use realtime_core::{Answer, ClientId, Credentials, HubError, Notice, Outgoing, Pushed, TOO_SLOW};
use realtime_ws::handshake::{Refusal, Upgrade};
use realtime_ws::{ApiMisuse, CloseCode, Closure, Message, Piece, PreparedMessage, Timestamp};
use std::fmt;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What an application does with the connections of a [`Server`](crate::Server).
///
/// The methods run in the driver that owns the connection, and must not block: while one runs, the driver's other connections wait.
/// What takes long becomes a task (see also [`Tasks`](crate::Tasks)), which answers through the connection's [`Client`]:
/// ```
/// use realtime_smol::{Handler, Message, Peer};
///
/// # async fn ask_a_database() -> String { String::new() }
/// fn on_message(peer: &mut Peer<'_>, _: Message<'_>) {
///     if let Some(client) = peer.client().cloned() {
///         smol::spawn(async move { client.send(&ask_a_database().await) }).detach();
///     }
/// }
/// ```
///
/// A panic in a method costs the connection that it was called for, which is closed with 1011, or answered with 500 if it was not open
/// yet. The others go on.
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

    /// A client received more slowly than it was sent to, and so is disconnected. A client that leaves no room for what
    /// the application itself [sends](Peer::send) does not come here.
    fn on_too_slow(&self, client: ClientId, state: &mut Self::State) {
        let _ = (client, state);
    }

    /// A connection has ended. If it was a client of a hub, that has forgotten it already.
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
        // A fresh socket has room for this; if not, the client learns by the connection's end.
        let _ = takeover.stream.write(UPGRADE_REQUIRED);
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
    /// The socket; it does not block.
    pub stream: TcpStream,
    /// What was read from it: the request's head, and whatever came with it.
    pub received: Vec<u8>,
    /// The client's address.
    pub address: SocketAddr,
    /// To be kept for as long as the socket is.
    pub permit: Permit,
}

/// A place among the [most connections](crate::ServerBuilder::max_connections) of a server, which is free once this
/// is dropped.
#[derive(Debug)]
pub struct Permit {
    open_connections: Arc<AtomicUsize>,
}

impl Permit {
    /// The place of a connection that is counted already.
    pub(crate) fn of_counted(open_connections: Arc<AtomicUsize>) -> Self {
        Self { open_connections }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.open_connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connection that a handler is called for.
pub struct Peer<'a> {
    pub(crate) outgoing: &'a mut Outgoing,
    pub(crate) client: &'a mut Option<Client>,
    pub(crate) hub: &'a Hub,
    pub(crate) homes: &'a mut Homes,
    pub(crate) at: &'a mut HomeKey,
    pub(crate) mail: &'a Arc<Mail>,
    pub(crate) reading: &'a mut Reading,
    pub(crate) stream: &'a TcpStream,
    pub(crate) now: Timestamp,
}

impl Peer<'_> {
    /// Sends a message to this peer, after all that is already on its way.
    ///
    /// Behind deliveries of the hub that wait, it is bounded as they are: it may be dropped and counted, or the connection be
    /// closed as too slow ([`Pushed::Overflowed`]).
    ///
    /// # Errors
    /// [`ApiMisuse`]: the connection is closing, or so much waits that the peer should be asked for less; nothing
    /// changed.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<Pushed, ApiMisuse> {
        let tally = &self.mail.tally;
        let pushed = self.outgoing.send_through(message, |parts| {
            let bytes = write_once(self.stream, parts);
            tally.bytes_out.add(bytes);
            bytes
        })?;
        Ok(self.close_overflowed(pushed))
    }

    /// Sends a message that others get too; bounded like the hub's deliveries. Of a connection that is closing it is dropped.
    pub fn send_prepared(&mut self, message: PreparedMessage) -> Pushed {
        let pushed = self.outgoing.push(message);
        self.close_overflowed(pushed)
    }

    /// Closes the connection after all that is already on its way. `reason` is cut to the 123 bytes that fit.
    ///
    /// # Errors
    /// [`ApiMisuse::UnsendableCloseCode`]; nothing changed.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), ApiMisuse> {
        self.outgoing.close(code, reason, self.now)
    }

    /// Makes this connection a client of the server's hub; the authorizer is shown `credentials`. Idempotent.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn connect(&mut self, credentials: impl Into<Credentials>) -> Result<&Client, HubError> {
        self.connect_to(self.hub, credentials)
    }

    /// Makes this connection a client of any hub, for servers whose clients are to hear nothing of each other: what waits
    /// for it is bounded as that hub says. A connection is a client of one hub, the first: where it is one already, of
    /// whichever hub, this returns that client, which then is **not** one of `hub`, and nothing changes.
    ///
    /// The first client of a hub on a driver costs a place among those whom that hub wakes, which is given back after the
    /// last one; a driver looks only at those of its hubs that have woken it.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn connect_to(
        &mut self,
        hub: &Hub,
        credentials: impl Into<Credentials>,
    ) -> Result<&Client, HubError> {
        if let Some(client) = self.client {
            return Ok(client);
        }
        let (at, id) = self.homes.connect(hub, credentials.into(), self.mail)?;
        *self.at = at;
        self.outgoing.set_limits(hub.outbox_limits());
        Ok(self.client.insert(Client::new(hub.clone(), id)))
    }

    /// Has no more of its messages read until [`Mail::resume`].
    pub(crate) fn pause(&mut self) {
        *self.reading = Reading::Paused;
    }

    fn close_overflowed(&mut self, pushed: Pushed) -> Pushed {
        match pushed {
            Pushed::Queued => self.mail.tally.messages_out.add(1),
            Pushed::Dropped { .. } | Pushed::Closing => {}
            Pushed::Overflowed => {
                let (code, reason) = TOO_SLOW;
                // The code is one that may be sent.
                let _ = self.outgoing.close_now(code, reason, self.now);
                if let Some(client) = self.client {
                    client.hub().note(Notice::TooSlow { client: client.id() });
                    client.hub().gone(client.id());
                }
            }
        }
        pushed
    }

    /// The client of a hub that this connection is, if [`connect`](Self::connect) or [`connect_to`](Self::connect_to)
    /// made it one.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The server's hub.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        self.hub
    }

    /// The peer's address; `None` if the socket has none any more.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.stream.peer_addr().ok()
    }

    /// The time of the clock of the server's hub.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

impl fmt::Debug for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("client", self.client)
            .field("stream", self.stream)
            .finish_non_exhaustive()
    }
}
