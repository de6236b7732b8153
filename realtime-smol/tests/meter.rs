//! What a server's meter counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Client, PING, PONG, Room, masked, patient, telling, text, until, upgrade};
use realtime_smol::{Hub, Message, OutboxLimits, Peer, PreparedMessage, Traffic};
use std::thread;

#[test]
fn messages_bytes_and_refusals_are_counted() {
    let server = patient().max_connections(1).bind("127.0.0.1:0").unwrap();
    let (address, meter, stopper) = (server.local_addr().unwrap(), server.meter(), server.stopper());
    let echo = |peer: &mut Peer<'_>, message: Message<'_>| {
        peer.send(message).unwrap();
    };
    let serving = thread::spawn(move || smol::block_on(server.serve(echo)));
    assert_eq!(meter.traffic(), Traffic::default());

    let mut client = Client::connect(address);
    let early = masked(1, b"early");
    client.write(&[upgrade(""), early.clone()].concat());
    let head = client.head();
    assert_eq!(client.frame(), text("early"));
    client.say("hi");
    assert_eq!(client.frame(), text("hi"));
    client.send(PING, b"?");
    assert_eq!(client.frame().opcode, PONG);
    let expected = Traffic {
        messages_in: 2,
        bytes_in: (early.len() + masked(1, b"hi").len() + masked(PING, b"?").len()) as u64,
        messages_out: 2,
        bytes_out: (head.len() + "..early".len() + "..hi".len() + "..?".len()) as u64,
        ..Traffic::default()
    };
    until("all is counted", || meter.traffic() == expected);

    let mut beyond = Client::connect(address);
    beyond.write(&upgrade(""));
    assert!(beyond.head().starts_with("HTTP/1.1 503 "));
    assert_eq!(meter.traffic().refused, 1);
    drop(beyond);
    client.leave();
    stopper.stop();
    until("the server has ended", || serving.is_finished());
}

#[test]
fn what_waits_for_a_client_that_does_not_read_and_how_long_deliveries_took_are_measured() {
    let limits = OutboxLimits { max_messages: 8, ..OutboxLimits::default() };
    let (hub, notices) = telling(Hub::builder().outbox(limits));
    let server = patient().hub(&hub).bind("127.0.0.1:0").unwrap();
    let (address, meter, stopper) = (server.local_addr().unwrap(), server.meter(), server.stopper());
    let (room, happenings) = Room::new();
    let serving = thread::spawn(move || smol::block_on(server.serve(room)));
    let client = Client::open(address);
    happenings.opened();
    let measured = || meter.traffic().delays.counts.iter().sum::<u64>();
    assert_eq!((measured(), meter.traffic().most_waiting_messages), (0, 0));

    let message = PreparedMessage::new(&"x".repeat(100_000));
    let sent = common::fill(&hub, &notices, |_| message.clone());
    let traffic = meter.traffic();
    assert_eq!(traffic.most_waiting_messages, 8);
    assert_eq!(traffic.most_waiting_bytes, 8 * message.frame().len() as u64);
    let batches = measured();
    assert!(1 <= batches && batches <= sent as u64, "{batches} of {sent} messages");
    assert!(!traffic.delays.total.is_zero());
    drop(client);
    stopper.stop();
    until("the server has ended", || serving.is_finished());
}
