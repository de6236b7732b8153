use crate::common::Pair;
use realtime_core::pusher::client::{Action, Event, TriggerError};
use serde_json::json;

#[test]
fn a_client_event_is_sent_as_it_is() {
    let (mut pair, connection) = Pair::connected();
    for channel in ["private-a", "presence-a"] {
        let name = pair.is_in(connection, channel);
        for data in [r#"{"a": 1}"#, "\"text\"", "null"] {
            pair.client.trigger(&name, "client-\"x\"", data).unwrap();
            let text = format!(r#"{{"event":"client-\"x\"","channel":"{channel}","data":{data}}}"#);
            assert_eq!(pair.client.poll_transmit(), Some((connection, text)));
        }
    }
}

#[test]
fn what_the_protocol_does_not_allow_is_refused() {
    let (mut pair, connection) = Pair::connected();
    pair.is_in(connection, "private-a");
    pair.subscribe("private-b");
    pair.subscribe("news");
    let long = format!("client-{}", "x".repeat(194));
    use TriggerError as E;
    for (channel, event, data, expected) in [
        ("private-a", "typing", "{}", E::EventName),
        ("private-a", &*long, "{}", E::EventNameTooLong { bytes: 201 }),
        ("news", "client-a", "{}", E::PublicChannel),
        ("private-encrypted-a", "client-a", "{}", E::EncryptedChannel),
        ("private-b", "client-a", "{}", E::NotSubscribed),
        ("private-c", "client-a", "{}", E::NotSubscribed),
    ] {
        assert_eq!(pair.client.trigger(&channel.into(), event, data), Err(expected), "{channel} {event}");
    }
    let not_json = pair.client.trigger(&"private-a".into(), "client-a", "text").unwrap_err();
    assert!(matches!(not_json, E::DataNotJson { .. }));
}

#[test]
fn without_a_connection_it_is_refused() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.is_in(connection, "private-a");
    pair.is_lost(connection);
    assert_eq!(pair.client.trigger(&channel, "client-a", "{}"), Err(TriggerError::NotConnected));
}

#[test]
fn as_many_wait_as_may() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.is_in(connection, "private-a");
    for _ in 0..64 {
        pair.client.trigger(&channel, "client-a", "{}").unwrap();
    }
    let full = Err(TriggerError::QueueFull { limit: 64 });
    assert_eq!(pair.client.trigger(&channel, "client-a", "{}"), full);
    pair.client.poll_transmit();
    pair.client.trigger(&channel, "client-a", "{}").unwrap();
    assert_eq!(pair.client.trigger(&channel, "client-a", "{}"), full);
}

#[test]
fn one_that_was_accepted_and_not_sent_when_the_connection_ended_is_told() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.is_in(connection, "private-a");
    pair.client.trigger(&channel, "client-a", "{}").unwrap();
    pair.client.trigger(&channel, "client-b", "{}").unwrap();
    assert!(pair.client.poll_transmit().is_some());
    pair.is_lost(connection);
    assert!(pair.events().contains(&Event::NotSent { channel, event: "client-b".into() }));
    assert!(pair.client.poll_transmit().is_none());
}

#[test]
fn one_that_was_accepted_before_the_application_disconnects_is_sent() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.is_in(connection, "private-a");
    pair.client.trigger(&channel, "client-a", "{}").unwrap();
    pair.client.disconnect();
    assert!(pair.actions().is_empty());
    assert_eq!(pair.sent(connection), [json!({ "event": "client-a", "channel": "private-a", "data": {} })]);
    assert!(matches!(pair.actions()[..], [Action::Close { .. }]));
}
