//! What both loops owe their clients, whichever way they move bytes.
//!
//! Where io_uring is forbidden its half is skipped, which the output says.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

mod server;

use realtime_std::{CloseCode, Config, Event, OwnedMessage, WebSocket};
use server::{PATIENCE, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Instant;

/// Runs each of these with either loop.
macro_rules! with_both {
    ($($behaviour:ident),* $(,)?) => {
        mod polling {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(env!("CARGO_BIN_EXE_realtime-polling"));
            })*
        }

        mod io_uring {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(env!("CARGO_BIN_EXE_realtime-io-uring"));
            })*
        }
    };
}

with_both!(
    messages_of_every_size_come_back_as_they_were,
    sixteen_in_flight_come_back_in_order,
    many_connections_at_once_each_get_their_own,
    fragments_are_joined_and_a_ping_between_them_is_answered,
    bytes_that_come_one_by_one_make_a_message,
    subscribers_get_every_message_in_one_order,
    a_subscriber_that_does_not_read_delays_nobody_and_loses_whole_messages,
    the_close_handshake_is_answered,
    a_stream_that_ends_without_a_close_frame_is_ended,
    peers_that_vanish_while_they_are_sent_to_harm_nobody,
    who_speaks_another_protocol_is_closed,
);

/// Around the lengths of frame headers, what is copied, what is sent at once, and the buffers of both loops.
const SIZES: [usize; 16] = [
    0, 1, 125, 126, 2_047, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 262_144, 262_145, 1_048_576,
    3_000_001, 8_388_608,
];

fn messages_of_every_size_come_back_as_they_were(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    let messages: Vec<_> = SIZES.into_iter().flat_map(|bytes| [text(bytes), binary(bytes)]).collect();
    expect_echoes(&server.connect(), &messages);
}

fn sixteen_in_flight_come_back_in_order(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    let mut client = server.connect();
    for round in 0..100 {
        // What the client sends while it does not read fits into what sockets hold.
        let messages: Vec<_> = (0..16).map(|number| text((round * 997 + number * 331) % 6_000)).collect();
        for message in &messages {
            client.send(message).unwrap();
        }
        for message in messages {
            assert_eq!(client.read().unwrap(), Some(message));
        }
    }
    // Far more than sockets hold: the server has to wait for room.
    expect_echoes(&client, &(0..64).map(|number| binary(100_000 + number)).collect::<Vec<_>>());
}

fn many_connections_at_once_each_get_their_own(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    let mut clients: Vec<_> = (0..300).map(|_| server.connect()).collect();
    // More at a time than one turn handles, and than the buffers for what is received hold.
    for bytes in [10, 1_000, 20_000] {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&text(bytes + number)).unwrap();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.read().unwrap(), Some(text(bytes + number)), "client {number}");
        }
    }
}

fn fragments_are_joined_and_a_ping_between_them_is_answered(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    let mut client = server.connect();
    for piece_bytes in [1, 7, 1_000, 70_000] {
        let message = "grüße ".repeat(if piece_bytes < 10 { 20 } else { 50_000 });
        let mut pieces = message.as_bytes().chunks(piece_bytes).peekable();
        let mut frames = Vec::new();
        let mut opcode = 1;
        while let Some(piece) = pieces.next() {
            let is_last = pieces.peek().is_none();
            frames.extend(frame(opcode | if is_last { 0x80 } else { 0 }, piece));
            if opcode == 1 {
                frames.extend(frame(0x89, b"between"));
            }
            opcode = 0;
        }
        client.stream().write_all(&frames).unwrap();
        let pong = client.read_with(|event| matches!(event, Event::Pong(b"between"))).unwrap();
        assert_eq!(pong, Some(true));
        assert_eq!(client.read().unwrap(), Some(message.as_str().into()));
    }
}

fn bytes_that_come_one_by_one_make_a_message(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    let mut client = server.connect();
    let message = "x".repeat(300);
    for byte in frame(0x81, message.as_bytes()) {
        client.stream().write_all(&[byte]).unwrap();
    }
    assert_eq!(client.read().unwrap(), Some(message.as_str().into()));
}

fn subscribers_get_every_message_in_one_order(executable: &str) {
    let Some(server) = Server::start(executable, "rooms") else { return };
    let mut subscribers: Vec<_> = (0..100).map(|_| joined(&server, "all")).collect();
    let mut publishers = [server.connect(), server.connect()];
    for bytes in [10, 1_000, 30_000] {
        // No more than an outbox holds, or some would rightly be lost.
        for number in 0..16 {
            for (who, publisher) in publishers.iter_mut().enumerate() {
                let padding = "x".repeat(bytes);
                publisher.send(&*format!("say all {who} {number} {padding}")).unwrap();
            }
        }
        let mut first = None;
        for subscriber in &mut subscribers {
            let received: Vec<_> = (0..32).map(|_| subscriber.read().unwrap().unwrap()).collect();
            assert_eq!(first.get_or_insert_with(|| received.clone()), &received);
        }
        for who in 0..2 {
            let beginning = format!("{who} ");
            let of_one = first.iter().flatten().filter(|message| as_text(message).starts_with(&beginning));
            let numbers: Vec<_> =
                of_one.map(|message| as_text(message).split(' ').nth(1).unwrap().to_owned()).collect();
            assert_eq!(numbers, (0..16).map(|number| number.to_string()).collect::<Vec<_>>());
        }
    }
}

fn a_subscriber_that_does_not_read_delays_nobody_and_loses_whole_messages(executable: &str) {
    let Some(server) = Server::start(executable, "rooms") else { return };
    let (mut slow, mut quick) = (joined(&server, "all"), joined(&server, "all"));
    slow.send("join slow").unwrap();
    let mut publisher = server.connect();
    let padding = "x".repeat(20_000);
    let all = 1_000;
    for number in 0..all {
        publisher.send(&*format!("say all {number} {padding}")).unwrap();
        assert_eq!(quick.read().unwrap(), Some(format!("{number} {padding}").as_str().into()));
    }
    // It gets what fitted, in order and whole. What it says to itself follows that, once there is room for it.
    let mut next = 0;
    let mut received = 0;
    loop {
        let message = slow.read().unwrap().unwrap();
        if as_text(&message) == "the end" {
            break;
        }
        let (number, rest) = as_text(&message).split_once(' ').unwrap();
        let number = number.parse::<u32>().unwrap();
        assert!(number >= next && rest == padding, "{number} came where {next} or later was due");
        (next, received) = (number + 1, received + 1);
        slow.send("say slow the end").unwrap();
    }
    assert!((64..all).contains(&received), "{received} of {all} messages came");
}

fn the_close_handshake_is_answered(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    for bytes in [0, 100, 1_000_000] {
        let mut client = server.connect();
        client.send(&text(bytes)).unwrap();
        let code = CloseCode::new(4_000).unwrap();
        let began = Instant::now();
        client.close(code, "done").unwrap();
        let closure = client.closure().unwrap();
        assert_eq!((closure.code, closure.was_clean), (code, true));
        assert_eq!(client.stream().read(&mut [0]).unwrap(), 0);
        assert!(began.elapsed() < Config::default().close_timeout, "only the deadline has ended it");
    }
}

fn a_stream_that_ends_without_a_close_frame_is_ended(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    let mut client = server.connect();
    client.send("before").unwrap();
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read().unwrap(), Some("before".into()));
    assert_eq!(client.read().unwrap(), None);
}

/// The kernel may be sending from a buffer, or receiving into one, when the connection goes; whoever gets that buffer
/// next must not find it changed.
fn peers_that_vanish_while_they_are_sent_to_harm_nobody(executable: &str) {
    let Some(mut server) = Server::start(executable, "echo") else { return };
    let mut steady = server.connect();
    for round in 0..30 {
        let vanishing: Vec<_> = [500, 5_000, 200_000].map(|bytes| (server.connect(), bytes)).into();
        for (client, bytes) in &vanishing {
            let frames = frame(0x82, &vec![round as u8; *bytes]).repeat(1 + 20_000 / bytes);
            client.stream().set_nonblocking(true).unwrap();
            // Nothing is read, so the server's answers, and then what it is sent, wait.
            while client.stream().write(&frames).map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock) {
            }
        }
        steady.send(&text(3_000)).unwrap();
        drop(vanishing); // with bytes unread, which resets them
        for bytes in [100, 3_000, 50_000] {
            steady.send(&text(bytes)).unwrap();
        }
        for bytes in [3_000, 100, 3_000, 50_000] {
            assert_eq!(steady.read().unwrap(), Some(text(bytes)));
        }
    }
    assert!(server.is_running());
}

fn who_speaks_another_protocol_is_closed(executable: &str) {
    let Some(server) = Server::start(executable, "echo") else { return };
    let mut stream = server.connect_raw();
    stream.write_all(b"\x16\x03\x01 is no request\r\n\r\n").unwrap();
    let ended = stream.read(&mut [0]);
    assert!(matches!(&ended, Ok(0)) || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    expect_echoes(&server.connect(), &[text(10)]);
}

/// Sends all at once while reading, and compares what comes back.
fn expect_echoes(client: &WebSocket, messages: &[OwnedMessage]) {
    // Past the WebSocket, which does not read while it has much to write, and whose pings would have a server go on that
    // has forgotten to.
    let (mut sending, mut receiving) = (client.stream(), client.stream());
    receiving.set_read_timeout(Some(PATIENCE)).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            for message in messages {
                let (first_byte, payload) = parts(message);
                sending.write_all(&frame(first_byte, payload)).unwrap();
            }
        });
        for (number, message) in messages.iter().enumerate() {
            let (first_byte, payload) = parts(message);
            let mut expected = header(first_byte, payload.len(), 0);
            expected.extend(payload);
            let mut echo = vec![0; expected.len()];
            receiving.read_exact(&mut echo).unwrap();
            // Not `assert_eq`, which would print mebibytes.
            assert!(echo == expected, "message {number} came back changed");
        }
    });
}

fn parts(message: &OwnedMessage) -> (u8, &[u8]) {
    match message {
        OwnedMessage::Text(text) => (0x81, text.as_bytes()),
        OwnedMessage::Binary(bytes) => (0x82, bytes),
    }
}

/// A client that is in the room by now: a room of its own tells, as commands are obeyed in order.
fn joined(server: &Server, room: &str) -> WebSocket {
    let mut client = server.connect();
    client.send(&*format!("join {room}")).unwrap();
    let own = format!("own-{:?}", client.stream().local_addr().unwrap());
    client.send(&*format!("join {own}")).unwrap();
    client.send(&*format!("say {own} joined")).unwrap();
    assert_eq!(client.read().unwrap(), Some("joined".into()));
    client
}

/// A frame as a client sends it.
fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [1, 2, 3, 4];
    let mut frame = header(first_byte, payload.len(), 0x80);
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn header(first_byte: u8, payload_bytes: usize, masked: u8) -> Vec<u8> {
    let mut header = vec![first_byte];
    match payload_bytes {
        0..126 => header.push(masked | payload_bytes as u8),
        126..65_536 => {
            header.push(masked | 126);
            header.extend((payload_bytes as u16).to_be_bytes());
        }
        65_536.. => {
            header.push(masked | 127);
            header.extend((payload_bytes as u64).to_be_bytes());
        }
    }
    header
}

fn text(bytes: usize) -> OwnedMessage {
    OwnedMessage::Text((0..bytes).map(|i| char::from(b'a' + (i % 26 + i / 26 % 7) as u8 % 26)).collect())
}

fn binary(bytes: usize) -> OwnedMessage {
    OwnedMessage::Binary((0..bytes).map(|i| (i % 251) as u8).collect())
}

fn as_text(message: &OwnedMessage) -> &str {
    match message {
        OwnedMessage::Text(text) => text,
        OwnedMessage::Binary(_) => panic!("not text"),
    }
}
