use realtime_client::{
    App, Authorization, Channel, Config, ConnectError, Event, Handle, Member, Question, Secret, State,
};
use realtime_client::{blocking, smol as asynchronous};
use realtime_core::pusher::frames;
use realtime_server::{AppConfig, Gateway, Stopper, Users};
use realtime_smol::{ChannelName, Hub, HubError, PreparedMessage};
use smol::Timer;
use smol::future::{block_on, or};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

/// How long anything may take before the test gives it up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const KEY: &str = "test-key";

pub(crate) fn app() -> App {
    App { id: "7".into(), key: KEY.into(), secret: Secret::new("test-secret") }
}

/// A gateway that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) users: Users,
    stopper: Stopper,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    pub(crate) fn new() -> Self {
        Self::of(app())
    }

    pub(crate) fn of(app: impl Into<AppConfig>) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), app)
    }

    pub(crate) fn at(address: SocketAddr, app: impl Into<AppConfig>) -> Self {
        let gateway = Gateway::builder(app).threads(NonZeroUsize::new(1).unwrap());
        let gateway = gateway.bind(address).unwrap();
        let (address, hub) = (gateway.local_addr().unwrap(), gateway.hub().clone());
        let (users, stopper) = (gateway.users(), gateway.stopper());
        let thread = Some(thread::spawn(move || block_on(gateway.serve())));
        Self { address, hub, users, stopper, thread }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Publishes an event of the app. A busy hub may refuse one, so it is tried again.
    pub(crate) fn publish(&self, channel: &str, event: &str, data: &str) {
        let channel = ChannelName::from(channel);
        let message = PreparedMessage::new(&frames::event(&channel, event, data));
        while let Err(HubError::Overloaded) = self.hub.broadcast(channel.clone(), message.clone()) {
            thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take()
            && let Ok(outcome) = thread.join()
            && !thread::panicking()
        {
            outcome.unwrap();
        }
    }
}

/// Who is asked for signatures.
pub(crate) type Authorize = dyn Fn(&Question) -> Result<Authorization, String> + Send + Sync;

/// Signs as the app's server does, for the user `id`.
pub(crate) fn sign_as(id: &str) -> Option<Box<Authorize>> {
    let member = Member::new(id, &format!(r#"{{"name":"{id}"}}"#));
    Some(Box::new(move |question| Ok(question.sign_as(&app(), &member))))
}

/// The one client or the other, seen so that one test fits both.
pub(crate) trait Client: Clone + Send + Sized + fmt::Debug + 'static {
    fn connect(
        url: &str,
        key: &str,
        config: Config,
        authorize: Option<Box<Authorize>>,
    ) -> Result<Self, ConnectError>;
    fn handle(&self) -> &Handle;
    /// The next event, which must come in time; `None` at the end.
    fn next_event(&self) -> Option<Event>;
    fn disconnect(&self);

    /// A client of the user `id`.
    fn of(gateway: &Running, id: &str) -> Self {
        Self::connect(&gateway.url(), KEY, hurried(), sign_as(id)).unwrap()
    }

    /// Takes events until there is one that is looked for.
    fn wait_for<T>(&self, mut look: impl FnMut(&Event) -> Option<T>) -> T {
        let mut passed = Vec::new();
        loop {
            let event = self.next_event();
            match event.as_ref().map(&mut look) {
                Some(Some(found)) => return found,
                Some(None) => passed.extend(event),
                None => panic!("the end came first, and before it {passed:?}"),
            }
        }
    }

    fn wait_for_state(&self, expected: State) {
        self.wait_for(|event| (*event == Event::StateChanged { state: expected }).then_some(()));
    }

    /// Subscribes, and waits until the client is let in.
    fn enter(&self, name: &str) -> Channel {
        let channel = self.handle().channel(name);
        channel.subscribe().unwrap();
        self.wait_for_entry(name);
        channel
    }

    fn wait_for_entry(&self, name: &str) {
        self.wait_for(|event| match event {
            Event::Subscribed { channel, .. } if channel.as_str() == name => Some(()),
            Event::SubscriptionFailed { channel, failure } if channel.as_str() == name => panic!("{failure}"),
            _ => None,
        });
    }

    /// Waits for the next event on a channel: its name and data.
    fn wait_for_message(&self, name: &str) -> (String, String) {
        self.wait_for(|event| match event {
            Event::Message { channel, event, data, .. } if channel.as_str() == name => {
                Some((event.clone(), data.clone()))
            }
            _ => None,
        })
    }
}

/// Tries again soon, so that no test waits for a second.
pub(crate) fn hurried() -> Config {
    Config {
        first_retry_delay: Duration::from_millis(10),
        max_retry_delay: Duration::from_millis(100),
        ..Config::default()
    }
}

pub(crate) type Blocking = blocking::Client;

impl Client for blocking::Client {
    fn connect(
        url: &str,
        key: &str,
        config: Config,
        authorize: Option<Box<Authorize>>,
    ) -> Result<Self, ConnectError> {
        let builder = Self::builder(url, key).config(config);
        match authorize {
            Some(authorize) => builder.authorizer(authorize).connect(),
            None => builder.connect(),
        }
    }

    fn handle(&self) -> &Handle {
        self
    }

    fn next_event(&self) -> Option<Event> {
        self.next_event_timeout(PATIENCE).unwrap()
    }

    fn disconnect(&self) {
        Self::disconnect(self);
    }
}

pub(crate) type Smol = asynchronous::Client;

impl Client for asynchronous::Client {
    fn connect(
        url: &str,
        key: &str,
        config: Config,
        authorize: Option<Box<Authorize>>,
    ) -> Result<Self, ConnectError> {
        let builder = Self::builder(url, key).config(config);
        let Some(authorize) = authorize else { return builder.connect() };
        let authorize = std::sync::Arc::new(authorize);
        let asked = move |question| {
            let authorize = authorize.clone();
            smol::unblock(move || authorize(&question)) // it may block
        };
        builder.authorizer(asked).connect()
    }

    fn handle(&self) -> &Handle {
        self
    }

    fn next_event(&self) -> Option<Event> {
        in_time(Self::next_event(self))
    }

    fn disconnect(&self) {
        in_time(Self::disconnect(self));
    }
}

fn in_time<T>(future: impl Future<Output = T>) -> T {
    let too_late = async {
        Timer::after(PATIENCE).await;
        panic!("it takes too long");
    };
    block_on(or(future, too_late))
}
