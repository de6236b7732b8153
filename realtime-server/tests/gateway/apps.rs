//! A gateway of several apps: what each keeps to itself, and what changes while it runs.

use crate::common::{
    PusherClient, Running, app, app_called, exchange, get, get_signed_by, post_signed_by, until,
};
use realtime_core::pusher::http::PublishLimits;
use realtime_core::pusher::{App, Secret, Settings};
use realtime_server::{AppConfig, Gateway, InvalidApps, Metrics, SubscriptionCounts};
use realtime_smol::{HubConfig, HubError, OriginPolicy};
use serde_json::json;
use std::io;
use std::num::NonZeroU32;

/// Two apps, and a gateway that serves them.
fn two() -> ([App; 2], Running) {
    let apps = ["left", "right"].map(app_called);
    let gateway = Running::of(apps.clone().map(AppConfig::new));
    (apps, gateway)
}

fn path(app: &App, below: &str) -> String {
    format!("/apps/{}/{below}", app.id)
}

/// Publishes `data` to the channel `channel` of `app`, as that app's server does.
fn publish(gateway: &Running, app: &App, channel: &str, data: &str) {
    let body = json!({ "name": "said", "channel": channel, "data": data }).to_string();
    let answer = post_signed_by(app, gateway.address, &path(app, "events"), &body);
    assert_eq!((answer.status, &*answer.body), (200, "{}"), "{answer:?}");
}

#[track_caller]
fn assert_turned_away(gateway: &Running, app: &App, code: u16) {
    let mut client = PusherClient::connect(gateway.address, &format!("/app/{}", app.key));
    assert_eq!(client.expect("pusher:error")["code"], code);
    assert_eq!(client.closure().code.get(), code);
}

/// What a page of `origin` is answered that connects to `app` and closes at once.
fn visit(gateway: &Running, app: &App, origin: &str) -> String {
    let request = format!(
        "GET /app/{} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{origin}\r\n",
        app.key
    );
    let close = [0x88, 0x80, 0, 0, 0, 0];
    let answer = exchange(gateway.address, &[request.as_bytes(), &close].concat());
    assert_eq!(answer.status, 101, "a browser cannot see why a handshake failed");
    answer.body
}

#[test]
fn apps_with_channels_of_the_same_name_hear_nothing_of_each_other() {
    let (apps, gateway) = two();
    let mut clients = apps.each_ref().map(|app| gateway.client_of(app));
    for client in &mut clients {
        client.subscribe("private-news");
        let roster = client.join("presence-news", "ada");
        assert_eq!(roster["presence"]["count"], 1);
        client.sign_in(&json!({ "id": "ada" }));
    }
    for (client, app) in clients.iter_mut().zip(&apps) {
        let whisper = json!({ "event": "client-said", "channel": "private-news", "data": app.id });
        client.say(&whisper); // which reaches the other subscribers, of whom there are none
        publish(&gateway, app, "private-news", &app.id);
        assert_eq!(client.expect("said"), app.id);
        gateway.apps.users(&app.id).unwrap().send("ada", "greeting", &app.id).unwrap();
        assert_eq!(client.expect("greeting"), app.id);
    }
    clients.iter_mut().for_each(PusherClient::is_alive);

    let [left, right] = &apps;
    let [of_left, mut of_right] = clients;
    of_left.close();
    of_right.is_alive(); // and is not told that ada has left
    let channels =
        |app| get_signed_by(app, gateway.address, &path(app, "channels"), &[]).json()["channels"].clone();
    until("left has no channel", || channels(left) == json!({}));
    assert_eq!(channels(right).as_object().unwrap().len(), 3);
    let connections = |app| get_signed_by(app, gateway.address, &path(app, "connections"), &[]).json();
    assert_eq!(
        (connections(left), connections(right)),
        (json!({ "connections": 0 }), json!({ "connections": 1 }))
    );
}

#[test]
fn a_socket_id_is_worth_nothing_to_another_app() {
    let (apps, gateway) = two();
    let [left, right] = &apps;
    let (mut of_left, mut of_right) = (gateway.client_of(left), gateway.client_of(right));
    for client in [&mut of_left, &mut of_right] {
        client.subscribe("news");
    }
    let event =
        |socket_id| json!({ "name": "said", "channel": "news", "data": "hi", "socket_id": socket_id });
    for client in [&of_left, &of_right] {
        let body = event(client.socket_id.to_string()).to_string();
        assert_eq!(post_signed_by(right, gateway.address, &path(right, "events"), &body).status, 200);
    }
    assert_eq!(of_right.expect("said"), "hi"); // of which the second was for all but itself
    of_right.is_alive();
    of_left.is_alive();
}

#[test]
fn a_signature_of_one_app_is_worth_nothing_to_another() {
    let (apps, gateway) = two();
    let [left, right] = &apps;
    let body = r#"{"name":"said","channel":"news","data":"hi"}"#;
    let answer = post_signed_by(left, gateway.address, &path(right, "events"), body);
    assert_eq!(
        (answer.status, &*answer.error()),
        (401, r#"auth_key is "left-key", which is not this app's key"#)
    );
    let forger = App { secret: left.secret.clone(), ..right.clone() };
    let answer = post_signed_by(&forger, gateway.address, &path(right, "events"), body);
    assert_eq!(answer.status, 401);
    assert!(answer.error().starts_with("auth_signature is not"), "{answer:?}");

    let (of_left, mut of_right) = (gateway.client_of(left), gateway.client_of(right));
    for app in [left, &forger] {
        let stranger = PusherClient::greeted_by(gateway.address, app);
        let auth = stranger.auth("private-news", None);
        of_right.ask_for("private-news", &auth, None);
        assert_eq!(of_right.expect("pusher:subscription_error")["status"], 401);
    }
    drop(of_left);
    of_right.subscribe("private-news");
}

#[test]
fn where_the_path_names_no_app_its_key_does() {
    let (apps, gateway) = two();
    let [left, right] = &apps;
    let mut clients = apps.each_ref().map(|app| gateway.client_of(app));
    for client in &mut clients {
        client.sign_in(&json!({ "id": "ada" }));
    }
    let stranger = app();
    let answer = post_signed_by(&stranger, gateway.address, "/users/ada/terminate_connections", "");
    let unknown = r#"auth_key is "test-key", and there is no app with that key"#;
    assert_eq!((answer.status, &*answer.error()), (401, unknown));
    assert_eq!(post_signed_by(right, gateway.address, "/users/ada/terminate_connections", "").status, 200);
    let [mut of_left, mut of_right] = clients;
    assert_eq!(of_right.closure().code.get(), 4009);
    of_left.is_alive();
    assert_eq!(gateway.apps.users(&left.id).unwrap().clients("ada").len(), 1);
}

#[test]
fn an_app_that_stays_keeps_its_connections_and_goes_by_its_new_secret_at_once() {
    let (apps, gateway) = two();
    let [left, right] = &apps;
    let mut clients = apps.each_ref().map(|app| gateway.client_of(app));
    for client in &mut clients {
        client.join("presence-news", "ada");
    }
    let renewed = App { key: "new-key".into(), secret: Secret::new("new-secret"), ..left.clone() };
    let settings = Settings { activity_timeout_seconds: NonZeroU32::new(77).unwrap(), ..Settings::default() };
    let config = AppConfig { settings, ..AppConfig::new(renewed.clone()) };
    gateway.apps.replace(vec![config, right.clone().into()]).unwrap();
    assert_eq!(
        gateway.apps.list().iter().map(|config| &*config.app.key).collect::<Vec<_>>(),
        ["new-key", "right-key"]
    );

    let [of_left, of_right] = &mut clients;
    of_left.ask_for("private-news", &of_left.auth("private-news", None), None);
    assert_eq!(of_left.expect("pusher:subscription_error")["status"], 401);
    let user = json!({ "id": "ada" });
    of_left.app = renewed.clone();
    of_left.subscribe("private-news");
    of_left.sign_in(&user);
    publish(&gateway, &renewed, "presence-news", "still here");
    assert_eq!(of_left.expect("said"), "still here");
    let body = r#"{"name":"said","channel":"news","data":"hi"}"#;
    assert_eq!(post_signed_by(left, gateway.address, &path(left, "events"), body).status, 401);
    of_right.subscribe("private-news");

    assert_turned_away(&gateway, left, 4001);
    let mut newcomer = PusherClient::connect(gateway.address, "/app/new-key");
    assert_eq!(newcomer.expect("pusher:connection_established")["activity_timeout"], 77);
    let roster = gateway.client_of(&renewed).join("presence-news", "bob");
    assert_eq!(roster["presence"]["count"], 2);
}

#[test]
fn what_clients_may_send_changes_for_those_who_are_connected() {
    let left = app_called("left");
    let gateway = Running::of([left.clone().into()]);
    let mut client = gateway.client_of(&left);
    client.subscribe("private-news");
    let whisper = json!({ "event": "client-said", "channel": "private-news", "data": "four" });
    client.say(&whisper);
    client.is_alive();
    let settings = Settings { max_client_event_bytes: 3, ..Settings::default() };
    gateway.apps.replace(vec![AppConfig { settings, ..AppConfig::new(left) }]).unwrap();
    client.say(&whisper);
    client.expect("pusher:error");
}

#[test]
fn limits_of_channels_and_whether_counts_are_told_change_at_once() {
    let left = app_called("left");
    let gateway = Running::of([left.clone().into()]);
    let mut client = gateway.client_of(&left);
    client.subscribe("one");
    let defaults = AppConfig::new(left);
    let hub = HubConfig { max_channels_per_client: 2, ..defaults.hub.clone() };
    let subscription_counts = SubscriptionCounts::On;
    gateway.apps.replace(vec![AppConfig { hub, subscription_counts, ..defaults.clone() }]).unwrap();
    client.subscribe("two");
    assert_eq!(client.expect("pusher_internal:subscription_count"), json!({ "subscription_count": 1 }));
    client.ask_for("three", "", None);
    assert_eq!(client.expect("pusher:subscription_error")["status"], 429);
    gateway.apps.replace(vec![defaults]).unwrap();
    client.subscribe("three");
    client.is_alive();
}

#[test]
fn clients_of_an_app_that_is_removed_are_closed_and_find_it_no_more() {
    let (apps, gateway) = two();
    let [left, right] = &apps;
    let mut clients = apps.each_ref().map(|app| gateway.client_of(app));
    for client in &mut clients {
        client.subscribe("news");
    }
    let hub = gateway.apps.hub("left").unwrap();
    gateway.apps.replace(vec![right.clone().into()]).unwrap();
    let [mut of_left, mut of_right] = clients;
    let closure = of_left.closure();
    assert_eq!((closure.code.get(), &*closure.reason), (4001, "the app is no longer served"));
    assert_turned_away(&gateway, left, 4001);
    let answer = post_signed_by(left, gateway.address, &path(left, "events"), "{}");
    assert_eq!((answer.status, &*answer.error()), (404, r#"there is no app with the id "left""#));
    assert!(gateway.apps.hub("left").is_none() && gateway.apps.users("left").is_none());
    assert_eq!(hub.broadcast("news", "nobody hears"), Err(HubError::Closed));
    publish(&gateway, right, "news", "still here");
    assert_eq!(of_right.expect("said"), "still here");

    gateway.apps.replace(vec![right.clone().into(), left.clone().into()]).unwrap();
    let mut back = gateway.client_of(left);
    back.subscribe("news");
    publish(&gateway, left, "news", "anew");
    assert_eq!(back.expect("said"), "anew");
    of_right.is_alive();
}

#[test]
fn apps_that_contradict_each_other_change_nothing() {
    let (apps, gateway) = two();
    let [left, right] = &apps;
    let mut client = gateway.client_of(left);
    let twin = App { key: "left-key".into(), ..right.clone() };
    let same_id = InvalidApps::SameId { id: "left".into() };
    assert_eq!(gateway.apps.replace(vec![left.clone().into(), left.clone().into()]), Err(same_id.clone()));
    let same_key = InvalidApps::SameKey { key: "left-key".into() };
    assert_eq!(gateway.apps.replace(vec![left.clone().into(), twin.into()]), Err(same_key));
    assert_eq!(same_id.to_string(), r#"two apps have the id "left"; each needs one of its own"#);
    client.is_alive();
    gateway.client_of(right).is_alive();

    let error = Gateway::builder(left.clone()).app(left.clone()).bind("127.0.0.1:0").unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::InvalidInput, same_id.to_string()));
}

#[test]
fn pages_of_other_origins_than_an_app_names_are_turned_away() {
    let (apps, gateway) = two();
    let [left, right] = &apps;
    let origins = OriginPolicy::list(["https://shop.test"]).unwrap();
    let config = AppConfig { origins, ..AppConfig::new(left.clone()) };
    gateway.apps.replace(vec![config, right.clone().into()]).unwrap();
    let is_let_in =
        |app, origin: &str| visit(&gateway, app, origin).contains("pusher:connection_established");
    assert!(is_let_in(left, "Origin: https://shop.test\r\n"));
    assert!(is_let_in(left, ""), "no page");
    assert!(is_let_in(right, "Origin: https://elsewhere.test\r\n"));
    for origin in ["https://elsewhere.test", "http://shop.test", "https://shop.test.elsewhere.test", "null"] {
        let told = visit(&gateway, left, &format!("Origin: {origin}\r\n"));
        let message =
            format!(r#"{{"code":4009,"message":"the app takes no connections from pages of \"{origin}\""}}"#);
        assert!(told.contains(&message), "{told}");
    }
}

#[test]
fn an_app_that_has_as_many_connections_as_it_may_takes_no_more() {
    let (left, right) = (app_called("left"), app_called("right"));
    let config = AppConfig { max_connections: Some(2), ..AppConfig::new(left.clone()) };
    let gateway = Running::of([config, right.clone().into()]);
    let first = gateway.client_of(&left);
    let _second = gateway.client_of(&left);
    assert_turned_away(&gateway, &left, 4004);
    gateway.client_of(&right).is_alive();
    first.close();
    // Its place is free once the gateway has seen the connection's end.
    let mut third = None;
    until("there is a place", || {
        let mut client = PusherClient::connect(gateway.address, "/app/left-key");
        let is_in = client.next()["event"] == "pusher:connection_established";
        third = is_in.then_some(client);
        is_in
    });
    third.unwrap().is_alive();
}

#[test]
fn limits_of_publishing_are_those_of_the_app() {
    let (left, right) = (app_called("left"), app_called("right"));
    let publish = PublishLimits { max_event_bytes: 3, ..PublishLimits::default() };
    let gateway = Running::of([AppConfig { publish, ..AppConfig::new(left.clone()) }, right.clone().into()]);
    let body = r#"{"name":"said","channel":"news","data":"four"}"#;
    let answer = post_signed_by(&left, gateway.address, &path(&left, "events"), body);
    assert_eq!(
        (answer.status, &*answer.error()),
        (413, "the event's data has 4 bytes; at most 3 are accepted")
    );
    assert_eq!(post_signed_by(&right, gateway.address, &path(&right, "events"), body).status, 200);
}

#[test]
fn an_app_may_take_longer_client_events_than_others() {
    let left = app_called("left");
    let settings = Settings { max_client_event_bytes: 200_000, ..Settings::default() };
    let gateway = Running::of([app().into(), AppConfig { settings, ..AppConfig::new(left.clone()) }]);
    let [mut sender, mut hearer] = [(); 2].map(|()| gateway.client_of(&left));
    for client in [&mut sender, &mut hearer] {
        client.subscribe("private-news");
    }
    let data = "x".repeat(150_000);
    sender.say(&json!({ "event": "client-said", "channel": "private-news", "data": data }));
    assert_eq!(hearer.expect("client-said"), data);
}

#[test]
fn figures_of_an_app_are_labelled_with_its_id() {
    let (left, right) = (app_called("left"), app_called("right"));
    let gateway =
        Running::with(|gateway| gateway.app(left.clone()).app(right.clone()).metrics(Metrics::Open));
    let _clients = [&left, &right, &right].map(|app| gateway.client_of(app));
    let page = get(gateway.address, "/metrics").body;
    for line in [
        r#"realtime_connections{app="7"} 0"#,
        r#"realtime_connections{app="left"} 1"#,
        r#"realtime_connections{app="right"} 2"#,
        r#"realtime_messages_dropped_total{app="left",policy="drop"} 0"#,
    ] {
        assert!(page.lines().any(|printed| printed == line), "{line} in {page}");
    }
    assert_eq!(page.matches("# TYPE realtime_connections gauge").count(), 1);
}
