use crate::frames;
use crate::memory::Memory;
use crate::stage::{Rank, Stage, Subject};
use bytes::{Bytes, BytesMut};
use fastwebsockets::{Frame, Payload};
use realtime_ws::{Config, Connection, Timestamp};
use std::hint::black_box;
use tungstenite::protocol::{Role, WebSocketConfig};

/// How many messages are encoded into one buffer.
const MESSAGES: usize = 256;

/// Frames of a server into one buffer, which is emptied as if it had been written.
pub(crate) fn run(stage: &Stage) {
    for bytes in [16, 125, 1024] {
        let case = format!("encode {bytes} B");
        if stage.plays(&case) {
            let text = frames::text(bytes);
            stage.play(
                &case,
                vec![
                    hand_loop(&text),
                    realtime(&text),
                    sockudo(&text),
                    fastwebsockets(&text),
                    tungstenite(&text),
                ],
            );
        }
    }
}

fn hand_loop(text: &str) -> Subject<'_> {
    let work = move |out: &mut Vec<u8>| {
        out.clear();
        for _ in 0..MESSAGES {
            let payload = black_box(text).as_bytes();
            match payload.len() {
                len @ 0..126 => out.extend([0x81, len as u8]),
                len => {
                    let [high, low] = (len as u16).to_be_bytes();
                    out.extend([0x81, 126, high, low]);
                }
            }
            out.extend_from_slice(payload);
        }
        black_box(out);
        MESSAGES
    };
    Subject::new("hand loop", Rank::Limit, Vec::new(), |_| {}, work)
}

fn realtime(text: &str) -> Subject<'_> {
    let config = Config::default().checked().expect("a configuration");
    let connection = Connection::server(config, Timestamp::START);
    let work = move |(connection, buffer): &mut (Connection, Vec<u8>)| {
        connection.lend_buffer(buffer);
        for _ in 0..MESSAGES {
            connection.send(black_box(text)).expect("the connection is open");
        }
        let mut slices = [&[][..]];
        connection.poll_transmit(&mut slices);
        let bytes = black_box(slices[0]).len();
        connection.transmitted(bytes);
        connection.reclaim_buffer(buffer);
        MESSAGES
    };
    Subject::new("realtime", Rank::Ours, (connection, Vec::new()), |_| {}, work)
}

fn sockudo(text: &str) -> Subject<'_> {
    let protocol = sockudo_ws::protocol::Protocol::new(sockudo_ws::Role::Server, usize::MAX, usize::MAX);
    let message = sockudo_ws::Message::Text(Bytes::copy_from_slice(text.as_bytes()));
    let work = move |(protocol, out): &mut (sockudo_ws::protocol::Protocol, BytesMut)| {
        out.clear();
        for _ in 0..MESSAGES {
            protocol.encode_message(black_box(&message), out).expect("room");
        }
        black_box(out);
        MESSAGES
    };
    Subject::new("sockudo-ws", Rank::Peer, (protocol, BytesMut::new()), |_| {}, work)
}

/// Each frame over the one before: it has no way to append.
fn fastwebsockets(text: &str) -> Subject<'_> {
    let work = move |out: &mut Vec<u8>| {
        for _ in 0..MESSAGES {
            let mut frame = Frame::text(Payload::Borrowed(black_box(text).as_bytes()));
            black_box(frame.write(out));
        }
        MESSAGES
    };
    Subject::new("fastwebsockets", Rank::Peer, Vec::new(), |_| {}, work)
}

fn tungstenite(text: &str) -> Subject<'_> {
    let config = WebSocketConfig::default();
    let socket = tungstenite::WebSocket::from_raw_socket(Memory::new(&[]), Role::Server, Some(config));
    let message = tungstenite::Message::text(text);
    let work = move |socket: &mut tungstenite::WebSocket<Memory>| {
        for _ in 0..MESSAGES {
            socket.write(black_box(&message).clone()).expect("room");
        }
        socket.flush().expect("memory takes all");
        MESSAGES
    };
    Subject::new("tungstenite", Rank::Peer, socket, |_| {}, work)
}
