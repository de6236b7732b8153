//! Segments: several messages as one run of frames, in the form that each connection sends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use realtime_ws::{CompressionClass, PreparedMessage, Segment};

fn messages() -> Vec<PreparedMessage> {
    let long = "and on ".repeat(100);
    vec!["short".into(), PreparedMessage::new(&long), PreparedMessage::new(&[0; 70_000]), "".into()]
}

fn frames(messages: &[PreparedMessage], class: CompressionClass) -> Vec<u8> {
    messages.iter().flat_map(|message| message.frame_for(class)).copied().collect()
}

#[test]
fn frames_of_a_segment_are_those_of_its_messages() {
    let segment = Segment::new(messages());
    assert_eq!(segment.messages(), messages());
    assert_eq!(segment.frames_for(CompressionClass::NONE), frames(&messages(), CompressionClass::NONE));
}

#[test]
fn a_segment_of_nothing_has_no_bytes() {
    assert!(Segment::new(Vec::new()).frames_for(CompressionClass::NONE).is_empty());
}

#[test]
fn segments_are_equal_if_their_messages_are() {
    let segment = Segment::new(messages());
    assert_eq!(segment, segment.clone());
    assert_eq!(segment, Segment::new(messages()));
    assert_ne!(segment, Segment::new(messages()[1..].to_vec()));
}

#[cfg(feature = "deflate")]
mod compressed {
    use super::*;
    use realtime_ws::{Config, Connection, DeflateConfig, NegotiatedDeflate, Timestamp};
    use std::thread;

    /// Of connections that differ in all that decides about a form.
    fn classes() -> Vec<CompressionClass> {
        let eager = DeflateConfig { min_message_bytes: 0, ..DeflateConfig::default() };
        let reluctant = DeflateConfig { min_message_bytes: 1000, ..DeflateConfig::default() };
        let class = |(deflate, outgoing_window_bits)| {
            let agreed = NegotiatedDeflate {
                outgoing_context_takeover: false,
                incoming_context_takeover: false,
                outgoing_window_bits,
                incoming_window_bits: 15,
            };
            let config = Config { deflate: Some(deflate), ..Config::default() }.checked().unwrap();
            Connection::server(config, Timestamp::START).with_deflate(agreed).compression_class()
        };
        [(eager, 15), (reluctant, 15), (eager, 9), (reluctant, 12)].map(class).into()
    }

    #[test]
    fn frames_of_a_segment_are_those_of_its_messages_in_each_class() {
        let (segment, plain) = (Segment::new(messages()), frames(&messages(), CompressionClass::NONE));
        for _ in 0..2 {
            for class in classes() {
                assert_eq!(segment.frames_for(class), frames(segment.messages(), class));
                assert!(segment.frames_for(class).len() < plain.len());
            }
        }
        assert_eq!(segment.frames_for(CompressionClass::NONE), plain);
    }

    #[test]
    fn frames_of_a_segment_are_joined_once_for_each_class() {
        let segment = Segment::new(messages());
        let place = |class| segment.frames_for(class).as_ptr();
        let places: Vec<_> = classes().into_iter().map(place).collect();
        assert_eq!(classes().into_iter().rev().map(place).rev().collect::<Vec<_>>(), places);
    }

    #[test]
    fn threads_that_ask_at_once_get_the_frames_of_their_class() {
        for _ in 0..20 {
            let segment = Segment::new(messages());
            thread::scope(|scope| {
                for class in classes() {
                    let segment = &segment;
                    scope.spawn(move || {
                        assert_eq!(segment.frames_for(class), frames(segment.messages(), class));
                    });
                }
            });
        }
    }
}
