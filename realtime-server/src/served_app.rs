use crate::app_config::AppConfig;
use crate::gateway::OUTBOX;
use crate::http::Page;
use crate::options::SubscriptionCounts;
use crate::sockets::Sockets;
use crate::users::Users;
use crate::webhooks::{Couriers, Inbox};
use realtime_core::pusher::{self, ConnectError, ErrorCode, MAX_USER_CHANNEL_BYTES};
use realtime_core::wire;
use realtime_smol::{
    ChannelName, CheckedConfig, ClientId, Config, Hub, HubConfig, HubError, InvalidConfig, PreparedMessage,
    Upgrade,
};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// An app at work: what holds for it now, its hub, and who is in that.
#[derive(Debug)]
pub(crate) struct ServedApp {
    pub(crate) hub: Hub,
    pub(crate) sockets: Sockets,
    pub(crate) users: Users,
    /// There if it has webhooks.
    pub(crate) webhooks: Option<Arc<Inbox>>,
    // The hub's authorizer has it too.
    current: Arc<Current>,
    connections: AtomicUsize,
}

/// What holds for an app at a moment: its configuration, ready for use.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) config: AppConfig,
    /// The limits of its connections.
    pub(crate) limits: CheckedConfig,
    version: u64,
}

/// The terms that hold now: looked at with every message, and seldom changed.
#[derive(Debug)]
struct Current {
    terms: RwLock<Arc<Terms>>,
    version: AtomicU64,
}

/// Short enough to look alive, and for a channel of 10,000 no more than 10,000 short messages in that time.
const SUBSCRIPTION_COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// What a client event has beside its data, and more.
const CLIENT_EVENT_ENVELOPE_BYTES: usize = 2 * 1024;

impl Terms {
    /// What `config` comes to; what it does not say of connections, `limits` says.
    ///
    /// # Errors
    /// [`InvalidConfig`]: both together contradict themselves.
    pub(crate) fn new(config: AppConfig, limits: &Config) -> Result<Self, InvalidConfig> {
        let longest_event =
            config.settings.max_client_event_bytes.saturating_add(CLIENT_EVENT_ENVELOPE_BYTES);
        let limits = Config {
            max_message_bytes: limits.max_message_bytes.max(longest_event),
            keepalive: Some(config.settings.keepalive()),
            ..limits.clone()
        };
        Ok(Self { config, limits: limits.checked()?, version: 0 })
    }

    /// The limits of the app's hub.
    fn hub(&self) -> HubConfig {
        let AppConfig { hub, subscription_counts, .. } = &self.config;
        let subscriber_count_interval = match subscription_counts {
            SubscriptionCounts::On => Some(SUBSCRIPTION_COUNT_INTERVAL),
            SubscriptionCounts::Off => hub.subscriber_count_interval,
        };
        // Which names clients may choose is decided before; the channels of users are longer.
        let max_channel_name_bytes = hub.max_channel_name_bytes.max(MAX_USER_CHANNEL_BYTES);
        HubConfig { max_channel_name_bytes, subscriber_count_interval, ..hub.clone() }
    }

    /// Whether `app` still has these.
    pub(crate) fn hold_for(&self, app: &ServedApp) -> bool {
        app.current.version.load(Ordering::Acquire) == self.version
    }
}

impl ServedApp {
    pub(crate) fn new(terms: Terms, couriers: &Couriers) -> Self {
        let AppConfig { webhooks, webhook_config, .. } = terms.config.clone();
        let hub = terms.hub();
        let current =
            Arc::new(Current { version: terms.version.into(), terms: RwLock::new(Arc::new(terms)) });
        let signing = current.clone();
        let app = move || signing.terms().config.app.clone();
        let webhooks = couriers.start(webhooks, webhook_config, app);
        let authorizing = current.clone();
        let mut hub = Hub::builder()
            .config(hub)
            .outbox(OUTBOX)
            .wire(wire::Pusher)
            .authorizer_now(move |request| pusher::authorize(&authorizing.terms().config.app, request));
        if let Some(inbox) = webhooks.clone() {
            hub = hub.on_notice(move |notice| inbox.notice(notice));
        }
        let hub = hub.build();
        let (sockets, users) = (Sockets::default(), Users::new(hub.clone()));
        Self { hub, sockets, users, webhooks, current, connections: AtomicUsize::new(0) }
    }

    /// What holds now.
    pub(crate) fn terms(&self) -> Arc<Terms> {
        self.current.terms()
    }

    /// Has `terms` hold for all that comes, but for the hub, which is to be [told](Self::configure_hub).
    pub(crate) fn change(&self, terms: Terms) {
        self.current.set(terms);
    }

    /// Has the limits that hold now hold for the hub too. It may tell notices: the caller holds no lock.
    pub(crate) fn configure_hub(&self) {
        // Refused only if it is closed, by whoever embeds the gateway, and then nothing comes.
        let _ = self.hub.configure(self.terms().hub());
    }

    /// Takes a place for one more connection. The console of `page` may connect wherever other pages may not.
    ///
    /// # Errors
    /// The app does not let this client in.
    pub(crate) fn admit(
        self: &Arc<Self>,
        upgrade: &Upgrade<'_>,
        page: &Page,
    ) -> Result<(Seat, Arc<Terms>), ConnectError> {
        let terms = self.terms();
        if terms.config.origins.check(upgrade).is_err() && !page.opens(upgrade) {
            let origin = upgrade.origin().unwrap_or_default().to_owned();
            return Err(ConnectError::ForbiddenOrigin { origin });
        }
        let taken = self.connections.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(self.clone());
        match terms.config.max_connections {
            Some(limit) if taken >= limit => Err(ConnectError::TooManyConnections { limit }),
            Some(_) | None => Ok((seat, terms)),
        }
    }

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

    /// Closes all connections, for the app is no longer served.
    pub(crate) fn retire(&self) {
        let code = ErrorCode::NO_SUCH_APP.close_code();
        for client in self.sockets.clients() {
            // If it is gone meanwhile, that is as well.
            let _ = self.hub.disconnect(client, code, "the app is no longer served");
        }
        // Whoever came meanwhile is told 1001, and learns the rest when it comes back.
        self.hub.close();
    }
}

impl Current {
    fn terms(&self) -> Arc<Terms> {
        // Each change leaves it whole, whatever panicked meanwhile.
        self.terms.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, terms: Terms) {
        let mut current = self.terms.write().unwrap_or_else(PoisonError::into_inner);
        let version = current.version + 1;
        *current = Arc::new(Terms { version, ..terms });
        self.version.store(version, Ordering::Release);
    }
}

/// A connection's place in its app, free again once this is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Arc<ServedApp>);

impl Deref for Seat {
    type Target = ServedApp;

    fn deref(&self) -> &ServedApp {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
