//! What lengths a frame may declare (RFC 6455 §5.2), and what becomes of those that are too long.

mod common;

use common::*;
use realtime_ws::{Config, PeerMisbehaved, Role};

/// A frame of no payload to `role` whose length stands in `extended`, in the form that `marker` announces.
fn with_length(role: Role, marker: u8, extended: &[u8]) -> Vec<u8> {
    let mask: &[u8] = if role == Role::Server { &[0; 4] } else { &[] };
    let masked = if role == Role::Server { 0x80 } else { 0 };
    [&[0x80 | BINARY, marker | masked], extended, mask].concat()
}

#[test]
fn every_form_of_length_is_read() {
    as_both_roles(|mut end| {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 65_537] {
            let payload = vec![7; len];
            assert_eq!(end.receives(&[binary(&payload)]), [sees_binary(&payload)], "{len} bytes");
        }
    });
}

#[test]
fn top_bit_of_length_is_a_protocol_error() {
    as_both_roles_with(unlimited(), |mut end| {
        let bytes = with_length(end.role, 127, &(1u64 << 63).to_be_bytes());
        assert_eq!(end.refuses_bytes(&bytes), PeerMisbehaved::BadLengthEncoding);
    });
}

#[test]
fn length_in_a_longer_form_than_needed_is_a_protocol_error() {
    for role in ROLES {
        for len in [0u16, 1, 125] {
            let bytes = with_length(role, 126, &len.to_be_bytes());
            assert_eq!(End::new(role).refuses_bytes(&bytes), PeerMisbehaved::BadLengthEncoding, "{len}");
        }
        for len in [0u64, 125, 126, 65_535] {
            let bytes = with_length(role, 127, &len.to_be_bytes());
            assert_eq!(End::new(role).refuses_bytes(&bytes), PeerMisbehaved::BadLengthEncoding, "{len}");
        }
    }
}

#[test]
fn longest_declarable_length_is_too_big_under_any_limit_that_is_set() {
    as_both_roles(|mut end| {
        let bytes = header_to(end.role, true, BINARY, i64::MAX as u64);
        assert_eq!(end.refuses_bytes(&bytes), PeerMisbehaved::MessageTooBig { limit: 1024 * 1024 });
    });
}

#[test]
fn message_exactly_at_the_limit_passes_and_one_byte_more_fails() {
    let config = Config { max_message_bytes: 1000, ..Config::default() };
    as_both_roles_with(config.clone(), |mut end| {
        assert_eq!(end.receives(&[binary([7; 1000])]), [sees_binary([7; 1000])]);
        assert_eq!(end.refuses(&[binary([7; 1001])]), PeerMisbehaved::MessageTooBig { limit: 1000 });
    });
}

#[test]
fn too_long_message_fails_at_its_header() {
    let config = Config { max_message_bytes: 1000, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        let bytes = header_to(end.role, true, TEXT, 1001);
        assert_eq!(end.refuses_bytes(&bytes), PeerMisbehaved::MessageTooBig { limit: 1000 });
    });
}

#[test]
fn limit_of_zero_lets_empty_messages_and_control_frames_through() {
    let config = Config { max_message_bytes: 0, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        assert_eq!(end.receives(&[text(""), ping([1; 125])]), [sees_text(""), sees_ping([1; 125])]);
        assert_eq!(end.refuses(&[text("a")]), PeerMisbehaved::MessageTooBig { limit: 0 });
    });
}

#[test]
fn lengths_of_fragments_add_up_without_overflow() {
    let limit = isize::MAX as usize;
    as_both_roles_with(Config { max_message_bytes: limit, ..unlimited() }, |mut end| {
        assert_eq!(end.receives(&[binary("a").unfinished()]), []);
        let bytes = header_to(end.role, true, CONTINUATION, limit as u64);
        assert_eq!(end.refuses_bytes(&bytes), PeerMisbehaved::MessageTooBig { limit });
    });
}

#[test]
fn lengths_of_fragments_beyond_the_address_space_do_not_overflow() {
    as_both_roles_with(unlimited(), |mut end| {
        // Of a fragment that makes the sum longer than any memory, only the header can come.
        let bytes = header_to(end.role, false, BINARY, 1);
        assert_eq!(end.try_receive(&[&bytes[..], b"a"].concat()), (vec![], None));
        let bytes = header_to(end.role, false, CONTINUATION, (usize::MAX as u64).min(i64::MAX as u64));
        assert_eq!(end.try_receive(&bytes), (vec![], None));
        assert_eq!(end.try_receive(&[0; 1000]), (vec![], None));
        assert!(end.connection.held_bytes() < 8 * 1024);
    });
}

#[cfg(target_pointer_width = "32")]
#[test]
fn length_beyond_the_address_space_is_too_big_whatever_the_limit() {
    let too_big = PeerMisbehaved::MessageTooBig { limit: usize::MAX };
    for len in [1 << 32, (1 << 32) + 5, 1 << 62] {
        for opcode in [TEXT, BINARY] {
            as_both_roles_with(unlimited(), |mut end| {
                let bytes = header_to(end.role, true, opcode, len);
                assert_eq!(end.refuses_bytes(&bytes), too_big, "{len}");
            });
        }
        as_both_roles_with(unlimited(), |mut end| {
            end.receives(&[text("a").unfinished()]);
            let bytes = header_to(end.role, true, CONTINUATION, len);
            assert_eq!(end.refuses_bytes(&bytes), too_big, "{len}");
        });
    }
}
