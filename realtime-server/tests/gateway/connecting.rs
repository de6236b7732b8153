//! Greetings, and how clients that are not let in are told why.

use crate::common::{PusherClient, Running, exchange, get};
use realtime_server::Demo;
use serde_json::json;
use std::collections::HashSet;

#[test]
fn a_client_is_greeted_with_an_id_of_its_own() {
    let gateway = Running::new(Demo::Off);
    let mut client = PusherClient::connect(gateway.address, "/app/test-key?protocol=7");
    let data = client.expect("pusher:connection_established");
    assert_eq!(data["activity_timeout"], 30);
    let (left, right) = data["socket_id"].as_str().unwrap().split_once('.').unwrap();
    assert!(left.parse::<u64>().is_ok() && right.parse::<u64>().is_ok(), "{data}");

    let clients = [(); 20].map(|()| gateway.client());
    let ids: HashSet<_> = clients.iter().map(|client| client.socket_id).collect();
    assert_eq!(ids.len(), clients.len());
}

#[test]
fn older_clients_and_those_that_name_no_version_are_greeted() {
    let gateway = Running::new(Demo::Off);
    for target in ["/app/test-key", "/app/test-key?client=x", "/app/test-key?protocol=6&client=Pysher"] {
        PusherClient::greeted(gateway.address, target).is_alive();
    }
}

#[test]
fn who_is_not_let_in_is_told_by_an_error_and_the_same_close_code() {
    let gateway = Running::new(Demo::Off);
    for (target, code, message) in [
        ("/app/nobody?protocol=7", 4001, "there is no app with the key \"nobody\""),
        (
            "/app/test-key/more",
            4005,
            "there is nothing at \"/app/test-key/more\"; clients connect to /app/{key}",
        ),
        ("/", 4005, "there is nothing at \"/\"; clients connect to /app/{key}"),
        ("/app/test-key?protocol=x", 4006, "protocol must be a number, and \"x\" is none"),
        ("/app/test-key?protocol=4", 4007, "version 4 of the protocol is not spoken; accepted are 5 to 7"),
    ] {
        let mut client = PusherClient::connect(gateway.address, target);
        assert_eq!(client.expect("pusher:error"), json!({ "code": code, "message": message }));
        let closure = client.closure();
        assert_eq!((closure.code.get(), &*closure.reason), (code, message));
    }
}

#[test]
fn a_page_of_any_origin_may_connect() {
    let gateway = Running::new(Demo::Off);
    let request = "GET /app/test-key HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Origin: https://example.com\r\n\r\n";
    let close = [0x88, 0x80, 0, 0, 0, 0];
    assert_eq!(exchange(gateway.address, &[request.as_bytes(), &close].concat()).status, 101);
}

#[test]
fn plain_http_where_clients_connect_is_told_to_upgrade() {
    let gateway = Running::new(Demo::Off);
    let answer = get(gateway.address, "/app/test-key");
    assert_eq!((answer.status, answer.header("Upgrade")), (426, Some("websocket")));
    assert!(answer.error().contains("WebSocket"));
}
