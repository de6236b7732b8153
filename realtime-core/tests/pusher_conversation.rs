//! What a client says and what comes of it, message by message.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use core::num::NonZeroU32;
use core::time::Duration;
use proptest::prelude::*;
use realtime_core::pusher::{
    App, ClientEvents, Conversation, Reaction, Secret, Settings, SigningString, SocketId, Standing, User,
};
use realtime_core::{ChannelName, Member};
use realtime_ws::{Keepalive, PreparedMessage, Timestamp};
use serde_json::{Value, json};

fn app() -> App {
    App { id: "1".into(), key: "key".into(), secret: Secret::new("secret") }
}

/// A conversation with a client that stands the same in every channel, and a clock that the test advances.
struct Client {
    conversation: Conversation,
    settings: Settings,
    standing: Standing,
    now: Timestamp,
}

impl Client {
    fn with(settings: Settings, standing: Standing) -> Self {
        let socket_id: SocketId = "12.34".parse().unwrap();
        Self { conversation: Conversation::new(socket_id), settings, standing, now: Timestamp::START }
    }

    fn subscribed() -> Self {
        Self::with(Settings::default(), Standing::Subscriber)
    }

    fn says(&mut self, text: &str) -> Reaction {
        let standing = self.standing.clone();
        self.conversation.handle_text(text, &app(), &self.settings, |_: &ChannelName| standing, self.now)
    }

    /// Asserts that `text` is answered with a `pusher:error`, and gives its code and message.
    fn is_refused(&mut self, text: &str) -> (Value, String) {
        error_of(self.says(text))
    }

    /// The sign-in of `user_data`, signed for this client.
    fn sign_in(&self, user_data: &str) -> String {
        let socket_id = self.conversation.socket_id();
        let auth = app().auth(&SigningString::User { socket_id, user_data });
        sign_in_of(&auth, user_data)
    }

    fn waits(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }
}

fn sign_in_of(auth: &str, user_data: &str) -> String {
    json!({ "event": "pusher:signin", "data": { "auth": auth, "user_data": user_data } }).to_string()
}

fn error_of(reaction: Reaction) -> (Value, String) {
    let Reaction::Reply(reply) = reaction else { panic!("not answered: {reaction:?}") };
    let frame: Value = serde_json::from_slice(reply.payload()).unwrap();
    assert_eq!(frame["event"], "pusher:error");
    (frame["data"]["code"].clone(), frame["data"]["message"].as_str().unwrap().to_owned())
}

fn broadcast(channel: &str, frame: &str) -> Reaction {
    Reaction::Broadcast { channel: channel.into(), message: PreparedMessage::new(frame) }
}

#[test]
fn the_greeting_has_a_socket_id_and_an_activity_timeout() {
    let settings = Settings { activity_timeout_seconds: NonZeroU32::new(30).unwrap(), ..Settings::default() };
    assert_eq!(
        Client::with(settings, Standing::Outside).conversation.greeting(&settings),
        r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"12.34\",\"activity_timeout\":30}"}"#
    );
    let Keepalive { ping_after, close_after } = settings.keepalive();
    assert_eq!((ping_after, close_after), (Duration::from_secs(30), Duration::from_secs(60)));
}

#[test]
fn a_ping_is_answered_and_a_pong_is_not() {
    let mut client = Client::subscribed();
    let pong = Reaction::Reply(PreparedMessage::new(r#"{"event":"pusher:pong","data":"{}"}"#));
    assert_eq!(client.says(r#"{"event":"pusher:ping","data":{}}"#), pong);
    assert_eq!(client.says(r#"{"event":"pusher:pong","data":{}}"#), Reaction::Nothing);
}

#[test]
fn subscribing_and_unsubscribing_are_handed_to_the_hub() {
    let mut client = Client::subscribed();
    let Reaction::Subscribe { channel, credentials } =
        client.says(r#"{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"k:s","channel_data":"{\"user_id\":1}"}}"#)
    else {
        panic!("no subscribe")
    };
    assert_eq!(channel, ChannelName::from("presence-a"));
    assert_eq!(credentials.as_bytes(), b"12.34\nk:s\nchannel_data:{\"user_id\":1}");

    let unsubscribe = r#"{"event":"pusher:unsubscribe","data":{"channel":"presence-a"}}"#;
    assert_eq!(client.says(unsubscribe), Reaction::Unsubscribe { channel: "presence-a".into() });
}

#[test]
fn a_sign_in_that_the_app_signed_is_confirmed_letter_by_letter() {
    let mut client = Client::subscribed();
    assert_eq!(client.conversation.user(), None);
    let user_data = r#"{ "id":"7", "user_info":{"name":"Ada \"A\""} }"#;
    let Reaction::SignIn { user, reply } = client.says(&client.sign_in(user_data)) else {
        panic!("not signed in")
    };
    assert_eq!(*user, User::parse(user_data).unwrap());
    assert_eq!(client.conversation.user(), Some(&user));
    let frame: Value = serde_json::from_slice(reply.payload()).unwrap();
    assert_eq!(frame["event"], "pusher:signin_success");
    let data: Value = serde_json::from_str(frame["data"].as_str().unwrap()).unwrap();
    assert_eq!(data, json!({ "user_data": user_data }));
}

#[test]
fn a_sign_in_that_is_not_accepted_is_answered_and_the_connection_lives() {
    let mut client = Client::subscribed();
    let signed_for_another = client.sign_in(r#"{"id":"7"}"#).replace(r#"\"7\""#, r#"\"8\""#);
    let (code, message) = client.is_refused(&signed_for_another);
    assert_eq!(code, json!(4009));
    assert_eq!(
        message,
        "the signature in auth is not the HMAC-SHA256 of 12.34::user::{\"id\":\"8\"} with the app's secret, in \
         lower-case hex"
    );
    let (code, message) = client.is_refused(r#"{"event":"pusher:signin","data":{"user_data":"{}"}}"#);
    assert_eq!(code, json!(4009));
    assert_eq!(message, "auth is missing; it must be \"key:signature\", signed by the app's server");
    let (code, message) = client.is_refused(&client.sign_in("{}"));
    assert_eq!((code, &*message), (json!(4009), "a user's id is missing or empty"));
    let watchlist = vec!["a"; 101];
    let (code, message) =
        client.is_refused(&client.sign_in(&json!({ "id": "7", "watchlist": watchlist }).to_string()));
    assert_eq!((code, &*message), (json!(4302), "the watchlist has 101 users; at most 100 are accepted"));
    assert_eq!(client.conversation.user(), None);
    assert!(matches!(client.says(&client.sign_in(r#"{"id":"7"}"#)), Reaction::SignIn { .. }));
}

#[test]
fn who_is_signed_in_may_bring_other_data_but_stays_the_same_user() {
    let mut client = Client::subscribed();
    client.says(&client.sign_in(r#"{"id":"7","user_info":1}"#));
    assert!(matches!(client.says(&client.sign_in(r#"{"id":"7","user_info":2}"#)), Reaction::SignIn { .. }));
    assert_eq!(client.conversation.user().unwrap().member().info(), Some("2"));

    let (code, message) = client.is_refused(&client.sign_in(r#"{"id":"8"}"#));
    assert_eq!(code, json!(4009));
    assert_eq!(
        message,
        "this connection is signed in as the user \"7\" and stays so; connect anew for another one"
    );
    assert_eq!(client.conversation.user().unwrap().id(), "7");
}

#[test]
fn who_repeats_its_sign_in_is_answered_and_nobody_else_hears_of_it() {
    let mut client = Client::subscribed();
    let text = client.sign_in(r#"{"id":"7","user_info":1,"watchlist":["8"]}"#);
    let Reaction::SignIn { reply, .. } = client.says(&text) else { panic!("not signed in") };
    assert_eq!(client.says(&text), Reaction::Reply(reply));
    let other_watchlist = client.sign_in(r#"{"id":"7","user_info":1,"watchlist":["9"]}"#);
    assert!(matches!(client.says(&other_watchlist), Reaction::SignIn { .. }));
}

#[test]
fn sign_ins_of_a_connection_are_limited_whether_they_are_accepted_or_not() {
    let mut client = Client::subscribed();
    let (right, wrong) = (client.sign_in(r#"{"id":"7"}"#), sign_in_of("key:00", r#"{"id":"7"}"#));
    for _ in 0..5 {
        assert_eq!(client.is_refused(&wrong).0, json!(4009));
        client.says(&right);
    }
    for text in [&right, &wrong] {
        let (code, message) = client.is_refused(text);
        let expected = "at most 10 sign-ins a second are accepted; this one was refused";
        // By its code a client knows that this is about its sign-in.
        assert_eq!((code, &*message), (json!(4009), expected));
    }
    client.waits(100);
    assert!(matches!(client.says(&right), Reaction::Reply(reply)
        if reply.as_text().unwrap().contains("pusher:signin_success")));
}

#[test]
fn user_data_that_is_too_long_is_refused_whoever_signed_it() {
    let mut client = Client::subscribed();
    let too_long = json!({ "id": "7", "user_info": "x".repeat(2_000) }).to_string();
    let (code, message) = client.is_refused(&sign_in_of("key:00", &too_long));
    assert_eq!(code, json!(4009));
    assert_eq!(message, "user_data has 2025 bytes without its watchlist; at most 1024 are accepted");
}

#[test]
fn a_client_event_is_relayed_with_its_data_as_it_was_sent() {
    let mut client = Client::subscribed();
    assert_eq!(
        client.says(
            r#"{ "event":"client-\u0061\"", "data":{ "n": 1.0, "t":"\u00e9" }, "channel":"private-a" }"#
        ),
        broadcast(
            "private-a",
            r#"{"event":"client-a\"","channel":"private-a","data":{ "n": 1.0, "t":"\u00e9" }}"#
        )
    );
    assert_eq!(
        client.says(r#"{"event":"client-a","channel":"private-a"}"#),
        broadcast("private-a", r#"{"event":"client-a","channel":"private-a"}"#)
    );
}

#[test]
fn a_client_event_in_a_presence_channel_names_its_sender() {
    let mut client = Client::with(Settings::default(), Standing::Member(Member::new("Ada \"A\"", "")));
    assert_eq!(
        client.says(r#"{"event":"client-a","channel":"presence-a","data":"x","user_id":"somebody else"}"#),
        broadcast(
            "presence-a",
            r#"{"event":"client-a","channel":"presence-a","data":"x","user_id":"Ada \"A\""}"#
        )
    );
}

#[test]
fn a_client_event_is_refused_where_it_is_not_allowed() {
    let mut outside = Client::with(Settings::default(), Standing::Outside);
    let (code, message) = outside.is_refused(r#"{"event":"client-a","channel":"private-a","data":{}}"#);
    assert_eq!(code, Value::Null);
    assert_eq!(message, "this connection is not subscribed to \"private-a\", so it may not send to it");

    let (_, message) = Client::subscribed().is_refused(r#"{"event":"client-a","channel":"a","data":{}}"#);
    assert_eq!(message, "client events are accepted on private and presence channels, and \"a\" is neither");

    let (_, message) =
        Client::subscribed().is_refused(r#"{"event":"client-a","channel":"private-encrypted-a","data":{}}"#);
    assert_eq!(
        message,
        "client events are not accepted on encrypted channels, and \"private-encrypted-a\" is one"
    );

    let disabled = Settings { client_events: ClientEvents::Disabled, ..Settings::default() };
    let mut disabled = Client::with(disabled, Standing::Subscriber);
    let (_, message) = disabled.is_refused(r#"{"event":"client-a","channel":"private-a","data":{}}"#);
    assert_eq!(message, "client events are not enabled for this app");
}

#[test]
fn the_data_of_a_client_event_is_bounded() {
    let settings = Settings { max_client_event_bytes: 10, ..Settings::default() };
    let mut client = Client::with(settings, Standing::Subscriber);
    let event = |data: &str| format!(r#"{{"event":"client-a","channel":"private-a","data":"{data}"}}"#);
    assert!(matches!(client.says(&event("12345678")), Reaction::Broadcast { .. }));
    let (_, message) = client.is_refused(&event("123456789"));
    assert_eq!(message, "the data of the client event has 11 bytes; at most 10 are accepted");
}

#[test]
fn the_eleventh_client_event_of_a_second_is_dropped_and_the_connection_lives() {
    const EVENT: &str = r#"{"event":"client-a","channel":"private-a","data":{}}"#;
    let mut client = Client::subscribed();
    for _ in 0..10 {
        assert!(matches!(client.says(EVENT), Reaction::Broadcast { .. }));
    }
    let (code, message) = client.is_refused(EVENT);
    assert_eq!(code, json!(4301));
    assert_eq!(message, "at most 10 client events a second are accepted; this one was dropped");
    assert!(matches!(client.says(r#"{"event":"pusher:ping"}"#), Reaction::Reply(_)));

    client.waits(100);
    assert!(matches!(client.says(EVENT), Reaction::Broadcast { .. }));
    client.is_refused(EVENT);
}

#[test]
fn what_is_not_understood_is_answered_and_the_connection_lives() {
    let mut client = Client::subscribed();
    for (text, expected) in [
        ("hello", "the message is not valid: expected value at line 1 column 1"),
        ("[]", "the message must be a JSON object"),
        ("{}", "event is missing"),
        (r#"{"event":1}"#, "event must be a string"),
        (
            r#"{"event":"pusher:signup"}"#,
            "the event \"pusher:signup\" is not known; accepted are pusher:subscribe, pusher:unsubscribe, \
             pusher:signin, pusher:ping, pusher:pong, and names that begin with client-",
        ),
        (r#"{"event":"pusher:subscribe","data":{}}"#, "data.channel is missing"),
        (r#"{"event":"pusher:subscribe","data":{"channel":""}}"#, "the channel name is empty"),
    ] {
        assert_eq!(client.is_refused(text), (Value::Null, expected.to_owned()), "{text}");
    }
    let (_, message) = error_of(client.conversation.handle_binary());
    assert_eq!(message, "binary messages are not accepted; send JSON as text");
    assert!(matches!(client.says(r#"{"event":"pusher:ping"}"#), Reaction::Reply(_)));
}

#[test]
fn an_answer_does_not_grow_with_what_it_refuses() {
    let mut client = Client::subscribed();
    let long = "x".repeat(100_000);
    for text in [
        format!(r#"{{"event":"pusher:{long}"}}"#),
        format!(r#"{{"event":"{}"}}"#, &long[..200]),
        format!(r#"{{"event":"client-a","channel":"{long}"}}"#),
        format!(r##"{{"event":"pusher:subscribe","data":{{"channel":"#{long}"}}}}"##),
        format!(r#"{{"event":"pusher:subscribe","data":"{long}"}}"#),
        format!(r#"{{"event":"pusher:signin","data":"{long}"}}"#),
        long.clone(),
    ] {
        let (_, message) = client.is_refused(&text);
        assert!(message.len() < 300, "{message}");
    }
    let (_, message) = client.is_refused(&format!(
        r#"{{"event":"pusher:signin","data":{{"auth":"key:a","user_data":"{long}"}}}}"#
    ));
    assert!(message.len() < 1_500, "{message}");
}

proptest! {
    #[test]
    fn any_text_gives_a_reaction(text in any::<String>()) {
        Client::subscribed().says(&text);
    }

    #[test]
    fn a_relayed_client_event_decodes_to_what_was_sent(name in any::<String>(), data in any::<String>(), id in any::<String>()) {
        prop_assume!(name.len() < 150);
        let mut client = Client::with(Settings::default(), Standing::Member(Member::new(&id, "")));
        let event = json!({ "event": format!("client-{name}"), "channel": "presence-a", "data": { "text": data } });
        let Reaction::Broadcast { message, .. } = client.says(&event.to_string()) else { panic!("not relayed") };
        let mut expected = event;
        expected["user_id"] = id.into();
        prop_assert_eq!(serde_json::from_slice::<Value>(message.payload()).unwrap(), expected);
    }
}
