//! Messages in several frames (RFC 6455 §5.4).

mod common;

use common::*;
use realtime_ws::{Config, PeerMisbehaved};

#[test]
fn fragments_are_joined() {
    as_both_roles(|mut end| {
        let seen = end.receives(&[
            text("Hel").unfinished(),
            continuation("l").unfinished(),
            continuation("o"),
            binary([1]).unfinished(),
            continuation([2]),
        ]);
        assert_eq!(seen, [sees_text("Hello"), sees_binary([1, 2])]);
    });
}

#[test]
fn fragments_may_all_be_empty() {
    as_both_roles(|mut end| {
        let frames = [text("").unfinished(), continuation("").unfinished(), continuation("")];
        assert_eq!(end.receives(&frames), [sees_text("")]);
    });
}

#[test]
fn ping_between_fragments_is_answered_at_once() {
    as_both_roles(|mut end| {
        assert_eq!(end.receives(&[text("a").unfinished(), ping("now")]), [sees_ping("now")]);
        assert_eq!(end.writes(), [pong("now")]);
        assert_eq!(end.receives(&[continuation("b")]), [sees_text("ab")]);
        assert_eq!(end.writes(), []);
    });
}

#[test]
fn close_between_fragments_ends_the_message_unseen() {
    as_both_roles(|mut end| {
        let frames = [text("a").unfinished(), close(1001, "bye"), continuation("b")];
        assert_eq!(end.receives(&frames), [sees_close(1001, "bye")]);
        assert_eq!(end.closure(), (1001, true));
    });
}

#[test]
fn continuation_without_a_start_is_a_protocol_error() {
    for role in ROLES {
        for frame in [continuation(""), continuation("a"), continuation("a").unfinished()] {
            assert_eq!(
                End::new(role).refuses(std::slice::from_ref(&frame)),
                PeerMisbehaved::UnexpectedContinuation
            );

            let mut after_a_message = End::new(role);
            after_a_message.receives(&[text("a").unfinished(), continuation("b")]);
            assert_eq!(after_a_message.refuses(&[frame]), PeerMisbehaved::UnexpectedContinuation);
        }
    }
}

#[test]
fn new_message_inside_a_fragmented_one_is_a_protocol_error() {
    for role in ROLES {
        for config in [Config::default(), in_pieces()] {
            for frame in [text("b"), binary("b"), text("").unfinished(), binary("").unfinished()] {
                let mut end = End::with(role, config.clone());
                end.receives(&[text("").unfinished(), ping("")]);
                assert_eq!(end.refuses(&[frame]), PeerMisbehaved::ExpectedContinuation);
            }
        }
    }
}

#[test]
fn all_fragments_together_meet_the_limit() {
    let config = Config { max_message_bytes: 10, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        let frames = [text("12345").unfinished(), continuation("67890").unfinished(), continuation("")];
        assert_eq!(end.receives(&frames), [sees_text("1234567890")]);
        assert_eq!(end.receives(&[text("12345").unfinished(), continuation("67890").unfinished()]), []);
        let bytes = header_to(end.role, true, CONTINUATION, 1); // its payload need not be there
        assert_eq!(end.refuses_bytes(&bytes), PeerMisbehaved::MessageTooBig { limit: 10 });
    });
}

#[test]
fn every_message_has_the_limit_for_itself() {
    let config = Config { max_message_bytes: 4, max_fragments: 2, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        for _ in 0..3 {
            let seen = end.receives(&[text("ab").unfinished(), continuation("cd")]);
            assert_eq!(seen, [sees_text("abcd")]);
        }
    });
}

#[test]
fn control_frames_count_towards_no_limit_of_a_message() {
    let config = Config { max_message_bytes: 2, max_fragments: 2, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        assert_eq!(end.receives(&[text("a").unfinished()]), []);
        for _ in 0..10 {
            assert_eq!(end.receives(&[ping([7; 125])]), [sees_ping([7; 125])]);
        }
        assert_eq!(end.receives(&[continuation("b")]), [sees_text("ab")]);
    });
}

#[test]
fn empty_fragments_meet_the_limit_on_their_number() {
    let config = Config { max_fragments: 3, ..Config::default() };
    for config in [config.clone(), Config { delivery: in_pieces().delivery, ..config }] {
        as_both_roles_with(config, |mut end| {
            end.receives(&[
                text("").unfinished(),
                continuation("").unfinished(),
                continuation("").unfinished(),
            ]);
            let misbehaved = end.refuses(&[continuation("")]);
            assert_eq!(misbehaved, PeerMisbehaved::TooManyFragments { limit: 3 });
            assert_eq!(misbehaved.close_code().get(), 1008);
        });
    }
}

#[test]
fn default_number_of_fragments_passes_and_one_more_fails() {
    as_both_roles(|mut end| {
        let mut frames = vec![text("").unfinished()];
        frames.resize(16_383, continuation("").unfinished());
        end.receives(&frames);
        assert_eq!(end.receives(&[continuation("!")]), [sees_text("!")]);
        end.receives(&frames);
        let misbehaved = end.refuses(&[continuation("").unfinished(), continuation("")]);
        assert_eq!(misbehaved, PeerMisbehaved::TooManyFragments { limit: 16_384 });
    });
}

#[test]
fn limit_of_one_fragment_allows_whole_messages_only() {
    let config = Config { max_fragments: 1, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        assert_eq!(end.receives(&[text("a"), text("b")]), [sees_text("a"), sees_text("b")]);
        let misbehaved = end.refuses(&[text("a").unfinished(), continuation("")]);
        assert_eq!(misbehaved, PeerMisbehaved::TooManyFragments { limit: 1 });
    });
}
