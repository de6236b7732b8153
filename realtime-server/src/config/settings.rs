//! All settings: their names, their limits and their defaults. Whatever reads, prints or compares them goes through
//! [`Settings::visit`] or [`AppSettings::visit`], so that a setting is added here and nowhere else.

use super::kind::{
    Address, AllowedOrigins, BearerToken, Confidential, FilePath, Hidden, Kind, Number, Optional, Origins,
    PathPart, Switch, VariableName,
};
use super::log::{Filter, Format};
use super::origin::Place;
use super::setting::{Entry, Listing, Name, Setting, Visitor};
use super::webhook::WebhookSettings;
use crate::app_config::AppConfig;
use crate::drain::Drain;
use crate::http::HttpLimits;
use crate::logging::LogFormat;
use crate::options::SubscriptionCounts;
use realtime_core::pusher::{App, ClientEvents, Secret};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};

/// The secret of the app that is served when none is named. Everybody knows it.
pub(crate) const WELL_KNOWN_SECRET: &str = "demo-secret";

/// All settings there are, those of an app and its webhooks among them.
pub(super) fn all_entries() -> Vec<Entry> {
    let mut entries = Settings::default().entries();
    entries.extend(AppSettings::default().entries());
    entries.extend(WebhookSettings::default().entries());
    entries
}

/// The settings of a gateway.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) listen: Setting<Address>,
    pub(super) threads: Setting<Optional<Number<NonZeroUsize>>>,
    pub(super) demo: Setting<Optional<Switch>>,
    pub(super) debug_token: Setting<Optional<BearerToken>>,
    pub(super) compression: Setting<Switch>,
    pub(super) metrics: Setting<Switch>,
    pub(super) metrics_token: Setting<Optional<BearerToken>>,
    pub(super) drain_seconds: Setting<Number<u64>>,
    pub(super) drain_notice_seconds: Setting<Number<u64>>,
    pub(super) log_level: Setting<Filter>,
    pub(super) log_format: Setting<Format>,
    pub(super) max_http_connections: Setting<Number<usize>>,
    pub(super) max_http_body_bytes: Setting<Number<usize>>,
    pub(super) apps: Vec<AppSettings>,
}

/// The settings of one app.
#[derive(Clone, Debug)]
pub(super) struct AppSettings {
    /// Where it begins in the file, if it is in one.
    pub(super) place: Option<Place>,
    pub(super) id: Setting<PathPart>,
    pub(super) key: Setting<PathPart>,
    pub(super) secret: Setting<Optional<Confidential>>,
    pub(super) secret_file: Setting<Optional<FilePath>>,
    pub(super) secret_env: Setting<Optional<VariableName>>,
    pub(super) allowed_origins: Setting<Origins>,
    pub(super) max_connections: Setting<Optional<Number<usize>>>,
    pub(super) client_events: Setting<Switch>,
    pub(super) client_events_per_second: Setting<Number<NonZeroU32>>,
    pub(super) max_client_event_bytes: Setting<Number<usize>>,
    pub(super) sign_ins_per_second: Setting<Number<NonZeroU32>>,
    pub(super) activity_timeout_seconds: Setting<Number<NonZeroU32>>,
    pub(super) max_event_bytes: Setting<Number<usize>>,
    pub(super) max_event_channels: Setting<Number<usize>>,
    pub(super) max_batch_events: Setting<Number<usize>>,
    pub(super) subscription_counts: Setting<Switch>,
    pub(super) max_channels_per_client: Setting<Number<usize>>,
    pub(super) max_members_per_channel: Setting<Number<usize>>,
    pub(super) cache_seconds: Setting<Number<u64>>,
    pub(super) max_cached_events: Setting<Number<usize>>,
    pub(super) max_cached_bytes: Setting<Number<usize>>,
    pub(super) webhooks: Vec<WebhookSettings>,
}

impl Settings {
    /// Visits all settings but those of the apps.
    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.visit(Name::new("listen"), &mut self.listen);
        visitor.visit(Name::new("threads"), &mut self.threads);
        visitor.visit(Name::new("demo"), &mut self.demo);
        visitor.visit(Name::new("debug_token"), &mut self.debug_token);
        visitor.visit(Name::new("compression"), &mut self.compression);
        visitor.visit(Name::new("metrics"), &mut self.metrics);
        visitor.visit(Name::new("metrics_token"), &mut self.metrics_token);
        visitor.visit(Name::new("drain_seconds"), &mut self.drain_seconds);
        visitor.visit(Name::new("drain_notice_seconds"), &mut self.drain_notice_seconds);
        visitor.visit(Name::new("log_level"), &mut self.log_level);
        visitor.visit(Name::new("log_format"), &mut self.log_format);
        visitor.visit(Name::in_file("max_http_connections"), &mut self.max_http_connections);
        visitor.visit(Name::in_file("max_http_body_bytes"), &mut self.max_http_body_bytes);
    }

    /// All settings but those of the apps.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut listing = Listing::default();
        self.clone().visit(&mut listing);
        listing.0
    }
}

impl Default for Settings {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        let (http, drain) = (HttpLimits::default(), Drain::default());
        let threads = Number { least: NonZeroUsize::MIN, most: MAX_THREADS };
        Self {
            listen: Setting::new(Address, listen),
            threads: optional(threads, "one for each core"),
            demo: optional(
                Switch,
                "on at loopback addresses if no app has a secret of its own, otherwise off",
            ),
            debug_token: optional(BearerToken, "none"),
            compression: Setting::new(Switch, false),
            metrics: Setting::new(Switch, false),
            metrics_token: optional(BearerToken, "none"),
            drain_seconds: number(0, 3600, drain.duration.as_secs()),
            drain_notice_seconds: number(0, 3600, drain.notice.as_secs()),
            log_level: Setting::new(Filter, "info".into()),
            log_format: Setting::new(Format, LogFormat::default()),
            max_http_connections: number(1, MILLIONS, http.max_connections),
            max_http_body_bytes: number(64 * 1024, 1024 * 1024 * 1024, http.max_body_bytes),
            apps: Vec::new(),
        }
    }
}

impl AppSettings {
    /// Visits all settings of the app but those of its webhooks.
    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.visit(Name::or("id", "app_id"), &mut self.id);
        visitor.visit(Name::or("key", "app_key"), &mut self.key);
        visitor.visit(Name::or("secret", "app_secret"), &mut self.secret);
        visitor.visit(Name::or("secret_file", "app_secret_file"), &mut self.secret_file);
        visitor.visit(Name::in_file("secret_env"), &mut self.secret_env);
        visitor.visit(Name::in_file("allowed_origins"), &mut self.allowed_origins);
        visitor.visit(Name::in_file("max_connections"), &mut self.max_connections);
        visitor.visit(Name::in_file("client_events"), &mut self.client_events);
        visitor.visit(Name::in_file("client_events_per_second"), &mut self.client_events_per_second);
        visitor.visit(Name::in_file("max_client_event_bytes"), &mut self.max_client_event_bytes);
        visitor.visit(Name::in_file("sign_ins_per_second"), &mut self.sign_ins_per_second);
        visitor.visit(Name::in_file("activity_timeout_seconds"), &mut self.activity_timeout_seconds);
        visitor.visit(Name::in_file("max_event_bytes"), &mut self.max_event_bytes);
        visitor.visit(Name::in_file("max_event_channels"), &mut self.max_event_channels);
        visitor.visit(Name::in_file("max_batch_events"), &mut self.max_batch_events);
        visitor.visit(Name::new("subscription_counts"), &mut self.subscription_counts);
        visitor.visit(Name::in_file("max_channels_per_client"), &mut self.max_channels_per_client);
        visitor.visit(Name::in_file("max_members_per_channel"), &mut self.max_members_per_channel);
        visitor.visit(Name::in_file("cache_seconds"), &mut self.cache_seconds);
        visitor.visit(Name::in_file("max_cached_events"), &mut self.max_cached_events);
        visitor.visit(Name::in_file("max_cached_bytes"), &mut self.max_cached_bytes);
    }

    /// All settings of the app but those of its webhooks.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut listing = Listing::default();
        self.clone().visit(&mut listing);
        listing.0
    }
}

impl AppSettings {
    /// The app that is served when none is named.
    pub(super) fn demo() -> Self {
        let mut app = Self::default();
        app.secret.value = Some(Hidden::new(WELL_KNOWN_SECRET));
        app
    }
}

impl Default for AppSettings {
    /// An app without a secret: one that somebody forgot must not become the well-known one.
    fn default() -> Self {
        let app = App { id: "demo".into(), key: "demo-key".into(), secret: Secret::new("") };
        let AppConfig { app, settings, hub, subscription_counts, publish, .. } = AppConfig::new(app);
        Self {
            place: None,
            id: Setting::new(PathPart, app.id),
            key: Setting::new(PathPart, app.key),
            secret: optional(Confidential, "none"),
            secret_file: optional(FilePath, "none"),
            secret_env: optional(VariableName, "none"),
            allowed_origins: Setting::new(Origins, AllowedOrigins::any()),
            max_connections: optional(Number { least: 1, most: MILLIONS }, "as many as the gateway takes"),
            client_events: Setting::new(Switch, settings.client_events == ClientEvents::Enabled),
            client_events_per_second: Setting::new(PER_SECOND, settings.client_events_per_second),
            max_client_event_bytes: number(1, 60 * 1024, settings.max_client_event_bytes),
            sign_ins_per_second: Setting::new(PER_SECOND, settings.sign_ins_per_second),
            activity_timeout_seconds: Setting::new(AN_HOUR, settings.activity_timeout_seconds),
            max_event_bytes: number(1, 1024 * 1024, publish.max_event_bytes),
            max_event_channels: number(1, 10_000, publish.max_channels),
            max_batch_events: number(1, 10_000, publish.max_batch_events),
            subscription_counts: Setting::new(Switch, subscription_counts == SubscriptionCounts::On),
            max_channels_per_client: number(1, MILLIONS, hub.max_channels_per_client),
            max_members_per_channel: number(1, MILLIONS, hub.max_members_per_channel),
            cache_seconds: number(1, 7 * 24 * 60 * 60, hub.retention.as_secs()),
            max_cached_events: number(0, MILLIONS, hub.max_retained_messages),
            max_cached_bytes: number(0, 1024 * 1024 * 1024, hub.max_retained_bytes),
            webhooks: Vec::new(),
        }
    }
}

/// More than any machine has cores for.
const MAX_THREADS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// More than a process has sockets for, or a client reads.
const MILLIONS: usize = 10_000_000;

/// From one to more than a client sends.
const PER_SECOND: Number<NonZeroU32> =
    Number { least: NonZeroU32::MIN, most: NonZeroU32::new(1_000_000).unwrap() };

/// An hour of seconds, at most: clients that stay silent for longer are gone.
const AN_HOUR: Number<NonZeroU32> = Number { least: NonZeroU32::MIN, most: NonZeroU32::new(3600).unwrap() };

fn number<T>(least: T, most: T, default: T) -> Setting<Number<T>>
where
    Number<T>: Kind<Value = T>,
{
    Setting::new(Number { least, most }, default)
}

fn optional<K: Kind>(kind: K, absent: &'static str) -> Setting<Optional<K>> {
    Setting::new(Optional { kind, absent }, None)
}
