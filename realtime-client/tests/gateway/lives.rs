use crate::common::{Blocking, Client, KEY, PATIENCE, Running, Smol, app, hurried};
use crate::presence::{ids, wait_for_joining};
use realtime_client::{Config, Event, State, TriggerError, WebSocketConfig};
use realtime_std::WebSocket;
use smol::Timer;
use smol::future::{block_on, or};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub(crate) fn a_key_that_is_none_of_the_gateways_fails<C: Client>() {
    let gateway = Running::new();
    let client = C::connect(&gateway.url(), "another-key", hurried(), None).unwrap();
    let message = client.wait_for(|event| match event {
        Event::Error { code: Some(4001), message } => Some(message.clone()),
        _ => None,
    });
    assert!(message.contains("another-key"), "{message}");
    client.wait_for_state(State::Failed);
    assert_eq!(client.next_event(), None);
}

pub(crate) fn what_was_triggered_before_a_disconnect_arrives<C: Client>() {
    let gateway = Running::new();
    let (ada, bob) = (C::of(&gateway, "ada"), C::of(&gateway, "bob"));
    bob.enter("private-a");
    let channel = ada.enter("private-a");
    for n in 0..10 {
        channel.trigger("client-last", &n.to_string()).unwrap();
    }
    ada.disconnect();
    for n in 0..10 {
        assert_eq!(bob.wait_for_message("private-a").1, n.to_string());
    }
    assert_eq!(channel.trigger("client-later", "1"), Err(TriggerError::NotConnected));
}

pub(crate) fn a_client_that_was_disconnected_can_connect_again<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    client.enter("private-a");
    for _ in 0..3 {
        client.disconnect();
        client.wait_for_state(State::Disconnected);
        assert_eq!(client.next_event(), None);
        client.handle().reconnect();
        client.wait_for_entry("private-a");
    }
}

pub(crate) fn a_client_whose_last_handle_is_gone_leaves<C: Client>() {
    let gateway = Running::new();
    let (ada, bob) = (C::of(&gateway, "ada"), C::of(&gateway, "bob"));
    let room = ada.enter("presence-room");
    let room_of_bob = bob.enter("presence-room");
    wait_for_joining(&ada, "bob");
    drop(bob);
    assert_eq!(ids(&room_of_bob), ["ada", "bob"]); // a channel is a handle too
    drop(room_of_bob);
    ada.wait_for(|event| matches!(event, Event::MemberLeft { .. }).then_some(()));
    assert_eq!(ids(&room), ["ada"]);
}

pub(crate) fn who_disconnects_while_nobody_answers_does_not_wait_for_ever<C: Client>() {
    // It takes the connection, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let config = Config { connect_timeout: Duration::from_millis(50), ..hurried() };
    let client = C::connect(&url, KEY, config, None).unwrap();
    client.wait_for_state(State::Connecting);
    drop(silent);
    client.disconnect();
    client.wait_for_state(State::Disconnected);
    assert_eq!(client.next_event(), None);
}

pub(crate) fn many_may_wait_and_each_event_goes_to_one<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    client.enter("news");
    let (sender, came) = mpsc::channel();
    let wait = |(client, sender): (C, mpsc::Sender<String>)| {
        move || {
            while let Some(event) = client.next_event() {
                if let Event::Message { data, .. } = event {
                    sender.send(data).unwrap();
                }
            }
        }
    };
    let threads = [(); 3].map(|()| thread::spawn(wait((client.clone(), sender.clone()))));
    for n in 0..100 {
        gateway.publish("news", "update", &n.to_string());
    }
    let came = BTreeSet::from_iter((0..100).map(|_| came.recv_timeout(PATIENCE).unwrap()));
    assert_eq!(came.len(), 100);
    client.disconnect();
    for thread in threads {
        thread.join().unwrap();
    }
}

pub(crate) fn addresses_that_cannot_be_are_refused<C: Client>() {
    for (url, key, expected) in [
        ("wss://localhost", KEY, "wss:// is not supported"),
        ("http://localhost", KEY, "a WebSocket URL begins with ws:// or wss://"),
        ("ws://localhost", "a key", "an app key has at least one character"),
    ] {
        let error = C::connect(url, key, hurried(), None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_blocking_client_gives_up_a_server_that_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let config = Config { connect_timeout: Duration::from_millis(20), ..hurried() };
    let websocket = WebSocketConfig { handshake_timeout: Duration::from_secs(3600), ..Default::default() };
    let client = Blocking::builder(&url, KEY).config(config).websocket(websocket).connect().unwrap();
    for _ in 0..2 {
        client.wait_for(|event| matches!(event, Event::ConnectionLost { code: None, .. }).then_some(()));
    }
}

#[test]
fn a_smol_client_disconnects_in_time_from_a_server_that_takes_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let close_timeout = Duration::from_millis(50);
    let websocket = WebSocketConfig { close_timeout, keepalive: None, ..Default::default() };
    let client = Smol::builder(&url, KEY)
        .websocket(websocket)
        .authorizer(|question| async move { Ok::<_, String>(question.sign(&app(), None)) })
        .connect()
        .unwrap();
    let channel = client.channel("private-a");
    channel.subscribe().unwrap();
    let mut server = WebSocket::accept(listener.accept().unwrap().0, Default::default()).unwrap();
    server.send(r#"{"event":"pusher:connection_established","data":{"socket_id":"1.2"}}"#).unwrap();
    server.read().unwrap();
    server
        .send(r#"{"event":"pusher_internal:subscription_succeeded","channel":"private-a","data":"{}"}"#)
        .unwrap();
    client.wait_for_entry("private-a");
    let data = format!("\"{}\"", "x".repeat(1 << 20));
    while channel.trigger("client-a", &data).is_ok() {}
    let in_time = async {
        client.disconnect().await;
        true
    };
    let too_late = async {
        Timer::after(PATIENCE).await;
        false
    };
    assert!(block_on(or(in_time, too_late)));
}
