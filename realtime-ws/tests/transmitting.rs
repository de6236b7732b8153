//! What waits to be written: its order, its bounds, and writes that take less than all of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::{ApiMisuse, CloseCode, Config, MessageKind, Piece, PreparedMessage, Role};

#[test]
fn messages_leave_in_order_whatever_each_write_takes() {
    for role in ROLES {
        for room in [1, 2, 3, 7, 64, 1000, 5000] {
            let mut end = End::with(role, unlimited());
            let (small, large) = (PreparedMessage::new("small"), PreparedMessage::new(&[7; 5000]));
            end.connection.send("first").unwrap();
            end.connection.send_prepared(&large).unwrap();
            end.connection.send_prepared(&small).unwrap();
            end.connection.send_prepared(&large).unwrap();
            end.connection.send_prepared(&large).unwrap();
            end.connection.send(&[1, 2, 3]).unwrap();
            let mut wire = Vec::new();
            while end.connection.unsent_bytes() > 0 {
                wire.extend(end.writes_bytes(room));
            }
            let large = binary([7; 5000]);
            let expected =
                [text("first"), large.clone(), text("small"), large.clone(), large, binary([1, 2, 3])];
            assert_eq!(frames_from(role, &wire), expected, "{room} bytes a write");
        }
    }
}

#[test]
fn long_message_is_written_before_it_is_copied() {
    let payload = [7; 20_000];
    let frame_bytes = 4 + payload.len();
    for taken in [0, 1, 3, 4, 5, 10_000, frame_bytes - 1, frame_bytes] {
        let mut server = End::new(Role::Server);
        let mut wire = Vec::new();
        let sent = server.connection.send_through(&payload, |parts| {
            wire.extend_from_slice(&parts.concat()[..taken]);
            taken
        });
        assert_eq!((sent, server.connection.unsent_bytes()), (Ok(()), frame_bytes - taken));
        // What overtakes waits for the end of what is on its way.
        server.connection.ping(b"1").unwrap();
        server.connection.send("next").unwrap();
        wire.extend(server.writes_bytes(usize::MAX));
        let (long, ping) = (binary(payload), ping(b"1"));
        let expected = if taken == 0 { [ping, long, text("next")] } else { [long, ping, text("next")] };
        assert_eq!(frames_from(Role::Server, &wire), expected, "{taken} bytes taken");
        assert_eq!(server.connection.held_bytes(), 0);
    }
}

#[test]
fn nothing_is_written_past_what_waits_or_must_be_copied() {
    let payload = [7; 20_000];
    let never = |_: [&[u8]; 2]| -> usize { panic!("written past what waits") };
    let mut server = End::new(Role::Server);
    server.connection.send_through("short", never).unwrap();
    server.connection.send_through(&payload, never).unwrap();
    assert_eq!(server.writes(), [text("short"), binary(payload)]);
    let mut client = End::new(Role::Client);
    client.connection.send_through(&payload, never).unwrap();
    assert_eq!(client.writes(), [binary(payload)]);
    client.closes(1000, "");
    assert_eq!(client.connection.send_through(&payload, never), Err(ApiMisuse::SendAfterClose));
}

#[test]
#[should_panic(expected = "said to be written")]
fn no_more_is_written_than_was_given() {
    let _ = End::new(Role::Server).connection.send_through(&[7; 20_000], |_| usize::MAX);
}

#[test]
fn write_that_takes_nothing_changes_nothing() {
    as_both_roles(|mut end| {
        end.connection.transmitted(0);
        end.connection.send("a").unwrap();
        let unsent = end.connection.unsent_bytes();
        end.connection.transmitted(0);
        assert_eq!(end.connection.unsent_bytes(), unsent);
        assert_eq!(end.writes(), [text("a")]);
        end.connection.transmitted(0);
        assert_eq!(end.writes(), []);
    });
}

#[test]
fn no_slices_get_nothing() {
    as_both_roles(|mut end| {
        end.connection.send("a").unwrap();
        assert_eq!(end.connection.poll_transmit(&mut []), 0);
        assert_eq!(end.writes(), [text("a")]);
    });
}

#[test]
fn pong_overtakes_messages_that_have_not_begun() {
    as_both_roles(|mut end| {
        end.connection.send(&[1; 100]).unwrap();
        end.connection.send(&[2; 100]).unwrap();
        let mut wire = end.writes_bytes(10);
        end.receives(&[ping("now")]);
        wire.extend(end.writes_bytes(usize::MAX));
        assert_eq!(frames_from(end.role, &wire), [binary([1; 100]), pong("now"), binary([2; 100])]);
    });
}

#[test]
fn pong_goes_between_the_pieces_of_a_message() {
    as_both_roles(|mut end| {
        let piece = |bytes, is_last| Piece { kind: MessageKind::Text, bytes, is_last };
        end.connection.send_piece(piece(b"a", false)).unwrap();
        end.receives(&[ping("now")]);
        end.connection.send_piece(piece(b"b", true)).unwrap();
        assert_eq!(end.writes(), [pong("now"), text("a").unfinished(), continuation("b")]);
    });
}

#[test]
fn latest_pong_takes_the_last_place_while_nothing_is_written() {
    as_both_roles(|mut end| {
        for i in 0..100_000u32 {
            end.receives(&[ping(i.to_be_bytes())]);
        }
        let answered = (0..15).chain([99_999]);
        assert_eq!(end.writes(), answered.map(|i: u32| pong(i.to_be_bytes())).collect::<Vec<_>>());
    });
}

#[test]
fn pong_on_its_way_is_finished_before_later_ones() {
    as_both_roles(|mut end| {
        end.receives(&[ping("first")]);
        let mut wire = end.writes_bytes(3);
        end.receives(&[ping("second"), ping("third")]);
        wire.extend(end.writes_bytes(usize::MAX));
        assert_eq!(frames_from(end.role, &wire), [pong("first"), pong("second"), pong("third")]);
    });
}

#[test]
fn own_pings_survive_the_peers() {
    as_both_roles(|mut end| {
        end.receives(&[ping("theirs")]);
        end.connection.ping(b"ours").unwrap();
        end.receives(&[ping("theirs again")]);
        assert_eq!(end.writes(), [pong("theirs"), ping("ours"), pong("theirs again")]);
    });
}

#[test]
fn sending_is_refused_once_the_limit_waits() {
    let config = Config { max_unsent_bytes: 1000, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        let limit = 1000;
        end.connection.send(&[1; 900]).unwrap();
        end.connection.send(&[2; 900]).unwrap(); // begun below the limit
        let refused = Err(ApiMisuse::QueueFull { limit });
        assert_eq!(end.connection.send(""), refused);
        assert_eq!(end.connection.send_prepared(&PreparedMessage::new("")), refused);
        let piece = Piece { kind: MessageKind::Text, bytes: b"", is_last: false };
        assert_eq!(end.connection.send_piece(piece), refused);
        assert_eq!(end.connection.ping(b""), refused);

        let mut wire = end.writes_bytes(900);
        end.connection.send("room again").unwrap();
        wire.extend(end.writes_bytes(usize::MAX));
        assert_eq!(frames_from(end.role, &wire), [binary([1; 900]), binary([2; 900]), text("room again")]);
    });
}

#[test]
fn limit_is_met_exactly() {
    let config = Config { max_unsent_bytes: 100, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        let header_bytes = if end.role == Role::Server { 2 } else { 6 };
        end.connection.send(&vec![1; 99 - header_bytes]).unwrap();
        assert_eq!(end.connection.unsent_bytes(), 99);
        end.connection.ping(b"").unwrap();
        end.writes_bytes(end.connection.unsent_bytes() - 100);
        assert_eq!(end.connection.unsent_bytes(), 100);
        assert_eq!(end.connection.send(""), Err(ApiMisuse::QueueFull { limit: 100 }));
        end.writes_bytes(1);
        assert_eq!(end.connection.send(""), Ok(()));
    });
}

#[test]
fn shared_messages_count_towards_the_limit_whole() {
    let config = Config { max_unsent_bytes: 10_000, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        let message = PreparedMessage::new(&[7; 4000]);
        let sent = (0..100).take_while(|_| end.connection.send_prepared(&message).is_ok()).count();
        assert_eq!(sent, 3);
        let header_bytes = if end.role == Role::Server { 4 } else { 8 };
        assert_eq!(end.connection.unsent_bytes(), 3 * (4000 + header_bytes));
    });
}

#[test]
fn control_frames_and_headers_count_towards_the_limit() {
    let config = Config { max_unsent_bytes: 1000, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        let header_bytes = if end.role == Role::Server { 2 } else { 6 };
        let sent = (0..100).take_while(|_| end.connection.ping(&[7; 125]).is_ok()).count();
        assert_eq!((sent, end.connection.unsent_bytes()), (8, 8 * (125 + header_bytes)));
        end.writes();
        end.receives(&[ping([7; 125])]);
        let sent = (0..1000).take_while(|_| end.connection.send("").is_ok()).count();
        assert_eq!(sent, (1000 - 125 - header_bytes).div_ceil(header_bytes));
    });
}

#[test]
fn refusals_do_not_stop_pongs_and_close_frames() {
    let config = Config { max_unsent_bytes: 10, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        end.connection.send(&[1; 100]).unwrap();
        end.receives(&[ping("a")]);
        end.closes(1000, NO_REASON);
        assert_eq!(end.writes(), [pong("a"), binary([1; 100]), close(1000, "")]);
    });
}

#[test]
fn pieces_are_fragments_of_one_message() {
    as_both_roles(|mut end| {
        let piece = |bytes, is_last| Piece { kind: MessageKind::Binary, bytes, is_last };
        end.connection.send_piece(piece(b"a", false)).unwrap();
        end.connection.send_piece(piece(b"", false)).unwrap();
        end.connection.send_piece(piece(b"c", true)).unwrap();
        end.connection.send("next").unwrap();
        let expected =
            [binary("a").unfinished(), continuation("").unfinished(), continuation("c"), text("next")];
        assert_eq!(end.writes(), expected);
    });
}

#[test]
fn message_inside_an_unfinished_one_is_misuse() {
    as_both_roles(|mut end| {
        let piece = |kind| Piece { kind, bytes: b"a", is_last: false };
        end.connection.send_piece(piece(MessageKind::Text)).unwrap();
        assert_eq!(end.connection.send("whole"), Err(ApiMisuse::UnfinishedMessage));
        let prepared = PreparedMessage::new("whole");
        assert_eq!(end.connection.send_prepared(&prepared), Err(ApiMisuse::UnfinishedMessage));
        let other = piece(MessageKind::Binary);
        assert_eq!(end.connection.send_piece(other), Err(ApiMisuse::UnfinishedMessage));
        assert_eq!(end.writes(), [text("a").unfinished()]);
    });
}

#[test]
fn everything_sent_after_close_is_misuse() {
    as_both_roles(|mut end| {
        end.closes(1000, NO_REASON);
        let refused = Err(ApiMisuse::SendAfterClose);
        assert_eq!(end.connection.send("late"), refused);
        assert_eq!(end.connection.send_prepared(&PreparedMessage::new("late")), refused);
        let piece = Piece { kind: MessageKind::Text, bytes: b"late", is_last: true };
        assert_eq!(end.connection.send_piece(piece), refused);
        assert_eq!(end.connection.ping(b"late"), refused);
        assert_eq!(end.writes(), [close(1000, "")]);
    });
}

#[test]
fn every_kind_of_message_can_be_sent() {
    as_both_roles(|mut end| {
        end.connection.send("text").unwrap();
        end.connection.send(&String::from("string")).unwrap();
        end.connection.send(&[1, 2]).unwrap();
        end.connection.send(&vec![3, 4]).unwrap();
        end.connection.send(&[5, 6][..]).unwrap();
        let expected = [text("text"), text("string"), binary([1, 2]), binary([3, 4]), binary([5, 6])];
        assert_eq!(end.writes(), expected);
    });
}

#[test]
fn replies_of_one_batch_leave_in_one_write() {
    let mut server = End::new(Role::Server);
    let batch = stream(Role::Server, &[text("a"), ping("p"), text("b"), text("c")]);
    let mut scratch = batch;
    let mut input = &mut scratch[..];
    while let Some((event, sender)) = server.connection.receive(&mut input, server.now).unwrap() {
        if let realtime_ws::Event::Text(text) = event {
            sender.send(text).unwrap();
        }
    }
    let mut slices = [&[][..]; 4];
    let filled = server.connection.poll_transmit(&mut slices);
    assert_eq!(
        frames_from(Role::Server, &slices[..filled].concat()),
        [pong("p"), text("a"), text("b"), text("c")]
    );
    assert!(filled <= 2);
}

#[test]
fn buffer_that_was_not_lent_is_left_alone() {
    as_both_roles(|mut end| {
        end.connection.send("a").unwrap();
        end.writes();
        let mut own = Vec::with_capacity(1000);
        end.connection.reclaim_buffer(&mut own);
        assert_eq!((own.capacity(), end.connection.held_bytes()), (1000, 0));
    });
}

#[test]
fn unsendable_close_code_is_misuse_and_closes_nothing() {
    as_both_roles(|mut end| {
        for code in [CloseCode::NO_STATUS, CloseCode::ABNORMAL] {
            let refused = end.connection.close(code, NO_REASON, end.now);
            assert_eq!(refused, Err(ApiMisuse::UnsendableCloseCode(code)));
        }
        assert!(end.connection.is_open());
        assert_eq!(end.writes(), []);
    });
}
