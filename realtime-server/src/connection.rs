use crate::app_config::AppConfig;
use crate::complaints::Complaint;
use crate::gateway::Shared;
use crate::http::HttpServer;
use crate::metrics::HandshakeFailure;
use crate::served_app::{Seat, ServedApp, Terms};
use realtime_core::TOO_SLOW;
use realtime_core::pusher::{
    ConnectError, ConnectRequest, Conversation, ErrorCode, Reaction, SocketId, Standing, frames,
};
use realtime_smol::{
    Answer, ApiMisuse, Client, ClientId, CloseCode, Closure, Credentials, Handler, HubError, Message, Peer,
    PreparedMessage, Pushed, Refusal, SubscribeError, Subscribing, Takeover, Upgrade,
};
use smol::future;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::field::display;
use tracing::{debug, error, info};

/// Speaks the Pusher protocol with WebSocket clients, and passes all other requests on.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) shared: Arc<Shared>,
    pub(crate) http: HttpServer,
}

/// One WebSocket connection.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    dialogue: Dialogue,
}

/// What is said on a connection.
#[derive(Debug)]
enum Dialogue {
    /// Speaks to a client of an app.
    Open(Open),
    /// Tells a client why it is not let in: a browser cannot see why an opening handshake failed.
    TurnedAway(Box<ConnectError>),
}

/// What is said with a client of an app.
#[derive(Debug)]
struct Open {
    app: Seat,
    /// What held when it spoke last.
    terms: Arc<Terms>,
    conversation: Conversation,
}

impl Handler for Connections {
    type State = Connection;

    fn on_request(&self, request: &Upgrade<'_>, address: SocketAddr) -> Answer<Connection> {
        if self.shared.course.closing.is_reached() {
            self.shared.counters.handshake_failed(HandshakeFailure::Refused(503));
            return Answer::reject(503, "the gateway is going; another one takes its place")
                .header("Retry-After", "1");
        }
        let (app, terms) = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(error) => return self.turned_away(address, error),
        };
        let conversation = match fresh_socket_id() {
            Ok(socket_id) => Conversation::new(socket_id),
            Err(error) => {
                error!(%address, %error, "no randomness for a socket id");
                return Answer::reject(500, error.to_string());
            }
        };
        let limits = terms.limits.clone();
        let dialogue = Dialogue::Open(Open { app, terms, conversation });
        Answer::accept(Connection { address, dialogue }).config(limits)
    }

    fn on_open(&self, peer: &mut Peer<'_>, connection: &mut Connection) {
        let open = match &connection.dialogue {
            Dialogue::Open(open) => open,
            Dialogue::TurnedAway(error) => return turn_away(peer, error.code(), &**error),
        };
        let (code, reason) = match open.begin(peer) {
            Ok(sent) => {
                let whose = open.whose(connection.address);
                debug!(address = %whose.address, app = whose.app, socket_id = %whose.socket_id, "connected");
                return self.close_if_too_slow(peer, sent, whose);
            }
            // The app was there when the client asked for it.
            Err(HubError::Closed) => (ErrorCode::NO_SUCH_APP, "the app is no longer served".into()),
            Err(error) => (ErrorCode::OVER_CAPACITY, error.to_string()),
        };
        self.tell_turned_away(connection.address, code, &reason);
        turn_away(peer, code, &reason);
    }

    fn on_message(&self, peer: &mut Peer<'_>, connection: &mut Connection, message: Message<'_>) {
        let Connection { address, dialogue } = connection;
        let (Dialogue::Open(open), Some(client)) = (dialogue, peer.client()) else {
            return; // it is being closed
        };
        let Open { app, terms, conversation } = open;
        if !terms.hold_for(app) {
            *terms = app.terms();
        }
        let reaction = match message {
            Message::Text(text) => {
                let standing = |channel: &_| client.hub().look(|hub| Standing::of(client.id(), channel, hub));
                let AppConfig { app, settings, .. } = &terms.config;
                conversation.handle_text(text, app, settings, standing, peer.now())
            }
            Message::Binary(_) => conversation.handle_binary(),
        };
        let sent = match perform(reaction, client, conversation.socket_id(), app) {
            Ok(None) => return,
            Ok(Some(reply)) => Ok(peer.send_prepared(reply)),
            Err(error) => peer.send(&*frames::error(None, &error)),
        };
        self.close_if_too_slow(peer, sent, open.whose(*address));
    }

    fn on_too_slow(&self, _: ClientId, connection: &mut Connection) {
        match &connection.dialogue {
            Dialogue::Open(open) => self.tell_too_slow(open.whose(connection.address)),
            Dialogue::TurnedAway(_) => {}
        }
    }

    fn on_close(&self, client: Option<ClientId>, connection: Connection, closure: &Closure) {
        let Connection { address, dialogue } = connection;
        let socket_id = match dialogue {
            Dialogue::Open(Open { app, conversation, .. }) => {
                app.sockets.remove(conversation.socket_id());
                if let (Some(client), Some(_)) = (client, conversation.user()) {
                    app.users.forget(client);
                }
                Some(display(conversation.socket_id()))
            }
            Dialogue::TurnedAway(_) => None,
        };
        let (code, reason) = (closure.code.get(), &*closure.reason);
        // A client that is lost, as they are, has done nothing wrong.
        if closure.was_clean || closure.code == CloseCode::ABNORMAL {
            debug!(%address, socket_id, code, reason, "disconnected");
        } else if self.shared.complaints.admit(Complaint::Failed) {
            info!(%address, socket_id, code, reason, "disconnected for what it sent");
        }
    }

    fn on_refusal(&self, refusal: &Refusal, address: SocketAddr) {
        let status = refusal.status();
        self.shared.counters.handshake_failed(HandshakeFailure::Refused(status));
        if self.shared.complaints.admit(Complaint::Refused) {
            info!(%address, status, reason = %refusal, "refused");
        }
    }

    fn on_http(&self, takeover: Takeover) {
        self.http.serve(takeover);
    }
}

impl Open {
    /// Connects the client to its app, and greets it; what became of the greeting.
    fn begin(&self, peer: &mut Peer<'_>) -> Result<Result<Pushed, ApiMisuse>, HubError> {
        let Self { app, terms, conversation } = self;
        // What a client shows it shows for each channel.
        let client = peer.connect_to(&app.hub, Credentials::NONE)?;
        app.sockets.insert(conversation.socket_id(), client.id());
        Ok(peer.send(&*conversation.greeting(&terms.config.settings)))
    }

    fn whose(&self, address: SocketAddr) -> Whose<'_> {
        Whose { address, app: &self.terms.config.app.id, socket_id: self.conversation.socket_id() }
    }
}

fn fresh_socket_id() -> Result<SocketId, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(SocketId::from_random(bytes))
}

impl Connections {
    /// # Errors
    /// The client is not let in.
    fn admit(&self, request: &Upgrade<'_>) -> Result<(Seat, Arc<Terms>), ConnectError> {
        let ConnectRequest { key, .. } =
            ConnectRequest::parse(request.path(), request.query().unwrap_or_default())?;
        match self.shared.apps.by_key(&key) {
            Some(app) => app.admit(request, &self.shared.page),
            None => Err(ConnectError::NoSuchApp { key }),
        }
    }

    fn turned_away(&self, address: SocketAddr, error: ConnectError) -> Answer<Connection> {
        self.tell_turned_away(address, error.code(), &error);
        Answer::accept(Connection { address, dialogue: Dialogue::TurnedAway(Box::new(error)) })
    }

    fn tell_turned_away(&self, address: SocketAddr, code: ErrorCode, reason: &impl Display) {
        self.shared.counters.handshake_failed(HandshakeFailure::TurnedAway(code.get()));
        if self.shared.complaints.admit(Complaint::TurnedAway) {
            info!(%address, code = code.get(), %reason, "turned away");
        }
    }

    /// A client that leaves no room for a reply does not read: it is treated as one that leaves none for
    /// deliveries.
    fn close_if_too_slow(&self, peer: &mut Peer<'_>, sent: Result<Pushed, ApiMisuse>, whose: Whose<'_>) {
        match sent {
            Ok(Pushed::Queued | Pushed::Dropped { .. } | Pushed::Closing)
            | Err(ApiMisuse::SendAfterClose) => {}
            Ok(Pushed::Overflowed) | Err(_) => {
                let (code, reason) = TOO_SLOW;
                // The code is one that may be sent.
                let _ = peer.close(code, reason);
                self.tell_too_slow(whose);
            }
        }
    }

    fn tell_too_slow(&self, Whose { address, app, socket_id }: Whose<'_>) {
        if self.shared.complaints.admit(Complaint::TooSlow) {
            info!(%address, app, %socket_id, "disconnected, as it received too slowly");
        }
    }
}

/// What a client is known by in the log.
struct Whose<'a> {
    address: SocketAddr,
    app: &'a str,
    socket_id: SocketId,
}

fn turn_away(peer: &mut Peer<'_>, code: ErrorCode, reason: &impl Display) {
    // If there is no room for it, the connection ends all the same.
    let _ = peer.send(&*frames::error(Some(code), reason));
    // Refused only for codes that must not be sent, and the protocol's own may be.
    let _ = peer.close(code.close_code(), &reason.to_string());
}

/// Does what a client's message asks for, and gives the reply to it, if it has one.
///
/// # Errors
/// The hub takes nothing at the moment; the client is still connected.
fn perform(
    reaction: Reaction,
    client: &Client,
    socket_id: SocketId,
    app: &ServedApp,
) -> Result<Option<PreparedMessage>, HubError> {
    match reaction {
        Reaction::Nothing => {}
        Reaction::Reply(reply) => return Ok(Some(reply)),
        Reaction::SignIn { user, reply } => {
            // What is told of others goes through the hub, and so reaches the client after the reply.
            app.users.sign_in(client.id(), user);
            return Ok(Some(reply));
        }
        Reaction::Subscribe { channel, credentials } => {
            match outcome(client.subscribe_with(channel, credentials)) {
                // Whoever is not let in has been told by the hub.
                Ok(()) | Err(SubscribeError::Denied(_) | SubscribeError::NoLongerWanted) => {}
                Err(SubscribeError::Hub(error)) => return Err(error),
            }
        }
        Reaction::Unsubscribe { channel } => client.unsubscribe(channel)?,
        Reaction::Broadcast { channel, message } => {
            let told = app.webhooks.as_ref().map(|webhooks| (webhooks, channel.clone(), message.clone()));
            client.hub().broadcast_except(channel, message, client.id())?;
            if let Some((webhooks, channel, message)) = told {
                webhooks.client_event(socket_id, channel, message);
            }
        }
    }
    Ok(None)
}

/// What came of a subscribe about which a signature decided, and so at once.
fn outcome(subscribing: Subscribing) -> Result<(), SubscribeError> {
    future::block_on(future::poll_once(subscribing)).unwrap_or(Ok(()))
}
