use crate::frames;
use crate::memory::Memory;
use crate::stage::{Rank, Stage, Subject};
use bytes::BytesMut;
use fastwebsockets::FragmentCollector;
use futures_util::StreamExt;
use realtime_ws::{Config, Connection, Event, Timestamp};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Parse, unmask and check the text of all frames that one read of 64 KiB holds.
///
/// The limit, ours and sockudo-ws get the read's buffer. The others read from a stream, and so copy what they parse.
pub(crate) fn run(stage: &Stage) {
    for bytes in [16, 125, 1024, 16 * 1024, 1024 * 1024] {
        let case = format!("decode {bytes} B");
        if stage.plays(&case) {
            let (read, frames) = frames::one_read(bytes);
            stage.play(
                &case,
                vec![
                    hand_loop(&read),
                    realtime(&read),
                    sockudo(&read),
                    fastwebsockets(&read, frames),
                    tokio_websockets(&read),
                    tungstenite(&read),
                ],
            );
        }
    }
}

/// How much fits into the nearest cache beside everything else; a multiple of 4, so that the key needs no turning.
const BLOCK_BYTES: usize = 8 * 1024;

/// No state, no limits, no fragments, no control frames, no errors to tell apart.
fn hand_loop(read: &[u8]) -> Subject<'_> {
    let work = |buffer: &mut Vec<u8>| {
        let mut rest = &mut buffer[..];
        let mut frames = 0;
        while let [first, second, after @ ..] = rest {
            assert!(*first == 0x81 && *second & 0x80 != 0);
            let (len, after) = match *second & 0x7f {
                126 => {
                    let (len, after) = after.split_first_chunk_mut().expect("a length");
                    (usize::from(u16::from_be_bytes(*len)), after)
                }
                127 => {
                    let (len, after) = after.split_first_chunk_mut().expect("a length");
                    (u64::from_be_bytes(*len) as usize, after)
                }
                len => (usize::from(len), after),
            };
            let (key, after) = after.split_first_chunk_mut::<4>().expect("a key");
            let (payload, after) = after.split_at_mut(len);
            unmask_text(payload, *key);
            frames += 1;
            rest = after;
        }
        frames
    };
    Subject::new("hand loop", Rank::Limit, read.to_vec(), |_| {}, work)
}

/// Short payloads by words of the widest integer, long ones by whole lines of the cache.
fn unmask(payload: &mut [u8], key: [u8; 4]) {
    if payload.len() < 1024 {
        return unmask_short(payload, key);
    }
    let (front, rest) = payload.split_at_mut(payload.as_ptr().align_offset(64));
    unmask_short(front, key);
    let mut key = key;
    key.rotate_left(front.len() % 4);
    let (lines, tail) = rest.as_chunks_mut::<64>();
    for line in lines {
        for word in line.as_chunks_mut::<4>().0 {
            *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
        }
    }
    unmask_short(tail, key);
}

fn unmask_short(payload: &mut [u8], key: [u8; 4]) {
    let wide = u128::from(u32::from_ne_bytes(key)) * 0x0000_0001_0000_0001_0000_0001_0000_0001;
    let (words, rest) = payload.as_chunks_mut::<16>();
    for word in words {
        *word = (u128::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    let (words, tail) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// Unmasks and checks a block at a time, so that the second pass finds it in the nearest cache; the texts here are ASCII, whose
/// characters no block can cut.
fn unmask_text(payload: &mut [u8], key: [u8; 4]) {
    if payload.len() < 64 {
        unmask(payload, key);
        assert!(payload.is_ascii() || std::str::from_utf8(payload).is_ok());
        return;
    }
    if payload.len() < 128 {
        unmask(payload, key);
        black_box(std::str::from_utf8(payload).expect("text"));
        return;
    }
    for block in payload.chunks_mut(BLOCK_BYTES) {
        unmask(block, key);
        black_box(simdutf8::basic::from_utf8(block).expect("text"));
    }
}

fn realtime(read: &[u8]) -> Subject<'_> {
    let config = Config { max_message_bytes: 64 * 1024 * 1024, ..Config::default() };
    let connection = Connection::server(config.checked().expect("a configuration"), Timestamp::START);
    let work = |(connection, buffer): &mut (Connection, Vec<u8>)| {
        let mut input = &mut buffer[..];
        let mut frames = 0;
        while let Some((event, _)) = connection.receive(&mut input, Timestamp::START).expect("frames") {
            let Event::Text(text) = event else { panic!("text") };
            black_box(text);
            frames += 1;
        }
        frames
    };
    Subject::new("realtime", Rank::Ours, (connection, read.to_vec()), |_| {}, work)
}

fn sockudo(read: &[u8]) -> Subject<'_> {
    let limit = 64 * 1024 * 1024;
    let protocol = sockudo_ws::protocol::Protocol::new(sockudo_ws::Role::Server, limit, limit);
    let state = (protocol, BytesMut::new(), Vec::new());
    let prepare = |(_, buffer, messages): &mut (_, BytesMut, Vec<sockudo_ws::Message>)| {
        messages.clear();
        buffer.clear();
        buffer.extend_from_slice(read);
    };
    let work = |(protocol, buffer, messages): &mut (sockudo_ws::protocol::Protocol, BytesMut, Vec<_>)| {
        protocol.process_into(buffer, messages).expect("frames");
        black_box(messages.len())
    };
    Subject::new("sockudo-ws", Rank::Peer, state, prepare, work)
}

fn fastwebsockets(read: &[u8], frames: usize) -> Subject<'_> {
    let memory = Memory::new(read);
    let socket = fastwebsockets::WebSocket::after_handshake(memory.clone(), fastwebsockets::Role::Server);
    let work = move |socket: &mut FragmentCollector<Memory>| {
        for _ in 0..frames {
            let mut reading = pin!(socket.read_frame());
            match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(frame) => black_box(frame.expect("frames").payload.len()),
                Poll::Pending => panic!("memory is always ready"),
            };
        }
        frames
    };
    Subject::new("fastwebsockets", Rank::Peer, FragmentCollector::new(socket), move |_| memory.rewind(), work)
}

fn tokio_websockets(read: &[u8]) -> Subject<'_> {
    let memory = Memory::new(read);
    let limits = tokio_websockets::Limits::unlimited();
    let socket = tokio_websockets::ServerBuilder::new().limits(limits).serve(memory.clone());
    let work = |socket: &mut tokio_websockets::WebSocketStream<Memory>| {
        let mut frames = 0;
        while let Poll::Ready(Some(message)) = socket.poll_next_unpin(&mut Context::from_waker(Waker::noop()))
        {
            black_box(message.expect("frames").as_text().expect("text"));
            frames += 1;
        }
        frames
    };
    Subject::new("tokio-websockets", Rank::Peer, socket, move |_| memory.rewind(), work)
}

fn tungstenite(read: &[u8]) -> Subject<'_> {
    let memory = Memory::new(read);
    let socket =
        tungstenite::WebSocket::from_raw_socket(memory.clone(), tungstenite::protocol::Role::Server, None);
    let work = |socket: &mut tungstenite::WebSocket<Memory>| {
        let mut frames = 0;
        while let Ok(message) = socket.read() {
            black_box(message.to_text().expect("text"));
            frames += 1;
        }
        frames
    };
    Subject::new("tungstenite", Rank::Peer, socket, move |_| memory.rewind(), work)
}
