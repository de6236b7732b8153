//! What the servers of peers have in common: the two programs, `echo` and `rooms`, over whatever is a `Stream` and a
//! `Sink` of messages.
//!
//! Both take all that is there and flush once, which is the quickest way to use a `Sink`: a peer whose own examples
//! flush after each message is shown quicker here than there.

use futures_util::future::BoxFuture;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::collections::HashMap;
use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The longest message that any server here takes, as in the project's own examples.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// The most messages between two flushes.
pub const BATCH: usize = 64;

/// What a server does.
#[derive(Clone, Copy)]
pub enum Program {
    Echo,
    Rooms,
}

/// The program and the address on the command line: `echo|rooms ADDRESS`.
pub fn arguments() -> (Program, SocketAddr) {
    let usage = "usage: SERVER echo|rooms ADDRESS";
    let mut arguments = std::env::args().skip(1);
    let program = match arguments.next().as_deref() {
        Some("echo") => Program::Echo,
        Some("rooms") => Program::Rooms,
        _ => panic!("{usage}"),
    };
    (program, arguments.next().expect(usage).parse().expect(usage))
}

/// A listener that does not block, with a backlog for thousands of clients that come at once.
pub fn listen(address: SocketAddr) -> TcpListener {
    let listener = TcpListener::bind(address).expect("the address is free");
    listener.set_nonblocking(true).expect("sockets can be made not to block");
    listener
}

/// A peer's message type.
pub trait Message: Clone + Send + 'static {
    fn is_data(&self) -> bool;
    fn as_text(&self) -> Option<&str>;
    fn from_text(text: &str) -> Self;
}

/// Runs `program` on one connection until it ends; `spawn` runs a second task beside it.
pub async fn run<W, M, E>(
    program: Program,
    rooms: Rooms<M>,
    socket: W,
    spawn: impl FnOnce(BoxFuture<'static, ()>),
) where
    W: Stream<Item = Result<M, E>> + Sink<M> + Unpin + Send + 'static,
    M: Message,
{
    match program {
        Program::Echo => echo(socket).await,
        Program::Rooms => be_in_rooms(rooms, socket, spawn).await,
    }
}

/// Sends back all that is there, then flushes: the same as `StreamExt::forward`, without splitting the socket. Each side
/// is polled no oftener than it must be, since some peers pay for a poll that finds nothing.
async fn echo<W, M, E>(mut socket: W)
where
    W: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Message,
{
    let mut held = None;
    poll_fn(move |cx| {
        loop {
            if held.is_some() {
                if ready!(socket.poll_ready_unpin(cx)).is_err() {
                    return Poll::Ready(());
                }
                if let Some(message) = held.take()
                    && socket.start_send_unpin(message).is_err()
                {
                    return Poll::Ready(());
                }
            }
            match socket.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(message))) => held = Some(message).filter(M::is_data),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => {
                    return match ready!(socket.poll_flush_unpin(cx)) {
                        Ok(()) => Poll::Pending,
                        Err(_) => Poll::Ready(()),
                    };
                }
            }
        }
    })
    .await;
}

/// Reads and writes in tasks of their own, so that a delivery wakes only the one that writes.
async fn be_in_rooms<W, M, E>(rooms: Rooms<M>, socket: W, spawn: impl FnOnce(BoxFuture<'static, ()>))
where
    W: Stream<Item = Result<M, E>> + Sink<M> + Unpin + Send + 'static,
    M: Message,
{
    let (member, mut inbox) = rooms.enter();
    let (mut outgoing, mut incoming) = socket.split();
    spawn(Box::pin(async move {
        let mut batch = Vec::with_capacity(BATCH);
        while inbox.recv_many(&mut batch, BATCH).await > 0 {
            for message in batch.drain(..) {
                if outgoing.feed(message).await.is_err() {
                    return;
                }
            }
            if outgoing.flush().await.is_err() {
                return;
            }
        }
    }));
    while let Some(Ok(message)) = incoming.next().await {
        if let Some(command) = message.as_text() {
            rooms.obey(&member, command);
        }
    }
    rooms.leave_all(&member);
}

/// Who is in which room.
pub struct Rooms<M> {
    shared: Arc<Mutex<Shared<M>>>,
}

struct Shared<M> {
    rooms: HashMap<String, Vec<Member<M>>>,
    next_id: u64,
}

/// One client, and where its messages go.
pub struct Member<M> {
    id: u64,
    outbox: UnboundedSender<M>,
}

impl<M> Clone for Rooms<M> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<M> Default for Rooms<M> {
    fn default() -> Self {
        Self { shared: Arc::new(Mutex::new(Shared { rooms: HashMap::new(), next_id: 0 })) }
    }
}

impl<M: Message> Rooms<M> {
    /// A new client and its inbox.
    pub fn enter(&self) -> (Member<M>, UnboundedReceiver<M>) {
        let (outbox, inbox) = unbounded_channel();
        let mut shared = self.lock();
        shared.next_id += 1;
        (Member { id: shared.next_id, outbox }, inbox)
    }

    /// Does what `join NAME` or `say NAME TEXT` says.
    pub fn obey(&self, member: &Member<M>, command: &str) {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        match (verb, rest.split_once(' ')) {
            ("join", None) => {
                let place = Member { id: member.id, outbox: member.outbox.clone() };
                self.lock().rooms.entry(rest.into()).or_default().push(place);
            }
            ("say", Some((room, text))) => {
                let message = M::from_text(text);
                if let Some(members) = self.lock().rooms.get(room) {
                    for member in members {
                        let _ = member.outbox.send(message.clone());
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes a client out of all rooms.
    pub fn leave_all(&self, member: &Member<M>) {
        self.lock().rooms.retain(|_, members| {
            members.retain(|other| other.id != member.id);
            !members.is_empty()
        });
    }

    fn lock(&self) -> MutexGuard<'_, Shared<M>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Message for tungstenite::Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Self {
        Self::text(text)
    }
}

impl Message for tokio_websockets::Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }

    fn as_text(&self) -> Option<&str> {
        self.as_text()
    }

    fn from_text(text: &str) -> Self {
        Self::text(text.to_owned())
    }
}

impl Message for sockudo_ws::Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Self {
        Self::text(text)
    }
}

impl Message for yawc::Frame {
    fn is_data(&self) -> bool {
        matches!(self.opcode(), yawc::OpCode::Text | yawc::OpCode::Binary)
    }

    fn as_text(&self) -> Option<&str> {
        (self.opcode() == yawc::OpCode::Text).then(|| self.as_str())
    }

    fn from_text(text: &str) -> Self {
        Self::text(text.to_owned())
    }
}

/// Runs a task beside others, on Tokio.
pub fn spawn_on_tokio(task: BoxFuture<'static, ()>) {
    tokio::spawn(tokio::task::unconstrained(task));
}

/// Runs `serve` for each connection as a task of a Tokio runtime with one thread, which is what one core is best
/// used with.
pub fn on_tokio<F: Future<Output = ()> + Send + 'static>(
    address: SocketAddr,
    serve: impl Fn(tokio::net::TcpStream) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listen(address)).expect("a listener");
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::task::spawn(tokio::task::unconstrained(serve(stream)));
            }
        }
    });
}
