//! One connection in ordinary asynchronous code: over TCP, and over a stream of bytes that holds only so
//! much.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::duplex::{self, End};
use common::{CLOSE, Client, FOREVER, PING, PONG, TEXT, close, in_time, masked, upgrade};
use futures_core::Stream;
use futures_sink::Sink;
use realtime_smol::{
    Answer, ApiMisuse, ClientRequest, CloseCode, Config, Delivery, Error, Keepalive, OwnedMessage,
    PeerMisbehaved, Uri, WebSocket,
};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpListener;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

fn patient() -> Config {
    Config { keepalive: None, close_timeout: FOREVER, handshake_timeout: FOREVER, ..Config::default() }
}

/// The client's side over `stream`.
async fn connect(stream: End, config: Config) -> Result<WebSocket<End>, Error> {
    let uri = Uri::parse("ws://localhost/").unwrap();
    WebSocket::connect_over(stream, &ClientRequest::to(&uri), config).await
}

/// The two sides of a connection over streams that hold `capacity` bytes.
async fn pair_with(capacity: usize, server: Config, client: Config) -> (WebSocket<End>, WebSocket<End>) {
    let (to_server, to_client) = duplex::pair(capacity);
    let accepting = WebSocket::accept(to_client, server);
    let (server, client) = smol::future::zip(accepting, connect(to_server, client)).await;
    (server.unwrap(), client.unwrap())
}

async fn pair(capacity: usize) -> (WebSocket<End>, WebSocket<End>) {
    pair_with(capacity, patient(), patient()).await
}

/// The server's side of a TCP connection, whose client does only what it is told.
fn accepted(config: Config) -> (WebSocket, Client) {
    in_time(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = smol::unblock(move || Client::open(address));
        let accepting =
            async { WebSocket::accept(listener.accept().await.unwrap().0, config).await.unwrap() };
        smol::future::zip(accepting, client).await
    })
}

/// Polls `future` once, which is not ready, and drops it.
async fn cancel<T>(future: impl Future<Output = T>) {
    let mut future = std::pin::pin!(future);
    let is_pending = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await;
    assert!(is_pending, "it was ready at once");
}

#[test]
fn both_sides_send_and_receive_over_tcp() {
    in_time(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("ws://{}/path", listener.local_addr().unwrap());
        let serving = async {
            let (stream, _) = listener.accept().await.unwrap();
            let decide = |request: &realtime_smol::Upgrade<'_>| {
                assert_eq!(request.path(), "/path");
                Answer::accept(())
            };
            let mut server = WebSocket::accept_with(stream, patient(), decide).await.unwrap();
            while let Some(message) = server.next().await {
                server.send(&message.unwrap()).await.unwrap();
            }
            assert!(server.closure().unwrap().was_clean);
        };
        let connecting = async {
            let mut client = WebSocket::connect(&uri, patient()).await.unwrap();
            client.send("hi").await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), OwnedMessage::from("hi"));
            client.send(&[1, 2, 3]).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), OwnedMessage::from(vec![1, 2, 3]));
            client.close(CloseCode::NORMAL, "bye").await.unwrap();
            assert!(client.next().await.is_none());
            assert!(client.closure().unwrap().was_clean);
        };
        smol::future::zip(serving, connecting).await;
    });
}

#[test]
fn both_sides_send_and_receive_over_any_stream_byte_by_byte() {
    in_time(async {
        let (mut server, mut client) = pair(1).await;
        let talking = async {
            client.send("question").await.unwrap();
            client.next().await.unwrap().unwrap()
        };
        let answering = async {
            assert_eq!(server.next().await.unwrap().unwrap(), OwnedMessage::from("question"));
            server.send("answer").await.unwrap();
        };
        let (answer, ()) = smol::future::zip(talking, answering).await;
        assert_eq!(answer, OwnedMessage::from("answer"));
    });
}

#[test]
fn a_large_message_arrives_whole() {
    in_time(async {
        let config = Config { max_message_bytes: 16 << 20, ..patient() };
        let (mut server, mut client) = pair_with(100_000, config.clone(), config).await;
        let payload: Vec<u8> = (0..4 << 20).map(|i: u32| (i ^ (i >> 8)) as u8).collect();
        let (sent, received) = smol::future::zip(client.send(&payload), server.next()).await;
        sent.unwrap();
        assert!(received.unwrap().unwrap() == OwnedMessage::Binary(payload.clone()), "client to server");
        let (sent, received) = smol::future::zip(server.send(&payload), client.next()).await;
        sent.unwrap();
        assert!(received.unwrap().unwrap() == OwnedMessage::Binary(payload), "server to client");
    });
}

#[test]
fn pieces_come_as_messages_of_their_own() {
    in_time(async {
        let config = Config { delivery: Delivery::Pieces, ..patient() };
        let (mut server, mut client) = pair_with(1000, config, patient()).await;
        let payload = vec![7; 10_000];
        let receiving = async {
            let mut received = Vec::new();
            while received.len() < payload.len() {
                match server.next().await.unwrap().unwrap() {
                    OwnedMessage::Binary(piece) => received.extend(piece),
                    OwnedMessage::Text(text) => panic!("{text}"),
                }
            }
            received
        };
        let (sent, received) = smol::future::zip(client.send(&payload), receiving).await;
        sent.unwrap();
        assert!(received == payload);
    });
}

#[test]
fn cancelling_next_loses_nothing() {
    in_time(async {
        let (mut server, mut client) = pair(7).await;
        // Each `next` is given up as often as it has to wait.
        let receiving = async {
            let mut messages = Vec::new();
            while messages.len() < 50 {
                let next = async { Some(server.next().await.unwrap().unwrap()) };
                let given_up = async {
                    smol::future::yield_now().await;
                    None
                };
                messages.extend(smol::future::or(next, given_up).await);
            }
            messages
        };
        let sending = async {
            for number in 0..50 {
                client.send(&format!("message {number}")).await.unwrap();
            }
        };
        let (messages, ()) = smol::future::zip(receiving, sending).await;
        let expected: Vec<_> =
            (0..50).map(|number| OwnedMessage::from(format!("message {number}"))).collect();
        assert_eq!(messages, expected);
    });
}

#[test]
fn a_cancelled_send_leaves_the_message_whole() {
    in_time(async {
        let (mut server, mut client) = pair(10).await;
        cancel(client.send("longer than what the stream holds")).await;
        let (sent, first) = smol::future::zip(client.send("next"), server.next()).await;
        sent.unwrap();
        assert_eq!(first.unwrap().unwrap(), OwnedMessage::from("longer than what the stream holds"));
        assert_eq!(server.next().await.unwrap().unwrap(), OwnedMessage::from("next"));
    });
}

#[test]
fn sending_waits_for_a_peer_that_does_not_read() {
    in_time(async {
        let (mut server, mut client) = pair(1000).await;
        let message = OwnedMessage::from(vec![1; 50_000]);
        // The sink takes messages until it has enough.
        let mut queued = 0;
        while poll_fn(|context| Poll::Ready(Pin::new(&mut client).poll_ready(context).is_ready())).await {
            Pin::new(&mut client).start_send(message.clone()).unwrap();
            queued += 1;
            assert!(queued < 10, "it queues without end");
        }
        assert!(queued >= 1);
        let flushing = poll_fn(|context| Pin::new(&mut client).poll_flush(context));
        let receiving = async {
            for _ in 0..queued {
                assert!(server.next().await.unwrap().unwrap() == message);
            }
        };
        let (flushed, ()) = smol::future::zip(flushing, receiving).await;
        flushed.unwrap();
    });
}

#[test]
fn one_reads_while_what_it_sends_waits_for_a_peer_that_reads_only_once_its_replies_are_taken() {
    const MESSAGES: usize = 8;
    in_time(async {
        let (mut server, mut client) = pair(1000).await;
        let message = OwnedMessage::from(vec![7; 100_000]); // far more than all the buffers between the two hold
        let echoing = async {
            while let Some(message) = server.next().await {
                server.send(&message.unwrap()).await.unwrap(); // nothing is read until the client has taken it
            }
        };
        let speaking = async {
            let mut to_send = MESSAGES;
            for _ in 0..MESSAGES {
                // As one task does that reads, and sends whenever there is room.
                let echoed = poll_fn(|context| {
                    while to_send > 0 && Pin::new(&mut client).poll_ready(context).is_ready() {
                        Pin::new(&mut client).start_send(message.clone()).unwrap();
                        to_send -= 1;
                    }
                    Pin::new(&mut client).poll_next(context)
                });
                assert!(echoed.await.unwrap().unwrap() == message);
            }
            client.close(CloseCode::NORMAL, "").await.unwrap();
        };
        smol::future::zip(echoing, speaking).await;
    });
}

#[test]
fn both_sides_may_close_at_once() {
    in_time(async {
        let (mut server, mut client) = pair(1000).await;
        let closing = smol::future::zip(
            server.close(CloseCode::GOING_AWAY, "server"),
            client.close(CloseCode::NORMAL, "client"),
        );
        let (from_server, from_client) = closing.await;
        from_server.unwrap();
        from_client.unwrap();
        assert!(server.closure().unwrap().was_clean);
        assert!(client.closure().unwrap().was_clean);
        assert!(server.next().await.is_none());
        let late = server.send("late").await;
        assert!(matches!(late, Err(Error::ApiMisuse(ApiMisuse::SendAfterClose))), "{late:?}");
    });
}

#[test]
fn closing_the_sink_closes_the_connection() {
    in_time(async {
        let (mut server, mut client) = pair(1000).await;
        let closing = poll_fn(|context| Pin::new(&mut client).poll_close(context));
        let (closed, end) = smol::future::zip(closing, server.next()).await;
        closed.unwrap();
        assert!(end.is_none());
        assert_eq!(server.closure().unwrap().code, CloseCode::NORMAL);
    });
}

#[test]
fn a_peer_that_does_not_answer_the_close_frame_is_waited_for_only_so_long() {
    in_time(async {
        let config = Config { close_timeout: Duration::from_millis(20), ..patient() };
        let (mut server, _client) = pair_with(1000, config, patient()).await;
        server.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(!server.closure().unwrap().was_clean);
    });
}

#[test]
fn a_silent_peer_is_pinged_and_given_up() {
    in_time(async {
        let keepalive =
            Keepalive { ping_after: Duration::from_millis(10), close_after: Duration::from_millis(20) };
        let config = Config { keepalive: Some(keepalive), ..patient() };
        let (mut server, _client) = pair_with(1000, config, patient()).await;
        assert!(server.next().await.is_none());
        assert_eq!(server.closure().unwrap().reason, "peer was silent for too long");
    });
}

#[test]
fn pings_are_answered_while_waiting_for_messages() {
    let (mut server, mut client) = accepted(patient());
    client.send(PING, b"alive?");
    let answered = std::thread::spawn(move || {
        assert_eq!(client.frame(), common::Frame { opcode: PONG, payload: b"alive?".into() });
        client.say("and so on");
        client
    });
    assert_eq!(in_time(server.next()).unwrap().unwrap(), OwnedMessage::from("and so on"));
    answered.join().unwrap();
}

#[test]
fn a_stream_that_ends_in_mid_frame_is_told_as_such() {
    let (mut server, mut client) = accepted(patient());
    let whole = masked(TEXT, b"hi");
    client.write(&[&whole[..], &whole[..4]].concat());
    client.end_writing();
    assert_eq!(in_time(server.next()).unwrap().unwrap(), OwnedMessage::from("hi"));
    assert!(in_time(server.next()).is_none());
    let closure = server.closure().unwrap();
    assert_eq!((closure.code, closure.was_clean), (CloseCode::ABNORMAL, false));
    assert_eq!(closure.reason, "connection ended in the middle of a message");
}

#[test]
fn a_reset_is_an_error_and_the_end() {
    let (mut server, client) = accepted(patient());
    client.reset();
    let error = in_time(server.next()).unwrap().unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset), "{error:?}");
    assert!(in_time(server.next()).is_none());
    assert_eq!(server.closure().unwrap().code, CloseCode::ABNORMAL);
}

#[test]
fn a_reset_after_the_closing_handshake_is_a_normal_end() {
    in_time(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("ws://{}/", listener.local_addr().unwrap());
        let serving = async {
            let server = WebSocket::accept(listener.accept().await.unwrap().0, patient()).await.unwrap();
            let mut stream = server.transport().clone();
            stream.write_all(&[0x88, 2, 0x03, 0xE8]).await.unwrap();
            stream.read_exact(&mut [0; 8]).await.unwrap(); // the reply, with a mask
            rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
        };
        let connecting = async {
            let mut client = WebSocket::connect(&uri, patient()).await.unwrap();
            assert!(client.next().await.is_none());
            let closure = client.closure().unwrap();
            assert_eq!((closure.code, closure.was_clean), (CloseCode::NORMAL, true));
        };
        smol::future::zip(serving, connecting).await;
    });
}

#[test]
fn a_peer_that_misbehaves_is_told_why_and_so_is_the_caller() {
    let (mut server, mut client) = accepted(patient());
    client.write(&[0x81, 0x02, b'h', b'i']);
    let error = in_time(server.next()).unwrap().unwrap_err();
    assert!(matches!(error, Error::PeerMisbehaved(PeerMisbehaved::UnmaskedFrame)), "{error:?}");
    assert_eq!(client.frame(), close(1002, "frame without a mask: a client must mask every frame"));
    assert!(in_time(server.next()).is_none());
}

#[test]
fn frames_that_come_with_the_request_are_kept() {
    in_time(async {
        let (mut raw, theirs) = duplex::pair(10_000);
        let together = [upgrade(""), masked(TEXT, b"1"), masked(TEXT, b"2"), masked(CLOSE, b"")].concat();
        raw.write_all(&together).await.unwrap();
        let mut server = WebSocket::accept(theirs, patient()).await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), OwnedMessage::from("1"));
        assert_eq!(server.next().await.unwrap().unwrap(), OwnedMessage::from("2"));
        assert!(server.next().await.is_none());
        assert_eq!(server.closure().unwrap().code, CloseCode::NO_STATUS);
    });
}

#[test]
fn a_secure_address_is_refused_clearly() {
    let error = in_time(WebSocket::connect("wss://localhost/", patient())).unwrap_err();
    assert!(error.to_string().contains("wss:// is not supported"), "{error}");
    assert!(matches!(error, Error::Io(error) if error.kind() == ErrorKind::Unsupported));
}

#[test]
fn an_address_of_another_kind_is_refused() {
    let error = in_time(WebSocket::connect("http://localhost/", patient())).unwrap_err();
    assert!(matches!(error, Error::InvalidUri(_)), "{error:?}");
}

#[test]
fn a_server_that_does_not_upgrade_fails_the_handshake() {
    in_time(async {
        let (ours, mut raw) = duplex::pair(10_000);
        raw.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let error = connect(ours, patient()).await.unwrap_err();
        assert!(error.to_string().contains("404"), "{error}");
    });
}

#[test]
fn a_request_that_is_no_upgrade_is_answered_and_an_error() {
    in_time(async {
        let (mut raw, theirs) = duplex::pair(10_000);
        raw.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let error = WebSocket::accept(theirs, patient()).await.unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{error:?}");
        let mut response = String::new();
        raw.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
    });
}

#[test]
fn a_caller_may_refuse_a_client() {
    in_time(async {
        let (mut raw, theirs) = duplex::pair(10_000);
        raw.write_all(&upgrade("")).await.unwrap();
        let decide = |_: &realtime_smol::Upgrade<'_>| Answer::reject(403, "not you");
        assert!(WebSocket::accept_with(theirs, patient(), decide).await.is_err());
        let mut response = String::new();
        raw.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 403 ") && response.ends_with("\r\n\r\nnot you"), "{response}");
    });
}

#[test]
fn an_opening_handshake_takes_only_so_long_on_either_side() {
    let config = Config { handshake_timeout: Duration::from_millis(20), ..patient() };
    in_time(async {
        // A peer that says nothing.
        let (mut raw, theirs) = duplex::pair(10_000);
        assert!(matches!(WebSocket::accept(theirs, config.clone()).await, Err(Error::Refused(_))));
        let mut response = String::new();
        raw.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        let (ours, _raw) = duplex::pair(10_000);
        let failed = connect(ours, config.clone()).await;
        assert!(matches!(failed, Err(Error::HandshakeFailed(_))));

        // A peer that reads nothing.
        let (mut raw, theirs) = duplex::pair(1);
        let asking = async {
            raw.write_all(&upgrade("")).await.unwrap();
            smol::future::pending::<()>().await;
        };
        let accepting = async { assert!(WebSocket::accept(theirs, config.clone()).await.is_err()) };
        smol::future::or(accepting, asking).await;
        let (ours, _raw) = duplex::pair(1);
        assert!(connect(ours, config.clone()).await.is_err());
    });
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let config = Config { max_fragments: 0, ..Config::default() };
    let (ours, theirs) = duplex::pair(1000);
    assert!(matches!(in_time(connect(ours, config.clone())), Err(Error::InvalidConfig(_))));
    assert!(matches!(in_time(WebSocket::accept(theirs, config)), Err(Error::InvalidConfig(_))));
}

#[test]
fn many_connections_share_a_thread() {
    in_time(async {
        let mut pairs = Vec::new();
        for _ in 0..20 {
            pairs.push(pair(1000).await);
        }
        for (number, (server, client)) in pairs.iter_mut().enumerate() {
            client.send(&number.to_string()).await.unwrap();
            assert_eq!(server.next().await.unwrap().unwrap(), OwnedMessage::from(number.to_string()));
        }
    });
}
