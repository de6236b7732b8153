//! Subscribers that are told how many they are.

use crate::common::{Running, app};
use realtime_server::{AppConfig, Demo, SubscriptionCounts};
use serde_json::json;

#[test]
fn subscribers_are_told_how_many_they_are_where_that_is_on() {
    let app = AppConfig { subscription_counts: SubscriptionCounts::On, ..AppConfig::new(app()) };
    let gateway = Running::of([app]);
    let [mut first, mut second] = [(); 2].map(|()| gateway.client());
    first.subscribe("news");
    let frame = first.next();
    let data = r#"{"subscription_count":1}"#;
    assert_eq!(
        frame,
        json!({ "event": "pusher_internal:subscription_count", "channel": "news", "data": data })
    );
    second.subscribe("news");
    for client in [&mut first, &mut second] {
        assert_eq!(client.expect("pusher_internal:subscription_count"), json!({ "subscription_count": 2 }));
    }
    first.join("presence-room", "ada");
    first.is_alive(); // and was told of its members alone
}

#[test]
fn nobody_is_told_where_it_is_off() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.subscribe("news");
    client.is_alive();
}
