//! What waits for a client that receives slowly, and what happens when too much does.

mod common;

use common::*;
use proptest::prelude::*;
use realtime_core::{Outbox, OutboxLimits, Pushed, SlowConsumer};
use realtime_ws::PreparedMessage;

fn outbox(max_messages: usize, policy: SlowConsumer) -> Outbox {
    Outbox::new(OutboxLimits { max_messages, policy, ..OutboxLimits::default() })
}

fn outbox_of_bytes(max_bytes: usize, policy: SlowConsumer) -> Outbox {
    Outbox::new(OutboxLimits { max_bytes, policy, ..OutboxLimits::default() })
}

/// Takes out everything, as text.
fn drain(outbox: &mut Outbox) -> Vec<String> {
    let messages = std::iter::from_fn(|| outbox.pop());
    messages.map(|message| message.as_text().expect("all messages here are text").to_owned()).collect()
}

/// The bytes that are lent for the next write.
fn lent(outbox: &Outbox, slices: usize) -> Vec<u8> {
    let mut lent = vec![&[][..]; slices];
    let filled = outbox.poll_transmit(&mut lent);
    lent[..filled].concat()
}

const DROPPED_ONE: Pushed = Pushed::Dropped { messages: 1 };

#[test]
fn a_full_outbox_drops_the_new_message_and_counts_it() {
    let mut outbox = outbox(2, SlowConsumer::DropNewest);
    let pushed = ["1", "2", "3", "4"].map(|text| outbox.push(text.into()));
    assert_eq!(pushed, [Pushed::Queued, Pushed::Queued, DROPPED_ONE, DROPPED_ONE]);
    assert_eq!(outbox.dropped(), 2);
    assert_eq!(outbox.pop(), Some("1".into()));
    assert_eq!(outbox.push("5".into()), Pushed::Queued, "there is room again");
    assert_eq!(drain(&mut outbox), ["2", "5"]);
    assert_eq!(outbox.dropped(), 2);
}

#[test]
fn a_full_outbox_that_disconnects_counts_nothing() {
    let mut outbox = outbox(1, SlowConsumer::Disconnect);
    assert_eq!(outbox.push("1".into()), Pushed::Queued);
    assert_eq!(outbox.push("2".into()), Pushed::Overflowed);
    assert_eq!((outbox.dropped(), outbox.len()), (0, 1));
}

#[test]
fn a_full_outbox_can_drop_the_oldest_messages() {
    let mut outbox = outbox(2, SlowConsumer::DropOldest);
    let pushed = ["1", "2", "3", "4"].map(|text| outbox.push(text.into()));
    assert_eq!(pushed, [Pushed::Queued, Pushed::Queued, DROPPED_ONE, DROPPED_ONE]);
    assert_eq!(outbox.dropped(), 2);
    assert_eq!(drain(&mut outbox), ["3", "4"]);
}

#[test]
fn as_many_of_the_oldest_are_dropped_as_the_new_one_needs() {
    let mut outbox = outbox_of_bytes(12, SlowConsumer::DropOldest);
    for text in ["1", "2", "3", "4"] {
        assert_eq!(outbox.push(text.into()), Pushed::Queued, "each is a header of two bytes and a digit");
    }
    assert_eq!(outbox.push("12345".into()), Pushed::Dropped { messages: 3 });
    assert_eq!((outbox.dropped(), outbox.bytes()), (3, 10));
    assert_eq!(drain(&mut outbox), ["4", "12345"]);
}

#[test]
fn a_partly_transmitted_message_is_never_dropped() {
    let mut outbox = outbox(2, SlowConsumer::DropOldest);
    outbox.push("first".into());
    outbox.push("second".into());
    outbox.transmitted(1);
    assert!(outbox.is_in_mid_frame());
    assert_eq!(outbox.push("third".into()), DROPPED_ONE);
    assert_eq!(lent(&outbox, 8), [&b"\x05first"[..], b"\x81\x05third"].concat());
}

#[test]
fn a_new_message_that_fits_only_without_the_partly_transmitted_one_is_dropped_itself() {
    let mut outbox = outbox(1, SlowConsumer::DropOldest);
    outbox.push("first".into());
    outbox.transmitted(1);
    assert_eq!(outbox.push("second".into()), DROPPED_ONE);
    assert_eq!(lent(&outbox, 8), b"\x05first");
}

#[test]
fn a_message_longer_than_the_limit_never_fits() {
    for (policy, expected) in [
        (SlowConsumer::DropNewest, DROPPED_ONE),
        (SlowConsumer::DropOldest, DROPPED_ONE),
        (SlowConsumer::Disconnect, Pushed::Overflowed),
    ] {
        let mut outbox = outbox_of_bytes(6, policy);
        assert_eq!(outbox.push("12345".into()), expected);
        assert_eq!(
            outbox.push("1234".into()),
            Pushed::Queued,
            "header and payload are just within the limit"
        );
        assert_eq!(outbox.push("12345".into()), expected);
        assert_eq!(drain(&mut outbox), ["1234"], "{policy:?} drops nothing for what does not fit anyway");
    }
}

#[test]
fn the_first_slice_starts_where_the_last_write_ended() {
    let mut outbox = outbox(8, SlowConsumer::DropNewest);
    outbox.push("one".into());
    outbox.push((&[2, 2]).into());
    assert_eq!(lent(&outbox, 8), b"\x81\x03one\x82\x02\x02\x02");
    outbox.transmitted(4);
    assert_eq!(lent(&outbox, 8), b"e\x82\x02\x02\x02");
    assert_eq!(lent(&outbox, 1), b"e", "no more slices than there is room for");
    assert_eq!(
        (outbox.len(), outbox.bytes()),
        (2, 9),
        "a message counts in full until its end is transmitted"
    );
    outbox.transmitted(2);
    assert!(outbox.is_in_mid_frame());
    assert_eq!((outbox.len(), outbox.bytes()), (1, 4));
    outbox.transmitted(3);
    assert!(outbox.is_empty() && !outbox.is_in_mid_frame());
    assert_eq!(outbox.bytes(), 0);
}

#[test]
fn a_write_of_nothing_changes_nothing() {
    let mut outbox = outbox(8, SlowConsumer::DropNewest);
    outbox.transmitted(0);
    outbox.push("one".into());
    outbox.transmitted(0);
    assert_eq!(lent(&outbox, 8), b"\x81\x03one");
    assert!(!outbox.is_in_mid_frame());
}

#[test]
#[should_panic(expected = "more bytes transmitted than waited")]
fn transmitting_more_than_waited_is_a_bug_of_the_driver() {
    let mut outbox = outbox(8, SlowConsumer::DropNewest);
    outbox.push("one".into());
    outbox.transmitted(6);
}

#[test]
fn clearing_says_how_many_messages_are_lost() {
    let mut outbox = outbox(2, SlowConsumer::DropNewest);
    for text in ["1", "2", "3"] {
        outbox.push(text.into());
    }
    outbox.transmitted(1);
    assert_eq!(outbox.clear(), 2);
    assert_eq!((outbox.len(), outbox.bytes(), outbox.is_in_mid_frame()), (0, 0, false));
    assert_eq!(outbox.dropped(), 1, "what the policy dropped");
    assert_eq!(outbox.push("4".into()), Pushed::Queued);
}

#[test]
fn a_client_whose_outbox_overflows_can_be_disconnected_while_the_others_go_on() {
    let mut hub = TestHub::new();
    let [slow, b] = [(); 2].map(|()| hub.connect());
    for peer in [slow, b] {
        hub.actions(peer.subscribes("news"));
    }
    let mut outbox = outbox(1, SlowConsumer::Disconnect);
    let pushed = ["1", "2"].map(|text| {
        let seen = hub.actions(broadcast("news", text));
        assert_eq!(seen, [slow.is_sent(text), b.is_sent(text)]);
        outbox.push(text.into())
    });
    assert_eq!(pushed, [Pushed::Queued, Pushed::Overflowed]);

    hub.actions(slow.must_leave());
    assert_eq!((hub.hub.client_count(), hub.hub.subscriber_count(&"news".into())), (1, 1));
    assert_eq!(outbox.dropped(), 0);
    hub.assert_actions(broadcast("news", "3"), [b.is_sent("3")]);
}

#[derive(Clone, Debug)]
enum Step {
    Push(String),
    Transmit(usize),
    Pop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => "[a-z]{0,12}".prop_map(Step::Push),
        2 => (0usize..40).prop_map(Step::Transmit),
        1 => Just(Step::Pop),
    ]
}

fn policy() -> impl Strategy<Value = SlowConsumer> {
    prop_oneof![
        Just(SlowConsumer::DropNewest),
        Just(SlowConsumer::DropOldest),
        Just(SlowConsumer::Disconnect)
    ]
}

/// The outbox taken literally: a list, of which the first message may be partly transmitted.
#[derive(Default)]
struct Model {
    waiting: Vec<PreparedMessage>,
    transmitted: usize,
    dropped: u64,
}

impl Model {
    fn fits(&self, message: &PreparedMessage, limits: &OutboxLimits) -> bool {
        let bytes: usize = self.waiting.iter().chain([message]).map(|message| message.frame().len()).sum();
        self.waiting.len() < limits.max_messages && bytes <= limits.max_bytes
    }

    fn push(&mut self, message: PreparedMessage, limits: &OutboxLimits) -> Pushed {
        if self.fits(&message, limits) {
            self.waiting.push(message);
            return Pushed::Queued;
        }
        match limits.policy {
            SlowConsumer::Disconnect => return Pushed::Overflowed,
            SlowConsumer::DropNewest => self.dropped += 1,
            SlowConsumer::DropOldest => {
                let droppable = if self.transmitted > 0 { 1.. } else { 0.. };
                let before = self.waiting.clone();
                let mut messages = 0;
                while !self.fits(&message, limits) && droppable.start < self.waiting.len() {
                    self.waiting.remove(droppable.start);
                    messages += 1;
                }
                if self.fits(&message, limits) {
                    self.waiting.push(message);
                    self.dropped += messages;
                    return Pushed::Dropped { messages };
                }
                self.waiting = before;
                self.dropped += 1;
            }
        }
        DROPPED_ONE
    }

    fn bytes(&self) -> Vec<u8> {
        let bytes: Vec<&[u8]> = self.waiting.iter().map(PreparedMessage::frame).collect();
        bytes.concat()[self.transmitted..].to_vec()
    }

    fn transmitted(&mut self, bytes: usize) {
        self.transmitted += bytes;
        while self.waiting.first().is_some_and(|first| self.transmitted >= first.frame().len()) {
            self.transmitted -= self.waiting.remove(0).frame().len();
        }
    }

    fn pop(&mut self) -> Option<PreparedMessage> {
        self.transmitted = 0;
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0))
    }
}

proptest! {
    #[test]
    fn an_outbox_equals_a_plain_list(
        policy in policy(),
        max_messages in 0usize..5,
        max_bytes in 0usize..40,
        steps in proptest::collection::vec(step(), 0..100),
    ) {
        let limits = OutboxLimits { max_messages, max_bytes, policy };
        let mut outbox = Outbox::new(limits);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Push(text) => {
                    let message = PreparedMessage::new(&text);
                    prop_assert_eq!(outbox.push(message.clone()), model.push(message, &limits));
                }
                Step::Transmit(bytes) => {
                    let bytes = bytes.min(model.bytes().len());
                    outbox.transmitted(bytes);
                    model.transmitted(bytes);
                }
                Step::Pop => prop_assert_eq!(outbox.pop(), model.pop()),
            }
            prop_assert_eq!(lent(&outbox, 8), model.bytes());
            prop_assert_eq!(outbox.len(), model.waiting.len());
            prop_assert_eq!(outbox.is_empty(), model.waiting.is_empty());
            prop_assert_eq!(outbox.is_in_mid_frame(), model.transmitted > 0);
            prop_assert_eq!(outbox.dropped(), model.dropped);
            prop_assert!(outbox.len() <= max_messages && outbox.bytes() <= max_bytes);
        }
    }
}
