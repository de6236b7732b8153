use crate::clock::Clock;
use crate::drivers::Wake;
use crate::error::SubscribeError;
use crate::hub::{Hub, HubId, WeakHub};
use crate::inbox::Inbox;
use crate::lock;
use crate::question::{Question, subscribed};
use crate::shared::HERE;
use realtime_core::{
    ChannelName, ClientId, Credentials, Home, HubError, Input, Notice, Order, OutboxLimits, Outcome,
};
use realtime_ws::Timestamp;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What adapters do with a [`Hub`] for their drivers and clients.
///
/// A trait, so that it does not stand among the methods that the users of an adapter's hub see.
pub trait ForAdapters {
    /// Tells this hub from others.
    fn id(&self) -> HubId;

    /// The hub, for whoever is not to keep it.
    fn downgrade(&self) -> WeakHub;

    /// The hub's clock.
    fn clock(&self) -> Clock;

    /// The time of the hub's clock.
    fn now(&self) -> Timestamp;

    /// What bounds each client's outbox.
    fn outbox_limits(&self) -> OutboxLimits;

    /// A home for the clients of one more driver, which `waker` wakes when it has orders.
    ///
    /// # Errors
    /// The hub has 65,535 drivers already.
    fn add_driver(&self, waker: Arc<impl Wake + 'static>) -> io::Result<Home>;

    /// Gives a home up; all of its clients are gone.
    fn remove_driver(&self, home: Home);

    /// Gives a home up whose clients are all gone, unless orders wait for it, which may concern what they lost: perform
    /// them first. Whether it was given up.
    #[must_use = "a home that was not given up is still to be looked after"]
    fn leave(&self, home: Home) -> bool;

    /// Wakes one of the drivers, if there are any.
    fn wake_any_driver(&self);

    /// Takes what the driver that owns `home` has to do, in order; `orders` is empty, and its memory serves for orders to
    /// come. Gives the moment since which the first of them has waited, if there are any.
    fn take_orders(&self, home: Home, orders: &mut VecDeque<Order>) -> Option<Timestamp>;

    /// Connects a client that lives at `home`. [`settle`](Self::settle) is to follow; the caller may hold a lock until then that
    /// keeps what is delivered to the client waiting until it has a place.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    fn connect_at(&self, home: Home, credentials: Credentials) -> Result<ClientId, HubError>;

    /// Does what inputs left to do for whoever handed them in: delivers to clients in this process, tells notices. The caller
    /// holds no lock.
    fn settle(&self);

    /// Connects a client in this process.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    fn connect_here(&self, credentials: Credentials) -> Result<(ClientId, Inbox), HubError>;

    /// Subscribes a client; `None` if nobody has to be asked.
    ///
    /// # Errors
    /// [`SubscribeError`]: the client is not subscribed.
    fn subscribe(
        &self,
        client: ClientId,
        channel: ChannelName,
        credentials: Option<Credentials>,
    ) -> Result<Option<Question>, SubscribeError>;

    /// Ends a client's subscription, or one that is still being decided. Idempotent.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`] or [`HubError::Closed`].
    fn unsubscribe(&self, client: ClientId, channel: ChannelName) -> Result<(), HubError>;

    /// Takes note that a client is gone. Idempotent.
    fn gone(&self, client: ClientId);

    /// Tells the application what became of a delivery.
    fn note(&self, notice: Notice);

    /// When to call [`handle_timeout`](Self::handle_timeout), if nobody else sees to it that questions
    /// [`expire`](Question::expire); `None`: never.
    fn poll_timeout(&self) -> Option<Timestamp>;

    /// Whether it is for the caller to tell the hub the time from now on, for nobody does so yet; until it
    /// [`ends`](Self::end_telling_time) that.
    #[must_use = "others take it that the caller does"]
    fn begin_telling_time(&self) -> bool;

    /// Says that the caller tells the time no more.
    fn end_telling_time(&self);

    /// Does what is due by now: denies what was to be decided, tells counts.
    fn handle_timeout(&self);
}

impl ForAdapters for Hub {
    fn id(&self) -> HubId {
        HubId(Arc::as_ptr(&self.shared).addr())
    }

    fn downgrade(&self) -> WeakHub {
        self.to_weak()
    }

    fn clock(&self) -> Clock {
        self.shared.clock
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn outbox_limits(&self) -> OutboxLimits {
        self.shared.outbox
    }

    fn add_driver(&self, waker: Arc<impl Wake + 'static>) -> io::Result<Home> {
        let mut exchange = self.shared.exchange();
        let home = lock(&self.shared.drivers).add(waker, || exchange.add_home());
        home.ok_or_else(|| io::Error::other("the hub has 65,535 drivers already"))
    }

    fn remove_driver(&self, home: Home) {
        let mut exchange = self.shared.exchange();
        exchange.take_orders(home, &mut VecDeque::new());
        lock(&self.shared.drivers).remove(home);
    }

    fn leave(&self, home: Home) -> bool {
        let exchange = self.shared.exchange();
        let is_idle = !exchange.has_orders(home);
        if is_idle {
            lock(&self.shared.drivers).remove(home);
        }
        is_idle
    }

    fn wake_any_driver(&self) {
        lock(&self.shared.drivers).wake_any();
    }

    fn take_orders(&self, home: Home, orders: &mut VecDeque<Order>) -> Option<Timestamp> {
        self.shared.take_orders(home, orders)
    }

    fn connect_at(&self, home: Home, credentials: Credentials) -> Result<ClientId, HubError> {
        match self.shared.hand_in(Input::Connect { credentials, home })? {
            Outcome::Connected(id) => Ok(id),
            Outcome::Taken | Outcome::Subscribed | Outcome::Denied(_) | Outcome::Authorize(_) => {
                unreachable!("a hub that takes a client names it")
            }
        }
    }

    fn settle(&self) {
        self.shared.settle();
    }

    fn connect_here(&self, credentials: Credentials) -> Result<(ClientId, Inbox), HubError> {
        // Inside the lock, so that nothing is delivered before there is a place for it.
        let mut locals = lock(&self.shared.locals);
        let connected = self.connect_at(HERE, credentials);
        if let Ok(id) = connected {
            locals.insert(id, None);
        }
        drop(locals);
        self.settle();
        let id = connected?;
        Ok((id, Inbox::new(self.clone(), id)))
    }

    fn subscribe(
        &self,
        client: ClientId,
        channel: ChannelName,
        credentials: Option<Credentials>,
    ) -> Result<Option<Question>, SubscribeError> {
        match self.shared.input(Input::Subscribe { client, channel, credentials }) {
            Ok(Outcome::Authorize(request)) => {
                let due = self.now() + self.shared.authorization_timeout;
                Ok(Some(Question::new(self.clone(), request, due)))
            }
            outcome => subscribed(outcome).map(|()| None),
        }
    }

    fn unsubscribe(&self, client: ClientId, channel: ChannelName) -> Result<(), HubError> {
        self.shared.input(Input::Unsubscribe { client, channel }).map(drop)
    }

    fn gone(&self, client: ClientId) {
        // That a client is gone is always taken note of.
        let _ = self.shared.input(Input::Gone { client });
    }

    fn note(&self, notice: Notice) {
        self.shared.note(notice);
        self.shared.tell_notices();
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.shared.exchange().poll_timeout()
    }

    fn begin_telling_time(&self) -> bool {
        !self.shared.is_told_time.swap(true, Ordering::AcqRel)
    }

    fn end_telling_time(&self) {
        self.shared.is_told_time.store(false, Ordering::Release);
    }

    fn handle_timeout(&self) {
        // Passing time is always taken.
        let _ = self.shared.input(Input::TimePassed);
    }
}
