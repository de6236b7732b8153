//! What the caller is told who asks for what is not possible.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use realtime_ws::handshake::{InvalidUri, OriginPolicy};
use realtime_ws::{ApiMisuse, CloseCode, Closure, Config, Keepalive};
use std::time::Duration;

#[test]
fn each_misuse_says_what_is_wrong() {
    for (misuse, words) in [
        (ApiMisuse::SendAfterClose, "the connection is closing or lost: nothing more can be sent"),
        (ApiMisuse::UnfinishedMessage, "a message sent in pieces is not finished"),
        (ApiMisuse::QueueFull { limit: 9 }, "9 bytes wait to be written already"),
        (ApiMisuse::ControlPayloadTooLong, "a ping or pong carries at most 125 bytes"),
        (ApiMisuse::UnsendableCloseCode(CloseCode::NO_STATUS), "close code 1005 must not be sent"),
        (ApiMisuse::InvalidHeader("the target"), "character not allowed in the target"),
        (ApiMisuse::SubprotocolNotOffered, "the client did not offer this subprotocol"),
        (ApiMisuse::RepeatedSubprotocol, "the same subprotocol is offered twice"),
        (ApiMisuse::ReservedHeader, "a header that the handshake itself decides about"),
        (
            ApiMisuse::InvalidStatus(204),
            "status 204 cannot refuse a request: use 200 to 599, not 204, 205 or 304",
        ),
    ] {
        assert_eq!(misuse.to_string(), words);
    }
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused_by_the_name_of_the_field() {
    let default = Config::default;
    let silence = |ping_after, close_after| {
        let [ping_after, close_after] = [ping_after, close_after].map(Duration::from_secs);
        Config { keepalive: Some(Keepalive { ping_after, close_after }), ..default() }
    };
    for (config, words) in [
        (Config { max_fragments: 0, ..default() }, "max_fragments must be at least 1"),
        (Config { max_unsent_bytes: 0, ..default() }, "max_unsent_bytes must be at least 1"),
        (Config { max_headers: 0, ..default() }, "max_headers must be 1 to 256"),
        (Config { max_headers: 257, ..default() }, "max_headers must be 1 to 256"),
        (Config { max_head_bytes: 63, ..default() }, "max_head_bytes must be at least 64"),
        (silence(0, 60), "keepalive.ping_after must not be zero"),
        (silence(30, 30), "keepalive.close_after must be longer than ping_after"),
    ] {
        assert_eq!(config.checked().unwrap_err().to_string(), words);
    }
    let extreme = Config { max_fragments: 1, max_headers: 256, max_head_bytes: 64, ..silence(1, 2) };
    assert!(extreme.checked().is_ok());
}

#[test]
fn each_fault_of_a_url_says_what_is_accepted() {
    for (fault, words) in [
        (InvalidUri::Scheme, "a WebSocket URL begins with ws:// or wss://"),
        (InvalidUri::UserInfo, "a WebSocket URL has no user name or password: send a header instead"),
        (InvalidUri::Host, "the host must be a name, an IPv4 address or an IPv6 address in brackets"),
        (InvalidUri::Port, "the port must be 1 to 65535"),
        (InvalidUri::Fragment, "a WebSocket URL has no fragment: write %23 for a literal #"),
        (InvalidUri::Character, "path and query must be ASCII without spaces: percent-encode them"),
    ] {
        assert_eq!(fault.to_string(), words);
    }
}

#[test]
fn what_is_no_origin_is_shown_with_what_is_one() {
    assert_eq!(
        OriginPolicy::list(["*.example.org"]).unwrap_err().to_string(),
        "\"*.example.org\" is no origin: write scheme://host or scheme://host:port, without path or pattern"
    );
}

#[test]
fn an_end_is_shown_with_its_code_and_reason() {
    let end = |reason: &str| Closure { code: CloseCode::NORMAL, reason: reason.into(), was_clean: true };
    assert_eq!((end("").to_string(), end("bye").to_string()), ("1000".into(), "1000 (bye)".into()));
    assert_eq!(format!("{:?}", CloseCode::NORMAL), "CloseCode(1000)");
}
