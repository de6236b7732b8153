use crate::common::Pair;
use realtime_core::pusher::client::{Client, Config, Event, State};
use realtime_ws::Timestamp;
use serde_json::{Value, json};

/// What a subscriber of `private-a` gets.
fn received(message: &Value) -> Vec<Event> {
    let (mut pair, connection) = Pair::connected();
    pair.is_in(connection, "private-a");
    pair.says(connection, message);
    pair.events()
}

#[test]
fn events_come_with_their_data_as_it_was_given() {
    for (data, expected) in [
        (json!("{\"a\":1}"), "{\"a\":1}"), // of the app's server: a string
        (json!("plain"), "plain"),
        (json!({ "a": 1 }), "{\"a\":1}"), // of a client: JSON
        (json!(12), "12"),
        (json!({ "nonce": "n", "ciphertext": "c" }), "{\"ciphertext\":\"c\",\"nonce\":\"n\"}"),
    ] {
        let events = received(&json!({ "event": "update", "channel": "private-a", "data": data }));
        let (channel, event) = ("private-a".into(), "update".into());
        assert_eq!(events, [Event::Message { channel, event, data: expected.into(), user_id: None }]);
    }
    for user_id in [json!("7"), json!(7)] {
        let message = json!({ "event": "client-a", "channel": "private-a", "user_id": user_id });
        let (channel, event, data) = ("private-a".into(), "client-a".into(), String::new());
        assert_eq!(received(&message), [Event::Message { channel, event, data, user_id: Some("7".into()) }]);
    }
}

#[test]
fn events_that_are_not_known_are_relayed() {
    assert_eq!(
        received(&json!({ "event": "pusher:news", "data": "{}" })),
        [Event::ToConnection { event: "pusher:news".into(), data: "{}".into() }]
    );
    assert_eq!(
        received(&json!({ "event": "pusher_internal:news", "channel": "private-a" })),
        [Event::Message {
            channel: "private-a".into(),
            event: "pusher_internal:news".into(),
            data: String::new(),
            user_id: None
        }]
    );
}

#[test]
fn errors_are_told_and_the_connection_lives() {
    for (data, code, message) in [
        (json!({ "code": 4301, "message": "too fast" }), Some(4301), "too fast"),
        (json!({ "code": null, "message": "no" }), None, "no"),
        (json!("{\"code\":4009}"), Some(4009), ""),
    ] {
        let events = received(&json!({ "event": "pusher:error", "data": data }));
        assert_eq!(events, [Event::Error { code, message: message.into() }]);
    }
}

#[test]
fn what_is_no_message_is_told_with_what_is_wrong() {
    let of_channel =
        |event: &str, data: Value| json!({ "event": event, "channel": "private-a", "data": data });
    for (message, reason) in [
        (json!([]), "the message is no JSON object"),
        (json!({}), "the message is not valid: missing field `event`"),
        (json!({ "event": 1 }), "the message is not valid: invalid type"),
        (json!({ "event": "pusher:error" }), "pusher:error is no JSON object"),
        (
            json!({ "event": "pusher:error", "data": { "code": 70_000 } }),
            "pusher:error is not valid: invalid value",
        ),
        (json!({ "event": "pusher:cache_miss" }), "pusher:cache_miss has no channel"),
        (json!({ "event": "pusher:subscription_error" }), "pusher:subscription_error has no channel"),
        (
            json!({ "event": "pusher_internal:subscription_succeeded" }),
            "pusher_internal:subscription_succeeded has no channel",
        ),
        (json!({ "event": "pusher_internal:member_added" }), "pusher_internal:member_added has no channel"),
        (
            of_channel("pusher_internal:member_added", json!({})),
            "the member is not valid: missing field `user_id`",
        ),
        (
            of_channel("pusher_internal:member_removed", json!("")),
            "pusher_internal:member_removed is no JSON object",
        ),
        (
            json!({ "event": "pusher_internal:member_removed", "data": { "user_id": 1 } }),
            "pusher_internal:member_removed has no channel",
        ),
        (
            of_channel("pusher_internal:subscription_count", json!({ "subscription_count": -1 })),
            "pusher_internal:subscription_count is not valid: invalid value",
        ),
        (
            json!({ "event": "pusher_internal:subscription_count", "data": { "subscription_count": 1 } }),
            "pusher_internal:subscription_count has no channel",
        ),
        (json!({ "event": "pusher:signin_success" }), "pusher:signin_success is no JSON object"),
        (
            json!({ "event": "pusher:signin_success", "data": { "user_data": "{}" } }),
            "the user_data is not valid: missing field `id`",
        ),
        (json!({ "event": "pusher_internal:watchlist_events" }), "the watchlist is no JSON object"),
    ] {
        let [Event::Malformed { reason: told }] = &received(&message)[..] else { panic!("{message}") };
        assert!(told.starts_with(reason), "{told}");
    }
}

#[test]
fn strings_and_messages_that_are_none_are_told_as_well() {
    let (mut pair, connection) = Pair::connected();
    for text in ["", "hello", "{", r#"{"event":"a","data":"\ud800"}"#, r#"{"event":"a","user_id":"\ud800"}"#]
    {
        pair.client.handle_text(connection, text, pair.now);
        assert!(matches!(pair.events()[..], [Event::Malformed { .. }]), "{text}");
    }
    pair.client.handle_binary(connection, pair.now);
    assert_eq!(pair.events(), [Event::Malformed { reason: "the message is binary".into() }]);
}

#[test]
fn what_the_application_does_not_take_is_counted_and_all_else_goes_on() {
    let config = Config { max_queued_events: 4, ..Config::default() };
    let mut pair = Pair { client: Client::new(config, 1), now: Timestamp::START };
    pair.client.connect(pair.now);
    let connection = pair.opens();
    pair.greets(connection, "1.1");
    for channel in ["a", "b", "c", "d", "e"] {
        pair.subscribe(channel);
        pair.lets_in(connection, channel);
    }
    assert!(pair.client.is_subscribed(&"e".into()));
    let events = pair.events();
    assert_eq!(events.len(), 5);
    assert_eq!(events[4], Event::Missed { events: 3 });
    pair.is_lost(connection);
    assert_eq!(pair.states(), [State::Connecting]);
}

#[test]
fn each_event_counts_by_the_bytes_of_what_came() {
    // One kind after the other fills a queue of 100 bytes up.
    let text = "x".repeat(101);
    let of_channel =
        |event: &str, data: Value| json!({ "event": event, "channel": "presence-a", "data": data });
    for message in [
        of_channel("update", json!(text)),
        json!({ "event": "update", "data": text }),
        json!({ "event": "pusher:error", "data": { "message": text } }),
        of_channel("pusher:subscription_error", json!({ "error": text })),
        of_channel("pusher_internal:member_added", json!({ "user_id": text })),
        of_channel(
            "pusher_internal:subscription_succeeded",
            json!({ "presence": { "ids": [text], "hash": { &*text: {} } } }),
        ),
        json!({ "event": "pusher_internal:watchlist_events", "data": { "events": [{ "name": "online", "user_ids": [text] }] } }),
        json!({ "event": "pusher_internal:watchlist_events", "data": { "events": [{ "name": text, "user_ids": [] }] } }),
    ] {
        let mut pair = Pair::with(Config { max_queued_event_bytes: 100, ..Config::default() });
        let connection = pair.connect();
        pair.is_in(connection, "presence-a");
        pair.says(connection, &json!({ "event": "first" }));
        pair.says(connection, &message);
        let events = pair.events();
        assert_eq!(events[1..], [Event::Missed { events: 1 }], "{message}");
    }
}
