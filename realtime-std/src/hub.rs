use crate::client::{Client, Deliveries};
use crate::clock::Clock;
use crate::error::SubscribeError;
use crate::waker::Waker;
use crate::{lock, random};
use realtime_core::wire::{Plain, Wire};
use realtime_core::{
    Authorization, AuthorizationRequest, ChannelName, ClientId, Config, Credentials, Decision, Denial,
    Exchange, Home, HubError, Input, LocalClients, Loss, MailboxLimits, Member, Notice, Order, OutboxLimits,
    Outcome,
};
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, TryLockError};

/// Clients, their channels and who is present in them; a handle that is cheap to clone and can be used from any
/// thread.
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
    authorizer: Option<Box<Authorizer>>,
    on_notice: Option<Box<OnNotice>>,
}

type Authorizer = dyn Fn(&AuthorizationRequest) -> Decision + Send + Sync;
type OnNotice = dyn Fn(&Notice) + Send + Sync;

/// Locks are taken in the order of the fields, and none is held while the application's code runs, the turn excepted.
struct Shared {
    clock: Clock,
    config: Config,
    outbox: OutboxLimits,
    authorizer: Option<Box<Authorizer>>,
    on_notice: Option<Box<OnNotice>>,
    /// Held by whoever tells the application of notices, which keeps them in order.
    turn: Mutex<()>,
    /// Each client is woken by a condition of its own.
    locals: Mutex<LocalClients<Arc<Condvar>>>,
    /// Whether the exchange has orders for the clients in this process.
    has_orders_here: AtomicBool,
    exchange: Mutex<Exchange>,
    drivers: Mutex<Drivers>,
}

/// Who is to be woken for which home.
#[derive(Default)]
struct Drivers {
    /// By home, less the first, which is that of the clients in this process.
    wakers: Vec<Option<Arc<Waker>>>,
    /// Homes whose drivers have ended.
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

    /// Bounds what waits for each driver, and for the clients in this process.
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
    /// It runs in the thread that subscribes, and may block. An answer that takes longer than
    /// [`Config::authorization_timeout`] comes too late.
    #[must_use]
    pub fn authorizer(
        mut self,
        authorize: impl Fn(&AuthorizationRequest) -> Decision + Send + Sync + 'static,
    ) -> Self {
        self.authorizer = Some(Box::new(authorize));
        self
    }

    /// Sets who is told of joins, leaves, denials and losses: one at a time, in the order in which they
    /// happen. It may use the hub, and must not block: it runs in the thread where it happened, a server's driver for
    /// instance.
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
        let config = Config { authorization, ..self.config };
        let hub = realtime_core::Hub::new(config.clone(), self.wire, random::seed());
        let shared = Shared {
            clock: Clock::start(),
            config,
            outbox: self.outbox,
            authorizer: self.authorizer,
            on_notice: self.on_notice,
            turn: Mutex::new(()),
            locals: Mutex::new(LocalClients::new(self.outbox)),
            has_orders_here: AtomicBool::new(false),
            exchange: Mutex::new(Exchange::new(hub, self.mailbox)),
            drivers: Mutex::default(),
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

    /// A client without a connection, and what is delivered to it: for subscribers in this process, and for any
    /// transport other than a WebSocket. The client is gone when its deliveries are dropped.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn connect(&self, credentials: impl Into<Credentials>) -> Result<(Client, Deliveries), HubError> {
        let arrival = Arc::new(Condvar::new());
        // Inside the lock, so that nothing is delivered before there is a place for it.
        let mut locals = self.locals();
        let connected = self.connect_at(HERE, credentials.into());
        if let Ok(id) = connected {
            locals.insert(id, Arc::clone(&arrival));
        }
        drop(locals);
        self.settle();
        let id = connected?;
        Ok((Client::new(self.clone(), id), Deliveries::new(self.clone(), id, arrival)))
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

    /// The members of a presence channel in the order in which they joined; `None` if nobody is in it, or it is no
    /// presence channel.
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
}

/// For clients.
impl Hub {
    pub(crate) fn subscribe(
        &self,
        client: ClientId,
        channel: ChannelName,
        credentials: Option<Credentials>,
    ) -> Result<(), SubscribeError> {
        match self.input(Input::Subscribe { client, channel, credentials })? {
            Outcome::Subscribed | Outcome::Taken => Ok(()),
            Outcome::Denied(denial) => Err(SubscribeError::Denied(denial)),
            Outcome::Authorize(request) => self.authorize(&request),
            Outcome::Connected(_) => unreachable!("a subscribe connects nobody"),
        }
    }

    pub(crate) fn unsubscribe(&self, client: ClientId, channel: ChannelName) -> Result<(), HubError> {
        self.input(Input::Unsubscribe { client, channel }).map(drop)
    }

    pub(crate) fn locals(&self) -> MutexGuard<'_, LocalClients<Arc<Condvar>>> {
        lock(&self.shared.locals)
    }

    pub(crate) fn forget_local(&self, client: ClientId) {
        self.locals().remove(client);
        self.gone(client);
    }

    fn authorize(&self, request: &AuthorizationRequest) -> Result<(), SubscribeError> {
        let Some(authorizer) = &self.shared.authorizer else {
            unreachable!("a hub without an authorizer asks nobody")
        };
        let deadline = self.now() + self.shared.config.authorization_timeout;
        let decision = authorizer(request);
        match self.input(Input::Decided { request: request.request, decision })? {
            Outcome::Subscribed => Ok(()),
            Outcome::Denied(denial) => Err(SubscribeError::Denied(denial)),
            Outcome::Taken if deadline <= self.now() => {
                Err(SubscribeError::Denied(Denial::AuthorizerTimedOut))
            }
            Outcome::Taken => Err(SubscribeError::NoLongerWanted),
            Outcome::Connected(_) | Outcome::Authorize(_) => {
                unreachable!("a decision neither connects nor asks")
            }
        }
    }
}

/// For drivers.
impl Hub {
    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(crate) fn outbox_limits(&self) -> OutboxLimits {
        self.shared.outbox
    }

    /// A home for the clients of one more driver, which `waker` wakes.
    pub(crate) fn add_driver(&self, waker: Arc<Waker>) -> Option<Home> {
        let mut exchange = self.exchange();
        let mut drivers = lock(&self.shared.drivers);
        if let Some(home) = drivers.vacant.pop() {
            drivers.wakers[usize::from(home.0) - 1] = Some(waker);
            return Some(home);
        }
        let home = exchange.add_home()?;
        drivers.wakers.push(Some(waker));
        Some(home)
    }

    /// Gives a home up; all of its clients are gone.
    pub(crate) fn remove_driver(&self, home: Home) {
        let mut exchange = self.exchange();
        exchange.take_orders(home, &mut VecDeque::new());
        let mut drivers = lock(&self.shared.drivers);
        drivers.wakers[usize::from(home.0) - 1] = None;
        drivers.vacant.push(home);
    }

    pub(crate) fn take_orders(&self, home: Home, orders: &mut VecDeque<Order>) {
        self.exchange().take_orders(home, orders);
    }

    /// Connects a client; the caller holds a lock that keeps what is delivered to it waiting until it has a place, and calls
    /// [`settle`](Self::settle) once it has let go of that.
    pub(crate) fn connect_at(&self, home: Home, credentials: Credentials) -> Result<ClientId, HubError> {
        match self.hand_in(Input::Connect { credentials, home })? {
            Outcome::Connected(id) => Ok(id),
            Outcome::Taken | Outcome::Subscribed | Outcome::Denied(_) | Outcome::Authorize(_) => {
                unreachable!("a hub that takes a client names it")
            }
        }
    }

    pub(crate) fn gone(&self, client: ClientId) {
        // That a client is gone is always taken note of.
        let _ = self.input(Input::Gone { client });
    }

    /// Tells the application what became of deliveries.
    pub(crate) fn note(&self, notice: Notice) {
        if self.shared.on_notice.is_some() {
            self.exchange().note(notice);
            self.tell_notices();
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None`: never.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.exchange().poll_timeout()
    }

    pub(crate) fn handle_timeout(&self) {
        // Passing time is always taken.
        let _ = self.input(Input::TimePassed);
    }

    /// Does what inputs left to do for whoever handed them in.
    pub(crate) fn settle(&self) {
        if self.shared.has_orders_here.swap(false, Ordering::AcqRel) {
            self.deliver_here();
        }
        self.tell_notices();
    }

    fn input(&self, input: Input) -> Result<Outcome, HubError> {
        let outcome = self.hand_in(input);
        self.settle();
        outcome
    }

    fn hand_in(&self, input: Input) -> Result<Outcome, HubError> {
        let mut exchange = self.exchange();
        let now = self.now();
        let timeout_before = exchange.poll_timeout();
        if timeout_before.is_some_and(|due| due <= now) {
            // By itself, so that a denial that is overdue is not taken for the answer to `input`.
            let _ = exchange.handle_input(Input::TimePassed, now);
        }
        let outcome = exchange.handle_input(input, now);
        let drivers = lock(&self.shared.drivers);
        while let Some(home) = exchange.poll_wake() {
            match usize::from(home.0).checked_sub(1) {
                None => self.shared.has_orders_here.store(true, Ordering::Release),
                Some(index) => {
                    if let Some(waker) = &drivers.wakers[index] {
                        waker.wake();
                    }
                }
            }
        }
        if timeout_before.is_none() && exchange.poll_timeout().is_some() {
            // One that sleeps does not know yet that something will be due.
            if let Some(waker) = drivers.wakers.iter().flatten().next() {
                waker.wake();
            }
        }
        if self.shared.on_notice.is_none() {
            while exchange.poll_notice().is_some() {}
        }
        outcome
    }

    fn deliver_here(&self) {
        let mut orders = VecDeque::new();
        let mut losses = Vec::new();
        loop {
            let mut locals = self.locals();
            // Inside the locals' lock: whoever took earlier orders has performed them.
            self.take_orders(HERE, &mut orders);
            if orders.is_empty() {
                return;
            }
            for order in orders.drain(..) {
                locals.perform(order, HERE, |arrival| arrival.notify_one(), |loss| losses.push(loss));
            }
            drop(locals);
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
            // Whoever has the turn tells everything, also what is noted meanwhile; by the application itself too.
            let turn = match self.shared.turn.try_lock() {
                Ok(turn) => turn,
                Err(TryLockError::Poisoned(panicked)) => panicked.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            while let Some(notice) = self.next_notice() {
                tell(&notice);
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
