use crate::hub::Hub;
use crate::link::{Link, poll_for};
use crate::waker::Waker;
use realtime_adapter::{ForAdapters, Wake, lock};
use realtime_core::{
    ClientId, ClientTable, Credentials, Home, HubError, Notice, Order, Outgoing, Pushed, TOO_SLOW,
};
use realtime_ws::{CloseCode, Timestamp};
use rustix::event::{PollFd, PollFlags};
use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::{fmt, io};

/// Delivers to a server's clients, in a thread of its own, what the hub orders; so that nobody else ever waits for a client
/// that is slow.
///
/// It writes what a socket takes at once. Whatever is left waits in the client's outbox, and the socket among those
/// that are watched until it takes more.
pub(crate) struct Driver {
    hub: Hub,
    home: Home,
    waker: Arc<Waker>,
    clients: Mutex<ClientTable<Arc<Link>>>,
    /// Connections that others have begun to close.
    to_watch: Mutex<Vec<Arc<Link>>>,
    is_stopped: AtomicBool,
}

/// What only the driver's thread touches.
#[derive(Default)]
struct Turn {
    orders: VecDeque<Order>,
    /// The connections with something new to write.
    touched: Vec<Arc<Link>>,
    /// The connections that do not take what there is for them, or have to be closed by some time.
    watched: Vec<Arc<Link>>,
    losses: Vec<Notice>,
}

impl Driver {
    /// A driver of `hub`; [`run`](Self::run) is for a thread of its own.
    pub(crate) fn new(hub: Hub) -> io::Result<Self> {
        let waker = Arc::new(Waker::new()?);
        let home = hub.add_driver(Arc::clone(&waker))?;
        Ok(Self {
            hub,
            home,
            waker,
            clients: Mutex::default(),
            to_watch: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        })
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Makes the connection behind `link` a client of the hub.
    pub(crate) fn connect(&self, link: &Arc<Link>, credentials: Credentials) -> Result<ClientId, HubError> {
        // Inside the lock, so that nothing is delivered before there is a place for it.
        let mut clients = lock(&self.clients);
        let connected = self.hub.connect_at(self.home, credentials);
        if let Ok(client) = connected {
            clients.insert(client, Arc::clone(link));
        }
        drop(clients);
        self.hub.settle();
        connected
    }

    /// Forgets a client, and tells the hub that it is gone.
    pub(crate) fn forget(&self, client: ClientId) {
        lock(&self.clients).remove(client);
        self.hub.gone(client);
    }

    /// Tells the application of what `client`, which is forgotten, was not sent through `link` and will not be.
    pub(crate) fn report_undelivered(&self, client: ClientId, link: &Link) {
        let messages = link.outbound().end();
        self.hub.note(Notice::Undelivered { client, messages });
    }

    /// Sees to it that `link`, which is being closed, is written to, and closed by its deadline.
    pub(crate) fn watch(&self, link: Arc<Link>) {
        lock(&self.to_watch).push(link);
        self.waker.wake();
    }

    /// Ends [`run`](Self::run).
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Delivers until stopped.
    ///
    /// # Errors
    /// The system cannot poll.
    pub(crate) fn run(&self) -> io::Result<()> {
        let mut turn = Turn::default();
        while !self.is_stopped.load(Ordering::Acquire) {
            let ready = self.wait(&turn.watched)?;
            self.look_at_watched(&mut turn, &ready);
            for link in mem::take(&mut *lock(&self.to_watch)) {
                touch(&link, &mut turn.touched);
            }
            self.perform_orders(&mut turn);
            self.report(&mut turn.losses);
            for link in mem::take(&mut turn.touched) {
                flush(link, &mut turn.watched);
            }
            if self.hub.poll_timeout().is_some_and(|due| due <= self.hub.now()) {
                self.hub.handle_timeout();
            }
        }
        Ok(())
    }

    /// Sleeps until there is something to do; says what each of `watched` is ready for.
    fn wait(&self, watched: &[Arc<Link>]) -> io::Result<Vec<PollFlags>> {
        let mut due = self.hub.poll_timeout();
        let mut fds = Vec::with_capacity(1 + watched.len());
        fds.push(PollFd::new(&*self.waker, PollFlags::IN));
        for link in watched {
            let outbound = link.outbound();
            due = [due, outbound.poll_timeout()].into_iter().flatten().min();
            let interest = if outbound.is_drained() { PollFlags::empty() } else { PollFlags::OUT };
            fds.push(PollFd::new(&**link, interest));
        }
        poll_for(&mut fds, due.map(|due| due.since(self.hub.now())))?;
        if !fds[0].revents().is_empty() {
            self.waker.reset();
        }
        Ok(fds[1..].iter().map(PollFd::revents).collect())
    }

    fn look_at_watched(&self, turn: &mut Turn, ready: &[PollFlags]) {
        let now = self.hub.now();
        let mut ready = ready.iter();
        turn.watched.retain(|link| {
            let is_over = ready.next().is_some_and(|ready| ready.intersects(PollFlags::HUP | PollFlags::ERR));
            let mut outbound = link.outbound();
            outbound.is_watched = !is_over && is_to_be_watched_on(link, &mut outbound, now);
            outbound.is_watched
        });
    }

    fn perform_orders(&self, turn: &mut Turn) {
        self.hub.take_orders(self.home, &mut turn.orders);
        let clients = lock(&self.clients);
        for order in Order::joined(turn.orders.drain(..), self.home) {
            match order {
                Order::Deliver { to, parcel } => {
                    for client in to.at(self.home) {
                        let Some(link) = clients.get(client) else {
                            let messages = parcel.messages().len() as u64;
                            turn.losses.push(Notice::Undelivered { client, messages });
                            continue;
                        };
                        let mut outbound = link.outbound();
                        // An error shows again when it is flushed.
                        let pushed = outbound.deliver(&parcel, |outgoing| drop(link.flush(outgoing)));
                        match pushed {
                            Pushed::Queued | Pushed::Closing => {}
                            Pushed::Dropped { messages } => {
                                turn.losses.push(Notice::Dropped { client, messages });
                            }
                            Pushed::Overflowed => {
                                let (code, reason) = TOO_SLOW;
                                // The code is one that may be sent.
                                let _ = outbound.close_now(code, reason, link.now());
                                turn.losses.push(Notice::TooSlow { client });
                            }
                        }
                        drop(outbound);
                        touch(link, &mut turn.touched);
                    }
                }
                Order::Disconnect { client, code, reason } => {
                    if let Some(link) = clients.get(client) {
                        close(link, code, &reason);
                        touch(link, &mut turn.touched);
                    }
                }
            }
        }
    }

    fn report(&self, losses: &mut Vec<Notice>) {
        for loss in losses.drain(..) {
            if let Notice::TooSlow { client } = loss {
                self.hub.gone(client);
            }
            self.hub.note(loss);
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.hub.remove_driver(self.home);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("home", &self.home).finish_non_exhaustive()
    }
}

/// Begins to close a connection after all that waits for it.
pub(crate) fn close(link: &Link, code: CloseCode, reason: &str) {
    let mut outbound = link.outbound();
    if outbound.close(code, reason, link.now()).is_err() {
        // Codes that stand for the absence of one cannot be sent.
        let _ = outbound.close(CloseCode::NORMAL, reason, link.now());
    }
}

fn touch(link: &Arc<Link>, touched: &mut Vec<Arc<Link>>) {
    if !mem::replace(&mut link.outbound().is_touched, true) {
        touched.push(Arc::clone(link));
    }
}

fn flush(link: Arc<Link>, watched: &mut Vec<Arc<Link>>) {
    let mut outbound = link.outbound();
    outbound.is_touched = false;
    let is_to_be_watched = is_to_be_watched_on(&link, &mut outbound, link.now());
    if is_to_be_watched && !mem::replace(&mut outbound.is_watched, true) {
        drop(outbound);
        watched.push(link);
    }
}

/// Writes what a connection takes, gives it up if its time is over, and says whether it is to be looked at again.
fn is_to_be_watched_on(link: &Link, outgoing: &mut Outgoing, now: Timestamp) -> bool {
    let was_being_closed = outgoing.poll_timeout().is_some();
    outgoing.handle_timeout(now);
    let has_given_up = was_being_closed && outgoing.poll_timeout().is_none();
    if has_given_up || link.flush(outgoing).is_err() {
        link.cut();
        return false;
    }
    // Writing may have begun a close that waited for it.
    !outgoing.is_drained() || outgoing.poll_timeout().is_some()
}
