use crate::gateway::OUTBOX;
use crate::options::SubscriptionCounts;
use crate::webhooks::{Webhook, WebhookConfig};
use realtime_core::pusher::http::PublishLimits;
use realtime_core::pusher::{App, Settings};
use realtime_smol::{HubConfig, OriginPolicy};
use std::num::NonZeroU32;

/// One app of a gateway, and all that it need not share with the others.
///
/// ```
/// use realtime_server::{App, AppConfig, Secret};
///
/// let app = App { id: "shop".into(), key: "shop-key".into(), secret: Secret::new("secret") };
/// let config = AppConfig { max_connections: Some(500), ..AppConfig::new(app) };
/// ```
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Its id, its key and what it signs with.
    pub app: App,
    /// What its connections may do, and what they are told of it. Default: [`Settings::default`] with an activity
    /// timeout of 30 s.
    pub settings: Settings,
    /// The limits of its channels and members; who is let in is decided by signatures. Default:
    /// [`HubConfig::default`], with rosters as long as an outbox takes.
    pub hub: HubConfig,
    /// Whether the subscribers of a channel are told how many they are, at most once a second. Default: they are not.
    /// For another interval, set [`subscriber_count_interval`](HubConfig::subscriber_count_interval) instead.
    pub subscription_counts: SubscriptionCounts,
    /// The pages that may connect. Default: all. A page of another origin is closed with 4009; a client that sends no
    /// origin is no page, and passes. Where the [debug page](crate::DebugPage) is served, the gateway's own origin passes too.
    pub origins: OriginPolicy,
    /// The most connections at a time. Default `None`: as many as the gateway takes. One more is closed with 4004.
    pub max_connections: Option<usize>,
    /// How much its own server may publish in one request.
    pub publish: PublishLimits,
    /// Where its own server is told what happens. Default: nowhere.
    pub webhooks: Vec<Webhook>,
    /// When it is told, and how long anything of it may take.
    pub webhook_config: WebhookConfig,
}

/// As pusher-js sends its own ping after as much silence, a dead client is found within a minute.
const ACTIVITY_TIMEOUT_SECONDS: NonZeroU32 = NonZeroU32::new(30).unwrap();

impl AppConfig {
    /// `app` with all defaults.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self {
            app,
            settings: Settings { activity_timeout_seconds: ACTIVITY_TIMEOUT_SECONDS, ..Settings::default() },
            hub: HubConfig { max_roster_bytes: OUTBOX.max_bytes, ..HubConfig::default() },
            subscription_counts: SubscriptionCounts::default(),
            origins: OriginPolicy::Any,
            max_connections: None,
            publish: PublishLimits::default(),
            webhooks: Vec::new(),
            webhook_config: WebhookConfig::default(),
        }
    }
}

impl From<App> for AppConfig {
    fn from(app: App) -> Self {
        Self::new(app)
    }
}
