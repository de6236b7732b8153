//! What clients see when the gateway stops.

use crate::common::{PATIENCE, Running, until};
use realtime_server::Demo;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn clients_are_closed_with_a_code_on_which_they_come_back_later() {
    let mut gateway = Running::new(Demo::Off);
    let mut clients = [(); 8].map(|()| gateway.client());
    for client in &mut clients {
        client.subscribe("news");
    }
    gateway.stopper.stop();
    for mut client in clients {
        let closure = client.closure();
        assert_eq!((closure.code.get(), closure.was_clean), (1001, true));
    }
    gateway.join().unwrap();
    assert_eq!((gateway.hub.client_count(), gateway.hub.channel_count()), (0, 0));
    assert!(TcpStream::connect(gateway.address).is_err());
}

#[test]
fn a_request_that_is_being_sent_is_still_answered_and_idle_connections_are_closed() {
    let mut gateway = Running::new(Demo::On);
    let mut streams = [(); 2].map(|()| TcpStream::connect(gateway.address).unwrap());
    let mut answer = [0; 1024];
    for stream in &mut streams {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /up HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(stream.read(&mut answer).unwrap() > 0);
    }
    let [mut idle, mut sending] = streams;
    let body = r#"{"channel":"news","event":"hello","data":"x"}"#;
    let head = format!(
        "POST /demo/publish HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    sending.write_all(head.as_bytes()).unwrap();
    let length = sending.read(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 100"), "the request has begun");

    gateway.stopper.stop();
    assert_eq!(idle.read(&mut answer).unwrap(), 0);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(100) {
        assert!(!gateway.has_ended(), "it did not wait for the request");
        thread::yield_now();
    }
    sending.write_all(body.as_bytes()).unwrap();
    let mut text = String::new();
    sending.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    gateway.join().unwrap();
}

#[test]
fn dropping_the_future_stops_the_gateway() {
    let gateway = realtime_server::Gateway::builder(crate::common::app()).bind("127.0.0.1:0").unwrap();
    let (address, hub) = (gateway.local_addr().unwrap(), gateway.hub().clone());
    let serving = gateway.serve();
    let mut client = crate::common::PusherClient::greeted(address, "/app/test-key");
    drop(serving);
    assert_eq!(client.closure().code.get(), 1001);
    drop(client);
    until("it is over", || hub.client_count() == 0 && TcpStream::connect(address).is_err());
}
