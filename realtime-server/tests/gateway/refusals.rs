//! What a client says and is not accepted: it is told why, and the connection lives.

use crate::common::{PusherClient, Running};
use realtime_server::Demo;
use serde_json::{Value, json};

/// What the client is told in a `pusher:error` without which its connection would go on just the same.
fn error(client: &mut PusherClient) -> (Value, String) {
    let data = client.expect("pusher:error");
    client.is_alive();
    (data["code"].clone(), data["message"].as_str().unwrap().to_owned())
}

#[test]
fn messages_that_are_not_accepted_are_answered_with_what_is_wrong() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    let long_name = "x".repeat(165);
    for (message, expected) in [
        ("hello", "the message is not valid: expected value at line 1 column 1"),
        ("[]", "the message must be a JSON object"),
        ("{}", "event is missing"),
        (r#"{"event":"hello"}"#, "the event \"hello\" is not known; accepted are pusher:subscribe"),
        (r#"{"event":"pusher:subscribe","data":{}}"#, "data.channel is missing"),
        (
            &format!(r#"{{"event":"pusher:subscribe","data":{{"channel":"{long_name}"}}}}"#),
            "the channel name has 165 bytes; at most 164 are accepted",
        ),
        (
            r#"{"event":"pusher:subscribe","data":{"channel":"a b"}}"#,
            "the channel name \"a b\" contains ' '; accepted are A-Z a-z 0-9 _ - = @ , . ;",
        ),
        (
            &format!(r#"{{"event":"client-{long_name}{long_name}","channel":"private-a"}}"#),
            "the event name has 337 bytes; at most 200 are accepted",
        ),
        (
            r#"{"event":"client-a","channel":"news","data":1}"#,
            "client events are accepted on private and presence channels, and \"news\" is neither",
        ),
        (
            r#"{"event":"client-a","channel":"private-a","data":1}"#,
            "this connection is not subscribed to \"private-a\", so it may not send to it",
        ),
    ] {
        client.say_text(message);
        let (code, text) = error(&mut client);
        assert!(code.is_null() && text.starts_with(expected), "{message}: {code} {text}");
    }
    client.say_binary(b"{}");
    assert_eq!(error(&mut client).1, "binary messages are not accepted; send JSON as text");
}

#[test]
fn a_client_event_that_is_too_long_is_dropped() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.subscribe("private-a");
    let data = "x".repeat(10 * 1024 - 1); // and two quotes
    client.say(&json!({ "event": "client-a", "channel": "private-a", "data": data }));
    let (_, text) = error(&mut client);
    assert_eq!(text, "the data of the client event has 10241 bytes; at most 10240 are accepted");
}

#[test]
fn the_eleventh_client_event_of_a_second_is_dropped_with_4301() {
    let gateway = Running::new(Demo::Off);
    let [mut sender, mut other] = [gateway.client(), gateway.client()];
    sender.subscribe("private-a");
    other.subscribe("private-a");
    // Faster than ten a second, until one too many: however slow this machine is, that is soon.
    let mut sent = 0;
    let error = loop {
        sender.say(&json!({ "event": "client-a", "channel": "private-a", "data": sent }));
        sender.say(&json!({ "event": "pusher:ping", "data": {} }));
        sent += 1;
        match sender.next() {
            frame if frame["event"] == "pusher:pong" => assert!(sent < 10_000, "nothing was ever dropped"),
            frame => break frame,
        }
    };
    assert_eq!((&error["event"], &error["data"]["code"]), (&json!("pusher:error"), &json!(4301)));
    assert!(sent > 10, "only {sent}");
    sender.expect("pusher:pong");
    for n in 0..sent - 1 {
        assert_eq!(other.expect("client-a"), n);
    }
    other.is_alive();
}

#[test]
fn subscribes_that_are_not_authorized_are_denied_with_what_is_wrong() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    let id = client.socket_id;
    let other = gateway.client();
    let wrong = format!("test-key:{}", "0".repeat(64));
    let nobody = r#"{"user_info":{}}"#;
    let of_nobody = client.auth("presence-a", Some(nobody));
    let without_data = client.auth("presence-a", None);
    for (channel, auth, data, expected) in [
        ("private-a", "", None, "auth is missing; it must be \"key:signature\""),
        ("private-a", "test-key", None, "auth has no colon"),
        ("private-a", "other:00", None, "auth is signed for the app key \"other\""),
        (
            "private-a",
            &wrong,
            None,
            &format!("the signature in auth is not the HMAC-SHA256 of {id}:private-a with"),
        ),
        ("private-a", &client.auth("private-b", None), None, "the signature in auth is not"),
        ("private-a", &other.auth("private-a", None), None, "the signature in auth is not"),
        ("presence-a", &without_data, None, "channel_data is missing"),
        ("presence-a", &without_data, Some(r#"{"user_id":"ada"}"#), "the signature in auth is not"),
        ("presence-a", &of_nobody, Some(nobody), "user_id is missing from channel_data"),
    ] {
        client.ask_for(channel, auth, data);
        let frame = client.next();
        assert_eq!(frame["event"], "pusher:subscription_error", "{frame}");
        assert_eq!(frame["channel"], channel);
        assert_eq!((&frame["data"]["type"], &frame["data"]["status"]), (&json!("AuthError"), &json!(401)));
        let error = frame["data"]["error"].as_str().unwrap();
        assert!(error.starts_with(expected), "{channel} {auth}: {error}");
        client.is_alive();
    }
    assert_eq!(gateway.hub.channel_count(), 0);
}

#[test]
fn one_channel_too_many_is_denied() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    for n in 0..256 {
        client.subscribe(&format!("channel-{n}"));
    }
    client.ask_for("channel-256", "", None);
    let denied = client.expect("pusher:subscription_error");
    assert_eq!((&denied["type"], &denied["status"]), (&json!("LimitReached"), &json!(429)));
    assert_eq!(denied["error"], "already in 256 channels, the most allowed");

    client.say(&json!({ "event": "pusher:unsubscribe", "data": { "channel": "channel-0" } }));
    client.subscribe("channel-256");
}

#[test]
fn a_message_that_is_too_long_ends_the_connection() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.say_text(&"x".repeat(64 * 1024 + 1));
    assert_eq!(client.closure().code.get(), 1009);
}
