use crate::connection::{Connection, Fate, Place, Turn};
use crate::handler::{Handler, Permit, Takeover};
use crate::homes::{HomeKey, Homes};
use crate::server::{Halt, Plan};
use crate::sockets::{Events, Interest, Listener, Watch, Watched, accept, prepare};
use realtime_adapter::{ForAdapters, Tally, WAITING_CONNECTIONS, Wake, contain, lock};
use realtime_core::responses::OVER_CAPACITY;
use realtime_core::{ClientId, Deadlines, Notice, Order};
use realtime_ws::Timestamp;
use slab::Slab;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The listener's key among the first driver's sockets; connections have small ones, and the greatest is
/// what wakes the driver.
const LISTENER: usize = usize::MAX - 1;

/// The most connections accepted in one turn, so that those there are get theirs.
const ACCEPTS_PER_TURN: usize = 64;

/// After so many turns that found all the connections that they asked for, the next ones ask for twice as many. To
/// ask in vain is dear: the system makes a socket first, and then looks whether there is a connection for it.
const TURNS_TO_ASK_FOR_MORE: u32 = 4;

/// The most sockets looked at in one turn.
const EVENTS_PER_TURN: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// How often a driver looks, after a connection came or went, before it sleeps: these come in swarms. It is
/// seldom the second look that finds the next one, so more would cost more than to fall asleep and be woken.
const GLANCES: u32 = 2;

/// How long no connection is accepted after the system refused one, for want of open files as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The most connections beyond the server's capacity that are told so at a time; more are closed without a
/// word.
const MAX_REFUSED: usize = 32;

/// What reaches a driver from other threads.
pub(crate) struct Mail {
    watch: Watch,
    /// Whether the driver has something to look at, or is about to look.
    is_pending: AtomicBool,
    /// Whether the server's hub has orders.
    has_own_orders: AtomicBool,
    left: Mutex<Left>,
    /// What the driver counts.
    pub(crate) tally: Tally,
}

/// What other threads have left for a driver.
#[derive(Default)]
struct Left {
    arrivals: Vec<Arrival>,
    /// Whether the driver has ended and takes no more of them.
    is_over: bool,
    /// Clients whose connections are to be read again, and where they live; at most one entry for each pause.
    resumed: Vec<(HomeKey, ClientId)>,
    /// Homes with orders at other hubs; at most one entry for each time that the driver has taken a home's.
    called: Vec<HomeKey>,
}

/// A connection that was accepted, and its peer.
type Arrival = (TcpStream, SocketAddr);

thread_local! {
    /// The mail of the driver that this thread is; it looks there before it sleeps and need not be woken.
    static OWN_MAIL: Cell<*const Mail> = const { Cell::new(std::ptr::null()) };
}

impl Mail {
    pub(crate) fn new(watch: Watch) -> Self {
        Self {
            watch,
            is_pending: AtomicBool::new(false),
            has_own_orders: AtomicBool::new(false),
            left: Mutex::default(),
            tally: Tally::default(),
        }
    }

    fn take_pending(&self) -> bool {
        self.is_pending.swap(false, Ordering::AcqRel)
    }

    /// Has the connection of `client` read again, which lives there.
    pub(crate) fn resume(&self, at: HomeKey, client: ClientId) {
        lock(&self.left).resumed.push((at, client));
        self.call();
    }

    /// Hands a connection over; false if the driver has ended.
    fn push_arrival(&self, arrival: Arrival) -> bool {
        let mut left = lock(&self.left);
        let is_taken = !left.is_over;
        if is_taken {
            left.arrivals.push(arrival);
        }
        drop(left);
        self.call();
        is_taken
    }

    /// Sees to it that the driver looks here.
    pub(crate) fn call(&self) {
        let was_pending = self.is_pending.swap(true, Ordering::AcqRel);
        if !was_pending && !std::ptr::eq(OWN_MAIL.get(), self) {
            // It fails only if the poller is broken, which its driver finds out by itself.
            let _ = self.watch.notify();
        }
    }
}

/// By the server's hub.
impl Wake for Mail {
    fn wake(&self) {
        self.has_own_orders.store(true, Ordering::Release);
        self.call();
    }
}

/// By which another hub than the server's wakes a driver.
pub(crate) struct Bell {
    mail: Arc<Mail>,
    key: HomeKey,
}

impl Bell {
    pub(crate) fn new(mail: Arc<Mail>, key: HomeKey) -> Self {
        Self { mail, key }
    }
}

impl Wake for Bell {
    fn wake(&self) {
        lock(&self.mail.left).called.push(self.key);
        self.mail.call();
    }
}

/// One thread's share of a server: its connections, and all that is done for them.
pub(crate) struct Driver<H: Handler> {
    turn: Turn<H>,
    mail: Arc<Mail>,
    halt: Arc<Halt>,
    open_connections: Arc<AtomicUsize>,
    acceptor: Option<Acceptor>,
    connections: Slab<Connection<H::State>>,
    deadlines: Deadlines<usize>,
    orders: VecDeque<Order>,
    /// The connections with something new to write.
    to_flush: Vec<usize>,
    stop_deadline: Option<Timestamp>,
    /// How many more times to look without sleeping.
    glances: u32,
}

/// The first driver's part: takes connections and deals them out.
pub(crate) struct Acceptor {
    listener: Listener,
    mails: Vec<Arc<Mail>>,
    next: usize,
    paused_until: Option<Timestamp>,
    /// How many turns in a row found all the connections that they asked for.
    found_all: u32,
    /// How many connections live only to be told that there are too many.
    refused: usize,
}

impl Acceptor {
    /// How many connections to ask for in this turn.
    fn wanted(&self) -> usize {
        1 << self.doublings()
    }

    /// Asks for half as many from now on. What is left of a swarm is still asked for in a few turns.
    fn ask_for_less(&mut self) {
        self.found_all = self.doublings().saturating_sub(1) * TURNS_TO_ASK_FOR_MORE;
    }

    fn doublings(&self) -> u32 {
        (self.found_all / TURNS_TO_ASK_FOR_MORE).min(ACCEPTS_PER_TURN.ilog2())
    }
}

impl<H: Handler> Driver<H> {
    pub(crate) fn new(
        plan: Plan,
        handler: Arc<H>,
        halt: Arc<Halt>,
        mail: Arc<Mail>,
        listener: Option<(TcpListener, Vec<Arc<Mail>>)>,
    ) -> io::Result<Self> {
        let homes = Homes::new(&plan.hub, &mail)?;
        let acceptor = listener
            .map(|(listener, mails)| {
                prepare(&listener)?;
                let mut listener = Watched::new(&mail.watch, listener);
                listener.set_interest(LISTENER, Interest::Read)?;
                io::Result::Ok(Acceptor {
                    listener,
                    mails,
                    next: 0,
                    paused_until: None,
                    found_all: 0,
                    refused: 0,
                })
            })
            .transpose()?;
        Ok(Self {
            open_connections: plan.open_connections.clone(),
            turn: Turn::new(plan, handler, homes, mail.clone()),
            mail,
            halt,
            acceptor,
            connections: Slab::new(),
            deadlines: Deadlines::new(),
            orders: VecDeque::new(),
            to_flush: Vec::new(),
            stop_deadline: None,
            glances: 0,
        })
    }
}

/// Runs a driver until it is stopped and its connections are closed.
pub(crate) fn run<H: Handler>(mut driver: Driver<H>) -> io::Result<()> {
    OWN_MAIL.set(Arc::as_ptr(&driver.mail));
    let mut events = Events::with_capacity(EVENTS_PER_TURN);
    while !driver.is_done() {
        let timeout = driver.until_next_look();
        match driver.mail.watch.wait(&mut events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        driver.turn.now = driver.turn.plan.hub.now();
        let mut has_arrivals = false;
        for ready in events.ready() {
            if ready.key == LISTENER {
                has_arrivals = true;
            } else if ready.is_readable {
                driver.look_at(ready.key, Connection::read);
            } else if ready.is_writable {
                driver.look_at(ready.key, Connection::flush);
            }
        }
        // Last, so that no event of a connection that has ended reaches one that takes its place.
        if has_arrivals {
            driver.accept();
        }
        driver.look_at_due();
        driver.look_at_mail();
    }
    Ok(())
}

impl<H: Handler> Driver<H> {
    fn is_done(&self) -> bool {
        match self.stop_deadline {
            None => false,
            Some(deadline) => self.connections.is_empty() || deadline <= self.turn.now,
        }
    }

    /// How long to wait; not at all if there is mail already, or may be something else in a moment.
    fn until_next_look(&mut self) -> Option<Duration> {
        if self.mail.is_pending.load(Ordering::Acquire) {
            return Some(Duration::ZERO);
        }
        if self.glances > 0 {
            self.glances -= 1;
            return Some(Duration::ZERO);
        }
        let resume = self.acceptor.as_ref().and_then(|acceptor| acceptor.paused_until);
        let next = [self.deadlines.next(), resume, self.stop_deadline].into_iter().flatten().min()?;
        // The last turn may have taken a while.
        Some(next.since(self.turn.plan.hub.now()))
    }

    fn accept(&mut self) {
        let Some(acceptor) = &mut self.acceptor else { return };
        let wanted = acceptor.wanted();
        acceptor.found_all = acceptor.found_all.saturating_add(1);
        for _ in 0..wanted {
            let Some(acceptor) = &mut self.acceptor else { return };
            match accept(acceptor.listener.socket()) {
                Ok(arrival) => self.place(arrival),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    acceptor.ask_for_less();
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.pause_accepting();
                    }
                    return;
                }
            }
        }
    }

    /// Gives a connection to the driver whose turn it is.
    fn place(&mut self, arrival: Arrival) {
        let Some(acceptor) = &mut self.acceptor else { return };
        let already_open = self.open_connections.fetch_add(1, Ordering::Relaxed);
        if already_open >= self.turn.plan.max_connections {
            self.open_connections.fetch_sub(1, Ordering::Relaxed);
            return self.refuse(arrival.0);
        }
        acceptor.next = (acceptor.next + 1) % acceptor.mails.len();
        let mail = &acceptor.mails[acceptor.next];
        if Arc::ptr_eq(mail, &self.mail) {
            self.add(arrival);
        } else if !mail.push_arrival(arrival) {
            self.open_connections.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The system has no more open files, or no memory: the listener stays readable, and trying again at once
    /// would only spin.
    fn pause_accepting(&mut self) {
        if let Some(acceptor) = &mut self.acceptor
            && acceptor.listener.set_interest(LISTENER, Interest::Nothing).is_ok()
        {
            acceptor.paused_until = Some(self.turn.now + ACCEPT_PAUSE);
        }
    }

    /// Tells one beyond the server's capacity so, without cutting it off while it still writes: that would
    /// reset the connection, and lose the answer.
    fn refuse(&mut self, stream: TcpStream) {
        self.mail.tally.refused.add(1);
        let Some(acceptor) = self.acceptor.as_mut().filter(|acceptor| acceptor.refused < MAX_REFUSED) else {
            return;
        };
        acceptor.refused += 1;
        let socket = Watched::new(&self.mail.watch, stream);
        let key = self.connections.insert(Connection::beyond_capacity(socket, OVER_CAPACITY, &self.turn));
        self.look_at(key, Connection::flush);
    }

    fn add(&mut self, (stream, address): Arrival) {
        if self.stop_deadline.is_some() {
            self.open_connections.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        self.glances = GLANCES;
        let socket = Watched::new(&self.mail.watch, stream);
        let key = self.connections.insert(Connection::new(socket, address, &self.turn));
        // Its request is there, as a rule.
        self.look_at(key, Connection::read);
    }

    /// Lets a connection do something, and sees to what follows from it.
    fn look_at(&mut self, key: usize, act: impl FnOnce(&mut Connection<H::State>, &mut Turn<H>) -> Fate) {
        // An event of a connection that ended earlier in this turn finds nothing.
        let Some(connection) = self.connections.get_mut(key) else { return };
        match act(connection, &mut self.turn) {
            Fate::Goes => self.remove(key),
            Fate::Stays => {
                if let Some((at, client)) = connection.take_new_client() {
                    self.turn.homes.register(at, client, key);
                }
                if connection.update_interest(key).is_err() {
                    return self.remove(key);
                }
                let deadline = connection.poll_timeout();
                self.deadlines.advance(key, connection.entered(), deadline);
            }
            Fate::IsHandedOver(received) => {
                self.deadlines.remove(key, connection.entered());
                let stream = self.connections.remove(key).into_stream();
                let permit = Permit::of_counted(self.open_connections.clone());
                if let Ok(address) = stream.peer_addr() {
                    contain(|| self.turn.handler.on_http(Takeover { stream, received, address, permit }));
                }
            }
        }
    }

    fn look_at_due(&mut self) {
        while let Some(key) = self.deadlines.take_due(self.turn.now) {
            if let Some(connection) = self.connections.get_mut(key) {
                *connection.entered() = None;
                self.look_at(key, Connection::handle_timeout);
            }
        }
        if let Some(acceptor) = &mut self.acceptor
            && acceptor.paused_until.is_some_and(|until| until <= self.turn.now)
            && acceptor.listener.set_interest(LISTENER, Interest::Read).is_ok()
        {
            acceptor.paused_until = None;
        }
    }

    /// Looks at what other threads, and this one's own turn, have left. What that leaves in its turn is
    /// looked at too, once; the rest waits until the sockets have been looked at again.
    fn look_at_mail(&mut self) {
        for _ in 0..2 {
            if !self.mail.take_pending() {
                return;
            }
            // Asked first: what hubs ordered before the server was stopped is done before it stops.
            let is_stopped = self.halt.is_stopped.load(Ordering::Acquire);
            let mut left = lock(&self.mail.left);
            let arrivals = mem::take(&mut left.arrivals);
            let (resumed, called) = (mem::take(&mut left.resumed), mem::take(&mut left.called));
            drop(left);
            for arrival in arrivals {
                self.add(arrival);
            }
            for (at, client) in resumed {
                let home = self.turn.homes.get(at);
                if let Some(key) = home.and_then(|home| home.keys.get(client).copied()) {
                    self.look_at(key, |connection, _| connection.resume(client));
                }
            }
            if self.mail.has_own_orders.swap(false, Ordering::AcqRel) {
                self.perform_orders(HomeKey::OWN);
            }
            for at in called {
                self.perform_orders(at);
            }
            if self.halt.takes_no_more.load(Ordering::Acquire) {
                self.stop_accepting();
            }
            if is_stopped && self.stop_deadline.is_none() {
                self.stop();
            }
        }
    }

    fn perform_orders(&mut self, at: HomeKey) {
        let Some(own) = self.turn.homes.get(at) else { return }; // it was given up since
        let mut orders = mem::take(&mut self.orders);
        let (waiting_since, clock) = (own.hub.take_orders(own.home, &mut orders), own.hub.clock());
        // No connection ends while these are away.
        let (home, keys) = (own.home, mem::take(&mut own.keys));
        for order in Order::joined(orders.drain(..), home) {
            match order {
                Order::Deliver { to, parcel } => {
                    for client in to.at(home) {
                        let Some(key) = keys.get(client).copied() else {
                            let messages = parcel.messages().len() as u64;
                            self.turn.losses.push(Notice::Undelivered { client, messages });
                            continue;
                        };
                        let connection = &mut self.connections[key];
                        connection.deliver(client, &parcel, &mut self.turn);
                        if connection.mark_to_flush() {
                            self.to_flush.push(key);
                        }
                    }
                }
                Order::Disconnect { client, code, reason } => {
                    if let Some(key) = keys.get(client).copied() {
                        let connection = &mut self.connections[key];
                        connection.disconnect(client, code, &reason, self.turn.now);
                        if connection.mark_to_flush() {
                            self.to_flush.push(key);
                        }
                    }
                }
            }
        }
        self.orders = orders;
        if let Some(own) = self.turn.homes.get(at) {
            own.keys = keys;
            for loss in mem::take(&mut self.turn.losses) {
                let too_slow = if let Notice::TooSlow { client } = loss { Some(client) } else { None };
                own.hub.note(loss);
                if let Some(client) = too_slow {
                    own.hub.gone(client);
                }
            }
        }
        let mut to_flush = mem::take(&mut self.to_flush);
        for key in to_flush.drain(..) {
            self.look_at(key, Connection::flush);
        }
        self.to_flush = to_flush;
        if let Some(since) = waiting_since {
            self.mail.tally.delays.add(clock.now().since(since));
        }
        self.turn.homes.leave_if_deserted(at);
    }

    /// Accepts what waits for that, which would be reset otherwise, and no more from then on.
    fn stop_accepting(&mut self) {
        for _ in 0..WAITING_CONNECTIONS {
            let Some(acceptor) = &self.acceptor else { return };
            match accept(acceptor.listener.socket()) {
                Ok(arrival) => self.place(arrival),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => break,
            }
        }
        self.acceptor = None;
    }

    fn stop(&mut self) {
        self.acceptor = None;
        self.stop_deadline = Some(self.turn.now + self.turn.plan.config.close_timeout);
        let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.look_at(key, Connection::stop);
        }
    }

    fn remove(&mut self, key: usize) {
        self.glances = GLANCES;
        let mut connection = self.connections.remove(key);
        self.deadlines.remove(key, connection.entered());
        self.end(connection);
    }

    fn end(&mut self, connection: Connection<H::State>) {
        match (connection.place(), &mut self.acceptor) {
            (Place::Taken, _) => {
                self.open_connections.fetch_sub(1, Ordering::Relaxed);
            }
            (Place::Beyond, Some(acceptor)) => acceptor.refused -= 1,
            (Place::Beyond, None) => {} // it accepts no more
        }
        connection.end(&mut self.turn);
    }
}

impl<H: Handler> Drop for Driver<H> {
    fn drop(&mut self) {
        let mut left = lock(&self.mail.left);
        left.is_over = true;
        let arrivals = mem::take(&mut left.arrivals);
        drop(left);
        self.open_connections.fetch_sub(arrivals.len(), Ordering::Relaxed);
        // What is left when the time to stop has run out, or the poller has failed.
        for (_, connection) in mem::take(&mut self.connections) {
            let at = connection.at();
            self.end(connection);
            // What the others here are told of it will not be delivered.
            self.turn.homes.discard_orders(at, &mut self.orders);
        }
        self.turn.homes.leave_all();
        OWN_MAIL.set(std::ptr::null());
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted)
}
