//! However the bytes are cut by the network, the events are the same, and so is the error.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use proptest::prelude::*;
use realtime_ws::{Config, Delivery, MessageKind, PeerMisbehaved, Role};

/// What an end makes of a stream: the events, the error, and how it ended for whoever waits.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    seen: Vec<Seen>,
    error: Option<PeerMisbehaved>,
    closure: Option<(u16, bool)>,
    last_written: Option<Frame>,
}

fn outcome(mut end: End, bytes: &[u8], chunks: &[usize], reading: Reading) -> Outcome {
    let (seen, error) = end.try_receive_in_chunks(bytes, chunks.iter().copied(), reading);
    let closure = end.connection.closure().map(|closure| (closure.code.get(), closure.was_clean));
    Outcome { seen, error, closure, last_written: end.writes().pop() }
}

/// The pieces of each message joined, as they would come whole. Those of a message that has no end are left
/// out.
fn joined(seen: &[Seen]) -> Vec<Seen> {
    let (mut whole, mut message) = (Vec::new(), Vec::new());
    for event in seen {
        match event {
            Seen::Piece { kind, bytes, is_last } => {
                message.extend_from_slice(bytes);
                if *is_last {
                    let bytes = std::mem::take(&mut message);
                    whole.push(match kind {
                        MessageKind::Text => Seen::Text(String::from_utf8(bytes).unwrap()),
                        MessageKind::Binary => Seen::Binary(bytes),
                    });
                }
            }
            Seen::Text(_) | Seen::Binary(_) | Seen::Ping(_) | Seen::Pong(_) | Seen::Closing(..) => {
                whole.push(event.clone());
            }
        }
    }
    whole
}

/// A message in any number of frames, with control frames between them.
fn message() -> impl Strategy<Value = Vec<Frame>> {
    let payload = prop_oneof![
        8 => ".{0,40}".prop_map(String::into_bytes),
        4 => prop::collection::vec(any::<u8>(), 0..400),
        1 => (60_000usize..80_000).prop_map(|len| vec![b'x'; len]),
    ];
    let cuts = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..4);
    (prop_oneof![Just(TEXT), Just(BINARY)], payload, cuts).prop_map(|(opcode, payload, cuts)| {
        let mut cuts: Vec<_> = cuts.iter().map(|(at, ping)| (at.index(payload.len() + 1), *ping)).collect();
        cuts.sort_unstable();
        let (mut frames, mut from, mut opcode) = (Vec::new(), 0, opcode);
        for (at, with_ping) in cuts {
            frames.push(frame(opcode, &payload[from..at]).unfinished());
            if with_ping {
                frames.push(ping(&payload[from..at.min(from + 125)]));
            }
            (from, opcode) = (at, CONTINUATION);
        }
        frames.push(frame(opcode, &payload[from..]));
        frames
    })
}

/// What a peer may send, and now and then what it must not.
fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let any_frame = (0u8..16, any::<bool>(), prop_oneof![9 => Just(0u8), 1 => 0u8..8], 0usize..200).prop_map(
        |(opcode, fin, bits, len)| Frame { fin, ..frame(opcode, vec![0x7F; len]).with_reserved_bits(bits) },
    );
    let close = (prop_oneof![Just(1000), Just(4999), any::<u16>()], ".{0,20}")
        .prop_map(|(code, reason)| close(code, &reason));
    let some = prop_oneof![
        16 => message(),
        2 => prop_oneof![Just(ping("ping")), Just(pong("pong"))].prop_map(|frame| vec![frame]),
        1 => any_frame.prop_map(|frame| vec![frame]),
        1 => close.prop_map(|frame| vec![frame]),
    ];
    prop::collection::vec(some, 0..6).prop_map(|frames| frames.concat())
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn chunks() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(1usize..20, 0..400),
        prop::collection::vec(prop_oneof![1usize..200, 1000usize..30_000], 0..60),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    (prop_oneof![Just(70_000usize), Just(200), Just(usize::MAX)], prop_oneof![Just(3u32), Just(100)])
        .prop_map(|(max_message_bytes, max_fragments)| Config {
            max_message_bytes,
            max_fragments,
            ..Config::default()
        })
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![Just(Reading::Buffered), Just(Reading::Direct), Just(Reading::Lent)]
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same(
        role in role(), config in config(), frames in frames(), cut in 0usize..20,
        chunks in chunks(), reading in reading(),
    ) {
        let mut bytes = stream(role, &frames);
        bytes.truncate(bytes.len().saturating_sub(cut));
        let at_once = outcome(End::with(role, config.clone()), &bytes, &[], Reading::Buffered);
        let in_chunks = outcome(End::with(role, config), &bytes, &chunks, reading);
        prop_assert_eq!(in_chunks, at_once);
    }

    #[test]
    fn pieces_joined_equal_whole_messages(
        role in role(), config in config(), frames in frames(), chunks in chunks(),
    ) {
        let bytes = stream(role, &frames);
        let whole = outcome(End::with(role, config.clone()), &bytes, &[], Reading::Buffered);
        let in_pieces = Config { delivery: Delivery::Pieces, ..config };
        let pieces = outcome(End::with(role, in_pieces), &bytes, &chunks, Reading::Direct);
        prop_assert_eq!(joined(&pieces.seen), whole.seen);
        prop_assert_eq!(pieces.error, whole.error);
        prop_assert_eq!(pieces.closure, whole.closure);
        prop_assert_eq!(pieces.last_written, whole.last_written);
    }

    #[test]
    fn any_bytes_at_all_are_survived_alike(role in role(), bytes: Vec<u8>, chunks in chunks()) {
        let at_once = outcome(End::new(role), &bytes, &[], Reading::Buffered);
        let in_chunks = outcome(End::new(role), &bytes, &chunks, Reading::Direct);
        prop_assert_eq!(in_chunks, at_once);
    }

    #[test]
    fn frames_are_received_as_they_were_sent(role in role(), payload: Vec<u8>, text_sent: String) {
        let mut sender = End::new(role);
        sender.connection.send(&payload).unwrap();
        sender.connection.send(&text_sent).unwrap();
        let other = if role == Role::Server { Role::Client } else { Role::Server };
        let (seen, error) = End::new(other).try_receive(&sender.writes_bytes(usize::MAX));
        prop_assert_eq!((seen, error), (vec![sees_binary(payload), sees_text(&text_sent)], None));
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_for_every_kind_of_frame() {
    let frames = [
        text("whole"),
        text("in ").unfinished(),
        ping("between"),
        continuation("").unfinished(),
        continuation("three"),
        binary([7; 70_000]),
        pong(""),
        close(4000, "done"),
        text("never seen"),
    ];
    for role in ROLES {
        let bytes = stream(role, &frames);
        let at_once = outcome(End::new(role), &bytes, &[], Reading::Buffered);
        let one_at_a_time = vec![1; bytes.len()];
        assert_eq!(outcome(End::new(role), &bytes, &one_at_a_time, Reading::Buffered), at_once);
        assert_eq!(outcome(End::new(role), &bytes, &one_at_a_time, Reading::Direct), at_once);
        assert_eq!(at_once.seen.len(), 6);
    }
}
