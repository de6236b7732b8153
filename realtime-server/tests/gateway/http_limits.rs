//! HTTP that is too long, broken or cut in odd ways.

use crate::common::{PATIENCE, Running, exchange, get, post, post_signed, until};
use realtime_server::{Demo, HttpLimits};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PUBLISH: &str = r#"{"channel":"news","event":"hello","data":"x"}"#;

fn connect(gateway: &Running) -> TcpStream {
    let stream = TcpStream::connect(gateway.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads up to the end of an answer that is known.
fn expect(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed after {}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn a_body_that_is_too_long_is_refused_with_the_limit() {
    let gateway = Running::new(Demo::On);
    for length in [1024 * 1024 + 1, 4 * 1024 * 1024] {
        let body = "x".repeat(length);
        let answers = [
            post(gateway.address, "/demo/publish", "", &body),
            post(gateway.address, "/pusher/auth", "", &body),
            post_signed(gateway.address, "/apps/7/events", &body),
        ];
        for answer in answers {
            assert_eq!(answer.status, 413);
            assert_eq!(answer.error(), "the body is longer than 1048576 bytes, the most accepted");
        }
    }
    let longest = PUBLISH.to_owned() + &" ".repeat(1024 * 1024 - PUBLISH.len());
    assert_eq!(post(gateway.address, "/demo/publish", "", &longest).status, 200);
}

#[test]
fn who_has_not_signed_is_told_so_however_long_the_body_is() {
    let gateway = Running::new(Demo::Off);
    for length in [10, 1024 * 1024 + 1, 4 * 1024 * 1024] {
        let answer = post(gateway.address, "/apps/7/events", "", &"x".repeat(length));
        assert_eq!(
            (answer.status, &*answer.error()),
            (401, "the request is not signed: auth_key is missing")
        );
    }
    let head = "POST /apps/7/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
    assert_eq!(exchange(gateway.address, head.as_bytes()).status, 401);
}

#[test]
fn a_body_that_is_far_too_long_is_refused_before_it_is_sent() {
    let gateway = Running::new(Demo::On);
    let head = "POST /demo/publish HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
    assert_eq!(exchange(gateway.address, head.as_bytes()).status, 413);
}

#[test]
fn what_is_no_http_is_refused() {
    let gateway = Running::new(Demo::On);
    let long_head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(16 * 1024));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(64));
    for (request, status) in [
        ("hello\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("POST /demo/publish HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        ("POST /demo/publish HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        ("POST /demo/publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", 400),
        (&*long_head, 431),
        (&*many_headers, 431),
    ] {
        let answer = exchange(gateway.address, request.as_bytes());
        assert_eq!(answer.status, status, "{request:?}: {answer:?}");
    }
    assert_eq!(get(gateway.address, "/up").status, 200);
}

#[test]
fn limits_of_the_head_hold_for_later_requests_of_a_connection_too() {
    let gateway = Running::new(Demo::On);
    for head in [format!("X: {}\r\n", "x".repeat(16 * 1024)), "X: y\r\n".repeat(65)] {
        let requests =
            format!("GET /up HTTP/1.1\r\nHost: a\r\n\r\nGET /up HTTP/1.1\r\nHost: a\r\n{head}\r\n");
        let mut stream = connect(&gateway);
        stream.write_all(requests.as_bytes()).unwrap();
        let first = expect(&mut stream, r#"{"status":"ok"}"#);
        assert!(first.starts_with("HTTP/1.1 200"), "{first}");
        let refused = expect(&mut stream, "\r\n\r\n");
        assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
    }
}

#[test]
fn a_request_is_answered_however_it_is_cut() {
    let gateway = Running::new(Demo::On);
    let mut client = gateway.client();
    client.subscribe("news");
    let request = format!(
        "POST /demo/publish HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{PUBLISH}",
        PUBLISH.len()
    );
    let mut stream = connect(&gateway);
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
    }
    assert!(expect(&mut stream, "{}").starts_with("HTTP/1.1 200"));
    client.expect("hello");

    let chunked = "POST /demo/publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (first, rest) = PUBLISH.split_at(7);
    let chunks = format!("{:x}\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", first.len(), rest.len());
    stream.write_all((chunked.to_owned() + &chunks).as_bytes()).unwrap();
    assert!(expect(&mut stream, "{}").starts_with("HTTP/1.1 200"), "on the same connection");
    client.expect("hello");
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let gateway = Running::new(Demo::On);
    let mut stream = connect(&gateway);
    stream.write_all(b"GET /up HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(expect(&mut stream, r#"{"status":"ok"}"#).starts_with("HTTP/1.1 200"));
    assert!(expect(&mut stream, "terminate_connections\"}").starts_with("HTTP/1.1 404"));
}

#[test]
fn one_http_connection_too_many_is_answered_with_503() {
    let gateway =
        Running::with(|gateway| gateway.http(HttpLimits { max_connections: 2, ..HttpLimits::default() }));
    let mut streams = [connect(&gateway), connect(&gateway)];
    for stream in &mut streams {
        stream.write_all(b"GET /up HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        expect(stream, r#"{"status":"ok"}"#);
    }
    let refused = get(gateway.address, "/up");
    assert_eq!((refused.status, refused.header("Retry-After")), (503, Some("1")));
    assert_eq!(refused.error(), "all 2 places for HTTP connections are taken; try again later");
    gateway.client().is_alive(); // WebSocket clients take no such place

    let [first, _second] = streams;
    drop(first);
    until("its end is noticed", || get(gateway.address, "/up").status == 200);
}

/// A gateway with the demo, and limits of which one is so short that a test can wait for it.
fn impatient(change: impl FnOnce(&mut HttpLimits, Duration)) -> Running {
    let mut limits = HttpLimits::default();
    change(&mut limits, Duration::from_millis(50));
    Running::with(|gateway| gateway.demo(Demo::On).http(limits))
}

#[test]
fn a_body_that_does_not_come_is_answered_with_408() {
    let gateway = impatient(|limits, short| limits.body_timeout = short);
    let head = |target: &str| format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{{");
    let answer = exchange(gateway.address, head("/demo/publish").as_bytes());
    assert_eq!((answer.status, &*answer.error()), (408, "the body took longer than 50ms"));
    // Whoever has not signed is refused in any case, and not waited for either.
    assert_eq!(exchange(gateway.address, head("/apps/7/events").as_bytes()).status, 401);
}

#[test]
fn a_connection_that_stays_idle_is_closed() {
    let gateway = impatient(|limits, short| limits.keep_alive_timeout = short);
    for next in ["", "GET /up HTTP/1.1\r\n"] {
        let mut stream = connect(&gateway);
        stream.write_all(b"GET /up HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        expect(&mut stream, r#"{"status":"ok"}"#);
        stream.write_all(next.as_bytes()).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert!(!rest.starts_with("HTTP/1.1 200"), "{rest}");
    }
}

#[test]
fn a_client_that_does_not_read_its_answers_is_given_up() {
    let gateway = impatient(|limits, short| limits.write_timeout = short);
    let mut stream = connect(&gateway);
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let error = loop {
        if let Err(error) = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}
