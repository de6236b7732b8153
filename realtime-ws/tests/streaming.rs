//! Messages received in pieces, and large frames read straight into place.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::{Config, MessageKind, PeerMisbehaved, Role};

fn piece(kind: MessageKind, bytes: impl AsRef<[u8]>, is_last: bool) -> Seen {
    Seen::Piece { kind, bytes: bytes.as_ref().into(), is_last }
}

#[test]
fn message_comes_in_the_pieces_that_arrive() {
    as_both_roles_with(in_pieces(), |mut end| {
        let header = header_to(end.role, true, BINARY, 6);
        assert_eq!(end.try_receive(&header), (vec![], None));
        assert_eq!(end.try_receive(b"ab").0, [piece(MessageKind::Binary, "ab", false)]);
        assert_eq!(end.try_receive(b"").0, []);
        assert_eq!(end.try_receive(b"cd").0, [piece(MessageKind::Binary, "cd", false)]);
        assert_eq!(end.try_receive(b"ef").0, [piece(MessageKind::Binary, "ef", true)]);
    });
}

#[test]
fn whole_message_is_one_piece() {
    as_both_roles_with(in_pieces(), |mut end| {
        let seen = end.receives(&[text("ab"), binary("")]);
        assert_eq!(seen, [piece(MessageKind::Text, "ab", true), piece(MessageKind::Binary, "", true)]);
    });
}

#[test]
fn empty_fragments_are_no_pieces_but_the_last() {
    as_both_roles_with(in_pieces(), |mut end| {
        let frames = [
            text("").unfinished(),
            continuation("a").unfinished(),
            continuation("").unfinished(),
            ping("p"),
            continuation(""),
        ];
        let expected =
            [piece(MessageKind::Text, "a", false), sees_ping("p"), piece(MessageKind::Text, "", true)];
        assert_eq!(end.receives(&frames), expected);
    });
}

#[test]
fn character_may_be_cut_by_a_piece_but_not_by_the_end() {
    as_both_roles_with(in_pieces(), |mut end| {
        let (first, second) = "€".as_bytes().split_at(1);
        let seen = end.receives(&[text(first).unfinished(), continuation(second)]);
        let expected = [piece(MessageKind::Text, first, false), piece(MessageKind::Text, second, true)];
        assert_eq!(seen, expected);
        let (seen, error) = end.try_receive(&text(first).to(end.role));
        assert_eq!((seen, error), (vec![], Some(PeerMisbehaved::InvalidUtf8)));
    });
}

#[test]
fn piece_with_a_bad_byte_is_not_surfaced() {
    as_both_roles_with(in_pieces(), |mut end| {
        let header = header_to(end.role, true, TEXT, 100);
        assert_eq!(
            end.try_receive(&[&header, &b"ok"[..]].concat()).0,
            [piece(MessageKind::Text, "ok", false)]
        );
        assert_eq!(end.refuses_bytes(b"bad\xFF"), PeerMisbehaved::InvalidUtf8);
    });
}

#[test]
fn pieces_meet_the_limit_of_the_message() {
    let config = Config { max_message_bytes: 3, ..in_pieces() };
    as_both_roles_with(config, |mut end| {
        end.receives(&[text("ab").unfinished()]);
        assert_eq!(end.refuses(&[continuation("cd")]), PeerMisbehaved::MessageTooBig { limit: 3 });
    });
}

#[test]
fn piece_received_can_be_sent_on() {
    let mut server = End::with(Role::Server, in_pieces());
    let mut scratch = stream(Role::Server, &[text("ab").unfinished(), continuation("cd")]);
    let mut input = &mut scratch[..];
    while let Some((event, sender)) = server.connection.receive(&mut input, server.now).unwrap() {
        if let realtime_ws::Event::Piece(piece) = event {
            sender.send_piece(piece).unwrap();
        }
    }
    assert_eq!(server.writes(), [text("ab").unfinished(), continuation("cd")]);
}

#[test]
fn rest_of_a_large_frame_is_read_straight_into_place() {
    as_both_roles_with(unlimited(), |mut end| {
        let payload: Vec<u8> = (0..300_000).map(|i| (i % 251) as u8).collect();
        let bytes = binary(&payload).to(end.role);
        assert!(end.connection.spare().is_none(), "nothing is awaited");
        let (seen, error) = end.try_receive(&bytes[..1000]);
        assert_eq!((seen.len(), error), (0, None));
        let mut rest = &bytes[1000..];
        let mut seen = Vec::new();
        let mut direct_bytes = 0;
        while let Some(spare) = end.connection.spare() {
            let read = spare.len().min(rest.len());
            spare[..read].copy_from_slice(&rest[..read]);
            end.connection.filled(read, end.now);
            rest = &rest[read..];
            direct_bytes += read;
            seen.extend(end.try_receive(&[]).0);
        }
        seen.extend(end.try_receive(rest).0);
        assert_eq!(seen, [sees_binary(&payload)]);
        assert!(direct_bytes > 290_000, "only {direct_bytes} bytes were read directly");
    });
}

#[test]
fn small_frames_and_pieces_have_no_spare() {
    as_both_roles(|mut end| {
        end.try_receive(&header_to(end.role, true, BINARY, 1000));
        assert!(end.connection.spare().is_none());
    });
    as_both_roles_with(in_pieces(), |mut end| {
        end.try_receive(&header_to(end.role, true, BINARY, 1_000_000));
        assert!(end.connection.spare().is_none());
    });
}

#[test]
fn buffer_is_wanted_for_a_large_frame_until_one_is_lent() {
    as_both_roles(|mut end| {
        assert!(!end.connection.wants_message_buffer(), "nothing is awaited");
        end.try_receive(&header_to(end.role, false, BINARY, 1000));
        assert!(!end.connection.wants_message_buffer(), "the frame is small");
        end.try_receive(&[0; 1000]);
        end.try_receive(&header_to(end.role, true, CONTINUATION, 100_000));
        assert!(end.connection.wants_message_buffer());
        end.connection.lend_message_buffer(Vec::new());
        assert!(!end.connection.wants_message_buffer(), "one is lent");
        assert_eq!(end.connection.reclaim_message_buffer(), None, "it is in use");
        assert_eq!(end.try_receive(&[0; 100_000]).0.len(), 1);
        let buffer = end.connection.reclaim_message_buffer();
        assert!(buffer.is_some_and(|buffer| buffer.len() >= 101_000), "it has grown with the message");
        assert_eq!(end.connection.reclaim_message_buffer(), None, "it is back already");
    });
}

#[test]
fn lent_buffer_shows_nothing_of_what_it_held_before() {
    as_both_roles(|mut end| {
        end.buffer = vec![b'?'; 300_000];
        for len in [70_000, 200_000, 5, 100_000] {
            let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let frames =
                [binary(&payload[..len / 2]).unfinished(), continuation(&payload[len / 2..]), text("t")];
            let bytes = stream(end.role, &frames);
            let (seen, error) = end.try_receive_in_chunks(&bytes, [len / 3; 9], Reading::Lent);
            assert_eq!((seen, error), (vec![sees_binary(&payload), sees_text("t")], None));
        }
    });
}

#[test]
fn spare_is_lent_again_only_after_its_bytes_were_looked_at() {
    as_both_roles(|mut end| {
        let payload = [7; 10_000];
        end.try_receive(&header_to(end.role, true, BINARY, 10_000));
        end.connection.spare().unwrap()[..5000].copy_from_slice(&payload[..5000]);
        end.connection.filled(5000, end.now);
        assert!(end.connection.spare().is_none());
        // What comes by the other way follows what was read directly.
        assert_eq!(end.try_receive(&payload[5000..]).0, [sees_binary(payload)]);
    });
}

#[test]
fn spare_that_was_not_used_leaves_no_trace() {
    as_both_roles(|mut end| {
        let payload = [7; 10_000];
        end.try_receive(&header_to(end.role, true, BINARY, 10_000));
        end.connection.spare().unwrap().fill(9);
        end.connection.filled(0, end.now);
        end.connection.spare().unwrap().fill(9);
        assert_eq!(end.try_receive(&payload).0, [sees_binary(payload)]);
    });
}

#[test]
fn bad_text_read_directly_fails_at_once() {
    as_both_roles(|mut end| {
        end.try_receive(&header_to(end.role, true, TEXT, 10_000));
        end.connection.spare().unwrap()[..4].copy_from_slice(b"bad\xFF");
        end.connection.filled(4, end.now);
        assert_eq!(end.refuses_bytes(b""), PeerMisbehaved::InvalidUtf8);
    });
}

#[test]
#[should_panic(expected = "said to be read into a spare")]
fn more_than_the_spare_cannot_be_filled() {
    let mut end = End::new(Role::Server);
    end.try_receive(&header_to(Role::Server, true, BINARY, 10_000));
    let spare_bytes = end.connection.spare().unwrap().len();
    end.connection.filled(spare_bytes + 1, end.now);
}

#[test]
#[should_panic(expected = "said to be read into a spare")]
fn spare_that_was_not_lent_cannot_be_filled() {
    let mut end = End::new(Role::Server);
    end.connection.filled(1, end.now);
}

#[test]
fn read_that_ends_after_the_connection_was_lost_is_ignored() {
    as_both_roles(|mut end| {
        end.try_receive(&header_to(end.role, true, BINARY, 10_000));
        let read = end.connection.spare().unwrap().len();
        end.passes(seconds(60));
        end.connection.filled(read, end.now);
        assert_eq!(end.try_receive(&[]), (vec![], None));
        assert_eq!(end.closure(), (1006, false));
    });
}
