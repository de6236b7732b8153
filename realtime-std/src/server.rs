use crate::connection::{self, Service};
use crate::driver::{self, Driver};
use crate::handler::Handler;
use crate::hub::Hub;
use crate::link::{Link, poll_for};
use crate::waker::Waker;
use realtime_adapter::{Wake, default_max_connections, listen, lock};
use realtime_core::responses::OVER_CAPACITY;
use realtime_ws::handshake::OriginPolicy;
use realtime_ws::{CheckedConfig, CloseCode, Config};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{RecvFlags, recv};
use std::collections::BTreeMap;
use std::io::Write;
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

/// How long no connection is accepted after the system refused one, for want of open files as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a server that stops waits for the threads of connections that it has cut. Only one whose handler blocks takes
/// longer; it ends when the handler returns.
const GRACE: Duration = Duration::from_secs(1);

const DEFAULT_STACK_BYTES: usize = 256 * 1024;

/// A WebSocket server: listens at an address and hands what comes to a [`Handler`].
///
/// # Implementation
/// Each connection has a thread of its own, which blocks in reads and runs the handler. One more thread, the driver, writes
/// what the hub delivers, and never blocks in a write. [`serve`](Self::serve) itself accepts.
pub struct Server {
    listener: TcpListener,
    plan: Plan,
    stack_bytes: usize,
    max_connections: usize,
    stopper: Stopper,
}

/// What connections need to know.
pub(crate) struct Plan {
    pub(crate) config: CheckedConfig,
    pub(crate) hub: Hub,
    pub(crate) origins: OriginPolicy,
}

/// A server's parts, each with a default; see [`Server::builder`].
#[derive(Debug)]
pub struct ServerBuilder {
    config: Config,
    hub: Hub,
    origins: OriginPolicy,
    stack_bytes: usize,
    max_connections: Option<usize>,
}

impl ServerBuilder {
    /// Sets the limits of each connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the hub that connections become clients of. Default: one of the server's own.
    #[must_use]
    pub fn hub(mut self, hub: &Hub) -> Self {
        self.hub = hub.clone();
        self
    }

    /// Sets which pages in browsers may connect. Default: those of the same origin. Who sends no `Origin` is no browser and
    /// is let in.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// Sets the size of the stack of each connection's thread, in bytes, 64 KiB of them for the server's own use. Default 256 KiB,
    /// of which the system gives only the pages that are used.
    #[must_use]
    pub fn stack_bytes(mut self, bytes: usize) -> Self {
        self.stack_bytes = bytes;
        self
    }

    /// Sets the most connections at a time; beyond it they are answered with 503. Default: the limit of open files less
    /// 64.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened at, or ([`io::ErrorKind::InvalidInput`]) the configuration contradicts itself.
    pub fn bind(self, address: impl ToSocketAddrs) -> io::Result<Server> {
        let (listener, config) = listen(address, self.config)?;
        let waker = Arc::new(Waker::new()?);
        Ok(Server {
            listener,
            plan: Plan { config, hub: self.hub, origins: self.origins },
            stack_bytes: self.stack_bytes,
            max_connections: self.max_connections.unwrap_or_else(default_max_connections),
            stopper: Stopper { is_stopped: Arc::default(), waker },
        })
    }
}

impl Server {
    /// A server with all defaults at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::builder().bind(address)
    }

    /// The parts of a server, to be changed.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            config: Config::default(),
            hub: Hub::new(),
            origins: OriginPolicy::default(),
            stack_bytes: DEFAULT_STACK_BYTES,
            max_connections: None,
        }
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The hub that connections become clients of.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.plan.hub
    }

    /// Stops the server from anywhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves until stopped.
    ///
    /// # Errors
    /// A thread could not be started, or the system cannot poll; all connections are closed.
    pub fn serve<H: Handler>(self, handler: H) -> io::Result<()> {
        let driver = Driver::new(self.plan.hub.clone())?;
        let connections = Connections::default();
        let buffers = Mutex::default();
        let service = Arc::new(Service { handler, plan: self.plan, driver, connections, buffers });
        let deliverer = thread::Builder::new().name("realtime-driver".into()).spawn({
            let (service, stopper) = (Arc::clone(&service), self.stopper.clone());
            move || {
                let outcome = service.driver.run();
                stopper.stop();
                outcome
            }
        })?;
        let acceptor = Acceptor {
            listener: self.listener,
            service: Arc::clone(&service),
            stack_bytes: self.stack_bytes,
            max_connections: self.max_connections,
        };
        let accepted = acceptor.run(&self.stopper);
        drop(acceptor);
        service.connections.close(&service.driver, service.plan.config.close_timeout);
        service.driver.stop();
        let delivered = deliverer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        accepted.and(delivered)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Stops a [`Server`].
#[derive(Clone, Debug)]
pub struct Stopper {
    is_stopped: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stopper {
    /// Takes no more connections, closes those there are with 1001, and ends the server once they are closed; cuts those
    /// that are not after [`Config::close_timeout`]. Idempotent.
    ///
    /// A handler that blocks at that time is waited for a second longer; its thread ends when it returns.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }
}

/// Takes connections and gives each a thread.
struct Acceptor<H> {
    listener: TcpListener,
    service: Arc<Service<H>>,
    stack_bytes: usize,
    max_connections: usize,
}

impl<H: Handler> Acceptor<H> {
    fn run(&self, stopper: &Stopper) -> io::Result<()> {
        let mut pause = None;
        while !stopper.is_stopped() {
            let mut fds =
                [PollFd::new(&*stopper.waker, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
            // The listener stays ready while the system refuses; trying again at once would only spin.
            let watched = if pause.is_some() { &mut fds[..1] } else { &mut fds[..] };
            poll_for(watched, pause)?;
            pause = None;
            match self.listener.accept() {
                Ok((stream, address)) => pause = self.take(stream, address).err().map(|_| ACCEPT_PAUSE),
                Err(error) if is_passing(&error) => {}
                Err(_) => pause = Some(ACCEPT_PAUSE),
            }
        }
        Ok(())
    }

    /// Gives a connection a thread.
    ///
    /// # Errors
    /// There are no more threads to be had; the connection is closed.
    fn take(&self, stream: TcpStream, address: SocketAddr) -> io::Result<()> {
        // A socket that cannot be set up is of no use to its peer either. Some systems let it inherit that the listener does
        // not block; and without the second some hold back a short frame for the acknowledgement of an earlier one.
        if stream.set_nonblocking(false).and_then(|()| stream.set_nodelay(true)).is_err() {
            return Ok(());
        }
        let stream = Arc::new(stream);
        let Some(number) = self.service.connections.add(&stream, self.max_connections) else {
            refuse_over_capacity(&stream);
            return Ok(());
        };
        let seat = Seat { service: Arc::clone(&self.service), number };
        let thread = thread::Builder::new().name("realtime-conn".into()).stack_size(self.stack_bytes);
        thread.spawn(move || connection::serve(&seat.service, seat.number, stream, address)).map(drop)
    }
}

/// A connection's entry among those of its server; given up with the connection's thread, also if that panics.
struct Seat<H> {
    service: Arc<Service<H>>,
    number: u64,
}

impl<H> Drop for Seat<H> {
    fn drop(&mut self) {
        self.service.connections.remove(self.number);
    }
}

/// The connections of a server.
#[derive(Default)]
pub(crate) struct Connections {
    all: Mutex<All>,
    one_ended: Condvar,
}

#[derive(Default)]
struct All {
    by_number: BTreeMap<u64, Stage>,
    next: u64,
    is_closing: bool,
}

enum Stage {
    Opening(Arc<TcpStream>),
    Open(Arc<Link>),
    /// It is no WebSocket, and the application's.
    Released,
}

impl Connections {
    /// The number of a new connection; `None` if there are `max` already.
    fn add(&self, stream: &Arc<TcpStream>, max: usize) -> Option<u64> {
        let mut all = lock(&self.all);
        if all.by_number.len() >= max {
            return None;
        }
        let number = all.next;
        all.next += 1;
        all.by_number.insert(number, Stage::Opening(Arc::clone(stream)));
        Some(number)
    }

    /// Takes note that an opening handshake is done; false if it is too late, because the server stops.
    pub(crate) fn open(&self, number: u64, link: &Arc<Link>) -> bool {
        let mut all = lock(&self.all);
        if !all.is_closing {
            all.by_number.insert(number, Stage::Open(Arc::clone(link)));
        }
        !all.is_closing
    }

    /// Lets go of a connection's socket.
    pub(crate) fn release(&self, number: u64) {
        lock(&self.all).by_number.insert(number, Stage::Released);
    }

    fn remove(&self, number: u64) {
        // The socket is closed without the lock.
        let ended = lock(&self.all).by_number.remove(&number);
        drop(ended);
        self.one_ended.notify_all();
    }

    /// Closes all, and waits for their end; cuts those that are not closed after `patience`.
    fn close(&self, driver: &Driver, patience: Duration) {
        let mut all = lock(&self.all);
        all.is_closing = true;
        for stage in all.by_number.values() {
            match stage {
                Stage::Opening(_) | Stage::Released => stage.cut(),
                Stage::Open(link) => {
                    driver::close(link, CloseCode::GOING_AWAY, "the server is stopping");
                    driver.watch(Arc::clone(link));
                }
            }
        }
        drop(all);
        if !self.wait_for_all(patience) {
            lock(&self.all).by_number.values().for_each(Stage::cut);
            self.wait_for_all(GRACE);
        }
    }

    /// Whether all ended within `patience`.
    fn wait_for_all(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut all = lock(&self.all);
        while !all.by_number.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (all, _) = self.one_ended.wait_timeout(all, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

impl Stage {
    fn cut(&self) {
        match self {
            Self::Opening(stream) => {
                // One that is not connected any more is at its end already.
                let _ = stream.shutdown(Shutdown::Both);
            }
            Self::Open(link) => link.cut(),
            Self::Released => {}
        }
    }
}

/// Whether an error of accepting is over with the call: nobody was there, or whoever was is gone.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted)
}

fn refuse_over_capacity(mut stream: &TcpStream) {
    // A fresh socket has room for this, so that it does not block; if not, the client learns by the connection's end.
    if stream.set_nonblocking(true).is_ok() && stream.write(OVER_CAPACITY).is_ok() {
        // Closing with the unread request would reset the connection, and may lose the answer.
        let _ = recv(stream, &mut [MaybeUninit::uninit(); 4096], RecvFlags::empty());
    }
}
