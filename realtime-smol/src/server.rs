use crate::driver::{self, Driver, Mail};
use crate::handler::Handler;
use crate::hub::Hub;
use crate::sockets::Watch;
use realtime_adapter::{Traffic, default_max_connections, listen};
use realtime_ws::handshake::OriginPolicy;
use realtime_ws::{CheckedConfig, Config};
use std::future::Future;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{fmt, io, thread};

/// A WebSocket server: listens at an address and hands what comes to a [`Handler`].
///
/// # Implementation
/// Each of its drivers is a thread of its own that owns its connections, one buffer to read into and one to
/// write from, and blocks in a poller of its own. The first one also accepts, and deals the connections out
/// in turn. Tasks that a handler spawns, and asynchronous authorizers, run on smol's global executor.
pub struct Server {
    listener: TcpListener,
    plan: Plan,
    stopper: Stopper,
    mails: Vec<Arc<Mail>>,
}

/// What the drivers share.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) config: CheckedConfig,
    pub(crate) hub: Hub,
    pub(crate) origins: Arc<OriginPolicy>,
    pub(crate) max_connections: usize,
    pub(crate) open_connections: Arc<AtomicUsize>,
}

/// A server's parts, each with a default; see [`Server::builder`].
#[derive(Debug)]
pub struct ServerBuilder {
    config: Config,
    hub: Hub,
    origins: OriginPolicy,
    threads: Option<NonZeroUsize>,
    max_connections: Option<usize>,
}

impl ServerBuilder {
    /// Sets the limits of each connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the hub that connections become clients of with [`Peer::connect`](crate::Peer::connect). Default: one of the
    /// server's own. Those of [others](crate::Peer::connect_to) need not be named here.
    #[must_use]
    pub fn hub(mut self, hub: &Hub) -> Self {
        self.hub = hub.clone();
        self
    }

    /// Sets which pages in browsers may connect. Default: those of the same origin. Who sends no `Origin` is
    /// no browser and is let in.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// Sets the number of drivers, each a thread. Default: one for each core.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets the most connections at a time; beyond it they are answered with 503. One that was handed to
    /// [`Handler::on_http`] counts until its [`Permit`](crate::Permit) is dropped. Default: the limit of open files
    /// less 64.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened at, or ([`io::ErrorKind::InvalidInput`]) the configuration contradicts
    /// itself.
    pub fn bind(self, address: impl ToSocketAddrs) -> io::Result<Server> {
        let (listener, config) = listen(address, self.config)?;
        let threads =
            self.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let mails =
            (0..threads).map(|_| Ok(Arc::new(Mail::new(Watch::new()?)))).collect::<io::Result<Vec<_>>>()?;
        let stopper = Stopper { halt: Arc::default(), mails: mails.clone() };
        let plan = Plan {
            config,
            hub: self.hub,
            origins: Arc::new(self.origins),
            max_connections: self.max_connections.unwrap_or_else(default_max_connections),
            open_connections: Arc::default(),
        };
        Ok(Server { listener, plan, stopper, mails })
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
            threads: None,
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

    /// Tells from anywhere what passes through the server's connections.
    #[must_use]
    pub fn meter(&self) -> Meter {
        Meter { mails: self.mails.clone() }
    }

    /// Stops the server from anywhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves until stopped. The work begins at once, in threads of its own; the future only waits for
    /// their end, and dropping it stops them.
    ///
    /// # Errors
    /// The first error of a driver: its thread could not be started, or its poller failed.
    pub fn serve<H: Handler>(self, handler: H) -> impl Future<Output = io::Result<()>> + Send {
        let handler = Arc::new(handler);
        let stop_if_dropped = StopIfDropped(self.stopper.clone());
        let (ended, ends) = smol::channel::bounded(self.mails.len());
        let mut listener = Some(self.listener);
        let mut started = Ok(0);
        for (index, mail) in self.mails.iter().enumerate() {
            let driver = Driver::new(
                self.plan.clone(),
                handler.clone(),
                self.stopper.halt.clone(),
                mail.clone(),
                listener.take().map(|listener| (listener, self.mails.clone())),
            );
            let ended = ended.clone();
            let run = move || {
                let outcome = driver.and_then(driver::run);
                // Nobody may be waiting any more.
                let _ = ended.send_blocking(outcome);
            };
            let thread = thread::Builder::new().name(format!("realtime-driver-{index}")).spawn(run);
            started = started.and_then(|count| thread.map(|_| count + 1));
        }
        async move {
            let stop_if_dropped = stop_if_dropped;
            let mut outcome = Ok(());
            for _ in 0..started? {
                let ended = ends.recv().await.unwrap_or(Ok(()));
                if ended.is_err() {
                    stop_if_dropped.0.stop();
                }
                outcome = outcome.and(ended);
            }
            outcome
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Stops a [`Server`].
#[derive(Clone)]
pub struct Stopper {
    halt: Arc<Halt>,
    mails: Vec<Arc<Mail>>,
}

/// What a server was told to leave off.
#[derive(Debug, Default)]
pub(crate) struct Halt {
    pub(crate) takes_no_more: AtomicBool,
    pub(crate) is_stopped: AtomicBool,
}

impl Stopper {
    /// Takes no more connections, for good: those that wait to be accepted still are, and then nobody listens at the
    /// address any more. What is connected stays so, and a handshake under way goes on. Idempotent.
    ///
    /// For a server that is to go without a hurry: disconnect its clients one after the other, and [`stop`](Self::stop) it
    /// then. Another one can listen at the address meanwhile.
    pub fn stop_accepting(&self) {
        self.halt.takes_no_more.store(true, Ordering::Release);
        self.wake();
    }

    /// Takes no more connections, closes those there are with 1001, and ends the server once they are closed,
    /// at the latest after [`Config::close_timeout`]. Idempotent.
    pub fn stop(&self) {
        self.halt.is_stopped.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        for mail in &self.mails {
            mail.call();
        }
    }
}

impl fmt::Debug for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopper").field("halt", &self.halt).finish_non_exhaustive()
    }
}

/// Tells what passes through the connections of a [`Server`].
#[derive(Clone)]
pub struct Meter {
    mails: Vec<Arc<Mail>>,
}

impl Meter {
    /// What has passed so far, through all drivers together. Sockets that changed hands
    /// ([`Handler::on_http`]) do not count from then on.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.mails.iter().map(|mail| mail.tally.traffic()).sum()
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("traffic", &self.traffic()).finish()
    }
}

struct StopIfDropped(Stopper);

impl Drop for StopIfDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}
