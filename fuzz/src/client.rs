use crate::choices::Choices;
use realtime_core::ChannelName;
use realtime_core::pusher::ClientMessage;
use realtime_core::pusher::client::{Action, Authorization, Client, Config, ConnectionId, Question, State};
use realtime_ws::{CloseCode, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

const CHANNELS: [&str; 6] =
    ["news", "private-a", "presence-a", "presence-cache-b", "private-encrypted-c", "#server-to-user-7"];
const EVENTS: [&str; 14] = [
    "pusher:connection_established",
    "pusher:error",
    "pusher:ping",
    "pusher:pong",
    "pusher:signin_success",
    "pusher:cache_miss",
    "pusher:subscription_error",
    "pusher_internal:subscription_succeeded",
    "pusher_internal:member_added",
    "pusher_internal:member_removed",
    "pusher_internal:subscription_count",
    "pusher_internal:watchlist_events",
    "client-a",
    "update",
];
const MAX_CHANNELS: usize = 4;
const MAX_EVENTS: usize = 8;

/// A life of a Pusher client with a server that says anything: it opens one connection at a time and greets none that it
/// was not told of; each frame that it sends is one that our server understands; it is in no channel without a
/// connection; it never wants to be woken for what it has just done; queues keep their limits; and a server that behaves
/// in the end has it in all channels that it wants.
pub fn client(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let mut life = Life::new(&mut choices);
    while !choices.is_empty() {
        life.step(&mut choices);
        life.check();
    }
    life.settle();
}

struct Life {
    client: Client,
    now: Timestamp,
    wanted: BTreeSet<ChannelName>,
    /// The connection that the driver was told to open, and not to close.
    connection: Option<ConnectionId>,
    last_connection: Option<ConnectionId>,
    questions: Vec<Question>,
    /// What the server was asked for on this connection.
    requested: Vec<ChannelName>,
}

impl Life {
    fn new(choices: &mut Choices<'_>) -> Self {
        let config =
            Config { max_channels: MAX_CHANNELS, max_queued_events: MAX_EVENTS, ..Config::default() };
        Self {
            client: Client::new(config, choices.byte().into()),
            now: Timestamp::START,
            wanted: BTreeSet::new(),
            connection: None,
            last_connection: None,
            questions: Vec::new(),
            requested: Vec::new(),
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.in_range(0, 15) {
            0 => self.client.connect(self.now),
            1 => self.client.disconnect(),
            2 | 3 => self.subscribe(choices),
            4 => {
                let channel = ChannelName::from(choices.one_of(&CHANNELS));
                self.client.unsubscribe(&channel);
                self.wanted.remove(&channel);
            }
            5 => self.client.sign_in(self.now),
            6 => {
                let channel = choices.one_of(&CHANNELS).into();
                let _ = self.client.trigger(&channel, "client-a", &choices.text());
            }
            7 | 8 => self.drive(),
            9 => self.answer(choices),
            10 => self.says(r#"{"event":"pusher:connection_established","data":{"socket_id":"1.2"}}"#),
            11 => {
                let text = choices.text();
                self.says(&text);
            }
            12 | 13 => {
                let (event, channel) = (choices.one_of(&EVENTS), choices.one_of(&CHANNELS));
                let data = choices.text();
                self.says(&format!(r#"{{"event":"{event}","channel":"{channel}","data":{data}}}"#));
            }
            14 => self.pass(Duration::from_millis(u64::from(choices.u16()))),
            _ => self.end(choices),
        }
        if choices.flag() {
            while self.client.poll_event().is_some() {}
        }
    }

    fn subscribe(&mut self, choices: &mut Choices<'_>) {
        let name = choices.one_of(&CHANNELS);
        let is_full = self.wanted.len() == MAX_CHANNELS && !self.wanted.contains(&ChannelName::from(name));
        let channel = self.client.subscribe(name, self.now);
        assert_eq!(channel.is_err(), name.starts_with('#') || is_full, "{name}");
        self.wanted.extend(channel);
    }

    fn answer(&mut self, choices: &mut Choices<'_>) {
        if self.questions.is_empty() {
            return;
        }
        // They stay, so that some are answered again, and too late.
        let question = &self.questions[usize::from(choices.byte()) % self.questions.len()];
        let data = choices.flag().then(|| choices.text().chars().take(200).collect());
        let answer =
            if choices.flag() { Err("no".into()) } else { Ok(Authorization { auth: "k:s".into(), data }) };
        self.client.answer(question.id, answer);
    }

    fn says(&mut self, text: &str) {
        // Sometimes over a connection that is no more.
        if let Some(connection) = self.connection.or(self.last_connection) {
            self.client.handle_text(connection, text, self.now);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.client.handle_timeout(self.now);
    }

    fn end(&mut self, choices: &mut Choices<'_>) {
        if let Some(connection) = self.connection.take() {
            let code = CloseCode::new(choices.u16() % 5000);
            self.client.handle_closed(connection, code, "the end", self.now);
        }
    }

    /// Does all that a driver has to do.
    fn drive(&mut self) {
        loop {
            while let Some(action) = self.client.poll_action() {
                self.perform(action);
            }
            let Some((connection, text)) = self.client.poll_transmit() else { return };
            assert!(Some(connection) <= self.last_connection, "nobody was told of it");
            let message = ClientMessage::parse(&text);
            assert!(message.is_ok(), "{text}: {message:?}");
            if let Ok(ClientMessage::Subscribe { channel, .. }) = message
                && self.connection == Some(connection)
            {
                self.requested.push(channel);
            }
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Open { connection } => {
                assert_eq!(self.connection, None, "two connections at a time");
                assert!(Some(connection) > self.last_connection, "an old one");
                (self.connection, self.last_connection) = (Some(connection), Some(connection));
                self.requested.clear();
            }
            Action::Close { connection, .. } => {
                self.connection.take_if(|open| *open == connection);
            }
            Action::Ask(question) => {
                assert_eq!(self.client.socket_id(), Some(question.socket_id));
                self.questions.push(question);
            }
        }
    }

    fn check(&self) {
        assert!(self.client.channels().cloned().collect::<BTreeSet<_>>() == self.wanted);
        let is_connected = self.client.state() == State::Connected;
        assert_eq!(self.client.socket_id().is_some(), is_connected);
        for channel in &self.wanted {
            assert!(is_connected || !self.client.is_subscribed(channel));
            assert!(self.client.roster(channel).is_none() || self.client.is_subscribed(channel));
        }
    }

    /// A server that behaves, and an authorizer that allows: all that is wanted comes about.
    fn settle(&mut self) {
        self.drive();
        if let Some(connection) = self.connection.take() {
            self.client.handle_closed(connection, None, "the end", self.now);
        }
        let mut events = 0;
        while self.client.poll_event().is_some() {
            events += 1;
        }
        assert!(events <= MAX_EVENTS + 1, "{events} events waited");
        self.client.connect(self.now);
        let mut naps = 0;
        self.drive();
        while self.connection.is_none()
            && let Some(due) = self.client.poll_timeout()
        {
            self.now = self.now.max(due);
            self.client.handle_timeout(self.now);
            self.drive();
            naps += 1;
            assert!(naps < 10, "it wakes up for nothing");
        }
        self.says(r#"{"event":"pusher:connection_established","data":{"socket_id":"3.4"}}"#);
        self.drive();
        for question in std::mem::take(&mut self.questions) {
            let data = Some(r#"{"id":"7","user_id":"7"}"#.into());
            self.client.answer(question.id, Ok(Authorization { auth: "k:s".into(), data }));
        }
        self.drive();
        for channel in self.requested.clone() {
            self.says(&format!(
                r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}","data":{{"presence":{{"ids":["7"],"hash":{{"7":{{}}}}}}}}}}"#
            ));
        }
        for channel in &self.wanted {
            assert!(self.client.is_subscribed(channel), "{channel}");
        }
    }
}
