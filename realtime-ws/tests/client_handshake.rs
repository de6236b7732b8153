//! What a client asks for and accepts in the opening handshake (RFC 6455 §4.1).

use proptest::prelude::*;
use realtime_ws::handshake::{
    Accept, ClientHandshake, ClientRequest, HandshakeFailed, Request, ServerHandshake, Uri,
};
use realtime_ws::{ApiMisuse, CheckedConfig, Config, Event, MaskingKeys, Timestamp};
use std::time::Duration;

const NONCE: [u8; 16] = *b"the sample nonce";
const STATUS_LINE: &str = "HTTP/1.1 101 Switching Protocols";
const HEADERS: [&str; 3] =
    ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="];

const REQUEST: ClientRequest<'_> = ClientRequest {
    host: "a.test",
    target: "/chat",
    subprotocols: &["v2", "v1"],
    origin: Some("http://a.test"),
    headers: &[("Authorization", "Bearer x")],
};

fn config() -> CheckedConfig {
    CheckedConfig::default()
}

fn try_handshake(config: CheckedConfig, request: &ClientRequest<'_>) -> Result<ClientHandshake, ApiMisuse> {
    ClientHandshake::new(config, request, NONCE, MaskingKeys::new(|| [1, 2, 3, 4]), Timestamp::START)
}

fn handshake() -> ClientHandshake {
    try_handshake(config(), &REQUEST).expect("the request is valid")
}

fn response(status_line: &str, headers: &[&str]) -> Vec<u8> {
    let lines = headers.iter().map(|header| format!("{header}\r\n"));
    format!("{status_line}\r\n{}\r\n", lines.collect::<String>()).into_bytes()
}

/// The valid response with the header `index` replaced by `replacement`.
fn with_header(index: usize, replacement: &[&str]) -> Vec<u8> {
    let mut headers = HEADERS.to_vec();
    headers.splice(index..=index, replacement.iter().copied());
    response(STATUS_LINE, &headers)
}

fn and_header(header: &str) -> Vec<u8> {
    response(STATUS_LINE, &[&HEADERS[..], &[header]].concat())
}

fn unsent(handshake: &ClientHandshake) -> Vec<u8> {
    let mut slices = [&[][..]; 2];
    let filled = handshake.poll_transmit(&mut slices);
    slices[..filled].concat()
}

/// Feeds `bytes` in pieces of `size`; the chosen subprotocol, once the response is complete.
fn verdict_in(
    mut handshake: ClientHandshake,
    bytes: &[u8],
    size: usize,
) -> Result<Option<Option<String>>, HandshakeFailed> {
    for piece in bytes.chunks(size.max(1)) {
        let mut piece = piece.to_vec();
        if let Some(response) = handshake.receive(&mut &mut piece[..])? {
            return Ok(Some(response.subprotocol().map(String::from)));
        }
    }
    Ok(None)
}

fn verdict(bytes: &[u8]) -> Result<Option<Option<String>>, HandshakeFailed> {
    verdict_in(handshake(), bytes, bytes.len())
}

#[track_caller]
fn assert_accepted(bytes: &[u8]) {
    assert_eq!(verdict(bytes), Ok(Some(None)), "{}", String::from_utf8_lossy(bytes));
}

#[track_caller]
fn assert_fails(bytes: &[u8], failed: HandshakeFailed) {
    assert_eq!(verdict(bytes), Err(failed), "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn the_request_has_what_the_rfc_asks_for() {
    let expected = "GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                    Origin: http://a.test\r\nSec-WebSocket-Protocol: v2, v1\r\nAuthorization: Bearer x\r\n\r\n";
    assert_eq!(String::from_utf8(unsent(&handshake())).unwrap(), expected);
}

#[test]
fn the_request_may_be_written_in_parts() {
    let mut handshake = handshake();
    let whole = unsent(&handshake);
    handshake.transmitted(0);
    handshake.transmitted(10);
    assert_eq!(unsent(&handshake), &whole[10..]);
    assert_eq!(handshake.poll_transmit(&mut []), 0);
    handshake.transmitted(whole.len() - 10);
    assert_eq!(handshake.poll_transmit(&mut [&[]]), 0);
}

#[test]
#[should_panic(expected = "bytes said to be written of")]
fn no_more_of_the_request_is_written_than_there_is() {
    let mut handshake = handshake();
    let whole = unsent(&handshake);
    handshake.transmitted(10);
    handshake.transmitted(whole.len() - 9);
}

#[test]
fn the_sample_response_is_accepted_however_it_is_cut() {
    let bytes = response(STATUS_LINE, &HEADERS);
    for size in 1..=bytes.len() {
        assert_eq!(verdict_in(handshake(), &bytes, size), Ok(Some(None)));
    }
    assert_eq!(verdict(&bytes[..bytes.len() - 1]), Ok(None));
}

#[test]
fn names_and_tokens_may_come_in_any_case_and_headers_in_any_order() {
    assert_accepted(&with_header(0, &["UPGRADE: WebSocket"]));
    assert_accepted(&with_header(1, &["connection: keep-alive", "connection: x, upgrade"]));
    assert_accepted(&with_header(1, &["Connection: Upgrade", "Connection: keep-alive"]));
    let reversed: Vec<&str> = HEADERS.into_iter().rev().collect();
    assert_accepted(&response("HTTP/1.1 101 ", &reversed));
}

#[test]
fn another_status_is_kept_for_the_caller() {
    for status in [100, 200, 301, 401, 426, 503] {
        let bytes = response(&format!("HTTP/1.1 {status} x"), &HEADERS);
        assert_fails(&bytes, HandshakeFailed::Status(status));
    }
}

#[test]
fn upgrade_must_be_websocket() {
    assert_fails(&with_header(0, &[]), HandshakeFailed::NotUpgraded);
    assert_fails(&with_header(0, &["Upgrade: h2c"]), HandshakeFailed::NotUpgraded);
    assert_fails(&with_header(0, &["Upgrade: h2c, websocket"]), HandshakeFailed::NotUpgraded);
}

#[test]
fn connection_must_list_upgrade() {
    assert_fails(&with_header(1, &[]), HandshakeFailed::ConnectionWithoutUpgrade);
    assert_fails(&with_header(1, &["Connection: not-upgrade"]), HandshakeFailed::ConnectionWithoutUpgrade);
}

#[test]
fn the_accept_key_must_answer_this_handshake() {
    for key in ["", "dGhlIHNhbXBsZSBub25jZQ==", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"]
    {
        let header = format!("Sec-WebSocket-Accept: {key}");
        assert_fails(&with_header(2, &[&header]), HandshakeFailed::WrongAcceptKey);
    }
    assert_fails(&with_header(2, &[]), HandshakeFailed::WrongAcceptKey);
    assert_fails(&with_header(2, &[HEADERS[2], HEADERS[2]]), HandshakeFailed::WrongAcceptKey);
}

#[test]
fn only_an_offered_subprotocol_may_be_chosen() {
    assert_eq!(verdict(&and_header("Sec-WebSocket-Protocol: v1")), Ok(Some(Some("v1".into()))));
    for chosen in ["v0", "V1", "v2, v1", ""] {
        let bytes = and_header(&format!("Sec-WebSocket-Protocol: {chosen}"));
        assert_fails(&bytes, HandshakeFailed::SubprotocolNotOffered);
    }
    let twice = ["Sec-WebSocket-Protocol: v1", "Sec-WebSocket-Protocol: v1"];
    let bytes = response(STATUS_LINE, &[&HEADERS[..], &twice].concat());
    assert_fails(&bytes, HandshakeFailed::SubprotocolNotOffered);

    let nothing_offered = try_handshake(config(), &ClientRequest { subprotocols: &[], ..REQUEST }).unwrap();
    let bytes = and_header("Sec-WebSocket-Protocol: v1");
    assert_eq!(verdict_in(nothing_offered, &bytes, 7), Err(HandshakeFailed::SubprotocolNotOffered));
}

#[test]
fn no_extension_may_be_chosen_that_was_not_offered() {
    let bytes = and_header("Sec-WebSocket-Extensions: permessage-deflate");
    assert_fails(&bytes, HandshakeFailed::ExtensionNotOffered);
}

#[test]
fn what_is_no_http_1_1_response_fails() {
    for line in ["HTTP/1.0 101 x", "HTTP/2 101 x", "HTTP/1.1 xyz", "SSH-2.0", ""] {
        assert_fails(&response(line, &HEADERS), HandshakeFailed::MalformedResponse);
    }
    assert_fails(&and_header("no colon"), HandshakeFailed::MalformedResponse);
    assert_fails(&and_header(" folded: x"), HandshakeFailed::MalformedResponse);
    assert_fails(b"HTTP/1.1 101 x\n", HandshakeFailed::BareLineFeed);
}

#[test]
fn a_response_beyond_the_limits_fails() {
    let config = Config { max_head_bytes: 128, max_headers: 4, ..Config::default() }.checked().unwrap();
    let handshake = || try_handshake(config.clone(), &REQUEST).unwrap();
    let endless = vec![b'a'; 1000];
    let many = response(STATUS_LINE, &["a: b"; 5]);
    for size in [1, 50, 1000] {
        let failed = HandshakeFailed::HeadTooLong { limit: 128 };
        assert_eq!(verdict_in(handshake(), &endless, size), Err(failed));
        let failed = HandshakeFailed::TooManyHeaders { limit: 4 };
        assert_eq!(verdict_in(handshake(), &many, size), Err(failed));
    }
}

#[test]
fn a_silent_server_meets_the_deadline() {
    let mut handshake = handshake();
    let deadline = Timestamp::after_start(Duration::from_secs(10));
    assert_eq!(handshake.poll_timeout(), Some(deadline));
    assert_eq!(handshake.handle_timeout(Timestamp::after_start(Duration::from_secs(9))), None);
    assert_eq!(handshake.handle_timeout(deadline), Some(HandshakeFailed::TimedOut));
    assert_eq!(handshake.poll_timeout(), None);
    let mut bytes = response(STATUS_LINE, &HEADERS);
    assert_eq!(handshake.receive(&mut &mut bytes[..]).err(), Some(HandshakeFailed::TimedOut));
}

#[test]
fn a_handshake_that_is_complete_takes_no_further_input() {
    let mut handshake = handshake();
    let mut bytes = response(STATUS_LINE, &HEADERS);
    assert!(matches!(handshake.receive(&mut &mut bytes[..]), Ok(Some(_))));
    let mut frames = *b"frames";
    let mut input = &mut frames[..];
    assert!(matches!(handshake.receive(&mut input), Ok(None)));
    assert_eq!(input, b"frames");
}

#[test]
fn what_would_break_the_request_is_never_sent() {
    let misuse = |request: ClientRequest<'_>| try_handshake(config(), &request).err();
    for target in ["", "chat", "/a b", "/a\r\nX: y", "/a\0", "/\u{e4}", "/a#b", "http://a.test/"] {
        let expected = Some(ApiMisuse::InvalidHeader("the target"));
        assert_eq!(misuse(ClientRequest { target, ..REQUEST }), expected, "{target:?}");
    }
    for host in ["", "a\r\nX: y", "a b", "user@a", "a/b"] {
        let expected = Some(ApiMisuse::InvalidHeader("the host"));
        assert_eq!(misuse(ClientRequest { host, ..REQUEST }), expected, "{host:?}");
    }
    for origin in ["", "a\nb", "http://\u{e4}"] {
        let expected = Some(ApiMisuse::InvalidHeader("the origin"));
        assert_eq!(misuse(ClientRequest { origin: Some(origin), ..REQUEST }), expected, "{origin:?}");
    }
    for subprotocol in ["", "a b", "a,b", "a\r\n", "\u{e4}"] {
        let subprotocols = &["v1", subprotocol][..];
        let expected = Some(ApiMisuse::InvalidHeader("a subprotocol"));
        assert_eq!(misuse(ClientRequest { subprotocols, ..REQUEST }), expected, "{subprotocol:?}");
    }
    let repeated = ClientRequest { subprotocols: &["v1", "v2", "v1"], ..REQUEST };
    assert_eq!(misuse(repeated), Some(ApiMisuse::RepeatedSubprotocol));
    for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b"] {
        let expected = Some(ApiMisuse::InvalidHeader("the value of a header"));
        assert_eq!(misuse(ClientRequest { headers: &[("X", value)], ..REQUEST }), expected, "{value:?}");
    }
    for name in [
        "host",
        "Upgrade",
        "CONNECTION",
        "Origin",
        "Content-Length",
        "Transfer-Encoding",
        "sec-websocket-key",
    ] {
        let expected = Some(ApiMisuse::ReservedHeader);
        assert_eq!(misuse(ClientRequest { headers: &[(name, "x")], ..REQUEST }), expected, "{name}");
    }
}

#[test]
fn both_sides_understand_each_other_and_the_first_frames() {
    let uri = Uri::parse("ws://[::1]:9001/chat?room=1").unwrap();
    let request = ClientRequest { subprotocols: &["v2", "v1"], ..ClientRequest::to(&uri) };
    let mut client = try_handshake(config(), &request).unwrap();
    let mut server = ServerHandshake::new(config(), Timestamp::START);

    let mut bytes = unsent(&client);
    client.transmitted(bytes.len());
    let Ok(Some(Request::Upgrade(upgrade))) = server.receive(&mut &mut bytes[..]) else {
        panic!("no upgrade")
    };
    assert_eq!((upgrade.host(), upgrade.target()), ("[::1]:9001", "/chat?room=1"));
    let answer = Accept {
        subprotocol: upgrade.choose_subprotocol(&["v1"]),
        headers: &[("X", "y")],
        ..Accept::default()
    };
    let mut server = upgrade.accept(&answer, Timestamp::START).unwrap();
    server.send("welcome").unwrap();

    let mut slices = [&[][..]; 4];
    let filled = server.poll_transmit(&mut slices);
    let mut bytes = slices[..filled].concat();
    let mut input = &mut bytes[..];
    let response = client.receive(&mut input).unwrap().unwrap();
    assert_eq!(response.subprotocol(), Some("v1"));
    assert_eq!(response.header("x"), Some(&b"y"[..]));
    let mut connection = response.into_connection(Timestamp::START);
    let event = connection.receive(&mut input, Timestamp::START).unwrap();
    assert!(matches!(event, Some((Event::Text("welcome"), _))), "{event:?}");
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_verdict(
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        subprotocol in "v[0-3]",
        size in 1usize..200,
    ) {
        let mut bytes = and_header(&format!("Sec-WebSocket-Protocol: {subprotocol}"));
        if let Some((index, byte)) = damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        prop_assert_eq!(verdict_in(handshake(), &bytes, size), verdict(&bytes));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1usize..200) {
        let _ = verdict_in(handshake(), &bytes, size);
    }
}
