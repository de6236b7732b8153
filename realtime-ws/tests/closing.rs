//! The closing handshake, and connections that end without one (RFC 6455 §7).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::{ApiMisuse, CloseCode, Config, PeerMisbehaved, Role, Timestamp};

#[test]
fn peers_close_is_answered_with_its_code() {
    as_both_roles(|mut end| {
        assert_eq!(end.receives(&[close(4001, "done")]), [sees_close(4001, "done")]);
        assert!(!end.connection.is_open());
        assert_eq!(end.writes(), [close(4001, "")]);
        assert_eq!(end.closure(), (4001, true));
        assert_eq!(end.connection.closure().unwrap().reason, "done");
    });
}

#[test]
fn server_closes_the_socket_when_its_answer_is_written() {
    let mut server = End::new(Role::Server);
    server.receives(&[close(1000, "")]);
    assert!(!server.connection.is_finished(), "the answer is not written");
    server.writes_bytes(1);
    assert!(!server.connection.is_finished(), "the answer is half written");
    server.writes_bytes(usize::MAX);
    assert!(server.connection.is_finished());
}

#[test]
fn client_waits_for_the_server_to_close_the_socket() {
    let mut client = End::new(Role::Client);
    client.receives(&[close(1000, "")]);
    client.writes();
    assert!(!client.connection.is_finished());
    client.connection.receive_eof();
    assert!(client.connection.is_finished());
    assert_eq!(client.closure(), (1000, true));
}

#[test]
fn client_waits_for_the_server_no_longer_than_the_deadline() {
    let mut client = End::new(Role::Client);
    client.receives(&[close(1000, "")]);
    client.writes();
    assert_eq!(client.passes_to_timeout(), Timestamp::START + seconds(5));
    assert!(client.connection.is_finished());
    assert_eq!(client.closure(), (1000, true), "the handshake was complete");
}

#[test]
fn own_close_waits_for_the_answer() {
    as_both_roles(|mut end| {
        end.closes(4000, "bye");
        assert_eq!(end.writes(), [close(4000, "bye")]);
        assert!(!end.connection.is_open());
        assert!(!end.connection.is_finished());
        assert_eq!(end.connection.closure(), None);
        assert_eq!(end.receives(&[close(4000, "")]), [sees_close(4000, "")]);
        assert_eq!(end.writes(), [], "the answer is not answered");
        assert_eq!(end.connection.is_finished(), end.role == Role::Server);
        end.connection.receive_eof();
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (4000, true));
    });
}

#[test]
fn messages_that_come_before_the_answer_are_surfaced() {
    as_both_roles(|mut end| {
        end.closes(1000, NO_REASON);
        end.writes();
        assert_eq!(
            end.receives(&[text("still"), close(1000, "")]),
            [sees_text("still"), sees_close(1000, "")]
        );
    });
}

#[test]
fn ping_after_own_close_frame_is_not_answered() {
    as_both_roles(|mut end| {
        end.closes(1000, NO_REASON);
        assert_eq!(end.receives(&[ping("late")]), [sees_ping("late")]);
        assert_eq!(end.writes(), [close(1000, "")]);
    });
}

#[test]
fn close_at_once_from_both_sides_is_a_complete_handshake() {
    as_both_roles(|mut end| {
        end.closes(4000, "ours");
        assert_eq!(end.receives(&[close(4001, "theirs")]), [sees_close(4001, "theirs")]);
        assert_eq!(end.writes(), [close(4000, "ours")], "one close frame, and no answer");
        end.connection.receive_eof();
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (4001, true));
    });
}

#[test]
fn what_was_sent_leaves_before_the_close_frame() {
    as_both_roles(|mut end| {
        end.connection.send("last words").unwrap();
        end.closes(1000, NO_REASON);
        assert_eq!(end.writes(), [text("last words"), close(1000, "")]);
    });
    as_both_roles(|mut end| {
        end.connection.send("last words").unwrap();
        end.receives(&[close(1000, "")]);
        assert_eq!(end.writes(), [text("last words"), close(1000, "")]);
    });
}

#[test]
fn data_after_a_close_is_never_surfaced() {
    for config in [Config::default(), in_pieces()] {
        as_both_roles_with(config, |mut end| {
            let frames = [close(1000, ""), text("late"), ping("late"), close(1001, "late")];
            assert_eq!(end.receives(&frames), [sees_close(1000, "")]);
            assert_eq!(end.receives(&[text("later")]), []);
            assert_eq!(end.try_receive(&[0xFF; 100]), (vec![], None), "not even judged");
            assert_eq!(end.writes(), [close(1000, "")]);
            assert_eq!(end.closure(), (1000, true));
        });
    }
}

#[test]
fn silent_peer_meets_the_deadline() {
    as_both_roles(|mut end| {
        end.passes(seconds(7));
        end.closes(1000, NO_REASON);
        end.writes();
        end.passes(seconds(4));
        assert!(!end.connection.is_finished());
        assert_eq!(end.passes_to_timeout(), Timestamp::START + seconds(12));
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (1006, false));
        assert_eq!(end.connection.poll_timeout(), None);
    });
}

#[test]
fn close_while_writes_are_blocked_meets_the_deadline() {
    as_both_roles(|mut end| {
        end.connection.send(&[0; 1000]).unwrap();
        end.writes_bytes(10);
        end.closes(1000, NO_REASON);
        end.passes(seconds(5));
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (1006, false));
    });
}

#[test]
fn answer_that_cannot_be_written_meets_the_deadline() {
    as_both_roles(|mut end| {
        end.receives(&[close(1000, "")]);
        end.passes(seconds(4));
        assert!(!end.connection.is_finished());
        end.passes(seconds(1));
        assert!(end.connection.is_finished());
    });
}

#[test]
fn failure_that_cannot_be_told_meets_the_deadline() {
    as_both_roles(|mut end| {
        let (_, error) = end.try_receive(&continuation("").to(end.role));
        assert_eq!(error, Some(PeerMisbehaved::UnexpectedContinuation));
        assert!(!end.connection.is_finished());
        end.passes(seconds(5));
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (1002, false));
    });
}

#[test]
fn own_close_is_not_repeated_when_the_peer_then_misbehaves() {
    as_both_roles(|mut end| {
        end.closes(1000, NO_REASON);
        let (_, error) = end.try_receive(&continuation("").to(end.role));
        assert_eq!(error, Some(PeerMisbehaved::UnexpectedContinuation));
        assert_eq!(end.writes(), [close(1000, "")]);
        assert!(end.connection.is_finished());
    });
}

#[test]
fn closing_again_changes_nothing() {
    as_both_roles(|mut end| {
        end.closes(4000, "first");
        end.passes(seconds(2));
        end.closes(4001, "second");
        assert_eq!(end.writes(), [close(4000, "first")]);
        assert_eq!(end.passes_to_timeout(), Timestamp::START + seconds(5));
    });
}

#[test]
fn long_reason_is_cut_between_characters() {
    as_both_roles(|mut end| {
        end.closes(1000, &"é".repeat(100));
        assert_eq!(end.writes(), [close(1000, &"é".repeat(61))]);
    });
}

#[test]
fn end_of_stream_without_a_close_frame_is_a_loss() {
    as_both_roles(|mut end| {
        end.receives(&[text("a")]);
        end.connection.receive_eof();
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (1006, false));
        assert_eq!(end.connection.closure().unwrap().reason, "connection ended without a close frame");
        assert_eq!(end.connection.poll_timeout(), None);
        assert_eq!(end.receives(&[text("late")]), []);
    });
}

#[test]
fn end_of_stream_after_the_end_changes_nothing() {
    as_both_roles(|mut end| {
        end.receives(&[close(1000, "bye")]);
        for _ in 0..2 {
            end.connection.receive_eof();
            assert_eq!(end.closure(), (1000, true));
        }
    });
    as_both_roles(|mut end| {
        let misbehaved = end.refuses(&[continuation("")]);
        end.connection.receive_eof();
        assert_eq!(end.closure(), (misbehaved.close_code().get(), false));
    });
}

#[test]
fn nothing_can_be_sent_to_a_peer_that_is_lost() {
    as_both_roles(|mut end| {
        end.connection.receive_eof();
        assert!(!end.connection.is_open());
        assert_eq!(end.connection.send("lost"), Err(ApiMisuse::SendAfterClose));
    });
    as_both_roles(|mut end| {
        end.passes(seconds(60));
        assert!(!end.connection.is_open());
        assert_eq!(end.connection.send("lost"), Err(ApiMisuse::SendAfterClose));
    });
}

#[test]
fn end_of_stream_in_mid_frame_is_reported_as_such() {
    for role in ROLES {
        let whole = text("abc").to(role);
        for cut in 1..whole.len() {
            let mut end = End::new(role);
            end.try_receive(&whole[..cut]);
            end.connection.receive_eof();
            assert_eq!(end.closure(), (1006, false));
            let reason = &end.connection.closure().unwrap().reason;
            assert_eq!(reason, "connection ended in the middle of a message", "cut at {cut}");
            assert_eq!(end.connection.held_bytes(), 0);
        }
    }
}

#[test]
fn end_of_stream_between_fragments_is_reported_as_in_mid_message() {
    as_both_roles(|mut end| {
        end.receives(&[text("a").unfinished()]);
        end.connection.receive_eof();
        let reason = &end.connection.closure().unwrap().reason;
        assert_eq!(reason, "connection ended in the middle of a message");
    });
}

#[test]
fn end_of_stream_instead_of_the_answer_is_a_loss() {
    as_both_roles(|mut end| {
        end.closes(1000, NO_REASON);
        end.writes();
        end.connection.receive_eof();
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (1006, false));
    });
}

#[test]
fn answer_still_leaves_when_the_stream_ended_after_the_peers_close() {
    as_both_roles(|mut end| {
        end.receives(&[close(1000, "")]);
        end.connection.receive_eof();
        assert!(!end.connection.is_finished());
        assert_eq!(end.writes(), [close(1000, "")]);
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (1000, true));
    });
}

#[test]
fn every_named_close_code_can_be_sent_but_those_that_stand_for_none() {
    let named = [
        CloseCode::NORMAL,
        CloseCode::GOING_AWAY,
        CloseCode::PROTOCOL_ERROR,
        CloseCode::UNSUPPORTED,
        CloseCode::INVALID_PAYLOAD,
        CloseCode::POLICY_VIOLATION,
        CloseCode::MESSAGE_TOO_BIG,
        CloseCode::MANDATORY_EXTENSION,
        CloseCode::INTERNAL_ERROR,
        CloseCode::SERVICE_RESTART,
        CloseCode::TRY_AGAIN_LATER,
        CloseCode::BAD_GATEWAY,
    ];
    assert!(named.iter().all(|code| code.is_sendable()));
    for role in ROLES {
        for code in named {
            let mut end = End::new(role);
            end.closes(code.get(), NO_REASON);
            assert_eq!(end.writes(), [close(code.get(), "")]);
        }
    }
}
