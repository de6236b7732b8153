//! What the app's own server learns of channels, and batches.

use crate::common::{Running, get, get_signed, post, post_signed};
use realtime_server::{Demo, HttpLimits};
use serde_json::json;

const BATCH: &str = "/apps/7/batch_events";
const CHANNELS: &str = "/apps/7/channels";

#[test]
fn the_events_of_a_batch_arrive_in_order_and_not_where_they_come_from() {
    let gateway = Running::new(Demo::Off);
    let [mut ada, mut grace] = [gateway.client(), gateway.client()];
    for client in [&mut ada, &mut grace] {
        client.subscribe("red");
        client.subscribe("green");
    }
    let batch = json!({ "batch": [
        { "name": "first", "channel": "red", "data": "1" },
        { "name": "second", "channel": "green", "data": "2", "socket_id": ada.socket_id.to_string() },
        { "name": "third", "channel": "red", "data": "3" },
    ] });
    let answer = post_signed(gateway.address, BATCH, &batch.to_string());
    assert_eq!((answer.status, &*answer.body), (200, "{}"));
    let [first, second, third] =
        ["first red 1", "second green 2", "third red 3"].map(|event| event.split(' ').collect::<Vec<_>>());
    for (client, events) in [(&mut ada, vec![&first, &third]), (&mut grace, vec![&first, &second, &third])] {
        for event in events {
            let frame = client.next();
            assert_eq!(frame, json!({ "event": event[0], "channel": event[1], "data": event[2] }));
        }
        client.is_alive();
    }
}

#[test]
fn of_a_batch_with_a_wrong_event_nothing_is_published() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.subscribe("red");
    let batch =
        r#"{"batch":[{"name":"a","channel":"red","data":""},{"name":"a","channel":"r e d","data":""}]}"#;
    let answer = post_signed(gateway.address, BATCH, batch);
    assert_eq!(answer.status, 400);
    assert!(answer.error().starts_with("event 2 of the batch: the channel name \"r e d\""), "{answer:?}");
    client.is_alive(); // and got nothing
}

#[test]
fn a_batch_is_answered_with_what_it_asks_of_channels() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    let batch = json!({ "batch": [
        { "name": "a", "channel": "presence-room", "data": "", "info": "user_count,subscription_count" },
        { "name": "a", "channel": "red", "data": "" },
    ] });
    let answer = post_signed(gateway.address, BATCH, &batch.to_string());
    assert_eq!(answer.json(), json!({ "batch": [{ "user_count": 1, "subscription_count": 1 }, {}] }));
}

#[test]
fn channels_are_listed_and_described() {
    let gateway = Running::new(Demo::Off);
    let [mut first, mut second] = [gateway.client(), gateway.client()];
    for client in [&mut first, &mut second] {
        client.join("presence-room", "ada");
    }
    first.subscribe("red");
    let ask = |path: &str, parameters: &[(&str, &str)]| {
        let answer = get_signed(gateway.address, path, parameters);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    assert_eq!(ask(CHANNELS, &[]), json!({ "channels": { "presence-room": {}, "red": {} } }));
    assert_eq!(
        ask(CHANNELS, &[("filter_by_prefix", "presence-"), ("info", "user_count")]),
        json!({ "channels": { "presence-room": { "user_count": 1 } } })
    );
    assert_eq!(
        ask("/apps/7/channels/presence-room", &[("info", "user_count,subscription_count")]),
        json!({ "occupied": true, "user_count": 1, "subscription_count": 2 })
    );
    assert_eq!(ask("/apps/7/channels/nobody", &[]), json!({ "occupied": false }));
    assert_eq!(ask("/apps/7/channels/presence-room/users", &[]), json!({ "users": [{ "id": "ada" }] }));
    assert_eq!(ask("/apps/7/connections", &[]), json!({ "connections": 2 }));
}

#[test]
fn questions_that_have_no_answer_are_refused_with_why() {
    let gateway =
        Running::with(|gateway| gateway.http(HttpLimits { max_listed_channels: 1, ..HttpLimits::default() }));
    let mut client = gateway.client();
    client.subscribe("red");
    client.subscribe("green");
    for (path, parameters, expected) in [
        (CHANNELS, &[("info", "user_count")][..], "only presence channels have users: for user_count, "),
        (CHANNELS, &[], "more than 1 channels begin so, the most that are listed"),
        ("/apps/7/channels/red", &[("info", "user_count")], "only presence channels have users, and \"red\""),
        ("/apps/7/channels/red/users", &[], "only presence channels have users, and \"red\""),
        ("/apps/7/channels/red", &[("info", "age")], "info asks for \"age\"; accepted are user_count"),
    ] {
        let answer = get_signed(gateway.address, path, parameters);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.error().starts_with(expected), "{answer:?}");
    }
    assert_eq!(get(gateway.address, CHANNELS).status, 401);
}

#[test]
fn all_connections_of_a_user_are_terminated_and_no_others() {
    let gateway = Running::new(Demo::Off);
    let [mut phone, mut laptop, mut other] = [(); 3].map(|()| gateway.client());
    phone.sign_in(&json!({ "id": "ada & co" }));
    laptop.sign_in(&json!({ "id": "ada & co" }));
    other.sign_in(&json!({ "id": "grace" }));
    let answer = post_signed(gateway.address, "/apps/7/users/ada%20&%20co/terminate_connections", "{}");
    assert_eq!((answer.status, &*answer.body), (200, "{}"));
    for client in [&mut phone, &mut laptop] {
        assert_eq!(client.closure().code.get(), 4009);
    }
    other.is_alive();
    let mut again = gateway.client();
    again.sign_in(&json!({ "id": "ada" }));
    assert_eq!(post_signed(gateway.address, "/users/ada/terminate_connections", "{}").status, 200);
    assert_eq!(again.closure().code.get(), 4009);
    let answer = post_signed(gateway.address, "/apps/7/users/nobody/terminate_connections", "{}");
    assert_eq!((answer.status, &*answer.body), (200, "{}"));
    assert_eq!(post(gateway.address, "/apps/7/users/grace/terminate_connections", "", "{}").status, 401);
    other.is_alive();
}
