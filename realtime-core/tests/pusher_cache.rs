//! Cache channels: whoever comes is sent the latest event, or told that there is none.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

mod pusher_common;

use pusher_common::Gateway;
use realtime_core::Input;
use realtime_core::pusher::http::{Publish, PublishLimits};
use realtime_core::pusher::is_cache_channel;
use serde_json::{Value, json};
use std::time::Duration;

/// Publishes as the HTTP API does.
fn publish(gateway: &mut Gateway, channel: &str, data: &str) {
    let body = json!({ "name": "price", "channel": channel, "data": data }).to_string();
    let event = Publish::parse(body.as_bytes(), &PublishLimits::DEFAULT).unwrap();
    let [channel] = &event.channels[..] else { panic!("one channel") };
    let (channel, message) = (channel.clone(), event.message(channel));
    gateway.input(if is_cache_channel(&channel) {
        Input::Retain { channel, message, except: None }
    } else {
        Input::Broadcast { channel, message, except: None }
    });
}

const SUCCEEDED: &str = "pusher_internal:subscription_succeeded";

#[test]
fn a_newcomer_gets_the_latest_event_right_after_its_subscription() {
    let mut gateway = Gateway::new();
    publish(&mut gateway, "cache-prices", "1");
    publish(&mut gateway, "cache-prices", "2");
    let ada = gateway.connect();
    gateway.subscribes(ada, "cache-prices", None);
    publish(&mut gateway, "cache-prices", "3");
    let frames: Vec<Value> =
        gateway.receives(ada).iter().map(|frame| pusher_common::decoded(frame).0).collect();
    let price = |data: &str| json!({ "event": "price", "channel": "cache-prices", "data": data });
    assert_eq!(frames[0]["event"], SUCCEEDED);
    assert_eq!(frames[1..], [price("2"), price("3")]);
}

#[test]
fn a_newcomer_is_told_when_there_is_no_event() {
    let mut gateway = Gateway::new();
    let ada = gateway.connect();
    gateway.subscribes(ada, "cache-prices", None);
    let frames = gateway.receives(ada);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[1], r#"{"event":"pusher:cache_miss","channel":"cache-prices"}"#);

    publish(&mut gateway, "cache-prices", "1");
    gateway.waits(Duration::from_secs(30 * 60));
    let bob = gateway.connect();
    gateway.subscribes(bob, "cache-prices", None);
    assert_eq!(gateway.events(bob), [SUCCEEDED, "pusher:cache_miss"], "half an hour later");
}

#[test]
fn every_kind_of_channel_can_be_one() {
    let mut gateway = Gateway::new();
    let ada = gateway.connect();
    for channel in ["cache-a", "private-cache-a", "private-encrypted-cache-a", "presence-cache-a"] {
        let channel_data = channel.starts_with("presence-").then_some(r#"{"user_id":"ada"}"#);
        gateway.subscribes(ada, channel, channel_data);
        assert_eq!(gateway.events(ada), [SUCCEEDED, "pusher:cache_miss"], "{channel}");
        publish(&mut gateway, channel, "1");
        let bob = gateway.connect();
        let channel_data = channel.starts_with("presence-").then_some(r#"{"user_id":"bob"}"#);
        gateway.subscribes(bob, channel, channel_data);
        assert_eq!(gateway.events(bob), [SUCCEEDED, "price"], "{channel}");
        gateway.receives(ada);
    }
}

#[test]
fn other_channels_tell_of_no_event_that_is_over() {
    let mut gateway = Gateway::new();
    for channel in ["prices", "private-prices"] {
        publish(&mut gateway, channel, "1");
        let ada = gateway.connect();
        gateway.subscribes(ada, channel, None);
        assert_eq!(gateway.events(ada), [SUCCEEDED]);
    }
}

#[test]
fn an_event_of_a_client_is_not_for_those_who_come_later() {
    let mut gateway = Gateway::new();
    let [ada, bob] = [(); 2].map(|()| gateway.connect());
    gateway.subscribes(ada, "private-cache-a", None);
    publish(&mut gateway, "private-cache-a", "1");
    gateway.says(ada, &json!({ "event": "client-price", "channel": "private-cache-a", "data": 2 }));
    gateway.subscribes(bob, "private-cache-a", None);
    assert_eq!(gateway.events(bob), [SUCCEEDED, "price"]);
}
