//! Messages as they are sent compressed (RFC 7692 §7.2.1), and what both sides make of each other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use allocation_counter::measure;
use common::deflate::*;
use common::*;
use proptest::prelude::*;
use realtime_ws::{
    CompressionClass, Config, DeflateConfig, Event, InvalidConfig, MessageKind, NegotiatedDeflate, Piece,
    PreparedMessage, Role,
};

fn config(deflate: DeflateConfig) -> Config {
    Config { deflate: Some(deflate), ..Config::default() }
}

fn json(i: usize) -> String {
    format!(r#"{{"event":"message","channel":"room","data":{{"id":{i},"text":"hello, hello, hello"}}}}"#)
}

#[track_caller]
fn writes_one(end: &mut End) -> Frame {
    let mut frames = end.writes();
    assert_eq!(frames.len(), 1, "{frames:?}");
    frames.remove(0)
}

#[test]
fn messages_below_the_minimum_go_out_as_they_are() {
    for agreed in [TAKEOVER, NO_TAKEOVER] {
        for role in ROLES {
            let deflate = DeflateConfig { min_message_bytes: 100, level: LEVEL, ..DeflateConfig::default() };
            let mut end = end_with(role, config(deflate), agreed);
            end.connection.send(&[7; 99]).unwrap();
            assert_eq!(writes_one(&mut end), binary([7; 99]));
            assert_eq!(end.connection.held_bytes(), 0);
            end.connection.send(&[7; 100]).unwrap();
            assert_eq!(writes_one(&mut end), compressed(binary(compress([7; 100]))));
        }
    }
}

#[test]
fn empty_messages_are_never_compressed() {
    for agreed in [TAKEOVER, NO_TAKEOVER] {
        for role in ROLES {
            let mut end = end(role, agreed);
            for _ in 0..2 {
                end.connection.send("").unwrap();
                end.connection.send_prepared(&PreparedMessage::new("")).unwrap();
                assert_eq!(end.writes(), [text(""), text("")]);
            }
        }
    }
}

#[test]
fn message_that_does_not_shrink_goes_out_as_it_is_without_takeover() {
    for role in ROLES {
        let mut end = end(role, NO_TAKEOVER);
        end.connection.send(&noise(1000)).unwrap();
        end.connection.send_prepared(&PreparedMessage::new(&noise(1000))).unwrap();
        assert_eq!(end.writes(), [binary(noise(1000)), binary(noise(1000))]);
    }
}

#[test]
fn message_that_does_not_shrink_still_goes_through_the_compressor_with_takeover() {
    for role in ROLES {
        let mut end = end(role, TAKEOVER);
        let mut peer = Decompressor::new();
        let payload = noise(1000);
        end.connection.send(&payload).unwrap();
        let first = writes_one(&mut end);
        assert_eq!((first.reserved_bits, peer.decompress(&first.payload)), (RSV1, payload.clone()));
        assert!(first.payload.len() >= payload.len());
        end.connection.send(&payload).unwrap();
        let second = writes_one(&mut end);
        assert!(second.payload.len() < 50, "the second one refers to the first");
        assert_eq!(peer.decompress(&second.payload), payload);
    }
}

#[test]
fn window_that_the_compressor_does_not_have_is_not_used() {
    for role in ROLES {
        let agreed = NegotiatedDeflate { outgoing_window_bits: 8, ..TAKEOVER };
        let mut end = end(role, agreed);
        assert_eq!(end.connection.deflate(), Some(agreed));
        end.connection.send(&[7; 1000]).unwrap();
        end.connection.send_prepared(&PreparedMessage::new(&[7; 1000])).unwrap();
        assert_eq!(end.writes(), [binary([7; 1000]), binary([7; 1000])]);
        assert_eq!(end.receives(&[compressed(text(compress("hi")))]), [sees_text("hi")]);
    }
}

#[test]
fn pieces_go_out_uncompressed_between_compressed_messages() {
    for role in ROLES {
        let mut end = end(role, TAKEOVER);
        let mut peer = Decompressor::new();
        let piece = |is_last| Piece { kind: MessageKind::Text, bytes: b"piece", is_last };
        for i in 0..3 {
            end.connection.send(&json(i)).unwrap();
            end.connection.send_piece(piece(false)).unwrap();
            end.connection.send_piece(piece(true)).unwrap();
            let frames = end.writes();
            assert_eq!(peer.decompress(&frames[0].payload), json(i).as_bytes());
            assert_eq!(frames[1..], [text("piece").unfinished(), continuation("piece")]);
        }
    }
}

#[test]
fn prepared_message_is_compressed_once_for_all_servers_of_a_class() {
    let message = PreparedMessage::new(&json(1).repeat(50));
    let server = |window_bits| {
        end(Role::Server, NegotiatedDeflate { outgoing_window_bits: window_bits, ..NO_TAKEOVER })
    };
    let class = |end: &End| end.connection.compression_class();
    let (mut a, mut b) = (server(15), server(15));
    let first = message.frame_for(class(&a));
    assert!(first.len() < message.frame().len() / 5);
    let allocated = measure(|| {
        assert!(std::ptr::eq(message.frame_for(class(&b)), first));
    });
    assert_eq!(allocated.count_total, 0);
    assert!(!std::ptr::eq(message.frame_for(class(&server(9))), first), "a smaller window is another class");
    assert!(std::ptr::eq(message.frame_for(CompressionClass::NONE), message.frame()));
    a.connection.send_prepared(&message).unwrap();
    b.connection.send_prepared(&message).unwrap();
    assert_eq!(a.writes_bytes(usize::MAX), first);
    assert_eq!(b.writes_bytes(usize::MAX), first);
}

#[test]
fn prepared_message_has_one_form_whichever_threads_ask_first() {
    let class = end(Role::Server, NO_TAKEOVER).connection.compression_class();
    for _ in 0..20 {
        let message = PreparedMessage::new(&json(1).repeat(50));
        let together = std::sync::Barrier::new(4);
        let ask = || {
            together.wait();
            message.frame_for(class)
        };
        let frames = std::thread::scope(|scope| {
            [0; 4].map(|_| scope.spawn(ask)).map(|thread| std::ptr::from_ref(thread.join().unwrap()).addr())
        });
        assert_eq!(frames, [std::ptr::from_ref(message.frame_for(class)).addr(); 4]);
    }
}

#[test]
fn short_prepared_message_is_the_same_for_all_windows() {
    let message = PreparedMessage::new(&json(1));
    let frames: Vec<_> = (9..=15)
        .map(|outgoing_window_bits| {
            let server = end(Role::Server, NegotiatedDeflate { outgoing_window_bits, ..NO_TAKEOVER });
            message.frame_for(server.connection.compression_class())
        })
        .collect();
    assert!(frames.iter().all(|frame| std::ptr::eq(*frame, frames[0])));
}

#[test]
fn prepared_messages_are_equal_whether_compressed_or_not() {
    let (a, b) = (PreparedMessage::new(&json(1)), PreparedMessage::new(&json(1)));
    let server = end(Role::Server, NO_TAKEOVER);
    assert_ne!(a.frame_for(server.connection.compression_class()), b.frame());
    assert_eq!(a, b);
    assert_ne!(a, PreparedMessage::new(json(1).as_bytes()));
}

#[test]
fn large_prepared_message_is_lent_compressed_and_counted_as_such() {
    let payload: Vec<u8> = [noise(5000), noise(5000), noise(5000)].concat();
    let message = PreparedMessage::new(&payload);
    let mut server = end(Role::Server, NO_TAKEOVER);
    server.connection.send_prepared(&message).unwrap();
    server.connection.send_prepared(&message).unwrap();
    let frame_bytes = message.frame_for(server.connection.compression_class()).len();
    assert!((4000..6000).contains(&frame_bytes));
    assert_eq!(server.connection.unsent_bytes(), 2 * frame_bytes);
    server.writes_bytes(100);
    assert_eq!(server.connection.unsent_bytes(), 2 * frame_bytes - 100);
    server.connection.ping(b"").unwrap();
    server.writes_bytes(usize::MAX);
    assert_eq!((server.connection.unsent_bytes(), server.connection.held_bytes()), (0, 0));
}

#[test]
fn shared_messages_and_own_ones_mix_with_takeover() {
    let shared = PreparedMessage::new(&json(0));
    let mut server = end(Role::Server, TAKEOVER);
    let mut peer = end(Role::Client, TAKEOVER);
    for i in 0..4 {
        server.connection.send(&json(i)).unwrap();
        server.connection.send(&json(i)).unwrap();
        server.connection.send_prepared(&shared).unwrap();
        let seen = peer.try_receive(&server.writes_bytes(usize::MAX));
        assert_eq!(seen, (vec![sees_text(&json(i)), sees_text(&json(i)), sees_text(&json(0))], None));
    }
}

#[test]
fn shared_messages_may_go_out_past_the_sender_with_takeover() {
    let shared = PreparedMessage::new(&json(0));
    let mut peer = end(Role::Client, TAKEOVER);
    let (_, mut sender) = end(Role::Server, TAKEOVER).connection.split();
    for i in 0..4 {
        sender.send(&json(i)).unwrap();
        let mut slices = [&[][..]; 1];
        sender.poll_transmit(&mut slices);
        let own = slices[0].to_vec();
        sender.transmitted(own.len());
        sender.handle_shared(&shared);
        let wire = [&own, shared.frame_for(sender.compression_class())].concat();
        assert_eq!(peer.try_receive(&wire), (vec![sees_text(&json(i)), sees_text(&json(0))], None));
    }
}

#[test]
fn what_is_held_for_takeover_is_known() {
    for (outgoing_window_bits, memory_level) in [(15, 8), (15, 1), (12, 5), (9, 1)] {
        let deflate = DeflateConfig { outgoing_window_bits, memory_level, ..DeflateConfig::default() };
        let agreed = NegotiatedDeflate { outgoing_window_bits, ..TAKEOVER };
        let mut server = end_with(Role::Server, config(deflate), agreed);
        let payload = json(1).repeat(10);
        let allocated = measure(|| {
            server.connection.send(&payload).unwrap();
            let mut slices = [&[][..]; 1];
            server.connection.poll_transmit(&mut slices);
            let written = slices[0].len();
            server.connection.transmitted(written);
        });
        let (held, counted) = (server.connection.held_bytes() as i64, allocated.bytes_current);
        // Stated for pointers of 64 bits; with shorter ones the library takes less.
        let spared = if usize::BITS == 64 { 0 } else { 3000 };
        let off = held - spared - counted;
        assert!(off.abs() < held / 50, "{held} bytes said to be held, {counted} allocated");
    }
}

#[test]
fn what_is_held_for_takeover_is_freed_when_nothing_more_can_be_sent() {
    type Ending = fn(&mut End);
    let endings: [Ending; 4] = [
        |end| end.closes(1000, ""),
        |end| _ = end.receives(&[close(1000, "")]),
        |end| _ = end.refuses(&[continuation("of nothing")]),
        |end| end.connection.receive_eof(),
    ];
    for ending in endings {
        for role in ROLES {
            let mut end = end(role, TAKEOVER);
            end.connection.send(&json(1)).unwrap();
            end.writes();
            assert!(end.connection.held_bytes() > 100_000);
            ending(&mut end);
            end.writes();
            assert_eq!(end.connection.held_bytes(), 0);
        }
    }
}

#[test]
fn connection_without_takeover_holds_nothing_between_messages() {
    for role in ROLES {
        let mut end = end(role, NO_TAKEOVER);
        end.connection.send(&json(1)).unwrap();
        end.connection.send_prepared(&PreparedMessage::new(&json(1))).unwrap();
        end.writes();
        assert_eq!(end.connection.held_bytes(), 0);
    }
}

#[test]
fn what_is_printed_of_a_connection_says_how_it_compresses() {
    let printed = format!("{:?}", end(Role::Server, TAKEOVER).connection);
    assert!(printed.contains("Compressor { keeps_context: true, .. }"), "{printed}");
    assert!(printed.contains("Decompressor { agreed: NegotiatedDeflate"), "{printed}");
}

#[test]
fn configuration_beyond_the_librarys_means_is_refused() {
    let default = DeflateConfig::default();
    for (wrong, field) in [
        (DeflateConfig { outgoing_window_bits: 8, ..default }, "outgoing_window_bits"),
        (DeflateConfig { outgoing_window_bits: 16, ..default }, "outgoing_window_bits"),
        (DeflateConfig { incoming_window_bits: 7, ..default }, "incoming_window_bits"),
        (DeflateConfig { incoming_window_bits: 16, ..default }, "incoming_window_bits"),
        (DeflateConfig { level: 0, ..default }, "level"),
        (DeflateConfig { level: 10, ..default }, "level"),
        (DeflateConfig { memory_level: 0, ..default }, "memory_level"),
        (DeflateConfig { memory_level: 10, ..default }, "memory_level"),
    ] {
        let error: InvalidConfig = config(wrong).checked().unwrap_err();
        assert!(error.to_string().starts_with(&format!("deflate.{field} must be")), "{error}");
    }
    for level in 1..=9 {
        assert!(config(DeflateConfig { level, memory_level: level, ..default }).checked().is_ok());
    }
}

/// All that can be agreed on for one direction.
fn directions() -> impl Iterator<Item = (bool, u8)> {
    [false, true].into_iter().flat_map(|takeover| (9..=15).map(move |window_bits| (takeover, window_bits)))
}

#[test]
fn every_agreement_carries_messages_both_ways() {
    let mut payloads: Vec<Vec<u8>> = (0..20).map(|i| json(i).into_bytes()).collect();
    payloads.extend([noise(40_000), noise(300), vec![7; 100_000], noise(40_000), vec![], vec![1]]);
    for (takeover, window_bits) in directions() {
        for role in ROLES {
            let agreed = NegotiatedDeflate {
                outgoing_context_takeover: takeover,
                outgoing_window_bits: window_bits,
                ..NO_TAKEOVER
            };
            let mut from = end(role, agreed);
            let to_role = if role == Role::Server { Role::Client } else { Role::Server };
            let mut to = end(to_role, seen_by_the_peer(agreed));
            for payload in &payloads {
                from.connection.send(payload).unwrap();
                from.connection.send_prepared(&PreparedMessage::new(payload)).unwrap();
                let wire = from.writes_bytes(usize::MAX);
                let expected = vec![sees_binary(payload); 2];
                assert_eq!(to.try_receive(&wire), (expected, None), "{role:?} {agreed:?}");
            }
        }
    }
}

#[test]
fn every_level_carries_messages() {
    let payload = [json(1).repeat(100).into_bytes(), noise(2000)].concat();
    for level in 1..=9 {
        for memory_level in 1..=9 {
            let deflate = DeflateConfig { level, memory_level, ..DeflateConfig::default() };
            let mut server = end_with(Role::Server, config(deflate), TAKEOVER);
            let mut client = end(Role::Client, TAKEOVER);
            for _ in 0..2 {
                server.connection.send(&payload).unwrap();
                let wire = server.writes_bytes(usize::MAX);
                assert!(wire.len() < payload.len() / 2);
                assert_eq!(client.try_receive(&wire), (vec![sees_binary(&payload)], None));
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send(Vec<u8>),
    Prepared(Vec<u8>),
    Piece(Vec<u8>),
    Ping,
    Carry(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let payload = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            (0usize..50).prop_map(|i| json(i).into_bytes()),
            (0usize..5, 1usize..900).prop_map(|(i, times)| json(i).repeat(times).into_bytes()),
        ]
    };
    prop_oneof![
        4 => payload().prop_map(Step::Send),
        2 => payload().prop_map(Step::Prepared),
        1 => payload().prop_map(Step::Piece),
        1 => Just(Step::Ping),
        3 => prop_oneof![1usize..30, 1usize..9000].prop_map(Step::Carry),
    ]
}

proptest! {
    /// However messages are sent and carried, the peer sees each of them once, whole and in order.
    #[test]
    fn what_is_sent_compressed_arrives(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        (takeover, window_bits) in prop::sample::select(directions().collect::<Vec<_>>()),
        min_message_bytes in prop_oneof![Just(0usize), Just(100)],
        level in 1u8..=9,
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let agreed = NegotiatedDeflate {
            outgoing_context_takeover: takeover, outgoing_window_bits: window_bits, ..NO_TAKEOVER
        };
        let deflate = DeflateConfig { min_message_bytes, level, ..DeflateConfig::default() };
        let unbounded = Config { max_unsent_bytes: usize::MAX, ..config(deflate) };
        let mut from = end_with(role, unbounded, agreed);
        let to_role = if role == Role::Server { Role::Client } else { Role::Server };
        let mut to = end(to_role, seen_by_the_peer(agreed));
        let (mut sent, mut seen) = (Vec::new(), Vec::new());
        let mut carry = |from: &mut End, room: usize| {
            let wire = from.writes_bytes(room);
            let (events, error) = to.try_receive_in_chunks(&wire, [room / 2 + 1], Reading::Direct);
            assert_eq!(error, None);
            seen.extend(events.into_iter().filter(|event| matches!(event, Seen::Binary(_))));
        };
        for step in steps {
            match step {
                Step::Send(payload) => {
                    from.connection.send(&payload).unwrap();
                    sent.push(sees_binary(payload));
                }
                Step::Prepared(payload) => {
                    from.connection.send_prepared(&PreparedMessage::new(&payload)).unwrap();
                    sent.push(sees_binary(payload));
                }
                Step::Piece(bytes) => {
                    let piece = Piece { kind: MessageKind::Binary, bytes: &bytes, is_last: true };
                    from.connection.send_piece(piece).unwrap();
                    sent.push(sees_binary(&bytes));
                }
                Step::Ping => from.connection.ping(b"p").unwrap(),
                Step::Carry(room) => carry(&mut from, room),
            }
        }
        carry(&mut from, usize::MAX - 1);
        prop_assert_eq!(seen, sent);
    }
}

#[test]
fn event_of_a_compressed_message_can_be_answered_at_once() {
    let mut server = end(Role::Server, TAKEOVER);
    let mut scratch = compressed(text(compress(json(1)))).to(Role::Server);
    let mut input = &mut scratch[..];
    while let Ok(Some((event, sender))) = server.connection.receive(&mut input, server.now) {
        if let Event::Text(text) = event {
            sender.send(text).unwrap();
        }
    }
    assert_eq!(Decompressor::new().decompress(&writes_one(&mut server).payload), json(1).as_bytes());
}
