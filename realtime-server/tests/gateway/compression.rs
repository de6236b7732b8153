//! Whether compression is agreed to (RFC 7692).

use crate::common::{PusherClient, Running, exchange, post_event};
use realtime_server::Compression;
use realtime_smol::{Config, DeflateConfig};
use serde_json::json;

/// What the gateway answers to a browser's offer.
fn answer_to_an_offer(gateway: &Running) -> Option<String> {
    let request = "GET /app/test-key HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    let close = [0x88, 0x80, 0, 0, 0, 0];
    let answer = exchange(gateway.address, &[request.as_bytes(), &close].concat());
    assert_eq!(answer.status, 101);
    answer.header("Sec-WebSocket-Extensions").map(Into::into)
}

#[test]
fn compression_is_agreed_to_only_if_asked_for_and_then_without_a_context_that_takes_memory() {
    assert_eq!(answer_to_an_offer(&Running::with(|gateway| gateway)), None);
    let agreed = answer_to_an_offer(&Running::with(|gateway| gateway.compression(Compression::On))).unwrap();
    for parameter in ["server_no_context_takeover", "client_no_context_takeover"] {
        assert!(agreed.split("; ").any(|agreed| agreed == parameter), "{agreed}");
    }
}

#[test]
fn clients_with_and_without_compression_receive_the_same() {
    let gateway = Running::with(|gateway| gateway.compression(Compression::On));
    let deflate = Some(DeflateConfig { min_message_bytes: 0, ..DeflateConfig::default() });
    let config = Config { deflate, ..Config::default() };
    let mut clients =
        [PusherClient::greeted_with(gateway.address, "/app/test-key?protocol=7", config), gateway.client()];
    for client in &mut clients {
        client.subscribe("private-news");
    }
    for text in ["short".to_owned(), "again and again, ".repeat(500)] {
        let event = json!({ "name": "told", "channel": "private-news", "data": text });
        post_event(gateway.address, &event.to_string());
        for client in &mut clients {
            assert_eq!(client.expect("told"), text);
        }
    }
    let long = json!({ "text": "again and again, ".repeat(500) });
    clients[0].say(&json!({ "event": "client-said", "channel": "private-news", "data": long }));
    assert_eq!(clients[1].expect("client-said"), long);
}
