use crate::common::Pair;
use realtime_core::Member;
use realtime_core::pusher::client::{Event, Presence};
use serde_json::json;

fn member(id: &str) -> Member {
    Member::new(id, "{}")
}

fn ids(pair: &Pair, channel: &str) -> Vec<String> {
    let roster = pair.client.roster(&channel.into()).unwrap();
    roster.members().map(|member| member.id().to_string()).collect()
}

#[test]
fn members_are_shown_on_entering_and_then_as_they_come_and_go() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.subscribe("presence-a");
    let question = pair.question();
    pair.answers(&question, "key:signature", Some(r#"{"user_id":"me"}"#));
    assert!(pair.client.roster(&channel).is_none() && pair.client.me(&channel).is_none());
    pair.shows(connection, "presence-a", &["zoe", "me", "ada"]);
    let members = ["zoe", "me", "ada"].map(member).to_vec();
    let presence = Some(Presence { members, me: Some(member("me")) });
    assert_eq!(pair.events(), [Event::Subscribed { channel: channel.clone(), presence }]);

    let bob = json!({ "user_id": "bob", "user_info": { "name": "Bob" } });
    pair.tells(connection, "pusher_internal:member_added", "presence-a", &bob);
    pair.tells(connection, "pusher_internal:member_added", "presence-a", &bob); // is known
    pair.tells(connection, "pusher_internal:member_removed", "presence-a", &json!({ "user_id": "zoe" }));
    pair.tells(connection, "pusher_internal:member_removed", "presence-a", &json!({ "user_id": "zoe" }));
    let bob = Member::new("bob", r#"{"name":"Bob"}"#);
    assert_eq!(
        pair.events(),
        [
            Event::MemberJoined { channel: channel.clone(), member: bob.clone() },
            Event::MemberLeft { channel: channel.clone(), member: member("zoe") }
        ]
    );
    assert_eq!(ids(&pair, "presence-a"), ["me", "ada", "bob"]);
    assert_eq!(pair.client.roster(&channel).unwrap().get("bob"), Some(&bob));

    pair.client.unsubscribe(&channel);
    assert!(pair.client.roster(&channel).is_none() && pair.client.me(&channel).is_none());
}

#[test]
fn after_a_reconnect_the_members_are_those_of_the_new_connection() {
    let (mut pair, first) = Pair::connected();
    let channel = pair.is_in(first, "presence-a");
    pair.tells(first, "pusher_internal:member_added", "presence-a", &json!({ "user_id": "ada" }));
    pair.is_lost(first);
    assert!(pair.client.roster(&channel).is_none());
    let second = pair.attempt().1;
    pair.greets(second, "2.2");
    pair.events();
    let question = pair.question();
    pair.answers(&question, "key:signature", Some(r#"{"user_id":"me"}"#));
    pair.shows(second, "presence-a", &["me", "bob"]);
    assert_eq!(ids(&pair, "presence-a"), ["me", "bob"]);
    // No leaving is told of ada: this roster takes the place of the earlier one.
    assert!(matches!(pair.events()[..], [Event::Subscribed { .. }]));
}

#[test]
fn rosters_are_read_however_servers_write_them() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.is_in(connection, "presence-a");
    // Numbers as ids; one that is listed twice, one that is not listed, one of which nothing is known.
    let data = json!({ "presence": {
        "ids": [2, 1, 2, "nobody"],
        "hash": { "1": null, "2": { "name": "Two" }, "3": [] },
        "count": 3,
    } });
    pair.tells(connection, "pusher_internal:subscription_succeeded", "presence-a", &data);
    assert_eq!(ids(&pair, "presence-a"), ["2", "1", "3"]);
    let roster = pair.client.roster(&channel).unwrap();
    assert_eq!(roster.get("2").unwrap().info(), Some(r#"{"name":"Two"}"#));
    assert!(pair.client.me(&channel).is_none(), "it is not in the list");
    pair.tells(connection, "pusher_internal:member_removed", "presence-a", &json!({ "user_id": 2 }));
    assert_eq!(ids(&pair, "presence-a"), ["1", "3"]);
}

#[test]
fn a_roster_that_cannot_be_read_is_told_and_lets_nobody_in() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.subscribe("presence-a");
    let question = pair.question();
    pair.answers(&question, "key:signature", Some("not JSON")); // the server will not like it
    pair.lets_in(connection, "presence-a");
    assert!(!pair.client.is_subscribed(&channel));
    let [Event::Malformed { reason }] = &pair.events()[..] else { panic!() };
    assert!(reason.starts_with("the roster is not valid: missing field `presence`"), "{reason}");
}

#[test]
fn members_of_channels_that_one_is_not_in_are_ignored() {
    let (mut pair, connection) = Pair::connected();
    pair.subscribe("presence-a");
    for channel in ["presence-a", "presence-b"] {
        pair.tells(connection, "pusher_internal:member_added", channel, &json!({ "user_id": "ada" }));
        pair.tells(connection, "pusher_internal:member_removed", channel, &json!({ "user_id": "ada" }));
    }
    assert_eq!(pair.events(), []);
}
