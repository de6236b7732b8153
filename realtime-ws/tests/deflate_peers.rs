//! Compressed messages to and from peers with another implementation of deflate, and peers that remember no
//! more than was agreed on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::deflate::*;
use common::inflate::NaiveInflate;
use common::*;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use proptest::prelude::*;
use realtime_ws::{NegotiatedDeflate, PeerMisbehaved, PreparedMessage, Role};

/// What a flush leaves away from the end of a message.
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// How a peer ends what it has compressed so far.
#[derive(Clone, Copy, Debug)]
enum Flush {
    Sync,
    /// What follows refers to nothing before it.
    Full,
    /// A final block (RFC 7692 §7.2.3.4), behind which there is an empty one or nothing.
    Final {
        is_followed: bool,
    },
}

/// Compresses each of `parts` and flushes; together they are a message.
fn foreign_message(compressor: &mut Compress, parts: &[(Vec<u8>, Flush)]) -> Vec<u8> {
    let mut message = Vec::new();
    for (i, (part, flush)) in parts.iter().enumerate() {
        message.reserve(2 * part.len() + 100);
        let is_last = i + 1 == parts.len();
        let mut run = |flush| {
            let before = compressor.total_in();
            let status = compressor.compress_vec(part, &mut message, flush).unwrap();
            assert_eq!((compressor.total_in() - before) as usize, part.len());
            status
        };
        match flush {
            Flush::Sync => assert_eq!(run(FlushCompress::Sync), Status::Ok),
            Flush::Full => assert_eq!(run(FlushCompress::Full), Status::Ok),
            Flush::Final { is_followed } => {
                assert_eq!(run(FlushCompress::Finish), Status::StreamEnd);
                compressor.reset();
                if is_last && *is_followed {
                    message.push(0);
                }
                continue;
            }
        }
        if is_last {
            assert!(message.ends_with(&TAIL));
            message.truncate(message.len() - TAIL.len());
        }
    }
    message
}

/// What a peer makes of a message; `None` if it is corrupt.
fn foreign_reading(decompressor: &mut Decompress, message: &[u8]) -> Option<Vec<u8>> {
    let input = [message, &TAIL].concat();
    let (mut read, mut output) = (0, Vec::new());
    loop {
        output.reserve(64 * 1024);
        let (in_before, out_before) = (decompressor.total_in(), output.len());
        let status = decompressor.decompress_vec(&input[read..], &mut output, FlushDecompress::Sync).ok()?;
        read += (decompressor.total_in() - in_before) as usize;
        let is_done = decompressor.total_in() == in_before && output.len() == out_before;
        if status == Status::StreamEnd {
            if input.len() - read <= TAIL.len() {
                return Some(output); // nothing follows, or what follows is the tail alone
            }
            decompressor.reset(false);
        } else if is_done {
            return Some(output);
        }
    }
}

/// Things that are repeated near and far.
fn repetitive() -> Vec<u8> {
    let source = noise(20_000);
    let mut payload = source[..150].repeat(100);
    for distance in [300, 600, 1200, 2500, 5000, 10_000, 20_000] {
        payload.extend_from_slice(&source[..distance]);
        payload.extend_from_slice(&source[..200]);
    }
    payload
}

#[test]
fn nothing_refers_further_back_than_was_agreed_on() {
    let payload = repetitive();
    for window_bits in 9..=15 {
        for level in [1, 6] {
            for outgoing_context_takeover in [false, true] {
                let agreed = NegotiatedDeflate {
                    outgoing_context_takeover,
                    outgoing_window_bits: window_bits,
                    ..NO_TAKEOVER
                };
                let mut config = compressing_all();
                config.deflate.as_mut().unwrap().level = level;
                let mut server = end_with(Role::Server, config, agreed);
                let mut peer = NaiveInflate::default();
                server.connection.send(&payload).unwrap();
                server.connection.send(&payload).unwrap();
                server.connection.send_prepared(&PreparedMessage::new(&payload)).unwrap();
                for frame in server.writes() {
                    assert_eq!(peer.read(&frame.payload), payload, "{agreed:?}, level {level}");
                }
                let furthest = 1 << (window_bits - 2)..=1 << window_bits;
                assert!(furthest.contains(&peer.furthest), "{} back, {agreed:?}", peer.furthest);
            }
        }
    }
}

#[test]
fn final_block_may_end_wherever_there_is_no_more_room() {
    for len in (0..40).chain(1000..1050).chain(2030..2070).chain(4080..4120) {
        for fill in [|len: usize| vec![7; len], noise as fn(usize) -> Vec<u8>] {
            for level in [0, 1, 6] {
                let mut compressor = Compress::new(Compression::new(level), false);
                let payload = fill(len);
                let part = |is_followed| (payload.clone(), Flush::Final { is_followed });
                let message = foreign_message(&mut compressor, &[part(false), part(true)]);
                let mut server = end(Role::Server, TAKEOVER);
                let seen = server.receives(&[compressed(binary(message))]);
                assert_eq!(seen, [sees_binary(payload.repeat(2))], "{len} bytes twice, level {level}");
            }
        }
    }
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..200),
        4 => prop::collection::vec(0u8..4, 0..3000),
        2 => "(abc|bcd|hello, ){0,400}".prop_map(String::into_bytes),
        1 => (1000usize..70_000).prop_map(|len| vec![b'x'; len]),
        1 => (1000usize..70_000).prop_map(noise),
    ]
}

fn flush() -> impl Strategy<Value = Flush> {
    prop_oneof![
        4 => Just(Flush::Sync),
        1 => Just(Flush::Full),
        1 => any::<bool>().prop_map(|is_followed| Flush::Final { is_followed }),
    ]
}

proptest! {
    #[test]
    fn what_a_peer_compresses_is_read(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        with_takeover in any::<bool>(),
        level in 0u32..=9,
        messages in prop::collection::vec(prop::collection::vec((payload(), flush()), 1..4), 1..5),
        chunk in prop_oneof![1usize..50, 1000usize..10_000],
    ) {
        let mut end = end(role, if with_takeover { TAKEOVER } else { NO_TAKEOVER });
        let mut compressor = Compress::new(Compression::new(level), false);
        for parts in &messages {
            let message = foreign_message(&mut compressor, parts);
            if !with_takeover {
                compressor.reset();
            }
            let bytes = compressed(binary(&message)).to(role);
            let chunks = std::iter::repeat(chunk);
            let (seen, error) = end.try_receive_in_chunks(&bytes, chunks, Reading::Direct);
            let expected: Vec<u8> = parts.iter().flat_map(|(part, _)| part.clone()).collect();
            prop_assert_eq!((seen, error), (vec![sees_binary(expected)], None));
        }
    }

    #[test]
    fn what_is_compressed_can_be_read_by_a_peer(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        with_takeover in any::<bool>(),
        window_bits in 9u8..=15,
        level in 1u8..=9,
        memory_level in 1u8..=9,
        messages in prop::collection::vec((payload(), any::<bool>()), 1..8),
    ) {
        let agreed = NegotiatedDeflate {
            outgoing_context_takeover: with_takeover, outgoing_window_bits: window_bits, ..NO_TAKEOVER
        };
        let mut config = compressing_all();
        config.deflate.as_mut().unwrap().level = level;
        config.deflate.as_mut().unwrap().memory_level = memory_level;
        let mut end = end_with(role, config, agreed);
        let mut decompressor = Decompress::new(false);
        for (payload, is_shared) in &messages {
            if *is_shared {
                end.connection.send_prepared(&PreparedMessage::new(payload)).unwrap();
            } else {
                end.connection.send(payload).unwrap();
            }
            for frame in end.writes() {
                if frame.reserved_bits == RSV1 {
                    let read = foreign_reading(&mut decompressor, &frame.payload);
                    prop_assert_eq!(read.as_ref(), Some(payload));
                } else {
                    prop_assert_eq!(&frame.payload, payload);
                }
                if !with_takeover {
                    decompressor.reset(false);
                }
            }
        }
    }

    /// A damaged message is refused, or is what another implementation takes it for.
    #[test]
    fn damaged_messages_are_not_misread(
        level in 0u32..=9,
        parts in prop::collection::vec((payload(), flush()), 1..3),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..3),
    ) {
        let mut message = foreign_message(&mut Compress::new(Compression::new(level), false), &parts);
        prop_assume!(!message.is_empty());
        for (at, damage) in damage {
            let at = at.index(message.len());
            message[at] ^= damage;
        }
        let bytes = compressed(binary(&message)).to(Role::Server);
        match end(Role::Server, TAKEOVER).try_receive(&bytes) {
            (seen, None) => {
                let read = foreign_reading(&mut Decompress::new(false), &message);
                prop_assert_eq!(seen, vec![sees_binary(read.unwrap())]);
            }
            (seen, Some(error)) => {
                prop_assert_eq!(seen, vec![]);
                let too_big = matches!(error, PeerMisbehaved::MessageTooBig { .. });
                prop_assert!(too_big || error == PeerMisbehaved::CorruptCompression);
            }
        }
    }
}
