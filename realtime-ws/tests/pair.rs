//! A server and a client joined by a network that cuts bytes as it likes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use proptest::prelude::*;
use realtime_ws::{CloseCode, Config, PreparedMessage, Role};
use std::time::Duration;

/// Both ends of one connection, the bytes under way between them, and one clock.
struct Pair {
    server: End,
    client: End,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    seen_by_server: Vec<Seen>,
    seen_by_client: Vec<Seen>,
}

impl Pair {
    fn new(config: &Config) -> Self {
        Self {
            server: End::with(Role::Server, config.clone()),
            client: End::with(Role::Client, config.clone()),
            to_server: Vec::new(),
            to_client: Vec::new(),
            seen_by_server: Vec::new(),
            seen_by_client: Vec::new(),
        }
    }

    fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Server => &mut self.server,
            Role::Client => &mut self.client,
        }
    }

    /// The end in `role` writes up to `bytes`, and the other one reads up to as many.
    fn carries_from(&mut self, role: Role, bytes: usize) {
        let (from, to, wire, seen) = match role {
            Role::Server => {
                (&mut self.server, &mut self.client, &mut self.to_client, &mut self.seen_by_client)
            }
            Role::Client => {
                (&mut self.client, &mut self.server, &mut self.to_server, &mut self.seen_by_server)
            }
        };
        wire.extend(from.writes_bytes(bytes));
        let rest = wire.split_off(bytes.min(wire.len()));
        let (events, error) = to.try_receive_in_chunks(wire, [bytes / 2 + 1], Reading::Direct);
        assert_eq!(error, None, "{:?} refuses what its peer sends", to.role);
        seen.extend(events);
        *wire = rest;
    }

    /// Carries all there is both ways until both ends are quiet; a finished server's socket closes.
    fn drives(&mut self) {
        while self.server.connection.unsent_bytes() + self.client.connection.unsent_bytes() > 0
            || !self.to_server.is_empty()
            || !self.to_client.is_empty()
        {
            self.carries_from(Role::Server, 4096);
            self.carries_from(Role::Client, 4096);
        }
        if self.server.connection.is_finished() {
            self.client.connection.receive_eof();
        }
    }

    fn passes(&mut self, time: Duration) {
        self.server.passes(time);
        self.client.passes(time);
    }

    #[track_caller]
    fn assert_closed(&self, code: u16) {
        for end in [&self.server, &self.client] {
            assert!(end.connection.is_finished(), "{:?} is not finished", end.role);
            assert_eq!(end.closure(), (code, true), "{:?}", end.role);
            assert_eq!(end.connection.held_bytes(), 0, "{:?}", end.role);
        }
    }
}

#[test]
fn either_side_closes() {
    for role in ROLES {
        let mut pair = Pair::new(&Config::default());
        pair.end(role).connection.send("last").unwrap();
        pair.end(role).closes(4000, "done");
        pair.drives();
        pair.assert_closed(4000);
        let (seen, seen_by_closer) = match role {
            Role::Server => (pair.seen_by_client, pair.seen_by_server),
            Role::Client => (pair.seen_by_server, pair.seen_by_client),
        };
        assert_eq!(seen, [sees_text("last"), sees_close(4000, "done")]);
        assert_eq!(seen_by_closer, [sees_close(4000, "")]);
    }
}

#[test]
fn both_sides_close_at_once() {
    let mut pair = Pair::new(&Config::default());
    pair.server.closes(4000, "server");
    pair.client.closes(4000, "client");
    pair.drives();
    pair.assert_closed(4000);
    assert_eq!(pair.seen_by_client, [sees_close(4000, "server")]);
    assert_eq!(pair.seen_by_server, [sees_close(4000, "client")]);
}

#[test]
fn idle_pair_keeps_itself_alive() {
    let mut pair = Pair::new(&Config::default());
    for _ in 0..100 {
        pair.passes(seconds(29));
        pair.drives();
    }
    assert!(pair.server.connection.is_open() && pair.client.connection.is_open());
    assert_eq!(pair.server.connection.held_bytes() + pair.client.connection.held_bytes(), 0);
}

#[test]
fn flood_of_pings_both_ways_ends() {
    let mut pair = Pair::new(&Config::default());
    for role in ROLES {
        for i in 0..1000u16 {
            pair.end(role).connection.ping(&i.to_be_bytes()).unwrap();
        }
    }
    pair.drives();
    for seen in [&pair.seen_by_server, &pair.seen_by_client] {
        let pings: Vec<_> = seen.iter().filter(|event| matches!(event, Seen::Ping(_))).cloned().collect();
        assert_eq!(pings, (0..1000u16).map(|i| sees_ping(i.to_be_bytes())).collect::<Vec<_>>());
        assert!(seen.contains(&sees_pong(999u16.to_be_bytes())), "the latest ping is answered");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Text(Role, String),
    Binary(Role, usize),
    Prepared(Role, usize),
    Ping(Role, u8),
    Carry(Role, usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let role = || prop_oneof![Just(Role::Server), Just(Role::Client)];
    let lengths = || prop_oneof![0usize..300, 2000usize..90_000];
    prop_oneof![
        2 => (role(), ".{0,60}").prop_map(|(role, text)| Step::Text(role, text)),
        2 => (role(), lengths()).prop_map(|(role, len)| Step::Binary(role, len)),
        2 => (role(), lengths()).prop_map(|(role, len)| Step::Prepared(role, len)),
        1 => (role(), any::<u8>()).prop_map(|(role, payload)| Step::Ping(role, payload)),
        6 => (role(), prop_oneof![1usize..30, 1usize..9000, 1usize..200_000])
            .prop_map(|(role, bytes)| Step::Carry(role, bytes)),
        1 => (0u64..25).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever is sent and however it is carried: each message arrives once, whole and in order, and
    /// closing works from whichever side begins it.
    #[test]
    fn messages_arrive_once_in_order_and_closing_works(
        steps in prop::collection::vec(step(), 0..60), server_closes: bool, client_closes: bool,
    ) {
        let config = Config { max_unsent_bytes: usize::MAX, keepalive: None, ..Config::default() };
        let mut pair = Pair::new(&config);
        let (mut from_server, mut from_client) = (Vec::new(), Vec::new());
        for step in steps {
            let (role, sent) = match step {
                Step::Text(role, text) => {
                    pair.end(role).connection.send(&text).unwrap();
                    (role, Seen::Text(text))
                }
                Step::Binary(role, len) => {
                    let bytes = vec![len as u8; len];
                    pair.end(role).connection.send(&bytes).unwrap();
                    (role, Seen::Binary(bytes))
                }
                Step::Prepared(role, len) => {
                    let bytes = vec![len as u8; len];
                    pair.end(role).connection.send_prepared(&PreparedMessage::new(&bytes)).unwrap();
                    (role, Seen::Binary(bytes))
                }
                Step::Ping(role, payload) => {
                    pair.end(role).connection.ping(&[payload]).unwrap();
                    continue;
                }
                Step::Carry(role, bytes) => {
                    pair.carries_from(role, bytes);
                    continue;
                }
                Step::Pass(time) => {
                    pair.passes(seconds(time));
                    continue;
                }
            };
            match role {
                Role::Server => from_server.push(sent),
                Role::Client => from_client.push(sent),
            }
        }
        let client_closes = client_closes || !server_closes;
        for (role, closes) in [(Role::Server, server_closes), (Role::Client, client_closes)] {
            if closes {
                let end = pair.end(role);
                end.connection.close(CloseCode::GOING_AWAY, NO_REASON, end.now).unwrap();
            }
        }
        pair.drives();
        pair.assert_closed(1001);
        let messages = |seen: &[Seen]| -> Vec<Seen> {
            seen.iter().filter(|event| matches!(event, Seen::Text(_) | Seen::Binary(_))).cloned().collect()
        };
        prop_assert_eq!(messages(&pair.seen_by_client), from_server);
        prop_assert_eq!(messages(&pair.seen_by_server), from_client);
    }
}
