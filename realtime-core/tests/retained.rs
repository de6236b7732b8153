//! The latest message of a channel, which is for those who come later too.

mod common;

use common::{Introducing, Peer, SECOND, Seen, TestHub};
use realtime_core::wire::Plain;
use realtime_core::{Action, Authorization, Config, Input, InputError, Member, Retained};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn retain(channel: &str, text: &str) -> Input {
    Input::Retain { channel: channel.into(), message: text.into(), except: None }
}

fn misses(peer: Peer, channel: &str) -> Seen {
    Seen::Did(Action::NothingRetained { client: peer.0, channel: channel.into() })
}

#[test]
fn a_newcomer_is_sent_the_latest_message_and_then_what_follows() {
    let mut hub = TestHub::new();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.assert_actions(retain("news", "1"), []);
    hub.assert_actions(retain("news", "2"), []);
    hub.assert_actions(a.subscribes("news"), [a.is_in("news"), a.is_sent("2")]);
    hub.assert_actions(a.subscribes("news"), []);
    hub.assert_actions(retain("news", "3"), [a.is_sent("3")]);
    hub.assert_actions(common::broadcast("news", "passes"), [a.is_sent("passes")]);
    hub.assert_actions(b.subscribes("news"), [b.is_in("news"), b.is_sent("3")]);
    hub.assert_actions(b.subscribes("olds"), [b.is_in("olds")]);
}

#[test]
fn it_outlives_the_subscribers_of_its_channel() {
    let mut hub = TestHub::new();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.actions(a.subscribes("news"));
    hub.actions(retain("news", "1"));
    hub.actions(a.is_gone());
    assert_eq!(hub.hub.channel_count(), 0);
    hub.assert_actions(b.subscribes("news"), [b.is_in("news"), b.is_sent("1")]);
}

#[test]
fn whoever_is_left_out_now_is_not_left_out_later() {
    let mut hub = TestHub::new();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.actions(a.subscribes("news"));
    hub.actions(b.subscribes("news"));
    let retain = Input::Retain { channel: "news".into(), message: "1".into(), except: Some(a.0) };
    hub.assert_actions(retain, [b.is_sent("1")]);
    hub.actions(a.unsubscribes("news"));
    hub.assert_actions(a.subscribes("news"), [a.is_in("news"), a.is_sent("1")]);
}

#[test]
fn in_a_presence_channel_it_follows_the_roster() {
    let config = Config { authorization: Authorization::Ask, ..Config::default() };
    let mut hub = TestHub::with(config, Introducing);
    let [a, b] = [(); 2].map(|()| hub.connect());
    let asked = hub.assert_asks(a.subscribes("presence-kept"));
    hub.assert_actions(
        common::allows_as(asked.request, &Member::new("ada", "")),
        [
            a.is_sent("you are in presence-kept with ada"),
            a.is_in("presence-kept"),
            common::joined("presence-kept", &Member::new("ada", "")),
            a.is_sent("nothing new in presence-kept"),
            misses(a, "presence-kept"),
        ],
    );
    hub.actions(retain("presence-kept", "1"));
    let asked = hub.assert_asks(b.subscribes("presence-kept"));
    hub.assert_actions(
        common::allows_as(asked.request, &Member::new("bob", "")),
        [
            b.is_sent("you are in presence-kept with ada,bob"),
            b.is_in("presence-kept"),
            a.is_sent("bob came into presence-kept"),
            common::joined("presence-kept", &Member::new("bob", "")),
            b.is_sent("1"),
        ],
    );
}

#[test]
fn who_is_denied_is_sent_nothing_of_it() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(retain("private-a", "secret"));
    let seen = hub.actions(a.subscribes("private-a"));
    assert!(seen.iter().all(|seen| !matches!(seen, Seen::Sent(..))), "{seen:?}");
}

#[test]
fn it_is_forgotten_when_its_time_is_over() {
    let mut hub = TestHub::with(Config { retention: MINUTE, ..Config::default() }, Introducing);
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.actions(retain("kept", "1"));
    hub.wait(MINUTE - SECOND);
    hub.assert_actions(a.subscribes("kept"), [a.is_sent("you are in kept"), a.is_in("kept"), a.is_sent("1")]);
    let kept = hub.hub.retained(&"kept".into());
    assert_eq!(kept, Some(Retained { message: &"1".into(), lasts: SECOND }));
    hub.wait(SECOND);
    hub.assert_actions(
        b.subscribes("kept"),
        [b.is_sent("you are in kept"), b.is_in("kept"), b.is_sent("nothing new in kept"), misses(b, "kept")],
    );
    assert_eq!(hub.hub.retained(&"kept".into()), None);
}

#[test]
fn the_oldest_make_room_when_there_are_too_many_or_they_are_too_long() {
    let config = Config { max_retained_messages: 3, max_retained_bytes: 20, ..Config::default() };
    let mut hub = TestHub::with(config, Plain);
    let kept = |hub: &TestHub| ["a", "b", "c", "d"].map(|name| hub.hub.retained(&name.into()).is_some());
    for name in ["a", "b", "c", "a", "d"] {
        hub.actions(retain(name, "1"));
    }
    assert_eq!(kept(&hub), [true, false, true, true], "b was the oldest when there was a fourth");

    // A frame has two bytes more than its payload, and the name counts.
    hub.actions(retain("b", "fourteen bytes"));
    assert_eq!(kept(&hub), [false, true, false, false]);
    hub.actions(retain("b", "eighteen bytes now"));
    assert_eq!(kept(&hub), [false; 4], "one that is too long does not leave the earlier one in its place");
}

#[test]
fn one_that_is_longer_than_all_may_be_takes_nobody_elses_room() {
    let config = Config { max_retained_bytes: 20, ..Config::default() };
    let mut hub = TestHub::with(config, Plain);
    hub.actions(retain("a", "1"));
    hub.actions(retain("b", "eighteen bytes now"));
    assert!(hub.hub.retained(&"a".into()).is_some());
    assert_eq!(hub.hub.retained(&"b".into()), None);
}

#[test]
fn a_closed_hub_keeps_nothing() {
    let mut hub = TestHub::new();
    hub.actions(retain("news", "1"));
    hub.actions(Input::Close);
    assert_eq!(hub.hub.retained(&"news".into()), None);
    hub.assert_refuses(retain("news", "2"), InputError::Closed);
}
