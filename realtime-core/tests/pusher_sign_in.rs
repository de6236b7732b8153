//! Clients that are signed in as users of the app: what they may do as such, and what reaches them.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

mod pusher_common;

use pusher_common::{Gateway, app, subscribe};
use realtime_core::pusher::http::{Publish, PublishLimits};
use realtime_core::pusher::{SigningString, User};
use realtime_core::{ClientId, Config, Input};
use serde_json::{Value, json};

fn gateway() -> Gateway {
    // Names of users' channels may be longer than others.
    Gateway::with(Config { max_channel_name_bytes: 1024, ..Config::default() })
}

/// Publishes as the HTTP API does.
fn publish(gateway: &mut Gateway, channel: &str, data: &str) {
    let body = json!({ "name": "greeting", "channel": channel, "data": data }).to_string();
    let event = Publish::parse(body.as_bytes(), &PublishLimits::DEFAULT).unwrap();
    for channel in &event.channels {
        gateway.input(Input::Broadcast {
            channel: channel.clone(),
            message: event.message(channel),
            except: None,
        });
    }
}

fn clients(gateway: &Gateway, user: &str) -> Vec<ClientId> {
    gateway.users.clients(user).collect()
}

/// Signs in, and subscribes to the user's channel as pusher-js does then.
fn sign_in(gateway: &mut Gateway, client: ClientId, user_data: &Value) {
    gateway.signs_in(client, user_data);
    gateway.says(client, &subscribe(User::channel(user_data["id"].as_str().unwrap()).as_str(), "", None));
    assert_eq!(gateway.events(client), ["pusher:signin_success", "pusher_internal:subscription_succeeded"]);
}

#[test]
fn an_event_for_a_user_reaches_all_of_its_clients_and_nobody_else() {
    let mut gateway = gateway();
    let [phone, laptop, other, anyone] = [(); 4].map(|()| gateway.connect());
    let id = "ada lovelace: \u{e9}";
    sign_in(&mut gateway, phone, &json!({ "id": id }));
    sign_in(&mut gateway, laptop, &json!({ "id": id }));
    sign_in(&mut gateway, other, &json!({ "id": "grace" }));

    publish(&mut gateway, &format!("#server-to-user-{id}"), "hello");
    for client in [phone, laptop] {
        let (frame, _) = gateway.receives_one(client);
        assert_eq!(
            frame,
            json!({ "event": "greeting", "channel": format!("#server-to-user-{id}"), "data": "hello" })
        );
    }
    for client in [other, anyone] {
        assert_eq!(gateway.receives(client), [] as [&str; 0]);
    }
}

#[test]
fn the_channel_of_a_user_is_closed_to_all_who_are_not_signed_in_as_it() {
    let mut gateway = gateway();
    let [anyone, grace] = [(); 2].map(|()| gateway.connect());
    sign_in(&mut gateway, grace, &json!({ "id": "grace" }));
    for client in [anyone, grace] {
        let channel = "#server-to-user-ada";
        // Not even a signature of the app lets into it.
        let auth = app().auth(&SigningString::Channel {
            socket_id: gateway.socket_id(client),
            channel,
            channel_data: None,
        });
        for auth in ["", &auth] {
            gateway.says(client, &subscribe(channel, auth, None));
            let (frame, data) = gateway.receives_one(client);
            assert_eq!(
                (&frame["event"], &frame["channel"]),
                (&json!("pusher:subscription_error"), &json!(channel))
            );
            assert_eq!(
                data,
                json!({ "type": "AuthError", "status": 401, "error": "only whoever is signed in as this user receives its events" })
            );
        }
        assert!(!gateway.hub.is_subscribed(client, &channel.into()));
    }
    for channel in ["#", "#server-to-users", "#server-to-user-", "#other"] {
        gateway.says(grace, &subscribe(channel, "", None));
        assert_eq!(gateway.events(grace), ["pusher:error"], "{channel}");
    }
}

#[test]
fn a_signed_in_client_joins_a_presence_channel_as_its_user() {
    let mut gateway = gateway();
    let [ada, grace] = [(); 2].map(|()| gateway.connect());
    gateway.signs_in(ada, &json!({ "id": "ada", "user_info": { "name": "Ada \"A\"" }, "watchlist": [] }));
    gateway.receives(ada);
    gateway.subscribes(ada, "presence-a", None);
    let (_, data) = gateway.receives_one(ada);
    assert_eq!(
        data,
        json!({ "presence": { "ids": ["ada"], "hash": { "ada": { "name": "Ada \"A\"" } }, "count": 1 } })
    );

    gateway.signs_in(grace, &json!({ "id": "grace" }));
    gateway.receives(grace);
    gateway.subscribes(grace, "presence-a", Some(r#"{"user_id":"somebody"}"#));
    let (_, data) = gateway.receives_one(grace);
    assert_eq!(
        data["presence"]["ids"],
        json!(["ada", "somebody"]),
        "what is said for the channel counts there"
    );
}

#[test]
fn a_signed_in_client_needs_the_app_s_signature_for_a_presence_channel_all_the_same() {
    let mut gateway = gateway();
    let ada = gateway.connect();
    gateway.signs_in(ada, &json!({ "id": "ada" }));
    gateway.receives(ada);
    for auth in ["", "key:wrong"] {
        gateway.says(ada, &subscribe("presence-a", auth, None));
        assert_eq!(gateway.events(ada), ["pusher:subscription_error"]);
    }
}

#[test]
fn all_clients_of_a_user_are_found_also_before_they_subscribe_to_anything() {
    let mut gateway = gateway();
    let [phone, laptop, other, anyone] = [(); 4].map(|()| gateway.connect());
    gateway.signs_in(phone, &json!({ "id": "ada" }));
    gateway.signs_in(other, &json!({ "id": "grace" }));
    gateway.signs_in(laptop, &json!({ "id": "ada" }));
    gateway.signs_in(phone, &json!({ "id": "ada", "user_info": "anew" }));
    assert_eq!(clients(&gateway, "ada"), [phone, laptop]);
    assert_eq!(gateway.users.user(phone).unwrap().member().info(), Some("\"anew\""));
    assert_eq!(gateway.users.user(anyone), None);

    gateway.leaves(phone);
    gateway.leaves(phone);
    gateway.leaves(anyone);
    assert_eq!(clients(&gateway, "ada"), [laptop]);
    gateway.leaves(laptop);
    assert_eq!(clients(&gateway, "ada"), []);
    assert_eq!(clients(&gateway, "grace"), [other]);
}

#[test]
fn whoever_watches_a_user_is_told_when_it_comes_online_and_goes_offline() {
    let mut gateway = gateway();
    let [ada, grace, grace_too, watcher] = [(); 4].map(|()| gateway.connect());
    let told = |gateway: &mut Gateway| -> Vec<Value> {
        let events = |frame: &String| {
            let (frame, mut data) = pusher_common::decoded(frame);
            assert_eq!(frame["event"], "pusher_internal:watchlist_events");
            data["events"].take()
        };
        gateway.receives(watcher).iter().map(events).collect()
    };
    gateway.signs_in(ada, &json!({ "id": "ada" }));
    gateway.signs_in(watcher, &json!({ "id": "w", "watchlist": ["ada", "grace", "\"nobody\"", "w"] }));
    let success = gateway.receives(watcher);
    assert_eq!(success.len(), 2);
    let (frame, data) = pusher_common::decoded(&success[1]);
    assert_eq!(frame["event"], "pusher_internal:watchlist_events");
    assert_eq!(
        data,
        json!({ "events": [
            { "name": "online", "user_ids": ["ada", "w"] },
            { "name": "offline", "user_ids": ["grace", "\"nobody\""] },
        ] })
    );

    gateway.signs_in(grace, &json!({ "id": "grace" }));
    assert_eq!(told(&mut gateway), [json!([{ "name": "online", "user_ids": ["grace"] }])]);
    gateway.signs_in(grace_too, &json!({ "id": "grace" }));
    gateway.leaves(grace);
    assert_eq!(told(&mut gateway), [] as [Value; 0]);
    gateway.leaves(grace_too);
    gateway.leaves(ada);
    assert_eq!(
        told(&mut gateway),
        [
            json!([{ "name": "offline", "user_ids": ["grace"] }]),
            json!([{ "name": "offline", "user_ids": ["ada"] }])
        ]
    );
}

#[test]
fn a_watchlist_counts_until_the_next_one_and_ends_with_its_client() {
    let mut gateway = gateway();
    let [ada, watcher] = [(); 2].map(|()| gateway.connect());
    gateway.signs_in(watcher, &json!({ "id": "w", "watchlist": ["ada"] }));
    gateway.signs_in(watcher, &json!({ "id": "w" }));
    assert_eq!(
        gateway.events(watcher),
        ["pusher:signin_success", "pusher_internal:watchlist_events", "pusher:signin_success"]
    );
    gateway.signs_in(ada, &json!({ "id": "ada" }));
    assert_eq!(gateway.receives(watcher), [] as [&str; 0]);

    gateway.signs_in(watcher, &json!({ "id": "w", "watchlist": ["ada"] }));
    gateway.leaves(watcher);
    gateway.receives(watcher);
    gateway.leaves(ada);
    assert_eq!(gateway.receives(watcher), [] as [&str; 0]);
    assert_eq!(format!("{:?}", gateway.users), "Users { by_id: {}, by_client: {} }");
}

#[test]
fn a_client_that_becomes_another_user_is_offline_as_the_first() {
    let mut gateway = gateway();
    let [client, watcher] = [(); 2].map(|()| gateway.connect());
    gateway.signs_in(watcher, &json!({ "id": "w", "watchlist": ["a", "b"] }));
    let user = |id: &str| User::parse(&json!({ "id": id }).to_string()).unwrap().into();
    assert_eq!(gateway.users.sign_in(client, user("a")).len(), 1);
    let changes = gateway.users.sign_in(client, user("b"));
    let told: Vec<_> =
        changes.iter().map(|change| (&change.to[..], change.message.as_text().unwrap())).collect();
    let frame = |name: &str, id: &str| {
        format!(
            r#"{{"event":"pusher_internal:watchlist_events","data":"{{\"events\":[{{\"name\":\"{name}\",\"user_ids\":[\"{id}\"]}}]}}"}}"#
        )
    };
    assert_eq!(told, [(&[watcher][..], &*frame("offline", "a")), (&[watcher], &*frame("online", "b"))]);
    assert_eq!((clients(&gateway, "a"), clients(&gateway, "b")), (vec![], vec![client]));
}
