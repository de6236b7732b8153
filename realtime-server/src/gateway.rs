use crate::app_config::AppConfig;
use crate::apps::{Apps, InvalidApps};
use crate::complaints::Complaints;
use crate::connection::Connections;
use crate::drain::{Course, Drain};
use crate::http::{Access, HttpEnd, HttpLimits, HttpServer, Page, Reach};
use crate::metrics::{Counters, Metrics};
use crate::options::{Compression, DebugPage, Demo};
use crate::served_app::ServedApp;
use crate::users::Users;
use crate::webhooks::Couriers;
use realtime_smol::{
    ClientId, Config, DeflateConfig, Hub, Meter, OriginPolicy, OutboxLimits, Server, SlowConsumer,
};
use smol::{Executor, future};
use std::future::Future;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::{fmt, io};
use tracing::field::display;
use tracing::info;

/// Serves apps: their Pusher clients over WebSocket, and their backends over HTTP, on one port.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    connections: Connections,
    executor: Arc<Executor<'static>>,
    http_end: HttpEnd,
    couriers: Arc<Couriers>,
    drain: Drain,
    stopper: Stopper,
}

/// A gateway's parts, each with a default; see [`Gateway::builder`].
pub struct GatewayBuilder {
    apps: Vec<AppConfig>,
    demo: Demo,
    debug_page: DebugPage,
    compression: Compression,
    threads: Option<NonZeroUsize>,
    http: HttpLimits,
    metrics: Metrics,
    drain: Drain,
}

/// What all connections of a gateway share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) apps: Apps,
    /// The app of the demo, and of whoever builds a gateway for one app.
    pub(crate) first: Arc<ServedApp>,
    pub(crate) http: HttpLimits,
    pub(crate) demo: Option<Reach>,
    pub(crate) page: Page,
    pub(crate) complaints: Complaints,
    pub(crate) course: Course,
    pub(crate) metrics: Metrics,
    pub(crate) counters: Counters,
    pub(crate) meter: Meter,
}

impl Shared {
    /// All clients that are connected, of each app those first that connected first.
    pub(crate) fn clients(&self) -> Vec<(Arc<ServedApp>, ClientId)> {
        let of_app =
            |app: Arc<ServedApp>| app.sockets.clients().into_iter().map(move |client| (app.clone(), client));
        self.apps.all().into_iter().flat_map(of_app).collect()
    }
}

/// What waits for a slow client before it is disconnected. The bytes are enough for the longest roster:
/// 10,000 members, of which each takes at most 3 KiB on the wire.
pub(crate) const OUTBOX: OutboxLimits =
    OutboxLimits { max_messages: 1024, max_bytes: 32 * 1024 * 1024, policy: SlowConsumer::Disconnect };

/// More than the longest client event, the longest subscribe, and a sign-in whose watchlist is full of ids of a
/// few hundred bytes each.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

impl fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayBuilder")
            .field("apps", &self.apps)
            .field("demo", &self.demo)
            .finish_non_exhaustive()
    }
}

impl GatewayBuilder {
    /// Serves one more app, beside those named before.
    #[must_use]
    pub fn app(mut self, app: impl Into<AppConfig>) -> Self {
        self.apps.push(app.into());
        self
    }

    /// Sets whether the demo is served: the debug page at `/`, and endpoints that sign and publish for anyone, in the
    /// first app. Default: it is not.
    #[must_use]
    pub fn demo(mut self, demo: Demo) -> Self {
        self.demo = demo;
        self
    }

    /// Sets for whom the debug page is, at `/`. Default: for anyone in the demo, and for nobody else.
    #[must_use]
    pub fn debug_page(mut self, page: DebugPage) -> Self {
        self.debug_page = page;
        self
    }

    /// Sets whether compression is agreed to when a client offers it. Default: it is not.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets how many threads serve WebSocket connections. Default: one for each core.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets the limits of HTTP connections.
    #[must_use]
    pub fn http(mut self, limits: HttpLimits) -> Self {
        self.http = limits;
        self
    }

    /// Sets who is told, at `/metrics`, what the gateway counts. Default: nobody.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Sets how the gateway goes when it is asked to with [`Stopper::drain`]. Default: at once.
    #[must_use]
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened at, or ([`io::ErrorKind::InvalidInput`], with [`InvalidApps`]) two apps have the
    /// same id or key.
    pub fn bind(self, address: impl ToSocketAddrs) -> io::Result<Gateway> {
        let config = Config {
            max_message_bytes: MAX_MESSAGE_BYTES,
            deflate: match self.compression {
                // Its defaults let no message refer to an earlier one, in either direction.
                Compression::On => Some(DeflateConfig::default()),
                Compression::Off => None,
            },
            ..Config::default()
        };
        let executor = Arc::new(Executor::new());
        let couriers = Arc::new(Couriers::new(&executor));
        let apps = Apps::new(config.clone(), couriers.clone());
        let invalid = |error: InvalidApps| io::Error::new(io::ErrorKind::InvalidInput, error);
        apps.replace(self.apps).map_err(invalid)?;
        let Some(first) = apps.all().into_iter().next() else {
            unreachable!("a gateway is built with an app");
        };
        // Each app has its own, and nothing is granted but by signature.
        let mut server = Server::builder().config(config).hub(&first.hub).origins(OriginPolicy::Any);
        if let Some(threads) = self.threads {
            server = server.threads(threads);
        }
        let server = server.bind(address)?;
        let demo = match self.demo {
            Demo::On => Some(Reach::of(server.local_addr()?)),
            Demo::Off => None,
        };
        let page = Page::new(match self.debug_page {
            DebugPage::WithDemo => demo.map_or(Access::Nobody, Access::Anyone),
            DebugPage::Token(token) => Access::Bearer(token),
        });
        let course = Course::default();
        let shared = Arc::new(Shared {
            apps,
            first,
            http: self.http,
            demo,
            page,
            complaints: Complaints::default(),
            course: course.clone(),
            metrics: self.metrics,
            counters: Counters::default(),
            meter: server.meter(),
        });
        let (http, http_end) = HttpServer::new(executor.clone(), shared.clone());
        let stopper = Stopper { server: server.stopper(), course };
        let (connections, drain) = (Connections { shared, http }, self.drain);
        Ok(Gateway { server, connections, executor, http_end, couriers, drain, stopper })
    }
}

impl Gateway {
    /// The parts of a gateway for one app, to be changed; an [`App`](crate::App) does, with the defaults of
    /// [`AppConfig::new`].
    #[must_use]
    pub fn builder(app: impl Into<AppConfig>) -> GatewayBuilder {
        GatewayBuilder {
            apps: vec![app.into()],
            demo: Demo::default(),
            debug_page: DebugPage::default(),
            compression: Compression::default(),
            threads: None,
            http: HttpLimits::default(),
            metrics: Metrics::default(),
            drain: Drain::default(),
        }
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.server.local_addr()
    }

    /// The apps that it serves: finds the hubs of others than the first, and changes which there are.
    #[must_use]
    pub fn apps(&self) -> Apps {
        self.connections.shared.apps.clone()
    }

    /// The hub of the first app's clients: publishes to them from within the process. What is broadcast here must be a
    /// frame of the protocol, such as [`event`](realtime_core::pusher::frames::event) makes. For those who come later to a
    /// [cache channel](realtime_core::pusher::is_cache_channel()) is kept only what is published over HTTP or with
    /// `retain`, not what is broadcast.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.connections.shared.first.hub
    }

    /// The users as whom the first app's clients are signed in: sends to them, and ends their connections.
    #[must_use]
    pub fn users(&self) -> Users {
        self.connections.shared.first.users.clone()
    }

    /// Stops the gateway from anywhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves until stopped. Dropping the future stops the gateway and ends its HTTP connections.
    ///
    /// # Implementation
    /// WebSocket connections live in threads of their own; HTTP is served, and webhooks are posted, by whoever polls this
    /// future.
    ///
    /// # Errors
    /// The system fails: a thread cannot be started, or a poller breaks.
    pub fn serve(self) -> impl Future<Output = io::Result<()>> + Send {
        let Self { server, connections, executor, http_end, couriers, drain, stopper } = self;
        let (shared, address) = (connections.shared.clone(), server.local_addr().ok().map(display));
        let serving = server.serve(connections);
        async move {
            let served = async {
                let outcome = serving.await;
                stopper.stop();
                http_end.reached().await;
                couriers.end().await;
                outcome
            };
            let meanwhile = async {
                future::zip(drain.conduct(&shared, &stopper), shared.complaints.tell_left_out()).await;
                future::pending().await
            };
            info!(address, apps = shared.apps.all().len(), "serving");
            let outcome = executor.run(future::or(served, meanwhile)).await;
            shared.complaints.tell_left_out_now();
            info!(address, "stopped");
            outcome
        }
    }
}

/// Stops a [`Gateway`].
#[derive(Clone, Debug)]
pub struct Stopper {
    server: realtime_smol::Stopper,
    course: Course,
}

impl Stopper {
    /// Has the gateway go as its [`Drain`] says: its clients are closed one after the other, if there is time for that, and
    /// then it stops. It does so while [`Gateway::serve`] is polled. Idempotent.
    pub fn drain(&self) {
        self.course.leaving.reach();
    }

    /// Takes no more connections, lets HTTP requests that are being answered end, and closes WebSocket
    /// clients with 1001, on which Pusher clients come back after a second. The gateway ends once all are
    /// closed, at the latest after 5 s, and webhooks that wait are delivered, or their time for that
    /// ([`drain_timeout`](crate::WebhookConfig::drain_timeout)) is over. A drain under way ends by it. Idempotent.
    pub fn stop(&self) {
        for milestone in [&self.course.leaving, &self.course.closing, &self.course.stopping] {
            milestone.reach();
        }
        self.server.stop();
    }

    pub(crate) fn stop_accepting(&self) {
        self.server.stop_accepting();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realtime_core::pusher::{App, Secret, SocketId};
    use realtime_smol::{CloseCode, OwnedMessage, WebSocket};
    use smol::future;

    fn socket_id(greeting: Option<Result<OwnedMessage, realtime_smol::Error>>) -> SocketId {
        let Some(Ok(OwnedMessage::Text(greeting))) = greeting else { panic!("{greeting:?}") };
        let id = greeting.split(r#"socket_id\":\""#).nth(1).and_then(|rest| rest.split('\\').next());
        id.and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{greeting}"))
    }

    #[test]
    fn a_socket_id_leads_to_its_client_until_that_is_gone() {
        let app = App { id: "id".into(), key: "key".into(), secret: Secret::new("secret") };
        let gateway = Gateway::builder(app).bind("127.0.0.1:0").expect("a free port");
        let address = gateway.local_addr().expect("an address");
        let shared = gateway.connections.shared.clone();
        let visit = async {
            let uri = format!("ws://{address}/app/key");
            let mut socket = WebSocket::connect(&uri, Config::default()).await.expect("a connection");
            let id = socket_id(socket.next().await);
            assert!(shared.first.sockets.client(id).is_some());
            socket.close(CloseCode::NORMAL, "").await.expect("a closing handshake");
            while shared.first.sockets.client(id).is_some() {
                future::yield_now().await;
            }
            Ok(())
        };
        let too_late = async {
            smol::Timer::after(std::time::Duration::from_secs(10)).await;
            panic!("the socket id still leads to a client");
        };
        smol::block_on(future::or(gateway.serve(), future::or(visit, too_late)))
            .expect("no error of the system");
    }
}
