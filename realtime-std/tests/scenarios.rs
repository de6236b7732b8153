//! The scenarios that every driver of the hub passes: with clients in this process, and with clients behind sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_scenarios::{
    Authorizer, DEADLINE, NotSubscribed, Peer as Socket, Received, Setup, SocketClient, SocketWorld, World,
};
use realtime_std::{
    Answer, Client, ClientId, CloseCode, Closure, Config, Deliveries, Handler, Hub, HubError, Member,
    Message, Notice, OwnedMessage, Peer, PreparedMessage, Server, Stopper, SubscribeError, Upgrade,
};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

mod in_process {
    realtime_scenarios::scenarios!(super::InProcess);
}

mod over_sockets {
    realtime_scenarios::scenarios!(super::OverSockets);
    realtime_scenarios::socket_scenarios!(super::OverSockets);
}

type Notices = Arc<Mutex<Vec<Notice>>>;

fn hub(setup: Setup) -> (Hub, Notices) {
    let notices = Notices::default();
    let told = Arc::clone(&notices);
    let mut hub = Hub::builder()
        .config(setup.config)
        .outbox(setup.outbox)
        .on_notice(move |notice| told.lock().unwrap().push(notice.clone()));
    if let Some(authorize) = setup.authorizer {
        let authorize: Authorizer = authorize;
        hub = hub.authorizer(move |request| authorize(request));
    }
    (hub.build(), notices)
}

fn subscribed(outcome: Result<(), SubscribeError>) -> Result<(), NotSubscribed> {
    outcome.map_err(|error| match error {
        SubscribeError::Denied(denial) => NotSubscribed::Denied(denial),
        SubscribeError::Hub(error) => NotSubscribed::Hub(error),
        SubscribeError::NoLongerWanted => NotSubscribed::NoLongerWanted,
    })
}

/// What a world passes on to its hub.
macro_rules! hub_methods {
    () => {
        fn broadcast(&self, channel: &str, message: PreparedMessage) -> Result<(), HubError> {
            self.hub.broadcast(channel, message)
        }

        fn broadcast_except(
            &self,
            channel: &str,
            message: PreparedMessage,
            except: ClientId,
        ) -> Result<(), HubError> {
            self.hub.broadcast_except(channel, message, except)
        }

        fn send(&self, client: ClientId, message: PreparedMessage) -> Result<(), HubError> {
            self.hub.send(client, message)
        }

        fn disconnect(&self, client: ClientId, code: CloseCode, reason: &str) -> Result<(), HubError> {
            self.hub.disconnect(client, code, reason)
        }

        fn close(&self) {
            self.hub.close();
        }

        fn client_count(&self) -> usize {
            self.hub.client_count()
        }

        fn channel_count(&self) -> usize {
            self.hub.channel_count()
        }

        fn subscriber_count(&self, channel: &str) -> usize {
            self.hub.subscriber_count(channel)
        }

        fn presence(&self, channel: &str) -> Option<Vec<Member>> {
            self.hub.presence(channel)
        }

        fn notices(&self) -> Vec<Notice> {
            self.notices.lock().unwrap().clone()
        }
    };
}

/// What a client passes on to its handle.
macro_rules! client_methods {
    () => {
        fn id(&self) -> ClientId {
            self.handle.id()
        }

        fn subscribe(&self, channel: &str) -> Result<(), NotSubscribed> {
            subscribed(self.handle.subscribe(channel))
        }

        fn subscribe_with(&self, channel: &str, credentials: &str) -> Result<(), NotSubscribed> {
            subscribed(self.handle.subscribe_with(channel, credentials))
        }

        fn unsubscribe(&self, channel: &str) -> Result<(), HubError> {
            self.handle.unsubscribe(channel)
        }
    };
}

struct InProcess {
    hub: Hub,
    notices: Notices,
}

struct LocalClient {
    handle: Client,
    deliveries: Deliveries,
}

impl World for InProcess {
    type Client = LocalClient;
    const STORM_CLIENTS: usize = 4_000;
    const HAS_SOCKETS: bool = false;

    fn open(setup: Setup) -> Self {
        let (hub, notices) = hub(setup);
        Self { hub, notices }
    }

    fn connect(&self, credentials: &str) -> Result<LocalClient, HubError> {
        let (handle, deliveries) = self.hub.connect(credentials)?;
        Ok(LocalClient { handle, deliveries })
    }

    hub_methods!();

    fn end(self) {
        self.hub.close();
        assert_eq!((self.client_count(), self.channel_count()), (0, 0));
    }
}

impl realtime_scenarios::Client for LocalClient {
    client_methods!();

    fn receive(&mut self) -> Received {
        match self.deliveries.recv_timeout(DEADLINE) {
            Ok(Some(message)) => Received::Message(match message.as_text() {
                Some(text) => OwnedMessage::Text(text.into()),
                None => OwnedMessage::Binary(message.payload().into()),
            }),
            Ok(None) => panic!("nothing came"),
            Err(ending) => Received::End(ending.code),
        }
    }

    fn leave(self) {}
}

struct OverSockets {
    hub: Hub,
    notices: Notices,
    address: SocketAddr,
    stopper: Stopper,
    serving: JoinHandle<io::Result<()>>,
    seen: Arc<Seen>,
    /// One at a time, so that who comes out is who went in.
    arrivals: Mutex<Receiver<Result<Client, HubError>>>,
}

#[derive(Default)]
struct Seen {
    heard: Mutex<Vec<OwnedMessage>>,
    ended: AtomicUsize,
}

/// Makes every connection a client, and passes it on.
struct Doorkeeper {
    seen: Arc<Seen>,
    arrivals: SyncSender<Result<Client, HubError>>,
}

impl Handler for Doorkeeper {
    type State = String;

    fn on_request(&self, request: &Upgrade<'_>, _: SocketAddr) -> Answer<String> {
        let credentials = request.header("Credentials").unwrap_or_default();
        Answer::accept(String::from_utf8_lossy(credentials).into_owned())
    }

    fn on_open(&self, peer: &mut Peer<'_>, credentials: &mut String) {
        let client = peer.connect(credentials.as_str()).cloned();
        self.arrivals.send(client).expect("the world waits for whoever arrives");
    }

    fn on_message(&self, _: &mut Peer<'_>, _: &mut String, message: Message<'_>) {
        self.seen.heard.lock().unwrap().push(message.into());
    }

    fn on_close(&self, _: Option<ClientId>, _: String, _: &Closure) {
        self.seen.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl World for OverSockets {
    type Client = RemoteClient;
    const STORM_CLIENTS: usize = 300;
    const HAS_SOCKETS: bool = true;

    fn open(setup: Setup) -> Self {
        let (hub, notices) = hub(setup);
        let config = Config { close_timeout: Duration::from_secs(1), ..Config::default() };
        let server = Server::builder().config(config).hub(&hub).bind("127.0.0.1:0").unwrap();
        let (address, stopper) = (server.local_addr().unwrap(), server.stopper());
        let seen = Arc::new(Seen::default());
        let (sender, arrivals) = sync_channel(1);
        let doorkeeper = Doorkeeper { seen: Arc::clone(&seen), arrivals: sender };
        let serving = thread::spawn(move || server.serve(doorkeeper));
        Self { hub, notices, address, stopper, serving, seen, arrivals: Mutex::new(arrivals) }
    }

    fn connect(&self, credentials: &str) -> Result<RemoteClient, HubError> {
        let arrivals = self.arrivals.lock().unwrap();
        let socket = Socket::connect(self.address, &[("Credentials", credentials)]).unwrap();
        let handle = arrivals.recv_timeout(DEADLINE).expect("the server calls the handler")?;
        Ok(RemoteClient { handle, socket })
    }

    hub_methods!();

    fn end(self) {
        self.stopper.stop();
        self.serving.join().unwrap().unwrap();
        assert_eq!((self.hub.client_count(), self.hub.channel_count()), (0, 0));
    }
}

impl SocketWorld for OverSockets {
    fn heard(&self) -> Vec<OwnedMessage> {
        self.seen.heard.lock().unwrap().clone()
    }

    fn ended(&self) -> usize {
        self.seen.ended.load(Ordering::SeqCst)
    }
}

struct RemoteClient {
    handle: Client,
    socket: Socket,
}

impl realtime_scenarios::Client for RemoteClient {
    client_methods!();

    fn receive(&mut self) -> Received {
        self.socket.receive().unwrap()
    }

    fn leave(self) {
        self.socket.leave().unwrap();
    }
}

impl SocketClient for RemoteClient {
    fn say(&mut self, message: &OwnedMessage) {
        self.socket.say(message).unwrap();
    }

    fn cut(self) {}
}
