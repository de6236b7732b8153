//! Clients without a connection: what they receive, what wakes them, and how they end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Peer, TestHub, broadcast};
use realtime_core::{
    Action, ClientId, Ending, Home, Input, LocalClients, Notice, Order, OutboxLimits, Received, SlowConsumer,
    TOO_SLOW,
};
use realtime_ws::CloseCode;

/// A hub with its local clients, of which each counts how often it was woken.
struct House {
    hub: TestHub,
    locals: LocalClients<u32>,
    losses: Vec<Notice>,
}

impl House {
    fn with(limits: OutboxLimits) -> Self {
        Self { hub: TestHub::new(), locals: LocalClients::new(limits), losses: Vec::new() }
    }

    fn new() -> Self {
        Self::with(OutboxLimits::default())
    }

    fn connect_to(&mut self, channel: &str) -> Peer {
        let peer = self.hub.connect();
        self.locals.insert(peer.0, 0);
        self.handle(peer.subscribes(channel));
        peer
    }

    fn handle(&mut self, input: Input) {
        self.hub.hub.handle_input(input, self.hub.now).unwrap();
        for action in common::drain(&mut self.hub.hub) {
            let order = match action {
                Action::Deliver { to, message } => Order::Deliver { to, parcel: message.into() },
                Action::Disconnect { client, code, reason, .. } => Order::Disconnect { client, code, reason },
                Action::Connected { .. }
                | Action::Authorize(_)
                | Action::Subscribed { .. }
                | Action::Denied { .. }
                | Action::NothingRetained { .. }
                | Action::Unsubscribed { .. }
                | Action::Joined { .. }
                | Action::Left { .. }
                | Action::Closed => continue,
            };
            let losses = &mut self.losses;
            self.locals.perform(order, Home::default(), |woken| *woken += 1, |loss| losses.push(loss));
        }
    }

    fn received(&mut self, client: ClientId) -> Vec<String> {
        let mut texts = Vec::new();
        while let Received::Message(message) = self.locals.receive(client) {
            texts.push(message.as_text().unwrap().to_owned());
        }
        texts
    }
}

#[test]
fn messages_are_received_in_order_and_then_nothing() {
    let mut house = House::new();
    let peer = house.connect_to("room");
    for text in ["1", "2", "3"] {
        house.handle(broadcast("room", text));
    }
    assert_eq!(house.locals.waker(peer.0), Some(&mut 3));
    assert_eq!(house.received(peer.0), ["1", "2", "3"]);
    assert_eq!(house.locals.receive(peer.0), Received::Nothing);
}

#[test]
fn what_came_before_the_end_is_received_before_it() {
    let mut house = House::new();
    let peer = house.connect_to("room");
    house.handle(broadcast("room", "last words"));
    house.handle(peer.must_leave());
    house.handle(broadcast("room", "too late"));
    assert_eq!(house.received(peer.0), ["last words"]);
    let ending = Ending { code: CloseCode::POLICY_VIOLATION, reason: "enough".into() };
    for _ in 0..2 {
        assert_eq!(house.locals.receive(peer.0), Received::Ended(ending.clone()), "now and ever");
    }
}

#[test]
fn a_client_that_has_ended_keeps_what_waits_while_its_index_serves_another() {
    let mut house = House::new();
    let former = house.connect_to("room");
    house.handle(broadcast("room", "for the former"));
    house.handle(former.must_leave());
    let latter = house.connect_to("room");
    assert_eq!(former.0.index(), latter.0.index(), "the hub gives the index away");
    house.handle(broadcast("room", "for the latter"));

    assert_eq!(house.received(former.0), ["for the former"]);
    let ending = Ending { code: CloseCode::POLICY_VIOLATION, reason: "enough".into() };
    assert_eq!(house.locals.receive(former.0), Received::Ended(ending));
    house.locals.remove(former.0);
    assert_eq!(house.received(latter.0), ["for the latter"]);
    assert_eq!(house.locals.receive(latter.0), Received::Nothing);
}

#[test]
fn a_client_that_was_removed_has_ended() {
    let mut house = House::new();
    let peer = house.connect_to("room");
    for text in ["1", "2"] {
        house.handle(broadcast("room", text));
    }
    assert_eq!(house.locals.remove(peer.0), 2, "messages that nobody will receive");
    assert_eq!(house.locals.remove(peer.0), 0);
    let ending = Ending { code: CloseCode::NORMAL, reason: String::new() };
    assert_eq!(house.locals.receive(peer.0), Received::Ended(ending));
    assert_eq!(house.locals.waker(peer.0), None);
}

#[test]
fn a_slow_client_loses_the_newest_and_it_is_counted() {
    let mut house = House::with(OutboxLimits { max_messages: 2, ..OutboxLimits::default() });
    let peer = house.connect_to("room");
    for text in ["1", "2", "3", "4"] {
        house.handle(broadcast("room", text));
    }
    let client = peer.0;
    assert_eq!(house.losses, [1, 1].map(|messages| Notice::Dropped { client, messages }));
    assert_eq!(house.locals.dropped(client), 2);
    assert_eq!(house.received(client), ["1", "2"]);
    house.handle(broadcast("room", "5"));
    assert_eq!(house.received(client), ["5"], "it lives");
}

#[test]
fn a_slow_client_loses_the_oldest_if_the_policy_says_so() {
    let policy = SlowConsumer::DropOldest;
    let mut house = House::with(OutboxLimits { max_messages: 2, policy, ..OutboxLimits::default() });
    let peer = house.connect_to("room");
    for text in ["1", "2", "3", "4"] {
        house.handle(broadcast("room", text));
    }
    assert_eq!(house.locals.dropped(peer.0), 2);
    assert_eq!(house.received(peer.0), ["3", "4"]);
}

#[test]
fn a_slow_client_is_ended_once_if_the_policy_says_so() {
    let policy = SlowConsumer::Disconnect;
    let mut house = House::with(OutboxLimits { max_messages: 2, policy, ..OutboxLimits::default() });
    let (slow, other) = (house.connect_to("room"), house.connect_to("other"));
    for text in ["1", "2", "3", "4"] {
        house.handle(broadcast("room", text));
    }
    house.handle(broadcast("other", "hi"));
    let client = slow.0;
    let undelivered = |messages| Notice::Undelivered { client, messages };
    assert_eq!(house.losses, [Notice::TooSlow { client }, undelivered(3), undelivered(1)]);
    let (code, reason) = TOO_SLOW;
    assert_eq!(house.locals.receive(slow.0), Received::Ended(Ending { code, reason: reason.into() }));
    assert_eq!(house.locals.dropped(slow.0), 0);
    assert_eq!(house.received(other.0), ["hi"], "the other one is none the worse");
}

#[test]
fn a_client_of_another_home_is_left_to_that() {
    let mut house = House::new();
    let elsewhere = house.hub.connect_at(Home(1), b"");
    house.locals.insert(elsewhere.0, 0);
    house.handle(elsewhere.subscribes("room"));
    house.handle(broadcast("room", "hi"));
    assert_eq!(house.locals.receive(elsewhere.0), Received::Nothing);
}

#[test]
fn what_is_ordered_for_a_client_that_was_removed_is_undelivered() {
    let mut house = House::new();
    let [gone, there] = [(); 2].map(|()| house.connect_to("room"));
    house.locals.remove(gone.0);
    house.handle(broadcast("room", "hello"));
    assert_eq!(house.losses, [Notice::Undelivered { client: gone.0, messages: 1 }]);
    assert_eq!(house.received(there.0), ["hello"]);
}
