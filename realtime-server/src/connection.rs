use crate::app_config::AppConfig;
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
        let (app, terms) = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(error) => return self.turned_away(address, error),
        };
        let conversation = match fresh_socket_id() {
            Ok(socket_id) => Conversation::new(socket_id),
            Err(error) => return Answer::reject(500, error.to_string()),
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
            Ok(()) => return,
            // The app was there when the client asked for it.
            Err(HubError::Closed) => (ErrorCode::NO_SUCH_APP, "the app is no longer served".into()),
            Err(error) => (ErrorCode::OVER_CAPACITY, error.to_string()),
        };
        self.shared.counters.handshake_failed(HandshakeFailure::TurnedAway(code.get()));
        turn_away(peer, code, &reason);
    }

    fn on_message(&self, peer: &mut Peer<'_>, connection: &mut Connection, message: Message<'_>) {
        let (Dialogue::Open(open), Some(client)) = (&mut connection.dialogue, peer.client()) else {
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
        match perform(reaction, client, conversation.socket_id(), app) {
            Ok(None) => {}
            Ok(Some(reply)) => {
                let pushed = peer.send_prepared(reply);
                close_if_too_slow(peer, Ok(pushed));
            }
            Err(error) => send(peer, &frames::error(None, &error)),
        }
    }

    fn on_close(&self, client: Option<ClientId>, connection: Connection, closure: &Closure) {
        match connection.dialogue {
            Dialogue::Open(Open { app, conversation, .. }) => {
                app.sockets.remove(conversation.socket_id());
                if let (Some(client), Some(_)) = (client, conversation.user()) {
                    app.users.forget(client);
                }
            }
            Dialogue::TurnedAway(_) => {}
        }
        // A client that is lost, as they are, has done nothing wrong.
        if !closure.was_clean && closure.code != CloseCode::ABNORMAL {
            self.shared.log.write(format_args!("{} was closed with {closure}", connection.address));
        }
    }

    fn on_refusal(&self, refusal: &Refusal, address: SocketAddr) {
        let status = refusal.status();
        self.shared.counters.handshake_failed(HandshakeFailure::Refused(status));
        self.shared.log.write(format_args!("{address} was refused with {status} ({refusal})"));
    }

    fn on_http(&self, takeover: Takeover) {
        self.http.serve(takeover);
    }
}

impl Open {
    /// Connects the client to its app, and greets it.
    fn begin(&self, peer: &mut Peer<'_>) -> Result<(), HubError> {
        let Self { app, terms, conversation } = self;
        // What a client shows it shows for each channel.
        let client = peer.connect_to(&app.hub, Credentials::NONE)?;
        app.sockets.insert(conversation.socket_id(), client.id());
        send(peer, &conversation.greeting(&terms.config.settings));
        Ok(())
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
            Some(app) => app.admit(request),
            None => Err(ConnectError::NoSuchApp { key }),
        }
    }

    fn turned_away(&self, address: SocketAddr, error: ConnectError) -> Answer<Connection> {
        self.shared.counters.handshake_failed(HandshakeFailure::TurnedAway(error.code().get()));
        Answer::accept(Connection { address, dialogue: Dialogue::TurnedAway(Box::new(error)) })
    }
}

fn turn_away(peer: &mut Peer<'_>, code: ErrorCode, reason: &impl Display) {
    send(peer, &frames::error(Some(code), reason));
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

fn send(peer: &mut Peer<'_>, frame: &str) {
    let sent = peer.send(frame);
    close_if_too_slow(peer, sent);
}

/// A client that leaves no room for a reply does not read: it is treated as one that leaves none for
/// deliveries.
fn close_if_too_slow(peer: &mut Peer<'_>, sent: Result<Pushed, ApiMisuse>) {
    match sent {
        Ok(Pushed::Queued | Pushed::Dropped { .. } | Pushed::Closing) => {}
        Ok(Pushed::Overflowed) | Err(_) => {
            let (code, reason) = TOO_SLOW;
            // If it is closing already, that stands.
            let _ = peer.close(code, reason);
        }
    }
}
