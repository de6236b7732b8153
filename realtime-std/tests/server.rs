//! A server as a whole: what it refuses, how it stops, and what is left of it.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_scenarios::{DEADLINE, Peer as Socket, Received, eventually, rooms};
use realtime_std::{
    Answer, CloseCode, Config, Credentials, Handler, Hub, Message, OriginPolicy, Peer, Refusal, Server,
    ServerBuilder, Stopper, Upgrade,
};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

struct Running {
    address: SocketAddr,
    stopper: Stopper,
    serving: JoinHandle<io::Result<()>>,
}

impl Running {
    fn start(server: ServerBuilder, handler: impl Handler) -> Self {
        let server = server.bind("127.0.0.1:0").unwrap();
        let (address, stopper) = (server.local_addr().unwrap(), server.stopper());
        Self { address, stopper, serving: thread::spawn(move || server.serve(handler)) }
    }

    fn stop(self) {
        self.stopper.stop();
        self.serving.join().unwrap().unwrap();
    }
}

/// A server that waits only a little for clients that are not there to answer.
fn builder() -> ServerBuilder {
    let config = Config { close_timeout: Duration::from_millis(500), ..Config::default() };
    Server::builder().config(config)
}

fn echo(peer: &mut Peer<'_>, message: Message<'_>) {
    peer.send(message).unwrap();
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    // What was answered counts, also if the connection is reset after it.
    let _ = stream.read_to_end(&mut response);
    String::from_utf8(response).unwrap()
}

#[test]
fn messages_come_back() {
    let server = Running::start(builder(), echo);
    let mut client = Socket::connect(server.address, &[]).unwrap();
    for n in 0..100 {
        client.say(&format!("message {n}")).unwrap();
    }
    for n in 0..100 {
        assert_eq!(client.receive().unwrap(), Received::Message(format!("message {n}").into()));
    }
    client.leave().unwrap();
    server.stop();
}

#[test]
fn a_handler_that_blocks_delays_nobody_else() {
    let (unblock, blocked) = channel::<()>();
    let blocked = Mutex::new(blocked);
    let server = Running::start(builder(), move |peer: &mut Peer<'_>, message: Message<'_>| {
        if message == Message::Text("block") {
            blocked.lock().unwrap().recv().unwrap();
        }
        peer.send(message).unwrap();
    });
    let mut slow = Socket::connect(server.address, &[]).unwrap();
    let mut quick = Socket::connect(server.address, &[]).unwrap();
    slow.say("block").unwrap();
    quick.say("hello").unwrap();
    assert_eq!(quick.receive().unwrap(), Received::Message("hello".into()));
    unblock.send(()).unwrap();
    assert_eq!(slow.receive().unwrap(), Received::Message("block".into()));
    server.stop();
}

#[test]
fn a_handler_that_sends_more_than_the_peer_takes_waits_for_it() {
    const MESSAGES: usize = 400;
    let chunk = vec![7; 64 * 1024];
    let server = Running::start(builder(), move |peer: &mut Peer<'_>, _: Message<'_>| {
        for _ in 0..MESSAGES {
            peer.send(&chunk).unwrap();
        }
    });
    let mut client = Socket::connect(server.address, &[]).unwrap();
    client.say("all of it, please").unwrap();
    for _ in 0..MESSAGES {
        assert!(matches!(client.receive().unwrap(), Received::Message(_)));
    }
    server.stop();
}

#[test]
fn what_is_flushed_arrives_before_the_handler_returns() {
    let (unblock, blocked) = channel::<()>();
    let blocked = Mutex::new(blocked);
    let server = Running::start(builder(), move |peer: &mut Peer<'_>, _: Message<'_>| {
        peer.send("working on it").unwrap();
        peer.flush().unwrap();
        blocked.lock().unwrap().recv().unwrap();
    });
    let mut client = Socket::connect(server.address, &[]).unwrap();
    client.say("go").unwrap();
    assert_eq!(client.receive().unwrap(), Received::Message("working on it".into()));
    unblock.send(()).unwrap();
    server.stop();
}

#[test]
fn a_handler_that_panics_ends_only_its_own_connection() {
    let hub = Hub::new();
    let server = Running::start(builder().hub(&hub), |peer: &mut Peer<'_>, message: Message<'_>| {
        peer.connect(Credentials::NONE).unwrap().subscribe("news").unwrap();
        assert!(message != Message::Text("panic"), "as the client wants");
    });
    let mut client = Socket::connect(server.address, &[]).unwrap();
    let mut other = Socket::connect(server.address, &[]).unwrap();
    other.say("hello").unwrap();
    other.wait_for_pong().unwrap();
    client.say("panic").unwrap();
    assert_eq!(client.receive().unwrap(), Received::End(CloseCode::ABNORMAL));
    eventually("the client's leaving", || hub.subscriber_count("news") == 1);
    hub.broadcast("news", "still here").unwrap();
    assert_eq!(other.receive().unwrap(), Received::Message("still here".into()));
    server.stop();
}

#[test]
fn a_request_that_is_no_upgrade_is_told_to_upgrade() {
    let server = Running::start(builder(), echo);
    let response = ask(server.address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
    assert!(response.ends_with("only WebSocket connections are taken"), "{response}");
    server.stop();
}

#[test]
fn pages_of_other_origins_are_refused_unless_listed() {
    let origins = OriginPolicy::list(["https://example.com"]).unwrap();
    let server = Running::start(builder().origins(origins), echo);
    assert!(Socket::connect(server.address, &[]).is_ok());
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: https://elsewhere.example\r\n\r\n";
    let response = ask(server.address, request);
    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    server.stop();
}

#[test]
fn one_connection_too_many_is_answered_with_503() {
    let server = Running::start(builder().max_connections(1), echo);
    let first = Socket::connect(server.address, &[]).unwrap();
    let response = ask(server.address, "");
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    assert!(response.ends_with("the server has all connections it can take"), "{response}");
    first.leave().unwrap();
    eventually("room for another", || Socket::connect(server.address, &[]).is_ok());
    server.stop();
}

#[test]
fn stopping_closes_clients_with_1001() {
    let server = Running::start(builder(), echo);
    let mut client = Socket::connect(server.address, &[]).unwrap();
    server.stopper.stop();
    assert_eq!(client.receive().unwrap(), Received::End(CloseCode::GOING_AWAY));
    drop(client);
    server.stop();
}

#[test]
fn stopping_does_not_wait_for_clients_that_do_not_answer() {
    let config = Config { close_timeout: Duration::from_millis(50), ..Config::default() };
    let server = Running::start(builder().config(config), echo);
    let (_silent, _opening) =
        (Socket::connect(server.address, &[]).unwrap(), TcpStream::connect(server.address).unwrap());
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
}

#[test]
fn two_servers_share_a_hub() {
    let hub = Hub::new();
    let join = |peer: &mut Peer<'_>, _: Message<'_>| {
        peer.connect(Credentials::NONE).unwrap().subscribe("news").unwrap();
    };
    let servers = [0, 1].map(|_| Running::start(builder().hub(&hub), join));
    let mut clients = servers.each_ref().map(|server| Socket::connect(server.address, &[]).unwrap());
    for client in &mut clients {
        client.say("join").unwrap();
        client.wait_for_pong().unwrap();
    }
    hub.broadcast("news", "to both").unwrap();
    for client in &mut clients {
        assert_eq!(client.receive().unwrap(), Received::Message("to both".into()));
    }
    let [first, second] = servers;
    first.stop();
    hub.broadcast("news", "to one").unwrap();
    assert_eq!(clients[1].receive().unwrap(), Received::Message("to one".into()));
    second.stop();
}

#[test]
fn a_thousand_clients_in_one_room_see_one_order() {
    let server = Running::start(builder(), |peer: &mut Peer<'_>, message: Message<'_>| {
        let client = peer.connect(Credentials::NONE).unwrap();
        let Message::Text(command) = message else { panic!("commands are text") };
        match command.split(' ').collect::<Vec<_>>()[..] {
            ["join", room] => client.subscribe(room).unwrap(),
            ["say", room, text] => client.hub().broadcast(room, text).unwrap(),
            _ => panic!("no such command: {command}"),
        }
    });
    let messages = if cfg!(debug_assertions) { 200 } else { 1_000 };
    let report = rooms::check(server.address, 1_000, messages).unwrap();
    assert_eq!((report.clients, report.messages), (1_000, messages));
    server.stop();
}

#[test]
fn a_half_closed_connection_still_gets_its_answers() {
    let (unblock, blocked) = channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let server = Running::start(builder(), move |peer: &mut Peer<'_>, message: Message<'_>| {
        blocked.lock().unwrap().recv().unwrap();
        peer.send(message).unwrap();
    });
    let mut client = Socket::connect(server.address, &[]).unwrap();
    client.say("last question").unwrap();
    client.stream().shutdown(Shutdown::Write).unwrap();
    unblock.send(()).unwrap();
    assert_eq!(client.receive().unwrap(), Received::Message("last question".into()));
    server.stop();
}

/// Says whom the server turned away.
struct Doorkeeper(Mutex<Sender<(Refusal, SocketAddr)>>);

impl Handler for Doorkeeper {
    type State = ();

    fn on_request(&self, _: &Upgrade<'_>, _: SocketAddr) -> Answer<()> {
        Answer::reject(404, "not here")
    }

    fn on_message(&self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

    fn on_refusal(&self, refusal: &Refusal, address: SocketAddr) {
        self.0.lock().unwrap().send((*refusal, address)).unwrap();
    }
}

#[test]
fn the_application_hears_of_refused_handshakes_but_not_of_those_it_rejects() {
    let (told, refusals) = channel();
    let ask = |address, request: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (String::from_utf8(status.to_vec()).unwrap(), stream.local_addr().unwrap())
    };
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    for (handshake_timeout, request, status, refusal) in [
        (DEADLINE, &format!("{upgrade}\r\n")[..], "HTTP/1.1 404", None),
        (DEADLINE, "\n", "HTTP/1.1 400", Some(Refusal::BareLineFeed)),
        (
            DEADLINE,
            &format!("{upgrade}Origin: http://b\r\n\r\n"),
            "HTTP/1.1 403",
            Some(Refusal::ForbiddenOrigin),
        ),
        (Duration::from_millis(200), "GET /", "HTTP/1.1 408", Some(Refusal::TimedOut)),
    ] {
        let config = Config { handshake_timeout, ..Config::default() };
        let server = Running::start(builder().config(config), Doorkeeper(Mutex::new(told.clone())));
        let (answered, address) = ask(server.address, request);
        assert_eq!(answered, status);
        match refusal {
            Some(refusal) => assert_eq!(refusals.recv_timeout(DEADLINE), Ok((refusal, address))),
            None => assert_eq!(refusals.try_recv().ok(), None),
        }
        server.stop();
    }
}

/// Fails where it is asked whom to let in, and where it hears of whom the server turned away.
struct Panicking;

impl Handler for Panicking {
    type State = ();

    fn on_request(&self, _: &Upgrade<'_>, _: SocketAddr) -> Answer<()> {
        panic!("as the test wants")
    }

    fn on_message(&self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

    fn on_refusal(&self, _: &Refusal, _: SocketAddr) {
        panic!("as the test wants")
    }
}

#[test]
fn a_panic_over_a_request_leaves_nobody_without_an_answer() {
    let server = Running::start(builder(), Panicking);
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    for (request, status) in [(upgrade, "HTTP/1.1 500"), ("\n", "HTTP/1.1 400")] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answered = [0; 12];
        stream.read_exact(&mut answered).unwrap();
        assert_eq!(answered, status.as_bytes());
    }
    server.stop();
}
