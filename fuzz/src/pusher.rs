use crate::choices::Choices;
use realtime_core::pusher::http::{Publish, PublishBatch, PublishLimits};
use realtime_core::pusher::webhooks::{self, Fact, Filter, Webhooks};
use realtime_core::pusher::{
    App, ClientError, ClientMessage, ConnectRequest, Conversation, MAX_CHANNEL_DATA_BYTES,
    MAX_EVENT_NAME_BYTES, MAX_USER_ID_CHARS, MAX_WATCHED_USERS, Query, Reaction, Secret, Settings,
    SigningString, SocketId, Standing, StatusChange, User, Users, authorize, frames, is_cache_channel,
    parse_channel_data, parse_channel_name,
};
use realtime_core::wire::Pusher;
use realtime_core::{
    Action, Authorization, ChannelName, ClientId, Config, Credentials, Home, Hub, Input, Member,
};
use realtime_ws::{PreparedMessage, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

/// What clients and the app's server say is understood as a naive reading of the JSON has it, and the same
/// when it is written again; whatever comes, only JSON goes out, and nobody is let into a channel without its
/// signature.
pub fn pusher(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    match choices.byte() % 8 {
        0 | 1 => message(&String::from_utf8_lossy(choices.rest())),
        2 => channel_name(choices),
        3 => connect(choices),
        4 => channel_data(&String::from_utf8_lossy(choices.rest())),
        5 => publish(choices.rest()),
        7 => user_data(&String::from_utf8_lossy(choices.rest())),
        _ => Room::new(&mut choices).live(choices),
    }
}

// --- what clients say ---

/// A message, comparable whatever way it was read or written.
#[derive(Debug, PartialEq)]
enum Meaning {
    Subscribe { channel: String, auth: String, channel_data: Option<String> },
    Unsubscribe { channel: String },
    SignIn { auth: String, user_data: String },
    Ping,
    Pong,
    Event { event: String, channel: String, data: Option<Value> },
}

/// A tree of values cannot say it: a number is beyond what a float holds, a surrogate stands alone.
struct Unclear;

fn message(text: &str) {
    let parsed = ClientMessage::parse(text);
    match &parsed {
        // Where serde finds a field twice it says so; a tree of values keeps the last one.
        Err(ClientError::NotJson { reason }) if reason.contains("duplicate field") => return,
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(_) => assert!(is_json(text), "{text}"),
    }
    let Ok(value) = serde_json::from_str(text) else {
        assert!(parsed.is_err() || is_json(text), "{text}");
        return;
    };
    if let (Ok(expected), Ok(actual)) = (naive_meaning(&value), parsed.ok().map(meaning).transpose()) {
        assert_eq!(actual, expected, "{text}");
        if let Some(meant) = actual {
            let written = written(&meant).to_string();
            let again = ClientMessage::parse(&written).expect("what was parsed can be written and parsed");
            assert_eq!(meaning(again).ok(), Some(meant), "{written}");
        }
    }
}

fn meaning(message: ClientMessage<'_>) -> Result<Meaning, Unclear> {
    Ok(match message {
        ClientMessage::Subscribe { channel, auth, channel_data } => Meaning::Subscribe {
            channel: channel.to_string(),
            auth: auth.into(),
            channel_data: channel_data.map(Into::into),
        },
        ClientMessage::Unsubscribe { channel } => Meaning::Unsubscribe { channel: channel.to_string() },
        ClientMessage::SignIn { auth, user_data } => {
            Meaning::SignIn { auth: auth.into(), user_data: user_data.into() }
        }
        ClientMessage::Ping => Meaning::Ping,
        ClientMessage::Pong => Meaning::Pong,
        ClientMessage::ClientEvent { event, channel, data } => Meaning::Event {
            event: event.into(),
            channel: channel.to_string(),
            data: data.map(serde_json::from_str).transpose().map_err(|_| Unclear)?,
        },
    })
}

/// What a message means, read from the tree of its values; nothing if it is not allowed.
fn naive_meaning(message: &Value) -> Result<Option<Meaning>, Unclear> {
    let data = message.get("data").cloned().unwrap_or_default();
    let event = message.get("event").and_then(Value::as_str).unwrap_or_default();
    let channel = message.get("channel").and_then(Value::as_str).filter(|name| is_channel_name(name));
    Ok(match (event, channel) {
        ("pusher:ping", _) => Some(Meaning::Ping),
        ("pusher:pong", _) => Some(Meaning::Pong),
        ("pusher:signin", _) => naive_sign_in(&naive_data(data)?),
        ("pusher:subscribe" | "pusher:unsubscribe", _) => naive_subscription(&naive_data(data)?)
            .filter(|meant| event == "pusher:unsubscribe" || is_subscribe(meant))
            .map(|meant| match meant {
                Meaning::Subscribe { channel, .. } if event == "pusher:unsubscribe" => {
                    Meaning::Unsubscribe { channel }
                }
                meant => meant,
            }),
        (event, Some(channel)) if event.starts_with("client-") && event.len() <= MAX_EVENT_NAME_BYTES => {
            let data = Some(data).filter(|data| !data.is_null());
            Some(Meaning::Event { event: event.into(), channel: channel.into(), data })
        }
        _ => None,
    })
}

/// The data of an event, or the JSON that it holds as a string.
fn naive_data(data: Value) -> Result<Value, Unclear> {
    match data.as_str() {
        Some(text) if is_json(text) => serde_json::from_str(text).map_err(|_| Unclear),
        _ => Ok(data),
    }
}

fn naive_sign_in(data: &Value) -> Option<Meaning> {
    let (auth, user_data) = (field(data, "auth")?.unwrap_or_default(), field(data, "user_data")??);
    Some(Meaning::SignIn { auth, user_data })
}

/// A field's text, if it has one; nothing if it has something else.
fn field(data: &Value, name: &str) -> Option<Option<String>> {
    match data.as_object()?.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(|text| Some(text.to_owned())),
    }
}

fn naive_subscription(data: &Value) -> Option<Meaning> {
    let channel = field(data, "channel")??;
    let (auth, channel_data) = (field(data, "auth")?.unwrap_or_default(), field(data, "channel_data")?);
    is_channel_name(&channel).then_some(Meaning::Subscribe { channel, auth, channel_data })
}

/// Whether it keeps the rules that an unsubscribe has not.
fn is_subscribe(meant: &Meaning) -> bool {
    let Meaning::Subscribe { auth, channel_data, .. } = meant else { return false };
    !auth.contains('\n') && channel_data.as_ref().is_none_or(|data| data.len() <= MAX_CHANNEL_DATA_BYTES)
}

fn written(meant: &Meaning) -> Value {
    match meant {
        Meaning::Subscribe { channel, auth, channel_data } => json!({
            "event": "pusher:subscribe",
            "data": { "channel": channel, "auth": auth, "channel_data": channel_data },
        }),
        Meaning::Unsubscribe { channel } => {
            json!({ "event": "pusher:unsubscribe", "data": json!({ "channel": channel }).to_string() })
        }
        Meaning::SignIn { auth, user_data } => {
            json!({ "event": "pusher:signin", "data": { "auth": auth, "user_data": user_data } })
        }
        Meaning::Ping => json!({ "event": "pusher:ping" }),
        Meaning::Pong => json!({ "event": "pusher:pong", "data": {} }),
        Meaning::Event { event, channel, data } => {
            json!({ "event": event, "channel": channel, "data": data })
        }
    }
}

/// The app's own server is told of a client's event what the others get; whatever that is, every parser reads it.
fn judge_webhook(app: &App, sender: SocketId, channel: &ChannelName, message: &PreparedMessage) {
    let config = webhooks::Config { batch_window: Duration::ZERO, ..webhooks::Config::default() };
    let mut webhooks = Webhooks::new([Filter::default()], config);
    let fact = Fact::ClientEvent { channel: channel.clone(), sender, message: message.clone() };
    webhooks.handle_fact(fact, Timestamp::START);
    let request = webhooks.poll_request(app, Timestamp::START, 0).expect("a client event is told");
    let told: Value = serde_json::from_slice(request.body()).expect("a webhook is JSON");
    let told = &told["events"][0];
    assert_eq!((&told["name"], &told["channel"]), (&json!("client_event"), &json!(channel.as_str())));
    assert_eq!(told["socket_id"], sender.to_string());
    if let Ok(frame) = serde_json::from_slice::<Value>(message.payload()) {
        assert_eq!((&told["event"], told.get("user_id")), (&frame["event"], frame.get("user_id")));
        let data = told.get("data").map(|data| data.as_str().expect("data is a string"));
        match frame.get("data") {
            Some(Value::String(text)) => assert_eq!(data, Some(&**text)),
            other => {
                let value = data.map(|data| serde_json::from_str::<Value>(data).expect("data is JSON"));
                assert_eq!(value.as_ref(), other);
            }
        }
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn is_channel_name(name: &str) -> bool {
    const ALLOWED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=@,.;";
    if let Some(user_id) = name.strip_prefix("#server-to-user-") {
        return is_user_id(user_id);
    }
    (1..=164).contains(&name.len()) && name.chars().all(|character| ALLOWED.contains(character))
}

fn is_user_id(id: &str) -> bool {
    (1..=MAX_USER_ID_CHARS).contains(&id.chars().count())
}

fn channel_name(mut choices: Choices<'_>) {
    let name = choices.text().repeat(1 + usize::from(choices.byte() % 4));
    match parse_channel_name(&name) {
        Ok(channel) => assert!(is_channel_name(&name) && channel.as_str() == name, "{name:?}"),
        Err(error) => {
            assert!(!is_channel_name(&name), "{name:?}");
            assert!(error.to_string().len() <= 400, "{error}");
        }
    }
    match name.parse::<SocketId>() {
        Ok(id) => assert_eq!(id.to_string(), name),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let id = SocketId::from_random(std::array::from_fn(|_| choices.byte()));
    assert_eq!(id.to_string().parse(), Ok(id));
}

fn connect(mut choices: Choices<'_>) {
    let path = choices.one_of(&["/app/", "/app", ""]).to_owned() + &choices.text();
    let query = String::from_utf8_lossy(choices.rest());
    match ConnectRequest::parse(&path, &query) {
        Ok(request) => {
            assert_eq!(path, format!("/app/{}", request.key));
            assert!(!request.key.is_empty() && !request.key.contains('/'));
            assert!((5..=7).contains(&request.protocol));
        }
        Err(error) => {
            let frame: Value = serde_json::from_str(&error.frame()).expect("a frame is JSON");
            assert_eq!(frame["event"], "pusher:error");
            assert_eq!(frame["data"]["code"], error.code().get());
            assert_eq!(frame["data"]["message"], error.to_string());
        }
    }
    if let Ok(parsed) = Query::parse(&query) {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let pairs = parsed.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let written = pairs.collect::<Vec<_>>().join("&");
        assert_eq!(Query::parse(&written), Ok(parsed), "{written}");
    }
}

fn channel_data(text: &str) {
    match parse_channel_data(text) {
        Ok(member) => {
            assert!(text.len() <= MAX_CHANNEL_DATA_BYTES && is_json(text), "{text}");
            assert!((1..=MAX_USER_ID_CHARS).contains(&member.id().chars().count()));
            assert!(is_json(member.to_json()), "{}", member.to_json());
            let Ok(data) = serde_json::from_str::<Value>(text) else { return };
            let shown: Value = serde_json::from_str(member.to_json()).expect("a member is JSON");
            assert_eq!(shown["id"], member.id());
            assert_eq!(shown["info"], data["user_info"], "{text}");
            if let Some(id) = data["user_id"].as_str() {
                assert_eq!(member.id(), id);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn user_data(text: &str) {
    match User::parse(text) {
        Ok(user) => {
            assert!(is_json(text) && is_user_id(user.id()), "{text}");
            assert!(
                user.watchlist().count() <= MAX_WATCHED_USERS && user.watchlist().all(|id| is_user_id(id))
            );
            let Ok(data) = serde_json::from_str::<Value>(text) else { return };
            let shown: Value = serde_json::from_str(user.member().to_json()).expect("a member is JSON");
            assert_eq!((&shown["id"], &shown["info"]), (&data["id"], &data["user_info"]), "{text}");
            let watched = data["watchlist"].as_array().into_iter().flatten().filter_map(Value::as_str);
            assert!(user.watchlist().map(|id| &**id).eq(watched), "{text}");
            assert_eq!(parse_channel_name(User::channel(user.id()).as_str()), Ok(User::channel(user.id())));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

// --- what the app's server says ---

const LIMITS: PublishLimits = PublishLimits::DEFAULT;

fn publish(body: &[u8]) {
    if let Ok(batch) = PublishBatch::parse(body, &LIMITS) {
        assert!(batch.events.len() <= LIMITS.max_batch_events);
        assert!(batch.events.iter().all(|event| event.channels.len() == 1));
        let hub = Hub::new(Config::default(), Pusher, [0; 16]);
        assert!(is_json(&batch.answer(&hub)));
    }
    let event = match Publish::parse(body, &LIMITS) {
        Ok(event) => event,
        Err(error) => {
            assert!(matches!(error.status(), 400 | 413) && !error.to_string().is_empty(), "{error:?}");
            return;
        }
    };
    assert!(
        (1..=MAX_EVENT_NAME_BYTES).contains(&event.event.len()) && event.data.len() <= LIMITS.max_event_bytes
    );
    assert!((1..=LIMITS.max_channels).contains(&event.channels.len()));
    for channel in &event.channels {
        assert!(is_channel_name(channel.as_str()));
        let frame = value(&event.message(channel));
        let expected = json!({ "event": event.event, "channel": channel.as_str(), "data": event.data });
        assert_eq!(frame, expected);
    }
    let hub = Hub::new(Config::default(), Pusher, [0; 16]);
    assert!(is_json(&event.answer(&hub)));
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    assert_eq!(value["name"], event.event);
    match value["data"].as_str() {
        Some(data) => assert_eq!(event.data, data),
        None => assert_eq!(serde_json::from_str::<Value>(&event.data).ok(), value.get("data").cloned()),
    }
    let mut named: Vec<&str> = Vec::new();
    let listed = value["channels"].as_array().into_iter().flatten();
    for name in listed.chain(value.get("channel")).filter_map(Value::as_str) {
        if !named.contains(&name) {
            named.push(name);
        }
    }
    assert!(event.channels.iter().map(ChannelName::as_str).eq(named));
}

// --- several clients and the hub ---

/// Some clients who speak, and what became of it.
struct Room {
    hub: Hub,
    app: App,
    settings: Settings,
    now: Timestamp,
    elapsed: Duration,
    clients: Vec<Client>,
    /// Who was let into which private or presence channel.
    let_in: BTreeSet<(ClientId, String)>,
    users: Users,
    /// As whom each client is signed in, and whom it watches.
    signed_in: BTreeMap<ClientId, (String, BTreeSet<String>)>,
    /// Whom each client was told of last, and whether that was online.
    told: BTreeMap<(ClientId, String), bool>,
    /// The latest event of each cache channel.
    cached: BTreeMap<ChannelName, PreparedMessage>,
    /// What the last input of the hub led to.
    delivered: Vec<(ClientId, PreparedMessage)>,
}

struct Client {
    id: ClientId,
    conversation: Conversation,
    events: u32,
}

const CHANNELS: [&str; 12] = [
    "news",
    "private-a",
    "private-b",
    "presence-a",
    "presence-b",
    "a b",
    "#server-to-user-0",
    "#server-to-user-1",
    "private-encrypted-a",
    "cache-a",
    "private-cache-a",
    "presence-cache-a",
];

/// `pusher:signin_success` to whoever repeats its sign-in.
const REPLIES: [&str; 4] =
    ["pusher:error", "pusher:pong", "pusher:subscription_error", "pusher:signin_success"];

const USERS: [&str; 4] = ["0", "1", "2", "\"3\""];

impl Room {
    fn new(choices: &mut Choices<'_>) -> Self {
        let per_second = choices.one_of(&[10, 1, 3]);
        let settings = Settings {
            client_events_per_second: NonZeroU32::new(per_second).expect("it is not zero"),
            max_client_event_bytes: 40,
            ..Settings::default()
        };
        // `cached` forgets nothing, so the hub must not either in as much time as a run can let pass.
        let retention = Duration::from_secs(1_000_000_000);
        let config = Config { authorization: Authorization::Ask, retention, ..Config::default() };
        Self {
            hub: Hub::new(config, Pusher, [0; 16]),
            app: App { id: "3".into(), key: "key".into(), secret: Secret::new("secret") },
            settings,
            now: Timestamp::START,
            elapsed: Duration::ZERO,
            clients: Vec::new(),
            let_in: BTreeSet::new(),
            users: Users::new(),
            signed_in: BTreeMap::new(),
            told: BTreeMap::new(),
            cached: BTreeMap::new(),
            delivered: Vec::new(),
        }
    }

    fn live(mut self, mut choices: Choices<'_>) {
        self.connect();
        while !choices.is_empty() {
            self.step(&mut choices);
        }
        self.check_users();
        for client in &self.clients {
            for channel in CHANNELS.iter().filter(|name| name.starts_with('p')) {
                let is_in = self.hub.is_subscribed(client.id, &ChannelName::from(*channel));
                let was_let_in = self.let_in.contains(&(client.id, channel.to_string()));
                assert!(!is_in || was_let_in, "{:?} was not let into {channel}", client.id);
            }
            for channel in CHANNELS.iter().filter(|name| name.starts_with('#')) {
                let is_in = self.hub.is_subscribed(client.id, &ChannelName::from(*channel));
                let user = self.signed_in.get(&client.id).map(|(id, _)| format!("#server-to-user-{id}"));
                assert!(!is_in || user.as_deref() == Some(*channel), "{:?} is in {channel}", client.id);
            }
            let allowed =
                f64::from(self.settings.client_events_per_second.get()) * (1.0 + self.elapsed.as_secs_f64());
            assert!(f64::from(client.events) <= allowed, "{} client events, of {allowed}", client.events);
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        let kind = choices.byte();
        let at = usize::from(kind >> 4) % self.clients.len();
        match kind % 16 {
            0 if self.clients.len() < 4 => self.connect(),
            0..=4 => {
                let text = self.subscribe(at, choices).to_string();
                self.hear(at, &text);
            }
            5 => {
                let channel = choices.one_of(&CHANNELS);
                let text = json!({ "event": "pusher:unsubscribe", "data": { "channel": channel } });
                self.hear(at, &text.to_string());
            }
            6..=9 => {
                let (channel, name) = (choices.one_of(&CHANNELS), choices.bytes_up_to(15));
                let event = format!("client-{}", String::from_utf8_lossy(name));
                let (channel, event) = (json!(channel), json!(event));
                let data = String::from_utf8_lossy(choices.bytes_up_to(63));
                let data = if is_json(&data) { data.into_owned() } else { json!(data).to_string() };
                self.hear(at, &format!(r#"{{"event":{event},"channel":{channel},"data":{data}}}"#));
            }
            10 => {
                let text = self.sign_in(at, choices).to_string();
                self.hear(at, &text);
            }
            11 => {
                let refused = value(&reply(self.clients[at].conversation.handle_binary()));
                assert_eq!(refused["event"], "pusher:error");
            }
            13 => self.publish(choices.one_of(&CHANNELS), choices.bytes_up_to(15)),
            12 => {
                let passed = Duration::from_millis(u64::from(choices.byte()) * 4);
                self.elapsed += passed;
                self.now = self.now + passed;
            }
            14 if self.clients.len() > 1 => {
                let client = self.clients.remove(at).id;
                self.tell_hub(Input::Gone { client });
                self.signed_in.remove(&client);
                self.told.retain(|(watcher, _), _| *watcher != client);
                let changes = self.users.forget(client);
                self.tell_watchers(changes);
            }
            _ => {
                let text = choices.text();
                self.hear(at, &text);
            }
        }
    }

    fn connect(&mut self) {
        let connect = Input::Connect { credentials: Credentials::NONE, home: Home::default() };
        self.hub.handle_input(connect, self.now).expect("the hub is open");
        let Some(Action::Connected { client: id }) = self.hub.poll_action() else {
            panic!("a connect is answered with the id")
        };
        let number = id.to_string().bytes().fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let conversation = Conversation::new(SocketId::from_random([number; 16]));
        let greeting = conversation.greeting(&self.settings);
        let greeting: Value = serde_json::from_str(&greeting).expect("the greeting is JSON");
        let data: Value =
            serde_json::from_str(greeting["data"].as_str().expect("it is text")).expect("of JSON");
        assert_eq!(data["socket_id"], conversation.socket_id().to_string());
        self.clients.push(Client { id, conversation, events: 0 });
    }

    /// A subscribe, its signature right as a rule.
    fn subscribe(&self, at: usize, choices: &mut Choices<'_>) -> Value {
        let (channel, user, fault) = (choices.one_of(&CHANNELS), choices.byte() % 4, choices.byte());
        let user = json!({ "user_id": user, "user_info": { "name": "Ada \"\u{e9}\n" } }).to_string();
        let channel_data = match (channel.starts_with("presence-"), fault % 16) {
            (true, 15) | (false, 0..=14) => None,
            (true, 14) => Some(choices.text()),
            _ => Some(user),
        };
        // Signed for this connection or, by fault, for the first one.
        let signer = if fault % 16 == 13 { 0 } else { at };
        let socket_id = self.clients[signer].conversation.socket_id();
        let auth = match fault % 16 {
            11 => String::new(),
            12 => choices.text(),
            _ => {
                let channel_data = channel_data.as_deref();
                self.app.auth(&SigningString::Channel { socket_id, channel, channel_data })
            }
        };
        json!({
            "event": "pusher:subscribe",
            "data": { "channel": channel, "auth": auth, "channel_data": channel_data },
        })
    }

    /// A sign-in, its signature right as a rule.
    fn sign_in(&self, at: usize, choices: &mut Choices<'_>) -> Value {
        let (user, watched, fault) = (choices.one_of(&USERS), choices.byte(), choices.byte());
        let watchlist: Vec<&str> =
            (0..USERS.len()).filter(|user| watched & 1 << user != 0).map(|user| USERS[user]).collect();
        let user_data = match fault % 8 {
            7 => choices.text(),
            _ => json!({ "id": user, "user_info": watched, "watchlist": watchlist }).to_string(),
        };
        let signer = if fault % 8 == 6 { 0 } else { at };
        let socket_id = self.clients[signer].conversation.socket_id();
        let auth = match fault % 8 {
            5 => choices.text(),
            _ => self.app.auth(&SigningString::User { socket_id, user_data: &user_data }),
        };
        json!({ "event": "pusher:signin", "data": { "auth": auth, "user_data": user_data } })
    }

    /// An event of the app, which reaches exactly the subscribers.
    fn publish(&mut self, channel: &str, data: &[u8]) {
        let Ok(channel) = parse_channel_name(channel) else { return };
        let frame = frames::event(&channel, "event", &String::from_utf8_lossy(data));
        let (message, except) = (PreparedMessage::new(&frame), None);
        let is_for_all = !is_cache_channel(&channel);
        if !is_for_all {
            self.cached.insert(channel.clone(), message.clone());
        }
        let (sent, to) = (message.clone(), channel.clone());
        self.tell_hub(if is_for_all {
            Input::Broadcast { channel, message, except }
        } else {
            Input::Retain { channel, message, except }
        });
        for client in &self.clients {
            let got = self.delivered.iter().filter(|(who, what)| *who == client.id && *what == sent).count();
            assert_eq!(got, usize::from(self.hub.is_subscribed(client.id, &to)), "{:?} of {to}", client.id);
        }
    }

    /// Whoever comes into a cache channel is sent its latest event next, or told that there is none.
    fn judge_cache(&self, client: ClientId, channel: &ChannelName, next: Option<&PreparedMessage>) {
        if !is_cache_channel(channel) {
            return;
        }
        let next = next.expect("a newcomer is told something");
        match self.cached.get(channel) {
            Some(latest) => assert_eq!(next, latest, "{client:?} in {channel}"),
            None => assert_eq!(value(next)["event"], "pusher:cache_miss", "{client:?} in {channel}"),
        }
    }

    /// What watchers are told is what is.
    fn tell_watchers(&mut self, changes: Vec<StatusChange>) {
        for StatusChange { to, message } in changes {
            let frame = value(&message);
            assert_eq!(frame["event"], "pusher_internal:watchlist_events");
            let data: Value =
                serde_json::from_str(frame["data"].as_str().expect("it is text")).expect("of JSON");
            for event in data["events"].as_array().expect("a list") {
                for user in event["user_ids"].as_array().expect("a list") {
                    let user = user.as_str().expect("a user's id");
                    for watcher in &to {
                        self.told.insert((*watcher, user.to_owned()), event["name"] == "online");
                    }
                }
            }
        }
    }

    fn check_users(&self) {
        for user in USERS {
            let clients: BTreeSet<ClientId> = self.users.clients(user).collect();
            let expected: BTreeSet<ClientId> =
                self.signed_in.iter().filter(|(_, (id, _))| id == user).map(|(client, _)| *client).collect();
            assert_eq!(clients, expected, "clients of {user}");
            for (watcher, (_, watchlist)) in &self.signed_in {
                if watchlist.contains(user) {
                    let told = self.told.get(&(*watcher, user.to_owned()));
                    assert_eq!(told, Some(&!expected.is_empty()), "{watcher:?} of {user}");
                }
            }
        }
    }

    fn hear(&mut self, at: usize, text: &str) {
        let Self { hub, clients, app, settings, let_in, signed_in, now, .. } = self;
        let Client { id: client, conversation, events } = &mut clients[at];
        let (client, socket_id) = (*client, conversation.socket_id());
        let standing = |channel: &ChannelName| Standing::of(client, channel, hub);
        match conversation.handle_text(text, app, settings, standing, *now) {
            Reaction::Nothing => {}
            Reaction::Reply(reply) => {
                let event = value(&reply)["event"].clone();
                assert!(event.as_str().is_some_and(|event| { REPLIES.contains(&event) }));
            }
            Reaction::SignIn { user, reply } => {
                let Ok(ClientMessage::SignIn { auth, user_data }) = ClientMessage::parse(text) else {
                    panic!("{text} is taken for a sign-in")
                };
                assert_eq!(auth, app.auth(&SigningString::User { socket_id, user_data: &user_data }));
                assert_eq!(value(&reply)["event"], "pusher:signin_success");
                let watchlist = user.watchlist().map(|id| id.to_string()).collect();
                if let Some((earlier, _)) = signed_in.insert(client, (user.id().to_owned(), watchlist)) {
                    assert_eq!(earlier, user.id(), "a connection belongs to one user");
                }
                let changes = self.users.sign_in(client, user);
                self.tell_watchers(changes);
            }
            Reaction::Subscribe { channel, credentials } => {
                let Ok(ClientMessage::Subscribe { auth, channel_data, .. }) = ClientMessage::parse(text)
                else {
                    panic!("{text} is taken for a subscribe")
                };
                let (name, channel_data) = (channel.as_str(), channel_data.as_deref());
                let expected = app.auth(&SigningString::Channel { socket_id, channel: name, channel_data });
                let has_member = match channel_data {
                    Some(data) => parse_channel_data(data).is_ok(),
                    None => signed_in.contains_key(&client),
                };
                if auth == expected && (has_member || !name.starts_with("presence-")) {
                    let_in.insert((client, name.to_owned()));
                }
                let credentials = Some(credentials);
                self.tell_hub(Input::Subscribe { client, channel, credentials });
            }
            Reaction::Unsubscribe { channel } => self.tell_hub(Input::Unsubscribe { client, channel }),
            Reaction::Broadcast { channel, message } => {
                *events += 1;
                assert!(hub.is_subscribed(client, &channel) && channel.as_str().starts_with('p'));
                let member = hub.member(client, &channel).map(Member::id);
                let text = message.as_text().expect("frames are text");
                assert!(is_json(text), "{text}");
                if let Ok(frame) = serde_json::from_str::<Value>(text) {
                    assert_eq!(frame["channel"], channel.as_str());
                    assert!(frame["event"].as_str().is_some_and(|name| name.starts_with("client-")));
                    assert_eq!(frame.get("user_id").and_then(Value::as_str), member);
                }
                judge_webhook(app, socket_id, &channel, &message);
                let mut others: Vec<ClientId> =
                    clients.iter().map(|other| other.id).filter(|other| *other != client).collect();
                others.retain(|other| hub.is_subscribed(*other, &channel));
                let except = Some(client);
                hub.handle_input(Input::Broadcast { channel, message, except }, *now)
                    .expect("the hub is open");
                let mut delivered: Vec<ClientId> = Vec::new();
                while let Some(action) = hub.poll_action() {
                    let Action::Deliver { to, .. } = action else { panic!("{action:?} of a broadcast") };
                    delivered.extend(to.iter());
                }
                others.sort();
                delivered.sort();
                assert_eq!(delivered, others);
            }
        }
    }

    /// Whatever the hub then sends is a frame; signatures decide who is let in.
    fn tell_hub(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.hub.handle_input(input, self.now).expect("the client is there");
            let actions: Vec<Action> = std::iter::from_fn(|| self.hub.poll_action()).collect();
            self.delivered.clear();
            for (at, action) in actions.iter().enumerate() {
                match action {
                    Action::Subscribed { client, channel, .. } => {
                        let next = actions[at..].iter().find_map(|action| match action {
                            Action::Deliver { to, message } if to.iter().eq([*client]) => Some(message),
                            _ => None,
                        });
                        self.judge_cache(*client, channel, next);
                    }
                    Action::Authorize(asked) => {
                        let decision = authorize(&self.app, asked);
                        inputs.push(Input::Decided { request: asked.request, decision });
                    }
                    Action::Deliver { to, message } => {
                        let frame = value(message);
                        assert!(frame["event"].is_string() && frame["channel"].is_string(), "{frame}");
                        self.delivered.extend(to.iter().map(|client| (client, message.clone())));
                    }
                    Action::Connected { .. }
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
}

fn reply(reaction: Reaction) -> PreparedMessage {
    match reaction {
        Reaction::Reply(message) => message,
        other => panic!("{other:?} instead of a reply"),
    }
}

fn value(message: &PreparedMessage) -> Value {
    let text = message.as_text().expect("frames are text");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
