//! What a connection holds: nothing while idle, and otherwise what has arrived or waits, never what was
//! declared.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use allocation_counter::measure;
use common::*;
use realtime_ws::handshake::{Request, ServerHandshake};
use realtime_ws::{Config, Event, PreparedMessage, Role, Timestamp};

/// What a message or frame in progress may hold beyond its bytes.
const STATE_BYTES: usize = 256;

#[test]
fn new_connection_owns_no_heap() {
    as_both_roles(|end| assert_eq!(end.connection.held_bytes(), 0));
}

#[test]
fn idle_connection_owns_no_heap_whatever_it_did() {
    for config in [Config::default(), in_pieces()] {
        as_both_roles_with(config, |mut end| {
            let large = vec![7; 100_000];
            let frames = [
                text("whole"),
                text("a").unfinished(),
                ping([1; 125]),
                continuation("b"),
                binary(&large),
                pong("unasked"),
            ];
            for reading in [Reading::Buffered, Reading::Direct, Reading::Lent] {
                let chunks = std::iter::repeat(977);
                let bytes = stream(end.role, &frames);
                let (_, error) = end.try_receive_in_chunks(&bytes, chunks, reading);
                assert_eq!(error, None);
                end.connection.send(&large).unwrap();
                end.connection.send_prepared(&PreparedMessage::new(&large)).unwrap();
                end.connection.ping(b"p").unwrap();
                assert!(end.connection.held_bytes() > 0);
                while end.connection.unsent_bytes() > 0 {
                    end.writes_bytes(7777);
                }
                assert_eq!(end.connection.held_bytes(), 0);
            }
        });
    }
}

#[test]
fn whole_frame_is_lent_without_an_allocation() {
    for config in [Config::default(), in_pieces()] {
        let config = config.checked().unwrap();
        let mut server = realtime_ws::Connection::server(config, realtime_ws::Timestamp::START);
        let frames = [pong("p"), close(1000, "")];
        let mut scratch = stream(Role::Server, &frames);
        let allocated = measure(|| {
            let mut input = &mut scratch[..];
            let event = server.receive(&mut input, realtime_ws::Timestamp::START);
            assert!(matches!(event, Ok(Some((Event::Pong(b"p"), _)))));
        });
        assert_eq!(allocated.count_total, 0);
    }
    for config in [Config::default(), in_pieces()] {
        let mut server = End::with(Role::Server, config);
        let mut scratch = stream(Role::Server, &[text("a"), binary([7; 10_000]), text("é".repeat(1000))]);
        let allocated = measure(|| {
            let mut input = &mut scratch[..];
            let mut events = 0;
            while let Ok(Some(_)) = server.connection.receive(&mut input, server.now) {
                events += 1;
            }
            assert_eq!(events, 3);
        });
        assert_eq!(allocated.count_total, 0);
    }
}

#[test]
fn what_had_arrived_of_a_message_is_freed_when_it_fails() {
    let begun = || vec![text("a".repeat(10_000)).unfinished()];
    for last in [
        frame(0x3, ""),
        text("new"),
        continuation("a").with_reserved_bits(0b100),
        continuation([0xFF]),
        frame(0x8, [0]),
        close(1000, "").with_reserved_bits(0b010),
    ] {
        for config in [Config::default(), in_pieces()] {
            for role in [Role::Server, Role::Client] {
                let end = End::with(role, config.clone());
                let (mut receiver, _) = end.connection.split();
                let mut bytes = stream(role, &[begun(), vec![last.clone()]].concat());
                let error = bytes.chunks_mut(1000).find_map(|mut chunk| {
                    loop {
                        match receiver.receive(&mut chunk, end.now) {
                            Ok(Some(_)) => {}
                            Ok(None) => return None,
                            Err(error) => return Some(error),
                        }
                    }
                });
                assert!(error.is_some(), "{last:?} is refused");
                assert_eq!(receiver.held_bytes(), 0, "{last:?}");
            }
        }
    }
}

#[test]
fn echo_into_a_lent_buffer_allocates_nothing() {
    let mut server = End::new(Role::Server);
    let mut lent = Vec::with_capacity(1000);
    let mut scratch = stream(Role::Server, &[text("a"), text("b")]);
    let allocated = measure(|| {
        let mut input = &mut scratch[..];
        server.connection.lend_buffer(&mut lent);
        while let Ok(Some((event, sender))) = server.connection.receive(&mut input, server.now) {
            if let Event::Text(text) = event {
                assert_eq!(sender.send(text), Ok(()));
            }
        }
        let mut slices = [&[][..]; 4];
        let filled = server.connection.poll_transmit(&mut slices);
        let written = slices[..filled].iter().map(|slice| slice.len()).sum();
        server.connection.transmitted(written);
        server.connection.reclaim_buffer(&mut lent);
    });
    assert_eq!(allocated.count_total, 0);
    assert_eq!((lent.capacity(), server.connection.held_bytes()), (1000, 0));
}

#[test]
fn large_message_in_a_lent_buffer_allocates_only_its_first_piece() {
    let mut server = End::new(Role::Server);
    server.buffer = vec![7; 1_000_000];
    let bytes = stream(Role::Server, &[binary([1; 900_000]), text("a".repeat(900_000))]);
    let piece_bytes = 10_000;
    for frame in bytes.chunks(bytes.len() / 2) {
        let mut seen = 0;
        for read in frame.chunks(piece_bytes) {
            let allocated = measure(|| {
                let mut scratch = [0; 10_000];
                let spare = server.connection.spare().map(|spare| &mut spare[..read.len()]);
                let mut input = match spare {
                    Some(spare) => {
                        spare.copy_from_slice(read);
                        server.connection.filled(read.len(), server.now);
                        &mut []
                    }
                    None => {
                        scratch[..read.len()].copy_from_slice(read);
                        &mut scratch[..read.len()]
                    }
                };
                while let Ok(Some(_)) = server.connection.receive(&mut input, server.now) {
                    seen += 1;
                }
                if server.connection.wants_message_buffer() {
                    server.connection.lend_message_buffer(std::mem::take(&mut server.buffer));
                }
            });
            assert!(allocated.bytes_max as usize <= STATE_BYTES + piece_bytes, "{}", allocated.bytes_max);
        }
        assert_eq!(seen, 1);
        server.buffer = server.connection.reclaim_message_buffer().unwrap();
        assert_eq!((server.buffer.len(), server.connection.held_bytes()), (1_000_000, 0));
    }
}

#[test]
fn declared_length_allocates_nothing() {
    for reading in [Reading::Buffered, Reading::Direct] {
        as_both_roles_with(unlimited(), |mut end| {
            let header = header_to(end.role, true, BINARY, LONGEST_MESSAGE);
            let allocated = measure(|| assert_eq!(end.try_receive(&header), (vec![], None)));
            assert!(allocated.bytes_max < 1024, "{} bytes for a header", allocated.bytes_max);
            assert!(end.connection.held_bytes() <= STATE_BYTES);

            // A spare of 64 KiB is worth its memory from the first byte on; beyond that, memory follows the
            // bytes.
            let mut arrived = 0;
            while arrived < 1 << 20 {
                let chunk = vec![0; 1000 + arrived / 8];
                let (_, error) = end.try_receive_in_chunks(&chunk, [], reading);
                assert_eq!(error, None);
                arrived += chunk.len();
                let held = end.connection.held_bytes();
                assert!(held <= STATE_BYTES + 128 * 1024 + 4 * arrived, "{held} bytes for {arrived}");
            }
        });
    }
}

#[test]
fn declared_length_of_a_fragment_allocates_nothing() {
    as_both_roles_with(unlimited(), |mut end| {
        end.receives(&[text("a").unfinished()]);
        end.try_receive(&header_to(end.role, true, CONTINUATION, LONGEST_MESSAGE));
        assert!(end.connection.held_bytes() <= STATE_BYTES + 64);
    });
}

#[test]
fn message_in_pieces_holds_nothing_of_it() {
    let config = Config { max_message_bytes: usize::MAX, ..in_pieces() };
    as_both_roles_with(config, |mut end| {
        end.try_receive(&header_to(end.role, true, BINARY, LONGEST_MESSAGE));
        for _ in 0..100 {
            end.try_receive(&[7; 10_000]);
            assert!(end.connection.held_bytes() <= STATE_BYTES);
        }
    });
}

#[test]
fn pings_from_a_peer_that_never_reads_hold_sixteen_pongs() {
    as_both_roles(|mut end| {
        let one = ping([7; 125]).to(end.role);
        for waiting in [0, 1000] {
            if waiting > 0 {
                end.connection.send(&vec![7; waiting]).unwrap();
                end.writes_bytes(1);
            }
            for _ in 0..50_000 {
                end.try_receive(&one);
            }
            let held = end.connection.held_bytes();
            let pongs = 16 * (125 + 6);
            assert!(held <= 3 * (waiting + pongs), "{held} bytes held for the pongs and {waiting} bytes");
        }
    });
}

#[test]
fn pings_from_a_peer_that_never_reads_move_nothing_that_waits() {
    as_both_roles(|mut end| {
        end.connection.send(&vec![7; 1_000_000]).unwrap();
        end.writes_bytes(1);
        let pings: Vec<u8> = (0..100).flat_map(|len| ping(vec![7; len]).to(end.role)).collect();
        let held = end.connection.held_bytes();
        for _ in 0..1000 {
            end.try_receive(&pings); // each of another length than the one that it replaces
        }
        assert!(end.connection.held_bytes() <= held + 512 + STATE_BYTES);
    });
}

#[test]
fn slow_reader_holds_what_waits_and_not_what_was_written() {
    as_both_roles(|mut end| {
        let message = vec![7; 1000];
        for _ in 0..100 {
            end.connection.send(&message).unwrap();
        }
        for _ in 0..10_000 {
            end.connection.send(&message).unwrap();
            end.writes_bytes(message.len() + 8);
        }
        let held = end.connection.held_bytes();
        assert!(held <= 4 * 100 * 1100, "{held} bytes held for about 100 messages");
    });
}

/// The bytes allocated while `take` takes `bytes` in chunks of `size`; what is copied again is allocated again.
fn allocated_for(mut bytes: Vec<u8>, size: usize, mut take: impl FnMut(&mut &mut [u8])) -> u64 {
    let allocated = measure(|| {
        for mut chunk in bytes.chunks_mut(size) {
            take(&mut chunk);
            assert!(chunk.is_empty());
        }
    });
    allocated.bytes_total
}

/// What is allocated for a text that comes as `bytes`.
fn allocated_for_text(role: Role, bytes: Vec<u8>, size: usize, expected_bytes: usize) -> u64 {
    let mut end = End::with(role, unlimited());
    let mut received_bytes = 0;
    let allocated = allocated_for(bytes, size, |input| {
        if let Ok(Some((Event::Text(text), _))) = end.connection.receive(input, end.now) {
            received_bytes = text.len();
        }
    });
    assert_eq!(received_bytes, expected_bytes);
    allocated
}

// How often each byte is checked is counted beside the UTF-8 validator and the scanner of heads.
fn assert_linear(quarter: u64, whole: u64, message_bytes: usize) {
    assert!(whole <= 5 * quarter, "{whole} bytes allocated, {quarter} for a quarter of it");
    assert!(whole <= 4 * message_bytes as u64, "{whole} bytes allocated for {message_bytes}");
}

#[test]
fn four_mebibytes_in_small_fragments_take_linear_memory_and_time() {
    let in_fragments = |role, count: usize| {
        let mut frames = vec![text([b'a'; 64]).unfinished()];
        frames.resize(count - 1, continuation([b'a'; 64]).unfinished());
        frames.push(continuation([b'a'; 64]));
        allocated_for_text(role, stream(role, &frames), usize::MAX, count * 64)
    };
    for role in ROLES {
        assert_linear(in_fragments(role, 16_384), in_fragments(role, 65_536), 4 << 20);
    }
}

#[test]
fn eight_mebibytes_of_a_frame_byte_by_byte_take_linear_memory_and_time() {
    let in_bytes = |len| {
        let frame = text(vec![b'a'; len]).to(Role::Server);
        allocated_for_text(Role::Server, frame, 1, len)
    };
    assert_linear(in_bytes(2 << 20), in_bytes(8 << 20), 8 << 20);
}

#[test]
fn eight_mebibytes_of_a_head_byte_by_byte_take_linear_memory_and_time() {
    let config = Config { max_head_bytes: 16 << 20, ..Config::default() }.checked().unwrap();
    let in_bytes = |len| {
        let mut handshake = ServerHandshake::new(config.clone(), Timestamp::START);
        let mut is_complete = false;
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(len));
        let allocated = allocated_for(head.into_bytes(), 1, |input| {
            is_complete |= matches!(handshake.receive(input), Ok(Some(Request::Http(_))));
        });
        assert!(is_complete);
        allocated
    };
    assert_linear(in_bytes(2 << 20), in_bytes(8 << 20), 8 << 20);
}

#[test]
fn failed_connection_holds_only_the_close_frame() {
    as_both_roles(|mut end| {
        end.receives(&[text(vec![b'a'; 100_000]).unfinished()]);
        let (_, error) = end.try_receive(&text("a").to(end.role));
        assert!(error.is_some());
        end.try_receive(&[]);
        assert!(end.connection.held_bytes() <= 2 * 139);
    });
}

#[test]
fn prepared_message_takes_two_allocations() {
    for payload in [vec![7; 10], vec![7; 1000], vec![7; 100_000]] {
        let allocated = measure(|| drop(PreparedMessage::new(&payload)));
        assert_eq!(allocated.count_total, 2, "what is shared, and the frame of {} bytes", payload.len());
    }
}
