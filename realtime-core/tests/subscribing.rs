//! Coming into a channel and going out of it, what is counted, and the limits.

mod common;

use common::*;
use realtime_core::{Authorization, Config, Denial, Input, InputError, wire::Plain};

#[test]
fn subscribing_twice_is_subscribing_once() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.assert_actions(a.subscribes("chat"), [a.is_in("chat")]);
    hub.assert_actions(a.subscribes("chat"), []);
    hub.assert_actions(broadcast("chat", "hi"), [a.is_sent("hi")]);
    assert_eq!(hub.hub.subscriber_count(&"chat".into()), 1);
}

#[test]
fn unsubscribing_twice_is_unsubscribing_once() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(a.subscribes("chat"));
    hub.assert_actions(a.unsubscribes("chat"), [a.is_out_of("chat")]);
    hub.assert_actions(a.unsubscribes("chat"), []);
    hub.assert_actions(a.unsubscribes("never heard of"), []);
}

#[test]
fn a_client_that_is_gone_leaves_its_channels_in_order_of_subscribing() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    for channel in ["z", "a", "m"] {
        hub.actions(a.subscribes(channel));
    }
    hub.assert_actions(a.is_gone(), [a.is_out_of("z"), a.is_out_of("a"), a.is_out_of("m")]);
    hub.assert_actions(a.is_gone(), []);
    hub.assert_holds_nothing();
}

#[test]
fn a_client_that_must_leave_is_disconnected_and_forgotten() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(a.subscribes("chat"));
    let code = realtime_ws::CloseCode::POLICY_VIOLATION;
    hub.assert_actions(a.must_leave(), [a.is_out_of("chat"), a.is_disconnected(code, "enough")]);
    hub.assert_actions(a.is_gone(), []);
    hub.assert_refuses(a.must_leave(), InputError::UnknownClient);
}

#[test]
fn a_client_that_is_gone_can_neither_subscribe_nor_unsubscribe() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(a.is_gone());
    hub.assert_refuses(a.subscribes("chat"), InputError::UnknownClient);
    hub.assert_refuses(a.unsubscribes("chat"), InputError::UnknownClient);
}

#[test]
fn clients_channels_and_subscribers_are_counted() {
    let mut hub = TestHub::new();
    let [a, b] = [(); 2].map(|()| hub.connect());
    for (peer, channel) in [(a, "b.2"), (a, "b.1"), (b, "b.1"), (b, "a")] {
        hub.actions(peer.subscribes(channel));
    }
    assert_eq!((hub.hub.client_count(), hub.hub.channel_count()), (2, 3));
    assert_eq!(hub.hub.subscriber_count(&"b.1".into()), 2);
    assert_eq!(hub.hub.subscriber_count(&"unknown".into()), 0);
    assert!(hub.hub.channels("").eq(&["a", "b.1", "b.2"].map(|name| name.into())));
    assert!(hub.hub.channels("b.").eq(&["b.1", "b.2"].map(|name| name.into())));
    assert!(hub.hub.is_subscribed(a.0, &"b.2".into()) && !hub.hub.is_subscribed(b.0, &"b.2".into()));

    hub.actions(b.is_gone());
    assert_eq!((hub.hub.client_count(), hub.hub.channel_count()), (1, 2));
    assert_eq!(hub.hub.subscriber_count(&"b.1".into()), 1);
    assert!(!hub.hub.is_subscribed(b.0, &"b.1".into()));
}

#[test]
fn a_channel_name_is_neither_empty_nor_longer_than_the_limit() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    let longest = "x".repeat(164);
    let too_long = "x".repeat(165);
    hub.assert_actions(a.subscribes(""), [a.is_denied("", Denial::ChannelNameEmpty)]);
    hub.assert_actions(a.subscribes(&longest), [a.is_in(&longest)]);
    let denial = Denial::ChannelNameTooLong { limit: 164 };
    hub.assert_actions(a.subscribes(&too_long), [a.is_denied(&too_long, denial)]);
}

#[test]
fn a_client_is_in_as_many_channels_as_the_limit_allows_undecided_ones_included() {
    let mut hub = asking_about_at_most(2);
    let a = hub.connect();
    hub.actions(a.subscribes("one"));
    let asked = hub.assert_asks(a.subscribes("private-two"));
    let denial = Denial::TooManyChannels { limit: 2 };
    hub.assert_actions(a.subscribes("three"), [a.is_denied("three", denial.clone())]);
    hub.assert_actions(a.subscribes("private-three"), [a.is_denied("private-three", denial)]);
    hub.assert_actions(a.subscribes("one"), []);

    hub.actions(denies(asked.request, "no"));
    hub.assert_actions(a.subscribes("three"), [a.is_in("three")]);
}

#[test]
fn other_limits_hold_for_what_comes_after() {
    let mut hub = asking_about_at_most(2);
    let a = hub.connect();
    hub.actions(a.subscribes("one"));
    hub.assert_asks(a.subscribes("private-two"));
    let config =
        Config { max_channels_per_client: 1, authorization: Authorization::DenyAll, ..Config::default() };
    hub.assert_actions(Input::Configure(Box::new(config.clone())), []);
    assert_eq!(hub.hub.config().max_channels_per_client, 1);
    let denial = Denial::TooManyChannels { limit: 1 };
    hub.assert_actions(a.unsubscribes("one"), [a.is_out_of("one")]);
    hub.assert_actions(a.subscribes("one"), [a.is_denied("one", denial)]);

    let b = hub.connect();
    hub.assert_asks(b.subscribes("private-one")); // whether it is asked does not change
    hub.actions(Input::Close);
    assert_eq!(hub.hub.handle_input(Input::Configure(Box::new(config)), hub.now), Err(InputError::Closed));
}

#[test]
fn who_subscribes_and_unsubscribes_in_turn_asks_no_more_than_who_waits() {
    let mut hub = asking_about_at_most(2);
    let a = hub.connect();
    let first = hub.assert_asks(a.subscribes("private-room"));
    hub.assert_actions(a.unsubscribes("private-room"), []);
    hub.assert_asks(a.subscribes("private-room"));
    hub.assert_actions(a.unsubscribes("private-room"), []);
    let denied = a.is_denied("private-room", Denial::TooManyChannels { limit: 2 });
    hub.assert_actions(a.subscribes("private-room"), [denied]);

    hub.assert_actions(allows(first.request), []);
    hub.assert_asks(a.subscribes("private-room"));
    hub.wait(10 * SECOND);
    let timed_out = a.is_denied("private-room", Denial::AuthorizerTimedOut);
    hub.assert_actions(Input::TimePassed, [timed_out]); // one tells of it, of the two that are overdue
    hub.assert_asks(a.subscribes("private-room"));
}

fn asking_about_at_most(max_channels_per_client: usize) -> TestHub {
    let config = Config { authorization: Authorization::Ask, max_channels_per_client, ..Config::default() };
    TestHub::with(config, Plain)
}

#[test]
fn a_wire_format_may_tell_clients_that_they_are_in_or_why_they_are_not() {
    let mut hub = TestHub::with(Config::default(), Introducing);
    let a = hub.connect();
    hub.assert_actions(a.subscribes("chat"), [a.is_sent("you are in chat"), a.is_in("chat")]);
    let told = a.is_sent("you are not in private-chat: private and presence channels are closed here");
    let denied = a.is_denied("private-chat", Denial::NoAuthorizer);
    hub.assert_actions(a.subscribes("private-chat"), [told, denied]);
}
