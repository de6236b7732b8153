//! Channels as clients see them: who gets what, and who is there.

use crate::common::{Running, post_event};
use realtime_server::Demo;
use serde_json::json;

#[test]
fn a_public_channel_is_for_anyone_until_it_unsubscribes() {
    let gateway = Running::new(Demo::Off);
    let [mut ada, mut grace] = [gateway.client(), gateway.client()];
    for client in [&mut ada, &mut grace] {
        client.ask_for("news", "", None);
        assert_eq!(client.expect("pusher_internal:subscription_succeeded"), json!({}));
    }
    post_event(gateway.address, r#"{"name":"hello","channel":"news","data":"{\"n\":1}"}"#);
    for client in [&mut ada, &mut grace] {
        let frame = client.next();
        assert_eq!(frame, json!({ "event": "hello", "channel": "news", "data": "{\"n\":1}" }));
    }

    ada.say(&json!({ "event": "pusher:unsubscribe", "data": { "channel": "news" } }));
    ada.is_alive();
    post_event(gateway.address, r#"{"name":"hello","channel":"news","data":"2"}"#);
    assert_eq!(grace.expect("hello"), 2);
    ada.is_alive();
}

#[test]
fn a_private_channel_is_for_whom_the_app_signs() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    assert_eq!(client.subscribe("private-orders"), json!({}));
    post_event(gateway.address, r#"{"name":"paid","channel":"private-orders","data":"yes"}"#);
    assert_eq!(client.expect("paid"), "yes");
}

#[test]
fn members_of_a_presence_channel_see_each_other_come_and_go() {
    let gateway = Running::new(Demo::Off);
    let [mut ada, mut grace] = [gateway.client(), gateway.client()];
    let ada_alone =
        json!({ "presence": { "ids": ["ada"], "hash": { "ada": { "name": "ada" } }, "count": 1 } });
    assert_eq!(ada.join("presence-room", "ada"), ada_alone);
    let both = grace.join("presence-room", "grace");
    assert_eq!(both["presence"]["ids"], json!(["ada", "grace"]));
    let member = json!({ "user_id": "grace", "user_info": { "name": "grace" } });
    assert_eq!(ada.expect("pusher_internal:member_added"), member);
    grace.is_alive(); // and was not told of itself

    grace.close();
    assert_eq!(ada.expect("pusher_internal:member_removed")["user_id"], "grace");
}

#[test]
fn a_member_with_two_connections_joins_once_and_leaves_once() {
    let gateway = Running::new(Demo::Off);
    let [mut ada, mut first, mut second] = [gateway.client(), gateway.client(), gateway.client()];
    ada.join("presence-room", "ada");
    first.join("presence-room", "grace");
    ada.expect("pusher_internal:member_added");
    assert_eq!(second.join("presence-room", "grace")["presence"]["count"], 2);
    first.close();
    post_event(gateway.address, r#"{"name":"marker","channel":"presence-room","data":""}"#);
    ada.expect("marker");
    second.expect("marker");

    second.close();
    assert_eq!(ada.expect("pusher_internal:member_removed")["user_id"], "grace");
}

#[test]
fn client_events_reach_the_others_with_the_sender_s_id() {
    let gateway = Running::new(Demo::Off);
    let [mut ada, mut grace] = [gateway.client(), gateway.client()];
    ada.join("presence-room", "ada");
    grace.join("presence-room", "grace");
    ada.expect("pusher_internal:member_added");

    ada.say(&json!({ "event": "client-typing", "channel": "presence-room", "data": { "at": 3 } }));
    let frame = grace.next();
    assert_eq!((&frame["event"], &frame["channel"]), (&json!("client-typing"), &json!("presence-room")));
    assert_eq!((&frame["data"], &frame["user_id"]), (&json!({ "at": 3 }), &json!("ada")));
    ada.is_alive(); // and did not get its own
}

#[test]
fn nothing_is_left_of_clients_that_are_gone() {
    let gateway = Running::new(Demo::Off);
    let mut witness = gateway.client();
    witness.join("presence-room", "witness");
    let mut clients: Vec<_> = (0..8).map(|_| gateway.client()).collect();
    for (client, id) in clients.iter_mut().zip(["a", "b", "c", "d", "e", "f", "g", "h"]) {
        client.join("presence-room", id);
        client.subscribe(&format!("private-{id}"));
        witness.expect("pusher_internal:member_added");
    }
    assert_eq!((gateway.hub.client_count(), gateway.hub.channel_count()), (9, 9));
    for client in clients {
        drop(client); // without a closing handshake
        witness.expect("pusher_internal:member_removed");
    }
    assert_eq!(gateway.hub.client_count(), 1);
    assert_eq!(gateway.hub.presence("presence-room").unwrap().len(), 1);
}
