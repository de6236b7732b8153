use realtime_adapter::{Clock, lock, random};
use realtime_core::pusher::client::{Action, Client, Config, ConnectionId, Event, Question, State};
use realtime_ws::{CloseCode, Closure, Timestamp};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A client behind its lock, and whoever waits for it. No lock is held while anything waits or the application's code
/// runs.
pub(crate) struct Shared {
    clock: Clock,
    guarded: Mutex<Guarded>,
}

struct Guarded {
    client: Client,
    /// How many sockets there are, from the order to open one to its last byte.
    sockets: usize,
    /// Whether no handle is left.
    is_abandoned: bool,
    driver: Option<Waker>,
    /// Those who wait for an event, or for the last socket's end.
    waiting: Vec<Waker>,
    /// When so many wait, all are woken to ask again, so that those who gave up are forgotten. Those who did not come
    /// back, and are to find room; so it is twice as many then, and fewer again once all were woken anyway.
    max_waiting: usize,
}

/// The least that [`Guarded::max_waiting`] is.
const LEAST_MAX_WAITING: usize = 64;

/// What the driver is to do, besides sending.
pub(crate) enum Order {
    Open(Socket),
    Close { connection: ConnectionId, code: CloseCode, reason: &'static str },
    Ask(Question),
}

/// Stands for a socket that is opened, is there, or is being closed.
pub(crate) struct Socket {
    pub(crate) connection: ConnectionId,
    pub(crate) shared: Arc<Shared>,
}

impl Shared {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let guarded = Guarded {
            client: Client::new(config, u128::from_le_bytes(random::seed()) as u64),
            sockets: 0,
            is_abandoned: false,
            driver: None,
            waiting: Vec::new(),
            max_waiting: LEAST_MAX_WAITING,
        };
        Arc::new(Self { clock: Clock::start(), guarded: Mutex::new(guarded) })
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Looks at the client.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&Client) -> T) -> T {
        look(&lock(&self.guarded).client)
    }

    /// Changes the client, and wakes whoever may have waited for that.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Client, Timestamp) -> T) -> T {
        let now = self.clock.now();
        self.update(|guarded| change(&mut guarded.client, now))
    }

    /// No handle is left: the driver is to close its connection, and to end.
    pub(crate) fn abandon(&self) {
        self.update(|guarded| {
            guarded.is_abandoned = true;
            guarded.client.disconnect();
        });
    }

    /// What the driver is to do; `None` once nothing more will come. Also does what is due.
    pub(crate) fn poll_action(self: &Arc<Self>, context: &mut Context<'_>) -> Poll<Option<Order>> {
        let now = self.clock.now();
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.change(Client::handle_timeout);
        }
        let mut guarded = lock(&self.guarded);
        match guarded.client.poll_action() {
            Some(Action::Open { connection }) => {
                guarded.sockets += 1;
                let socket = Socket { connection, shared: Arc::clone(self) };
                Poll::Ready(Some(Order::Open(socket)))
            }
            Some(Action::Close { connection, code, reason }) => {
                drop(guarded);
                self.update(|_| ()); // for whoever waits until all is closed
                Poll::Ready(Some(Order::Close { connection, code, reason }))
            }
            Some(Action::Ask(question)) => Poll::Ready(Some(Order::Ask(question))),
            None if guarded.is_abandoned && guarded.client.is_closed() => Poll::Ready(None),
            None => {
                guarded.driver = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The next text to send, and over which connection: if that has ended, it is to be thrown away.
    pub(crate) fn poll_transmit(&self) -> Option<(ConnectionId, String)> {
        lock(&self.guarded).client.poll_transmit()
    }

    /// When [`poll_action`](Self::poll_action) is to be asked again, though nobody woke the driver.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        lock(&self.guarded).client.poll_timeout()
    }

    /// The next event; `None` once there is no connection any more, nor one to come.
    pub(crate) fn poll_event(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut guarded = lock(&self.guarded);
        if let Some(event) = guarded.client.poll_event() {
            return Poll::Ready(Some(event));
        }
        match guarded.client.state() {
            State::Failed | State::Disconnected => Poll::Ready(None),
            State::Initialized | State::Connecting | State::Connected | State::Unavailable => {
                guarded.wait(context);
                Poll::Pending
            }
        }
    }

    /// Ready once the last socket is closed, and none is to be opened.
    pub(crate) fn poll_closed(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut guarded = lock(&self.guarded);
        if guarded.sockets == 0 && guarded.client.is_closed() {
            return Poll::Ready(());
        }
        guarded.wait(context);
        Poll::Pending
    }

    fn update<T>(&self, change: impl FnOnce(&mut Guarded) -> T) -> T {
        let mut guarded = lock(&self.guarded);
        let outcome = change(&mut guarded);
        let driver = guarded.driver.take();
        let waiting = std::mem::take(&mut guarded.waiting);
        guarded.max_waiting = waiting.len().max(LEAST_MAX_WAITING);
        drop(guarded);
        for waker in driver.into_iter().chain(waiting) {
            waker.wake();
        }
        outcome
    }
}

impl Guarded {
    fn wait(&mut self, context: &Context<'_>) {
        if self.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            return;
        }
        if self.waiting.len() == self.max_waiting {
            self.max_waiting *= 2;
            // Wakers of tasks and threads only take note.
            self.waiting.drain(..).for_each(Waker::wake);
        }
        self.waiting.push(context.waker().clone());
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.see(|client| write!(f, "{:?}", client.state()))
    }
}

impl Socket {
    /// Tells the client that the connection has ended, or could not be opened.
    pub(crate) fn ended(&self, code: Option<CloseCode>, reason: &str) {
        self.shared.change(|client, now| client.handle_closed(self.connection, code, reason, now));
    }
}

/// What the client is told of a connection's end: the server's code, if it closed, and what happened.
pub(crate) fn ending(closure: Option<&Closure>) -> (Option<CloseCode>, String) {
    match closure {
        Some(Closure { code, reason, was_clean: true }) => (Some(*code), reason.clone()),
        Some(Closure { reason, was_clean: false, .. }) => (None, reason.clone()),
        None => (None, "the connection ended".into()),
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shared.update(|guarded| guarded.sockets -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Waiter {
        is_woken: AtomicBool,
    }

    impl Wake for Waiter {
        fn wake(self: Arc<Self>) {
            self.is_woken.store(true, Ordering::Relaxed);
        }
    }

    fn wait(shared: &Shared, waiter: &Arc<Waiter>) {
        let waker = Waker::from(waiter.clone());
        assert!(shared.poll_event(&mut Context::from_waker(&waker)).is_pending());
    }

    #[test]
    fn many_who_wait_leave_each_other_alone_after_a_while() {
        let shared = Shared::new(Config::default());
        let waiters: Vec<_> = (0..300).map(|_| Arc::new(Waiter::default())).collect();
        for _ in 0..3 {
            waiters.iter().for_each(|waiter| wait(&shared, waiter));
            let settled = (0..10).any(|_| {
                let woken = waiters.iter().filter(|waiter| waiter.is_woken.swap(false, Ordering::Relaxed));
                woken.map(|waiter| wait(&shared, waiter)).count() == 0
            });
            assert!(settled, "they wake each other for ever");
            shared.update(|_| ());
            assert!(waiters.iter().all(|waiter| waiter.is_woken.swap(false, Ordering::Relaxed)));
        }
    }

    #[test]
    fn those_who_gave_up_are_forgotten() {
        let shared = Shared::new(Config::default());
        for _ in 0..10 {
            for _ in 0..1000 {
                wait(&shared, &Arc::default());
            }
            shared.update(|_| ());
            let guarded = lock(&shared.guarded);
            assert!(guarded.waiting.is_empty() && guarded.max_waiting <= 1000);
        }
    }
}
