//! Who gets what is broadcast to a channel or sent to one client.

mod common;

use common::*;
use realtime_core::{Action, Home, Input, InputError};

#[test]
fn every_subscriber_gets_a_broadcast_in_order_of_subscribing() {
    let mut hub = TestHub::new();
    let [a, b, c] = [(); 3].map(|()| hub.connect());
    hub.assert_actions(b.subscribes("orders"), [b.is_in("orders")]);
    hub.assert_actions(a.subscribes("orders"), [a.is_in("orders")]);
    hub.assert_actions(c.subscribes("invoices"), [c.is_in("invoices")]);
    hub.assert_actions(broadcast("orders", "42"), [b.is_sent("42"), a.is_sent("42")]);
}

#[test]
fn a_binary_broadcast_arrives_as_binary() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(a.subscribes("blobs"));
    let bytes = [0, 159, 146, 150];
    let input = Input::Broadcast { channel: "blobs".into(), message: (&bytes).into(), except: None };
    hub.assert_actions(input, [a.is_sent_binary(&bytes)]);
}

#[test]
fn a_broadcast_to_an_unknown_channel_reaches_nobody_and_is_no_error() {
    let mut hub = TestHub::new();
    hub.assert_actions(broadcast("nowhere", "hello"), []);
    let a = hub.connect();
    hub.actions(a.subscribes("somewhere"));
    hub.actions(a.unsubscribes("somewhere"));
    hub.assert_actions(broadcast("somewhere", "hello"), []);
}

#[test]
fn a_broadcast_leaves_out_the_excepted_client() {
    let mut hub = TestHub::new();
    let [a, b, c] = [(); 3].map(|()| hub.connect());
    for peer in [a, b, c] {
        hub.actions(peer.subscribes("chat"));
    }
    hub.assert_actions(broadcast_except("chat", "hi", b), [a.is_sent("hi"), c.is_sent("hi")]);
}

#[test]
fn excepting_a_client_that_is_not_subscribed_or_gone_leaves_out_nobody() {
    let mut hub = TestHub::new();
    let [a, stranger, gone] = [(); 3].map(|()| hub.connect());
    hub.actions(a.subscribes("chat"));
    hub.actions(gone.subscribes("chat"));
    hub.actions(gone.is_gone());
    for except in [stranger, gone] {
        hub.assert_actions(broadcast_except("chat", "hi", except), [a.is_sent("hi")]);
    }
}

#[test]
fn a_broadcast_to_nobody_but_the_excepted_client_is_no_delivery() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(a.subscribes("chat"));
    hub.assert_actions(broadcast_except("chat", "hi", a), []);
}

#[test]
fn a_broadcast_is_one_delivery_that_names_each_home_once() {
    let mut hub = TestHub::new();
    let [left, right] = [Home(1), Home(2)];
    let [a, b, c] = [right, left, right].map(|home| hub.connect_at(home, &[]));
    for peer in [a, b, c] {
        hub.actions(peer.subscribes("chat"));
    }
    hub.hub.handle_input(broadcast("chat", "hi"), hub.now).expect("the hub is open");
    let actions = drain(&mut hub.hub);
    let [Action::Deliver { to, .. }] = &actions[..] else { panic!("not one delivery, but {actions:?}") };
    assert!(to.homes().eq([left, right]));
    assert!(to.at(left).eq([b.0]));
    assert!(to.at(right).eq([a.0, c.0]));
    assert!(to.iter().eq([b.0, a.0, c.0]));
}

#[test]
fn a_message_can_be_sent_to_one_client() {
    let mut hub = TestHub::new();
    let [_, b] = [(); 2].map(|()| hub.connect());
    hub.assert_actions(b.gets("just you"), [b.is_sent("just you")]);
}

#[test]
fn sending_to_a_client_that_is_gone_is_refused_even_if_its_place_is_taken() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(a.is_gone());
    hub.assert_refuses(a.gets("are you there?"), InputError::UnknownClient);
    let b = hub.connect();
    assert_eq!(a.0.index(), b.0.index());
    hub.assert_refuses(a.gets("are you there?"), InputError::UnknownClient);
}
