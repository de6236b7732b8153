//! Subscribers are told how many they are, at most once in a while, and never wrongly for good.

mod common;

use common::random::{CHANNELS, Life, config, steps};
use common::{Introducing, SECOND, Seen, TestHub, drain, seen};
use proptest::prelude::*;
use realtime_core::wire::Plain;
use realtime_core::{Authorization, ChannelKind, ChannelName, ClientId, Config, Hub, Input, Member};
use realtime_ws::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

fn counting() -> TestHub {
    let config = Config {
        authorization: Authorization::Ask,
        subscriber_count_interval: Some(SECOND),
        ..Config::default()
    };
    TestHub::with(config, Introducing)
}

#[test]
fn the_first_change_is_told_at_once_and_those_that_follow_together() {
    let mut hub = counting();
    let [a, b, c] = [(); 3].map(|()| hub.connect());
    hub.assert_actions(
        a.subscribes("news"),
        [a.is_sent("you are in news"), a.is_in("news"), a.is_sent("1 are in news")],
    );
    assert_eq!(hub.hub.poll_timeout(), Some(hub.now + SECOND));
    hub.assert_actions(b.subscribes("news"), [b.is_sent("you are in news"), b.is_in("news")]);
    hub.assert_actions(c.subscribes("news"), [c.is_sent("you are in news"), c.is_in("news")]);
    hub.wait(SECOND);
    hub.assert_actions(Input::TimePassed, [a, b, c].map(|peer| peer.is_sent("3 are in news")));

    hub.assert_actions(a.is_gone(), [a.is_out_of("news")]);
    hub.wait(SECOND);
    hub.assert_actions(Input::TimePassed, [b.is_sent("2 are in news"), c.is_sent("2 are in news")]);
    hub.wait(SECOND);
    hub.assert_actions(Input::TimePassed, []);
    assert_eq!(hub.hub.poll_timeout(), None, "nothing changed in that time");
    hub.assert_actions(b.unsubscribes("news"), [b.is_out_of("news"), c.is_sent("1 are in news")]);
}

#[test]
fn a_count_that_is_due_is_told_before_what_any_input_leads_to() {
    let mut hub = counting();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.actions(a.subscribes("news"));
    hub.actions(b.subscribes("news"));
    hub.wait(SECOND);
    hub.assert_actions(
        common::broadcast("news", "hello"),
        [a.is_sent("2 are in news"), b.is_sent("2 are in news"), a.is_sent("hello"), b.is_sent("hello")],
    );
}

#[test]
fn of_many_channels_each_input_tells_some() {
    let config = Config {
        authorization: Authorization::Ask,
        subscriber_count_interval: Some(SECOND),
        max_channels_per_client: 300,
        ..Config::default()
    };
    let mut hub = TestHub::with(config, Introducing);
    let [a, b] = [(); 2].map(|()| hub.connect());
    for number in 0..300 {
        hub.actions(a.subscribes(&format!("room {number}")));
        hub.actions(b.subscribes(&format!("room {number}")));
    }
    hub.wait(SECOND);
    assert_eq!(hub.actions(Input::TimePassed).len(), 2 * 256);
    assert!(hub.hub.poll_timeout().is_some_and(|due| due <= hub.now), "the others are due still");
    assert_eq!(hub.actions(Input::TimePassed).len(), 2 * 44);
}

#[test]
fn a_newcomer_is_told_though_the_count_is_what_it_was() {
    let mut hub = counting();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.actions(a.subscribes("news"));
    hub.actions(b.subscribes("news"));
    hub.actions(a.is_gone());
    hub.wait(SECOND);
    hub.assert_actions(Input::TimePassed, [b.is_sent("1 are in news")]);
}

#[test]
fn nothing_is_left_of_a_channel_that_everyone_left() {
    let mut hub = counting();
    let a = hub.connect();
    for _ in 0..2 {
        hub.assert_actions(
            a.subscribes("news"),
            [a.is_sent("you are in news"), a.is_in("news"), a.is_sent("1 are in news")],
        );
        hub.assert_actions(a.unsubscribes("news"), [a.is_out_of("news")]);
        assert_eq!(hub.hub.poll_timeout(), None);
    }
    hub.actions(a.subscribes("news"));
    hub.actions(Input::Close);
    assert_eq!(hub.hub.poll_timeout(), None);
}

#[test]
fn counts_are_told_from_when_they_are_wanted_until_they_are_not() {
    let mut hub = counting();
    let configure = |subscriber_count_interval| {
        Input::Configure(Box::new(Config { subscriber_count_interval, ..Config::default() }))
    };
    hub.actions(configure(None));
    let (a, b) = (hub.connect(), hub.connect());
    hub.assert_actions(a.subscribes("news"), [a.is_sent("you are in news"), a.is_in("news")]);
    hub.actions(configure(Some(SECOND)));
    hub.assert_actions(
        b.subscribes("news"),
        [
            b.is_sent("you are in news"),
            b.is_in("news"),
            a.is_sent("2 are in news"),
            b.is_sent("2 are in news"),
        ],
    );
    hub.actions(b.unsubscribes("news"));
    hub.actions(configure(None));
    hub.wait(SECOND);
    hub.assert_actions(Input::TimePassed, []);
    assert_eq!(hub.hub.poll_timeout(), None);
}

#[test]
fn where_the_wire_has_no_message_for_it_nothing_is_told() {
    let mut hub = counting();
    let a = hub.connect();
    let seen = hub.enter(a, "presence-room", &Member::new("ada", ""));
    assert!(!seen.contains(&a.is_sent("1 are in presence-room")));
    assert_eq!(hub.hub.poll_timeout(), None);

    let config = Config { subscriber_count_interval: Some(SECOND), ..Config::default() };
    let mut hub = TestHub::with(config, Plain);
    let a = hub.connect();
    hub.assert_actions(a.subscribes("news"), [a.is_in("news")]);
    assert_eq!(hub.hub.poll_timeout(), None);
}

#[test]
fn without_an_interval_nothing_is_told() {
    let mut hub = TestHub::with(Config::default(), Introducing);
    let a = hub.connect();
    hub.assert_actions(a.subscribes("news"), [a.is_sent("you are in news"), a.is_in("news")]);
}

proptest! {
    #[test]
    fn everyone_learns_the_last_count_and_no_channel_tells_twice_in_an_interval(steps in steps()) {
        const INTERVAL: Duration = Duration::from_millis(40);
        let config = Config { subscriber_count_interval: Some(INTERVAL), ..config() };
        let mut life = Life::new([0; 16]);
        life.hub = Hub::new(config, Introducing, [0; 16]);
        let mut last: BTreeMap<(ClientId, String), usize> = BTreeMap::new();
        let mut told_at: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut learn = |actions: &[realtime_core::Action], hub: &Hub, now: Timestamp| {
            let mut told_now: BTreeMap<String, usize> = BTreeMap::new();
            for seen in actions.iter().flat_map(seen) {
                let Seen::Sent(client, message) = seen else { continue };
                let text = message.as_text().unwrap_or_default();
                let Some((count, channel)) = text.split_once(" are in ") else { continue };
                let Ok(count) = count.parse() else { continue };
                last.insert((client, channel.into()), count);
                told_now.insert(channel.into(), count);
            }
            for channel in told_now.into_keys() {
                let earlier = told_at.insert(channel.clone(), now);
                assert!(earlier.is_none_or(|earlier| now.since(earlier) >= INTERVAL), "{channel} tells too often");
            }
            last.retain(|(client, channel), _| hub.is_subscribed(*client, &ChannelName::from(channel)));
            // A channel that vanished begins anew.
            told_at.retain(|channel, _| hub.subscriber_count(&ChannelName::from(channel)) > 0);
            last.clone()
        };
        for step in &steps {
            if let Some((_, _, actions)) = life.live(step) {
                learn(&actions, &life.hub, life.now);
            }
        }
        life.now = life.now + INTERVAL;
        life.hub.handle_input(Input::TimePassed, life.now).expect("time may pass");
        let actions = drain(&mut life.hub);
        let last = learn(&actions, &life.hub, life.now);
        for channel in CHANNELS.map(ChannelName::from) {
            let subscribers = life.hub.subscriber_count(&channel);
            for ((client, name), told) in &last {
                if name == channel.as_str() {
                    prop_assert_eq!(*told, subscribers, "{} in {}", client, name);
                }
            }
            if channel.kind() != ChannelKind::Presence {
                let knowing = last.keys().filter(|(_, name)| name == channel.as_str());
                prop_assert_eq!(knowing.count(), subscribers, "all of {} know", channel);
            }
        }
    }
}
