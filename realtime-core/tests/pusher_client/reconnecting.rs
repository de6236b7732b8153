use crate::common::{Pair, seconds, state, subscribe_frame};
use core::time::Duration;
use realtime_core::pusher::client::{About, Action, Client, Config, Event, State};
use realtime_ws::{CloseCode, Timestamp};
use serde_json::json;

/// How long after a connection's end with `code` the client tries again; `None` for never.
fn wait_after(code: u16) -> Option<Duration> {
    let (mut pair, connection) = Pair::connected();
    pair.waits(seconds(20)); // it is a good one
    pair.closes(connection, code);
    if pair.client.state() == State::Failed {
        assert!(pair.client.is_closed() && pair.client.poll_timeout().is_none() && pair.actions().is_empty());
        return None;
    }
    Some(pair.attempt().0)
}

#[test]
fn each_close_code_has_its_reaction() {
    for code in [4000, 4001, 4003, 4004, 4005, 4006, 4007, 4009, 4099, 4300, 4301, 4999] {
        assert_eq!(wait_after(code), None, "{code}");
    }
    for code in [4200, 4201, 4202, 4299] {
        assert_eq!(wait_after(code), Some(Duration::ZERO), "{code}");
    }
    for code in [4100, 4199, 1000, 1001, 1006, 1009, 1011, 1012, 1013, 3000] {
        let wait = wait_after(code).unwrap();
        assert!((seconds(1)..=seconds(2)).contains(&wait), "{code}: {wait:?}");
    }
}

#[test]
fn an_error_instead_of_the_greeting_acts_like_its_code() {
    for (code, expected) in [(4001, State::Failed), (4100, State::Connecting), (4200, State::Connecting)] {
        let mut pair = Pair::new();
        pair.client.connect(pair.now);
        let connection = pair.opens();
        pair.says(connection, &json!({ "event": "pusher:error", "data": { "code": code, "message": "no" } }));
        assert_eq!(pair.client.state(), expected, "{code}");
        assert!(pair.events().contains(&Event::Error { code: Some(code), message: "no".into() }));
        let close = Action::Close { connection, code: CloseCode::NORMAL, reason: "" };
        let actions = pair.actions();
        assert_eq!(actions[0], close);
        assert_eq!(actions.len(), if code == 4200 { 2 } else { 1 }, "{code}: {actions:?}");
    }
}

#[test]
fn a_failed_client_can_be_told_to_connect_again() {
    let (mut pair, connection) = Pair::connected();
    pair.closes(connection, 4001);
    let lost = Event::ConnectionLost { code: CloseCode::new(4001), reason: "closed by the test".into() };
    assert_eq!(pair.events(), [lost, state(State::Connecting), state(State::Failed)]);
    assert!(pair.client.is_closed() && pair.actions().is_empty());
    pair.connect();
}

#[test]
fn the_longer_a_server_cannot_be_reached_the_less_often_it_is_tried() {
    let mut pair = Pair::new();
    pair.client.connect(pair.now);
    let mut connection = pair.opens();
    for least in [1, 2, 4, 8, 15, 15, 15].map(seconds) {
        pair.is_lost(connection);
        let (waited, next) = pair.attempt();
        assert!((least..=2 * least).contains(&waited), "{waited:?} of {least:?}");
        connection = next;
    }
    // After ten seconds it was told to be unavailable, and that does not change with each attempt.
    assert_eq!(pair.states(), [State::Connecting, State::Unavailable]);
    pair.greets(connection, "1.1");
    assert_eq!(pair.states(), [State::Connected]);
}

#[test]
fn a_server_that_greets_and_closes_is_not_asked_again_and_again_at_once() {
    let (mut pair, mut connection) = Pair::connected();
    for (lived, least) in [(9, 0), (9, 2), (9, 4), (10, 0), (9, 2)] {
        pair.waits(seconds(lived));
        pair.closes(connection, 4200);
        let (waited, next) = pair.attempt();
        assert!((seconds(least)..=seconds(2 * least)).contains(&waited), "{waited:?} of {least}");
        connection = next;
        pair.greets(connection, "1.1");
    }
}

#[test]
fn two_clients_that_lost_one_server_do_not_return_in_one_moment() {
    let waits = [1, 2, 3].map(|random| {
        let mut pair = Pair { client: Client::new(Config::default(), random), now: Timestamp::START };
        let connection = pair.connect();
        pair.is_lost(connection);
        pair.attempt().0
    });
    assert!(waits[0] != waits[1] && waits[1] != waits[2] && waits[0] != waits[2], "{waits:?}");
}

#[test]
fn all_that_is_wanted_is_done_again_in_its_order_with_fresh_authorizations() {
    let mut pair = Pair::new();
    for channel in ["news", "private-a", "presence-b", "cache-c"] {
        pair.subscribe(channel);
    }
    pair.client.sign_in(pair.now);
    assert!(pair.actions().is_empty(), "there is no connection");
    let mut connection = pair.connect();
    for socket_id in ["1.1", "2.2"] {
        let questions = pair.questions();
        let abouts = Vec::from_iter(questions.iter().map(|question| question.about.clone()));
        assert_eq!(
            abouts,
            [About::User, About::Channel("private-a".into()), About::Channel("presence-b".into())]
        );
        assert!(questions.iter().all(|question| question.socket_id == socket_id.parse().unwrap()));
        let first = pair.sent(connection);
        assert_eq!(first, [subscribe_frame("news", ""), subscribe_frame("cache-c", "")]);
        for question in &questions {
            pair.answers(question, socket_id, Some(r#"{"id":"7","user_id":"7"}"#));
        }
        let frames = pair.sent(connection);
        let events = Vec::from_iter(frames.iter().map(|frame| frame["event"].as_str().unwrap()));
        assert_eq!(events, ["pusher:signin", "pusher:subscribe", "pusher:subscribe"]);
        assert!(frames.iter().all(|frame| frame["data"]["auth"] == socket_id));
        for channel in ["news", "private-a", "cache-c"] {
            pair.lets_in(connection, channel);
        }
        assert_eq!(pair.client.channels().filter(|name| pair.client.is_subscribed(name)).count(), 3);

        pair.is_lost(connection);
        assert_eq!(pair.client.channels().filter(|name| pair.client.is_subscribed(name)).count(), 0);
        connection = pair.attempt().1;
        pair.greets(connection, "2.2");
    }
}

#[test]
fn what_the_application_wants_meanwhile_is_done_on_the_next_connection() {
    let (mut pair, connection) = Pair::connected();
    let news = pair.subscribe("news");
    pair.subscribe("weather");
    pair.sent(connection);
    pair.is_lost(connection);
    pair.client.unsubscribe(&news);
    pair.subscribe("sports");
    let connection = pair.attempt().1;
    pair.greets(connection, "2.2");
    assert_eq!(pair.sent(connection), [subscribe_frame("weather", ""), subscribe_frame("sports", "")]);
}

#[test]
fn a_configuration_of_nothing_but_zeros_floods_no_server() {
    let zero = Duration::ZERO;
    let mut pair = Pair::with(Config {
        activity_timeout: zero,
        first_retry_delay: zero,
        max_retry_delay: zero,
        stable_after: zero,
        ..Config::default()
    });
    let mut connection = pair.connect();
    let pause = Duration::from_millis(10);
    assert_eq!(pair.patience(), pause, "until it asks whether the server lives");
    pair.closes(connection, 4200);
    connection = pair.attempt().1; // at once, the first time
    for _ in 0..3 {
        pair.greets(connection, "1.1");
        pair.closes(connection, 4200);
        let (waited, next) = pair.attempt();
        assert!(waited >= pause, "{waited:?}");
        connection = next;
    }
}
