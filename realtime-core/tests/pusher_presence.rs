//! Clients, conversations, the hub and the authorizer together: what goes over the wire when clients come and go.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

mod pusher_common;

use proptest::prelude::*;
use pusher_common::{Gateway, app, decoded, subscribe, unsubscribe};
use realtime_core::pusher::SigningString;
use realtime_core::pusher::http::{Publish, PublishLimits};
use realtime_core::{Config, Input};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn a_public_channel_is_open_to_anyone() {
    let mut gateway = Gateway::new();
    let ada = gateway.connect();
    gateway.says(ada, &subscribe("news", "", None));
    assert_eq!(
        gateway.receives(ada),
        [r#"{"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"}"#]
    );
}

#[test]
fn a_private_channel_is_open_to_whom_the_app_signed_for() {
    let mut gateway = Gateway::new();
    let (ada, bob) = (gateway.connect(), gateway.connect());
    gateway.subscribes(ada, "private-a", None);
    assert_eq!(
        gateway.receives(ada),
        [r#"{"event":"pusher_internal:subscription_succeeded","channel":"private-a","data":"{}"}"#]
    );

    gateway.says(bob, &subscribe("private-a", "key:wrong", None));
    assert_eq!(
        gateway.receives(bob),
        [concat!(
            r#"{"event":"pusher:subscription_error","channel":"private-a","data":{"type":"AuthError","#,
            r#""error":"the signature in auth is not the HMAC-SHA256 of 0.2:private-a with the app's secret, in lower-case hex","#,
            r#""status":401}}"#
        )]
    );
}

#[test]
fn what_is_wrong_with_a_subscribe_is_told() {
    let mut gateway = Gateway::new();
    let ada = gateway.connect();
    let mut error = |message: &Value| {
        gateway.says(ada, message);
        let [frame] = &gateway.receives(ada)[..] else { panic!("not one answer") };
        let frame: Value = serde_json::from_str(frame).unwrap();
        assert_eq!(frame["event"], "pusher:subscription_error");
        frame["data"]["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        error(&subscribe("private-a", "", None)),
        "auth is missing; it must be \"key:signature\", signed by the app's server"
    );
    assert_eq!(
        error(&subscribe("private-a", "other:aa", None)),
        "auth is signed for the app key \"other\", which is not the one of this connection"
    );
    let signed = |channel_data: Option<&str>| {
        let socket_id = "0.1".parse().unwrap();
        let auth = app().auth(&SigningString::Channel { socket_id, channel: "presence-a", channel_data });
        subscribe("presence-a", &auth, channel_data)
    };
    assert_eq!(
        error(&signed(None)),
        "channel_data is missing; on presence channels it must be {\"user_id\":…,\"user_info\":…}, or the client be \
         signed in"
    );
    assert_eq!(error(&signed(Some("{}"))), "user_id is missing from channel_data");
}

#[test]
fn a_newcomer_is_told_of_everyone_itself_included_and_the_others_of_it() {
    let mut gateway = Gateway::new();
    let (ada, bob) = (gateway.connect(), gateway.connect());

    gateway.subscribes(ada, "presence-a", Some(r#"{"user_id":"ada","user_info":{"name":"Ada \"A\""}}"#));
    assert_eq!(
        gateway.receives(ada),
        [concat!(
            r#"{"event":"pusher_internal:subscription_succeeded","channel":"presence-a","data":"{\"presence\":{"#,
            r#"\"ids\":[\"ada\"],\"hash\":{\"ada\":{\"name\":\"Ada \\\"A\\\"\"}},\"count\":1}}"}"#
        )]
    );

    gateway.subscribes(bob, "presence-a", Some(r#"{"user_id":7}"#));
    let [frame] = &gateway.receives(bob)[..] else { panic!("not one frame") };
    assert_eq!(
        decoded(frame).1,
        json!({ "presence": { "ids": ["ada", "7"], "hash": { "ada": { "name": "Ada \"A\"" }, "7": {} }, "count": 2 } })
    );
    assert_eq!(
        gateway.receives(ada),
        [
            r#"{"event":"pusher_internal:member_added","channel":"presence-a","data":"{\"user_id\":\"7\",\"user_info\":{}}"}"#
        ]
    );

    gateway.says(bob, &unsubscribe("presence-a"));
    assert_eq!(
        gateway.receives(ada),
        [r#"{"event":"pusher_internal:member_removed","channel":"presence-a","data":"{\"user_id\":\"7\"}"}"#]
    );
    assert!(gateway.receives(bob).is_empty());
}

#[test]
fn a_person_with_two_tabs_comes_once_and_goes_once() {
    let mut gateway = Gateway::new();
    let (ada, bob, bob_too) = (gateway.connect(), gateway.connect(), gateway.connect());
    let data = Some(r#"{"user_id":"bob","user_info":1}"#);
    gateway.subscribes(ada, "presence-a", Some(r#"{"user_id":"ada"}"#));
    gateway.subscribes(bob, "presence-a", data);
    gateway.receives(ada);

    gateway.subscribes(bob_too, "presence-a", data);
    let [frame] = &gateway.receives(bob_too)[..] else { panic!("not one frame") };
    assert_eq!(decoded(frame).1["presence"]["ids"], json!(["ada", "bob"]));
    assert!(gateway.receives(ada).is_empty());

    gateway.input(Input::Gone { client: bob });
    assert!(gateway.receives(ada).is_empty());
    gateway.input(Input::Gone { client: bob_too });
    let [frame] = &gateway.receives(ada)[..] else { panic!("not one frame") };
    assert_eq!(decoded(frame).0["event"], "pusher_internal:member_removed");
}

#[test]
fn a_client_event_reaches_the_others_with_its_sender() {
    let mut gateway = Gateway::new();
    let (ada, bob, eve) = (gateway.connect(), gateway.connect(), gateway.connect());
    gateway.subscribes(ada, "presence-a", Some(r#"{"user_id":"ada"}"#));
    gateway.subscribes(bob, "presence-a", Some(r#"{"user_id":"bob"}"#));
    gateway.receives(ada);
    gateway.receives(bob);

    let typing = json!({ "event": "client-typing", "channel": "presence-a", "data": { "on": true } });
    gateway.says(ada, &typing);
    assert_eq!(
        gateway.receives(bob),
        [r#"{"event":"client-typing","channel":"presence-a","data":{"on":true},"user_id":"ada"}"#]
    );
    assert!(gateway.receives(ada).is_empty());

    gateway.says(eve, &typing);
    assert!(gateway.receives(bob).is_empty());
    let [refusal] = &gateway.receives(eve)[..] else { panic!("not one frame") };
    assert!(refusal.starts_with(r#"{"event":"pusher:error""#), "{refusal}");
}

#[test]
fn a_publisher_is_told_what_it_asks_of_the_channels() {
    let mut gateway = Gateway::new();
    let (ada, ada_too) = (gateway.connect(), gateway.connect());
    for client in [ada, ada_too] {
        gateway.subscribes(client, "presence-a", Some(r#"{"user_id":"ada"}"#));
    }
    gateway.says(ada, &subscribe("b", "", None));

    let answer = |info: &str| {
        let body =
            json!({ "name": "e", "data": "", "channels": ["presence-a", "b", "presence-c"], "info": info });
        Publish::parse(body.to_string().as_bytes(), &PublishLimits::DEFAULT).unwrap().answer(&gateway.hub)
    };
    assert_eq!(answer(""), "{}");
    assert_eq!(
        answer("user_count"),
        r#"{"channels":{"presence-a":{"user_count":1},"b":{},"presence-c":{"user_count":0}}}"#
    );
    assert_eq!(
        answer("subscription_count,user_count"),
        concat!(
            r#"{"channels":{"presence-a":{"subscription_count":2,"user_count":1},"b":{"subscription_count":1},"#,
            r#""presence-c":{"subscription_count":0,"user_count":0}}}"#
        )
    );
}

#[test]
fn limits_of_the_hub_are_told_with_their_status() {
    let mut gateway = Gateway::with(Config { max_channels_per_client: 1, ..Config::default() });
    let ada = gateway.connect();
    gateway.says(ada, &subscribe("a", "", None));
    gateway.receives(ada);
    gateway.says(ada, &subscribe("b", "", None));
    let [frame] = &gateway.receives(ada)[..] else { panic!("not one frame") };
    let frame: Value = serde_json::from_str(frame).unwrap();
    assert_eq!((&frame["data"]["type"], &frame["data"]["status"]), (&json!("LimitReached"), &json!(429)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_roster_decodes_to_its_members(
        people in prop::collection::btree_map("\\PC{1,20}|[\"\\\\\n\t]{1,9}", any::<String>(), 1..12)
    ) {
        let mut gateway = Gateway::new();
        let mut last = None;
        for (id, info) in &people {
            let client = gateway.connect();
            let channel_data = json!({ "user_id": id, "user_info": { "text": info } }).to_string();
            prop_assume!(channel_data.len() <= 1024);
            gateway.subscribes(client, "presence-a", Some(&channel_data));
            last = Some(client);
        }
        let frames = gateway.receives(last.unwrap());
        let (_, data) = decoded(&frames[0]);
        let ids: Vec<&String> = people.keys().collect();
        let hash: BTreeMap<&String, Value> = people.iter().map(|(id, info)| (id, json!({ "text": info }))).collect();
        prop_assert_eq!(data, json!({ "presence": { "ids": ids, "hash": hash, "count": people.len() } }));
    }
}
