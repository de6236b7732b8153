//! A gateway of the Pusher protocol without sockets, for transcripts of what its clients say and get.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate of its own that uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_core::pusher::{
    App, Conversation, Reaction, Secret, Settings, SigningString, SocketId, Standing, StatusChange, Users,
    authorize,
};
use realtime_core::wire::Pusher;
use realtime_core::{Action, Authorization, ClientId, Config, Credentials, Home, Hub, Input};
use realtime_ws::{PreparedMessage, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

pub fn app() -> App {
    App { id: "1".into(), key: "key".into(), secret: Secret::new("secret") }
}

/// What each client was sent waits until the test looks; time passes when the test says so.
pub struct Gateway {
    pub hub: Hub,
    pub users: Users,
    pub now: Timestamp,
    conversations: BTreeMap<ClientId, Conversation>,
    received: BTreeMap<ClientId, Vec<String>>,
}

impl Gateway {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        let hub = Hub::new(Config { authorization: Authorization::Ask, ..config }, Pusher, [7; 16]);
        let (conversations, received) = (BTreeMap::new(), BTreeMap::new());
        Self { hub, users: Users::new(), now: Timestamp::START, conversations, received }
    }

    pub fn connect(&mut self) -> ClientId {
        let connect = Input::Connect { credentials: Credentials::NONE, home: Home::default() };
        self.hub.handle_input(connect, self.now).unwrap();
        let Some(Action::Connected { client }) = self.hub.poll_action() else { panic!("not connected") };
        let socket_id = SocketId::from_random((self.conversations.len() as u128 + 1).to_le_bytes());
        self.conversations.insert(client, Conversation::new(socket_id));
        client
    }

    pub fn says(&mut self, client: ClientId, message: &Value) {
        let conversation = self.conversations.get_mut(&client).unwrap();
        let standing = |channel: &_| Standing::of(client, channel, &self.hub);
        let (text, settings) = (message.to_string(), Settings::default());
        let input = match conversation.handle_text(&text, &app(), &settings, standing, self.now) {
            Reaction::Nothing => return,
            Reaction::Reply(message) => return self.deliver(client, &message),
            Reaction::SignIn { user, reply } => {
                self.deliver(client, &reply);
                let changes = self.users.sign_in(client, user);
                return self.tell(changes);
            }
            Reaction::Subscribe { channel, credentials } => {
                Input::Subscribe { client, channel, credentials: Some(credentials) }
            }
            Reaction::Unsubscribe { channel } => Input::Unsubscribe { client, channel },
            Reaction::Broadcast { channel, message } => {
                Input::Broadcast { channel, message, except: Some(client) }
            }
        };
        self.input(input);
    }

    pub fn leaves(&mut self, client: ClientId) {
        self.input(Input::Gone { client });
        let changes = self.users.forget(client);
        self.tell(changes);
    }

    pub fn input(&mut self, input: Input) {
        self.hub.handle_input(input, self.now).unwrap();
        while let Some(action) = self.hub.poll_action() {
            match action {
                Action::Deliver { to, message } => {
                    to.iter().for_each(|client| self.deliver(client, &message))
                }
                Action::Authorize(request) => {
                    let decision = authorize(&app(), &request);
                    let decided = Input::Decided { request: request.request, decision };
                    self.hub.handle_input(decided, self.now).unwrap();
                }
                Action::Connected { .. }
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

    /// Lets time pass and tells the hub.
    pub fn waits(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.input(Input::TimePassed);
    }

    fn tell(&mut self, changes: Vec<StatusChange>) {
        for StatusChange { to, message } in changes {
            to.into_iter().for_each(|client| self.deliver(client, &message));
        }
    }

    fn deliver(&mut self, client: ClientId, message: &PreparedMessage) {
        self.received.entry(client).or_default().push(message.as_text().unwrap().to_owned());
    }

    pub fn socket_id(&self, client: ClientId) -> SocketId {
        self.conversations[&client].socket_id()
    }

    /// Subscribes as the app's own server allows it.
    pub fn subscribes(&mut self, client: ClientId, channel: &str, channel_data: Option<&str>) {
        let socket_id = self.socket_id(client);
        let auth = app().auth(&SigningString::Channel { socket_id, channel, channel_data });
        self.says(client, &subscribe(channel, &auth, channel_data));
    }

    /// Signs in as the app's own server allows it.
    pub fn signs_in(&mut self, client: ClientId, user_data: &Value) {
        let (socket_id, user_data) = (self.socket_id(client), user_data.to_string());
        let auth = app().auth(&SigningString::User { socket_id, user_data: &user_data });
        self.says(client, &sign_in(&auth, &user_data));
    }

    /// What `client` was sent since the test last looked.
    pub fn receives(&mut self, client: ClientId) -> Vec<String> {
        self.received.remove(&client).unwrap_or_default()
    }

    /// The names of the events that `client` was sent since the test last looked.
    pub fn events(&mut self, client: ClientId) -> Vec<String> {
        let name = |frame: &String| decoded(frame).0["event"].as_str().unwrap().to_owned();
        self.receives(client).iter().map(name).collect()
    }

    /// The one frame that `client` was sent since the test last looked, and its data.
    #[track_caller]
    pub fn receives_one(&mut self, client: ClientId) -> (Value, Value) {
        match &self.receives(client)[..] {
            [frame] => decoded(frame),
            frames => panic!("not one frame: {frames:?}"),
        }
    }
}

pub fn subscribe(channel: &str, auth: &str, channel_data: Option<&str>) -> Value {
    json!({ "event": "pusher:subscribe", "data": { "channel": channel, "auth": auth, "channel_data": channel_data } })
}

pub fn unsubscribe(channel: &str) -> Value {
    json!({ "event": "pusher:unsubscribe", "data": { "channel": channel } })
}

pub fn sign_in(auth: &str, user_data: &str) -> Value {
    json!({ "event": "pusher:signin", "data": { "auth": auth, "user_data": user_data } })
}

/// A frame and its data: the JSON in it, where it is a string that holds JSON.
pub fn decoded(frame: &str) -> (Value, Value) {
    let frame: Value = serde_json::from_str(frame).unwrap();
    let data = match frame["data"].as_str().map(serde_json::from_str) {
        Some(Ok(data)) => data,
        Some(Err(_)) | None => frame["data"].clone(),
    };
    (frame, data)
}
