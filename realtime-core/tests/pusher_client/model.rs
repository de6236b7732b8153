//! Whatever a server, an authorizer, a driver and the application do: nothing panics, and once there is a connection for
//! long enough, the client is where the application wants it, and sees who is there.

use crate::common::{Pair, seconds};
use core::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use realtime_core::ChannelKind;
use realtime_core::pusher::client::{Action, Config, ConnectionId, Question, State};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const CHANNELS: [&str; 5] = ["news", "private-a", "presence-b", "presence-c", "private-cache-d"];

#[derive(Clone, Debug)]
enum Step {
    Connect,
    Disconnect,
    Subscribe(usize),
    Unsubscribe(usize),
    SignIn,
    Trigger(usize),
    /// The driver does what it is to do.
    Drive,
    /// The authorizer answers the question that is asked longest, or says no.
    Answer {
        allowed: bool,
    },
    /// An answer comes once more, or too late.
    AnswerAgain,
    Greet,
    /// The client receives so many of the messages that are on their way.
    Deliver(usize),
    /// The server denies the next subscribe.
    Deny,
    Join(usize, u8),
    Leave(usize, u8),
    Close(u16),
    Wait(u64),
    /// The server says what does not fit.
    Nonsense(Value),
    Garbage(String),
    TakeEvents,
}

fn step() -> impl Strategy<Value = Step> {
    let channel = || 0..CHANNELS.len();
    prop_oneof![
        2 => Just(Step::Connect),
        1 => Just(Step::Disconnect),
        6 => channel().prop_map(Step::Subscribe),
        4 => channel().prop_map(Step::Unsubscribe),
        1 => Just(Step::SignIn),
        2 => channel().prop_map(Step::Trigger),
        12 => Just(Step::Drive),
        6 => any::<bool>().prop_map(|allowed| Step::Answer { allowed }),
        1 => Just(Step::AnswerAgain),
        4 => Just(Step::Greet),
        12 => (1..5_usize).prop_map(Step::Deliver),
        1 => Just(Step::Deny),
        3 => (channel(), 0..4_u8).prop_map(|(channel, id)| Step::Join(channel, id)),
        3 => (channel(), 0..4_u8).prop_map(|(channel, id)| Step::Leave(channel, id)),
        2 => prop_oneof![Just(1006_u16), Just(4001), Just(4100), Just(4200), 1000..5000_u16].prop_map(Step::Close),
        4 => (0..40_000_u64).prop_map(Step::Wait),
        1 => nonsense().prop_map(Step::Nonsense),
        1 => "[{}\"a-z:,\\\\0-9]{0,20}".prop_map(Step::Garbage),
        1 => Just(Step::TakeEvents),
    ]
}

fn nonsense() -> impl Strategy<Value = Value> {
    let event = prop_oneof![
        Just("pusher:connection_established"),
        Just("pusher:error"),
        Just("pusher:ping"),
        Just("pusher:pong"),
        Just("pusher:signin_success"),
        Just("pusher:cache_miss"),
        Just("pusher:subscription_error"),
        Just("pusher_internal:subscription_succeeded"),
        Just("pusher_internal:member_added"),
        Just("pusher_internal:member_removed"),
        Just("pusher_internal:subscription_count"),
        Just("pusher_internal:watchlist_events"),
        Just("client-a"),
        Just("update"),
    ];
    let channel =
        prop_oneof![(0..CHANNELS.len()).prop_map(|i| json!(CHANNELS[i])), Just(Value::Null), Just(json!(1))];
    let data = prop_oneof![
        Just(json!({})),
        Just(json!("{}")),
        Just(json!([1])),
        Just(
            json!({ "socket_id": "9.9", "code": 4001, "message": "m", "user_id": "u1", "user_data": "{\"id\":1}" })
        ),
        Just(
            json!({ "presence": { "ids": [1, 1, "x"], "hash": { "x": 1, "y": 2 } }, "subscription_count": 3 })
        ),
        Just(json!({ "events": [{ "name": "online", "user_ids": ["a"] }] })),
    ];
    (event, channel, data)
        .prop_map(|(event, channel, data)| json!({ "event": event, "channel": channel, "data": data }))
}

/// The server's end of a connection.
struct Server {
    connection: ConnectionId,
    has_greeted: bool,
    subscribed: BTreeSet<String>,
    on_the_way: VecDeque<Value>,
}

struct World {
    pair: Pair,
    /// What the application asked for.
    wanted: BTreeSet<&'static str>,
    /// Who else is in each channel.
    members: BTreeMap<&'static str, BTreeSet<String>>,
    server: Option<Server>,
    denies_next: bool,
    questions: VecDeque<Question>,
    answered: Option<Question>,
    /// What was refused, or said wrongly, on this connection: it may be anywhere.
    is_refused: BTreeSet<String>,
    is_confused: bool,
}

impl World {
    fn new() -> Self {
        // An authorizer that takes too long refuses; here it always comes to an answer.
        let config =
            Config { max_queued_events: 16, authorization_timeout: seconds(100_000), ..Config::default() };
        Self {
            pair: Pair::with(config),
            wanted: BTreeSet::new(),
            members: BTreeMap::new(),
            server: None,
            denies_next: false,
            questions: VecDeque::new(),
            answered: None,
            is_refused: BTreeSet::new(),
            is_confused: false,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Connect => self.pair.client.connect(self.pair.now),
            Step::Disconnect => self.pair.client.disconnect(),
            Step::Subscribe(channel) => {
                self.pair.subscribe(CHANNELS[channel]);
                self.wanted.insert(CHANNELS[channel]);
            }
            Step::Unsubscribe(channel) => {
                self.pair.client.unsubscribe(&CHANNELS[channel].into());
                self.wanted.remove(CHANNELS[channel]);
            }
            Step::SignIn => self.pair.client.sign_in(self.pair.now),
            Step::Trigger(channel) => {
                drop(self.pair.client.trigger(&CHANNELS[channel].into(), "client-a", "1"))
            }
            Step::Drive => self.drive(),
            Step::Answer { allowed } => self.answer(allowed),
            Step::AnswerAgain => {
                if let Some(question) = self.answered.clone() {
                    self.pair.answers(&question, "again", None);
                }
            }
            Step::Greet => self.greet(),
            Step::Deliver(count) => self.deliver(count),
            Step::Deny => self.denies_next = true,
            Step::Join(channel, id) => self.join(CHANNELS[channel], id),
            Step::Leave(channel, id) => self.leave(CHANNELS[channel], id),
            Step::Close(code) => {
                if let Some(server) = self.server.take() {
                    self.pair.closes(server.connection, code);
                }
            }
            Step::Wait(millis) => self.pair.waits(Duration::from_millis(millis)),
            Step::Nonsense(message) => {
                if let Some(server) = &self.server {
                    self.is_confused = true;
                    self.pair.says(server.connection, &message);
                }
            }
            Step::Garbage(text) => {
                if let Some(server) = &self.server {
                    self.pair.client.handle_text(server.connection, &text, self.pair.now);
                }
            }
            Step::TakeEvents => drop(self.pair.events()),
        }
        if self.pair.client.socket_id().is_none() {
            self.is_refused.clear();
        }
    }

    fn drive(&mut self) {
        loop {
            for action in self.pair.actions() {
                match action {
                    Action::Open { connection } => {
                        let (subscribed, on_the_way) = (BTreeSet::new(), VecDeque::new());
                        assert!(self.server.is_none(), "two connections at a time");
                        self.server = Some(Server { connection, has_greeted: false, subscribed, on_the_way });
                        (self.is_confused, self.denies_next) = (false, false);
                        self.is_refused.clear();
                    }
                    Action::Close { connection, .. } => {
                        drop(self.server.take_if(|server| server.connection == connection));
                    }
                    Action::Ask(question) => self.questions.push_back(question),
                }
            }
            let Some((connection, text)) = self.pair.client.poll_transmit() else { return };
            if let Some(server) = self.server.as_mut().filter(|server| server.connection == connection) {
                assert!(server.has_greeted || self.is_confused, "{text}");
                let frame: Value = serde_json::from_str(&text).unwrap();
                self.receive(&frame);
            }
        }
    }

    /// What a server does with a frame.
    fn receive(&mut self, frame: &Value) {
        let Some(server) = &mut self.server else { return };
        let channel = frame["data"]["channel"].as_str().unwrap_or_default().to_string();
        match frame["event"].as_str().unwrap() {
            "pusher:subscribe" if core::mem::take(&mut self.denies_next) => {
                server
                    .on_the_way
                    .push_back(json!({ "event": "pusher:subscription_error", "channel": channel }));
                self.is_refused.insert(channel);
            }
            "pusher:subscribe" => {
                // Its answer comes after all that were refusals.
                self.is_refused.remove(&channel);
                let members = self.members.get(&*channel).into_iter().flatten();
                let hash =
                    BTreeMap::from_iter(members.map(String::as_str).chain(["me"]).map(|id| (id, json!({}))));
                let ids = Vec::from_iter(hash.keys());
                let data = json!({ "presence": { "ids": ids, "hash": hash, "count": hash.len() } });
                let event = "pusher_internal:subscription_succeeded";
                server
                    .on_the_way
                    .push_back(json!({ "event": event, "channel": channel, "data": data.to_string() }));
                assert!(server.subscribed.insert(channel), "subscribed twice");
            }
            "pusher:unsubscribe" => {
                server.subscribed.remove(&channel);
            }
            "pusher:signin" => {
                let data = json!({ "user_data": frame["data"]["user_data"] });
                server.on_the_way.push_back(json!({ "event": "pusher:signin_success", "data": data }));
            }
            "pusher:ping" => server.on_the_way.push_back(json!({ "event": "pusher:pong" })),
            "pusher:pong" | "client-a" => {}
            other => panic!("{other}"),
        }
    }

    fn answer(&mut self, allowed: bool) {
        let Some(question) = self.questions.pop_front() else { return };
        if allowed {
            self.pair.answers(&question, "key:signature", Some(r#"{"id":"me","user_id":"me"}"#));
        } else {
            self.pair.client.answer(question.id, Err("no".into()));
            self.is_refused.extend(CHANNELS.map(String::from));
        }
        self.answered = Some(question);
    }

    fn greet(&mut self) {
        if let Some(server) = self.server.as_mut().filter(|server| !server.has_greeted) {
            server.has_greeted = true;
            self.pair.greets(server.connection, "1.1");
        }
    }

    fn deliver(&mut self, count: usize) {
        for _ in 0..count {
            let Some(server) = &mut self.server else { return };
            let Some(message) = server.on_the_way.pop_front() else { return };
            self.pair.says(server.connection, &message);
        }
    }

    fn join(&mut self, channel: &'static str, id: u8) {
        let id = format!("u{id}");
        if self.members.entry(channel).or_default().insert(id.clone()) {
            self.tell(channel, "pusher_internal:member_added", &id);
        }
    }

    fn leave(&mut self, channel: &'static str, id: u8) {
        let id = format!("u{id}");
        if self.members.entry(channel).or_default().remove(&id) {
            self.tell(channel, "pusher_internal:member_removed", &id);
        }
    }

    fn tell(&mut self, channel: &str, event: &str, id: &str) {
        if let Some(server) = self.server.as_mut().filter(|server| server.subscribed.contains(channel)) {
            let message =
                json!({ "event": event, "channel": channel, "data": { "user_id": id, "user_info": {} } });
            server.on_the_way.push_back(message);
        }
    }

    /// Plays on until nothing is left to do: a server that answers, and an authorizer that allows.
    fn settle(&mut self) {
        match self.pair.client.state() {
            State::Initialized | State::Failed | State::Disconnected => {
                self.pair.client.connect(self.pair.now);
            }
            State::Connecting | State::Connected | State::Unavailable => {}
        }
        for _ in 0..100 {
            self.drive();
            self.greet();
            self.denies_next = false;
            while !self.questions.is_empty() {
                self.answer(true);
            }
            self.drive();
            self.deliver(usize::MAX);
            if self.pair.client.state() != State::Connected {
                self.pair.waits(seconds(1));
            }
        }
    }

    fn check(&self, is_excused: impl Fn(&str) -> bool) {
        let client = &self.pair.client;
        assert_eq!(client.state(), State::Connected);
        let channels = BTreeSet::from_iter(client.channels().map(|name| name.as_str().to_string()));
        assert_eq!(channels, BTreeSet::from_iter(self.wanted.iter().map(|name| (*name).to_string())));
        for &name in self.wanted.iter().filter(|name| !is_excused(name)) {
            let channel = name.into();
            assert!(client.is_subscribed(&channel), "{name}");
            let seen = client
                .roster(&channel)
                .map(|roster| BTreeSet::from_iter(roster.members().map(|member| member.id().to_string())));
            let expected = match channel.kind() {
                ChannelKind::Public | ChannelKind::Private => None,
                ChannelKind::Presence => {
                    let others = self.members.get(name).cloned().unwrap_or_default();
                    Some(others.into_iter().chain(["me".to_string()]).collect())
                }
            };
            assert_eq!(seen, expected, "{name}");
        }
        let subscribed = &self.server.as_ref().unwrap().subscribed;
        for name in subscribed.iter().filter(|name| !name.starts_with('#')) {
            assert!(client.is_subscribed(&name.as_str().into()), "a ghost in {name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn in_the_end_the_client_is_where_the_application_wants_it(steps in vec(step(), 0..80)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.settle();
        if !world.is_confused {
            let refused = world.is_refused.clone();
            world.check(|name| refused.contains(name));
        }
        // A new connection puts right whatever the old one was told.
        world.take(Step::Close(4200));
        world.settle();
        world.check(|_| false);
    }
}
