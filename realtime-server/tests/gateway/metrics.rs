//! What the gateway counts, as a scraper reads it.

use crate::common::{HttpAnswer, PusherClient, Running, exchange, get, post, post_event};
use realtime_core::pusher::frames;
use realtime_server::{Demo, HttpLimits, Metrics, Token};
use realtime_smol::{HubError, PreparedMessage};
use std::thread;

fn counting() -> Running {
    Running::with(|gateway| gateway.metrics(Metrics::Open))
}

/// What the gateway says of `sample`; zero if it does not know of it yet.
fn value(gateway: &Running, sample: &str) -> u64 {
    let answer = get(gateway.address, "/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    let line = answer.body.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap())
}

fn value_of_app(gateway: &Running, name: &str) -> u64 {
    value(gateway, &format!("realtime_{name}{{app=\"7\"}}"))
}

fn with_token(gateway: &Running, header: &str) -> HttpAnswer {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n");
    exchange(gateway.address, request.as_bytes())
}

#[test]
fn metrics_are_off_unless_they_are_wanted() {
    let answer = get(Running::new(Demo::On).address, "/metrics");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.error(), "metrics are off; --metrics and --metrics-token turn them on");
    let gateway = counting();
    let answer = get(gateway.address, "/metrics");
    assert_eq!(answer.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(post(gateway.address, "/metrics", "", "").status, 405);
}

#[test]
fn a_token_keeps_everybody_else_out() {
    let metrics = Metrics::Token(Token::new("scrape-me"));
    let gateway = Running::with(|gateway| gateway.metrics(metrics));
    for header in
        ["", "Authorization: scrape-me\r\n", "Authorization: Bearer scrape\r\n", "Authorization: Basic a\r\n"]
    {
        let answer = with_token(&gateway, header);
        assert_eq!((answer.status, answer.header("WWW-Authenticate")), (401, Some("Bearer")), "{header}");
        assert!(!answer.body.contains("scrape-me"));
    }
    for header in ["Authorization: Bearer scrape-me\r\n", "authorization: bearer scrape-me\r\n"] {
        assert_eq!(with_token(&gateway, header).status, 200);
    }
}

#[test]
fn clients_channels_and_members_are_counted_while_they_are_there() {
    let gateway = counting();
    let gauges = |gateway: &Running| {
        ["connections", "channels", "subscriptions", "members"].map(|name| value_of_app(gateway, name))
    };
    assert_eq!(gauges(&gateway), [0; 4]);
    let [mut ada, mut grace, mut witness] = [(); 3].map(|()| gateway.client());
    witness.join("presence-room", "witness");
    for client in [&mut ada, &mut grace] {
        client.join("presence-room", "ada");
        client.subscribe("news");
    }
    assert_eq!(gauges(&gateway), [3, 2, 5, 2]);
    ada.close();
    grace.close();
    witness.expect("pusher_internal:member_added");
    witness.expect("pusher_internal:member_removed");
    assert_eq!(gauges(&gateway), [1, 1, 1, 1]);
    assert_eq!(value_of_app(&gateway, "connections_opened_total"), 3);
    assert_eq!(value_of_app(&gateway, "subscriptions_opened_total"), 5);
}

#[test]
fn messages_and_bytes_are_counted_in_both_directions() {
    let gateway = counting();
    let [mut first, mut second] = [gateway.client(), gateway.client()];
    for client in [&mut first, &mut second] {
        client.subscribe("news");
    }
    let samples = ["messages_received", "messages_sent", "bytes_received", "bytes_sent"];
    let read = || samples.map(|name| value(&gateway, &format!("realtime_{name}_total")));
    let before = read();
    post_event(gateway.address, r#"{"name":"hello","channel":"news","data":"0123456789"}"#);
    for client in [&mut first, &mut second] {
        client.expect("hello");
        client.is_alive();
    }
    let after = read();
    let [received, sent, bytes_received, bytes_sent] =
        std::array::from_fn(|index| after[index] - before[index]);
    assert_eq!((received, sent), (2, 4), "a ping each; the event and a pong each");
    let ping = r#"{"data":{},"event":"pusher:ping"}"#.len() as u64 + 6;
    assert_eq!(bytes_received, 2 * ping);
    let event = frames::event(&"news".into(), "hello", "0123456789").len() as u64 + 2;
    assert!(bytes_sent > 2 * event, "{bytes_sent} bytes, though the events alone have {}", 2 * event);
}

#[test]
fn denials_and_failed_handshakes_are_counted_with_their_reason() {
    let gateway = counting();
    let mut client = gateway.client();
    client.ask_for("private-x", "test-key:00", None);
    client.expect("pusher:subscription_error");
    assert_eq!(value_of_app(&gateway, "denials_total"), 1);

    let failures =
        |reason: &str| value(&gateway, &format!("realtime_handshake_failures_total{{reason=\"{reason}\"}}"));
    for _ in 0..2 {
        PusherClient::connect(gateway.address, "/app/nobody").expect("pusher:error");
    }
    let request = "GET /app/test-key HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n";
    assert_eq!(exchange(gateway.address, request.as_bytes()).status, 426);
    assert_eq!((failures("pusher_4001"), failures("http_426")), (2, 1));
    assert_eq!(failures("too_many_connections"), 0);
}

#[test]
fn slow_clients_and_what_they_lose_are_counted() {
    let gateway = counting();
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
    assert_eq!(slow.closure().code.get(), 1013);
    assert_eq!(value_of_app(&gateway, "slow_clients_disconnected_total"), 1);
    while value_of_app(&gateway, "messages_undelivered_total") == 0 {
        thread::yield_now(); // until its connection has ended
    }
}

#[test]
fn http_requests_are_counted_by_route_and_status() {
    let limits = HttpLimits { max_body_bytes: 100, ..HttpLimits::default() };
    let gateway = Running::with(|gateway| gateway.http(limits).metrics(Metrics::Open));
    get(gateway.address, "/up");
    get(gateway.address, "/made-up");
    get(gateway.address, "/apps/7/channels/made-up");
    get(gateway.address, "/apps/7/made-up");
    post_event(gateway.address, r#"{"name":"hello","channel":"news","data":""}"#);
    post_event(gateway.address, &"x".repeat(101));
    for (route, status, count) in [
        ("/up", 200, 1),
        ("other", 404, 1),
        ("/apps/{id}/channels/{channel}", 401, 1),
        ("/apps", 404, 1),
        ("/apps/{id}/events", 200, 1),
        ("/apps/{id}/events", 413, 1),
    ] {
        let sample = format!("realtime_http_requests_total{{route=\"{route}\",status=\"{status}\"}}");
        assert_eq!(value(&gateway, &sample), count, "{sample}");
    }
    assert!(!get(gateway.address, "/metrics").body.contains("made-up"));
}
