//! Clients that sign in as users of the app.

use crate::common::{Running, post_event};
use realtime_server::Demo;
use serde_json::json;

#[test]
fn an_event_for_a_user_reaches_all_of_its_connections() {
    let gateway = Running::new(Demo::Off);
    let [mut phone, mut laptop, mut other] = [(); 3].map(|()| gateway.client());
    let longest = "é".repeat(128);
    phone.sign_in(&json!({ "id": longest }));
    laptop.sign_in(&json!({ "id": longest }));
    other.sign_in(&json!({ "id": "grace" }));

    let channel = format!("#server-to-user-{longest}");
    let event = json!({ "name": "greeting", "channels": [channel], "data": "{\"n\":1}" });
    assert_eq!(post_event(gateway.address, &event.to_string()).status, 200);
    gateway.users.send(&longest, "farewell", "2").unwrap();
    for client in [&mut phone, &mut laptop] {
        assert_eq!(client.expect("greeting"), json!({ "n": 1 }));
        assert_eq!(client.expect("farewell"), 2);
    }
    other.is_alive(); // and got nothing
}

#[test]
fn a_sign_in_with_a_wrong_signature_is_told_and_the_connection_lives() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.say(&json!({ "event": "pusher:signin", "data": { "auth": "test-key:00", "user_data": "{\"id\":\"1\"}" } }));
    assert_eq!(client.expect("pusher:error")["code"], 4009);
    assert_eq!(gateway.users.clients("1"), []);
    client.ask_for("#server-to-user-1", "", None);
    assert_eq!(client.expect("pusher:subscription_error")["status"], 401);
    client.is_alive();
}

#[test]
fn a_signed_in_client_is_present_as_its_user() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.sign_in(&json!({ "id": "ada", "user_info": { "name": "Ada" } }));
    let roster = client.subscribe("presence-room");
    assert_eq!(
        roster,
        json!({ "presence": { "ids": ["ada"], "hash": { "ada": { "name": "Ada" } }, "count": 1 } })
    );
}

#[test]
fn all_connections_of_a_user_can_be_ended_whatever_they_are_subscribed_to() {
    let gateway = Running::new(Demo::Off);
    let [mut phone, mut laptop, mut other, mut anyone] = [(); 4].map(|()| gateway.client());
    phone.sign_in(&json!({ "id": "ada" }));
    laptop.sign_in(&json!({ "id": "ada" }));
    other.sign_in(&json!({ "id": "grace" }));
    assert_eq!(gateway.users.clients("ada").len(), 2);

    assert_eq!(gateway.users.terminate("ada"), 2);
    for client in [&mut phone, &mut laptop] {
        let closure = client.closure();
        assert_eq!(closure.code.get(), 4009);
        assert_eq!(closure.reason, "the application ended all connections of this user");
    }
    other.is_alive();
    anyone.is_alive();
    assert_eq!(gateway.users.terminate("nobody"), 0);
}

#[test]
fn whoever_watches_a_user_sees_it_come_and_go() {
    let gateway = Running::new(Demo::Off);
    let mut watcher = gateway.client();
    watcher.sign_in(&json!({ "id": "w", "watchlist": ["ada"] }));
    let mut ada = gateway.client();
    ada.sign_in(&json!({ "id": "ada" }));
    let told = watcher.expect("pusher_internal:watchlist_events");
    assert_eq!(told, json!({ "events": [{ "name": "online", "user_ids": ["ada"] }] }));
    drop(ada); // without a closing handshake
    let told = watcher.expect("pusher_internal:watchlist_events");
    assert_eq!(told, json!({ "events": [{ "name": "offline", "user_ids": ["ada"] }] }));
    assert_eq!(gateway.users.clients("ada"), []);
}
