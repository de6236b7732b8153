//! The HTTP API by which an app's own server publishes.

use crate::common::{Running, get, post, post_event, post_signed, signed_query, unix_seconds};
use realtime_server::Demo;
use serde_json::json;

const EVENTS: &str = "/apps/7/events";
const EVENT: &str = r#"{"name":"created","channels":["orders"],"data":"{\"id\":42}"}"#;

#[test]
fn an_event_goes_to_each_of_its_channels() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.subscribe("red");
    client.subscribe("green");
    let answer =
        post_event(gateway.address, r#"{"name":"tick","channels":["red","green","nobody"],"data":"1"}"#);
    assert_eq!((answer.status, &*answer.body), (200, "{}"));
    for channel in ["red", "green"] {
        assert_eq!(client.next(), json!({ "event": "tick", "channel": channel, "data": "1" }));
    }
}

#[test]
fn the_connection_that_caused_an_event_does_not_get_it() {
    let gateway = Running::new(Demo::Off);
    let [mut cause, mut other] = [gateway.client(), gateway.client()];
    cause.subscribe("orders");
    other.subscribe("orders");
    let event = |name: &str, socket_id: &str| {
        json!({ "name": name, "channel": "orders", "data": "1", "socket_id": socket_id }).to_string()
    };
    post_event(gateway.address, &event("to-others", &cause.socket_id.to_string()));
    post_event(gateway.address, &event("to-all", "1.1")); // a connection that is gone
    other.expect("to-others");
    other.expect("to-all");
    cause.expect("to-all");
}

#[test]
fn a_publisher_is_told_what_it_asks_of_channels() {
    let gateway = Running::new(Demo::Off);
    let [mut first, mut second] = [gateway.client(), gateway.client()];
    first.join("presence-room", "ada");
    second.join("presence-room", "ada");
    let event = r#"{"name":"a","channel":"presence-room","data":"","info":"user_count,subscription_count"}"#;
    let expected = json!({ "channels": { "presence-room": { "user_count": 1, "subscription_count": 2 } } });
    assert_eq!(post_event(gateway.address, event).json(), expected);
}

#[test]
fn requests_without_the_right_signature_are_refused() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.subscribe("orders");
    let now = unix_seconds();
    let signed = |timestamp| signed_query("POST", EVENTS, timestamp, EVENT);
    let (right, last) = (signed(now), |text: &str| text[text.len() - 1..].to_owned());
    let wrong = format!("{}{}", &right[..right.len() - 1], if last(&right) == "0" { "1" } else { "0" });
    for (query, status, expected) in [
        (String::new(), 401, "the request is not signed: auth_key is missing"),
        (right.replace("test-key", "other"), 401, "auth_key is \"other\", which is not this app's key"),
        (
            right.replace("auth_version=1.0", "auth_version=2"),
            401,
            "auth_version is \"2\"; only 1.0 is accepted",
        ),
        (signed(now - 700), 401, "auth_timestamp is"),
        (signed(now + 700), 401, "auth_timestamp is"),
        (signed_query("POST", EVENTS, now, "other"), 401, "body_md5 is wrong; the MD5 of the body is"),
        (signed_query("POST", "/apps/8/events", now, EVENT), 401, "auth_signature is not the HMAC-SHA256"),
        (wrong, 401, "auth_signature is not the HMAC-SHA256"),
        (format!("{right}&more=1"), 401, "auth_signature is not the HMAC-SHA256"),
        (format!("{right}&auth_key=test-key"), 400, "the parameter \"auth_key\" is there more than once"),
    ] {
        let answer = post(gateway.address, &format!("{EVENTS}?{query}"), "", EVENT);
        assert_eq!(answer.status, status, "{query}: {answer:?}");
        assert!(answer.error().starts_with(expected), "{query}: {answer:?}");
    }
    client.is_alive(); // and got nothing
}

#[test]
fn events_that_are_wrong_are_refused_with_what_is_accepted() {
    let gateway = Running::new(Demo::Off);
    let long = "x".repeat(10 * 1024 + 1);
    let channels: Vec<String> = (0..101).map(|n| format!("c{n}")).collect();
    for (body, status, expected) in [
        ("hello".into(), 400, "the body must be a JSON object"),
        ("{".into(), 400, "the body is not valid: EOF while parsing an object at line 1 column 1"),
        (r#"{"channel":"a","data":""}"#.into(), 400, "name is missing from the body"),
        (r#"{"name":"a","channel":"a"}"#.into(), 400, "data is missing from the body"),
        (r#"{"name":"a","data":""}"#.into(), 400, "channels is missing from the body"),
        (r#"{"name":"a","data":"","channel":"a b"}"#.into(), 400, "the channel name \"a b\" contains ' '"),
        (
            json!({ "name": "a", "data": "", "channels": channels }).to_string(),
            400,
            "the event is for 101 channels; at most 100 are accepted at a time",
        ),
        (
            json!({ "name": "a", "data": long, "channel": "a" }).to_string(),
            413,
            "the event's data has 10241 bytes; at most 10240 are accepted",
        ),
        (
            json!({ "name": long, "data": "", "channel": "a" }).to_string(),
            400,
            "the event name has 10241 bytes; at most 200 are accepted",
        ),
        (
            r#"{"name":"a","data":"","channel":"a","socket_id":"x"}"#.into(),
            400,
            "socket_id must be the one that the server greeted the connection with",
        ),
    ] {
        let body: String = body;
        let answer = post_event(gateway.address, &body);
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.error().starts_with(expected), "{answer:?}");
    }
}

#[test]
fn an_event_within_all_limits_is_accepted_however_it_is_escaped() {
    let gateway = Running::new(Demo::Off);
    let channels: Vec<String> = (100..200).map(|n| n.to_string().repeat(54)).collect();
    let data = r"\u0041".repeat(10 * 1024);
    let body = format!(r#"{{"name":"a","channels":{},"data":"{data}"}}"#, json!(channels));
    assert_eq!(post_event(gateway.address, &body).status, 200);
}

#[test]
fn a_batch_within_all_limits_is_accepted_however_it_is_escaped() {
    let gateway = Running::new(Demo::Off);
    let event = format!(
        r#"{{"name":"{}","channel":"{}","data":"{}"}}"#,
        r"\u0041".repeat(200),
        r"\u0041".repeat(164),
        r"\u0041".repeat(10 * 1024)
    );
    let body = format!(r#"{{"batch":[{}]}}"#, [&*event; 10].join(","));
    assert_eq!(post_signed(gateway.address, "/apps/7/batch_events", &body).status, 200);
}

#[test]
fn other_apps_paths_and_methods_are_named_in_the_refusal() {
    let gateway = Running::new(Demo::Off);
    let answer = post(gateway.address, "/apps/8/events", "", EVENT);
    assert_eq!((answer.status, &*answer.error()), (404, "there is no app with the id \"8\""));
    let answer = get(gateway.address, EVENTS);
    assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")));
    assert_eq!(answer.error(), "this path takes POST, not \"GET\"");
    for target in ["/apps/7", "/apps/7/nothing", "/nothing", "//"] {
        let answer = get(gateway.address, target);
        assert_eq!(answer.status, 404);
        assert!(answer.error().contains("accepted below /apps/{id} are events,"), "{answer:?}");
    }
}

#[test]
fn the_gateway_tells_that_it_is_up() {
    let gateway = Running::new(Demo::Off);
    let answer = get(gateway.address, "/up");
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "ok" })));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(post(gateway.address, "/up", "", "").status, 405);
}

#[test]
fn the_gateway_tells_that_it_is_ready() {
    let gateway = Running::new(Demo::Off);
    let answer = get(gateway.address, "/ready");
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "ready" })));
    assert_eq!(post(gateway.address, "/ready", "", "").status, 405);
}
