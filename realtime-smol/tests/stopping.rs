//! How a server ends, whatever its connections are doing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{
    CLOSE, Client, FOREVER, Happening, Room, Serving, TEXT, close, in_time, masked, patient, serve, telling,
    text, upgrade,
};
use realtime_smol::{
    CloseCode, Config, Hub, Message, OutboxLimits, Peer, PreparedMessage, Server, ServerBuilder, SlowConsumer,
};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The server lets go of peers that do not answer after this.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

fn hasty() -> ServerBuilder {
    let config = Config { close_timeout: CLOSE_TIMEOUT, handshake_timeout: FOREVER, ..Config::default() };
    patient().config(config)
}

#[test]
fn clients_are_closed_with_1001_and_the_server_ends_when_they_have_answered() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room); // which waits for ever
    let mut clients = [serving.open(), serving.open(), serving.open()];
    for _ in &clients {
        happenings.opened();
    }
    serving.stopper.stop();
    serving.stopper.stop();
    for client in &mut clients {
        assert_eq!(client.frame(), close(1001, "the server is stopping"));
        client.send(CLOSE, &1001_u16.to_be_bytes());
        client.assert_ended();
    }
    drop(clients);
    serving.assert_ends();
    for _ in 0..3 {
        let (_, closure) = happenings.closed();
        assert_eq!((closure.code, closure.was_clean), (CloseCode::GOING_AWAY, true));
    }
    happenings.assert_over();
    assert_eq!(hub.client_count(), 0);
}

#[test]
fn peers_that_do_not_answer_are_cut_off_after_the_close_timeout() {
    let hub = Hub::new();
    let (room, happenings) = Room::new();
    let serving = serve(hasty().hub(&hub), room);
    let clients = [serving.open(), serving.open()];
    for _ in &clients {
        happenings.opened();
    }
    serving.stopper.stop();
    serving.assert_ends();
    for mut client in clients {
        assert_eq!(client.frame(), close(1001, "the server is stopping"));
        client.assert_ended();
        assert_eq!(happenings.closed().1.code, CloseCode::ABNORMAL);
    }
    happenings.assert_over();
    assert_eq!((hub.client_count(), hub.channel_count()), (0, 0));
}

#[test]
fn a_server_that_accepts_no_more_goes_on_for_those_it_has() {
    let serving = serve(patient(), |peer: &mut Peer<'_>, message: Message<'_>| {
        peer.send(message).unwrap();
    });
    let (mut client, mut latecomer) = (serving.open(), Client::connect(serving.address));
    serving.stopper.stop_accepting();
    serving.stopper.stop_accepting();
    common::until("nobody listens", || {
        TcpStream::connect(serving.address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
    let successor = serve_at(serving.address);
    successor.open().leave();

    latecomer.write(&upgrade(""));
    assert!(latecomer.head().starts_with("HTTP/1.1 101 "), "it had come before");
    for client in [&mut client, &mut latecomer] {
        client.say("still here");
        assert_eq!(client.frame(), text("still here"));
    }
    serving.stopper.stop();
    for mut client in [client, latecomer] {
        assert_eq!(client.frame(), close(1001, "the server is stopping"));
        client.send(CLOSE, &1001_u16.to_be_bytes());
        client.assert_ended();
    }
    serving.assert_ends();
}

fn serve_at(address: SocketAddr) -> Serving {
    let server = patient().bind(address).unwrap();
    common::run(server, |_: &mut Peer<'_>, _: Message<'_>| {})
}

#[test]
fn whoever_was_disconnected_before_the_stop_is_told_the_code_of_that() {
    let code = CloseCode::new(4200).unwrap();
    for _ in 0..20 {
        let hub = Hub::new();
        let (room, happenings) = Room::new();
        let serving = serve(patient().hub(&hub), room);
        let mut client = serving.open();
        hub.disconnect(happenings.opened(), code, "come back").unwrap();
        serving.stopper.stop();
        assert_eq!(client.frame(), close(4200, "come back"));
        client.send(CLOSE, &4200_u16.to_be_bytes());
        client.assert_ended();
    }
}

#[test]
fn a_handshake_under_way_is_given_up_at_once() {
    let serving = serve(patient(), |_: &mut Peer<'_>, _: Message<'_>| {});
    let mut client = Client::connect(serving.address);
    client.write(b"GET / HTTP/1.1\r\nHost: ");
    serving.open().leave(); // so that the other has been accepted
    serving.open().leave(); // on both drivers
    serving.stopper.stop();
    client.assert_ended();
    serving.assert_ends();
}

#[test]
fn a_refused_peer_that_stays_is_cut_off() {
    let serving = serve(hasty(), |_: &mut Peer<'_>, _: Message<'_>| {});
    let mut client = Client::connect(serving.address);
    client.write(b"nonsense\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 400 "));
    serving.stopper.stop();
    serving.assert_ends();
    client.rest();
}

#[test]
fn a_closed_peer_that_stays_is_cut_off() {
    let (room, happenings) = Room::new();
    let serving = serve(hasty(), room);
    let mut client = serving.open();
    happenings.opened();
    client.send(CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(client.frame(), close(1000, ""));
    happenings.closed();
    serving.stopper.stop();
    serving.assert_ends();
    happenings.assert_over();
}

#[test]
fn a_peer_that_does_not_read_is_cut_off() {
    let (room, happenings) = Room::new();
    let limits = OutboxLimits { policy: SlowConsumer::DropNewest, ..OutboxLimits::default() };
    let (hub, notices) = telling(Hub::builder().outbox(limits));
    let serving = serve(hasty().hub(&hub), room);
    let _client = serving.open();
    happenings.opened();
    let message = PreparedMessage::new(&"x".repeat(100_000));
    common::fill(&hub, &notices, |_| message.clone());
    serving.stopper.stop();
    serving.assert_ends();
    assert_eq!(happenings.closed().1.code, CloseCode::ABNORMAL);
    happenings.assert_over();
}

#[test]
fn a_handler_may_stop_its_own_server() {
    let server = patient().bind("127.0.0.1:0").unwrap();
    let (address, stopper) = (server.local_addr().unwrap(), server.stopper());
    let serving = std::thread::spawn(move || {
        smol::block_on(server.serve(move |peer: &mut Peer<'_>, message: Message<'_>| {
            peer.send(message).unwrap();
            stopper.stop();
        }))
    });
    let mut client = Client::open(address);
    client.say("stop");
    assert_eq!(client.frame(), text("stop"));
    assert_eq!(client.frame(), close(1001, "the server is stopping"));
    client.send(CLOSE, &1001_u16.to_be_bytes());
    client.assert_ended();
    drop(client);
    common::until("the server has ended", || serving.is_finished());
    serving.join().unwrap().unwrap();
}

#[test]
fn messages_that_cross_the_close_frame_are_not_handed_over() {
    let (room, happenings) = Room::new();
    let serving = serve(patient(), room);
    let mut client = serving.open();
    happenings.opened();
    serving.stopper.stop();
    assert_eq!(client.frame(), close(1001, "the server is stopping"));
    client.write(&[masked(TEXT, b"late"), masked(CLOSE, &1001_u16.to_be_bytes())].concat());
    client.assert_ended();
    drop(client);
    assert!(matches!(happenings.next(), Happening::Closed(..)));
    serving.assert_ends();
}

#[test]
fn a_server_that_was_stopped_before_it_serves_ends_at_once() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    server.stopper().stop();
    in_time(server.serve(|_: &mut Peer<'_>, _: Message<'_>| {})).unwrap();
}

#[test]
fn dropping_the_future_stops_the_server() {
    let server = patient().bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serving = server.serve(|_: &mut Peer<'_>, _: Message<'_>| {});
    let mut client = Client::open(address); // the work has begun, though nobody polls
    drop(serving);
    assert_eq!(client.frame(), close(1001, "the server is stopping"));
    client.send(CLOSE, &1001_u16.to_be_bytes());
    client.assert_ended();
    common::until("nobody listens", || {
        TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
}

#[test]
fn connections_that_arrive_while_it_stops_are_let_go() {
    for _ in 0..5 {
        let serving = serve(hasty(), |_: &mut Peer<'_>, _: Message<'_>| {});
        let (address, stopper) = (serving.address, serving.stopper.clone());
        let mut clients: Vec<_> = (0..16).map(|_| Client::connect(address)).collect();
        for client in &mut clients {
            client.write(&upgrade(""));
        }
        stopper.stop();
        serving.assert_ends();
        for client in &mut clients {
            // Whether it was refused, reset or closed: it does not hang.
            client.read_to_its_end();
        }
        drop(stopper); // nor does what is left of the server hold a socket
    }
}
