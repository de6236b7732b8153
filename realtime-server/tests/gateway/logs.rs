//! What is logged, and that nothing is that must stay secret.

use crate::common::{PusherClient, Running, app, get, log, post, post_event};
use realtime_core::pusher::frames;
use realtime_server::Demo;
use realtime_smol::{HubError, PreparedMessage};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

#[test]
fn who_breaks_the_protocol_is_logged_with_the_reason() {
    let (log, gateway) = (log(), Running::new(Demo::Off));
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    stream.write_all(b"GET /app/test-key HTTP/1.0\nHost: a\n\n").unwrap();
    let address = format!("address={}", stream.local_addr().unwrap());
    let reason = "line feed without carriage return: lines must end with both";
    let expected = format!("INFO realtime_server::connection: refused {address} status=400 reason={reason}");
    assert_eq!(log.line(&[&address]), expected);

    let mut stream = TcpStream::connect(gateway.address).unwrap();
    stream
        .write_all(
            b"GET /app/test-key HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
            \x81\x02hi",
        )
        .unwrap();
    let address = format!("address={}", stream.local_addr().unwrap());
    let line = log.line(&[&address, "disconnected"]);
    assert!(line.starts_with("INFO realtime_server::connection: disconnected for what it sent"), "{line}");
    assert!(
        line.ends_with("code=1002 reason=\"frame without a mask: a client must mask every frame\""),
        "{line}"
    );

    PusherClient::connect(gateway.address, "/app/nobody-here").expect("pusher:error");
    let line = log.line(&["nobody-here"]);
    assert!(line.starts_with("INFO realtime_server::connection: turned away address=127.0.0.1:"), "{line}");
    assert!(line.ends_with("code=4001 reason=there is no app with the key \"nobody-here\""), "{line}");
}

#[test]
fn clients_that_come_and_go_as_they_should_are_logged_for_who_looks_closely_only() {
    let (log, gateway) = (log(), Running::new(Demo::Off));
    let client = gateway.client();
    let socket_id = format!("socket_id={}", client.socket_id);
    assert!(
        log.line(&[&socket_id])
            .starts_with("DEBUG realtime_server::connection: connected address=127.0.0.1:")
    );
    client.close();
    assert!(log.line(&[&socket_id, "disconnected"]).starts_with("DEBUG "));
    assert_eq!(log.count(&socket_id), 2);
}

#[test]
fn a_client_that_is_disconnected_since_it_does_not_read_is_logged() {
    let (log, gateway) = (log(), Running::new(Demo::Off));
    let mut slow = gateway.client();
    slow.subscribe("flood");
    let drop = PreparedMessage::new(&frames::event(&"flood".into(), "drop", &"x".repeat(10 * 1024)));
    while gateway.hub.subscriber_count("flood") > 0 {
        match gateway.hub.broadcast("flood", drop.clone()) {
            Ok(()) => {}
            Err(HubError::Overloaded) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    let line = log.line(&[&format!("socket_id={}", slow.socket_id), "too slowly"]);
    assert!(
        line.starts_with("INFO realtime_server::connection: disconnected, as it received too slowly"),
        "{line}"
    );
    assert!(line.contains(" app=\"7\" "), "{line}");
}

#[test]
fn a_backend_that_is_refused_is_logged_with_the_reason() {
    let (log, gateway) = (log(), Running::new(Demo::Off));
    assert_eq!(get(gateway.address, "/apps/unlike-any-other/channels").status, 404);
    let line = log.line(&["unlike-any-other"]);
    assert!(line.starts_with("INFO realtime_server::http::router: answered with an error"), "{line}");
    assert!(line.contains(" route=\"/apps/{id}/channels\" status=404 reason=\"there is no app"), "{line}");
    assert_eq!(post_event(gateway.address, r#"{"name":"hello","channels":"quoted-to-you"}"#).status, 400);
    let line = log.line(&["/apps/{id}/events", "reason=\"the body is not the JSON that is accepted\""]);
    assert!(line.contains(" status=400 "), "{line}");
    assert_eq!(log.count("quoted-to-you"), 0);
}

#[test]
fn beyond_ten_lines_a_second_of_one_kind_it_is_logged_how_many_there_were() {
    let (log, gateway) = (log(), Running::new(Demo::Off));
    for _ in 0..50 {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        stream.write_all(b"nonsense\r\n\r\n").unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
    }
    // Were they sent too slowly for that, none was left out.
    if log.count("refused address") < 50 {
        let line = log.line(&["complaint=\"refused\""]);
        assert!(line.contains("more lines like the last ones were left out"), "{line}");
    }
}

#[test]
fn neither_secrets_nor_what_is_sent_is_logged() {
    let (log, gateway) = (log(), Running::new(Demo::On));
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    post_event(gateway.address, r#"{"name":"hello","channel":"presence-room","data":"between-us"}"#);
    client.expect("hello");
    let body = r#"{"channel":"presence-room","event":"hello","data":"between-us"}"#;
    post(gateway.address, "/demo/publish", "", body);
    client.expect("hello");
    client.say_text("between-us");
    client.expect("pusher:error");
    let auth = client.auth("presence-room", None);
    client.close();
    drop(gateway);
    for unsaid in ["between-us", "test-secret", auth.split_once(':').unwrap().1, &app().secret.sign("")] {
        assert_eq!(log.count(unsaid), 0, "{unsaid}");
    }
}
