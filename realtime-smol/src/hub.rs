use crate::client::{Client, Deliveries, Subscribing};
use crate::clock::Clock;
use crate::error::SubscribeError;
use crate::panics::{contain, contain_async};
use crate::random;
use realtime_core::wire::{Plain, Wire};
use realtime_core::{
    Authorization, AuthorizationRequest, ChannelName, ClientId, Config, Credentials, Decision, Denial,
    Exchange, Home, HubError, Input, LocalClients, Loss, MailboxLimits, Member, Notice, Order, OutboxLimits,
    Outcome, RequestId,
};
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::Waker;

/// Clients, their channels and who is present in them; a handle that is cheap to clone and can be used from
/// any thread and task.
///
/// No method waits for a client: a slow or dead one delays neither the caller nor other clients.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

/// A hub's parts, each with a default; see [`Hub::builder`].
pub struct HubBuilder {
    config: Config,
    outbox: OutboxLimits,
    mailbox: MailboxLimits,
    wire: Box<dyn Wire + Send>,
    authorizer: Option<Authorizer>,
    on_notice: Option<OnNotice>,
}

type OnNotice = Box<dyn Fn(&Notice) + Send + Sync>;

type Deciding = Pin<Box<dyn Future<Output = Decision> + Send>>;

enum Authorizer {
    Now(Box<dyn Fn(&AuthorizationRequest) -> Decision + Send + Sync>),
    Later(Box<dyn Fn(AuthorizationRequest) -> Deciding + Send + Sync>),
}

/// Wakes the loop that owns a home.
pub(crate) trait Wake: Send + Sync {
    fn wake(&self);
}

/// Locks are taken in the order of the fields, and none is held while the application's code runs, the turn
/// excepted.
struct Shared {
    clock: Clock,
    outbox: OutboxLimits,
    authorization_timeout: std::time::Duration,
    authorizer: Option<Authorizer>,
    on_notice: Option<OnNotice>,
    /// Held by whoever tells the application of notices, which keeps them in order.
    turn: Mutex<()>,
    locals: Mutex<LocalClients<Option<Waker>>>,
    /// Whether the exchange has orders for the clients in this process.
    has_orders_here: AtomicBool,
    exchange: Mutex<Exchange>,
    loops: Mutex<Loops>,
}

#[derive(Default)]
struct Loops {
    /// By home, less the first, which is that of the clients in this process.
    wakes: Vec<Option<Arc<dyn Wake>>>,
    /// Homes given up by their loops.
    vacant: Vec<Home>,
}

/// The home of the clients in this process: whoever posts an order for them performs it.
const HERE: Home = Home(0);

impl HubBuilder {
    /// Sets the hub's limits; its `authorization` follows from whether there is an authorizer.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Bounds what waits for each client, and says what happens to one that is too slow.
    #[must_use]
    pub fn outbox(mut self, limits: OutboxLimits) -> Self {
        self.outbox = limits;
        self
    }

    /// Bounds what waits for each loop.
    #[must_use]
    pub fn mailbox(mut self, limits: MailboxLimits) -> Self {
        self.mailbox = limits;
        self
    }

    /// Sets how presence looks on the wire. Default [`Plain`].
    #[must_use]
    pub fn wire(mut self, wire: impl Wire + 'static) -> Self {
        self.wire = Box::new(wire);
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
        self.authorizer = Some(Authorizer::Later(Box::new(move |request| Box::pin(authorize(request)))));
        self
    }

    /// Like [`authorizer`](Self::authorizer), for one that knows its answer at once. It runs where the client
    /// subscribes and must not block. Who is asked about is denied if it panics.
    #[must_use]
    pub fn authorizer_now<F>(mut self, authorize: F) -> Self
    where
        F: Fn(&AuthorizationRequest) -> Decision + Send + Sync + 'static,
    {
        self.authorizer = Some(Authorizer::Now(Box::new(authorize)));
        self
    }

    /// Sets who is told of joins, leaves, denials and losses: one at a time, in the order in which they
    /// happen. It may use the hub, and must not block. A panic in it is contained.
    #[must_use]
    pub fn on_notice(mut self, tell: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Box::new(tell));
        self
    }

    /// The hub.
    #[must_use]
    pub fn build(self) -> Hub {
        let authorization =
            if self.authorizer.is_some() { Authorization::Ask } else { Authorization::DenyAll };
        let authorization_timeout = self.config.authorization_timeout;
        let config = Config { authorization, ..self.config };
        let hub = realtime_core::Hub::new(config, self.wire, random::seed());
        let shared = Shared {
            clock: Clock::start(),
            outbox: self.outbox,
            authorization_timeout,
            authorizer: self.authorizer,
            on_notice: self.on_notice,
            turn: Mutex::new(()),
            locals: Mutex::new(LocalClients::new(self.outbox)),
            has_orders_here: AtomicBool::new(false),
            exchange: Mutex::new(Exchange::new(hub, self.mailbox)),
            loops: Mutex::default(),
        };
        Hub { shared: Arc::new(shared) }
    }
}

impl Hub {
    /// A hub with all defaults: [`Plain`] on the wire, private and presence channels closed.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// The parts of a hub, to be changed.
    #[must_use]
    pub fn builder() -> HubBuilder {
        HubBuilder {
            config: Config::default(),
            outbox: OutboxLimits::default(),
            mailbox: MailboxLimits::default(),
            wire: Box::new(Plain),
            authorizer: None,
            on_notice: None,
        }
    }

    /// A client without a connection, and what is delivered to it: for subscribers in this process, and for
    /// any transport other than a WebSocket. The client is gone when its deliveries are dropped.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn connect(&self, credentials: impl Into<Credentials>) -> Result<(Client, Deliveries), HubError> {
        let credentials = credentials.into();
        let mut locals = lock(&self.shared.locals);
        // Inside the lock, so that nothing is delivered before there is a place for it.
        let connected = self.hand_in(Input::Connect { credentials, home: HERE }).map(connected);
        if let Ok(id) = connected {
            locals.insert(id, None);
        }
        drop(locals);
        self.settle();
        let id = connected?;
        Ok((Client::new(self.clone(), id), Deliveries::new(self.clone(), id)))
    }

    /// Sends `message` to all subscribers of `channel`. No error if there are none.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`]; then nobody gets it.
    pub fn broadcast(
        &self,
        channel: impl Into<ChannelName>,
        message: impl Into<PreparedMessage>,
    ) -> Result<(), HubError> {
        let (channel, message) = (channel.into(), message.into());
        self.input(Input::Broadcast { channel, message, except: None }).map(drop)
    }

    /// Sends `message` to all subscribers of `channel` but `except`.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn broadcast_except(
        &self,
        channel: impl Into<ChannelName>,
        message: impl Into<PreparedMessage>,
        except: ClientId,
    ) -> Result<(), HubError> {
        let (channel, message) = (channel.into(), message.into());
        self.input(Input::Broadcast { channel, message, except: Some(except) }).map(drop)
    }

    /// Sends `message` to one client.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`], [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn send(&self, client: ClientId, message: impl Into<PreparedMessage>) -> Result<(), HubError> {
        self.input(Input::Send { client, message: message.into() }).map(drop)
    }

    /// Closes a client's connection, after what is already on its way to it.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`] or [`HubError::Closed`].
    pub fn disconnect(&self, client: ClientId, code: CloseCode, reason: &str) -> Result<(), HubError> {
        self.input(Input::Disconnect { client, code, reason: reason.into() }).map(drop)
    }

    /// Disconnects all clients with 1001; the hub takes nothing more. Idempotent.
    pub fn close(&self) {
        // Closing is always taken.
        let _ = self.input(Input::Close);
    }

    /// Whether the hub is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.exchange().hub().is_closed()
    }

    /// How many clients are connected.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.exchange().hub().client_count()
    }

    /// How many channels have a subscriber.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.exchange().hub().channel_count()
    }

    /// How many clients are subscribed to `channel`.
    #[must_use]
    pub fn subscriber_count(&self, channel: impl Into<ChannelName>) -> usize {
        self.exchange().hub().subscriber_count(&channel.into())
    }

    /// The members of a presence channel in the order in which they joined; `None` if nobody is in it, or it
    /// is no presence channel.
    #[must_use]
    pub fn presence(&self, channel: impl Into<ChannelName>) -> Option<Vec<Member>> {
        let exchange = self.exchange();
        let roster = exchange.hub().presence(&channel.into())?;
        Some(roster.members().cloned().collect())
    }

    /// The channels with a subscriber whose names begin with `prefix`, by name.
    #[must_use]
    pub fn channels(&self, prefix: &str) -> Vec<ChannelName> {
        self.exchange().hub().channels(prefix).cloned().collect()
    }

    /// Whether a client is subscribed to `channel`.
    #[must_use]
    pub fn is_subscribed(&self, client: ClientId, channel: impl Into<ChannelName>) -> bool {
        self.exchange().hub().is_subscribed(client, &channel.into())
    }

    /// Whom the others see in a client's place in a presence channel.
    #[must_use]
    pub fn member(&self, client: ClientId, channel: impl Into<ChannelName>) -> Option<Member> {
        self.exchange().hub().member(client, &channel.into()).cloned()
    }

    /// Asks the hub's state machine several things at one moment. `look` must be brief and not use this
    /// handle: all others wait for it.
    pub fn look<T>(&self, look: impl FnOnce(&realtime_core::Hub) -> T) -> T {
        look(self.exchange().hub())
    }
}

/// For clients and drivers.
impl Hub {
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(crate) fn outbox_limits(&self) -> OutboxLimits {
        self.shared.outbox
    }

    /// A home for the clients of one more loop, which `wake` wakes.
    pub(crate) fn add_loop(&self, wake: Arc<dyn Wake>) -> Option<Home> {
        let mut exchange = self.exchange();
        let mut loops = lock(&self.shared.loops);
        if let Some(home) = loops.vacant.pop() {
            loops.wakes[usize::from(home.0) - 1] = Some(wake);
            return Some(home);
        }
        let home = exchange.add_home()?;
        loops.wakes.push(Some(wake));
        Some(home)
    }

    /// Gives a home up; all of its clients are gone.
    pub(crate) fn remove_loop(&self, home: Home) {
        let mut exchange = self.exchange();
        exchange.take_orders(home, &mut VecDeque::new());
        let mut loops = lock(&self.shared.loops);
        loops.wakes[usize::from(home.0) - 1] = None;
        loops.vacant.push(home);
    }

    pub(crate) fn take_orders(&self, home: Home, orders: &mut VecDeque<Order>) {
        self.exchange().take_orders(home, orders);
    }

    pub(crate) fn connect_at(&self, home: Home, credentials: Credentials) -> Result<ClientId, HubError> {
        self.input(Input::Connect { credentials, home }).map(connected)
    }

    pub(crate) fn subscribe(
        &self,
        client: ClientId,
        channel: ChannelName,
        credentials: Option<Credentials>,
    ) -> Subscribing {
        match self.input(Input::Subscribe { client, channel, credentials }) {
            Ok(Outcome::Authorize(request)) => self.authorize(request),
            outcome => Subscribing::ready(subscribed(outcome)),
        }
    }

    pub(crate) fn unsubscribe(&self, client: ClientId, channel: ChannelName) -> Result<(), HubError> {
        self.input(Input::Unsubscribe { client, channel }).map(drop)
    }

    pub(crate) fn gone(&self, client: ClientId) {
        // A client that is gone is always taken note of.
        let _ = self.input(Input::Gone { client });
    }

    /// Tells the application what became of deliveries.
    pub(crate) fn note(&self, notice: Notice) {
        if self.shared.on_notice.is_some() {
            self.exchange().note(notice);
            self.tell_notices();
        }
    }

    pub(crate) fn forget_local(&self, client: ClientId) {
        let waker = self.with_locals(|locals| {
            let waker = locals.waker(client).and_then(Option::take);
            locals.remove(client);
            waker
        });
        drop(waker); // outside the lock: it may be the last that holds a task
        self.gone(client);
    }

    pub(crate) fn with_locals<T>(&self, look: impl FnOnce(&mut LocalClients<Option<Waker>>) -> T) -> T {
        look(&mut lock(&self.shared.locals))
    }

    fn authorize(&self, request: AuthorizationRequest) -> Subscribing {
        let due = self.now() + self.shared.authorization_timeout;
        match &self.shared.authorizer {
            Some(Authorizer::Now(authorize)) => {
                let decision = contain(|| authorize(&request)).unwrap_or_else(failed);
                Subscribing::ready(self.decide(request.request, decision, due))
            }
            Some(Authorizer::Later(authorize)) => {
                let id = request.request;
                let deciding = contain(|| authorize(request));
                let hub = self.clone();
                Subscribing::asked(smol::spawn(async move {
                    let in_time = async {
                        let decision = match deciding {
                            Some(deciding) => contain_async(deciding).await,
                            None => None,
                        };
                        Some(decision.unwrap_or_else(failed))
                    };
                    let too_late = async {
                        smol::Timer::after(hub.shared.authorization_timeout).await;
                        None
                    };
                    match smol::future::or(in_time, too_late).await {
                        Some(decision) => hub.decide(id, decision, due),
                        None => {
                            hub.input(Input::TimePassed)?;
                            Err(SubscribeError::Denied(Denial::AuthorizerTimedOut))
                        }
                    }
                }))
            }
            None => unreachable!("a hub without an authorizer asks nobody"),
        }
    }

    fn decide(&self, request: RequestId, decision: Decision, due: Timestamp) -> Result<(), SubscribeError> {
        match self.input(Input::Decided { request, decision }) {
            Ok(Outcome::Taken) if due <= self.now() => {
                Err(SubscribeError::Denied(Denial::AuthorizerTimedOut))
            }
            Ok(Outcome::Taken) => Err(SubscribeError::NoLongerWanted),
            outcome => subscribed(outcome),
        }
    }

    fn input(&self, input: Input) -> Result<Outcome, HubError> {
        let outcome = self.hand_in(input);
        self.settle();
        outcome
    }

    /// Hands one input in. [`settle`](Self::settle) is to follow once the caller holds no lock.
    fn hand_in(&self, input: Input) -> Result<Outcome, HubError> {
        let mut exchange = self.exchange();
        let outcome = exchange.handle_input(input, self.now());
        while let Some(home) = exchange.poll_wake() {
            match usize::from(home.0).checked_sub(1) {
                None => self.shared.has_orders_here.store(true, Ordering::Release),
                Some(index) => {
                    if let Some(wake) = &lock(&self.shared.loops).wakes[index] {
                        wake.wake();
                    }
                }
            }
        }
        if self.shared.on_notice.is_none() {
            while exchange.poll_notice().is_some() {}
        }
        outcome
    }

    /// Does what inputs left to do for whoever handed them in.
    fn settle(&self) {
        if self.shared.has_orders_here.swap(false, Ordering::AcqRel) {
            self.deliver_here();
        }
        self.tell_notices();
    }

    fn deliver_here(&self) {
        let (mut orders, mut losses, mut wakers) = (VecDeque::new(), Vec::new(), Vec::new());
        loop {
            let mut locals = lock(&self.shared.locals);
            // Inside the locals' lock: whoever took earlier orders has performed them.
            self.take_orders(HERE, &mut orders);
            if orders.is_empty() {
                return;
            }
            for order in orders.drain(..) {
                locals.perform(order, HERE, |waker| wakers.extend(waker.take()), |loss| losses.push(loss));
            }
            drop(locals);
            for waker in wakers.drain(..) {
                waker.wake();
            }
            for loss in mem::take(&mut losses) {
                match loss {
                    Loss::Dropped { client, messages } => {
                        self.exchange().note(Notice::Dropped { client, messages });
                    }
                    Loss::TooSlow { client } => {
                        self.exchange().note(Notice::TooSlow { client });
                        // It may leave orders for the next round.
                        let _ = self.hand_in(Input::Gone { client });
                    }
                }
            }
        }
    }

    fn tell_notices(&self) {
        let Some(tell) = &self.shared.on_notice else { return };
        while self.exchange().has_notices() {
            // Whoever has the turn tells everything, also what is noted meanwhile; by the application itself
            // too.
            let turn = match self.shared.turn.try_lock() {
                Ok(turn) => turn,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            while let Some(notice) = self.next_notice() {
                // Whoever happens to tell it is not to suffer for it.
                contain(|| tell(&notice));
            }
            drop(turn);
        }
    }

    fn next_notice(&self) -> Option<Notice> {
        self.exchange().poll_notice()
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        lock(&self.shared.exchange)
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("clients", &self.client_count())
            .field("channels", &self.channel_count())
            .finish()
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

fn connected(outcome: Outcome) -> ClientId {
    match outcome {
        Outcome::Connected(id) => id,
        Outcome::Taken | Outcome::Subscribed | Outcome::Denied(_) | Outcome::Authorize(_) => {
            unreachable!("a hub that takes a client names it")
        }
    }
}

/// What becomes of a subscribe whose authorizer panicked.
fn failed() -> Decision {
    Decision::Deny { reason: "the authorizer failed".into() }
}

fn subscribed(outcome: Result<Outcome, HubError>) -> Result<(), SubscribeError> {
    match outcome? {
        Outcome::Subscribed | Outcome::Taken => Ok(()),
        Outcome::Denied(denial) => Err(SubscribeError::Denied(denial)),
        Outcome::Connected(_) | Outcome::Authorize(_) => {
            unreachable!("neither connects, nor asks what was decided")
        }
    }
}

/// A panic in the application's code happens outside these locks, so what they guard is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
