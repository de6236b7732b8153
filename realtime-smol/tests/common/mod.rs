//! The vocabulary of the tests: a server in a thread of its own, a client that speaks frame by frame, and
//! patience.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate of its own that uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod duplex;

use realtime_smol::{
    Answer, ClientId, Closure, Config, Handler, Hub, Message, Peer, Server, ServerBuilder, Stopper, Upgrade,
};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long anything awaited may take: far longer than it does, so that a loaded machine fails no test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A wait that is not to end within a test.
pub const FOREVER: Duration = Duration::from_secs(3600);

pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

/// Waits until `condition` holds.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What `future` gives, in time.
#[track_caller]
pub fn in_time<T>(future: impl Future<Output = T>) -> T {
    smol::block_on(smol::future::or(async { Some(future.await) }, async {
        smol::Timer::after(PATIENCE).await;
        None
    }))
    .expect("waited in vain")
}

/// How much the thread of the process's only driver has computed so far, on Linux.
pub fn driver_time() -> Duration {
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        if std::fs::read_to_string(path.join("comm")).unwrap().starts_with("realtime-driver") {
            // Nanoseconds on a processor come first (proc(5)).
            let times = std::fs::read_to_string(path.join("schedstat")).unwrap();
            return Duration::from_nanos(times.split(' ').next().unwrap().parse().unwrap());
        }
    }
    panic!("no driver");
}

/// Server settings under which nothing happens by itself in the course of a test, with two drivers.
pub fn patient() -> ServerBuilder {
    let config =
        Config { keepalive: None, close_timeout: FOREVER, handshake_timeout: FOREVER, ..Config::default() };
    Server::builder().config(config).threads(NonZeroUsize::new(2).unwrap())
}

/// A server at work. Dropped, it is stopped.
pub struct Serving {
    pub address: SocketAddr,
    pub stopper: Stopper,
    thread: Option<JoinHandle<io::Result<()>>>,
}

pub fn serve(builder: ServerBuilder, handler: impl Handler) -> Serving {
    run(builder.bind("127.0.0.1:0").unwrap(), handler)
}

pub fn run(server: Server, handler: impl Handler) -> Serving {
    let (address, stopper) = (server.local_addr().unwrap(), server.stopper());
    let thread = Some(thread::spawn(move || smol::block_on(server.serve(handler))));
    Serving { address, stopper, thread }
}

impl Serving {
    pub fn open(&self) -> Client {
        Client::open(self.address)
    }

    /// Asserts that it ends by itself, without an error.
    #[track_caller]
    pub fn assert_ends(mut self) {
        let thread = self.thread.take().unwrap();
        until("the server has ended", || thread.is_finished());
        thread.join().unwrap().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

/// A frame, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Vec<u8>,
}

pub fn text(payload: &str) -> Frame {
    Frame { opcode: TEXT, payload: payload.into() }
}

pub fn close(code: u16, reason: &str) -> Frame {
    Frame { opcode: CLOSE, payload: [&code.to_be_bytes(), reason.as_bytes()].concat() }
}

/// A client that does only what it is told, with a socket that blocks.
pub struct Client {
    pub stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    /// A client that has only a connection.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new() }
    }

    /// A client whose opening handshake is done.
    pub fn open(address: SocketAddr) -> Self {
        let mut client = Self::connect(address);
        client.write(&upgrade(""));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn send(&mut self, opcode: u8, payload: &[u8]) {
        self.write(&masked(opcode, payload));
    }

    pub fn say(&mut self, payload: &str) {
        self.send(TEXT, payload.as_bytes());
    }

    /// The head of a response.
    pub fn head(&mut self) -> String {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.read_more(), "the stream ended in the head: {:?}", self.received.escape_ascii());
        };
        String::from_utf8(self.received.drain(..end).collect()).unwrap()
    }

    /// The next frame.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        self.frame_or_end().expect("the stream ended")
    }

    /// The next frame, or `None` if the stream ends.
    #[track_caller]
    pub fn frame_or_end(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = take_frame(&mut self.received) {
                return Some(frame);
            }
            if !self.read_more() {
                assert!(self.received.is_empty(), "the stream ended in mid-frame");
                return None;
            }
        }
    }

    /// All bytes until the stream's end.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.received)
    }

    /// Reads until the stream ends in any way, also by a reset.
    #[track_caller]
    pub fn read_to_its_end(&mut self) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => return assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
            }
        }
    }

    /// Asserts that the stream ends, and that nothing comes before.
    #[track_caller]
    pub fn assert_ended(&mut self) {
        assert_eq!(self.frame_or_end(), None);
    }

    /// Has the connection closed the proper way.
    #[track_caller]
    pub fn leave(mut self) {
        self.send(CLOSE, &1000_u16.to_be_bytes());
        while self.frame().opcode != CLOSE {}
        self.assert_ended();
    }

    pub fn end_writing(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let bytes = self.stream.read(&mut buffer).unwrap();
        self.received.extend_from_slice(&buffer[..bytes]);
        bytes > 0
    }
}

/// The request of an opening handshake, with further header lines.
pub fn upgrade(headers: &str) -> Vec<u8> {
    format!(
        "GET /path?query HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// A frame as a client sends it.
pub fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        0..=125 => bytes.push(0x80 | payload.len() as u8),
        126..=0xFFFF => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&key);
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    bytes
}

/// The frame at the front, as a server sends it: without a mask.
fn take_frame(received: &mut Vec<u8>) -> Option<Frame> {
    let (first, second) = (*received.first()?, *received.get(1)?);
    assert_eq!(first & 0x70, 0, "no extension was negotiated");
    assert_eq!((first & 0x80, second & 0x80), (0x80, 0), "the tests' servers neither fragment nor mask");
    let (len, at) = match second {
        126 => (usize::from(u16::from_be_bytes(received.get(2..4)?.try_into().unwrap())), 4),
        127 => (u64::from_be_bytes(received.get(2..10)?.try_into().unwrap()) as usize, 10),
        len => (usize::from(len), 2),
    };
    let payload = received.get(at..at + len)?.to_vec();
    received.drain(..at + len);
    Some(Frame { opcode: first & 0x0F, payload })
}

/// A handler whose connections are clients of the hub, subscribed to `room`. A message that begins with `!`
/// is a wish: `!panic`, `!close`; others are sent back. What happens is told to the test.
pub struct Room {
    happenings: Mutex<Sender<Happening>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    Opened(ClientId),
    Said(String),
    Closed(Option<ClientId>, Closure),
}

pub struct Happenings(Receiver<Happening>);

impl Happenings {
    #[track_caller]
    pub fn next(&self) -> Happening {
        self.0.recv_timeout(PATIENCE).expect("waited in vain for something to happen")
    }

    #[track_caller]
    pub fn opened(&self) -> ClientId {
        match self.next() {
            Happening::Opened(client) => client,
            other @ (Happening::Said(_) | Happening::Closed(..)) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub fn closed(&self) -> (Option<ClientId>, Closure) {
        match self.next() {
            Happening::Closed(client, closure) => (client, closure),
            other @ (Happening::Opened(_) | Happening::Said(_)) => panic!("{other:?}"),
        }
    }

    /// Asserts that nothing else has happened, once the handler is gone.
    #[track_caller]
    pub fn assert_over(self) {
        let rest: Vec<_> = std::iter::from_fn(|| self.0.recv_timeout(PATIENCE).ok()).collect();
        assert_eq!(rest, []);
    }
}

impl Room {
    pub fn new() -> (Self, Happenings) {
        let (sender, receiver) = channel();
        (Self { happenings: Mutex::new(sender) }, Happenings(receiver))
    }

    fn tell(&self, happening: Happening) {
        let _ = self.happenings.lock().unwrap().send(happening);
    }
}

impl Handler for Room {
    type State = ();

    fn on_request(&self, request: &Upgrade<'_>, _: SocketAddr) -> Answer<()> {
        assert!(
            !request.headers().any(|(name, _)| name.eq_ignore_ascii_case("x-panic")),
            "as the test wants"
        );
        Answer::accept(())
    }

    fn on_open(&self, peer: &mut Peer<'_>, (): &mut ()) {
        let client = peer.connect("").unwrap().clone();
        drop(client.subscribe("room"));
        self.tell(Happening::Opened(client.id()));
    }

    fn on_message(&self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if let Message::Text(text) = message {
            self.tell(Happening::Said(text.into()));
            match text {
                "!panic" => panic!("as the test wants"),
                "!close" => peer.close(realtime_smol::CloseCode::NORMAL, "bye").unwrap(),
                _ => {}
            }
        }
        let _ = peer.send(message);
    }

    fn on_close(&self, client: Option<ClientId>, (): (), closure: &Closure) {
        self.tell(Happening::Closed(client, closure.clone()));
    }
}

/// A hub that keeps what it is told.
pub fn telling(builder: realtime_smol::HubBuilder) -> (Hub, Notices) {
    let notices = Notices::default();
    let kept = notices.clone();
    let hub = builder.on_notice(move |notice| kept.0.lock().unwrap().push(notice.clone())).build();
    (hub, notices)
}

#[derive(Clone, Default)]
pub struct Notices(Arc<Mutex<Vec<realtime_smol::Notice>>>);

impl Notices {
    pub fn all(&self) -> Vec<realtime_smol::Notice> {
        self.0.lock().unwrap().clone()
    }
}

impl Notices {
    /// How many messages were lost so far.
    pub fn lost(&self) -> u64 {
        let lost = |notice: &realtime_smol::Notice| {
            if let realtime_smol::Notice::Dropped { messages, .. } = notice { *messages } else { 0 }
        };
        self.0.lock().unwrap().iter().map(lost).sum()
    }
}

/// Broadcasts to `room` as soon as the hub takes it, which may be when a driver has had its turn.
#[track_caller]
pub fn broadcast(hub: &Hub, message: &realtime_smol::PreparedMessage) {
    until("the hub takes it", || match hub.broadcast("room", message.clone()) {
        Ok(()) => true,
        Err(realtime_smol::HubError::Overloaded) => false,
        Err(refusal) => panic!("{refusal}"),
    });
}

/// Broadcasts what `message` makes of a number to `room`, until all that its one client could hold is full:
/// its outbox, and the sockets' buffers, which grow for a while. Returns how many messages that took.
#[track_caller]
pub fn fill(
    hub: &Hub,
    notices: &Notices,
    message: impl Fn(usize) -> realtime_smol::PreparedMessage,
) -> usize {
    const IN_A_ROW: usize = 50;
    let mut lost = Vec::new();
    until("nothing more is taken", || {
        broadcast(hub, &message(lost.len()));
        lost.push(notices.lost());
        lost.len() > IN_A_ROW && lost[lost.len() - 1] - lost[lost.len() - 1 - IN_A_ROW] >= IN_A_ROW as u64
    });
    lost.len()
}
