//! Compressed messages as they are received (RFC 7692 §7.2.2).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use allocation_counter::measure;
use common::deflate::*;
use common::*;
use proptest::prelude::*;
use realtime_ws::{Config, Delivery, MessageKind, NegotiatedDeflate, PeerMisbehaved, Role};

const LIMIT: usize = 64 * 1024;

fn limited(max_message_bytes: usize) -> Config {
    Config { max_message_bytes, ..compressing_all() }
}

fn limited_in_pieces(max_message_bytes: usize) -> Config {
    Config { delivery: Delivery::Pieces, ..limited(max_message_bytes) }
}

fn too_big(limit: usize) -> PeerMisbehaved {
    PeerMisbehaved::MessageTooBig { limit }
}

fn as_both_roles_agreeing(agreed: NegotiatedDeflate, test: impl Fn(End)) {
    for role in ROLES {
        test(end(role, agreed));
    }
}

/// The pieces of all messages joined, with what came between them left out.
fn joined(seen: &[Seen]) -> Vec<(MessageKind, Vec<u8>)> {
    let (mut whole, mut message) = (Vec::new(), Vec::new());
    for event in seen {
        if let Seen::Piece { kind, bytes, is_last } = event {
            message.extend_from_slice(bytes);
            if *is_last {
                whole.push((*kind, std::mem::take(&mut message)));
            }
        }
    }
    whole
}

fn whole(seen: &[Seen]) -> Vec<(MessageKind, Vec<u8>)> {
    let message = |event: &Seen| match event {
        Seen::Text(text) => Some((MessageKind::Text, text.as_bytes().to_vec())),
        Seen::Binary(bytes) => Some((MessageKind::Binary, bytes.clone())),
        Seen::Piece { .. } | Seen::Ping(_) | Seen::Pong(_) | Seen::Closing(..) => None,
    };
    seen.iter().filter_map(message).collect()
}

/// RFC 7692 §7.2.3: each of them is "Hello".
const HELLO: [&[u8]; 4] = [
    &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
    &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
    &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
];

/// RFC 7692 §7.2.3.2: "Hello" again, by reference to the first one.
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

#[test]
fn examples_of_section_7_2_3_are_read() {
    for agreed in [TAKEOVER, NO_TAKEOVER] {
        as_both_roles_agreeing(agreed, |mut end| {
            for hello in HELLO {
                assert_eq!(end.receives(&[compressed(text(hello))]), [sees_text("Hello")]);
            }
        });
    }
}

#[test]
fn examples_of_section_7_2_3_are_read_however_they_are_fragmented() {
    as_both_roles_agreeing(NO_TAKEOVER, |mut end| {
        for hello in HELLO {
            for cut in 0..=hello.len() {
                let frames = [
                    compressed(text(&hello[..cut])).unfinished(),
                    ping("between"),
                    continuation("").unfinished(),
                    continuation(&hello[cut..]),
                ];
                assert_eq!(end.receives(&frames), [sees_ping("between"), sees_text("Hello")]);
            }
        }
    });
}

#[test]
fn first_example_is_written_byte_for_byte() {
    let mut server = end(Role::Server, TAKEOVER);
    server.connection.send("Hello").unwrap();
    server.connection.send("Hello").unwrap();
    let expected = [&[0xc1, 0x07][..], HELLO[0], &[0xc1, 0x05], &HELLO_AGAIN].concat();
    assert_eq!(server.writes_bytes(usize::MAX), expected);
}

#[test]
fn message_may_refer_to_the_one_before_if_that_was_agreed_on() {
    let again = compressed(text(HELLO_AGAIN));
    as_both_roles_agreeing(TAKEOVER, |mut end| {
        end.receives(&[compressed(text(HELLO[0])), text("plain between"), ping("")]);
        assert_eq!(end.receives(std::slice::from_ref(&again)), [sees_text("Hello")]);
    });
    as_both_roles_agreeing(NO_TAKEOVER, |mut end| {
        end.receives(&[compressed(text(HELLO[0]))]);
        assert_eq!(end.refuses(std::slice::from_ref(&again)), PeerMisbehaved::CorruptCompression);
    });
}

#[test]
fn reserved_bit_without_negotiation_is_a_protocol_error() {
    for config in [Config::default(), compressing_all()] {
        as_both_roles_with(config, |mut end| {
            assert_eq!(end.refuses(&[compressed(text(HELLO[0]))]), PeerMisbehaved::ReservedBits);
        });
    }
}

#[test]
fn reserved_bit_on_a_continuation_is_a_protocol_error() {
    for first in [binary(HELLO[0]), compressed(binary(HELLO[0]))] {
        as_both_roles_agreeing(TAKEOVER, |mut end| {
            end.receives(&[first.clone().unfinished()]);
            assert_eq!(end.refuses(&[compressed(continuation(""))]), PeerMisbehaved::ReservedBits);
        });
    }
}

#[test]
fn reserved_bit_on_a_control_frame_is_a_protocol_error() {
    for control in [ping(""), pong(""), close(1000, "")] {
        as_both_roles_agreeing(TAKEOVER, |mut end| {
            assert_eq!(end.refuses(&[compressed(control.clone())]), PeerMisbehaved::ReservedBits);
        });
    }
}

#[test]
fn other_reserved_bits_stay_protocol_errors() {
    for bits in [0b001, 0b010, 0b101, 0b110, 0b111] {
        as_both_roles_agreeing(TAKEOVER, |mut end| {
            let frame = text(HELLO[0]).with_reserved_bits(bits);
            assert_eq!(end.refuses(&[frame]), PeerMisbehaved::ReservedBits);
        });
    }
}

#[test]
fn message_exactly_at_the_limit_passes_and_one_byte_over_fails() {
    for role in ROLES {
        for agreed in [TAKEOVER, NO_TAKEOVER] {
            for fill in [|len: usize| vec![0; len], noise as fn(usize) -> Vec<u8>] {
                let (at_limit, over) = (fill(LIMIT), fill(LIMIT + 1));
                let mut whole = end_with(role, limited(LIMIT), agreed);
                let frame = compressed(binary(compress(&at_limit)));
                assert_eq!(whole.receives(std::slice::from_ref(&frame)), [sees_binary(&at_limit)]);
                let one_over = compressed(binary(compress(&over)));
                assert_eq!(whole.refuses(std::slice::from_ref(&one_over)), too_big(LIMIT));

                let mut pieces = end_with(role, limited_in_pieces(LIMIT), agreed);
                let seen = pieces.receives(&[frame]);
                assert_eq!(joined(&seen), [(MessageKind::Binary, at_limit)]);
                let (seen, error) = pieces.try_receive(&one_over.to(role));
                assert_eq!((joined(&seen), error), (vec![], Some(too_big(LIMIT))));
            }
        }
    }
}

#[test]
fn small_limits_hold_too() {
    for limit in [0, 1, 2, 5, 1023, 1024, 1025, 2047, 2048, 2049] {
        for len in [limit, limit + 1, limit + 2, 3000] {
            let mut server = end_with(Role::Server, limited(limit), NO_TAKEOVER);
            let (_, error) = server.try_receive(&compressed(binary(compress(vec![7; len]))).to(Role::Server));
            assert_eq!(error, (len > limit).then_some(too_big(limit)), "{len} bytes with limit {limit}");
        }
    }
}

#[test]
fn fragments_are_limited_by_what_they_become_taken_together() {
    as_both_roles_agreeing(NO_TAKEOVER, |end| {
        let mut end = end_with(end.role, limited(LIMIT), NO_TAKEOVER);
        let payload = compress(vec![7; LIMIT + 1]);
        let mut frames: Vec<_> = payload.chunks(7).map(|chunk| continuation(chunk).unfinished()).collect();
        frames[0] = compressed(binary(&frames[0].payload)).unfinished();
        assert_eq!(end.refuses(&frames), too_big(LIMIT));
    });
}

/// A stream that becomes `mebibytes` MiB of zeros, about a thousandth as long.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut compressor = Compressor::new(15);
    let zeros = vec![0; 1 << 20];
    let mut bomb = Vec::new();
    for _ in 0..mebibytes {
        bomb.extend_from_slice(&compressor.compress(&zeros));
        bomb.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
    }
    bomb
}

#[test]
fn bomb_takes_no_memory_beyond_the_limit() {
    const MAX_MESSAGE_BYTES: usize = 1 << 20;
    let frame = compressed(binary(bomb(1024)));
    assert!((900_000..1_200_000).contains(&frame.payload.len()), "{} bytes", frame.payload.len());
    for role in ROLES {
        let bytes = frame.to(role);
        let mut end = end_with(role, limited(MAX_MESSAGE_BYTES), TAKEOVER);
        let mut most_held = 0;
        let mut outcome = None;
        let allocated = measure(|| {
            let mut chunk = [0; 100];
            for bytes in bytes.chunks(100) {
                let mut input = &mut chunk[..bytes.len()];
                input.copy_from_slice(bytes);
                if let Err(error) = end.connection.receive(&mut input, end.now) {
                    outcome = Some(error);
                    break;
                }
                most_held = most_held.max(end.connection.held_bytes());
            }
        });
        assert_eq!(outcome, Some(too_big(MAX_MESSAGE_BYTES)));
        assert!(most_held <= MAX_MESSAGE_BYTES + 64 * 1024, "{most_held} bytes held");
        // The buffer grows by doubling, and for a moment there are the old one and the new one.
        let most = (MAX_MESSAGE_BYTES * 3 / 2 + 64 * 1024) as u64;
        assert!(allocated.bytes_max <= most, "{} bytes", allocated.bytes_max);
        assert!(end.connection.held_bytes() < 1024, "only the close frame is left");
    }
}

#[test]
fn bomb_in_pieces_takes_a_pieces_memory() {
    let frame = compressed(binary(bomb(64)));
    let mut server = end_with(Role::Server, limited_in_pieces(usize::MAX), NO_TAKEOVER);
    let mut bytes = frame.to(Role::Server);
    let (mut received, mut most_held) = (0, 0);
    let mut input = &mut bytes[..];
    while let Ok(Some((event, _))) = server.connection.receive(&mut input, server.now) {
        let Seen::Piece { bytes, .. } = Seen::from(event) else { panic!("{event:?}") };
        assert!(bytes.iter().all(|byte| *byte == 0));
        received += bytes.len();
        most_held = most_held.max(server.connection.held_bytes());
    }
    assert_eq!(received, 64 << 20);
    assert!(most_held <= 64 * 1024, "{most_held} bytes held");
}

#[test]
fn stream_that_becomes_nothing_holds_nothing_of_it() {
    // Empty stored blocks and empty final blocks.
    for block in [&[0x00, 0x00, 0x00, 0xFF, 0xFF][..], &[0x03, 0x00]] {
        let mut server = end_with(Role::Server, limited(1024), TAKEOVER);
        let frame = compressed(text(block.repeat(100_000))).unfinished();
        assert_eq!(server.receives(&[frame]), []);
        assert!(server.connection.held_bytes() <= 64 * 1024);
        assert_eq!(server.receives(&[continuation([0])]), [sees_text("")]);
    }
}

#[test]
fn inflated_text_fails_at_its_first_bad_byte() {
    as_both_roles_agreeing(TAKEOVER, |mut end| {
        let mut compressor = Compressor::new(15);
        end.receives(&[compressed(text(compressor.compress("fine, ü".as_bytes()))).unfinished()]);
        let until_bad = [&[0, 0, 0xFF, 0xFF], &compressor.compress(b"\xC3\x28")[..]].concat();
        let declared = header_to(end.role, false, CONTINUATION, 1_000_000);
        assert_eq!(end.try_receive(&declared), (vec![], None));
        let (_, error) = end.try_receive(&until_bad); // a mask of zeros leaves it as it is
        assert_eq!(error, Some(PeerMisbehaved::InvalidUtf8));
    });
}

#[test]
fn inflated_text_may_be_cut_within_a_character_but_not_end_there() {
    as_both_roles_agreeing(NO_TAKEOVER, |mut end| {
        let payload = compress("€😀".repeat(50));
        let mut frames: Vec<_> = payload.chunks(1).map(|chunk| continuation(chunk).unfinished()).collect();
        frames[0] = compressed(text(&frames[0].payload)).unfinished();
        frames.last_mut().unwrap().fin = true;
        assert_eq!(end.receives(&frames), [sees_text(&"€😀".repeat(50))]);
        let cut = compressed(text(compress(b"ab\xE2\x82")));
        assert_eq!(end.refuses(&[cut]), PeerMisbehaved::InvalidUtf8);
    });
}

#[test]
fn corrupt_messages_are_refused() {
    let table: [(&str, &[u8]); 9] = [
        ("block of the reserved type", &[0x06]),
        ("final block of the reserved type", &[0x07, 0x00]),
        ("stored block whose lengths differ", &[0x00, 0x05, 0x00, 0xFF, 0xFF, 0x00]),
        ("stored block that is cut", &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48]),
        ("reference to before the start", &HELLO_AGAIN),
        ("block that is cut", &[0xF2, 0x48, 0xCD]),
        ("final block that is cut", &[0xF3, 0x48, 0xCD]),
        ("tail that was not taken off", &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF]),
        ("bytes that are no deflate data", b"\xFF\xFF\xFF\xFF\xFF\xFF"),
    ];
    for (what, payload) in table {
        as_both_roles_agreeing(TAKEOVER, |mut end| {
            let misbehaved = end.refuses(&[compressed(text(payload))]);
            assert_eq!(misbehaved, PeerMisbehaved::CorruptCompression, "{what}");
            assert_eq!(misbehaved.close_code().get(), 1007);
        });
    }
}

#[test]
fn final_block_ends_what_can_be_referred_to() {
    as_both_roles_agreeing(TAKEOVER, |mut end| {
        // A final block, and what refers to it, in one message and in two.
        let mut in_one = HELLO[2][..7].to_vec();
        in_one.extend_from_slice(&HELLO_AGAIN);
        end.receives(&[compressed(text(HELLO[0])), compressed(text(HELLO[2]))]);
        assert_eq!(end.refuses(&[compressed(text(&in_one))]), PeerMisbehaved::CorruptCompression);
    });
}

#[test]
fn several_final_blocks_make_one_message() {
    as_both_roles_agreeing(TAKEOVER, |mut end| {
        let final_block = &HELLO[2][..7];
        let payload = [final_block, final_block, HELLO[0]].concat();
        assert_eq!(end.receives(&[compressed(text(payload))]), [sees_text("HelloHelloHello")]);
        assert_eq!(end.receives(&[compressed(text(HELLO_AGAIN))]), [sees_text("Hello")]);
    });
}

#[test]
fn message_may_end_with_its_final_block() {
    as_both_roles_agreeing(TAKEOVER, |mut end| {
        for _ in 0..3 {
            assert_eq!(end.receives(&[compressed(text(&HELLO[2][..7]))]), [sees_text("Hello")]);
            assert_eq!(end.receives(&[compressed(text(HELLO[0]))]), [sees_text("Hello")]);
        }
    });
}

#[test]
fn final_block_may_be_completed_by_the_tail() {
    as_both_roles_agreeing(TAKEOVER, |mut end| {
        for payload in [&[0x01][..], &[&HELLO[2][..7], &[0x01]].concat()] {
            // An empty stored block that is the last, less the lengths that every tail has.
            let greeting = if payload.len() == 1 { "" } else { "Hello" };
            assert_eq!(end.receives(&[compressed(text(payload))]), [sees_text(greeting)]);
            assert_eq!(end.receives(&[compressed(text(HELLO[0]))]), [sees_text("Hello")]);
        }
    });
}

#[test]
fn empty_message_may_be_compressed() {
    for agreed in [TAKEOVER, NO_TAKEOVER] {
        as_both_roles_agreeing(agreed, |mut end| {
            // RFC 7692 §7.2.3.6, and what compressors write that flush nothing when there is nothing.
            for payload in [&[0x00][..], &[]] {
                assert_eq!(end.receives(&[compressed(text(payload))]), [sees_text("")]);
                assert_eq!(end.receives(&[compressed(text(HELLO[0]))]), [sees_text("Hello")]);
            }
        });
    }
}

#[test]
fn every_window_is_read() {
    let payload: Vec<u8> = (0..3).flat_map(|_| noise(40_000)).collect();
    for window_bits in 9..=15 {
        let mut compressor = Compressor::new(window_bits);
        let agreed = NegotiatedDeflate { incoming_window_bits: window_bits, ..TAKEOVER };
        as_both_roles_agreeing(agreed, |mut end| {
            end.receives(&[]);
        });
        let mut server = end(Role::Server, agreed);
        for _ in 0..3 {
            let frame = compressed(binary(compressor.compress(&payload)));
            assert_eq!(server.receives(&[frame]), [sees_binary(&payload)]);
        }
    }
}

#[test]
fn compressed_messages_leave_no_memory_behind_unless_they_may_be_referred_to() {
    for config in [compressing_all(), Config { delivery: Delivery::Pieces, ..compressing_all() }] {
        for role in ROLES {
            let mut without = end_with(role, config.clone(), NO_TAKEOVER);
            let mut with = end_with(role, config.clone(), TAKEOVER);
            assert_eq!((without.connection.held_bytes(), with.connection.held_bytes()), (0, 0));
            let frame = compressed(binary(compress(noise(100_000))));
            for end in [&mut without, &mut with] {
                end.receives(std::slice::from_ref(&frame));
                end.receives(&[pong("")]);
            }
            assert_eq!(without.connection.held_bytes(), 0);
            assert_eq!(with.connection.held_bytes(), 47_680);
        }
    }
}

#[test]
fn what_the_library_holds_is_known() {
    let agreed = TAKEOVER;
    let frame = compressed(binary(compress(b"abc"))).to(Role::Server);
    let mut server = end(Role::Server, agreed);
    let allocated = measure(|| {
        for _ in 0..10 {
            let mut scratch = frame.clone();
            let mut input = &mut scratch[..];
            while let Ok(Some(_)) = server.connection.receive(&mut input, server.now) {}
        }
    });
    let (held, counted) = (server.connection.held_bytes() as i64, allocated.bytes_current);
    assert!((held - counted).abs() < held / 50, "{held} bytes said to be held, {counted} allocated");
}

#[test]
fn compressed_frame_is_not_read_directly() {
    let mut server = end(Role::Server, NO_TAKEOVER);
    let mut header = header_to(Role::Server, true, BINARY, 1_000_000);
    header[0] |= RSV1 << 4;
    server.try_receive(&header);
    assert_eq!(server.connection.spare(), None);
    server.try_receive(&[0, 255]);
    assert_eq!(server.connection.spare(), None);
}

/// How an end takes a stream: the events, the error, and whether what it holds in the end is what it may.
fn outcome(
    mut end: End,
    bytes: &[u8],
    chunks: &[usize],
    reading: Reading,
) -> (Vec<Seen>, Option<PeerMisbehaved>) {
    end.try_receive_in_chunks(bytes, chunks.iter().copied(), reading)
}

/// A message, compressed or not, in any number of frames, and now and then with a wrong byte.
#[derive(Clone, Debug)]
struct Plan {
    opcode: u8,
    payload: Vec<u8>,
    is_compressed: bool,
    cuts: Vec<(prop::sample::Index, bool)>,
    fault: Option<(prop::sample::Index, u8)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let payload = prop_oneof![
        8 => ".{0,40}".prop_map(String::into_bytes),
        2 => "(abc|bcd){0,400}".prop_map(String::into_bytes),
        4 => prop::collection::vec(any::<u8>(), 0..400),
        1 => (60_000usize..80_000).prop_map(|len| vec![b'x'; len]),
        1 => (15_000usize..40_000).prop_map(noise),
    ];
    let cuts = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..4);
    let fault = prop::option::weighted(0.05, (any::<prop::sample::Index>(), 1u8..));
    (prop_oneof![Just(TEXT), Just(BINARY)], payload, prop::bool::weighted(0.8), cuts, fault).prop_map(
        |(opcode, payload, is_compressed, cuts, fault)| Plan { opcode, payload, is_compressed, cuts, fault },
    )
}

impl Plan {
    fn frames(&self, compressor: &mut Compressor, agreed: NegotiatedDeflate) -> Vec<Frame> {
        if !agreed.incoming_context_takeover {
            *compressor = Compressor::new(15);
        }
        let mut payload = self.payload.clone();
        if self.is_compressed && !payload.is_empty() {
            payload = compressor.compress(&payload);
        }
        if let (Some((at, fault)), false) = (&self.fault, payload.is_empty()) {
            let at = at.index(payload.len());
            payload[at] ^= fault;
        }
        let mut cuts: Vec<_> =
            self.cuts.iter().map(|(at, ping)| (at.index(payload.len() + 1), *ping)).collect();
        cuts.sort_unstable();
        let (mut frames, mut from, mut opcode) = (Vec::new(), 0, self.opcode);
        for (at, with_ping) in cuts {
            frames.push(frame(opcode, &payload[from..at]).unfinished());
            if with_ping {
                frames.push(ping(&payload[from..at.min(from + 125)]));
            }
            (from, opcode) = (at, CONTINUATION);
        }
        frames.push(frame(opcode, &payload[from..]));
        if self.is_compressed {
            frames[0].reserved_bits = RSV1;
        }
        frames
    }
}

proptest! {
    #[test]
    fn any_chunking_of_compressed_messages_gives_the_same(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        agreed in prop_oneof![Just(TAKEOVER), Just(NO_TAKEOVER)],
        limit in prop_oneof![Just(70_000usize), Just(200), Just(usize::MAX)],
        plans in prop::collection::vec(plan(), 0..6),
        chunks in prop_oneof![
            prop::collection::vec(1usize..20, 0..400),
            prop::collection::vec(prop_oneof![1usize..200, 1000usize..30_000], 0..60),
        ],
        cut in 0usize..20,
    ) {
        let mut compressor = Compressor::new(15);
        let frames: Vec<_> = plans.iter().flat_map(|plan| plan.frames(&mut compressor, agreed)).collect();
        let mut bytes = stream(role, &frames);
        bytes.truncate(bytes.len().saturating_sub(cut));

        let at_once = outcome(end_with(role, limited(limit), agreed), &bytes, &[], Reading::Buffered);
        let in_chunks = outcome(end_with(role, limited(limit), agreed), &bytes, &chunks, Reading::Direct);
        prop_assert_eq!(&in_chunks, &at_once);

        for chunks in [&chunks[..], &[]] {
            let pieces = end_with(role, limited_in_pieces(limit), agreed);
            let (seen, error) = outcome(pieces, &bytes, chunks, Reading::Direct);
            prop_assert_eq!(joined(&seen), whole(&at_once.0));
            prop_assert_eq!(error, at_once.1);
        }

        let is_sound = plans.iter().all(|plan| plan.fault.is_none() && plan.payload.len() <= limit);
        if is_sound && cut == 0 {
            let sent = plans.iter().map(|plan| {
                let kind = if plan.opcode == TEXT { MessageKind::Text } else { MessageKind::Binary };
                (kind, plan.payload.clone())
            });
            let sent: Vec<_> = sent.take_while(|(kind, payload)| {
                *kind == MessageKind::Binary || std::str::from_utf8(payload).is_ok()
            }).collect();
            prop_assert_eq!(whole(&at_once.0), sent);
        }
    }

    #[test]
    fn any_bytes_as_compressed_payload_are_survived_alike(
        agreed in prop_oneof![Just(TAKEOVER), Just(NO_TAKEOVER)],
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..4),
    ) {
        let frames: Vec<_> = payloads.iter().map(|payload| compressed(binary(payload))).collect();
        let bytes = stream(Role::Server, &frames);
        let at_once = outcome(end(Role::Server, agreed), &bytes, &[], Reading::Buffered);
        let in_chunks = outcome(end(Role::Server, agreed), &bytes, &vec![1; bytes.len()], Reading::Buffered);
        prop_assert_eq!(in_chunks, at_once);
    }
}
