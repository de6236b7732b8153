//! Every violation is named in words, with what is accepted instead: in the close frame, in the response to a
//! handshake, and in what the application can log.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::handshake::{HandshakeFailed, Refusal};
use realtime_ws::{CloseCode, Config, MAX_CLOSE_REASON_BYTES, PeerMisbehaved, Role};

/// Each violation of a peer's, by what provokes it: the bytes, to whom, and what they are answered with.
fn violations() -> Vec<(Role, Vec<u8>, PeerMisbehaved, CloseCode, &'static str)> {
    use CloseCode as Code;
    let server = |frame: Frame| (Role::Server, frame.to(Role::Server));
    let told = |(role, bytes), misbehaved, code, reason| (role, bytes, misbehaved, code, reason);
    let mut too_many = vec![text("").unfinished()];
    too_many.resize(4, continuation("").unfinished());
    #[rustfmt::skip]
    let violations = vec![
        told(
            server(text("").with_reserved_bits(0b010)), PeerMisbehaved::ReservedBits, Code::PROTOCOL_ERROR,
            "reserved bit set: none may be that no agreed extension gives a meaning here",
        ),
        told(
            server(frame(0xB, "")), PeerMisbehaved::ReservedOpcode(0xB), Code::PROTOCOL_ERROR,
            "opcode 11 is reserved: 0 to 2 and 8 to 10 are accepted",
        ),
        told(
            (Role::Server, text("").unmasked()), PeerMisbehaved::UnmaskedFrame, Code::PROTOCOL_ERROR,
            "frame without a mask: a client must mask every frame",
        ),
        told(
            (Role::Client, text("").masked([7; 4])), PeerMisbehaved::MaskedFrame, Code::PROTOCOL_ERROR,
            "frame with a mask: a server must mask none",
        ),
        told(
            (Role::Client, vec![0x82, 126, 0, 125]), PeerMisbehaved::BadLengthEncoding, Code::PROTOCOL_ERROR,
            "malformed frame length: must be below 2^63 and in its shortest form",
        ),
        told(
            server(ping("").unfinished()), PeerMisbehaved::FragmentedControlFrame, Code::PROTOCOL_ERROR,
            "fragmented control frame: close, ping and pong must be one frame each",
        ),
        told(
            server(ping([7; 126])), PeerMisbehaved::ControlFrameTooLong, Code::PROTOCOL_ERROR,
            "control frame too long: at most 125 bytes are accepted",
        ),
        told(
            server(continuation("")), PeerMisbehaved::UnexpectedContinuation, Code::PROTOCOL_ERROR,
            "continuation of no message: must begin with a text or binary frame",
        ),
        told(
            (Role::Server, stream(Role::Server, &[text("a").unfinished(), text("b")])),
            PeerMisbehaved::ExpectedContinuation, Code::PROTOCOL_ERROR,
            "new message inside a fragmented one: that must be finished first",
        ),
        told(
            server(text([0xFF])), PeerMisbehaved::InvalidUtf8, Code::INVALID_PAYLOAD,
            "invalid UTF-8: text messages and close reasons must be UTF-8",
        ),
        told(
            server(frame(CLOSE, [3])), PeerMisbehaved::ClosePayloadTooShort, Code::PROTOCOL_ERROR,
            "close frame of one byte: must be empty or begin with a code of two bytes",
        ),
        told(
            server(close(1005, "")), PeerMisbehaved::InvalidCloseCode(1005), Code::PROTOCOL_ERROR,
            "close code 1005 must not be sent: 1000-1003, 1007-1014 and 3000-4999 are accepted",
        ),
        told(
            server(binary([7; 101])), PeerMisbehaved::MessageTooBig { limit: 100 }, Code::MESSAGE_TOO_BIG,
            "message too big: at most 100 bytes are accepted",
        ),
        told(
            (Role::Server, stream(Role::Server, &too_many)),
            PeerMisbehaved::TooManyFragments { limit: 3 }, Code::POLICY_VIOLATION,
            "too many fragments: at most 3 frames are accepted in a message",
        ),
    ];
    violations
}

/// Where a violation stands in the table; whoever adds one has to add it there.
fn place(misbehaved: PeerMisbehaved) -> Option<usize> {
    Some(match misbehaved {
        PeerMisbehaved::ReservedBits => 0,
        PeerMisbehaved::ReservedOpcode(_) => 1,
        PeerMisbehaved::UnmaskedFrame => 2,
        PeerMisbehaved::MaskedFrame => 3,
        PeerMisbehaved::BadLengthEncoding => 4,
        PeerMisbehaved::FragmentedControlFrame => 5,
        PeerMisbehaved::ControlFrameTooLong => 6,
        PeerMisbehaved::UnexpectedContinuation => 7,
        PeerMisbehaved::ExpectedContinuation => 8,
        PeerMisbehaved::InvalidUtf8 => 9,
        PeerMisbehaved::ClosePayloadTooShort => 10,
        PeerMisbehaved::InvalidCloseCode(_) => 11,
        PeerMisbehaved::MessageTooBig { .. } => 12,
        PeerMisbehaved::TooManyFragments { .. } => 13,
        PeerMisbehaved::CorruptCompression => return None, // only where compression was agreed on
    })
}

#[test]
fn each_violation_is_named_in_the_close_frame_and_to_the_application() {
    let config = Config { max_message_bytes: 100, max_fragments: 3, ..Config::default() };
    for (at, (role, bytes, misbehaved, code, reason)) in violations().into_iter().enumerate() {
        assert_eq!(place(misbehaved), Some(at), "{misbehaved}");
        let mut end = End::with(role, config.clone());
        assert_eq!(end.try_receive(&bytes), (vec![], Some(misbehaved)));
        assert_eq!(end.writes(), [close(code.get(), reason)]);
        let closure = end.connection.closure().unwrap();
        assert_eq!((closure.code, &closure.reason[..], closure.was_clean), (code, reason, false));
    }
}

#[cfg(feature = "deflate")]
#[test]
fn corrupt_compression_is_named_too() {
    use common::deflate::{TAKEOVER, compressed, end};
    let mut server = end(Role::Server, TAKEOVER);
    assert_eq!(place(server.refuses(&[compressed(text([0xFF, 0xFF]))])), None);
    let reason = "corrupt compressed message: must be whole blocks of deflate data";
    let mut server = end(Role::Server, TAKEOVER);
    server.try_receive(&compressed(text([0xFF, 0xFF])).to(Role::Server));
    assert_eq!(server.writes(), [close(1007, reason)]);
}

#[test]
fn the_longest_reasons_fit_into_a_close_frame() {
    for longest in [
        PeerMisbehaved::ReservedBits,
        PeerMisbehaved::ReservedOpcode(0xF),
        PeerMisbehaved::InvalidCloseCode(u16::MAX),
        PeerMisbehaved::MessageTooBig { limit: usize::MAX },
        PeerMisbehaved::TooManyFragments { limit: u32::MAX },
    ] {
        assert!(longest.to_string().len() <= MAX_CLOSE_REASON_BYTES, "{longest}");
    }
}

#[test]
fn each_refusal_of_a_request_says_what_is_accepted() {
    #[rustfmt::skip]
    let table = [
        (
            Refusal::MalformedRequestLine, 400,
            "malformed request line: must be a method, a target and HTTP/1.1, one space between",
        ),
        (Refusal::MalformedHeader, 400, "malformed header: must be a name, a colon and a value in one line"),
        (Refusal::BareLineFeed, 400, "line feed without carriage return: lines must end with both"),
        (Refusal::HeadTooLong { limit: 9 }, 431, "request head too long: at most 9 bytes are accepted"),
        (Refusal::TooManyHeaders { limit: 9 }, 431, "too many headers: at most 9 are accepted"),
        (Refusal::TimedOut, 408, "the request did not arrive in time"),
        (Refusal::MethodNotGet, 405, "a WebSocket handshake must be a GET request"),
        (Refusal::HttpVersion, 400, "a WebSocket handshake needs HTTP/1.1"),
        (
            Refusal::InvalidTarget, 400,
            "the request target must be a path or an http or ws URL, without a fragment",
        ),
        (Refusal::InvalidHost, 400, "there must be one Host header that names a host"),
        (Refusal::UnexpectedBody, 400, "a WebSocket handshake must not have a body"),
        (Refusal::ConnectionWithoutUpgrade, 400, "the Connection header must list Upgrade"),
        (Refusal::UnsupportedVersion, 426, "Sec-WebSocket-Version must be 13"),
        (Refusal::InvalidKey, 400, "there must be one Sec-WebSocket-Key of 16 bytes in base64"),
        (Refusal::MalformedSubprotocols, 400, "Sec-WebSocket-Protocol must be a list of tokens"),
        (
            Refusal::MalformedExtensions, 400,
            "Sec-WebSocket-Extensions must be a list of tokens with parameters",
        ),
        (Refusal::MalformedOrigin, 400, "there must be at most one Origin header, in ASCII"),
        (Refusal::ForbiddenOrigin, 403, "connections from this origin are not accepted"),
    ];
    for (refusal, status, words) in table {
        assert_eq!((refusal.status(), refusal.to_string().as_str()), (status, words));
        let response = String::from_utf8(refusal.response()).unwrap();
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
        assert!(
            !response.starts_with(&format!("HTTP/1.1 {status} \r\n")),
            "the status has words: {response}"
        );
        assert!(response.ends_with(&format!("\r\n\r\n{words}\n")), "{response}");
    }
}

#[test]
fn each_failure_of_a_response_is_named() {
    for (failed, words) in [
        (HandshakeFailed::Status(404), "the server answered with status 404 instead of 101"),
        (HandshakeFailed::MalformedResponse, "the server did not answer in HTTP/1.1"),
        (HandshakeFailed::BareLineFeed, "a line of the response ends without carriage return"),
        (HandshakeFailed::HeadTooLong { limit: 9 }, "response head longer than 9 bytes"),
        (HandshakeFailed::TooManyHeaders { limit: 9 }, "more than 9 headers in the response"),
        (HandshakeFailed::TimedOut, "the response did not arrive in time"),
        (HandshakeFailed::NotUpgraded, "the response's Upgrade header is not websocket"),
        (HandshakeFailed::ConnectionWithoutUpgrade, "the response's Connection header does not list Upgrade"),
        (HandshakeFailed::WrongAcceptKey, "the response's Sec-WebSocket-Accept does not match the key"),
        (HandshakeFailed::SubprotocolNotOffered, "the server chose a subprotocol that was not offered"),
        (HandshakeFailed::ExtensionNotOffered, "the server chose an extension that was not offered"),
        (
            HandshakeFailed::UnacceptableExtension,
            "the server chose an extension in a way that does not answer the offer",
        ),
    ] {
        assert_eq!(failed.to_string(), words);
    }
}
