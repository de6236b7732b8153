//! Clients that do not read.

use crate::common::{PATIENCE, Running};
use realtime_core::pusher::frames;
use realtime_server::Demo;
use realtime_smol::{Hub, HubError, PreparedMessage};
use serde_json::json;
use std::thread;
use std::time::Instant;

/// Broadcasts as soon as the hub takes it.
fn broadcast(hub: &Hub, channel: &str, message: &PreparedMessage) {
    loop {
        match hub.broadcast(channel, message.clone()) {
            Ok(()) => return,
            Err(HubError::Overloaded) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_client_that_does_not_read_is_disconnected_and_the_others_miss_nothing() {
    let gateway = Running::new(Demo::Off);
    let [mut slow, mut other] = [gateway.client(), gateway.client()];
    slow.subscribe("flood");
    other.subscribe("news");
    let drop = PreparedMessage::new(&frames::event(&"flood".into(), "drop", &"x".repeat(10 * 1024)));
    let (begin, mut sent) = (Instant::now(), 0);
    while gateway.hub.subscriber_count("flood") > 0 {
        broadcast(&gateway.hub, "flood", &drop);
        sent += 1;
        assert!(begin.elapsed() < PATIENCE, "it is still connected after {sent} messages");
    }
    assert!(sent > 1024, "it was given {sent} messages only");
    let hello = PreparedMessage::new(&frames::event(&"news".into(), "hello", "1"));
    broadcast(&gateway.hub, "news", &hello);
    assert_eq!(other.next(), json!({ "event": "hello", "channel": "news", "data": "1" }));

    let closure = slow.closure();
    assert_eq!((closure.code.get(), &*closure.reason), (1013, "received too slowly"));
}
