//! The exchange: what lands in which mailbox, who is woken, what the caller is answered, and what is refused
//! when too much waits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Introducing, SECOND, SEED, allows, allows_as, broadcast};
use realtime_core::wire::Plain;
use realtime_core::{
    Authorization, AuthorizationRequest, ChannelName, ClientId, Config, Credentials, Denial, Exchange, Home,
    Hub, HubError, Input, MailboxLimits, Member, Notice, Order, Outcome, Parcel,
};
use realtime_ws::{CloseCode, Timestamp};
use std::collections::VecDeque;

const HERE: Home = Home(0);
const START: Timestamp = Timestamp::START;

fn exchange(limits: MailboxLimits) -> Exchange {
    let config = Config { authorization: Authorization::Ask, ..Config::default() };
    Exchange::new(Hub::new(config, Plain, SEED), limits)
}

fn connect(exchange: &mut Exchange, home: Home) -> ClientId {
    let connect = Input::Connect { credentials: Credentials::NONE, home };
    match exchange.handle_input(connect, START) {
        Ok(Outcome::Connected(client)) => client,
        other => panic!("a connect came to {other:?}"),
    }
}

fn subscribe(client: ClientId, channel: &str) -> Input {
    Input::Subscribe { client, channel: channel.into(), credentials: None }
}

fn asks(exchange: &mut Exchange, client: ClientId, channel: &str) -> AuthorizationRequest {
    match exchange.handle_input(subscribe(client, channel), START) {
        Ok(Outcome::Authorize(request)) => request,
        other => panic!("a subscribe to {channel} came to {other:?}"),
    }
}

/// A client of each of two homes, both subscribed to `room`.
fn two_homes(limits: MailboxLimits) -> (Exchange, [(Home, ClientId); 2]) {
    let mut exchange = exchange(limits);
    let homes = [HERE, exchange.add_home().unwrap()];
    let clients = homes.map(|home| {
        let client = connect(&mut exchange, home);
        assert_eq!(exchange.handle_input(subscribe(client, "room"), START), Ok(Outcome::Subscribed));
        (home, client)
    });
    (exchange, clients)
}

fn woken(exchange: &mut Exchange) -> Vec<Home> {
    let mut woken: Vec<_> = std::iter::from_fn(|| exchange.poll_wake()).collect();
    woken.sort();
    woken
}

fn notices(exchange: &mut Exchange) -> Vec<Notice> {
    std::iter::from_fn(|| exchange.poll_notice()).collect()
}

/// The texts that `home` has to deliver, and to whom; then that mailbox is empty.
fn deliveries(exchange: &mut Exchange, home: Home) -> Vec<(Vec<ClientId>, String)> {
    let mut orders = VecDeque::new();
    exchange.take_orders(home, &mut orders);
    let delivery = |order| match order {
        Order::Deliver { to, parcel } => (to.at(home).collect(), texts(&parcel).concat()),
        Order::Disconnect { client, .. } => panic!("{client} is disconnected"),
    };
    orders.into_iter().map(delivery).collect()
}

fn texts(parcel: &Parcel) -> Vec<String> {
    parcel.messages().iter().map(|message| message.as_text().unwrap().into()).collect()
}

#[test]
fn each_home_gets_one_order_for_all_of_its_clients() {
    let (mut exchange, [(here, a), (there, b)]) = two_homes(MailboxLimits::default());
    let c = connect(&mut exchange, there);
    assert_eq!(exchange.handle_input(subscribe(c, "room"), START), Ok(Outcome::Subscribed));
    assert_eq!(exchange.handle_input(broadcast("room", "hi"), START), Ok(Outcome::Taken));
    assert_eq!(deliveries(&mut exchange, here), [(vec![a], "hi".into())]);
    assert_eq!(deliveries(&mut exchange, there), [(vec![b, c], "hi".into())]);
}

#[test]
fn a_home_is_woken_once_until_it_takes_its_orders() {
    let (mut exchange, [(here, _), (there, _)]) = two_homes(MailboxLimits::default());
    for text in ["1", "2"] {
        exchange.handle_input(broadcast("room", text), START).unwrap();
    }
    assert_eq!(woken(&mut exchange), [here, there]);
    exchange.handle_input(broadcast("room", "3"), START).unwrap();
    assert_eq!(woken(&mut exchange), [], "what is there is known to be there");
    assert_eq!(deliveries(&mut exchange, here).len(), 3);
    exchange.handle_input(broadcast("room", "4"), START).unwrap();
    assert_eq!(woken(&mut exchange), [here]);
    assert_eq!(deliveries(&mut exchange, there).len(), 4);
}

#[test]
fn a_home_has_orders_until_it_takes_them() {
    let (mut exchange, [(there, _), _]) = two_homes(MailboxLimits::default());
    assert!(!exchange.has_orders(there) && !exchange.has_orders(Home(7)));
    exchange.handle_input(broadcast("room", "hi"), START).unwrap();
    assert!(exchange.has_orders(there));
    exchange.take_orders(there, &mut VecDeque::new());
    assert!(!exchange.has_orders(there));
}

#[test]
fn a_loop_learns_since_when_the_first_of_its_orders_waits() {
    let (mut exchange, [(here, _), (there, _)]) = two_homes(MailboxLimits::default());
    let taken = |exchange: &mut Exchange, home| exchange.take_orders(home, &mut VecDeque::new());
    for seconds in 1..=3 {
        exchange.handle_input(broadcast("room", "hi"), START + seconds * SECOND).unwrap();
    }
    assert_eq!(taken(&mut exchange, here), Some(START + SECOND));
    assert_eq!(taken(&mut exchange, here), None, "it has taken all");
    exchange.handle_input(broadcast("room", "hi"), START + 4 * SECOND).unwrap();
    assert_eq!(taken(&mut exchange, here), Some(START + 4 * SECOND));
    assert_eq!(taken(&mut exchange, there), Some(START + SECOND));
    assert_eq!(taken(&mut exchange, Home(7)), None, "there is no such home");
}

#[test]
fn a_full_mailbox_refuses_what_the_application_wants_and_takes_what_must_be() {
    let limits = MailboxLimits { max_orders: 2, ..MailboxLimits::default() };
    let (mut exchange, [(here, a), (there, b)]) = two_homes(limits);
    notices(&mut exchange);
    for text in ["1", "2"] {
        exchange.handle_input(broadcast("room", text), START).unwrap();
    }
    let wishes = [
        broadcast("room", "3"),
        Input::Send { client: a, message: "3".into() },
        subscribe(a, "other"),
        Input::Connect { credentials: Credentials::NONE, home: here },
    ];
    for wish in wishes {
        assert_eq!(exchange.handle_input(wish.clone(), START), Err(HubError::Overloaded), "{wish:?}");
    }
    let facts = [
        Input::Unsubscribe { client: a, channel: "room".into() },
        Input::Disconnect { client: a, code: CloseCode::NORMAL, reason: "enough".into() },
        Input::Gone { client: b },
        Input::TimePassed,
        Input::Close,
    ];
    deliveries(&mut exchange, there);
    for fact in facts {
        assert_eq!(exchange.handle_input(fact.clone(), START), Ok(Outcome::Taken), "{fact:?}");
    }
    let mut orders = VecDeque::new();
    exchange.take_orders(here, &mut orders);
    assert_eq!(orders.len(), 3, "two deliveries and the disconnect");
}

#[test]
fn a_mailbox_with_too_many_bytes_is_full_until_they_are_taken() {
    let limits = MailboxLimits { max_bytes: 100, ..MailboxLimits::default() };
    let (mut exchange, [(here, _), (there, _)]) = two_homes(limits);
    exchange.handle_input(broadcast("room", &"x".repeat(100)), START).unwrap();
    assert_eq!(exchange.handle_input(broadcast("room", "more"), START), Err(HubError::Overloaded));
    deliveries(&mut exchange, here);
    assert_eq!(exchange.handle_input(broadcast("room", "more"), START), Err(HubError::Overloaded));
    deliveries(&mut exchange, there);
    assert_eq!(exchange.handle_input(broadcast("room", "more"), START), Ok(Outcome::Taken));
}

#[test]
fn a_loop_that_stands_still_stops_only_what_concerns_its_clients() {
    let limits = MailboxLimits { max_bytes: 10, ..MailboxLimits::default() };
    let (mut exchange, [(here, a), (there, b)]) = two_homes(limits);
    exchange.handle_input(Input::Send { client: b, message: "never taken".into() }, START).unwrap();

    let connect_at = |home| Input::Connect { credentials: Credentials::NONE, home };
    for wish in [
        broadcast("room", "1"),
        Input::Send { client: b, message: "1".into() },
        subscribe(b, "other"),
        connect_at(there),
    ] {
        assert_eq!(exchange.handle_input(wish.clone(), START), Err(HubError::Overloaded), "{wish:?}");
    }
    let c = connect(&mut exchange, here);
    assert_eq!(
        exchange.handle_input(subscribe(c, "room"), START),
        Err(HubError::Overloaded),
        "whom it may be told to lives there too"
    );
    assert_eq!(exchange.handle_input(subscribe(c, "other"), START), Ok(Outcome::Subscribed));
    assert_eq!(exchange.handle_input(broadcast("other", "2"), START), Ok(Outcome::Taken));
    assert_eq!(deliveries(&mut exchange, here), [(vec![c], "2".into())]);
    let message = Input::Send { client: a, message: "3".into() };
    assert_eq!(exchange.handle_input(message, START), Ok(Outcome::Taken));
}

#[test]
fn nobody_connects_at_a_home_that_was_never_added() {
    let mut exchange = exchange(MailboxLimits::default());
    let connect = Input::Connect { credentials: Credentials::NONE, home: Home(1) };
    assert_eq!(exchange.handle_input(connect.clone(), START), Err(HubError::UnknownHome));
    assert_eq!(exchange.hub().client_count(), 0);
    assert_eq!(exchange.add_home(), Some(Home(1)));
    assert!(matches!(exchange.handle_input(connect, START), Ok(Outcome::Connected(_))));
}

#[test]
fn notices_that_nobody_takes_are_bounded_like_orders() {
    let limits = MailboxLimits { max_orders: 3, ..MailboxLimits::default() };
    let mut exchange = exchange(limits);
    let client = connect(&mut exchange, HERE);
    for channel in ["1", "2", "3"] {
        assert_eq!(exchange.handle_input(subscribe(client, channel), START), Ok(Outcome::Subscribed));
    }
    assert_eq!(exchange.handle_input(subscribe(client, "4"), START), Err(HubError::Overloaded));
    assert!(exchange.has_notices());
    assert_eq!(notices(&mut exchange).len(), 3);
    assert_eq!(exchange.handle_input(subscribe(client, "4"), START), Ok(Outcome::Subscribed));
}

#[test]
fn the_caller_learns_what_came_of_a_subscribe() {
    let mut exchange = exchange(MailboxLimits::default());
    let client = connect(&mut exchange, HERE);
    assert_eq!(exchange.handle_input(subscribe(client, "room"), START), Ok(Outcome::Subscribed));
    assert_eq!(exchange.handle_input(subscribe(client, "room"), START), Ok(Outcome::Taken));
    assert_eq!(
        exchange.handle_input(subscribe(client, ""), START),
        Ok(Outcome::Denied(Denial::ChannelNameEmpty))
    );
    let request = asks(&mut exchange, client, "private-room");
    assert_eq!(exchange.handle_input(subscribe(client, "private-room"), START), Ok(Outcome::Taken));
    assert_eq!(exchange.handle_input(allows(request.request), START), Ok(Outcome::Subscribed));
    assert_eq!(exchange.handle_input(allows(request.request), START), Ok(Outcome::Taken), "decided already");
}

#[test]
fn a_denial_that_is_overdue_is_not_the_answer_to_another_input() {
    let mut exchange = exchange(MailboxLimits::default());
    let (slow, other) = (connect(&mut exchange, HERE), connect(&mut exchange, HERE));
    exchange.handle_input(subscribe(other, "room"), START).unwrap();
    asks(&mut exchange, slow, "private-room");
    notices(&mut exchange);

    let later = START + 60 * SECOND;
    assert_eq!(exchange.handle_input(subscribe(other, "room"), later), Ok(Outcome::Taken));
    let (client, channel, denial) = (slow, "private-room".into(), Denial::AuthorizerTimedOut);
    assert_eq!(notices(&mut exchange), [Notice::Denied { client, channel, denial }]);
}

#[test]
fn the_application_learns_that_nothing_was_retained_for_a_newcomer() {
    let hub = Hub::new(Config::default(), Introducing, SEED);
    let mut exchange = Exchange::new(hub, MailboxLimits::default());
    let client = connect(&mut exchange, HERE);
    assert_eq!(exchange.handle_input(subscribe(client, "kept"), START), Ok(Outcome::Subscribed));
    let channel = ChannelName::from("kept");
    assert_eq!(
        notices(&mut exchange),
        [
            Notice::Subscribed { client, channel: channel.clone(), subscribers: 1 },
            Notice::NothingRetained { client, channel }
        ]
    );
}

#[test]
fn a_retained_message_is_refused_while_its_readers_are_behind_and_then_is_not_kept() {
    let (mut exchange, _) = two_homes(MailboxLimits { max_orders: 2, ..MailboxLimits::default() });
    notices(&mut exchange);
    for text in ["1", "2"] {
        exchange.handle_input(broadcast("room", text), START).unwrap();
    }
    let retain = || Input::Retain { channel: "room".into(), message: "3".into(), except: None };
    assert_eq!(exchange.handle_input(retain(), START), Err(HubError::Overloaded));
    assert_eq!(exchange.hub().retained(&"room".into()), None);
}

#[test]
fn what_became_overdue_is_done_also_if_the_input_is_refused() {
    let mut exchange = exchange(MailboxLimits::default());
    let slow = connect(&mut exchange, HERE);
    let stranger = connect(&mut exchange, HERE);
    exchange.handle_input(Input::Gone { client: stranger }, START).unwrap();
    asks(&mut exchange, slow, "private-room");

    let later = START + 60 * SECOND;
    let to_nobody = Input::Send { client: stranger, message: "hi".into() };
    assert_eq!(exchange.handle_input(to_nobody, later), Err(HubError::UnknownClient));
    let (client, channel, denial) = (slow, "private-room".into(), Denial::AuthorizerTimedOut);
    assert_eq!(notices(&mut exchange), [Notice::Denied { client, channel, denial }]);
    assert_eq!(exchange.poll_timeout(), None);
}

#[test]
fn a_decision_that_comes_too_late_changes_nothing() {
    let mut exchange = exchange(MailboxLimits::default());
    let slow = connect(&mut exchange, HERE);
    let request = asks(&mut exchange, slow, "private-room");
    assert_eq!(exchange.handle_input(allows(request.request), START + 60 * SECOND), Ok(Outcome::Taken));
    assert!(!exchange.hub().is_subscribed(slow, &"private-room".into()));
}

#[test]
fn notices_come_in_the_order_in_which_things_happened() {
    let (mut exchange, [(_, a), _]) = two_homes(MailboxLimits::default());
    notices(&mut exchange);
    exchange.note(Notice::Dropped { client: a, messages: 2 });
    exchange.note(Notice::TooSlow { client: a });
    exchange.handle_input(Input::Gone { client: a }, START).unwrap();
    exchange.handle_input(Input::Close, START).unwrap();
    let seen = notices(&mut exchange);
    assert_eq!(
        seen[..3],
        [
            Notice::Dropped { client: a, messages: 2 },
            Notice::TooSlow { client: a },
            Notice::Unsubscribed { client: a, channel: "room".into(), subscribers: 1 },
        ]
    );
    assert_eq!(seen.last(), Some(&Notice::Closed));
}

#[test]
fn what_a_client_loses_before_the_application_listens_is_one_notice() {
    let mut exchange = exchange(MailboxLimits::default());
    let [a, b] = [(); 2].map(|()| connect(&mut exchange, HERE));
    for _ in 0..100 {
        exchange.note(Notice::Dropped { client: a, messages: 1 });
        exchange.note(Notice::Dropped { client: b, messages: 2 });
    }
    let told = [(a, 100), (b, 200)].map(|(client, messages)| Notice::Dropped { client, messages });
    assert_eq!(notices(&mut exchange), told);
    exchange.note(Notice::Dropped { client: a, messages: 1 });
    assert_eq!(notices(&mut exchange), [Notice::Dropped { client: a, messages: 1 }]);
}

#[test]
fn the_application_is_told_who_comes_and_goes() {
    let mut exchange = exchange(MailboxLimits::default());
    let client = connect(&mut exchange, HERE);
    let request = asks(&mut exchange, client, "presence-room").request;
    let (channel, ada) = (ChannelName::from("presence-room"), Member::new("ada", ""));
    exchange.handle_input(allows_as(request, &ada), START).unwrap();
    exchange.handle_input(Input::Unsubscribe { client, channel: channel.clone() }, START).unwrap();
    let told = [
        Notice::Subscribed { client, channel: channel.clone(), subscribers: 1 },
        Notice::Joined { channel: channel.clone(), member: ada.clone() },
        Notice::Left { channel: channel.clone(), member: ada },
        Notice::Unsubscribed { client, channel, subscribers: 0 },
    ];
    assert_eq!(notices(&mut exchange), told);
}

#[test]
fn what_a_client_lost_in_either_way_adds_up_and_nothing_is_no_loss() {
    let (mut exchange, [(_, client), _]) = two_homes(MailboxLimits::default());
    notices(&mut exchange);
    for messages in [0, 2, 0, 3] {
        exchange.note(Notice::Undelivered { client, messages });
        exchange.note(Notice::Dropped { client, messages });
    }
    let told = [Notice::Undelivered { client, messages: 5 }, Notice::Dropped { client, messages: 5 }];
    assert_eq!(notices(&mut exchange), told);
}
