//! What a loop over the bare machines does beside moving bytes: who is connected, what is due, who gets what.
//!
//! The loops in `bin` differ in how they move bytes, which is their [`Io`], and in nothing else. They are written for
//! measuring: one thread, nothing configurable, and who does not shake hands as they like is closed without an answer.

use realtime_core::{
    Action, ClientId, ClientTable, Config as HubConfig, Credentials, Deadlines, Home, Hub, Input,
    OutboxLimits, Outgoing, Session, wire,
};
use realtime_ws::handshake::{Accept, Request, ServerHandshake};
use realtime_ws::{CheckedConfig, Config, Event, Timestamp};
use slab::Slab;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// The longest message, as in the examples of the adapters.
const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// What a server does.
#[derive(Clone, Copy)]
pub enum Program {
    Echo,
    Rooms,
}

/// The program and the address on the command line: `echo|rooms ADDRESS`.
pub fn arguments() -> Result<(Program, SocketAddr), String> {
    let mut arguments = std::env::args().skip(1);
    let program = match arguments.next().as_deref() {
        Some("echo") => Some(Program::Echo),
        Some("rooms") => Some(Program::Rooms),
        Some(_) | None => None,
    };
    let address = arguments.next().and_then(|address| address.parse().ok());
    program.zip(address).ok_or_else(|| "usage: SERVER echo|rooms ADDRESS".into())
}

/// Says where a server listens, once it does: on port 0 the system has chosen the port.
pub fn announce(listener: &TcpListener) -> io::Result<()> {
    writeln!(io::stdout(), "ws://{}", listener.local_addr()?)
}

/// How a loop moves bytes.
pub trait Io {
    /// What it has for each connection.
    type Socket;

    /// Takes what it can of a frame in two parts, before which nothing waits, and says how many bytes that are.
    fn write_frame(&mut self, socket: &mut Self::Socket, frame: [&[u8]; 2]) -> usize;

    /// Takes of `outgoing` what it can now.
    fn write(&mut self, socket: &mut Self::Socket, outgoing: &mut Outgoing, now: Timestamp)
    -> io::Result<()>;
}

/// All connections of a loop.
pub struct Connections<I: Io> {
    program: Program,
    config: CheckedConfig,
    hub: Hub,
    connections: Slab<Connection<I::Socket>>,
    keys: ClientTable<usize>,
    deadlines: Deadlines<usize>,
    /// Those for which something has changed, each once.
    touched: VecDeque<usize>,
    start: Instant,
    now: Timestamp,
    /// Where replies are encoded, of whichever connection.
    replies: Vec<u8>,
}

struct Connection<S> {
    socket: S,
    stage: Stage,
    /// Where it stands among the deadlines.
    entered: Option<Timestamp>,
    is_touched: bool,
}

#[allow(
    clippy::large_enum_variant,
    reason = "nearly all connections are open, and a box would cost each of them"
)]
enum Stage {
    Opening(ServerHandshake),
    Open(Open),
    /// All is written, or lost. The peer has until the deadline to close too.
    Lingering {
        has_ended: bool,
        deadline: Timestamp,
    },
}

impl Stage {
    /// Nothing is to be written to a peer of which no more is wanted.
    fn ended(now: Timestamp, config: &Config) -> Self {
        Self::Lingering { has_ended: true, deadline: now + config.close_timeout }
    }
}

struct Open {
    session: Session,
    client: Option<ClientId>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays, and is read or, while it leaves too much unread itself, is not.
    Stays { is_read: bool },
    /// Nothing more will be written; the peer is to be told so, and is read until it closes too.
    Lingers,
    /// It is to be closed once what was written is sent.
    Goes,
    /// It is to be closed as it is.
    IsCutOff,
}

impl<I: Io> Connections<I> {
    /// No connections yet.
    pub fn new(program: Program) -> Self {
        let config = match program {
            Program::Echo => Config {
                max_message_bytes: MAX_MESSAGE_BYTES,
                max_fragments: u32::MAX,
                max_unsent_bytes: MAX_MESSAGE_BYTES,
                ..Config::default()
            },
            Program::Rooms => Config::default(),
        };
        Self {
            program,
            config: config.checked().expect("the configuration does not contradict itself"),
            // A server that strangers can reach draws the seed.
            hub: Hub::new(HubConfig::default(), wire::Plain, [7; 16]),
            connections: Slab::new(),
            keys: ClientTable::new(),
            deadlines: Deadlines::new(),
            touched: VecDeque::new(),
            start: Instant::now(),
            now: Timestamp::START,
            replies: Vec::new(),
        }
    }

    /// Looks at the clock, and at what is due. For the beginning of a turn.
    pub fn begin_turn(&mut self) {
        self.now = Timestamp::after_start(self.start.elapsed());
        while let Some(key) = self.deadlines.take_due(self.now) {
            let Some(connection) = self.connections.get_mut(key) else { continue };
            connection.entered = None;
            match &mut connection.stage {
                Stage::Opening(handshake) => {
                    if handshake.handle_timeout(self.now).is_some() {
                        connection.stage = Stage::ended(self.now, &self.config);
                    }
                }
                Stage::Open(open) => open.session.handle_timeout(self.now),
                Stage::Lingering { .. } => {}
            }
            self.touch(key);
        }
    }

    /// How long to wait at most.
    pub fn until_next_deadline(&self) -> Option<Duration> {
        self.deadlines.next().map(|deadline| deadline.since(Timestamp::after_start(self.start.elapsed())))
    }

    /// Takes a new connection, and gives it a key.
    pub fn open(&mut self, socket: I::Socket) -> usize {
        let stage = Stage::Opening(ServerHandshake::new(self.config.clone(), self.now));
        let key = self.connections.insert(Connection { socket, stage, entered: None, is_touched: false });
        self.touch(key);
        key
    }

    /// What the loop has for a connection.
    pub fn socket(&mut self, key: usize) -> Option<&mut I::Socket> {
        self.connections.get_mut(key).map(|connection| &mut connection.socket)
    }

    /// Where to read the rest of a long message to, to be followed by [`filled`](Self::filled).
    pub fn socket_and_spare(&mut self, key: usize) -> Option<(&mut I::Socket, Option<&mut [u8]>)> {
        let connection = self.connections.get_mut(key)?;
        let spare = match &mut connection.stage {
            Stage::Open(open) => open.session.spare(),
            Stage::Opening(_) | Stage::Lingering { .. } => None,
        };
        Some((&mut connection.socket, spare))
    }

    /// So many bytes were read into the spare.
    pub fn filled(&mut self, key: usize, bytes: usize, io: &mut I) {
        if let Some(Connection { stage: Stage::Open(open), .. }) = self.connections.get_mut(key) {
            open.session.filled(bytes, self.now);
        }
        self.receive(key, &mut [], io);
    }

    /// Does what a connection's peer asks for.
    pub fn receive(&mut self, key: usize, mut input: &mut [u8], io: &mut I) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if let Stage::Opening(handshake) = &mut connection.stage {
            let accepted = match handshake.receive(&mut input) {
                Ok(None) => return,
                Ok(Some(Request::Upgrade(upgrade))) => upgrade.accept(&Accept::default(), self.now).ok(),
                Ok(Some(Request::Http(_))) | Err(_) => None,
            };
            connection.stage = match accepted {
                Some(accepted) => {
                    let session = Session::new(accepted, OutboxLimits::default());
                    Stage::Open(Open { session, client: None })
                }
                None => Stage::ended(self.now, &self.config),
            };
        }
        if let Stage::Open(open) = &mut connection.stage {
            open.session.outgoing_mut().lend_buffer(&mut self.replies);
            // An error has been answered and ends the session.
            while let Ok(Some((event, outgoing))) = open.session.receive(&mut input, self.now) {
                let write = |frame: [&[u8]; 2]| io.write_frame(&mut connection.socket, frame);
                // What cannot be sent is for a peer that is leaving.
                match (self.program, event) {
                    (Program::Echo, Event::Text(text)) => drop(outgoing.send_through(text, write)),
                    (Program::Echo, Event::Binary(bytes)) => drop(outgoing.send_through(bytes, write)),
                    (Program::Rooms, Event::Text(command)) => {
                        let client = match open.client {
                            Some(client) => client,
                            None => {
                                let Some(client) = connect(&mut self.hub, self.now) else { continue };
                                self.keys.insert(client, key);
                                *open.client.insert(client)
                            }
                        };
                        if let Some(wish) = parse(client, command) {
                            // Refused only for clients that are gone.
                            let _ = self.hub.handle_input(wish, self.now);
                        }
                    }
                    (Program::Rooms, Event::Binary(_))
                    | (_, Event::Piece(_) | Event::Ping(_) | Event::Pong(_) | Event::Closing { .. }) => {}
                }
            }
            // Now, so that the next connection is lent the same buffer. An error shows again when settling.
            let _ = io.write(&mut connection.socket, open.session.outgoing_mut(), self.now);
            open.session.outgoing_mut().reclaim_buffer(&mut self.replies);
        }
        self.touch(key);
        self.perform_actions(io);
    }

    /// A connection's stream has ended, or failed.
    pub fn receive_eof(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match &mut connection.stage {
            Stage::Opening(_) => connection.stage = Stage::ended(self.now, &self.config),
            Stage::Open(open) => open.session.receive_eof(),
            Stage::Lingering { has_ended, .. } => *has_ended = true,
        }
        self.touch(key);
    }

    /// Whether a connection has more to write.
    pub fn has_unsent(&self, key: usize) -> bool {
        match self.connections.get(key).map(|connection| &connection.stage) {
            Some(Stage::Open(open)) => !open.session.outgoing().is_drained(),
            Some(Stage::Opening(_) | Stage::Lingering { .. }) | None => false,
        }
    }

    /// Has a connection settled once more, since its socket can take more.
    pub fn touch(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key)
            && !std::mem::replace(&mut connection.is_touched, true)
        {
            self.touched.push_back(key);
        }
    }

    /// Whether there is one to be settled.
    pub fn is_any_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Writes what waits for the next connection for which something has changed, and says what becomes of it.
    pub fn poll_settled(&mut self, io: &mut I) -> Option<(usize, Fate)> {
        loop {
            let key = self.touched.pop_front()?;
            // Otherwise it was removed meanwhile.
            if self.connections.contains(key) {
                return Some((key, self.settle(key, io)));
            }
        }
    }

    fn settle(&mut self, key: usize, io: &mut I) -> Fate {
        let connection = &mut self.connections[key];
        connection.is_touched = false;
        let (fate, deadline) = match &mut connection.stage {
            Stage::Opening(handshake) => (Fate::Stays { is_read: true }, handshake.poll_timeout()),
            Stage::Lingering { deadline, .. } if *deadline <= self.now => (Fate::IsCutOff, None),
            Stage::Lingering { has_ended: true, deadline } => (Fate::Goes, Some(*deadline)),
            Stage::Lingering { has_ended: false, deadline } => {
                (Fate::Stays { is_read: true }, Some(*deadline))
            }
            Stage::Open(open) => {
                if io.write(&mut connection.socket, open.session.outgoing_mut(), self.now).is_err() {
                    open.session.receive_eof();
                }
                if open.session.closure().is_some()
                    && let Some(client) = open.client.take()
                {
                    self.keys.remove(client);
                    // Refused only if it is gone already.
                    let _ = self.hub.handle_input(Input::Gone { client }, self.now);
                }
                if open.session.is_finished() {
                    let has_ended = open.session.has_ended();
                    let deadline = self.now + self.config.close_timeout;
                    connection.stage = Stage::Lingering { has_ended, deadline };
                    (if has_ended { Fate::Goes } else { Fate::Lingers }, Some(deadline))
                } else {
                    let is_read = open.session.outgoing().wants_input() && !open.session.has_ended();
                    (Fate::Stays { is_read }, open.session.poll_timeout())
                }
            }
        };
        self.deadlines.advance(key, &mut connection.entered, deadline);
        self.perform_actions(io);
        fate
    }

    /// Forgets a connection, which was to go; its socket is the loop's again.
    pub fn remove(&mut self, key: usize) -> Option<I::Socket> {
        let mut connection = self.connections.try_remove(key)?;
        self.deadlines.remove(key, &mut connection.entered);
        Some(connection.socket)
    }

    fn perform_actions(&mut self, io: &mut I) {
        while let Some(action) = self.hub.poll_action() {
            match action {
                Action::Deliver { to, message } => {
                    for client in to.iter() {
                        let Some(&key) = self.keys.get(client) else { continue };
                        let Some(connection) = self.connections.get_mut(key) else { continue };
                        let Stage::Open(open) = &mut connection.stage else { continue };
                        let outgoing = open.session.outgoing_mut();
                        if !outgoing.has_room_for(&message) {
                            // Many came in one turn, which alone does not make it slow. An error shows again.
                            let _ = io.write(&mut connection.socket, outgoing, self.now);
                        }
                        outgoing.push(message.clone()); // when full, it counts what it drops
                        if !std::mem::replace(&mut connection.is_touched, true) {
                            self.touched.push_back(key);
                        }
                    }
                }
                // Nobody here asks for any of these, nor needs to be told.
                Action::Connected { .. }
                | Action::Authorize(_)
                | Action::Subscribed { .. }
                | Action::Denied { .. }
                | Action::NothingRetained { .. }
                | Action::Unsubscribed { .. }
                | Action::Joined { .. }
                | Action::Left { .. }
                | Action::Disconnect { .. }
                | Action::Closed => {}
            }
        }
    }
}

/// Makes a connection known to the hub, whose actions have all been performed.
fn connect(hub: &mut Hub, now: Timestamp) -> Option<ClientId> {
    let connect = Input::Connect { credentials: Credentials::NONE, home: Home::default() };
    hub.handle_input(connect, now).ok()?;
    match hub.poll_action() {
        Some(Action::Connected { client }) => Some(client),
        Some(_) | None => None,
    }
}

fn parse(client: ClientId, command: &str) -> Option<Input> {
    let (verb, rest) = command.split_once(' ')?;
    Some(match (verb, rest.split_once(' ')) {
        ("join", None) => Input::Subscribe { client, channel: rest.into(), credentials: None },
        ("leave", None) => Input::Unsubscribe { client, channel: rest.into() },
        ("say", Some((room, text))) => {
            Input::Broadcast { channel: room.into(), message: text.into(), except: None }
        }
        _ => return None,
    })
}
