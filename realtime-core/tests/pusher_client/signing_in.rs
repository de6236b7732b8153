use crate::common::{Pair, seconds, subscribe_frame};
use realtime_core::pusher::client::{About, Event};
use serde_json::{Value, json};

const USER: &str = r#"{"id":"7"}"#;

fn sign_in_frame() -> Value {
    json!({ "event": "pusher:signin", "data": { "auth": "key:user", "user_data": USER } })
}

fn failed(reason: &str) -> Event {
    Event::SignInFailed { reason: reason.into() }
}

#[test]
fn who_signs_in_receives_what_is_sent_to_the_user() {
    let (mut pair, connection) = Pair::connected();
    pair.client.sign_in(pair.now);
    pair.client.sign_in(pair.now);
    let question = pair.question();
    assert_eq!(question.about, About::User);
    pair.answers(&question, "key:user", Some(USER));
    assert_eq!((pair.sent(connection), pair.client.user_id()), (vec![sign_in_frame()], None));
    pair.tells(connection, "greeting", "#server-to-user-7", &json!("early"));
    let success =
        json!({ "event": "pusher:signin_success", "data": json!({ "user_data": USER }).to_string() });
    pair.says(connection, &success);
    pair.says(connection, &success); // is known
    assert_eq!(pair.client.user_id(), Some("7"));
    assert_eq!(pair.sent(connection), [subscribe_frame("#server-to-user-7", "")]);
    pair.lets_in(connection, "#server-to-user-7");
    pair.tells(connection, "greeting", "#server-to-user-7", &json!("hello"));
    pair.tells(connection, "greeting", "#server-to-user-8", &json!("hello"));
    pair.client.sign_in(pair.now); // it is
    assert!(pair.actions().is_empty());
    assert_eq!(
        pair.events(),
        [
            Event::SignedIn { user_data: USER.into() },
            Event::ToUser { event: "greeting".into(), data: "\"hello\"".into() }
        ]
    );
}

#[test]
fn users_that_are_watched_come_and_go() {
    let (mut pair, connection) = Pair::connected();
    let data = json!({ "events": [
        { "name": "online", "user_ids": ["a", "b"] }, { "name": "offline", "user_ids": ["c"] },
        { "name": "online", "user_ids": ["d"] },
    ] });
    let frame =
        |data: &Value| json!({ "event": "pusher_internal:watchlist_events", "data": data.to_string() });
    pair.says(connection, &frame(&data));
    pair.says(connection, &frame(&json!({ "events": [] })));
    pair.says(connection, &frame(&json!({ "events": [{ "name": "away", "user_ids": [] }] })));
    assert_eq!(
        pair.events(),
        [
            Event::Online { user_ids: ["a", "b", "d"].map(String::from).to_vec() },
            Event::Offline { user_ids: vec!["c".into()] },
            Event::Malformed { reason: "an event of the watchlist is called \"away\"".into() }
        ]
    );
}

#[test]
fn a_sign_in_that_fails_is_told_and_may_be_tried_again() {
    let (mut pair, connection) = Pair::connected();
    pair.client.sign_in(pair.now);
    let question = pair.question();
    pair.client.answer(question.id, Err("not today".into()));
    pair.client.sign_in(pair.now);
    let question = pair.question();
    pair.answers(&question, "key:user", None);
    assert_eq!(pair.events(), [failed("not today"), failed("the authorizer gave no user_data")]);
    pair.client.sign_in(pair.now);
    pair.waits(seconds(10));
    assert_eq!(pair.events(), [failed("the authorizer took too long")]);
    assert!(pair.questions().is_empty());

    for (code, text) in [(4009, "wrong signature"), (4302, "too many are watched")] {
        pair.client.sign_in(pair.now);
        let question = pair.question();
        pair.answers(&question, "key:user", Some(USER));
        assert_eq!(pair.sent(connection), [sign_in_frame()]);
        let error = json!({ "event": "pusher:error", "data": { "code": code, "message": text } });
        pair.says(connection, &error);
        pair.says(connection, &error); // is about something else
        let other = Event::Error { code: Some(code), message: text.into() };
        assert_eq!(pair.events(), [failed(text), other]);
    }
    pair.is_lost(connection);
    let connection = pair.attempt().1;
    pair.greets(connection, "2.2");
    assert_eq!(pair.question().about, About::User);
}

/// A client that wants to be in a presence channel as the user that it is yet to be.
fn held() -> (Pair, realtime_core::pusher::client::ConnectionId, realtime_core::pusher::client::Question) {
    let mut pair = Pair::new();
    pair.client.sign_in(pair.now);
    pair.subscribe("presence-a");
    let connection = pair.connect();
    let [user, channel] = &pair.questions()[..] else { panic!() };
    pair.answers(channel, "key:channel", None);
    assert!(pair.sent(connection).is_empty(), "it waits for the sign-in");
    (pair, connection, user.clone())
}

#[test]
fn a_presence_channel_that_is_joined_as_the_user_waits_for_the_sign_in() {
    let (mut pair, connection, user) = held();
    pair.answers(&user, "key:user", Some(USER));
    assert_eq!(pair.sent(connection), [sign_in_frame(), subscribe_frame("presence-a", "key:channel")]);
    pair.says(connection, &json!({ "event": "pusher:signin_success", "data": { "user_data": USER } }));
    pair.shows(connection, "presence-a", &["7", "8"]);
    assert_eq!(pair.client.me(&"presence-a".into()).unwrap().id(), "7");

    // Once it is signed in, nothing waits.
    pair.sent(connection);
    pair.subscribe("presence-b");
    let question = pair.question();
    pair.answers(&question, "key:channel", None);
    assert_eq!(pair.sent(connection), [subscribe_frame("presence-b", "key:channel")]);
}

#[test]
fn a_sign_in_that_fails_holds_nothing_up() {
    let (mut pair, connection, user) = held();
    pair.client.answer(user.id, Err("no".into()));
    assert_eq!(pair.sent(connection), [subscribe_frame("presence-a", "key:channel")]);
}

#[test]
fn a_channel_that_waits_for_the_sign_in_may_be_left() {
    let (mut pair, connection, user) = held();
    pair.subscribe("presence-a"); // it is under way
    assert!(!pair.client.is_subscribed(&"presence-a".into()));
    pair.shows(connection, "presence-a", &["7"]); // nobody asked
    assert!(!pair.client.is_subscribed(&"presence-a".into()));
    pair.client.unsubscribe(&"presence-a".into());
    pair.answers(&user, "key:user", Some(USER));
    assert_eq!(pair.sent(connection), [sign_in_frame()]);
}
