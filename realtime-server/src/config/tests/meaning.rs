use super::*;
use crate::app_config::AppConfig;
use crate::http::HttpLimits;
use crate::options::SubscriptionCounts;
use realtime_core::pusher::http::PublishLimits;
use realtime_core::pusher::{ClientEvents, Settings};
use realtime_smol::{HubConfig, OriginPolicy};
use std::time::Duration;

/// Every setting of an app, each with a value of its own.
const APP: &str = r#"
max_http_connections = 101
max_http_body_bytes = 102000

[[apps]]
id = "shop"
key = "shop-key"
secret = "s"
allowed_origins = ["https://shop.example", "http://localhost:3000"]
max_connections = 1
client_events = false
client_events_per_second = 2
max_client_event_bytes = 3
sign_ins_per_second = 4
activity_timeout_seconds = 5
max_event_bytes = 6
max_event_channels = 7
max_batch_events = 8
subscription_counts = true
max_channels_per_client = 9
max_members_per_channel = 10
cache_seconds = 11
max_cached_events = 12
max_cached_bytes = 13
"#;

#[test]
fn each_setting_of_an_app_has_the_meaning_that_its_name_says() {
    let options = effective(Some(APP), &[], "").options;
    let [app] = &*options.apps else { panic!("{options:?}") };
    let AppConfig {
        app: named, settings, hub, subscription_counts, origins, max_connections, publish, ..
    } = app;
    assert_eq!((&*named.id, &*named.key), ("shop", "shop-key"));
    assert_eq!(
        *settings,
        Settings {
            activity_timeout_seconds: 5.try_into().unwrap(),
            client_events: ClientEvents::Disabled,
            client_events_per_second: 2.try_into().unwrap(),
            sign_ins_per_second: 4.try_into().unwrap(),
            max_client_event_bytes: 3,
        }
    );
    assert_eq!(
        *hub,
        HubConfig {
            max_channels_per_client: 9,
            max_members_per_channel: 10,
            retention: Duration::from_secs(11),
            max_retained_messages: 12,
            max_retained_bytes: 13,
            ..AppConfig::new(named.clone()).hub
        }
    );
    assert_eq!(*subscription_counts, SubscriptionCounts::On);
    let shop = OriginPolicy::list(["https://shop.example", "http://localhost:3000"]);
    assert_eq!(Ok(origins), shop.as_ref());
    assert_eq!(*max_connections, Some(1));
    assert_eq!(*publish, PublishLimits { max_event_bytes: 6, max_channels: 7, max_batch_events: 8 });
    let http = HttpLimits { max_connections: 101, max_body_bytes: 102_000, ..HttpLimits::default() };
    assert_eq!(options.http, http);
}

#[test]
fn an_app_of_which_no_more_is_said_has_the_defaults_of_the_library() {
    let text = "[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret = \"s\"";
    let options = effective(Some(text), &[], "").options;
    // Secrets do not show.
    let defaults = AppConfig::new(options.apps[0].app.clone());
    assert_eq!(format!("{:?}", options.apps), format!("{:?}", [defaults]));
    assert_eq!(options.http, HttpLimits::default());
}
