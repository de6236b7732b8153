//! A gateway in this process, and the clients that speak to it over real sockets.
//!
//! Nothing here sleeps: whoever waits, waits for something with a name, and fails if it does not come.

mod http;
mod log;
mod pusher;
mod receiver;

pub(crate) use http::{
    HttpAnswer, KeptAlive, exchange, get, get_signed, get_signed_by, post, post_event, post_signed,
    post_signed_by, signed_query, unix_seconds,
};
pub(crate) use log::log;
pub(crate) use pusher::PusherClient;
pub(crate) use receiver::{Receiver, Reply};

use realtime_core::pusher::{App, Secret};
use realtime_server::{AppConfig, Apps, Demo, Gateway, GatewayBuilder, Stopper, Users};
use realtime_smol::Hub;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long anything may take before the test gives it up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until `is_so`, which is called `what`.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain until {what}");
        thread::yield_now();
    }
}

/// The app of all tests that need no other.
pub(crate) fn app() -> App {
    App { id: "7".into(), key: "test-key".into(), secret: Secret::new("test-secret") }
}

/// An app whose id is `name`.
pub(crate) fn app_called(name: &str) -> App {
    App { id: name.into(), key: format!("{name}-key"), secret: Secret::new(&format!("{name}-secret")) }
}

/// A gateway that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) users: Users,
    pub(crate) apps: Apps,
    pub(crate) stopper: Stopper,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    pub(crate) fn new(demo: Demo) -> Self {
        Self::with(|gateway| gateway.demo(demo))
    }

    pub(crate) fn with(change: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        Self::start(change(Gateway::builder(app())))
    }

    /// One that serves these apps.
    pub(crate) fn of<const N: usize>(apps: [AppConfig; N]) -> Self {
        let mut apps = apps.into_iter();
        let first = Gateway::builder(apps.next().unwrap());
        Self::start(apps.fold(first, GatewayBuilder::app))
    }

    fn start(gateway: GatewayBuilder) -> Self {
        let gateway = gateway.threads(NonZeroUsize::new(2).unwrap()).bind("127.0.0.1:0").unwrap();
        let (address, hub) = (gateway.local_addr().unwrap(), gateway.hub().clone());
        let (users, apps, stopper) = (gateway.users(), gateway.apps(), gateway.stopper());
        let thread = Some(thread::spawn(move || smol::block_on(gateway.serve())));
        Self { address, hub, users, apps, stopper, thread }
    }

    /// A client that was greeted.
    pub(crate) fn client(&self) -> PusherClient {
        PusherClient::greeted(self.address, "/app/test-key?protocol=7&client=js&version=8.6.0")
    }

    /// A client of `app` that was greeted.
    pub(crate) fn client_of(&self, app: &App) -> PusherClient {
        PusherClient::greeted_by(self.address, app)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the gateway's end.
    pub(crate) fn join(&mut self) -> io::Result<()> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}
