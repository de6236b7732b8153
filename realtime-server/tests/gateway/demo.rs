//! The demo's endpoints, and that they are nowhere else.

use crate::common::{HttpAnswer, Running, exchange, get, post};
use realtime_server::Demo;
use serde_json::{Value, json};
use std::net::SocketAddr;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn preflight(address: SocketAddr, target: &str, origin: &str) -> HttpAnswer {
    let request = format!(
        "OPTIONS {target} HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: close\r\n\
         Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: content-type,x-csrf-token\r\n\r\n"
    );
    exchange(address, request.as_bytes())
}

#[test]
fn outside_the_demo_there_is_nothing_of_it() {
    let gateway = Running::new(Demo::Off);
    let mut answers = Vec::new();
    for target in ["/broadcasting/auth", "/pusher/auth", "/pusher/user-auth", "/demo/publish"] {
        answers.push(post(gateway.address, target, FORM, "socket_id=1.1&channel_name=private-a"));
        answers.push(preflight(gateway.address, target, "http://localhost"));
    }
    for answer in answers {
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.error(), "this is part of the demo, which is off; --demo turns it on");
        assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
    }
}

#[test]
fn both_auth_endpoints_let_anyone_into_any_channel() {
    let gateway = Running::new(Demo::On);
    let mut client = gateway.client();
    let form = |channel: &str| format!("socket_id={}&channel_name={channel}", client.socket_id);
    let object = json!({ "socket_id": client.socket_id.to_string(), "channel_name": "private-c" });
    let questions = [
        ("/broadcasting/auth", FORM, "private-a", form("private-a")),
        ("/pusher/auth", FORM, "private-b", form("private-b")),
        ("/pusher/auth", "Content-Type: application/json\r\n", "private-c", object.to_string()),
    ];
    for (target, headers, channel, body) in questions {
        let answer = post(gateway.address, target, headers, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        client.ask_for(channel, answer.json()["auth"].as_str().unwrap(), None);
        client.expect("pusher_internal:subscription_succeeded");
    }
}

#[test]
fn both_user_endpoints_sign_anyone_in_as_whoever_it_says_or_a_guest() {
    let gateway = Running::new(Demo::On);
    for (target, fields) in
        [("/broadcasting/user-auth", "&user_id=ada&user_name=Ada+L."), ("/pusher/user-auth", "")]
    {
        let mut client = gateway.client();
        let form = format!("socket_id={}{fields}", client.socket_id);
        let answer = post(gateway.address, target, FORM, &form);
        assert_eq!(answer.status, 200, "{answer:?}");
        client.say(&json!({ "event": "pusher:signin", "data": answer.json() }));
        let success = client.expect("pusher:signin_success");
        let user: Value = serde_json::from_str(success["user_data"].as_str().unwrap()).unwrap();
        if fields.is_empty() {
            assert!(user["id"].as_str().unwrap().starts_with("guest-"), "{user}");
        } else {
            assert_eq!(user, json!({ "id": "ada", "user_info": { "name": "Ada L." } }));
        }
    }
    let answer = post(gateway.address, "/pusher/user-auth", FORM, "user_id=ada");
    assert_eq!(answer.status, 400);
    assert!(answer.error().starts_with("socket_id is missing"), "{answer:?}");
    let answer = post(
        gateway.address,
        "/pusher/user-auth",
        FORM,
        &format!("socket_id=1.1&user_id={}", "x".repeat(129)),
    );
    assert_eq!(answer.error(), "a user's id has 129 characters; at most 128 are accepted");
}

#[test]
fn a_client_in_a_presence_channel_is_whoever_it_says_or_a_guest() {
    let gateway = Running::new(Demo::On);
    let join = |fields: &str| -> Value {
        let mut client = gateway.client();
        let form = format!("socket_id={}&channel_name=presence-lobby{fields}", client.socket_id);
        let answer = post(gateway.address, "/pusher/auth", FORM, &form).json();
        let data = answer["channel_data"].as_str().unwrap();
        client.ask_for("presence-lobby", answer["auth"].as_str().unwrap(), Some(data));
        let roster = client.expect("pusher_internal:subscription_succeeded");
        assert_eq!(roster["presence"]["count"], 1);
        client.close();
        assert!(!data.contains(client_id_digits(&form)), "a guest's id must not tell its socket id");
        serde_json::from_str(data).unwrap()
    };
    let ada = json!({ "user_id": "1", "user_info": { "name": "Ada L." } });
    assert_eq!(join("&user_id=1&user_name=Ada+L."), ada);
    assert_eq!(join("&user_id=ada"), json!({ "user_id": "ada", "user_info": { "name": "ada" } }));
    let [guest, other] = [join(""), join("&user_id=")];
    assert!(guest["user_id"].as_str().unwrap().starts_with("guest-"), "{guest}");
    assert_ne!(guest, other);
}

/// The first half of the socket id in a form.
fn client_id_digits(form: &str) -> &str {
    form.strip_prefix("socket_id=").and_then(|id| id.split_once('.')).unwrap().0
}

#[test]
fn questions_that_cannot_be_answered_are_refused_with_what_is_accepted() {
    let gateway = Running::new(Demo::On);
    let long = "x".repeat(1024);
    for (body, expected) in [
        ("", "socket_id is missing; accepted are a form and a JSON object with socket_id, channel_name,"),
        ("socket_id=1.1", "channel_name is missing; accepted are a form and a JSON object"),
        ("socket_id=1&channel_name=private-a", "socket_id must be the one that the server greeted"),
        ("socket_id=1.1%3Aprivate-b&channel_name=a", "socket_id must be the one that the server greeted"),
        ("socket_id=1.1&channel_name=private-a:b", "the channel name \"private-a:b\" contains ':'"),
        ("socket_id=1.1&socket_id=1.2&channel_name=a", "the parameter \"socket_id\" is there more than once"),
        (r#"{"socket_id":1,"channel_name":"private-a"}"#, "invalid type: integer `1`, expected a string"),
        (&format!("socket_id=1.1&channel_name=presence-a&user_id=1&user_name={long}"), "channel_data has"),
    ] {
        let answer = post(gateway.address, "/pusher/auth", FORM, body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.error().starts_with(expected), "{body}: {answer:?}");
    }
    let answer = get(gateway.address, "/pusher/auth");
    assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST, OPTIONS")));
}

#[test]
fn anyone_may_publish() {
    let gateway = Running::new(Demo::On);
    let mut client = gateway.client();
    client.subscribe("news");
    for (data, expected) in
        [(r#""it works""#, "it works"), (r#"{"b": 1.0, "a":[]}"#, r#"{"b": 1.0, "a":[]}"#)]
    {
        let body = format!(r#"{{"channel":"news","event":"hello","data":{data}}}"#);
        let answer = post(gateway.address, "/demo/publish", FORM, &body);
        assert_eq!((answer.status, &*answer.body), (200, "{}"));
        assert_eq!(client.next(), json!({ "event": "hello", "channel": "news", "data": expected }));
    }
}

#[test]
fn what_cannot_be_published_is_refused_with_what_is_accepted() {
    let gateway = Running::new(Demo::On);
    let long = format!(r#"{{"channel":"a","event":"a","data":"{}"}}"#, "x".repeat(10 * 1024 + 1));
    for (body, status, expected) in [
        ("channel=a", 400, "the body must be a JSON object"),
        (r#"{"channel":"a","#, 400, "the body is not valid: EOF while parsing"),
        (r#"{"event":"a","data":1}"#, 400, "channel is missing from the body"),
        (r#"{"channel":"a","data":1}"#, 400, "event is missing from the body"),
        (r#"{"channel":"a","event":"a"}"#, 400, "data is missing from the body"),
        (r#"{"channel":"a b","event":"a","data":1}"#, 400, "the channel name \"a b\" contains ' '"),
        (&long, 413, "the event's data has 10241 bytes; at most 10240 are accepted"),
    ] {
        let answer = post(gateway.address, "/demo/publish", "", body);
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.error().starts_with(expected), "{body}: {answer:?}");
    }
}

#[test]
fn pages_of_this_machine_may_call_and_others_may_not() {
    let gateway = Running::new(Demo::On);
    let body = r#"{"channel":"news","event":"hello","data":"x"}"#;
    for target in ["/demo/publish", "/pusher/auth", "/broadcasting/auth"] {
        let origin = "http://localhost:3000";
        let answer = preflight(gateway.address, target, origin);
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(origin));
        assert_eq!(answer.header("Access-Control-Allow-Methods"), Some("POST"));
        assert_eq!(answer.header("Access-Control-Allow-Headers"), Some("content-type,x-csrf-token"));
        let answer = post(gateway.address, target, &format!("Origin: {origin}\r\n"), body);
        assert_ne!(answer.status, 403);
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(origin), "errors can be read too");
        assert_eq!(answer.header("Vary"), Some("Origin"));

        for origin in ["https://example.com", "null", "http://evil.test:8080"] {
            let answers = [
                preflight(gateway.address, target, origin),
                post(gateway.address, target, &format!("Origin: {origin}\r\n"), body),
            ];
            for answer in answers {
                assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (403, None));
                assert!(
                    answer.error().starts_with("the demo takes requests from pages of this machine only")
                );
            }
        }
    }
}
