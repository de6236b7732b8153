//! What the clients in a presence channel, and the application, learn of each other's coming and going.

mod common;

use common::*;
use realtime_core::wire::{Plain, Pusher, Wire};
use realtime_core::{Action, Authorization, Config, Denial, Member, Roster};

const ROOM: &str = "presence-room";

fn ada() -> Member {
    Member::new("ada", r#"{"name":"Ada"}"#)
}

fn bob() -> Member {
    Member::new("bob", "")
}

fn roster(members: &str) -> String {
    format!(
        r#"{{"event":"presence:subscription_succeeded","channel":"presence-room","members":[{members}]}}"#
    )
}

fn added(member: &str) -> String {
    format!(r#"{{"event":"presence:member_added","channel":"presence-room","member":{member}}}"#)
}

fn removed(member: &str) -> String {
    format!(r#"{{"event":"presence:member_removed","channel":"presence-room","member":{member}}}"#)
}

const ADA: &str = r#"{"id":"ada","info":{"name":"Ada"}}"#;
const BOB: &str = r#"{"id":"bob"}"#;

#[test]
fn a_newcomer_gets_the_roster_before_it_joined_and_then_its_own_joining() {
    let mut hub = TestHub::asking();
    let [a, b] = [(); 2].map(|()| hub.connect());
    let expected = [a.is_sent(&roster("")), a.is_in(ROOM), a.is_sent(&added(ADA)), joined(ROOM, &ada())];
    assert_eq!(hub.enter(a, ROOM, &ada()), expected);
    let expected = [
        b.is_sent(&roster(ADA)),
        b.is_in(ROOM),
        a.is_sent(&added(BOB)),
        b.is_sent(&added(BOB)),
        joined(ROOM, &bob()),
    ];
    assert_eq!(hub.enter(b, ROOM, &bob()), expected);
    assert_eq!(names(hub.hub.presence(&ROOM.into())), Some(vec!["ada", "bob"]));
}

#[test]
fn a_wire_may_be_chosen_while_the_program_runs() {
    let wire: Box<dyn Wire> = Box::new(Plain);
    let mut hub = TestHub::with(Config { authorization: Authorization::Ask, ..Config::default() }, wire);
    let [a, b] = [(); 2].map(|()| hub.connect());
    let expected = [a.is_sent(&roster("")), a.is_in(ROOM), a.is_sent(&added(ADA)), joined(ROOM, &ada())];
    assert_eq!(hub.enter(a, ROOM, &ada()), expected);
    hub.enter(b, ROOM, &bob());
    let expected = [a.is_sent(&removed(BOB)), left(ROOM, &bob()), b.is_out_of(ROOM)];
    hub.assert_actions(b.unsubscribes(ROOM), expected);
    let request = hub.assert_asks(b.subscribes(ROOM));
    let denial = Denial::Refused("no".into());
    let expected = [b.is_denied(ROOM, denial)];
    assert_eq!(hub.actions(denies(request.request, "no")), expected);
}

#[test]
fn a_wire_shows_a_roster_in_the_order_of_joining() {
    let members = Roster::from_iter([bob(), ada(), bob()]);
    let shown = Plain.subscribed(&ROOM.into(), Some(&members));
    assert_eq!(shown.as_ref().and_then(|shown| shown.as_text()), Some(&roster(&format!("{BOB},{ADA}"))[..]));
}

#[test]
fn unsubscribing_is_leaving() {
    let mut hub = TestHub::asking();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.enter(a, ROOM, &ada());
    hub.enter(b, ROOM, &bob());
    let expected = [b.is_sent(&removed(ADA)), left(ROOM, &ada()), a.is_out_of(ROOM)];
    hub.assert_actions(a.unsubscribes(ROOM), expected);
    hub.assert_actions(b.unsubscribes(ROOM), [left(ROOM, &bob()), b.is_out_of(ROOM)]);
    assert!(hub.hub.presence(&ROOM.into()).is_none());
}

#[test]
fn being_gone_is_leaving() {
    let mut hub = TestHub::asking();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.enter(a, ROOM, &ada());
    hub.enter(b, ROOM, &bob());
    hub.assert_actions(b.is_gone(), [a.is_sent(&removed(BOB)), left(ROOM, &bob()), b.is_out_of(ROOM)]);
    assert_eq!(names(hub.hub.presence(&ROOM.into())), Some(vec!["ada"]));
}

#[test]
fn being_disconnected_is_leaving() {
    let mut hub = TestHub::asking();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.enter(a, ROOM, &ada());
    hub.enter(b, ROOM, &bob());
    let code = realtime_ws::CloseCode::POLICY_VIOLATION;
    let disconnected = b.is_disconnected(code, "enough");
    let expected = [a.is_sent(&removed(BOB)), left(ROOM, &bob()), b.is_out_of(ROOM), disconnected];
    hub.assert_actions(b.must_leave(), expected);
}

#[test]
fn a_member_with_several_clients_joins_with_the_first_and_leaves_with_the_last() {
    let mut hub = TestHub::asking();
    let [laptop, phone, b] = [(); 3].map(|()| hub.connect());
    hub.enter(b, ROOM, &bob());
    hub.enter(laptop, ROOM, &ada());
    let expected = [phone.is_sent(&roster(&format!("{BOB},{ADA}"))), phone.is_in(ROOM)];
    assert_eq!(hub.enter(phone, ROOM, &ada()), expected);
    assert_eq!(names(hub.hub.presence(&ROOM.into())), Some(vec!["bob", "ada"]));
    assert_eq!(hub.hub.subscriber_count(&ROOM.into()), 3);

    hub.assert_actions(laptop.is_gone(), [laptop.is_out_of(ROOM)]);
    let expected = [b.is_sent(&removed(ADA)), left(ROOM, &ada()), phone.is_out_of(ROOM)];
    hub.assert_actions(phone.is_gone(), expected);
}

#[test]
fn while_a_member_is_there_what_it_was_first_shown_as_stands() {
    let mut hub = TestHub::asking();
    let [first, second, third] = [(); 3].map(|()| hub.connect());
    hub.enter(first, ROOM, &ada());
    hub.enter(second, ROOM, &Member::new("ada", r#"{"name":"Countess"}"#));
    hub.actions(first.is_gone());
    assert_eq!(hub.hub.member(second.0, &ROOM.into()), Some(&ada()));
    hub.assert_actions(second.unsubscribes(ROOM), [left(ROOM, &ada()), second.is_out_of(ROOM)]);

    let countess = Member::new("ada", r#"{"name":"Countess"}"#);
    assert!(hub.enter(third, ROOM, &countess).contains(&joined(ROOM, &countess)));
}

#[test]
fn a_newcomer_that_knows_itself_is_in_the_roster_and_not_told_of_its_joining() {
    let authorization = Authorization::Ask;
    let mut hub = TestHub::with(Config { authorization, ..Config::default() }, Introducing);
    let [a, b, b_again] = [(); 3].map(|()| hub.connect());
    let expected = [a.is_sent("you are in presence-room with ada"), a.is_in(ROOM), joined(ROOM, &ada())];
    assert_eq!(hub.enter(a, ROOM, &ada()), expected);
    let expected = [
        b.is_sent("you are in presence-room with ada,bob"),
        b.is_in(ROOM),
        a.is_sent("bob came into presence-room"),
        joined(ROOM, &bob()),
    ];
    assert_eq!(hub.enter(b, ROOM, &bob()), expected);
    let expected = [b_again.is_sent("you are in presence-room with ada,bob"), b_again.is_in(ROOM)];
    assert_eq!(hub.enter(b_again, ROOM, &bob()), expected);
}

#[test]
fn a_coming_or_going_is_rendered_once_however_many_are_told() {
    let mut hub = TestHub::asking();
    let [a, b, c] = [(); 3].map(|()| hub.connect());
    hub.enter(a, ROOM, &ada());
    hub.enter(b, ROOM, &bob());
    let asked = hub.assert_asks(c.subscribes(ROOM));
    let roster_then_join = vec![1, 3];
    for (input, expected) in [(allows(asked.request), roster_then_join), (c.is_gone(), vec![2])] {
        hub.hub.handle_input(input, hub.now).expect("the hub is open");
        let mut told = Vec::new();
        for action in drain(&mut hub.hub) {
            if let Action::Deliver { to, .. } = action {
                told.push(to.len());
            }
        }
        assert_eq!(told, expected, "how many clients each message goes to");
    }
}

#[test]
fn a_full_channel_denies_a_new_member_but_not_a_further_client_of_one() {
    let config =
        Config { authorization: Authorization::Ask, max_members_per_channel: 1, ..Config::default() };
    let mut hub = TestHub::with(config, Plain);
    let [a, b, a_again] = [(); 3].map(|()| hub.connect());
    hub.enter(a, ROOM, &ada());
    let denial = Denial::TooManyMembers { limit: 1 };
    assert_eq!(hub.enter(b, ROOM, &bob()), [b.is_denied(ROOM, denial)]);
    assert!(hub.enter(a_again, ROOM, &ada()).contains(&a_again.is_in(ROOM)));

    hub.actions(a.is_gone());
    hub.actions(a_again.is_gone());
    assert!(hub.enter(b, ROOM, &bob()).contains(&b.is_in(ROOM)));
}

#[test]
fn a_member_longer_than_the_limit_is_denied_and_leaves_no_channel_behind() {
    let config =
        Config { authorization: Authorization::Ask, max_member_bytes: ADA.len() - 1, ..Config::default() };
    let mut hub = TestHub::with(config, Plain);
    let a = hub.connect();
    let denial = Denial::MemberTooLong { limit: ADA.len() - 1 };
    assert_eq!(hub.enter(a, ROOM, &ada()), [a.is_denied(ROOM, denial)]);
    assert_eq!(hub.hub.channel_count(), 0);
    assert!(hub.enter(a, ROOM, &bob()).contains(&a.is_in(ROOM)));
}

#[test]
fn whom_the_roster_would_be_too_long_for_is_denied_and_nobody_has_seen_it() {
    for wire in [Box::new(Plain) as Box<dyn Wire>, Box::new(Pusher)] {
        let config = Config { authorization: Authorization::Ask, max_roster_bytes: 600, ..Config::default() };
        let mut hub = TestHub::with(config, wire);
        let mut inside = 0;
        let denied = loop {
            let peer = hub.connect();
            let seen = hub.enter(peer, ROOM, &Member::new(&format!("member-{inside}"), r#"{"a":"b"}"#));
            if !seen.contains(&peer.is_in(ROOM)) {
                break seen.last() == Some(&peer.is_denied(ROOM, Denial::RosterTooLong { limit: 600 }));
            }
            for told in &seen {
                let Seen::Sent(client, message) = told else { continue };
                assert!(*client != peer.0 || message.frame().len() <= 600);
            }
            inside += 1;
        };
        assert!(denied);
        assert!(inside > 5, "only {inside} fit");
        let roster = hub.hub.presence(&ROOM.into()).unwrap();
        assert_eq!((roster.len(), hub.hub.subscriber_count(&ROOM.into())), (inside, inside));
    }
}

#[test]
fn a_channel_that_nobody_gets_into_is_forgotten() {
    let config = Config { authorization: Authorization::Ask, max_roster_bytes: 10, ..Config::default() };
    let mut hub = TestHub::with(config, Plain);
    let a = hub.connect();
    let denial = Denial::RosterTooLong { limit: 10 };
    assert_eq!(hub.enter(a, ROOM, &ada()), [a.is_denied(ROOM, denial)]);
    assert_eq!(hub.hub.channel_count(), 0);
}

#[test]
fn names_that_mean_something_in_json_are_escaped() {
    let channel = "presence-\"\\\n";
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let seen = hub.enter(a, channel, &Member::new("\"ada\"", "not json"));
    let told = |event: &str, rest: &str| {
        a.is_sent(&format!(r#"{{"event":"presence:{event}","channel":"presence-\"\\\n",{rest}}}"#))
    };
    assert_eq!(seen[0], told("subscription_succeeded", r#""members":[]"#));
    assert_eq!(seen[2], told("member_added", r#""member":{"id":"\"ada\"","info":"not json"}"#));
}

#[test]
fn presence_of_an_unknown_or_other_channel_is_none() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    hub.actions(a.subscribes("public"));
    assert!(hub.hub.presence(&"public".into()).is_none());
    assert!(hub.hub.presence(&ROOM.into()).is_none());
}
