//! Clients that do not read.

use crate::common::Running;
use realtime_core::pusher::frames;
use realtime_server::Demo;
use realtime_smol::{HubError, PreparedMessage};
use serde_json::json;

#[test]
fn a_client_that_does_not_read_is_disconnected_and_the_others_miss_nothing() {
    let gateway = Running::new(Demo::Off);
    let [mut slow, mut other] = [gateway.client(), gateway.client()];
    slow.subscribe("flood");
    other.subscribe("news");
    let event = PreparedMessage::new(&frames::event(&"flood".into(), "drop", &"x".repeat(10 * 1024)));
    let mut sent = 0;
    while gateway.hub.subscriber_count("flood") > 0 {
        match gateway.hub.broadcast("flood", event.clone()) {
            Ok(()) => sent += 1,
            Err(HubError::Overloaded) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
        assert!(sent < 100_000, "it is still connected");
    }
    assert!(sent > 1024, "it was given {sent} messages only");
    gateway.hub.broadcast("news", &frames::event(&"news".into(), "hello", "1")).unwrap();
    assert_eq!(other.next(), json!({ "event": "hello", "channel": "news", "data": "1" }));

    let closure = slow.closure();
    assert_eq!((closure.code.get(), &*closure.reason), (1013, "received too slowly"));
}
