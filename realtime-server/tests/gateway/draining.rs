//! How clients and backends see a gateway that goes.

use crate::common::{KeptAlive, PATIENCE, Running, get, log};
use realtime_server::{Drain, Metrics};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

/// Closes the first client at once, and the second in an hour.
const LONG: Drain = Drain { notice: Duration::ZERO, duration: HOUR.saturating_mul(2), max_gap: HOUR };

fn draining_by(drain: Drain) -> Running {
    Running::with(|gateway| gateway.drain(drain).metrics(Metrics::Open))
}

fn wait_until_nobody_listens(address: SocketAddr) {
    let begin = Instant::now();
    while !TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
        assert!(begin.elapsed() < PATIENCE, "it still listens");
        thread::yield_now();
    }
}

#[test]
fn clients_are_closed_with_a_code_on_which_they_come_back_at_once() {
    let (log, drain) = (log(), Drain { max_gap: Duration::from_millis(1), ..LONG });
    let mut gateway = draining_by(drain);
    let clients = [(); 8].map(|()| gateway.client());
    gateway.stopper.drain();
    gateway.stopper.drain();
    for mut client in clients {
        let closure = client.closure();
        assert_eq!((closure.code.get(), closure.was_clean), (4200, true));
        assert_eq!(closure.reason, "the server is going; reconnect");
    }
    gateway.join().unwrap();
    assert_eq!((gateway.hub.client_count(), gateway.hub.channel_count()), (0, 0));
    log.line(&["INFO", "stopped", &format!("address={}", gateway.address)]);
}

#[test]
fn those_not_closed_yet_get_events_and_open_http_connections_are_answered() {
    let mut gateway = draining_by(LONG);
    let [mut first, mut second] = [gateway.client(), gateway.client()];
    second.subscribe("news");
    let mut backend = KeptAlive::open(gateway.address);
    assert_eq!(backend.get("/ready").status, 200);
    gateway.stopper.drain();
    assert_eq!(first.closure().code.get(), 4200, "who came first goes first");

    assert_eq!(backend.post_event(r#"{"name":"hello","channel":"news","data":"1"}"#).status, 200);
    assert_eq!(second.expect("hello"), 1);
    second.is_alive();
    assert_eq!(backend.get("/ready").status, 503);
    assert!(backend.get("/metrics").body.contains("\nrealtime_ready 0\n"));
    wait_until_nobody_listens(gateway.address);

    gateway.stopper.stop();
    assert_eq!(second.closure().code.get(), 1001);
    gateway.join().unwrap();
}

#[test]
fn a_successor_takes_the_address_over_while_it_goes() {
    let gateway = draining_by(LONG);
    let [mut first, mut second] = [gateway.client(), gateway.client()];
    gateway.stopper.drain();
    first.closure();
    wait_until_nobody_listens(gateway.address);
    let successor = realtime_server::Gateway::builder(crate::common::app()).bind(gateway.address).unwrap();
    let _serving = successor.serve();
    first = gateway.client();
    first.is_alive();
    second.is_alive();
    assert_eq!(gateway.hub.client_count(), 1, "the other one is the successor's");
}

#[test]
fn who_is_in_the_midst_of_connecting_is_told_to_try_again() {
    let gateway = draining_by(LONG);
    let [mut first, _second] = [gateway.client(), gateway.client()];
    let mut connecting = TcpStream::connect(gateway.address).unwrap();
    connecting.set_read_timeout(Some(PATIENCE)).unwrap();
    connecting.write_all(b"GET /app/test-key HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n").unwrap();
    gateway.stopper.drain();
    first.closure();
    connecting
        .write_all(
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Version: 13\r\n\r\n",
        )
        .unwrap();
    let mut answer = String::new();
    connecting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
}

#[test]
fn notice_is_given_before_anything_else_changes() {
    let mut gateway = draining_by(Drain { notice: HOUR, ..LONG });
    let mut client = gateway.client();
    assert_eq!(get(gateway.address, "/ready").status, 200);
    gateway.stopper.drain();
    let answer = get(gateway.address, "/ready");
    assert_eq!((answer.status, &*answer.error()), (503, "the gateway is stopping"));
    assert_eq!(get(gateway.address, "/up").status, 200);
    gateway.client().is_alive();
    client.is_alive();
    gateway.stopper.stop();
    gateway.join().unwrap();
}

#[test]
fn with_nobody_connected_it_ends_at_once() {
    let mut gateway = draining_by(LONG);
    let mut client = gateway.client();
    client.is_alive();
    client.close();
    gateway.stopper.drain();
    gateway.join().unwrap();
}

#[test]
fn without_time_for_it_all_are_closed_with_a_code_on_which_they_come_back_later() {
    let mut gateway = draining_by(Drain { duration: Duration::ZERO, ..LONG });
    let clients = [(); 4].map(|()| gateway.client());
    gateway.stopper.drain();
    for mut client in clients {
        assert_eq!(client.closure().code.get(), 1001);
    }
    gateway.join().unwrap();
}
