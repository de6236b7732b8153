//! Requests that are no upgrade, and those that are nothing at all.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Client, PATIENCE, patient, serve, upgrade};
use realtime_smol::{Answer, Handler, Message, Peer, Takeover, Upgrade};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

fn silent(_: &mut Peer<'_>, _: Message<'_>) {}

/// The head and body of the answer to `request`.
fn ask(address: SocketAddr, request: &[u8]) -> (String, String) {
    let mut client = Client::connect(address);
    client.write(request);
    (client.head(), String::from_utf8(client.rest()).unwrap())
}

#[test]
fn a_plain_request_is_told_to_upgrade() {
    let serving = serve(patient(), silent);
    let (head, body) = ask(serving.address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    assert!(head.contains("\r\nUpgrade: websocket\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    assert_eq!(body, "only WebSocket connections are taken");
}

#[test]
fn nonsense_is_answered_with_400() {
    let serving = serve(patient(), silent);
    let (head, _) = ask(serving.address, b"nonsense\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}

#[test]
fn another_version_is_told_which_one_is_spoken() {
    let serving = serve(patient(), silent);
    let request = String::from_utf8(upgrade("")).unwrap().replace("Version: 13", "Version: 8");
    let (head, _) = ask(serving.address, request.as_bytes());
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    assert!(head.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{head}");
}

#[test]
fn a_page_of_another_origin_is_refused() {
    let serving = serve(patient(), silent);
    let (head, _) = ask(serving.address, &upgrade("Origin: http://elsewhere\r\n"));
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let mut same = Client::connect(serving.address);
    same.write(&upgrade("Origin: http://localhost\r\n"));
    assert!(same.head().starts_with("HTTP/1.1 101 "));
}

struct Choosy {
    takeovers: Mutex<Sender<Takeover>>,
}

impl Handler for Choosy {
    type State = ();

    fn on_request(&self, request: &Upgrade<'_>, _: SocketAddr) -> Answer<()> {
        match request.header("X-Wish") {
            Some(b"teapot") => Answer::reject(418, "short and stout").header("X-Spout", "yes"),
            Some(b"wrong subprotocol") => Answer::accept(()).subprotocol("never offered"),
            Some(b"chat") => Answer::accept(()).subprotocol("chat").header("X-Served-By", "test"),
            _ => Answer::accept(()),
        }
    }

    fn on_message(&self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

    fn on_http(&self, takeover: Takeover) {
        assert!(!takeover.received.starts_with(b"GET /panic"), "as the test wants");
        self.takeovers.lock().unwrap().send(takeover).unwrap();
    }
}

#[test]
fn an_application_may_refuse_in_its_own_words() {
    let serving = serve(patient(), Choosy { takeovers: Mutex::new(channel().0) });
    let (head, body) = ask(serving.address, &upgrade("X-Wish: teapot\r\n"));
    assert!(head.starts_with("HTTP/1.1 418 "), "{head}");
    assert!(head.contains("\r\nX-Spout: yes\r\n"), "{head}");
    assert_eq!(body, "short and stout");
}

#[test]
fn an_application_may_choose_a_subprotocol_and_add_headers() {
    let serving = serve(patient(), Choosy { takeovers: Mutex::new(channel().0) });
    let mut client = Client::connect(serving.address);
    client.write(&upgrade("X-Wish: chat\r\nSec-WebSocket-Protocol: talk, chat\r\n"));
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("\r\nSec-WebSocket-Protocol: chat\r\n"), "{head}");
    assert!(head.contains("\r\nX-Served-By: test\r\n"), "{head}");
}

#[test]
fn an_answer_that_cannot_be_sent_is_the_servers_fault() {
    let serving = serve(patient(), Choosy { takeovers: Mutex::new(channel().0) });
    let (head, body) = ask(serving.address, &upgrade("X-Wish: wrong subprotocol\r\n"));
    assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
    assert_eq!(body, "the server's answer cannot be sent: the client did not offer this subprotocol");
}

#[test]
fn a_request_that_is_no_upgrade_changes_hands_with_all_that_came() {
    let (sender, takeovers) = channel();
    let serving = serve(patient(), Choosy { takeovers: Mutex::new(sender) });
    let request = b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nfirst";
    let mut client = Client::connect(serving.address);
    client.write(request);
    let Takeover { mut stream, received, address, permit: _permit } =
        takeovers.recv_timeout(PATIENCE).unwrap();
    assert_eq!(address, client.stream.local_addr().unwrap());
    assert!(request.starts_with(&received), "{}", received.escape_ascii());

    // The server has let go of it.
    client.write(b"later");
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut rest = vec![0; request.len() + 5 - received.len()];
    stream.read_exact(&mut rest).unwrap();
    assert_eq!([received, rest].concat(), [&request[..], b"later"].concat());
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(client.head(), "HTTP/1.1 204 No Content\r\n\r\n");
}

#[test]
fn a_socket_that_changed_hands_counts_until_its_permit_is_dropped() {
    let (sender, takeovers) = channel();
    let serving = serve(patient().max_connections(1), Choosy { takeovers: Mutex::new(sender) });
    let mut client = Client::connect(serving.address);
    client.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let takeover = takeovers.recv_timeout(PATIENCE).unwrap();
    let (head, _) = ask(serving.address, &upgrade(""));
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    drop(takeover);
    serving.open().leave();
}

#[test]
fn a_panic_over_a_request_that_is_no_upgrade_costs_only_that() {
    let serving = serve(patient(), Choosy { takeovers: Mutex::new(channel().0) });
    let mut unlucky = Client::connect(serving.address);
    unlucky.write(b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n");
    unlucky.assert_ended();
    serving.open().leave();
    serving.open().leave();
}
