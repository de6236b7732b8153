use crate::common::{Pair, seconds, state};
use realtime_core::pusher::client::{Action, Event, State};
use realtime_ws::CloseCode;
use serde_json::json;

#[test]
fn a_client_does_nothing_until_it_is_told_to_connect() {
    let mut pair = Pair::new();
    assert_eq!((pair.client.state(), pair.client.poll_timeout()), (State::Initialized, None));
    assert!(pair.client.is_closed() && pair.actions().is_empty() && pair.events().is_empty());
}

#[test]
fn the_greeting_connects_it() {
    let mut pair = Pair::new();
    pair.client.connect(pair.now);
    pair.client.connect(pair.now); // it does already
    let connection = pair.opens();
    assert_eq!((pair.client.state(), pair.client.socket_id()), (State::Connecting, None));
    pair.greets(connection, "12.34");
    pair.greets(connection, "56.78"); // greeted already
    assert_eq!(pair.client.socket_id(), Some("12.34".parse().unwrap()));
    assert_eq!(pair.events(), [state(State::Connecting), state(State::Connected)]);
    assert!(!pair.client.is_closed());
}

#[test]
fn a_greeting_that_is_none_is_told_and_another_awaited() {
    let mut pair = Pair::new();
    pair.client.connect(pair.now);
    let connection = pair.opens();
    pair.says(connection, &json!({ "event": "pusher:connection_established", "data": { "socket_id": "x" } }));
    pair.says(connection, &json!({ "event": "pusher:ping" }));
    assert_eq!(
        pair.events(),
        [state(State::Connecting), Event::Malformed { reason: "the greeting's socket_id is \"x\"".into() }]
    );
    // Some send an object rather than a string that holds one.
    pair.says(
        connection,
        &json!({ "event": "pusher:connection_established", "data": { "socket_id": "1.2" } }),
    );
    assert_eq!(pair.states(), [State::Connected]);
    assert_eq!(pair.patience(), seconds(120)); // it said nothing, so the client goes by its own
}

#[test]
fn a_server_that_does_not_greet_is_left_after_15_seconds() {
    let mut pair = Pair::new();
    pair.client.connect(pair.now);
    let connection = pair.opens();
    pair.waits(seconds(15));
    let close = Action::Close { connection, code: CloseCode::NORMAL, reason: "no greeting came in time" };
    assert_eq!(pair.actions(), [close]);
    assert_eq!(
        pair.events(),
        [
            state(State::Connecting),
            state(State::Unavailable),
            Event::ConnectionLost { code: None, reason: "no greeting came in time".into() }
        ]
    );
    pair.waits(seconds(2));
    let second = pair.opens();
    pair.greets(connection, "1.1"); // too late
    assert_eq!(pair.states(), []);
    pair.greets(second, "2.2");
    assert_eq!(pair.states(), [State::Connected]);
}

#[test]
fn a_driver_that_does_not_begin_to_open_is_not_told_to_close() {
    let mut pair = Pair::new();
    pair.client.connect(pair.now);
    pair.waits(seconds(20)); // 15 until it is given up, and at most 2 until it is tried again
    assert!(matches!(pair.actions()[..], [Action::Open { .. }]));
    pair.client.disconnect();
    pair.client.connect(pair.now);
    pair.client.disconnect();
    assert!(matches!(pair.actions()[..], [Action::Close { .. }]), "the first, which it was told to open");
}

#[test]
fn a_silent_server_is_asked_whether_it_lives_and_left_if_it_does_not_answer() {
    let (mut pair, connection) = Pair::connected();
    pair.waits(seconds(29));
    assert!(pair.sent(connection).is_empty());
    pair.waits(seconds(1));
    assert_eq!(pair.sent(connection), [json!({ "event": "pusher:ping", "data": "{}" })]);
    pair.waits(seconds(29));
    pair.says(connection, &json!({ "event": "pusher:pong" }));
    pair.waits(seconds(29)); // counts from the answer on
    assert!(pair.sent(connection).is_empty() && pair.actions().is_empty());

    pair.waits(seconds(31));
    assert_eq!(pair.client.state(), State::Connecting);
    let code = CloseCode::new(4201).unwrap();
    let [close, Action::Open { connection: second }] = &pair.actions()[..] else { panic!("nothing opened") };
    assert_eq!(*close, Action::Close { connection, code, reason: "no pong came in time" });
    pair.greets(*second, "2.2");
    let lost = Event::ConnectionLost { code: None, reason: "no pong came in time".into() };
    assert_eq!(pair.events(), [lost, state(State::Connecting), state(State::Connected)]);
}

#[test]
fn pings_that_nobody_takes_are_not_piled_up() {
    let (mut pair, connection) = Pair::connected();
    for _ in 0..3 {
        pair.waits(seconds(30)); // asks
        pair.says(connection, &json!({ "event": "pusher:ping" })); // which shows that it lives
    }
    assert_eq!(
        pair.sent(connection),
        [json!({ "event": "pusher:ping", "data": "{}" }), json!({ "event": "pusher:pong", "data": "{}" })]
    );
}

#[test]
fn any_message_shows_that_the_server_lives() {
    let (mut pair, connection) = Pair::connected();
    pair.waits(seconds(29));
    pair.says(connection, &json!({ "event": "whatever" }));
    pair.waits(seconds(29));
    pair.client.handle_binary(connection, pair.now);
    pair.waits(seconds(29));
    pair.client.handle_text(connection, "nonsense", pair.now);
    pair.waits(seconds(29));
    assert!(pair.sent(connection).is_empty());
}

#[test]
fn the_shorter_of_both_activity_timeouts_counts() {
    for (from_server, in_effect) in [(0, 120), (7, 7), (500, 120)] {
        let mut pair = Pair::new();
        pair.client.connect(pair.now);
        let connection = pair.opens();
        let data = json!({ "socket_id": "1.1", "activity_timeout": from_server });
        pair.says(connection, &json!({ "event": "pusher:connection_established", "data": data }));
        assert_eq!(pair.patience(), seconds(in_effect));
    }
}

#[test]
fn a_client_that_disconnects_does_not_come_back_until_it_is_told() {
    let (mut pair, connection) = Pair::connected();
    pair.client.disconnect();
    assert!(!pair.client.is_closed(), "the driver does not know yet");
    assert!(pair.client.is_closing());
    pair.client.disconnect();
    assert_eq!(pair.actions(), [Action::Close { connection, code: CloseCode::NORMAL, reason: "" }]);
    assert!(pair.client.is_closed() && !pair.client.is_closing());
    pair.closes(connection, 1000); // that is no news
    assert_eq!((pair.events(), pair.client.poll_timeout()), (vec![state(State::Disconnected)], None));
    pair.connect();
}

#[test]
fn a_connection_that_takes_the_place_of_another_is_opened_after_that_is_closed() {
    let (mut pair, first) = Pair::connected();
    pair.subscribe("news");
    pair.client.disconnect();
    pair.client.connect(pair.now);
    assert!(pair.actions().is_empty(), "something is to be sent first");
    assert_eq!(pair.sent(first).len(), 1);
    assert!(
        matches!(pair.actions()[..], [Action::Close { connection, .. }, Action::Open { .. }] if connection == first)
    );
}

#[test]
fn what_comes_of_an_earlier_connection_is_ignored() {
    let (mut pair, first) = Pair::connected();
    pair.is_lost(first);
    pair.waits(seconds(2));
    let second = pair.opens();
    pair.greets(second, "2.2");
    pair.events();
    pair.greets(first, "1.1");
    pair.says(first, &json!({ "event": "hello" }));
    pair.client.handle_binary(first, pair.now);
    pair.is_lost(first);
    assert_eq!((pair.events(), pair.client.socket_id()), (vec![], Some("2.2".parse().unwrap())));
}
