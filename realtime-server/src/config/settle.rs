use super::kind::{Hidden, Number, PathPart};
use super::problem::{ConfigError, Problem, Problems};
use super::secret::{secret_origin, settle_secret};
use super::setting::{Name, Setting};
use super::settings::{AppSettings, Settings, WELL_KNOWN_SECRET};
use super::variables::Variables;
use super::webhook::WebhookSettings;
use crate::app_config::AppConfig;
use crate::drain::Drain;
use crate::http::HttpLimits;
use crate::metrics::Metrics;
use crate::options::{Compression, DebugPage, Demo, Options, SubscriptionCounts};
use crate::token::Token;
use realtime_core::pusher::{self, App, ClientEvents};
use realtime_smol::HubConfig;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ptr;
use std::time::Duration;

/// What follows from settings that are each right; makes them say what is in effect.
pub(super) fn settle(settings: &mut Settings, variables: &Variables) -> Result<Options, ConfigError> {
    let mut problems = Problems::default();
    let listen = settings.listen.value;
    let is_loopback = listen.ip().to_canonical().is_loopback();
    // A proxy on this machine lets others in: whoever has given an app a secret of its own no longer tries it out.
    let is_try_out = is_loopback && settings.apps.iter().all(is_of_the_demo);
    // It stays unsaid: a file that is made of what is printed, and then given another address, must not turn it on.
    let demo = settings.demo.value.unwrap_or(is_try_out);
    settings.demo.kind.absent = match (is_loopback, is_try_out) {
        (_, true) => "on, since only this machine reaches the address and no app has a secret of its own",
        (true, false) => "off, since an app has a secret of its own",
        (false, false) => "off, since others may reach the address",
    };
    let metrics = metrics(settings).unwrap_or_else(|problem| {
        problems.push(problem);
        Metrics::Off
    });
    let audience = if demo || is_loopback { Audience::Invited } else { Audience::Anyone(listen) };
    let mut apps = Vec::new();
    for app in &mut settings.apps {
        match settle_app(app, audience, variables) {
            Ok(config) => apps.push(config),
            Err(problem) => problems.push(problem),
        }
        if let Err(problem) = fits(&app.max_event_bytes, &settings.max_http_body_bytes) {
            problems.push(problem);
        }
    }
    find_twins(&settings.apps, "id", |app| &app.id, &mut problems);
    find_twins(&settings.apps, "key", |app| &app.key, &mut problems);
    problems.none()?;
    Ok(Options {
        listen,
        threads: settings.threads.value,
        demo: if demo { Demo::On } else { Demo::Off },
        debug_page: match &settings.debug_token.value {
            Some(token) => DebugPage::Token(Token::new(token.reveal())),
            None => DebugPage::WithDemo,
        },
        compression: if settings.compression.value { Compression::On } else { Compression::Off },
        metrics,
        http: HttpLimits {
            max_connections: settings.max_http_connections.value,
            max_body_bytes: settings.max_http_body_bytes.value,
            ..HttpLimits::default()
        },
        drain: Drain {
            notice: Duration::from_secs(settings.drain_notice_seconds.value),
            duration: Duration::from_secs(settings.drain_seconds.value),
            ..Drain::default()
        },
        // That it can be read was seen when it was taken.
        log_filter: settings.log_level.value.parse().unwrap_or_default(),
        log_format: settings.log_format.value,
        apps,
    })
}

/// Whether the app has the secret that everybody knows, and none of its own from anywhere.
fn is_of_the_demo(app: &AppSettings) -> bool {
    let is_well_known = app.secret.value.as_ref().is_some_and(|secret| secret.reveal() == WELL_KNOWN_SECRET);
    is_well_known && app.secret_file.value.is_none() && app.secret_env.value.is_none()
}

/// An event that is allowed must not be turned away for the body that it comes in.
fn fits(event: &Setting<Number<usize>>, body: &Setting<Number<usize>>) -> Result<(), Problem> {
    let (event_bytes, body_bytes) = (event.value, body.value);
    if event_bytes < body_bytes {
        return Ok(());
    }
    let text = format_args!(
        "an event with max_event_bytes ({event_bytes}) does not fit into max_http_body_bytes ({body_bytes})"
    );
    Err(Problem::of(&event.origin, text))
}

/// Two settings say one thing; the later source has the last word.
fn metrics(settings: &mut Settings) -> Result<Metrics, Problem> {
    let Settings { metrics, metrics_token, .. } = settings;
    let token_rank = metrics_token.origin.rank();
    if metrics.origin.rank() > token_rank {
        metrics_token.value = None;
    } else if token_rank > metrics.origin.rank() {
        metrics.value = false;
    }
    match (metrics.value, &metrics_token.value) {
        (true, Some(_)) => {
            let (open, token) = (Name::new("metrics"), Name::new("metrics_token"));
            let origin = &metrics_token.origin;
            let (open, token) = (open.at(origin), token.at(origin));
            let text = format_args!("{open} lets anyone in and {token} does not: give one of them");
            Err(Problem::of(origin, text))
        }
        (true, None) => Ok(Metrics::Open),
        (false, Some(token)) => Ok(Metrics::Token(Token::new(token.reveal()))),
        (false, None) => Ok(Metrics::Off),
    }
}

/// Who may reach the gateway.
#[derive(Clone, Copy)]
enum Audience {
    /// This machine, or those for whom the demo is.
    Invited,
    /// Whoever finds the address.
    Anyone(SocketAddr),
}

fn settle_app(
    app: &mut AppSettings,
    audience: Audience,
    variables: &Variables,
) -> Result<AppConfig, Problem> {
    let secret = settle_secret(app, variables)?;
    let secret = whole(app, secret)?;
    if let Audience::Anyone(listen) = audience
        && secret.reveal() == WELL_KNOWN_SECRET
    {
        return Err(too_well_known(app, listen));
    }
    let secret = secret.to_secret();
    let defaults = AppConfig::new(App { id: app.id.value.clone(), key: app.key.value.clone(), secret });
    Ok(AppConfig {
        settings: pusher::Settings {
            activity_timeout_seconds: app.activity_timeout_seconds.value,
            client_events: if app.client_events.value {
                ClientEvents::Enabled
            } else {
                ClientEvents::Disabled
            },
            client_events_per_second: app.client_events_per_second.value,
            sign_ins_per_second: app.sign_ins_per_second.value,
            max_client_event_bytes: app.max_client_event_bytes.value,
        },
        hub: HubConfig {
            max_channels_per_client: app.max_channels_per_client.value,
            max_members_per_channel: app.max_members_per_channel.value,
            retention: Duration::from_secs(app.cache_seconds.value),
            max_retained_messages: app.max_cached_events.value,
            max_retained_bytes: app.max_cached_bytes.value,
            ..defaults.hub
        },
        subscription_counts: match app.subscription_counts.value {
            true => SubscriptionCounts::On,
            false => SubscriptionCounts::Off,
        },
        origins: app.allowed_origins.value.policy.clone(),
        max_connections: app.max_connections.value,
        publish: pusher::http::PublishLimits {
            max_event_bytes: app.max_event_bytes.value,
            max_channels: app.max_event_channels.value,
            max_batch_events: app.max_batch_events.value,
        },
        webhooks: app.webhooks.iter().map(WebhookSettings::settle).collect::<Result<_, _>>()?,
        ..defaults
    })
}

/// The secret of an app of which all is there that belongs to it: in the file an id, a key and a secret; without one, a
/// key and a secret, or neither.
fn whole(app: &AppSettings, secret: Option<Hidden>) -> Result<Hidden, Problem> {
    let (key, secret_origin) = (&app.key.origin, secret_origin(app));
    match (&app.place, secret) {
        (Some(_), Some(secret)) if !app.id.origin.is_default() && !key.is_default() => Ok(secret),
        (Some(place), secret) => {
            let missing = match (app.id.origin.is_default(), key.is_default(), secret) {
                (true, _, _) => "id",
                (false, true, _) => "key",
                (false, false, _) => "secret",
            };
            let needed = "an app needs id, key, and one of secret, secret_file and secret_env";
            Err(Problem::at(place, format_args!("this app has no {missing}; {needed}")))
        }
        (None, Some(secret)) if key.is_default() == secret_origin.is_default() => Ok(secret),
        (None, _) => {
            let given = if key.is_default() { &secret_origin } else { key };
            let (key, secret) =
                (Name::or("key", "app_key").at(given), Name::or("secret", "app_secret").at(given));
            Err(Problem::usage(format_args!("{key} and {secret} belong together: give both or neither")))
        }
    }
}

fn too_well_known(app: &AppSettings, listen: SocketAddr) -> Problem {
    match &app.place {
        Some(place) => {
            let origin = secret_origin(app);
            let place = origin.place().unwrap_or(place);
            let text = "everybody knows this secret: give the app one of its own, or --demo to let anyone in";
            Problem::at(place, format_args!("others may reach {listen}, and {text}"))
        }
        None => {
            let text = "give an --app-key and an --app-secret of your own, or --demo to let anyone in";
            Problem::usage(format_args!("others may reach {listen}: {text}"))
        }
    }
}

/// Finds apps of which one thing is the same.
fn find_twins(
    apps: &[AppSettings],
    what: &str,
    of: impl Fn(&AppSettings) -> &Setting<PathPart>,
    problems: &mut Problems,
) {
    let place = |app: &AppSettings| of(app).origin.place().or(app.place.as_ref()).cloned();
    let mut firsts = BTreeMap::new();
    for app in apps {
        let value = &of(app).value;
        let first = *firsts.entry(value).or_insert(app);
        if let (false, Some(first), Some(place)) = (ptr::eq(first, app), place(first), place(app)) {
            let (line, rule) = (first.line, "each app needs one of its own");
            let text = format_args!("the {what} {value:?} is that of the app in line {line} too; {rule}");
            problems.push(Problem::at(&place, text));
        }
    }
}
