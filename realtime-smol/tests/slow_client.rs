//! Clients that do not read, behind sockets that hold only so much.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{
    CLOSE, Client, Happening, PING, PONG, Room, broadcast, close, fill, masked, patient, serve, telling,
    text, until,
};
use realtime_smol::{
    Config, Handler, Hub, Keepalive, Message, Notice, OutboxLimits, Peer, PreparedMessage, Pushed,
    SlowConsumer,
};
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Large enough that a few hundred fill the buffers of any socket.
const MESSAGE_BYTES: usize = 64 * 1024;

/// A message that says which one it is.
fn numbered(number: usize) -> PreparedMessage {
    let mut payload = format!("{number} ");
    payload.extend(std::iter::repeat_n('x', MESSAGE_BYTES));
    (&payload).into()
}

fn number(payload: &[u8]) -> usize {
    let digits = payload.split(|byte| *byte == b' ').next().unwrap();
    std::str::from_utf8(digits).unwrap().parse().unwrap()
}

fn limits(policy: SlowConsumer) -> OutboxLimits {
    OutboxLimits { max_messages: 4, max_bytes: 4 * 1024 * 1024, policy }
}

/// The numbers of the messages up to the text `last`.
fn numbers_before(client: &mut Client, last: &str) -> Vec<usize> {
    let mut numbers = Vec::new();
    loop {
        let frame = client.frame();
        if frame == text(last) {
            return numbers;
        }
        numbers.push(number(&frame.payload));
    }
}

#[test]
fn the_newest_messages_are_dropped_and_counted_and_the_client_lives() {
    let (hub, notices) = telling(Hub::builder().outbox(limits(SlowConsumer::DropNewest)));
    let (room, _happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut slow = serving.open();
    until("it is subscribed", || hub.subscriber_count("room") == 1);
    let sent = fill(&hub, &notices, numbered);

    // It reads again, and is as good as any.
    let is_back = AtomicBool::new(false);
    let numbers = thread::scope(|scope| {
        scope.spawn(|| {
            until("it is back", || {
                hub.broadcast("room", "welcome").unwrap();
                is_back.load(Ordering::SeqCst)
            })
        });
        let numbers = numbers_before(&mut slow, "welcome");
        is_back.store(true, Ordering::SeqCst);
        numbers
    });
    assert!(numbers.first() == Some(&0) && numbers.is_sorted_by(|a, b| a < b), "in order: {numbers:?}");
    assert!(numbers.len() <= sent - 50, "{} of {sent}", numbers.len());
}

#[test]
fn the_oldest_messages_are_dropped_if_the_policy_says_so() {
    let (hub, notices) = telling(Hub::builder().outbox(limits(SlowConsumer::DropOldest)));
    let (room, _happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut slow = serving.open();
    until("it is subscribed", || hub.subscriber_count("room") == 1);
    let sent = fill(&hub, &notices, numbered);
    let mut numbers = Vec::new();
    while numbers.last() != Some(&(sent - 1)) {
        numbers.push(number(&slow.frame().payload));
    }
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(numbers.len() as u64 + notices.lost(), sent as u64);
}

#[test]
fn a_slow_client_is_disconnected_if_the_policy_says_so() {
    let (hub, notices) = telling(Hub::builder().outbox(limits(SlowConsumer::Disconnect)));
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut slow = serving.open();
    let id = happenings.opened();
    let mut sent = 0;
    until("it is too slow", || {
        broadcast(&hub, &numbered(sent));
        sent += 1;
        notices.all().contains(&Notice::TooSlow { client: id })
    });
    until("the hub has forgotten it", || hub.client_count() == 0);
    assert_eq!(hub.channel_count(), 0);

    // What was on its way comes, then the reason.
    let mut last = slow.frame();
    while last.opcode != CLOSE {
        last = slow.frame();
    }
    assert_eq!(last, close(1013, "received too slowly"));
    slow.send(CLOSE, &1013_u16.to_be_bytes());
    slow.assert_ended();
    assert_eq!(happenings.closed().0, Some(id));
    assert_eq!(notices.all().iter().filter(|notice| matches!(notice, Notice::TooSlow { .. })).count(), 1);
}

#[test]
fn a_slow_client_delays_no_other() {
    let (hub, notices) = telling(Hub::builder().outbox(limits(SlowConsumer::DropNewest)));
    let (room, _happenings) = Room::new();
    let serving = serve(patient().threads(NonZeroUsize::MIN).hub(&hub), room);
    let _slow = serving.open();
    until("it is subscribed", || hub.subscriber_count("room") == 1);
    fill(&hub, &notices, numbered);
    let mut other = serving.open();
    other.say("hi");
    assert_eq!(other.frame(), text("hi"));
    hub.broadcast("room", "for all").unwrap();
    assert_eq!(other.frame(), text("for all"));
}

#[test]
fn a_ping_of_a_client_that_has_much_to_read_is_answered_before_it_all() {
    let limits =
        OutboxLimits { max_messages: 64, max_bytes: 64 * 1024 * 1024, policy: SlowConsumer::DropNewest };
    let (hub, notices) = telling(Hub::builder().outbox(limits));
    let (room, _happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut slow = serving.open();
    until("it is subscribed", || hub.subscriber_count("room") == 1);
    let sent = fill(&hub, &notices, numbered);
    slow.send(PING, b"alive?");
    let mut before = 0;
    while slow.frame().opcode != PONG {
        before += 1;
    }
    let lost = usize::try_from(notices.lost()).unwrap();
    assert!(
        before + 32 < sent - lost,
        "{before} of {sent} messages came first; {lost} were lost, and 64 waited"
    );
}

#[test]
fn who_does_not_read_the_answers_is_read_no_further() {
    let config = Config { keepalive: None, ..Config::default() };
    let (room, happenings) = Room::new();
    let serving = serve(patient().config(config), room);
    let mut client = serving.open();
    client.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let question = masked(common::TEXT, &vec![b'x'; MESSAGE_BYTES]);
    let start = std::time::Instant::now();
    let mut asked = 0;
    let refused = loop {
        match std::io::Write::write(&mut client.stream, &question[asked % question.len()..]) {
            Ok(bytes) => asked += bytes,
            Err(error) => break error,
        }
        assert!(start.elapsed() < common::PATIENCE, "{asked} bytes were taken in");
    };
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
    // It goes on where it stopped.
    let expected = asked / question.len();
    for _ in 0..expected {
        assert_eq!(client.frame().payload.len(), MESSAGE_BYTES);
    }
    let heard = std::iter::from_fn(|| match happenings.next() {
        Happening::Opened(_) => Some(0),
        Happening::Said(_) => Some(1),
        Happening::Closed(..) => None,
    });
    assert_eq!(heard.take(expected + 1).sum::<usize>(), expected);
}

#[test]
fn a_slow_reader_that_makes_progress_is_not_taken_for_dead() {
    // All the answers are one message, that takes longer to read than silence is borne.
    const BYTES: usize = 16 * 1024 * 1024;
    let keepalive = Keepalive { ping_after: Duration::from_secs(1), close_after: Duration::from_secs(4) };
    let config = Config { keepalive: Some(keepalive), ..Config::default() };
    let serving = serve(patient().config(config), |peer: &mut Peer<'_>, _: Message<'_>| {
        peer.send(&vec![0; BYTES]).unwrap();
    });
    let mut client = serving.open();
    client.say("give");
    let start = std::time::Instant::now();
    let mut read = 0;
    // A little at a time.
    let mut buffer = vec![0; BYTES / 250];
    while start.elapsed() < keepalive.close_after * 3 / 2 {
        read += std::io::Read::read(&mut client.stream, &mut buffer).unwrap();
        assert!(read > 0 && read < BYTES, "the test reads too fast");
        thread::sleep(Duration::from_millis(30));
    }
    while read < BYTES {
        let bytes = std::io::Read::read(&mut client.stream, &mut buffer).unwrap();
        assert!(bytes > 0, "cut off after {read} bytes");
        read += bytes;
    }
}

/// Answers a message with more than its outbox takes, and says what became of each answer.
struct Talkative(mpsc::Sender<Vec<Pushed>>);

impl Handler for Talkative {
    type State = ();

    fn on_request(
        &self,
        _: &realtime_smol::Upgrade<'_>,
        _: std::net::SocketAddr,
    ) -> realtime_smol::Answer<()> {
        realtime_smol::Answer::accept(())
    }

    fn on_open(&self, peer: &mut Peer<'_>, (): &mut ()) {
        peer.connect("").unwrap();
    }

    fn on_message(&self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        self.0.send((0..6).map(|number| peer.send_prepared(numbered(number))).collect()).unwrap();
    }
}

#[test]
fn an_application_that_sends_a_client_too_much_disconnects_it_like_the_hub() {
    let (hub, notices) = telling(Hub::builder().outbox(limits(SlowConsumer::Disconnect)));
    let (sender, answers) = mpsc::channel();
    let serving = serve(patient().hub(&hub), Talkative(sender));
    let mut client = serving.open();
    client.say("go on");
    let pushed = answers.recv_timeout(common::PATIENCE).unwrap();
    assert_eq!(pushed[..4], [Pushed::Queued; 4]);
    assert_eq!(pushed[4..], [Pushed::Overflowed, Pushed::Closing]);
    assert_eq!(client.frame(), close(1013, "received too slowly"));
    client.send(CLOSE, &1013_u16.to_be_bytes());
    client.assert_ended();
    assert_eq!(hub.client_count(), 0);
    until("all its losses are told", || notices.all().len() == 2);
    let [Notice::TooSlow { client }, lost] = &notices.all()[..] else { panic!("{:?}", notices.all()) };
    assert_eq!(*lost, Notice::Undelivered { client: *client, messages: 6 });
}

#[test]
fn what_a_client_that_said_goodbye_and_vanished_was_not_sent_is_told_to_the_last_message() {
    let limits = OutboxLimits { max_bytes: usize::MAX, ..OutboxLimits::default() };
    let (hub, notices) = telling(Hub::builder().outbox(limits));
    let (room, happenings) = Room::new();
    let serving = serve(patient().hub(&hub), room);
    let mut vanishing = serving.open();
    let client = happenings.opened();
    // Longer than what sockets hold, so that the first one stays on its way.
    let message = PreparedMessage::new(&"x".repeat(32 << 20));
    broadcast(&hub, &message);
    broadcast(&hub, &message);
    vanishing.stream.read_exact(&mut [0; 1024]).unwrap();

    vanishing.send(CLOSE, &1000_u16.to_be_bytes());
    until("its goodbye is heard", || hub.client_count() == 0);
    vanishing.reset();
    happenings.closed();
    let lost = Notice::Undelivered { client, messages: 2 };
    until("its loss is told", || notices.all().last() == Some(&lost));
}
