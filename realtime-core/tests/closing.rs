//! Closing the hub: everyone leaves once, and nothing is accepted any more.

mod common;

use common::*;
use realtime_core::{Credentials, Home, Input, InputError, Member};
use realtime_ws::CloseCode;

const ROOM: &str = "presence-room";

#[test]
fn closing_lets_everyone_leave_in_order_of_connecting() {
    let mut hub = TestHub::asking();
    let [gone, b] = [(); 2].map(|()| hub.connect());
    hub.actions(gone.is_gone());
    let c = hub.connect();
    assert!(c.0.index() < b.0.index(), "the order of places is not the order of connecting");
    let (bob, eve) = (Member::new("bob", ""), Member::new("eve", ""));
    hub.enter(c, ROOM, &eve);
    hub.enter(b, ROOM, &bob);
    hub.actions(b.subscribes("chat"));

    let disconnected = |peer: Peer| peer.is_disconnected(CloseCode::GOING_AWAY, "the server is closing");
    let expected = [
        left(ROOM, &bob),
        b.is_out_of(ROOM),
        b.is_out_of("chat"),
        disconnected(b),
        left(ROOM, &eve),
        c.is_out_of(ROOM),
        disconnected(c),
        closed(),
    ];
    hub.assert_actions(Input::Close, expected);
    assert!(hub.hub.is_closed());
    hub.assert_holds_nothing();
}

#[test]
fn a_member_with_several_clients_leaves_once_when_the_hub_closes() {
    let mut hub = TestHub::asking();
    let [first, second] = [(); 2].map(|()| hub.connect());
    let ada = Member::new("ada", "");
    hub.enter(first, ROOM, &ada);
    hub.enter(second, ROOM, &ada);
    let seen = hub.actions(Input::Close);
    assert_eq!(seen.iter().filter(|seen| **seen == left(ROOM, &ada)).count(), 1);
}

#[test]
fn a_closed_hub_accepts_nothing() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.actions(Input::Close);
    let connect = Input::Connect { credentials: Credentials::NONE, home: Home::default() };
    let inputs = [
        connect,
        a.subscribes("chat"),
        a.unsubscribes("chat"),
        a.gets("hi"),
        a.must_leave(),
        broadcast("chat", "hi"),
    ];
    for input in inputs {
        hub.assert_refuses(input, InputError::Closed);
    }
}

#[test]
fn closing_again_and_what_follows_from_closing_is_no_error() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    hub.assert_asks(a.subscribes("private-room"));
    hub.actions(Input::Close);
    hub.wait(60 * SECOND);
    hub.assert_actions(Input::Close, []);
    hub.assert_actions(a.is_gone(), []);
    hub.assert_actions(Input::TimePassed, []);
}
