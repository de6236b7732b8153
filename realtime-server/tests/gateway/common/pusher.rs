use crate::common::{PATIENCE, app};
use realtime_core::pusher::{App, SigningString, SocketId};
use realtime_smol::{CloseCode, Closure, Config, OwnedMessage, WebSocket};
use serde_json::{Value, json};
use smol::{Timer, future};
use std::future::Future;
use std::net::SocketAddr;

/// A client that speaks the protocol frame by frame.
pub(crate) struct PusherClient {
    pub(crate) app: App,
    socket: WebSocket,
    pub(crate) socket_id: SocketId,
}

impl PusherClient {
    /// Connects to `target` and takes the greeting.
    pub(crate) fn greeted(address: SocketAddr, target: &str) -> Self {
        Self::greeted_with(address, target, Config::default())
    }

    /// Connects to `app`, takes the greeting, and brings that app's signatures.
    pub(crate) fn greeted_by(address: SocketAddr, app: &App) -> Self {
        let client = Self::greeted(address, &format!("/app/{}?protocol=7", app.key));
        Self { app: app.clone(), ..client }
    }

    /// As [`greeted`](Self::greeted), over a connection of its own kind.
    pub(crate) fn greeted_with(address: SocketAddr, target: &str, config: Config) -> Self {
        let mut client = Self::connect_with(address, target, config);
        let greeting = client.next();
        assert_eq!(greeting["event"], "pusher:connection_established", "{greeting}");
        let data: Value = serde_json::from_str(greeting["data"].as_str().unwrap()).unwrap();
        client.socket_id = data["socket_id"].as_str().unwrap().parse().unwrap();
        client
    }

    /// Connects to `target`; nothing has been received yet.
    pub(crate) fn connect(address: SocketAddr, target: &str) -> Self {
        Self::connect_with(address, target, Config::default())
    }

    fn connect_with(address: SocketAddr, target: &str, config: Config) -> Self {
        let uri = format!("ws://{address}{target}");
        let socket = within("the connection", WebSocket::connect(&uri, config)).unwrap();
        Self { app: app(), socket, socket_id: SocketId::from_random([0; 16]) }
    }

    pub(crate) fn say(&mut self, frame: &Value) {
        self.say_text(&frame.to_string());
    }

    pub(crate) fn say_text(&mut self, text: &str) {
        within("room to send", self.socket.send(text)).unwrap();
    }

    pub(crate) fn say_binary(&mut self, bytes: &[u8]) {
        within("room to send", self.socket.send(bytes)).unwrap();
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> Value {
        match within("the next frame", self.socket.next()) {
            Some(Ok(OwnedMessage::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("no frame: {other:?}, {:?}", self.socket.closure()),
        }
    }

    /// The next frame, which must be this event; its data, parsed where it is JSON in a string.
    pub(crate) fn expect(&mut self, event: &str) -> Value {
        let frame = self.next();
        assert_eq!(frame["event"], event, "{frame}");
        match frame["data"].as_str().map(serde_json::from_str) {
            Some(Ok(data)) => data,
            _ => frame["data"].clone(),
        }
    }

    /// How the connection ends, after frames that do not matter.
    pub(crate) fn closure(&mut self) -> Closure {
        while let Some(message) = within("the end", self.socket.next()) {
            message.unwrap();
        }
        self.socket.closure().unwrap().clone()
    }

    pub(crate) fn close(mut self) {
        within("the closing handshake", self.socket.close(CloseCode::NORMAL, "")).unwrap();
    }

    pub(crate) fn subscribe(&mut self, channel: &str) -> Value {
        self.ask_for(channel, &self.auth(channel, None), None);
        self.expect("pusher_internal:subscription_succeeded")
    }

    /// Joins a presence channel as `user_id`.
    pub(crate) fn join(&mut self, channel: &str, user_id: &str) -> Value {
        let data = json!({ "user_id": user_id, "user_info": { "name": user_id } }).to_string();
        self.ask_for(channel, &self.auth(channel, Some(&data)), Some(&data));
        self.expect("pusher_internal:subscription_succeeded")
    }

    /// Signs in, and subscribes to what is for the user alone, as pusher-js does then.
    pub(crate) fn sign_in(&mut self, user_data: &Value) {
        let (socket_id, text) = (self.socket_id, user_data.to_string());
        let auth = self.app.auth(&SigningString::User { socket_id, user_data: &text });
        self.say(&json!({ "event": "pusher:signin", "data": { "auth": auth, "user_data": text } }));
        assert_eq!(self.expect("pusher:signin_success"), json!({ "user_data": text }));
        self.ask_for(&format!("#server-to-user-{}", user_data["id"].as_str().unwrap()), "", None);
        while self.next()["event"] != "pusher_internal:subscription_succeeded" {}
    }

    pub(crate) fn ask_for(&mut self, channel: &str, auth: &str, channel_data: Option<&str>) {
        let mut data = json!({ "channel": channel, "auth": auth });
        if let Some(channel_data) = channel_data {
            data["channel_data"] = channel_data.into();
        }
        self.say(&json!({ "event": "pusher:subscribe", "data": data }));
    }

    /// What the app's own server signs for this client.
    pub(crate) fn auth(&self, channel: &str, channel_data: Option<&str>) -> String {
        self.app.auth(&SigningString::Channel { socket_id: self.socket_id, channel, channel_data })
    }

    /// Asserts that the connection lives, and that nothing came before this.
    pub(crate) fn is_alive(&mut self) {
        self.say(&json!({ "event": "pusher:ping", "data": {} }));
        self.expect("pusher:pong");
    }
}

fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let given_up = async {
        Timer::after(PATIENCE).await;
        panic!("waited {PATIENCE:?} in vain for {what}")
    };
    smol::block_on(future::or(future, given_up))
}
