use realtime_core::{
    AuthorizationRequest, ClientId, Config, Decision, Denial, HubError, Member, Notice, OutboxLimits,
};
use realtime_ws::{CloseCode, OwnedMessage, PreparedMessage};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long anything awaited may take: far longer than it does, so that a loaded machine fails no test.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What decides over private and presence channels.
pub type Authorizer = Arc<dyn Fn(&AuthorizationRequest) -> Decision + Send + Sync>;

/// How a world's hub is set up.
#[derive(Clone, Default)]
pub struct Setup {
    /// Its limits.
    pub config: Config,
    /// The bounds of each client's outbox.
    pub outbox: OutboxLimits,
    /// Who decides over private and presence channels; `None`: nobody.
    pub authorizer: Option<Authorizer>,
}

impl Setup {
    /// Asks `authorize` about private and presence channels.
    pub fn authorized_by(
        authorize: impl Fn(&AuthorizationRequest) -> Decision + Send + Sync + 'static,
    ) -> Self {
        Self { authorizer: Some(Arc::new(authorize)), ..Self::default() }
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("outbox", &self.outbox).finish_non_exhaustive()
    }
}

/// A hub with a driver. All methods return at once, apart from those that say otherwise.
pub trait World: Sync + Sized {
    /// A client in it.
    type Client: Client;

    /// How many clients make a storm: as many as this kind of client allows.
    const STORM_CLIENTS: usize;

    /// Whether the system holds messages for a client besides its outbox: then it takes many to fill that.
    const HAS_SOCKETS: bool;

    /// A hub set up like this, ready for clients. All clients share one event loop, so that what is delivered is delivered in the
    /// order of the calls.
    fn open(setup: Setup) -> Self;

    /// A new client; waits until it is connected.
    ///
    /// # Errors
    /// As the hub says.
    fn connect(&self, credentials: &str) -> Result<Self::Client, HubError>;

    /// As the hub's.
    ///
    /// # Errors
    /// As the hub says.
    fn broadcast(&self, channel: &str, message: PreparedMessage) -> Result<(), HubError>;

    /// As the hub's.
    ///
    /// # Errors
    /// As the hub says.
    fn broadcast_except(
        &self,
        channel: &str,
        message: PreparedMessage,
        except: ClientId,
    ) -> Result<(), HubError>;

    /// As the hub's.
    ///
    /// # Errors
    /// As the hub says.
    fn send(&self, client: ClientId, message: PreparedMessage) -> Result<(), HubError>;

    /// As the hub's.
    ///
    /// # Errors
    /// As the hub says.
    fn disconnect(&self, client: ClientId, code: CloseCode, reason: &str) -> Result<(), HubError>;

    /// As the hub's.
    fn close(&self);

    /// As the hub's.
    fn client_count(&self) -> usize;

    /// As the hub's.
    fn channel_count(&self) -> usize;

    /// As the hub's.
    fn subscriber_count(&self, channel: &str) -> usize;

    /// As the hub's.
    fn presence(&self, channel: &str) -> Option<Vec<Member>>;

    /// All that the application was told so far.
    fn notices(&self) -> Vec<Notice>;

    /// Ends everything, and sees to it that no thread, task, socket or entry in a table is left.
    fn end(self);
}

/// One client, from its own side and from the hub's.
pub trait Client: Send {
    /// Its id.
    fn id(&self) -> ClientId;

    /// Subscribes it; waits for the authorizer.
    ///
    /// # Errors
    /// Why it is not subscribed.
    fn subscribe(&self, channel: &str) -> Result<(), NotSubscribed>;

    /// Subscribes it with credentials; waits for the authorizer.
    ///
    /// # Errors
    /// Why it is not subscribed.
    fn subscribe_with(&self, channel: &str, credentials: &str) -> Result<(), NotSubscribed>;

    /// Unsubscribes it.
    ///
    /// # Errors
    /// As the hub says.
    fn unsubscribe(&self, channel: &str) -> Result<(), HubError>;

    /// The next that it receives; waits for it, at most [`DEADLINE`].
    ///
    /// # Panics
    /// If nothing comes.
    fn receive(&mut self) -> Received;

    /// Ends its transport, properly where there are manners.
    fn leave(self);
}

/// A world whose clients come through sockets.
pub trait SocketWorld: World<Client: SocketClient> {
    /// All messages that the application was handed so far.
    fn heard(&self) -> Vec<OwnedMessage>;

    /// How many connections have ended, as the application was told.
    fn ended(&self) -> usize;
}

/// A client with a socket.
pub trait SocketClient: Client {
    /// Sends the application a message.
    fn say(&mut self, message: &OwnedMessage);

    /// Drops the socket as it is. If something that came was not received, the system resets the connection.
    fn cut(self);
}

/// What a client receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message.
    Message(OwnedMessage),
    /// The end, with the close code.
    End(CloseCode),
}

/// Why a client is not subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSubscribed {
    /// It was not let in.
    Denied(Denial),
    /// The hub did not take it.
    Hub(HubError),
    /// It left meanwhile.
    NoLongerWanted,
}

/// A client that is let in.
pub(crate) fn connect<W: World>(world: &W) -> W::Client {
    world.connect("").expect("the hub is open")
}

/// A client that is in `channel`.
pub(crate) fn subscribe<W: World>(world: &W, channel: &str) -> W::Client {
    let client = connect(world);
    client.subscribe(channel).expect("the channel is open to it");
    client
}

/// Broadcasts as soon as the hub takes it, which may be when a loop has had its turn.
pub(crate) fn broadcast<W: World>(world: &W, channel: &str, message: &PreparedMessage) {
    eventually("the broadcast", || match world.broadcast(channel, message.clone()) {
        Ok(()) => true,
        Err(HubError::Overloaded) => false,
        Err(refusal) => panic!("{refusal}"),
    });
}

pub(crate) fn text(text: &str) -> Received {
    Received::Message(OwnedMessage::from(text))
}

/// Asserts that `client` receives nothing, by what it receives next: something sent just now.
pub(crate) fn assert_receives_nothing<W: World>(world: &W, client: &mut W::Client) {
    world.send(client.id(), "marker".into()).expect("the client is connected");
    assert_eq!(client.receive(), text("marker"));
}

/// Waits until `is_so`.
///
/// # Panics
/// If that takes longer than [`DEADLINE`].
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "{what} did not come about");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
