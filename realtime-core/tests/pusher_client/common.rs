use core::time::Duration;
use realtime_core::ChannelName;
use realtime_core::pusher::client::{
    Action, Authorization, Client, Config, ConnectionId, Event, Question, State,
};
use realtime_core::pusher::{App, Secret};
use realtime_ws::{CloseCode, Timestamp};
use serde_json::{Value, json};

pub(crate) fn app() -> App {
    App { id: "1".into(), key: "key".into(), secret: Secret::new("secret") }
}

/// A client, the server that it speaks to, and a clock that the test advances.
pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) now: Timestamp,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        Self { client: Client::new(config, 7), now: Timestamp::START }
    }

    /// A client that is connected, as `1.1`, and whose application knows it.
    pub(crate) fn connected() -> (Self, ConnectionId) {
        let mut pair = Self::new();
        let connection = pair.connect();
        (pair, connection)
    }

    pub(crate) fn connect(&mut self) -> ConnectionId {
        self.client.connect(self.now);
        let connection = self.opens();
        self.greets(connection, "1.1");
        assert_eq!(self.states(), [State::Connecting, State::Connected]);
        connection
    }

    /// Asserts that the client wants a connection, and nothing else.
    pub(crate) fn opens(&mut self) -> ConnectionId {
        match self.actions()[..] {
            [Action::Open { connection }] => connection,
            ref other => panic!("{other:?}"),
        }
    }

    /// Waits until the client tries again, and tells for how long that was.
    pub(crate) fn attempt(&mut self) -> (Duration, ConnectionId) {
        let start = self.now;
        loop {
            if let [Action::Open { connection }] = self.actions()[..] {
                return (self.now.since(start), connection);
            }
            let patience = self.patience();
            self.waits(patience);
        }
    }

    pub(crate) fn greets(&mut self, connection: ConnectionId, socket_id: &str) {
        let data = json!({ "socket_id": socket_id, "activity_timeout": 30 }).to_string();
        self.says(connection, &json!({ "event": "pusher:connection_established", "data": data }));
    }

    pub(crate) fn says(&mut self, connection: ConnectionId, message: &Value) {
        self.client.handle_text(connection, &message.to_string(), self.now);
    }

    /// The server's `event` on `channel`; its data is a string that holds JSON, as usual.
    pub(crate) fn tells(&mut self, connection: ConnectionId, event: &str, channel: &str, data: &Value) {
        self.says(connection, &json!({ "event": event, "channel": channel, "data": data.to_string() }));
    }

    pub(crate) fn lets_in(&mut self, connection: ConnectionId, channel: &str) {
        self.tells(connection, "pusher_internal:subscription_succeeded", channel, &json!({}));
    }

    /// Lets the client into a presence channel in which `members` are.
    pub(crate) fn shows(&mut self, connection: ConnectionId, channel: &str, members: &[&str]) {
        let hash = serde_json::Map::from_iter(members.iter().map(|id| ((*id).to_string(), json!({}))));
        let data = json!({ "presence": { "ids": members, "hash": hash, "count": members.len() } });
        self.tells(connection, "pusher_internal:subscription_succeeded", channel, &data);
    }

    pub(crate) fn closes(&mut self, connection: ConnectionId, code: u16) {
        self.client.handle_closed(connection, CloseCode::new(code), "closed by the test", self.now);
    }

    pub(crate) fn is_lost(&mut self, connection: ConnectionId) {
        self.client.handle_closed(connection, None, "lost", self.now);
    }

    /// Lets time pass, and does what is due when it is due.
    pub(crate) fn waits(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.client.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// How long until something is due.
    pub(crate) fn patience(&self) -> Duration {
        self.client.poll_timeout().unwrap().since(self.now)
    }

    pub(crate) fn actions(&mut self) -> Vec<Action> {
        core::iter::from_fn(|| self.client.poll_action()).collect()
    }

    /// The questions to the authorizer; there is nothing else to do.
    pub(crate) fn questions(&mut self) -> Vec<Question> {
        let question = |action| match action {
            Action::Ask(question) => question,
            other @ (Action::Open { .. } | Action::Close { .. }) => panic!("{other:?}"),
        };
        self.actions().into_iter().map(question).collect()
    }

    pub(crate) fn question(&mut self) -> Question {
        let [question] = &self.questions()[..] else { panic!("not one question") };
        question.clone()
    }

    pub(crate) fn answers(&mut self, question: &Question, auth: &str, data: Option<&str>) {
        let authorization = Authorization { auth: auth.into(), data: data.map(str::to_string) };
        self.client.answer(question.id, Ok(authorization));
    }

    /// What the client sends over the connection.
    pub(crate) fn sent(&mut self, connection: ConnectionId) -> Vec<Value> {
        let transmits = core::iter::from_fn(|| self.client.poll_transmit());
        let texts = transmits.map(|(over, text)| {
            assert_eq!(over, connection);
            serde_json::from_str(&text).unwrap()
        });
        texts.collect()
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// The states that the client went through; other events are thrown away.
    pub(crate) fn states(&mut self) -> Vec<State> {
        let state = |event| if let Event::StateChanged { state } = event { Some(state) } else { None };
        self.events().into_iter().filter_map(state).collect()
    }

    pub(crate) fn subscribe(&mut self, channel: &str) -> ChannelName {
        self.client.subscribe(channel, self.now).unwrap()
    }

    /// Subscribes to a private or presence channel, up to the server's answer.
    pub(crate) fn is_in(&mut self, connection: ConnectionId, channel: &str) -> ChannelName {
        let name = self.subscribe(channel);
        let question = self.question();
        self.answers(
            &question,
            "key:signature",
            Some(r#"{"user_id":"me"}"#).filter(|_| is_presence(channel)),
        );
        assert_eq!(self.sent(connection).len(), 1);
        if is_presence(channel) {
            self.shows(connection, channel, &["me"]);
        } else {
            self.lets_in(connection, channel);
        }
        assert!(self.client.is_subscribed(&name));
        self.events();
        name
    }
}

fn is_presence(channel: &str) -> bool {
    channel.starts_with("presence-")
}

pub(crate) fn subscribe_frame(channel: &str, auth: &str) -> Value {
    json!({ "event": "pusher:subscribe", "data": { "channel": channel, "auth": auth } })
}

pub(crate) fn unsubscribe_frame(channel: &str) -> Value {
    json!({ "event": "pusher:unsubscribe", "data": { "channel": channel } })
}

pub(crate) fn state(state: State) -> Event {
    Event::StateChanged { state }
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
