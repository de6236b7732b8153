//! Pings, pongs and the form of close frames (RFC 6455 §5.5).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::{ApiMisuse, PeerMisbehaved};

#[test]
fn control_frame_of_125_bytes_is_accepted() {
    as_both_roles(|mut end| {
        let seen = end.receives(&[ping([1; 125]), pong([2; 125])]);
        assert_eq!(seen, [sees_ping([1; 125]), sees_pong([2; 125])]);
        assert_eq!(end.writes(), [pong([1; 125])]);
    });
}

#[test]
fn control_frame_of_126_bytes_is_a_protocol_error() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG] {
            for len in [126, 127, 65_535, 65_536] {
                let misbehaved = End::new(role).refuses(&[frame(opcode, vec![0; len])]);
                assert_eq!(misbehaved, PeerMisbehaved::ControlFrameTooLong);
            }
        }
    }
}

#[test]
fn fragmented_control_frame_is_a_protocol_error() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG] {
            let misbehaved = End::new(role).refuses(&[frame(opcode, "").unfinished()]);
            assert_eq!(misbehaved, PeerMisbehaved::FragmentedControlFrame);
        }
    }
}

#[test]
fn reserved_opcode_is_a_protocol_error() {
    for role in ROLES {
        for opcode in (0x3..=0x7).chain(0xB..=0xF) {
            for frame in [frame(opcode, ""), frame(opcode, "x").unfinished()] {
                assert_eq!(End::new(role).refuses(&[frame]), PeerMisbehaved::ReservedOpcode(opcode));
            }
        }
    }
}

#[test]
fn reserved_bit_without_an_extension_is_a_protocol_error() {
    for role in ROLES {
        for bits in 1..8 {
            for frame in [text("a"), binary(""), ping(""), pong(""), close(1000, ""), continuation("")] {
                let misbehaved = End::new(role).refuses(&[frame.with_reserved_bits(bits)]);
                assert_eq!(misbehaved, PeerMisbehaved::ReservedBits);
            }
        }
    }
}

#[test]
fn ping_is_answered_with_its_payload() {
    as_both_roles(|mut end| {
        assert_eq!(end.receives(&[ping(""), ping(b"b\0\xFF")]), [sees_ping(""), sees_ping(b"b\0\xFF")]);
        assert_eq!(end.writes(), [pong(""), pong(b"b\0\xFF")]);
        assert_eq!(end.receives(&[ping("c")]), [sees_ping("c")]);
        assert_eq!(end.writes(), [pong("c")]);
    });
}

#[test]
fn unasked_pong_is_surfaced_and_not_answered() {
    as_both_roles(|mut end| {
        assert_eq!(end.receives(&[pong("unasked")]), [sees_pong("unasked")]);
        assert_eq!(end.writes(), []);
    });
}

#[test]
fn ping_is_sent_and_its_answer_surfaced() {
    as_both_roles(|mut end| {
        assert_eq!(end.connection.ping(&[9; 125]), Ok(()));
        assert_eq!(end.writes(), [ping([9; 125])]);
        assert_eq!(end.receives(&[pong([9; 125])]), [sees_pong([9; 125])]);
    });
}

#[test]
fn ping_of_126_bytes_is_misuse() {
    as_both_roles(|mut end| {
        assert_eq!(end.connection.ping(&[9; 126]), Err(ApiMisuse::ControlPayloadTooLong));
        assert_eq!(end.writes(), []);
    });
}

#[test]
fn pings_leave_in_the_order_they_were_sent() {
    as_both_roles(|mut end| {
        end.connection.send("waiting").unwrap();
        for payload in [b"1", b"2", b"3"] {
            end.connection.ping(payload).unwrap();
        }
        assert_eq!(end.writes(), [ping("1"), ping("2"), ping("3"), text("waiting")]);
    });
}

#[test]
fn close_frame_may_be_empty() {
    as_both_roles(|mut end| {
        assert_eq!(end.receives(&[frame(CLOSE, "")]), [Seen::Closing(None, String::new())]);
        assert_eq!(end.writes(), [frame(CLOSE, "")], "the answer is as empty");
        assert_eq!(end.closure(), (1005, true));
    });
}

#[test]
fn close_frame_with_one_byte_is_a_protocol_error() {
    as_both_roles(|mut end| {
        assert_eq!(end.refuses(&[frame(CLOSE, [0x03])]), PeerMisbehaved::ClosePayloadTooShort);
    });
}

#[test]
fn close_codes_that_may_be_sent_are_accepted_and_echoed() {
    for role in ROLES {
        for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]) {
            let mut end = End::new(role);
            assert_eq!(end.receives(&[close(code, "why")]), [sees_close(code, "why")]);
            assert_eq!(end.writes(), [close(code, "")]);
            assert_eq!(end.closure(), (code, true));
        }
    }
}

#[test]
fn every_other_close_code_is_refused() {
    let refused = (0..1000).chain(1004..=1006).chain(1015..3000).chain(5000..=u16::MAX);
    for code in refused {
        for role in ROLES {
            let misbehaved = End::new(role).refuses(&[close(code, "")]);
            assert_eq!(misbehaved, PeerMisbehaved::InvalidCloseCode(code));
            assert_eq!(misbehaved.close_code().get(), 1002);
        }
    }
}

#[test]
fn close_reason_that_is_not_utf8_is_refused() {
    for role in ROLES {
        for reason in [&b"\xFF"[..], b"ok\xC3", b"\xED\xA0\x80"] {
            let misbehaved = End::new(role).refuses(&[frame(CLOSE, [b"\x03\xE8", reason].concat())]);
            assert_eq!(misbehaved, PeerMisbehaved::InvalidUtf8);
            assert_eq!(misbehaved.close_code().get(), 1007);
        }
    }
}

#[test]
fn close_reason_of_123_bytes_is_received_whole() {
    as_both_roles(|mut end| {
        let reason = "é".repeat(61) + "!";
        assert_eq!(end.receives(&[close(4000, &reason)]), [sees_close(4000, &reason)]);
        assert_eq!(end.connection.closure().map(|closure| closure.reason.clone()), Some(reason));
    });
}
