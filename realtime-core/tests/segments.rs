//! Several messages to the same clients leave as one, and nobody can tell: neither by the bytes nor by what is
//! counted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::SEED;
use proptest::prelude::*;
use realtime_core::wire::Plain;
use realtime_core::{
    ClientId, Config, Credentials, Exchange, Home, Hub, Input, LocalClients, MailboxLimits, Notice, Order,
    Outbox, OutboxLimits, Outcome, Outgoing, Parcel, Pushed, Received, Session, SlowConsumer,
};
use realtime_ws::{
    CheckedConfig, CloseCode, Connection, DeflateConfig, NegotiatedDeflate, PreparedMessage, Segment,
    Timestamp,
};
use std::collections::VecDeque;

const HERE: Home = Home(0);
const NOW: Timestamp = Timestamp::START;

/// The fewest clients for which messages are joined.
const MANY: usize = 16;

/// A hub with clients of one loop, all in the channels `a` and `b`.
struct Room {
    exchange: Exchange,
    clients: Vec<ClientId>,
}

impl Room {
    fn of(clients: usize) -> Self {
        let exchange = Exchange::new(Hub::new(Config::default(), Plain, SEED), MailboxLimits::default());
        let mut room = Self { exchange, clients: Vec::new() };
        for _ in 0..clients {
            let client = room.connect(HERE);
            for channel in ["a", "b"] {
                room.input(Input::Subscribe { client, channel: channel.into(), credentials: None });
            }
            room.clients.push(client);
        }
        room
    }

    fn connect(&mut self, home: Home) -> ClientId {
        let outcome = self.input(Input::Connect { credentials: Credentials::NONE, home });
        let Outcome::Connected(client) = outcome else { panic!("a connect came to {outcome:?}") };
        client
    }

    fn input(&mut self, input: Input) -> Outcome {
        self.exchange.handle_input(input, NOW).unwrap()
    }

    fn broadcast(&mut self, channel: &str, text: &str) {
        self.input(Input::Broadcast { channel: channel.into(), message: text.into(), except: None });
    }

    /// The texts of each parcel to be delivered at `home`; a disconnect is one without any.
    fn parcels(&mut self, home: Home) -> Vec<Vec<String>> {
        let mut orders = VecDeque::new();
        self.exchange.take_orders(home, &mut orders);
        Order::joined(orders, home)
            .map(|order| match order {
                Order::Deliver { parcel, .. } => texts(&parcel),
                Order::Disconnect { .. } => Vec::new(),
            })
            .collect()
    }
}

fn texts(parcel: &Parcel) -> Vec<String> {
    parcel.messages().iter().map(|message| message.as_text().unwrap().to_owned()).collect()
}

fn segment<const N: usize>(texts: [&str; N]) -> Segment {
    Segment::new(texts.map(PreparedMessage::new).into())
}

#[test]
fn messages_to_the_same_clients_one_after_the_other_become_one() {
    let mut room = Room::of(MANY);
    for text in ["1", "2", "3"] {
        room.broadcast("a", text);
    }
    assert_eq!(room.parcels(HERE), [["1", "2", "3"]]);
    room.broadcast("a", "4");
    assert_eq!(room.parcels(HERE), [["4"]]);
}

#[test]
fn messages_to_a_few_clients_are_not_worth_joining() {
    let mut room = Room::of(MANY - 1);
    for text in ["1", "2"] {
        room.broadcast("a", text);
    }
    assert_eq!(room.parcels(HERE), [["1"], ["2"]]);
}

#[test]
fn only_the_clients_of_the_loop_count_as_many() {
    let mut room = Room::of(MANY);
    let there = room.exchange.add_home().unwrap();
    let client = room.connect(there);
    room.input(Input::Subscribe { client, channel: "a".into(), credentials: None });
    for text in ["1", "2"] {
        room.broadcast("a", text);
    }
    assert_eq!(room.parcels(HERE), [["1", "2"]]);
    assert_eq!(room.parcels(there), [["1"], ["2"]]);
}

#[test]
fn orders_keep_their_order_whatever_stands_between_them() {
    let mut room = Room::of(MANY + 1);
    let (first, last) = (room.clients[0], room.clients[MANY]);
    room.broadcast("a", "1");
    room.broadcast("b", "to others, as far as anyone knows");
    room.broadcast("a", "2");
    room.input(Input::Broadcast {
        channel: "a".into(),
        message: "to all but one".into(),
        except: Some(first),
    });
    room.broadcast("a", "3");
    room.input(Input::Send { client: first, message: "to one".into() });
    room.input(Input::Send { client: first, message: "to one again".into() });
    room.broadcast("a", "4");
    room.broadcast("a", "5");
    room.input(Input::Disconnect { client: last, code: CloseCode::NORMAL, reason: String::new() });
    room.broadcast("a", "6");
    room.broadcast("a", "7");
    let expected: [&[&str]; 10] = [
        &["1"],
        &["to others, as far as anyone knows"],
        &["2"],
        &["to all but one"],
        &["3"],
        &["to one"],
        &["to one again"],
        &["4", "5"],
        &[],
        &["6", "7"],
    ];
    assert_eq!(room.parcels(HERE), expected);
}

#[test]
fn whoever_comes_between_two_messages_gets_the_second_only() {
    let mut room = Room::of(MANY);
    room.broadcast("a", "before");
    let client = room.connect(HERE);
    room.input(Input::Subscribe { client, channel: "a".into(), credentials: None });
    room.broadcast("a", "after");
    assert_eq!(room.parcels(HERE), [["before"], ["after"]]);
}

#[test]
fn messages_to_all_but_the_same_one_are_joined() {
    let mut room = Room::of(MANY + 1);
    let except = Some(room.clients[3]);
    for message in ["1", "2"].map(PreparedMessage::new) {
        room.input(Input::Broadcast { channel: "a".into(), message, except });
    }
    assert_eq!(room.parcels(HERE), [["1", "2"]]);
}

#[test]
fn a_segment_is_no_longer_than_64_kib() {
    let mut room = Room::of(MANY);
    let (long, header_bytes) = ("x".repeat(30_000), 4);
    let rest = "y".repeat(64 * 1024 - 2 * (30_000 + header_bytes) - header_bytes);
    for text in [&long, &long, &rest, "z", &long, &long, &long] {
        room.broadcast("a", text);
    }
    let lens = |parcels: Vec<Vec<String>>| parcels.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lens(room.parcels(HERE)), [3, 3, 1]);
}

#[test]
fn a_segment_has_no_more_messages_than_fit_into_an_outbox_twice() {
    let mut room = Room::of(MANY);
    for number in 0..70 {
        room.broadcast("a", &number.to_string());
    }
    let parcels = room.parcels(HERE);
    assert_eq!(parcels.iter().map(Vec::len).collect::<Vec<_>>(), [32, 32, 6]);
    assert!(parcels.concat().iter().map(|text| text.parse::<usize>().unwrap()).eq(0..70));
}

#[test]
fn orders_that_were_joined_stay_as_they_are() {
    let mut room = Room::of(MANY);
    for text in ["1", "2"] {
        room.broadcast("a", text);
    }
    let mut orders = VecDeque::new();
    room.exchange.take_orders(HERE, &mut orders);
    let once: Vec<_> = Order::joined(orders, HERE).collect();
    assert_eq!(
        Order::joined([once.clone(), once.clone()].concat(), HERE).collect::<Vec<_>>(),
        [&once[..]; 2].concat()
    );
}

#[test]
fn clients_in_this_process_get_a_segment_message_by_message() {
    let mut room = Room::of(MANY);
    let mut locals = LocalClients::new(OutboxLimits { max_messages: 2, ..OutboxLimits::default() });
    for client in &room.clients[1..] {
        locals.insert(*client, ());
    }
    for text in ["1", "2", "3"] {
        room.broadcast("a", text);
    }
    let mut orders = VecDeque::new();
    room.exchange.take_orders(HERE, &mut orders);
    let (mut woken, mut losses) = (0, Vec::new());
    for order in Order::joined(orders, HERE) {
        locals.perform(order, HERE, |()| woken += 1, |loss| losses.push(loss));
    }
    assert_eq!(woken, 3 * (MANY - 1));
    let stranger = |loss: &&Notice| matches!(loss, Notice::Undelivered { messages: 1, .. });
    let slow = |loss: &&Notice| matches!(loss, Notice::Dropped { messages: 1, .. });
    assert_eq!(losses.iter().filter(stranger).count(), 3);
    assert_eq!(losses.iter().filter(slow).count(), MANY - 1);
    for text in ["1", "2"] {
        assert_eq!(locals.receive(room.clients[1]), Received::Message(text.into()));
    }
}

/// The bytes that are lent for the next write, slice by slice.
fn lent(outbox: &Outbox) -> Vec<Vec<u8>> {
    let mut slices = [&[][..]; 64];
    let filled = outbox.poll_transmit(&mut slices);
    slices[..filled].iter().map(|slice| slice.to_vec()).collect()
}

fn frames<const N: usize>(texts: [&str; N]) -> Vec<u8> {
    texts.map(|text| PreparedMessage::new(text).frame().to_vec()).concat()
}

#[test]
fn a_segment_is_one_slice_and_counts_as_its_messages() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    assert!(outbox.push_whole(&segment(["1", "22"])));
    assert_eq!(outbox.push("3".into()), Pushed::Queued);
    assert!(outbox.push_whole(&segment(["4", "5", "6"])));
    assert_eq!((outbox.len(), outbox.bytes()), (6, 6 * 2 + 7));
    assert_eq!(lent(&outbox), [frames(["1", "22"]), frames(["3"]), frames(["4", "5", "6"])]);
    outbox.transmitted(7 + 3);
    assert_eq!((outbox.len(), outbox.bytes()), (3, 9));
    outbox.transmitted(9);
    assert_eq!((outbox.is_empty(), outbox.len(), outbox.bytes()), (true, 0, 0));
}

#[test]
fn a_segment_that_does_not_fit_whole_changes_nothing() {
    let limits = OutboxLimits { max_messages: 3, max_bytes: 12, ..OutboxLimits::default() };
    let mut outbox = Outbox::new(limits);
    outbox.push("1".into());
    assert!(!outbox.push_whole(&segment(["2", "3", "4"])), "one message too many");
    assert!(!outbox.push_whole(&segment(["2", "34567"])), "one byte too many");
    assert_eq!((outbox.len(), outbox.bytes(), outbox.dropped()), (1, 3, 0));
    assert!(outbox.push_whole(&segment(["2", "3456"])));
    assert_eq!((outbox.len(), outbox.bytes(), outbox.dropped()), (3, 12, 0));
}

#[test]
fn a_segment_of_nothing_leaves_an_outbox_empty() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    assert!(outbox.push_whole(&segment([])));
    assert!(outbox.is_empty() && lent(&outbox).is_empty());
}

#[test]
fn what_is_left_of_a_segment_counts_message_by_message() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    assert!(outbox.push_whole(&segment(["1", "2", "3"])));
    outbox.push("4".into());
    outbox.transmitted(4);
    assert!(outbox.is_in_mid_frame());
    assert_eq!((outbox.len(), outbox.bytes()), (3, 9));
    outbox.transmitted(2);
    assert!(!outbox.is_in_mid_frame());
    assert_eq!((outbox.len(), outbox.bytes()), (2, 6));
    assert_eq!(outbox.pop(), Some("3".into()));
    assert_eq!(lent(&outbox), [frames(["4"])]);
}

#[test]
fn messages_of_a_segment_can_be_taken_out_one_by_one() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    assert!(outbox.push_whole(&segment(["1", "2"])));
    outbox.push("3".into());
    for (left, text) in [(2, "1"), (1, "2"), (0, "3")] {
        assert_eq!(outbox.pop(), Some(text.into()));
        assert_eq!((outbox.len(), outbox.bytes()), (left, 3 * left));
    }
    assert_eq!(outbox.pop(), None);
}

#[test]
fn the_oldest_messages_of_a_segment_are_dropped_one_by_one() {
    for transmitted in [0, 1] {
        let policy = SlowConsumer::DropOldest;
        let limits = OutboxLimits { max_messages: 3 + transmitted, policy, ..OutboxLimits::default() };
        let mut outbox = Outbox::new(limits);
        if transmitted > 0 {
            outbox.push("on its way".into());
            outbox.transmitted(1);
        }
        assert!(outbox.push_whole(&segment(["1", "2", "3"])));
        assert_eq!(outbox.push("4".into()), Pushed::Dropped { messages: 1 });
        assert_eq!(outbox.push("5".into()), Pushed::Dropped { messages: 1 });
        if transmitted > 0 {
            outbox.transmitted("on its way".len() + 1);
        }
        assert_eq!(lent(&outbox).concat(), frames(["3", "4", "5"]));
    }
}

#[test]
fn what_is_cleared_is_counted_message_by_message() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    assert!(outbox.push_whole(&segment(["1", "2", "3"])));
    outbox.transmitted(4);
    assert!(outbox.push_whole(&segment(["4", "5"])));
    assert_eq!(outbox.clear_untransmitted(), 3);
    assert_eq!((outbox.len(), outbox.bytes()), (1, 3));
    outbox.transmitted(2);
    assert!(outbox.push_whole(&segment(["6", "7"])));
    assert_eq!(outbox.clear(), 2);
    assert!(outbox.is_empty());
}

fn session(limits: OutboxLimits) -> Session {
    Session::new(Connection::server(CheckedConfig::default(), NOW), limits)
}

/// What `outgoing` writes into a socket that takes `room` bytes.
fn write(outgoing: &mut Outgoing, room: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    loop {
        let mut slices = [&[][..]; 3];
        let filled = outgoing.poll_transmit(&mut slices);
        let offered = slices[..filled].concat();
        let written = offered.len().min(room - wire.len());
        if written == 0 {
            return wire;
        }
        wire.extend_from_slice(&offered[..written]);
        outgoing.transmitted(written, NOW);
    }
}

#[test]
fn a_pong_goes_out_between_the_messages_of_a_segment_that_is_on_its_way() {
    let mut session = session(OutboxLimits::default());
    let parcel = Parcel::Segment(segment(["1", "2", "3"]));
    assert_eq!(session.outgoing_mut().deliver(&parcel, |_| panic!("there is room")), Pushed::Queued);
    let mut wire = write(session.outgoing_mut(), 4);
    let mut ping = [0x89, 0x80, 0, 0, 0, 0];
    session.receive(&mut &mut ping[..], NOW).unwrap();
    wire.extend(write(session.outgoing_mut(), 100));
    assert_eq!(wire, [frames(["1", "2"]), vec![0x8A, 0], frames(["3"])].concat());
}

#[test]
fn a_pong_goes_out_before_a_segment_that_is_not_on_its_way() {
    let mut session = session(OutboxLimits::default());
    session.outgoing_mut().deliver(&Parcel::Segment(segment(["1", "2"])), |_| {});
    let mut ping = [0x89, 0x80, 0, 0, 0, 0];
    session.receive(&mut &mut ping[..], NOW).unwrap();
    assert_eq!(write(session.outgoing_mut(), 100), [vec![0x8A, 0], frames(["1", "2"])].concat());
}

#[test]
fn a_close_follows_the_segment_that_waits() {
    let mut session = session(OutboxLimits::default());
    let outgoing = session.outgoing_mut();
    outgoing.deliver(&Parcel::Segment(segment(["1", "2"])), |_| {});
    outgoing.close(CloseCode::NORMAL, "", NOW).unwrap();
    let late = Parcel::Segment(segment(["3", "4"]));
    assert_eq!(outgoing.deliver(&late, |_| panic!("nothing is to be judged")), Pushed::Closing);
    assert_eq!(outgoing.undelivered(), 2);
    assert_eq!(write(outgoing, 100), [frames(["1", "2"]), vec![0x88, 2, 3, 0xE8]].concat());
}

#[test]
fn what_waits_is_written_before_a_segment_is_judged() {
    let limits = OutboxLimits { max_messages: 3, ..OutboxLimits::default() };
    let (mut session, mut wire) = (session(limits), Vec::new());
    for texts in [["1", "2"], ["3", "4"]] {
        let pushed = session.outgoing_mut().deliver(&Parcel::Segment(segment(texts)), |outgoing| {
            wire.extend(write(outgoing, 100));
        });
        assert_eq!(pushed, Pushed::Queued);
    }
    assert_eq!(wire, frames(["1", "2"]));
    assert_eq!(write(session.outgoing_mut(), 100), frames(["3", "4"]));
}

#[test]
fn a_segment_that_a_slow_client_has_no_room_for_meets_the_policy_message_by_message() {
    for (policy, pushed, left) in [
        (SlowConsumer::DropNewest, Pushed::Dropped { messages: 2 }, ["1", "2"]),
        (SlowConsumer::DropOldest, Pushed::Dropped { messages: 2 }, ["3", "4"]),
        (SlowConsumer::Disconnect, Pushed::Overflowed, ["1", "2"]),
    ] {
        let limits = OutboxLimits { max_messages: 2, policy, ..OutboxLimits::default() };
        let mut session = session(limits);
        let outgoing = session.outgoing_mut();
        outgoing.push("1".into());
        assert_eq!(outgoing.deliver(&Parcel::Segment(segment(["2", "3", "4"])), |_| {}), pushed);
        let is_overflow = pushed == Pushed::Overflowed;
        assert_eq!((outgoing.dropped(), outgoing.undelivered()), if is_overflow { (0, 2) } else { (2, 0) });
        if is_overflow {
            outgoing.close_now(CloseCode::TRY_AGAIN_LATER, "", NOW).unwrap();
            assert_eq!(outgoing.undelivered(), 4, "each message is counted once");
        } else {
            assert_eq!(write(outgoing, 100), frames(left));
        }
    }
}

/// One connection without compression, and some with, which differ in all that decides about a form.
fn connections() -> Vec<Connection> {
    let agreed = NegotiatedDeflate {
        outgoing_context_takeover: true,
        incoming_context_takeover: false,
        outgoing_window_bits: 15,
        incoming_window_bits: 15,
    };
    let eager = DeflateConfig { min_message_bytes: 0, ..DeflateConfig::default() };
    let mut connections = vec![Connection::server(CheckedConfig::default(), NOW)];
    for (deflate, outgoing_window_bits) in [(DeflateConfig::default(), 15), (eager, 15), (eager, 9)] {
        let config = realtime_ws::Config { deflate: Some(deflate), ..realtime_ws::Config::default() };
        let agreed = NegotiatedDeflate { outgoing_window_bits, ..agreed };
        connections.push(Connection::server(config.checked().unwrap(), NOW).with_deflate(agreed));
    }
    connections
}

#[derive(Clone, Debug)]
enum Step {
    Deliver(Vec<usize>),
    Reply(usize),
    Ping,
    Write(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(0usize..300, 1..6).prop_map(Step::Deliver),
        1 => (0usize..300).prop_map(Step::Reply),
        1 => Just(Step::Ping),
        3 => (0usize..2000).prop_map(Step::Write),
    ]
}

fn policy() -> impl Strategy<Value = SlowConsumer> {
    prop_oneof![
        Just(SlowConsumer::DropNewest),
        Just(SlowConsumer::DropOldest),
        Just(SlowConsumer::Disconnect)
    ]
}

/// A session to which several messages are delivered in one of two ways, and what it wrote.
struct Delivered {
    session: Session,
    wire: Vec<u8>,
    dropped: u64,
}

impl Delivered {
    fn deliver(&mut self, parcel: &Parcel) {
        match self.session.outgoing_mut().deliver(parcel, |_| {}) {
            Pushed::Queued | Pushed::Closing => {}
            Pushed::Dropped { messages } => self.dropped += messages,
            Pushed::Overflowed => {
                self.session.outgoing_mut().close_now(CloseCode::TRY_AGAIN_LATER, "", NOW).unwrap();
            }
        }
    }

    fn write(&mut self, room: usize) {
        let written = write(self.session.outgoing_mut(), room);
        self.wire.extend(written);
    }
}

proptest! {
    #[test]
    fn segments_leave_the_same_bytes_and_counts_as_their_messages_one_by_one(
        policy in policy(),
        connection in 0usize..4,
        max_messages in 0usize..12,
        max_bytes in 0usize..2000,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let limits = OutboxLimits { max_messages, max_bytes, policy };
        let new = || {
            let session = Session::new(connections().swap_remove(connection), limits);
            Delivered { session, wire: Vec::new(), dropped: 0 }
        };
        let (mut joined, mut single) = (new(), new());
        let mut delivered = 0;
        for step in steps {
            match step {
                Step::Deliver(lens) => {
                    let text = |len| format!("{}{}", delivered, "abcdefgh".repeat(len / 8));
                    let messages: Vec<_> = lens.into_iter().map(|len| PreparedMessage::new(&text(len))).collect();
                    delivered += messages.len() as u64;
                    joined.deliver(&Parcel::Segment(Segment::new(messages.clone())));
                    for message in messages {
                        single.deliver(&message.into());
                    }
                }
                Step::Reply(len) => {
                    let reply = "reply ".repeat(len / 6);
                    let sent = [&mut joined, &mut single].map(|it| it.session.outgoing_mut().send(&reply));
                    prop_assert_eq!(sent[0], sent[1]);
                    for (it, sent) in [&mut joined, &mut single].into_iter().zip(sent) {
                        match sent {
                            Ok(Pushed::Dropped { messages }) => it.dropped += messages,
                            Ok(Pushed::Overflowed) => {
                                it.session.outgoing_mut().close_now(CloseCode::TRY_AGAIN_LATER, "", NOW).unwrap();
                            }
                            Ok(Pushed::Queued | Pushed::Closing) | Err(_) => {}
                        }
                    }
                }
                Step::Ping => [&mut joined, &mut single].map(|it| it.session.outgoing_mut().ping()).into_iter().collect(),
                Step::Write(room) => [&mut joined, &mut single].map(|it| it.write(room)).into_iter().collect(),
            }
            prop_assert_eq!(&joined.wire, &single.wire);
            prop_assert_eq!(joined.dropped, single.dropped);
            let counted = [&joined, &single].map(|it| {
                let outgoing = it.session.outgoing();
                (outgoing.dropped(), outgoing.undelivered(), outgoing.is_drained())
            });
            prop_assert_eq!(counted[0], counted[1]);
        }
        joined.write(usize::MAX);
        single.write(usize::MAX);
        prop_assert_eq!(joined.wire, single.wire);
    }
}
