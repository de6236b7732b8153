//! Gateways that speak the Pusher protocol, loaded as the other servers are: handshakes up to the greeting, idle subscribers, and
//! events that are published over HTTP.

use crate::poller::Poller;
use crate::socket::{Frames, Socket};
use crate::{Failure, Load, Measured, PATIENCE, Stopwatch, frames};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How many connections are opened at a time: otherwise the server is woken for each step of each.
const AT_A_TIME: usize = 16;

const READ_BYTES: usize = 256 * 1024;

/// The channel that all subscribe to, and that the request given publishes to.
const CHANNEL: &str = "bench";

/// The key of RFC 6455 §1.3, and the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Connects so many at a time, waits for each one's greeting, and resets them.
pub(crate) fn handshakes(load: &Load) -> Result<Measured, Failure> {
    let mut stopwatch = Stopwatch::start(load);
    loop {
        let began = Instant::now();
        for stream in greeted(load.address, load.connections)? {
            stopwatch.latency.record(began.elapsed().as_nanos() as u64, 1);
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        }
        if !stopwatch.goes_on(Instant::now(), load.connections as u64)? {
            return stopwatch.stop();
        }
    }
}

/// Opens connections, each a subscriber of one channel, and keeps them.
pub(crate) fn subscribers(load: &Load, connections: usize) -> Result<Vec<TcpStream>, Failure> {
    let mut streams = Vec::with_capacity(connections);
    while streams.len() < connections {
        let several = greeted(load.address, AT_A_TIME.min(connections - streams.len()))?;
        for stream in &several {
            subscribe(stream)?;
        }
        streams.extend(several);
    }
    Ok(streams)
}

/// Keeps so many events in flight to all subscribers, each published by a request of its own; an event is in flight
/// until every subscriber has it.
pub(crate) fn published(load: &Load) -> Result<Measured, Failure> {
    let request = load.request.as_deref().ok_or("published wants --request FILE")?;
    let streams = subscribers(load, load.connections)?;
    let frames = first_delivery(&streams, Post::begin(load.address, request)?)?;

    let mut poller = Poller::new()?;
    let mut sockets = Vec::with_capacity(streams.len());
    for (key, stream) in streams.into_iter().enumerate() {
        sockets.push(Socket::new(stream, key, &poller)?);
    }

    let mut stopwatch = Stopwatch::start(load);
    let (mut got, mut got_by_all) = (vec![0_usize; sockets.len()], 0);
    let mut in_flight: VecDeque<InFlight> = VecDeque::new();
    let mut posts: Vec<Option<Post>> = (0..load.in_flight).map(|_| None).collect();
    let (mut buffer, mut ready) = (vec![0; READ_BYTES], Vec::new());
    loop {
        while in_flight.len() < load.in_flight
            && let Some(free) = posts.iter().position(Option::is_none)
        {
            in_flight.push_back(InFlight { since: Instant::now(), delivered: 0 });
            let post = posts[free].insert(Post::begin(load.address, request)?);
            post.stream.set_nonblocking(true)?;
            poller.add(&post.stream, sockets.len() + free)?;
        }
        poller.wait(PATIENCE, &mut ready)?;
        if ready.is_empty() {
            return Err("deliveries are missing".into());
        }
        let mut done = 0;
        for &key in &ready {
            let Some(socket) = sockets.get_mut(key) else {
                let post = &mut posts[key - sockets.len()];
                if let Some(asked) = post
                    && asked.receive(&mut buffer)?
                {
                    *post = None;
                }
                continue;
            };
            let deliveries = socket.receive(&mut buffer, &frames)?;
            for event in got[key]..got[key] + deliveries {
                let event = in_flight.get_mut(event - got_by_all).ok_or("an event came twice")?;
                event.delivered += 1;
            }
            got[key] += deliveries;
            done += deliveries as u64;
        }
        let now = Instant::now();
        while let Some(event) = in_flight.pop_front_if(|event| event.delivered == sockets.len()) {
            stopwatch.latency.record(now.duration_since(event.since).as_nanos() as u64, 1);
            got_by_all += 1;
        }
        if !stopwatch.goes_on(now, done)? {
            return stopwatch.stop();
        }
    }
}

struct InFlight {
    since: Instant,
    delivered: usize,
}

/// What the first subscriber gets of the first event is what all get of each one.
fn first_delivery(streams: &[TcpStream], mut post: Post) -> Result<Frames, Failure> {
    let mut buffer = vec![0; READ_BYTES];
    while !post.receive(&mut buffer)? {}
    let mut expected = None;
    for stream in streams {
        let event = read_frame(stream, |text| !text.contains("\"pusher"))?;
        if expected.get_or_insert_with(|| event.clone()) != &event {
            return Err("subscribers get different frames of one event".into());
        }
    }
    let expected = expected.ok_or("there is no subscriber")?;
    Ok(Frames { outgoing: Vec::new(), frame_bytes: 0, header_bytes: header_bytes(&expected), expected })
}

/// A request on a connection of its own, as the server libraries of languages without long-lived processes make it.
struct Post {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Post {
    fn begin(address: SocketAddr, request: &[u8]) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request)?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// Reads once; whether the server has answered and ended the connection.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<bool, Failure> {
        match self.stream.read(buffer) {
            Ok(0) if self.answer.starts_with(b"HTTP/1.1 200") => Ok(true),
            Ok(0) => Err(format!("not published: {}", String::from_utf8_lossy(&self.answer)).into()),
            Ok(bytes) => {
                self.answer.extend_from_slice(&buffer[..bytes]);
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Connections that have been greeted.
fn greeted(address: SocketAddr, connections: usize) -> Result<Vec<TcpStream>, Failure> {
    let request = format!(
        "GET /app/bench-key?protocol=7&client=js&version=8.4.0 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        streams.push(stream);
    }
    for stream in &streams {
        let head = read_head(stream)?;
        let is_accepted =
            head.starts_with(b"HTTP/1.1 101") && head.windows(ACCEPT.len()).any(|part| part == ACCEPT);
        if !is_accepted {
            return Err(format!("refused: {}", String::from_utf8_lossy(&head)).into());
        }
        read_frame(stream, |text| text.contains("pusher:connection_established"))?;
    }
    Ok(streams)
}

fn subscribe(mut stream: &TcpStream) -> Result<(), Failure> {
    let text = format!(r#"{{"event":"pusher:subscribe","data":{{"channel":"{CHANNEL}"}}}}"#);
    stream.write_all(&frames::masked(text.as_bytes()))?;
    read_frame(stream, |text| text.contains("pusher_internal:subscription_succeeded"))?;
    Ok(())
}

/// Reads the head of a response, byte by byte at its end, since a frame may follow it at once.
fn read_head(mut stream: &TcpStream) -> Result<Vec<u8>, Failure> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // As much of the ending as may be missing, and so never a byte of what follows.
        let missing = match head.as_slice() {
            [.., b'\r', b'\n', b'\r'] => 1,
            [.., b'\r', b'\n'] => 2,
            [.., b'\r'] => 3,
            _ => 4,
        };
        let start = head.len();
        head.resize(start + missing, 0);
        stream.read_exact(&mut head[start..])?;
    }
    Ok(head)
}

/// The first frame whose text is wanted; what comes before it is skipped.
fn read_frame(mut stream: &TcpStream, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<u8>, Failure> {
    loop {
        let mut frame = vec![0; 2];
        stream.read_exact(&mut frame)?;
        let header_bytes = header_bytes(&frame);
        frame.resize(header_bytes, 0);
        stream.read_exact(&mut frame[2..])?;
        let payload_bytes = match header_bytes {
            2 => usize::from(frame[1]),
            _ => frame[2..].iter().fold(0, |length, &byte| length << 8 | usize::from(byte)),
        };
        frame.resize(header_bytes + payload_bytes, 0);
        stream.read_exact(&mut frame[header_bytes..])?;
        if frame[0] & 0x0f == 8 {
            return Err(format!("closed: {}", String::from_utf8_lossy(&frame[header_bytes..])).into());
        }
        if is_wanted(&String::from_utf8_lossy(&frame[header_bytes..])) {
            return Ok(frame);
        }
    }
}

/// How long the header of a server's frame is, whose first two bytes are there.
fn header_bytes(frame: &[u8]) -> usize {
    match frame[1] {
        0..126 => 2,
        126 => 4,
        127.. => 10,
    }
}
