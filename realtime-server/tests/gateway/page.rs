//! The debug page: for whom it is, and what it is told. What it looks like and does is for a browser to see.

use crate::common::{HttpAnswer, PusherClient, Running, app, exchange, get, post};
use realtime_core::pusher::{App, Secret};
use realtime_server::{AppConfig, DebugPage, Demo, Gateway, GatewayBuilder, Token};
use realtime_smol::OriginPolicy;
use serde_json::{Value, json};
use std::net::SocketAddr;

const TOKEN: &str = "Authorization: Bearer look-in\r\n";

fn behind_a_token() -> Running {
    Running::with(|gateway| gateway.debug_page(DebugPage::Token(Token::new("look-in"))))
}

/// Reads `target`; `headers` are whole lines.
fn read(address: SocketAddr, target: &str, headers: &str) -> HttpAnswer {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    exchange(address, request.as_bytes())
}

fn state(gateway: &Running, query: &str) -> Value {
    let answer = get(gateway.address, &format!("/page/state{query}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn without_demo_and_token_there_is_no_page() {
    let gateway = Running::new(Demo::Off);
    let read = ["/", "/page/main.js", "/page/state"].map(|target| get(gateway.address, target));
    let posted = ["/page/auth", "/page/publish"].map(|target| post(gateway.address, target, "", "{}"));
    for answer in read.into_iter().chain(posted) {
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.error(), "the debug page is off; --demo and --debug-token turn it on");
    }
    assert_eq!(get(Running::new(Demo::On).address, "/page/nothing.js").status, 404);
}

#[test]
fn nothing_but_the_page_itself_runs_in_it() {
    let gateway = Running::new(Demo::On);
    for (target, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let answer = get(gateway.address, target);
        assert_eq!((answer.status, answer.header("Content-Type")), (200, Some(content_type)));
        let policy = answer.header("Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("X-Frame-Options"), Some("DENY"));
        let answer = post(gateway.address, target, "", "");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")));
    }
}

#[test]
fn behind_a_token_the_page_is_there_for_anyone_and_what_is_live_is_not() {
    let gateway = behind_a_token();
    assert_eq!(get(gateway.address, "/").status, 200);
    assert_eq!(get(gateway.address, "/page/main.js").status, 200);
    for headers in ["", "Authorization: Bearer look\r\n", "Authorization: Basic bG9vay1pbg==\r\n"] {
        let answers = [
            read(gateway.address, "/page/state", headers),
            read(gateway.address, "/page/state?token=look-in", headers),
            post(gateway.address, "/page/auth", headers, "socket_id=1.1&channel_name=private-a"),
            post(gateway.address, "/page/publish", headers, r#"{"channel":"a","event":"a","data":1}"#),
        ];
        for answer in answers {
            assert_eq!(
                (answer.status, answer.header("WWW-Authenticate")),
                (401, Some("Bearer")),
                "{headers}"
            );
        }
    }
    let state = read(gateway.address, "/page/state", TOKEN).json();
    assert_eq!(state["app"], json!({ "id": "7", "key": "test-key" }));
    assert_eq!(state["demo"], false);
}

#[test]
fn whoever_has_the_token_joins_and_publishes_to_every_channel() {
    let gateway = behind_a_token();
    let mut client = gateway.client();
    let form = format!("socket_id={}&channel_name=presence-a&user_id=ada", client.socket_id);
    let answer = post(gateway.address, "/page/auth", TOKEN, &form).json();
    client.ask_for("presence-a", answer["auth"].as_str().unwrap(), answer["channel_data"].as_str());
    client.expect("pusher_internal:subscription_succeeded");
    let event = r#"{"channel":"presence-a","event":"hello","data":"you"}"#;
    assert_eq!(post(gateway.address, "/page/publish", TOKEN, event).status, 200);
    assert_eq!(client.next(), json!({ "event": "hello", "channel": "presence-a", "data": "you" }));
    for target in ["/page/auth", "/page/publish"] {
        let answer = read(gateway.address, target, TOKEN);
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")));
    }
    assert_eq!(post(gateway.address, "/demo/publish", TOKEN, event).status, 404, "it is no demo");
}

#[test]
fn the_page_is_told_of_channels_their_counts_and_who_is_in_one() {
    let gateway = Running::new(Demo::On);
    let mut clients = [(); 3].map(|()| gateway.client());
    for (client, user) in clients.iter_mut().zip(["ada", "ada", "grace"]) {
        client.join("presence-room", user);
    }
    clients[2].subscribe("news");
    let told = state(&gateway, "?channel=presence-room");
    assert_eq!(
        told["channels"],
        json!([
            { "name": "presence-room", "subscribers": 3, "members": 2 },
            { "name": "news", "subscribers": 1 },
        ])
    );
    assert_eq!(
        (&told["connections"], &told["subscriptions"], &told["members"]),
        (&json!(3), &json!(4), &json!(2))
    );
    assert_eq!(
        (&told["channel_count"], &told["matching"], &told["connected"]),
        (&json!(2), &json!(2), &json!(3))
    );
    assert_eq!((&told["roster"]["channel"], &told["roster"]["count"]), (&json!("presence-room"), &json!(2)));
    let listed = told["roster"]["listed"].as_array().unwrap();
    assert_eq!(listed.iter().map(|member| &member["id"]).collect::<Vec<_>>(), ["ada", "grace"]);
    assert!(told["messages_in"].as_u64().unwrap() >= 4 && told["bytes_out"].as_u64().unwrap() > 0);

    let told = state(&gateway, "?filter=new&channel=news");
    assert_eq!(told["channels"], json!([{ "name": "news", "subscribers": 1 }]));
    assert_eq!((&told["matching"], &told["roster"]), (&json!(1), &Value::Null));
    assert_eq!(get(gateway.address, "/page/state?a=1&a=2").status, 400);
}

#[test]
fn of_several_apps_the_token_shows_all_and_the_demo_the_first() {
    let second = || App { id: "8".into(), key: "second-key".into(), secret: Secret::new("second-secret") };
    let token = DebugPage::Token(Token::new("look-in"));
    let gateway = Running::with(|gateway| gateway.app(second()).debug_page(token));
    let first = read(gateway.address, "/page/state", TOKEN).json();
    assert_eq!((&first["apps"], &first["app"]["id"]), (&json!(["7", "8"]), &json!("7")));
    let told = read(gateway.address, "/page/state?app=8", TOKEN).json();
    assert_eq!(told["app"], json!({ "id": "8", "key": "second-key" }));
    let mut client =
        PusherClient::greeted(gateway.address, "/app/second-key?protocol=7&client=js&version=8.6.0");
    let form = format!("socket_id={}&channel_name=private-a", client.socket_id);
    let answer = post(gateway.address, "/page/auth?app=8", TOKEN, &form).json();
    client.ask_for("private-a", answer["auth"].as_str().unwrap(), None);
    client.expect("pusher_internal:subscription_succeeded");
    let event = r#"{"channel":"private-a","event":"hello","data":"you"}"#;
    assert_eq!(post(gateway.address, "/page/publish?app=8", TOKEN, event).status, 200);
    assert_eq!(client.next(), json!({ "event": "hello", "channel": "private-a", "data": "you" }));
    assert_eq!(read(gateway.address, "/page/state?app=9", TOKEN).error(), "there is no such app");

    let gateway = Running::with(|gateway| gateway.app(second()).demo(Demo::On));
    assert_eq!(state(&gateway, "")["apps"], json!(["7"]));
    assert_eq!(get(gateway.address, "/page/state?app=8").status, 404);
}

#[test]
fn a_page_from_elsewhere_reads_nothing_in_the_demo() {
    let gateway = Running::new(Demo::On);
    let own = format!("Origin: http://{}\r\n", gateway.address);
    assert_eq!(read(gateway.address, "/page/state", &own).status, 200);
    let elsewhere = "Origin: https://example.com\r\n";
    assert_eq!(read(gateway.address, "/page/state", elsewhere).status, 403);
    let event = r#"{"channel":"a","event":"a","data":1}"#;
    assert_eq!(post(gateway.address, "/page/publish", elsewhere, event).status, 403);
    // By a name of its own that leads to this machine, it is of one origin with the gateway.
    let renamed = "GET /page/state HTTP/1.1\r\nHost: evil.test:8080\r\nConnection: close\r\n\r\n";
    let answer = exchange(gateway.address, renamed.as_bytes());
    assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (403, None));
}

/// The code that a page of `origin`, opened at `host`, is turned away with, if it is.
fn turned_away(gateway: &Running, host: &str, origin: &str) -> Option<u64> {
    let request = format!(
        "GET /app/test-key HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let close = [0x88, 0x80, 0, 0, 0, 0];
    let answer = exchange(gateway.address, &[request.as_bytes(), &close].concat());
    assert_eq!(answer.status, 101, "{answer:?}");
    let (_, error) = answer.body.split_once(r#"{"code":"#)?;
    Some(error.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn the_console_connects_where_other_pages_may_not() {
    let choosy = |change: fn(GatewayBuilder) -> GatewayBuilder| {
        let origins = OriginPolicy::list(["https://shop.test"]).unwrap();
        Running::with(|_| change(Gateway::builder(AppConfig { origins, ..AppConfig::new(app()) })))
    };
    let none = choosy(|gateway| gateway.demo(Demo::Off));
    let demo = choosy(|gateway| gateway.demo(Demo::On));
    let token = choosy(|gateway| gateway.debug_page(DebugPage::Token(Token::new("look-in"))));
    for gateway in [&none, &demo, &token] {
        assert_eq!(turned_away(gateway, "gateway.test", "https://shop.test"), None);
        assert_eq!(turned_away(gateway, "gateway.test", "https://elsewhere.test"), Some(4009));
    }
    let own = |gateway, host| turned_away(gateway, host, &format!("http://{host}"));
    let opened_at = |host| [&none, &demo, &token].map(|gateway| own(gateway, host));
    assert_eq!(opened_at("localhost:8080"), [Some(4009), None, None]);
    // At a loopback address a page from elsewhere can give itself such a name: there the demo has no page.
    assert_eq!(opened_at("gateway.test"), [Some(4009), Some(4009), None]);
}
