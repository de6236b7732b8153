//! Text is UTF-8 by construction, and fails at its first bad byte (RFC 6455 §8.1).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::PeerMisbehaved;

/// One to four bytes a character, the first and the last of each length among them.
const MIXED: &str = "a\u{7F}\u{80}é\u{7FF}\u{800}€\u{D7FF}\u{E000}\u{FFFF}\u{10000}𐍈😀\u{10FFFF}\0";

/// Bytes that occur in no UTF-8, and how many of them show it.
const BAD: [(&[u8], usize); 12] = [
    (&[0x80], 1),
    (&[0xBF], 1),
    (&[0xC0, 0x80], 1),
    (&[0xC1, 0xBF], 1),
    (&[0xC3, 0x28], 2),
    (&[0xE0, 0x9F, 0xBF], 2),
    (&[0xE2, 0x82, 0x28], 3),
    (&[0xED, 0xA0, 0x80], 2),
    (&[0xF0, 0x8F, 0xBF, 0xBF], 2),
    (&[0xF4, 0x90, 0x80, 0x80], 2),
    (&[0xF5, 0x80, 0x80, 0x80], 1),
    (&[0xFF], 1),
];

#[test]
fn whole_text_is_surfaced() {
    as_both_roles(|mut end| {
        for text_sent in ["", "a", MIXED, &MIXED.repeat(500)] {
            assert_eq!(end.receives(&[text(text_sent)]), [sees_text(text_sent)]);
        }
    });
}

#[test]
fn text_in_two_fragments_may_be_cut_at_every_byte() {
    as_both_roles(|mut end| {
        for at in 0..=MIXED.len() {
            let (first, second) = MIXED.as_bytes().split_at(at);
            let seen = end.receives(&[text(first).unfinished(), continuation(second)]);
            assert_eq!(seen, [sees_text(MIXED)], "cut at {at}");
        }
    });
}

#[test]
fn text_in_one_frame_may_arrive_cut_at_every_byte() {
    as_both_roles(|mut end| {
        let bytes = text(MIXED).to(end.role);
        for at in 0..=bytes.len() {
            let (seen, error) = end.try_receive_in_chunks(&bytes, [at], Reading::Buffered);
            assert_eq!((seen, error), (vec![sees_text(MIXED)], None), "cut at {at}");
        }
    });
}

#[test]
fn text_in_fragments_of_one_byte_with_pings_between_is_surfaced() {
    as_both_roles(|mut end| {
        let mut frames = vec![text("").unfinished()];
        for byte in MIXED.bytes() {
            frames.extend([continuation([byte]).unfinished(), ping([byte])]);
        }
        frames.push(continuation(""));
        let mut expected: Vec<Seen> = MIXED.bytes().map(|byte| sees_ping([byte])).collect();
        expected.push(sees_text(MIXED));
        assert_eq!(end.receives(&frames), expected);
    });
}

#[test]
fn bad_text_in_one_frame_fails_the_connection() {
    for role in ROLES {
        for (bad, _) in BAD {
            // Long enough on both sides for the validator that takes many bytes at a time.
            for (before, after) in [("", ""), ("ok", "ok"), (&*MIXED.repeat(20), &*MIXED.repeat(20))] {
                let payload = [before.as_bytes(), bad, after.as_bytes()].concat();
                let misbehaved = End::new(role).refuses(&[text(payload)]);
                assert_eq!(misbehaved, PeerMisbehaved::InvalidUtf8, "{bad:x?}");
                assert_eq!(misbehaved.close_code().get(), 1007);
            }
        }
    }
}

#[test]
fn bad_byte_in_mid_frame_fails_before_the_frame_is_complete() {
    for role in ROLES {
        for (bad, shown_by) in BAD {
            let mut end = End::new(role);
            let header = header_to(role, true, TEXT, 1000);
            assert_eq!(end.try_receive(&[&header, &b"ok"[..]].concat()), (vec![], None));
            for byte in &bad[..shown_by - 1] {
                assert_eq!(end.try_receive(&[*byte]), (vec![], None), "{bad:x?}");
            }
            let misbehaved = end.refuses_bytes(&bad[shown_by - 1..shown_by]);
            assert_eq!(misbehaved, PeerMisbehaved::InvalidUtf8, "{bad:x?}");
        }
    }
}

#[test]
fn bad_byte_in_a_fragment_fails_before_the_message_is_complete() {
    for role in ROLES {
        for (bad, _) in BAD {
            let mut end = End::new(role);
            end.receives(&[text("ok").unfinished()]);
            let misbehaved = end.refuses(&[continuation(bad).unfinished()]);
            assert_eq!(misbehaved, PeerMisbehaved::InvalidUtf8, "{bad:x?}");
        }
    }
}

#[test]
fn character_cut_by_the_end_of_the_message_fails() {
    for role in ROLES {
        for whole in ["é", "€", "😀"] {
            for len in 1..whole.len() {
                let cut = &whole.as_bytes()[..len];
                assert_eq!(End::new(role).refuses(&[text(cut)]), PeerMisbehaved::InvalidUtf8);
                let in_last_fragment = [text("ok").unfinished(), continuation(cut)];
                assert_eq!(End::new(role).refuses(&in_last_fragment), PeerMisbehaved::InvalidUtf8);
                let by_empty_fragment = [text(cut).unfinished(), continuation("")];
                assert_eq!(End::new(role).refuses(&by_empty_fragment), PeerMisbehaved::InvalidUtf8);
            }
        }
    }
}

#[test]
fn character_cut_by_an_empty_fragment_may_go_on_after_it() {
    as_both_roles(|mut end| {
        let (first, second) = "😀".as_bytes().split_at(2);
        let frames = [text(first).unfinished(), continuation("").unfinished(), continuation(second)];
        assert_eq!(end.receives(&frames), [sees_text("😀")]);
    });
}

#[test]
fn binary_may_hold_any_bytes() {
    as_both_roles(|mut end| {
        let every_byte: Vec<u8> = (0..=255).collect();
        assert_eq!(end.receives(&[binary(&every_byte)]), [sees_binary(&every_byte)]);
        let (first, second) = every_byte.split_at(0xC4);
        let seen = end.receives(&[binary(first).unfinished(), continuation(second)]);
        assert_eq!(seen, [sees_binary(&every_byte)]);
    });
}

#[test]
fn pings_and_pongs_may_hold_any_bytes() {
    as_both_roles(|mut end| {
        let seen = end.receives(&[text("é").unfinished(), ping([0xFF]), pong([0xC3]), continuation("")]);
        assert_eq!(seen, [sees_ping([0xFF]), sees_pong([0xC3]), sees_text("é")]);
    });
}
