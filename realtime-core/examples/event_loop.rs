//! The machines in a loop of one's own: `rooms` over `polling`, in one thread, without an adapter. Commands
//! are `join NAME`, `leave NAME` and `say NAME TEXT`.
//!
//! ```text
//! cargo run --release -p realtime-core --example event_loop -- 127.0.0.1:9003
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a driver owns what the machines do not"
)]

use polling::{Event as Ready, Events, PollMode, Poller};
use realtime_core::{
    Action, ClientId, Config as HubConfig, Credentials, Home, Hub, Input, OutboxLimits, Session, wire,
};
use realtime_ws::handshake::{Accept, Request, ServerHandshake};
use realtime_ws::{CheckedConfig, Event, Timestamp};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Instant;

const LISTENER: usize = usize::MAX - 1;

enum Stage {
    Opening(ServerHandshake),
    Open(ClientId, Box<Session>),
}

struct Server {
    config: CheckedConfig,
    hub: Hub,
    poller: Poller,
    connections: BTreeMap<usize, (TcpStream, Stage)>,
    keys: BTreeMap<ClientId, usize>,
    now: Timestamp,
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9003".into());
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    println!("event_loop listens at ws://{}", listener.local_addr()?);
    let mut server = Server {
        config: CheckedConfig::default(),
        // Rooms are public channels with names that clients choose: a real program draws the seed.
        hub: Hub::new(HubConfig::default(), wire::Plain, [7; 16]),
        poller: Poller::new()?,
        connections: BTreeMap::new(),
        keys: BTreeMap::new(),
        now: Timestamp::START,
    };
    watch(&server.poller, &listener, LISTENER)?;
    let (start, mut events, mut buffer, mut next_key) =
        (Instant::now(), Events::new(), vec![0; 64 * 1024], 0);
    loop {
        // 1. Wait for bytes, or for the next deadline of any machine.
        let deadline = server.connections.values().filter_map(|(_, stage)| stage.poll_timeout()).min();
        events.clear();
        server.poller.wait(&mut events, deadline.map(|deadline| deadline.since(server.now)))?;
        // 2. Tell the time. 3. Move bytes in, which makes the machines act. 4. Move bytes out.
        server.now = Timestamp::after_start(start.elapsed());
        for event in events.iter() {
            if event.key != LISTENER {
                server.read(event.key, &mut buffer);
                server.perform_actions();
            } else if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(true)?;
                watch(&server.poller, &stream, next_key)?;
                let handshake = ServerHandshake::new(server.config.clone(), server.now);
                server.connections.insert(next_key, (stream, Stage::Opening(handshake)));
                next_key += 1;
            }
        }
        server.write_and_close();
    }
}

impl Server {
    fn read(&mut self, key: usize, buffer: &mut [u8]) {
        let Some((stream, stage)) = self.connections.get_mut(&key) else { return };
        let mut input = match stream.read(buffer) {
            Ok(0) => return self.lose(key),
            Ok(bytes) => &mut buffer[..bytes],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => return self.lose(key),
        };
        if let Stage::Opening(handshake) = stage {
            let connection = match handshake.receive(&mut input) {
                Ok(None) => return,
                Ok(Some(Request::Upgrade(upgrade))) => upgrade.accept(&Accept::default(), self.now).ok(),
                Ok(Some(Request::Http(_))) | Err(_) => None,
            };
            let Some(connection) = connection else { return self.lose(key) };
            let connect = Input::Connect { credentials: Credentials::NONE, home: Home::default() };
            let connected = self.hub.handle_input(connect, self.now).map(|()| self.hub.poll_action());
            let Ok(Some(Action::Connected { client })) = connected else { return self.lose(key) };
            *stage = Stage::Open(client, Box::new(Session::new(connection, OutboxLimits::default())));
            self.keys.insert(client, key);
        }
        if let Stage::Open(client, session) = stage {
            while let Ok(Some((event, _))) = session.receive(&mut input, self.now) {
                if let Event::Text(command) = event
                    && let Some(wish) = parse(*client, command)
                {
                    // Refused only for clients that are gone.
                    let _ = self.hub.handle_input(wish, self.now);
                }
            }
        }
    }

    fn perform_actions(&mut self) {
        while let Some(action) = self.hub.poll_action() {
            if let Action::Deliver { to, message } = action {
                for client in to.iter() {
                    let connection = self.keys.get(&client).and_then(|key| self.connections.get_mut(key));
                    if let Some((_, Stage::Open(_, session))) = connection {
                        session.outgoing_mut().push(message.clone()); // when full, it counts what it drops
                    }
                }
            }
        }
    }

    fn write_and_close(&mut self) {
        let mut ended = Vec::new();
        for (key, (stream, stage)) in &mut self.connections {
            if stage.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
                match stage {
                    Stage::Opening(_) => ended.push(*key),
                    Stage::Open(_, session) => session.handle_timeout(self.now),
                }
            }
            let Stage::Open(_, session) = stage else { continue };
            loop {
                let mut slices = [&[][..]; 1];
                if session.outgoing().poll_transmit(&mut slices) == 0 {
                    break;
                }
                let Ok(bytes) = stream.write(slices[0]) else { break };
                session.outgoing_mut().transmitted(bytes, self.now);
            }
            // Level-triggered: watched for room only while something waits for it.
            let interest = Ready::new(*key, true, !session.outgoing().is_drained());
            if session.is_finished()
                || self.poller.modify_with_mode(&*stream, interest, PollMode::Level).is_err()
            {
                ended.push(*key);
            }
        }
        for key in ended {
            self.lose(key);
        }
    }

    fn lose(&mut self, key: usize) {
        let Some((stream, stage)) = self.connections.remove(&key) else { return };
        let _ = self.poller.delete(&stream);
        if let Stage::Open(client, _) = stage {
            self.keys.remove(&client);
            let _ = self.hub.handle_input(Input::Gone { client }, self.now);
        }
    }
}

impl Stage {
    fn poll_timeout(&self) -> Option<Timestamp> {
        match self {
            Self::Opening(handshake) => handshake.poll_timeout(),
            Self::Open(_, session) => session.poll_timeout(),
        }
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

fn watch(poller: &Poller, socket: &impl AsRawFd, key: usize) -> io::Result<()> {
    // SAFETY: sockets are deleted from the poller before they are dropped, in `lose`; the listener lives as
    // long as it.
    #[expect(unsafe_code, reason = "polling leaves that to its user")]
    unsafe {
        poller.add_with_mode(socket, Ready::readable(key), PollMode::Level)
    }
}
