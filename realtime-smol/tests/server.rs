//! A server and its handler: what is handed over when, and how connections end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{
    BINARY, CLOSE, Client, FOREVER, Frame, Happening, PATIENCE, PING, PONG, Room, TEXT, close, masked,
    patient, serve, telling, text, until, upgrade,
};
use realtime_smol::{
    Answer, CloseCode, Config, Handler, Hub, Keepalive, Message, Peer, Refusal, Server, Upgrade,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

fn echo(peer: &mut Peer<'_>, message: Message<'_>) {
    peer.send(message).unwrap();
}

#[test]
fn a_closure_is_a_handler_that_echoes() {
    let serving = serve(patient(), echo);
    let mut client = serving.open();
    client.say("hi");
    assert_eq!(client.frame(), text("hi"));
    client.send(BINARY, &[0, 1, 2]);
    assert_eq!(client.frame(), Frame { opcode: BINARY, payload: vec![0, 1, 2] });
    client.send(PING, b"?");
    assert_eq!(client.frame(), Frame { opcode: PONG, payload: b"?".into() });
    client.leave();
}

#[test]
fn a_large_message_comes_back_whole() {
    let config = Config { max_message_bytes: 16 << 20, ..Config::default() };
    let serving = serve(patient().config(config), echo);
    let mut client = serving.open();
    let payload: Vec<u8> = (0..4 << 20).map(|i: u32| (i ^ (i >> 8)) as u8).collect();
    let mut writing = client.stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| writing.write_all(&masked(BINARY, &payload)).unwrap());
        assert!(client.frame() == Frame { opcode: BINARY, payload: payload.clone() });
    });
}

#[test]
fn large_messages_of_many_stalled_peers_come_back_whole() {
    let serving = serve(patient(), echo);
    let payload: Vec<u8> = (0..1 << 20).map(|i: u32| (i ^ (i >> 8)) as u8).collect();
    let frame = masked(BINARY, &payload);
    let (begin, end) = frame.split_at(300_000);
    // More than there are buffers to lend, and some never go on.
    let mut clients: Vec<_> = (0..24).map(|_| serving.open()).collect();
    for client in &mut clients {
        client.write(begin);
    }
    for client in clients.iter_mut().step_by(2) {
        client.write(end);
        assert!(client.frame() == Frame { opcode: BINARY, payload: payload.clone() });
    }
    clients.truncate(3);
    clients[0].write(&frame);
    assert!(clients[0].frame() == Frame { opcode: BINARY, payload: payload.clone() });
}

#[test]
fn frames_that_come_with_the_handshake_are_answered() {
    let serving = serve(patient(), echo);
    let mut client = Client::connect(serving.address);
    client.write(&[upgrade(""), masked(TEXT, b"early")].concat());
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(client.frame(), text("early"));
}

#[test]
fn the_drivers_share_the_connections_of_one_hub() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut clients: Vec<_> = (0..8).map(|_| serving.open()).collect();
    for _ in &clients {
        happenings.opened();
    }
    assert_eq!(hub.subscriber_count("room"), 8);
    for number in 0..100 {
        hub.broadcast("room", &number.to_string()).unwrap();
    }
    for client in &mut clients {
        let frames: Vec<_> = (0..100).map(|_| client.frame()).collect();
        let expected: Vec<_> = (0..100).map(|number| text(&number.to_string())).collect();
        assert_eq!(frames, expected);
    }
}

#[test]
fn a_closing_handshake_is_told_once_after_the_hub_has_forgotten_the_client() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut client = serving.open();
    let id = happenings.opened();
    client.send(CLOSE, &[0x0f, 0xa0, b'b', b'y', b'e']);
    assert_eq!(client.frame(), close(4000, ""));
    client.assert_ended();
    let (closed, closure) = happenings.closed();
    assert_eq!((closed, closure.code.get(), &*closure.reason), (Some(id), 4000, "bye"));
    assert!(closure.was_clean);
    assert_eq!((hub.client_count(), hub.channel_count()), (0, 0));
    drop(client);
    serving.stopper.stop();
    serving.assert_ends();
    happenings.assert_over();
}

#[test]
fn nothing_is_handed_over_after_the_application_has_closed() {
    let (room, happenings) = Room::new();
    let serving = serve(patient(), room);
    let mut client = serving.open();
    happenings.opened();
    let together = [masked(TEXT, b"!close"), masked(TEXT, b"late"), masked(CLOSE, &1000_u16.to_be_bytes())];
    client.write(&together.concat());
    assert_eq!(client.frame(), close(1000, "bye"));
    client.assert_ended();
    assert_eq!(happenings.next(), Happening::Said("!close".into()));
    assert!(happenings.closed().1.was_clean);
}

#[test]
fn a_panic_in_a_handler_costs_one_connection() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().threads(std::num::NonZeroUsize::MIN).hub(&hub), room);
    let (mut lucky, mut unlucky) = (serving.open(), serving.open());
    let _ = (happenings.opened(), happenings.opened());
    unlucky.say("!panic");
    unlucky.say("late");
    assert_eq!(unlucky.frame(), close(1011, "the application failed"));
    unlucky.send(CLOSE, &1011_u16.to_be_bytes());
    unlucky.assert_ended();
    assert_eq!(happenings.next(), Happening::Said("!panic".into()));
    assert_eq!(happenings.closed().1.code, CloseCode::INTERNAL_ERROR);

    lucky.say("alive");
    assert_eq!(lucky.frame(), text("alive"));
    assert_eq!(hub.client_count(), 1);
}

#[test]
fn a_panic_over_a_request_is_answered_with_500() {
    let (room, _happenings) = Room::new();
    let serving = serve(patient(), room);
    let mut unlucky = Client::connect(serving.address);
    unlucky.write(&upgrade("X-Panic: please\r\n"));
    assert!(unlucky.head().starts_with("HTTP/1.1 500 "));
    assert_eq!(unlucky.rest(), b"the application failed");
    serving.open().leave();
}

#[test]
fn a_peer_that_resets_is_gone() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let client = serving.open();
    let id = happenings.opened();
    client.reset();
    let (closed, closure) = happenings.closed();
    assert_eq!((closed, closure.code, closure.was_clean), (Some(id), CloseCode::ABNORMAL, false));
    assert_eq!(hub.client_count(), 0);
}

#[test]
fn a_peer_that_ends_its_stream_without_a_close_frame_is_gone() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut client = serving.open();
    let id = happenings.opened();
    client.end_writing();
    client.assert_ended();
    let (closed, closure) = happenings.closed();
    assert_eq!((closed, closure.code, closure.was_clean), (Some(id), CloseCode::ABNORMAL, false));
    assert_eq!(hub.client_count(), 0);
}

#[test]
fn a_peer_that_misbehaves_is_told_why() {
    let (room, happenings) = Room::new();
    let serving = serve(patient(), room);
    let mut client = serving.open();
    happenings.opened();
    client.write(&[0x81, 0x02, b'h', b'i']);
    assert_eq!(client.frame(), close(1002, "frame without a mask: a client must mask every frame"));
    client.assert_ended();
    assert_eq!(happenings.closed().1.code, CloseCode::PROTOCOL_ERROR);
}

#[test]
fn a_message_over_the_limit_is_refused() {
    let config = Config { max_message_bytes: 10, ..Config::default() };
    let serving = serve(patient().config(config), echo);
    let mut client = serving.open();
    client.say("0123456789");
    assert_eq!(client.frame(), text("0123456789"));
    client.say("0123456789x");
    assert_eq!(client.frame(), close(1009, "message too big: at most 10 bytes are accepted"));
    client.assert_ended();
}

#[test]
fn one_beyond_the_most_connections_is_told_so_until_one_leaves() {
    let serving = serve(patient().max_connections(2), echo);
    let (first, mut second) = (serving.open(), serving.open());
    for _ in 0..100 {
        let mut third = Client::connect(serving.address);
        third.write(&upgrade(""));
        let head = third.head();
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        let body = third.rest();
        assert_eq!(body, b"the server has all connections it can take");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    }
    second.say("still here");
    assert_eq!(second.frame(), text("still here"));
    first.leave();
    until("there is room", || {
        let mut next = Client::connect(serving.address);
        next.write(&upgrade(""));
        next.head().starts_with("HTTP/1.1 101 ")
    });
}

#[test]
#[cfg(target_os = "linux")] // elsewhere the system may let fewer wait
fn those_who_came_before_the_server_served_are_all_served() {
    let most: usize =
        std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    if most < 256 {
        eprintln!("skipped: this system lets only {most} connections wait");
        return;
    }
    let server = patient().bind("127.0.0.1:0").unwrap();
    let mut waiting: Vec<Client> = (0..200).map(|_| Client::connect(server.local_addr().unwrap())).collect();
    for client in &mut waiting {
        client.write(&upgrade(""));
    }
    let stopper = server.stopper();
    let serving = std::thread::spawn(|| smol::block_on(server.serve(echo)));
    for client in &mut waiting {
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }
    drop(waiting);
    stopper.stop();
    serving.join().unwrap().unwrap();
}

#[test]
fn the_hub_disconnects_a_client_after_what_was_sent_before() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut client = serving.open();
    let id = happenings.opened();
    hub.send(id, "last words").unwrap();
    hub.disconnect(id, CloseCode::new(4001).unwrap(), "enough").unwrap();
    assert_eq!(hub.client_count(), 0, "the hub has forgotten it at once");
    assert_eq!(client.frame(), text("last words"));
    assert_eq!(client.frame(), close(4001, "enough"));
    client.send(CLOSE, &4001_u16.to_be_bytes());
    client.assert_ended();
    assert_eq!(happenings.closed().0, Some(id));
}

#[test]
fn a_disconnected_client_is_closed_though_another_has_its_index_already() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().threads(std::num::NonZeroUsize::MIN).hub(&hub), room);
    for _ in 0..20 {
        let mut former = serving.open();
        let id = happenings.opened();
        hub.disconnect(id, CloseCode::NORMAL, "enough").unwrap();
        let (successor, _deliveries) = hub.connect("").unwrap();
        assert_eq!(successor.id().index(), id.index());
        let mut latter = serving.open();
        assert_ne!(happenings.opened(), id);
        assert_eq!(former.frame(), close(1000, "enough"));
        former.send(CLOSE, &1000_u16.to_be_bytes());
        former.assert_ended();
        happenings.closed();
        latter.say("hi");
        assert_eq!(latter.frame(), text("hi"));
        happenings.next();
        latter.leave();
        happenings.closed();
    }
}

#[test]
fn a_closed_hub_closes_the_connections_that_are_its_clients() {
    let (hub, notices) = telling(Hub::builder());
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut clients = [serving.open(), serving.open(), serving.open()];
    for _ in &clients {
        happenings.opened();
    }
    hub.close();
    until("that is told", || notices.all().contains(&realtime_smol::Notice::Closed));
    for client in &mut clients {
        assert_eq!(client.frame(), close(1001, "the server is closing"));
        client.send(CLOSE, &1001_u16.to_be_bytes());
        client.assert_ended();
    }
}

#[test]
fn a_silent_peer_is_pinged() {
    let keepalive = Keepalive { ping_after: Duration::from_millis(20), close_after: FOREVER };
    let config = Config { keepalive: Some(keepalive), ..Config::default() };
    let serving = serve(Server::builder().config(config), echo);
    let mut client = serving.open();
    for _ in 0..3 {
        assert_eq!(client.frame(), Frame { opcode: PING, payload: Vec::new() });
        client.send(PONG, b"");
    }
}

#[test]
fn a_peer_that_stays_silent_is_given_up() {
    let (room, happenings) = Room::new();
    let keepalive =
        Keepalive { ping_after: Duration::from_millis(20), close_after: Duration::from_millis(40) };
    let config = Config { keepalive: Some(keepalive), ..Config::default() };
    let serving = serve(Server::builder().config(config), room);
    let mut client = serving.open();
    happenings.opened();
    client.rest();
    let (_, closure) = happenings.closed();
    assert_eq!((closure.code, &*closure.reason), (CloseCode::ABNORMAL, "peer was silent for too long"));
}

#[test]
fn a_handshake_that_takes_too_long_is_answered_with_408() {
    let config = Config { handshake_timeout: Duration::from_millis(20), ..Config::default() };
    let serving = serve(patient().config(config), echo);
    let mut client = Client::connect(serving.address);
    client.write(b"GET / HTTP/1.1\r\n");
    assert!(client.head().starts_with("HTTP/1.1 408 "));
    client.rest();
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
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (String::from_utf8(status.to_vec()).unwrap(), stream.local_addr().unwrap())
    };
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    for (handshake_timeout, request, status, refusal) in [
        (FOREVER, &format!("{upgrade}\r\n")[..], "HTTP/1.1 404", None),
        (FOREVER, "\n", "HTTP/1.1 400", Some(Refusal::BareLineFeed)),
        (
            FOREVER,
            &format!("{upgrade}Origin: http://b\r\n\r\n"),
            "HTTP/1.1 403",
            Some(Refusal::ForbiddenOrigin),
        ),
        (Duration::from_millis(200), "GET /", "HTTP/1.1 408", Some(Refusal::TimedOut)),
    ] {
        let config = Config { handshake_timeout, ..Config::default() };
        let serving = serve(patient().config(config), Doorkeeper(Mutex::new(told.clone())));
        let (answered, address) = ask(serving.address, request);
        assert_eq!(answered, status);
        match refusal {
            Some(refusal) => assert_eq!(refusals.recv_timeout(PATIENCE), Ok((refusal, address))),
            None => assert_eq!(refusals.try_recv().ok(), None),
        }
    }
}
