use crate::client::{Client, Deliveries, Subscribing};
use crate::panics::contain_async;
use realtime_adapter::{ForAdapters, HubParts, Question, SubscribeError, WeakHub, contain};
use realtime_core::wire::Wire;
use realtime_core::{
    Authorization, AuthorizationRequest, ChannelName, ClientId, Config, Credentials, Decision, HubError,
    MailboxLimits, Notice, OutboxLimits,
};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Clients, their channels and who is present in them; a handle that is cheap to clone and can be used from any
/// thread and task.
///
/// What it can do beside [`connect`](Self::connect) it takes from [`realtime_adapter::Hub`], by `Deref`: broadcasts, messages to
/// one client, who is where.
///
/// No method waits for a client: a slow or dead one delays neither the caller nor other clients.
#[derive(Clone)]
pub struct Hub {
    common: realtime_adapter::Hub,
    authorizer: Option<Arc<Authorizer>>,
}

/// A hub's parts, each with a default; see [`Hub::builder`].
pub struct HubBuilder {
    parts: HubParts,
    authorizer: Option<Arc<Authorizer>>,
}

type Deciding = Pin<Box<dyn Future<Output = Decision> + Send>>;

enum Authorizer {
    Now(Box<dyn Fn(&AuthorizationRequest) -> Decision + Send + Sync>),
    Later(Box<dyn Fn(AuthorizationRequest) -> Deciding + Send + Sync>),
}

impl HubBuilder {
    /// Sets the hub's limits; its `authorization` follows from whether there is an authorizer. With a
    /// [`subscriber_count_interval`](Config::subscriber_count_interval), a task of smol's global executor looks
    /// once in that time what is to be told.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.parts.config = config;
        self
    }

    /// Bounds what waits for each client, and says what happens to one that is too slow.
    #[must_use]
    pub fn outbox(mut self, limits: OutboxLimits) -> Self {
        self.parts.outbox = limits;
        self
    }

    /// Bounds what waits for each driver, and for the clients in this process.
    #[must_use]
    pub fn mailbox(mut self, limits: MailboxLimits) -> Self {
        self.parts.mailbox = limits;
        self
    }

    /// Sets how presence looks on the wire. Default [`Plain`](realtime_core::wire::Plain).
    #[must_use]
    pub fn wire(mut self, wire: impl Wire + 'static) -> Self {
        self.parts.wire = Box::new(wire);
        self
    }

    /// Sets who decides over private and presence channels. Without an authorizer they are closed.
    ///
    /// The future runs as a task of smol's global executor, and is dropped if it takes longer than
    /// [`Config::authorization_timeout`]. Who is asked about is denied if it panics.
    #[must_use]
    pub fn authorizer<F, D>(mut self, authorize: F) -> Self
    where
        F: Fn(AuthorizationRequest) -> D + Send + Sync + 'static,
        D: Future<Output = Decision> + Send + 'static,
    {
        let authorize = move |request| -> Deciding { Box::pin(authorize(request)) };
        self.authorizer = Some(Arc::new(Authorizer::Later(Box::new(authorize))));
        self
    }

    /// Like [`authorizer`](Self::authorizer), for one that knows its answer at once. It runs where the client
    /// subscribes and must not block. Who is asked about is denied if it panics.
    #[must_use]
    pub fn authorizer_now<F>(mut self, authorize: F) -> Self
    where
        F: Fn(&AuthorizationRequest) -> Decision + Send + Sync + 'static,
    {
        self.authorizer = Some(Arc::new(Authorizer::Now(Box::new(authorize))));
        self
    }

    /// Sets who is told of joins, leaves, denials and losses: one at a time, in the order in which they
    /// happen. It may use the hub, and must not block. A panic in it is contained.
    #[must_use]
    pub fn on_notice(mut self, tell: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.parts.on_notice = Some(Box::new(tell));
        self
    }

    /// The hub.
    #[must_use]
    pub fn build(self) -> Hub {
        let authorization =
            if self.authorizer.is_some() { Authorization::Ask } else { Authorization::DenyAll };
        let hub = Hub { common: self.parts.assemble(authorization), authorizer: self.authorizer };
        hub.see_to_time();
        hub
    }
}

impl Hub {
    /// A hub with all defaults: [`Plain`](realtime_core::wire::Plain) on the wire, private and presence channels closed.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// The parts of a hub, to be changed.
    #[must_use]
    pub fn builder() -> HubBuilder {
        HubBuilder { parts: HubParts::default(), authorizer: None }
    }

    /// A client without a connection, and what is delivered to it: for subscribers in this process, and for any
    /// transport other than a WebSocket. The client is gone when its deliveries are dropped.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn connect(&self, credentials: impl Into<Credentials>) -> Result<(Client, Deliveries), HubError> {
        let (id, inbox) = self.connect_here(credentials.into())?;
        Ok((Client::new(self.clone(), id), Deliveries::new(inbox)))
    }

    /// As [`realtime_adapter::Hub::configure`].
    ///
    /// # Errors
    /// [`HubError::Closed`].
    pub fn configure(&self, config: Config) -> Result<(), HubError> {
        self.common.configure(config)?;
        self.see_to_time();
        Ok(())
    }

    /// Has the time told to the hub, if there is something that it tells in its turn and nobody does so yet.
    fn see_to_time(&self) {
        if count_interval(&self.common).is_some() && self.common.begin_telling_time() {
            smol::spawn(tell_time(self.common.downgrade())).detach();
        }
    }

    pub(crate) fn subscribe(
        &self,
        client: ClientId,
        channel: ChannelName,
        credentials: Option<Credentials>,
    ) -> Subscribing {
        match (self.common.subscribe(client, channel, credentials), self.authorizer.as_deref()) {
            (Ok(None), _) => Subscribing::ready(Ok(())),
            (Err(error), _) => Subscribing::ready(Err(error)),
            (Ok(Some(question)), Some(Authorizer::Now(authorize))) => {
                Subscribing::ready(question.ask(authorize))
            }
            (Ok(Some(question)), Some(Authorizer::Later(authorize))) => {
                let deciding = contain(|| authorize(question.request().clone()));
                Subscribing::asked(smol::spawn(decide(question, deciding)))
            }
            (Ok(Some(_)), None) => unreachable!("a hub without an authorizer asks nobody"),
        }
    }
}

/// An interval of nothing is not to keep a thread busy.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// A shorter interval, or none, is found at last after so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Sees to it that what is due is done, as long as there is the hub and something may be. Drivers need not: what they
/// wait for is their connections'.
async fn tell_time(hub: WeakHub) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        smol::Timer::after(pause).await;
        let Some(hub) = hub.upgrade().filter(|hub| !hub.is_closed()) else { return };
        if hub.poll_timeout().is_some_and(|due| due <= hub.now()) {
            hub.handle_timeout();
        }
        let Some(interval) = count_interval(&hub) else {
            hub.end_telling_time();
            // Whoever asked for counts in this moment has left it to this task.
            if count_interval(&hub).is_some() && hub.begin_telling_time() {
                continue;
            }
            return;
        };
        // What falls due meanwhile does so an interval from now at the earliest.
        let time_left = hub.poll_timeout().map_or(interval, |due| due.since(hub.now()));
        pause = time_left.min(interval).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    }
}

fn count_interval(hub: &realtime_adapter::Hub) -> Option<Duration> {
    hub.look(|hub| hub.config().subscriber_count_interval)
}

/// Waits for the authorizer's answer, as long as there is time; `None` if it has panicked already.
async fn decide(question: Question, deciding: Option<Deciding>) -> Result<(), SubscribeError> {
    let time_left = question.time_left();
    let in_time = async {
        Some(match deciding {
            Some(deciding) => contain_async(deciding).await,
            None => None,
        })
    };
    let too_late = async {
        smol::Timer::after(time_left).await;
        None
    };
    match smol::future::or(in_time, too_late).await {
        Some(decision) => question.answer(decision),
        None => question.expire(),
    }
}

impl Deref for Hub {
    type Target = realtime_adapter::Hub;

    fn deref(&self) -> &realtime_adapter::Hub {
        &self.common
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.common.fmt(f)
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder").field("parts", &self.parts).finish_non_exhaustive()
    }
}
