//! A WebSocket without a hub: both sides of it.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_std::{
    Answer, ClientRequest, CloseCode, Config, Error, Event, Keepalive, OwnedMessage, WebSocket,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long a test waits for what has to happen.
const DEADLINE: Duration = Duration::from_secs(20);

/// Both ends of a connection.
fn pair(server: Config, client: Config) -> (WebSocket, WebSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/path?query", listener.local_addr().unwrap());
    let accepting = thread::spawn(move || WebSocket::accept(listener.accept().unwrap().0, server).unwrap());
    let client = WebSocket::connect(&uri, client).unwrap();
    (accepting.join().unwrap(), client)
}

#[test]
fn messages_go_both_ways_and_keep_their_type() {
    let (mut server, mut client) = pair(Config::default(), Config::default());
    client.send("text").unwrap();
    client.send(&[0, 0xFF]).unwrap();
    assert_eq!(server.read().unwrap(), Some("text".into()));
    assert_eq!(server.read().unwrap(), Some(OwnedMessage::Binary(vec![0, 0xFF])));
    server.send("back").unwrap();
    assert_eq!(client.read().unwrap(), Some("back".into()));
}

#[test]
fn a_message_of_many_mebibytes_arrives_whole() {
    let config = Config { max_message_bytes: 32 * 1024 * 1024, ..Config::default() };
    let (mut server, mut client) = pair(config.clone(), config);
    let large: Vec<u8> = (0..20 * 1024 * 1024).map(|n: u32| (n % 251) as u8).collect();
    let expected = OwnedMessage::Binary(large.clone());
    let sending = thread::spawn(move || {
        client.send(&large).unwrap();
        client
    });
    assert_eq!(server.read().unwrap().as_ref(), Some(&expected));
    let mut client = sending.join().unwrap();
    let receiving = thread::spawn(move || client.read().unwrap());
    server.send(&expected).unwrap();
    assert_eq!(receiving.join().unwrap(), Some(expected));
}

#[test]
fn closing_completes_on_both_sides() {
    let (mut server, mut client) = pair(Config::default(), Config::default());
    let serving = thread::spawn(move || {
        assert_eq!(server.read().unwrap(), None);
        server.closure().unwrap().clone()
    });
    let code = CloseCode::new(4000).unwrap();
    client.close(code, "done").unwrap();
    let (server, client) = (serving.join().unwrap(), client.closure().unwrap());
    assert_eq!((server.code, &*server.reason, server.was_clean), (code, "done", true));
    assert_eq!((client.code, client.was_clean), (code, true));
}

#[test]
fn a_reset_after_the_closing_handshake_is_a_normal_end() {
    let (server, mut client) = pair(Config::default(), Config::default());
    let resetting = thread::spawn(move || {
        let mut stream = server.stream();
        stream.write_all(&[0x88, 2, 0x03, 0xE8]).unwrap();
        stream.read_exact(&mut [0; 8]).unwrap(); // the reply, with a mask
        rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
    });
    assert_eq!(client.read().unwrap(), None);
    let closure = client.closure().unwrap();
    assert_eq!((closure.code, closure.was_clean), (CloseCode::NORMAL, true));
    resetting.join().unwrap();
}

#[test]
fn nothing_can_be_sent_after_a_close() {
    let (mut server, client) = pair(Config::default(), Config::default());
    let closing = thread::spawn(move || {
        let mut client = client;
        client.close(CloseCode::NORMAL, "").unwrap();
        client
    });
    while server.read().unwrap().is_some() {}
    let mut client = closing.join().unwrap();
    assert!(matches!(client.send("late"), Err(Error::ApiMisuse(_))));
    assert!(matches!(server.send("late"), Err(Error::ApiMisuse(_))));
}

#[test]
fn one_half_sends_while_the_other_blocks_in_a_read() {
    let (server, mut client) = pair(Config::default(), Config::default());
    let (mut reader, mut writer) = server.split();
    let reading = thread::spawn(move || {
        let message = reader.read().unwrap();
        while reader.read().unwrap().is_some() {}
        (message, reader.closure().unwrap().clone())
    });
    writer.send("first").unwrap();
    assert_eq!(client.read().unwrap(), Some("first".into()));
    client.send("answer").unwrap();
    writer.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(client.read().unwrap(), None);
    let (message, closure) = reading.join().unwrap();
    assert_eq!(message, Some("answer".into()));
    assert!(closure.was_clean);
}

#[test]
fn one_half_reads_while_the_other_waits_for_a_peer_that_reads_only_once_its_replies_are_taken() {
    const MESSAGES: usize = 16;
    let config = Config { keepalive: None, ..Config::default() };
    let (mut server, client) = pair(config.clone(), config);
    for socket in [server.stream(), client.stream()] {
        rustix::net::sockopt::set_socket_send_buffer_size(socket, 64 * 1024).unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(socket, 64 * 1024).unwrap();
    }
    let message = vec![7; 1024 * 1024]; // far more than all the buffers between the two hold
    let expected = OwnedMessage::Binary(message.clone());
    thread::spawn(move || {
        while let Ok(Some(message)) = server.read() {
            server.send(&message).unwrap(); // nothing is read until the client has taken it
        }
    });
    let (mut reader, mut writer) = client.split();
    let (arrived, arrivals) = mpsc::channel();
    thread::spawn(move || {
        while let Ok(Some(message)) = reader.read() {
            arrived.send(message).unwrap();
        }
    });
    thread::spawn(move || {
        for _ in 0..MESSAGES {
            writer.send(&message).unwrap();
        }
        writer.close(CloseCode::NORMAL, "").unwrap();
    });
    for _ in 0..MESSAGES {
        assert!(arrivals.recv_timeout(DEADLINE).as_ref() == Ok(&expected), "the echo did not arrive");
    }
    assert_eq!(arrivals.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected), "it did not close");
}

#[test]
fn a_peer_that_does_not_answer_a_close_is_given_up() {
    let config = Config { close_timeout: Duration::from_millis(50), ..Config::default() };
    for is_split in [false, true] {
        let (mut server, _silent) = pair(config.clone(), Config::default());
        let closure = if is_split {
            let (mut reader, mut writer) = server.split();
            let reading = thread::spawn(move || {
                assert_eq!(reader.read().unwrap(), None);
                reader.closure().unwrap().clone()
            });
            writer.close(CloseCode::NORMAL, "").unwrap();
            reading.join().unwrap()
        } else {
            server.close(CloseCode::NORMAL, "").unwrap();
            server.closure().unwrap().clone()
        };
        assert_eq!((closure.code, closure.was_clean), (CloseCode::ABNORMAL, false));
    }
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    let keepalive =
        Keepalive { ping_after: Duration::from_millis(20), close_after: Duration::from_millis(60) };
    let eager = Config { keepalive: Some(keepalive), ..Config::default() };
    let (mut server, client) = pair(eager, Config::default());
    // This peer reads nothing, and so answers no ping.
    assert_eq!(server.read().unwrap(), None);
    assert_eq!(server.closure().unwrap().code, CloseCode::ABNORMAL);
    drop(client);
}

#[test]
fn a_peer_that_answers_pings_lives() {
    let keepalive = Keepalive { ping_after: Duration::from_millis(5), close_after: Duration::from_secs(20) };
    let eager = Config { keepalive: Some(keepalive), ..Config::default() };
    let (mut server, mut client) = pair(eager, Config { keepalive: None, ..Config::default() });
    let answering = thread::spawn(move || {
        let mut pings = 0;
        while pings < 10 {
            if client.read_with(|event| matches!(event, Event::Ping(_))).unwrap().unwrap() {
                pings += 1;
            }
        }
        client.send("ten pings").unwrap();
        client
    });
    assert_eq!(server.read().unwrap(), Some("ten pings".into()));
    answering.join().unwrap();
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_so() {
    let (mut server, client) = pair(Config::default(), Config::default());
    let mut raw = client.stream().try_clone().unwrap();
    raw.write_all(&[0x81, 0x01, b'x']).unwrap(); // not masked
    let reading = thread::spawn(move || {
        let mut client = client;
        assert_eq!(client.read().unwrap(), None);
        client.closure().unwrap().code
    });
    assert!(matches!(server.read(), Err(Error::PeerMisbehaved(_))));
    assert_eq!(server.read().unwrap(), None);
    assert_eq!(reading.join().unwrap(), CloseCode::PROTOCOL_ERROR);
}

#[test]
fn the_application_decides_about_a_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = thread::spawn(move || {
        let decide = |stream| {
            WebSocket::accept_with(stream, Config::default(), |upgrade| match upgrade.path() {
                "/chat" => Answer::accept(()).subprotocol("v2").header("X-Served-By", "me"),
                _ => Answer::reject(404, "no such place"),
            })
        };
        assert!(decide(listener.accept().unwrap().0).is_err());
        let mut accepted = decide(listener.accept().unwrap().0).unwrap();
        accepted.send("welcome").unwrap();
        while accepted.read().unwrap().is_some() {}
    });
    let refused = WebSocket::connect(&format!("ws://{address}/"), Config::default());
    assert!(matches!(refused, Err(Error::HandshakeFailed(_))), "{refused:?}");
    let request = ClientRequest {
        host: "localhost",
        target: "/chat",
        subprotocols: &["v1", "v2"],
        ..ClientRequest::default()
    };
    let stream = TcpStream::connect(address).unwrap();
    let mut client = WebSocket::connect_over(stream, &request, Config::default()).unwrap();
    assert_eq!(client.read().unwrap(), Some("welcome".into()));
    client.close(CloseCode::NORMAL, "").unwrap();
    accepting.join().unwrap();
}

#[test]
fn a_request_that_does_not_arrive_is_answered_with_408() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let config = Config { handshake_timeout: Duration::from_millis(20), ..Config::default() };
    let accepting = thread::spawn(move || WebSocket::accept(listener.accept().unwrap().0, config));
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    drop(client);
    assert!(matches!(accepting.join().unwrap(), Err(Error::Refused(_))));
}
