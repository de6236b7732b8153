use crate::app_config::AppConfig;
use crate::connection::Connections;
use crate::http::{DemoSite, HttpEnd, HttpLimits, HttpServer};
use crate::log::{Log, WriteLine};
use crate::metrics::{Counters, Metrics};
use crate::options::{Compression, Demo, SubscriptionCounts};
use crate::sockets::Sockets;
use crate::users::Users;
use realtime_core::pusher::{self, App, MAX_USER_CHANNEL_BYTES, Settings};
use realtime_core::wire;
use realtime_smol::{
    ChannelName, ClientId, Config, DeflateConfig, Hub, HubConfig, HubError, Meter, OriginPolicy,
    OutboxLimits, PreparedMessage, Server, SlowConsumer,
};
use smol::Executor;
use smol::channel::{Receiver, Sender, bounded};
use std::convert::Infallible;
use std::future::Future;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// Serves one app: its Pusher clients over WebSocket, and its backend over HTTP, on one port.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    connections: Connections,
    executor: Arc<Executor<'static>>,
    http_end: HttpEnd,
    stopper: Stopper,
}

/// A gateway's parts, each with a default; see [`Gateway::builder`].
pub struct GatewayBuilder {
    app: App,
    demo: Demo,
    compression: Compression,
    subscription_counts: SubscriptionCounts,
    threads: Option<NonZeroUsize>,
    settings: Settings,
    hub: HubConfig,
    http: HttpLimits,
    metrics: Metrics,
    log: Box<WriteLine>,
}

/// What all connections of a gateway share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) app: Arc<App>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) http: HttpLimits,
    pub(crate) hub: Hub,
    pub(crate) sockets: Sockets,
    pub(crate) users: Users,
    pub(crate) demo: Option<DemoSite>,
    pub(crate) log: Log,
    pub(crate) stopping: Stopping,
    pub(crate) metrics: Metrics,
    pub(crate) counters: Counters,
    pub(crate) meter: Meter,
}

impl Shared {
    /// Sends an event of the app to a channel; in cache channels it is also for those who come later.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`]; then nobody gets it.
    pub(crate) fn publish(
        &self,
        channel: &ChannelName,
        event: PreparedMessage,
        except: Option<ClientId>,
    ) -> Result<(), HubError> {
        let (hub, name) = (&self.hub, channel.clone());
        match (pusher::is_cache_channel(channel), except) {
            (true, None) => hub.retain(name, event),
            (true, Some(client)) => hub.retain_except(name, event, client),
            (false, None) => hub.broadcast(name, event),
            (false, Some(client)) => hub.broadcast_except(name, event, client),
        }
    }
}

/// What waits for a slow client before it is disconnected. The bytes are enough for the longest roster:
/// 10,000 members, of which each takes at most 3 KiB on the wire.
pub(crate) const OUTBOX: OutboxLimits =
    OutboxLimits { max_messages: 1024, max_bytes: 32 * 1024 * 1024, policy: SlowConsumer::Disconnect };

/// Short enough to look alive, and for a channel of 10,000 no more than 10,000 short messages in that time.
const SUBSCRIPTION_COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// More than the longest client event, the longest subscribe, and a sign-in whose watchlist is full of ids of a
/// few hundred bytes each.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

impl fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayBuilder")
            .field("app", &self.app)
            .field("demo", &self.demo)
            .finish_non_exhaustive()
    }
}

impl GatewayBuilder {
    /// Sets whether the demo is served: a page at `/`, and endpoints that sign and publish for anyone.
    /// Default: it is not.
    #[must_use]
    pub fn demo(mut self, demo: Demo) -> Self {
        self.demo = demo;
        self
    }

    /// Sets whether compression is agreed to when a client offers it. Default: it is not.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets whether the subscribers of a channel are told how many they are, at most once a second. Default: they
    /// are not. For another interval, set [`subscriber_count_interval`](HubConfig::subscriber_count_interval)
    /// instead.
    #[must_use]
    pub fn subscription_counts(mut self, counts: SubscriptionCounts) -> Self {
        self.subscription_counts = counts;
        self
    }

    /// Sets how many threads serve WebSocket connections. Default: one for each core.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets what connections may do and what they are told of it. Default: [`Settings::default`] with an
    /// activity timeout of 30 s.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the limits of channels and members; who is let in is decided by signatures.
    #[must_use]
    pub fn hub(mut self, config: HubConfig) -> Self {
        self.hub = config;
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

    /// Sets who is told, in a line each, of clients that break the WebSocket protocol: their address, what they were
    /// told and why. It is called by the threads that serve them, at most eleven times a second, and must not block.
    /// Default: nobody.
    #[must_use]
    pub fn log(mut self, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.log = Box::new(write);
        self
    }

    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub fn bind(self, address: impl ToSocketAddrs) -> io::Result<Gateway> {
        let app = Arc::new(self.app);
        let authorizing = app.clone();
        // Which names clients may choose is decided before; the channels of users are longer.
        let max_channel_name_bytes = self.hub.max_channel_name_bytes.max(MAX_USER_CHANNEL_BYTES);
        let subscriber_count_interval = match self.subscription_counts {
            SubscriptionCounts::On => Some(SUBSCRIPTION_COUNT_INTERVAL),
            SubscriptionCounts::Off => self.hub.subscriber_count_interval,
        };
        let hub = Hub::builder()
            .config(HubConfig { max_channel_name_bytes, subscriber_count_interval, ..self.hub })
            .outbox(OUTBOX)
            .wire(wire::Pusher)
            .authorizer_now(move |request| pusher::authorize(&authorizing, request))
            .build();
        let config = Config {
            max_message_bytes: MAX_MESSAGE_BYTES,
            deflate: match self.compression {
                // Its defaults let no message refer to an earlier one, in either direction.
                Compression::On => Some(DeflateConfig::default()),
                Compression::Off => None,
            },
            keepalive: Some(self.settings.keepalive()),
            ..Config::default()
        };
        // Pages come from the application, not from here, and nothing is granted but by signature.
        let mut server = Server::builder().config(config).hub(&hub).origins(OriginPolicy::Any);
        if let Some(threads) = self.threads {
            server = server.threads(threads);
        }
        let server = server.bind(address)?;
        let demo = match self.demo {
            Demo::On => Some(DemoSite::new(&app, server.local_addr()?)),
            Demo::Off => None,
        };
        let (settings, sockets) = (Arc::new(self.settings), Sockets::default());
        let (users, log) = (Users::new(hub.clone()), Log::new(self.log));
        let (running, stopping) = bounded(1);
        let shared = Arc::new(Shared {
            app,
            settings,
            http: self.http,
            hub,
            sockets,
            users,
            demo,
            log,
            stopping,
            metrics: self.metrics,
            counters: Counters::default(),
            meter: server.meter(),
        });
        let executor = Arc::new(Executor::new());
        let (http, http_end) = HttpServer::new(executor.clone(), shared.clone());
        let stopper = Stopper { server: server.stopper(), running };
        Ok(Gateway { server, connections: Connections { shared, http }, executor, http_end, stopper })
    }
}

impl Gateway {
    /// The parts of a gateway for `app`, to be changed.
    #[must_use]
    pub fn builder(app: App) -> GatewayBuilder {
        let AppConfig { app, settings, hub, subscription_counts, .. } = AppConfig::new(app);
        GatewayBuilder {
            app,
            demo: Demo::default(),
            compression: Compression::default(),
            subscription_counts,
            threads: None,
            settings,
            hub,
            http: HttpLimits::default(),
            metrics: Metrics::default(),
            log: Box::new(|_| ()),
        }
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.server.local_addr()
    }

    /// The hub of its clients: publishes to them from within the process. What is broadcast here must be a
    /// frame of the protocol, such as [`event`](realtime_core::pusher::frames::event) makes. For those who come later to a
    /// [cache channel](pusher::is_cache_channel()) is kept only what is published over HTTP or with
    /// `retain`, not what is broadcast.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.connections.shared.hub
    }

    /// The users as whom its clients are signed in: sends to them, and ends their connections.
    #[must_use]
    pub fn users(&self) -> Users {
        self.connections.shared.users.clone()
    }

    /// Stops the gateway from anywhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves until stopped. Dropping the future stops the gateway and ends its HTTP connections.
    ///
    /// # Implementation
    /// WebSocket connections live in threads of their own; HTTP is served by whoever polls this future.
    ///
    /// # Errors
    /// The system fails: a thread cannot be started, or a poller breaks.
    pub fn serve(self) -> impl Future<Output = io::Result<()>> + Send {
        let Self { server, connections, executor, http_end, stopper } = self;
        let serving = server.serve(connections);
        async move {
            let served = async {
                let outcome = serving.await;
                stopper.stop();
                http_end.reached().await;
                outcome
            };
            executor.run(served).await
        }
    }
}

/// Stops a [`Gateway`].
#[derive(Clone, Debug)]
pub struct Stopper {
    server: realtime_smol::Stopper,
    // Closed when the gateway stops; nothing is ever sent.
    running: Sender<Infallible>,
}

/// Resolves when a gateway stops.
pub(crate) type Stopping = Receiver<Infallible>;

impl Stopper {
    /// Takes no more connections, lets HTTP requests that are being answered end, and closes WebSocket
    /// clients with 1001, on which Pusher clients come back after a second. The gateway ends once all are
    /// closed, at the latest after 5 s. Idempotent.
    pub fn stop(&self) {
        self.running.close();
        self.server.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realtime_core::pusher::{Secret, SocketId};
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
            assert!(shared.sockets.client(id).is_some());
            socket.close(CloseCode::NORMAL, "").await.expect("a closing handshake");
            while shared.sockets.client(id).is_some() {
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
