//! What a server's meter counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Client, PING, PONG, masked, patient, text, until, upgrade};
use realtime_smol::{Message, Peer, Traffic};
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
        refused: 0,
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
