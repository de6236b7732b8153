//! A session: one client's connection, whose deliveries wait in an outbox beside its replies and control
//! frames. No I/O: what a peer would read is what the session gives to be written, as far as the test lets
//! it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::SECOND;
use realtime_core::{OutboxLimits, Pushed, Session, SlowConsumer};
use realtime_ws::{
    ApiMisuse, CheckedConfig, CloseCode, Config, Connection, Event, Keepalive, PreparedMessage, Timestamp,
};
use std::time::Duration;

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// A session and the time; what it sends is taken by the test.
struct Test {
    session: Session,
    now: Timestamp,
    written: Vec<u8>,
}

/// What a peer receives: an opcode and a payload.
type Frame = (u8, Vec<u8>);

fn text(text: &str) -> Frame {
    (TEXT, text.into())
}

fn close(code: u16, reason: &str) -> Frame {
    (CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat())
}

impl Test {
    fn with(config: Config, limits: OutboxLimits) -> Self {
        let connection = Connection::server(config.checked().unwrap(), Timestamp::START);
        Self { session: Session::new(connection, limits), now: Timestamp::START, written: Vec::new() }
    }

    fn new() -> Self {
        Self::with(Config { keepalive: None, ..Config::default() }, OutboxLimits::default())
    }

    fn push(&mut self, text: &str) -> Pushed {
        self.session.outgoing_mut().push(PreparedMessage::new(text))
    }

    fn close(&mut self, reason: &str) {
        self.session.outgoing_mut().close(CloseCode::NORMAL, reason, self.now).unwrap();
    }

    /// The peer sends a frame; returns how many events the application sees.
    fn receive(&mut self, opcode: u8, payload: &[u8]) -> usize {
        let mut bytes = vec![0x80 | opcode, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        bytes.extend_from_slice(payload);
        let mut input = &mut bytes[..];
        let mut events = 0;
        while self.session.receive(&mut input, self.now).unwrap().is_some() {
            events += 1;
        }
        events
    }

    /// Lets `bytes` bytes be written, in writes of `slices` slices.
    fn write(&mut self, mut bytes: usize, slices: usize) {
        while bytes > 0 {
            let mut places = vec![&[][..]; slices];
            let filled = self.session.outgoing().poll_transmit(&mut places);
            let mut taken = 0;
            for slice in &places[..filled] {
                let of_slice = slice.len().min(bytes - taken);
                self.written.extend_from_slice(&slice[..of_slice]);
                taken += of_slice;
            }
            if taken == 0 {
                return;
            }
            self.session.outgoing_mut().transmitted(taken, self.now);
            bytes -= taken;
        }
    }

    /// Lets all be written; returns the frames that the peer has received whole.
    fn flush(&mut self) -> Vec<Frame> {
        self.write(usize::MAX, 4);
        let mut frames = Vec::new();
        let mut rest = &self.written[..];
        while let [first, len, ..] = *rest {
            let (len, at) = match len {
                126 => (usize::from(u16::from_be_bytes([rest[2], rest[3]])), 4),
                len => (usize::from(len), 2),
            };
            frames.push((first & 0x0F, rest[at..at + len].to_vec()));
            rest = &rest[at + len..];
        }
        self.written.clear();
        frames
    }

    fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.session.handle_timeout(self.now);
    }
}

#[test]
fn replies_and_deliveries_leave_in_the_order_in_which_they_came() {
    for slices in [1, 2, 3, 64] {
        let mut test = Test::new();
        test.session.outgoing_mut().send("reply 1").unwrap();
        test.push("delivery 2");
        test.session.outgoing_mut().send("reply 3").unwrap();
        test.push("delivery 4");
        test.write(12, slices);
        test.session.outgoing_mut().send("reply 5").unwrap();
        test.write(usize::MAX, slices);
        test.session.outgoing_mut().send("reply 6").unwrap();
        let texts = ["reply 1", "delivery 2", "reply 3", "delivery 4", "reply 5", "reply 6"];
        assert_eq!(test.flush(), texts.map(text), "{slices} slices");
    }
}

#[test]
fn frames_stay_whole_however_writes_are_cut() {
    for step in 1..40 {
        let mut test = Test::new();
        let mut expected = Vec::new();
        for number in 0..6 {
            test.push(&format!("delivery {number}"));
            expected.push(text(&format!("delivery {number}")));
            test.write(step, 2);
            test.receive(PING, b"?");
        }
        let frames = test.flush();
        let (pongs, texts): (Vec<_>, Vec<_>) = frames.into_iter().partition(|(opcode, _)| *opcode == PONG);
        assert_eq!(texts, expected, "{step} bytes at a time");
        assert_eq!(pongs.len(), 6);
    }
}

#[test]
fn a_pong_overtakes_the_deliveries_that_wait_but_not_the_one_on_its_way() {
    let mut test = Test::new();
    for number in ["1", "2", "3"] {
        test.push(number);
    }
    test.write(1, 1);
    test.receive(PING, b"alive?");
    assert_eq!(test.flush(), [text("1"), (PONG, b"alive?".into()), text("2"), text("3")]);
}

#[test]
fn closing_waits_for_the_deliveries_and_takes_nothing_more() {
    let mut test = Test::new();
    test.push("1");
    test.push("2");
    test.close("done");
    test.close("again");
    assert!(!test.session.outgoing().is_open());
    assert_eq!(test.push("late"), Pushed::Closing);
    assert_eq!(test.session.outgoing_mut().send("late"), Err(ApiMisuse::SendAfterClose));
    assert_eq!(test.flush(), [text("1"), text("2"), close(1000, "done")]);
    assert_eq!(test.session.outgoing().undelivered(), 1, "counted, not silently lost");
    assert!(!test.session.is_finished(), "the peer's close frame is to come");
    test.receive(CLOSE, &1000_u16.to_be_bytes());
    assert!(test.session.is_finished());
    assert!(test.session.closure().unwrap().was_clean);
}

#[test]
fn a_code_that_must_not_be_sent_is_refused_also_behind_deliveries() {
    let mut test = Test::new();
    test.push("1");
    let refused = test.session.outgoing_mut().close(CloseCode::ABNORMAL, "", test.now);
    assert_eq!(refused, Err(ApiMisuse::UnsendableCloseCode(CloseCode::ABNORMAL)));
    assert!(test.session.outgoing().is_open());
}

#[test]
fn closing_at_once_skips_the_deliveries_that_have_not_begun_and_counts_them() {
    let mut test = Test::new();
    for number in ["1", "2", "3"] {
        test.push(number);
    }
    test.write(1, 1);
    test.session.outgoing_mut().close_now(CloseCode::TRY_AGAIN_LATER, "too slow", test.now).unwrap();
    assert_eq!(test.session.outgoing().undelivered(), 2);
    assert_eq!(test.flush(), [text("1"), close(1013, "too slow")]);
}

#[test]
fn nothing_follows_the_answer_to_a_close_frame() {
    let mut test = Test::new();
    for number in ["1", "2", "3"] {
        test.push(number);
    }
    test.write(1, 1);
    test.receive(CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(test.push("late"), Pushed::Closing);
    assert_eq!(test.session.outgoing().undelivered(), 3);
    assert_eq!(test.flush(), [text("1"), close(1000, "")]);
    assert!(test.session.is_finished());
}

#[test]
fn a_close_that_waits_for_deliveries_is_overtaken_by_the_peers() {
    let mut test = Test::new();
    test.push("1");
    test.close("done");
    test.receive(CLOSE, &4000_u16.to_be_bytes());
    assert_eq!(test.flush(), [close(4000, "")], "one close frame, and nothing after it");
    assert!(test.session.is_finished());
}

#[test]
fn a_peer_that_misbehaves_is_told_instead_of_what_waits() {
    let mut test = Test::new();
    test.push("1");
    let mut unmasked = [0x81, 0x01, b'x'];
    assert!(test.session.receive(&mut &mut unmasked[..], test.now).is_err());
    assert_eq!(test.session.outgoing().undelivered(), 1);
    assert_eq!(test.flush(), [close(1002, "frame without a mask: a client must mask every frame")]);
    assert!(test.session.is_finished());
}

#[test]
fn deliveries_that_do_not_drain_delay_a_close_only_so_long() {
    let mut test = Test::new();
    for number in ["1", "2", "3"] {
        test.push(number);
    }
    test.write(1, 1);
    test.close("done");
    let due = test.session.poll_timeout().unwrap();
    assert_eq!(due, test.now + 5 * SECOND);
    test.wait(5 * SECOND);
    assert_eq!(test.session.outgoing().undelivered(), 2);
    assert!(!test.session.is_finished(), "the close frame may still get through");
    assert!(test.session.poll_timeout().unwrap() > test.now);
    test.wait(5 * SECOND);
    assert!(test.session.is_finished());
    assert!(!test.session.closure().unwrap().was_clean);
    assert_eq!(test.session.poll_timeout(), None);
}

#[test]
fn a_timeout_that_was_handled_is_not_due_again() {
    let keepalive = Keepalive { ping_after: 30 * SECOND, close_after: 60 * SECOND };
    let mut test =
        Test::with(Config { keepalive: Some(keepalive), ..Config::default() }, OutboxLimits::default());
    test.push("1");
    let mut dues = 0;
    while let Some(due) = test.session.poll_timeout() {
        assert!(due > test.now, "a driver would spin");
        test.now = due;
        test.session.handle_timeout(due);
        dues += 1;
        assert!(dues < 10);
    }
    assert!(test.session.is_finished());
    assert_eq!(test.session.closure().unwrap().code, CloseCode::ABNORMAL);
}

#[test]
fn silence_calls_for_a_ping_that_overtakes_and_any_byte_ends_it() {
    let keepalive = Keepalive { ping_after: 30 * SECOND, close_after: 60 * SECOND };
    let mut test =
        Test::with(Config { keepalive: Some(keepalive), ..Config::default() }, OutboxLimits::default());
    test.push("1");
    test.wait(30 * SECOND);
    assert_eq!(test.flush(), [(PING, Vec::new()), text("1")]);
    test.wait(29 * SECOND);
    assert_eq!(test.receive(PONG, b""), 1);
    test.wait(29 * SECOND);
    assert!(!test.session.is_finished());
    assert_eq!(test.flush(), []);
}

#[test]
fn silence_that_is_excused_ends_nothing() {
    let keepalive = Keepalive { ping_after: 30 * SECOND, close_after: 60 * SECOND };
    let mut test =
        Test::with(Config { keepalive: Some(keepalive), ..Config::default() }, OutboxLimits::default());
    for _ in 0..10 {
        test.now = test.now + 50 * SECOND;
        test.session.excuse_silence(test.now);
        test.session.handle_timeout(test.now);
    }
    assert!(!test.session.is_finished());
}

#[test]
fn a_full_outbox_drops_what_the_policy_says() {
    let limits = |policy| OutboxLimits { max_messages: 2, policy, ..OutboxLimits::default() };
    let full = |policy| {
        let mut test = Test::with(Config::default(), limits(policy));
        for number in ["1", "2"] {
            assert_eq!(test.push(number), Pushed::Queued);
        }
        let pushed = test.push("3");
        (test, pushed)
    };
    let (mut test, pushed) = full(SlowConsumer::DropNewest);
    assert_eq!((pushed, test.session.outgoing().dropped()), (Pushed::Dropped { messages: 1 }, 1));
    assert_eq!(test.flush(), [text("1"), text("2")]);

    let (mut test, pushed) = full(SlowConsumer::DropOldest);
    assert_eq!((pushed, test.session.outgoing().dropped()), (Pushed::Dropped { messages: 1 }, 1));
    assert_eq!(test.flush(), [text("2"), text("3")]);

    let (test, pushed) = full(SlowConsumer::Disconnect);
    assert_eq!((pushed, test.session.outgoing().dropped()), (Pushed::Overflowed, 0));
}

#[test]
fn a_reply_behind_deliveries_is_bounded_as_they_are() {
    let limits = OutboxLimits { max_messages: 2, ..OutboxLimits::default() };
    let mut test = Test::with(Config::default(), limits);
    test.push("1");
    let outgoing = test.session.outgoing_mut();
    assert_eq!(outgoing.send("2"), Ok(Pushed::Queued));
    assert_eq!(outgoing.send("3"), Ok(Pushed::Dropped { messages: 1 }));
    assert_eq!(test.flush(), [text("1"), text("2")]);
}

#[test]
fn a_peer_that_leaves_its_replies_unread_is_asked_for_no_more() {
    let mut test = Test::new();
    assert!(test.session.outgoing().wants_input());
    let reply = "x".repeat(60_000);
    for _ in 0..2 {
        test.session.outgoing_mut().send(&reply).unwrap();
    }
    assert!(!test.session.outgoing().wants_input());
    assert!(!test.session.outgoing().is_drained());
    assert_eq!(test.flush().len(), 2);
    assert!(test.session.outgoing().wants_input());
    assert!(test.session.outgoing().is_drained());
}

#[test]
fn a_stream_that_ends_without_a_close_frame_is_a_loss() {
    let mut test = Test::new();
    test.session.receive_eof();
    assert!(test.session.is_finished() && test.session.has_ended());
    let closure = test.session.closure().unwrap();
    assert_eq!((closure.code, closure.was_clean), (CloseCode::ABNORMAL, false));
}

#[test]
fn an_answer_may_still_be_written_when_the_stream_ends_after_the_close_frame() {
    let mut test = Test::new();
    test.receive(CLOSE, &1000_u16.to_be_bytes());
    test.session.receive_eof();
    assert!(test.session.has_ended() && !test.session.is_finished());
    assert_eq!(test.flush(), [close(1000, "")]);
    assert!(test.session.is_finished());
}

#[test]
fn halves_that_were_split_do_what_the_whole_does() {
    let connection = Connection::server(CheckedConfig::default(), Timestamp::START);
    let (mut receiver, mut outgoing) = Session::new(connection, OutboxLimits::default()).split();
    outgoing.push(PreparedMessage::new("1"));
    let mut close = [0x88, 0x80, 0, 0, 0, 0];
    let event = receiver.receive(&mut &mut close[..], Timestamp::START).unwrap().unwrap();
    assert!(matches!(event, Event::Closing { code: None, .. }));
    outgoing.handle_event(&event, Timestamp::START);
    assert_eq!(outgoing.undelivered(), 1);
    let mut slices = [&[][..]; 4];
    assert_eq!(outgoing.poll_transmit(&mut slices), 1);
    assert_eq!(slices[0], [0x88, 0]);
    outgoing.transmitted(2, Timestamp::START);
    assert!(outgoing.is_finished_with(&receiver));
}

#[test]
fn a_large_message_is_read_to_where_it_is_put_together() {
    let mut test = Test::new();
    let mut header = [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    assert!(test.session.receive(&mut &mut header[..], test.now).unwrap().is_none());
    let spare = test.session.spare().unwrap();
    assert_eq!(spare.len(), 1 << 16);
    spare.fill(7);
    test.session.filled(1 << 16, test.now);
    let event = test.session.receive(&mut &mut [][..], test.now).unwrap();
    assert!(matches!(event, Some((Event::Binary(bytes), _)) if bytes == [7; 1 << 16]));
}

#[test]
fn whether_there_is_room_for_a_delivery_can_be_asked_before() {
    let limits = OutboxLimits { max_messages: 1, ..OutboxLimits::default() };
    let mut test = Test::with(Config::default(), limits);
    let message = PreparedMessage::new("a");
    assert!(test.session.outgoing().has_room_for(&message));
    assert_eq!(test.session.outgoing_mut().push(message.clone()), Pushed::Queued);
    assert!(!test.session.outgoing().has_room_for(&message));
}

#[test]
fn replies_are_encoded_into_a_buffer_that_is_lent() {
    let mut test = Test::new();
    let mut lent = Vec::with_capacity(1000);
    test.session.outgoing_mut().lend_buffer(&mut lent);
    assert_eq!(lent.capacity(), 0);
    test.session.outgoing_mut().send("a").unwrap();
    assert_eq!(test.flush(), [text("a")]);
    test.session.outgoing_mut().reclaim_buffer(&mut lent);
    assert_eq!(lent.capacity(), 1000);
}

#[test]
fn a_code_that_must_not_be_sent_closes_nothing() {
    let mut test = Test::new();
    for waiting in [0, 1] {
        for _ in 0..waiting {
            test.push("a");
        }
        let closed = test.session.outgoing_mut().close(CloseCode::ABNORMAL, "", test.now);
        assert_eq!(closed, Err(ApiMisuse::UnsendableCloseCode(CloseCode::ABNORMAL)));
        assert!(test.session.outgoing().is_open());
    }
}

#[test]
fn large_message_is_put_together_in_the_buffer_that_was_lent() {
    let mut test = Test::new();
    let (mut header, mut payload) = ([0x81, 0xFE, 0x27, 0x10, 0, 0, 0, 0], [b'x'; 10_000]);
    assert!(!test.session.wants_message_buffer(), "nothing is awaited");
    assert!(test.session.receive(&mut &mut header[..], test.now).unwrap().is_none());
    assert!(test.session.wants_message_buffer());
    test.session.lend_message_buffer(vec![b'?'; 20_000]);
    assert_eq!(test.session.reclaim_message_buffer(), None, "it is in use");
    match test.session.receive(&mut &mut payload[..], test.now).unwrap() {
        Some((Event::Text(text), _)) => assert_eq!(text.as_bytes(), [b'x'; 10_000]),
        other => panic!("{other:?}"),
    }
    assert!(test.session.receive(&mut &mut [][..], test.now).unwrap().is_none());
    assert_eq!(test.session.reclaim_message_buffer().map(|buffer| buffer.len()), Some(20_000));
}

#[test]
fn long_reply_is_written_at_once_unless_a_delivery_waits() {
    let long = "x".repeat(60_000);
    let mut test = Test::new();
    let outgoing = test.session.outgoing_mut();
    let mut offered = 0;
    let write = |parts: [&[u8]; 2]| {
        offered = parts.iter().map(|part| part.len()).sum();
        offered
    };
    assert_eq!(outgoing.send_through(&*long, write), Ok(Pushed::Queued));
    assert!(offered > long.len() && outgoing.is_drained());

    test.push("waits");
    let write = |_: [&[u8]; 2]| panic!("it would overtake");
    assert_eq!(test.session.outgoing_mut().send_through(&*long, write), Ok(Pushed::Queued));
    assert_eq!(test.flush(), [text("waits"), text(&long)]);
}
