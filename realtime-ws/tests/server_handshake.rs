//! What a server accepts, refuses and answers in the opening handshake (RFC 6455 §4.2).

use proptest::prelude::*;
use realtime_ws::handshake::{Accept, OriginPolicy, Refusal, Request, ServerHandshake, Upgrade};
use realtime_ws::{ApiMisuse, CheckedConfig, Config, Connection, Event, Timestamp};
use sha1::{Digest as _, Sha1};
use std::time::Duration;

const REQUEST_LINE: &str = "GET /chat?room=1 HTTP/1.1";
const HEADERS: [&str; 5] = [
    "Host: a.test",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];
const ACCEPT_KEY: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What became of a request, copied out of the buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Incomplete,
    Accepted { response: String },
    Http { head: Vec<u8> },
    Refused(Refusal),
}

fn config() -> CheckedConfig {
    CheckedConfig::default()
}

fn request(request_line: &str, headers: &[&str]) -> Vec<u8> {
    let lines = headers.iter().map(|header| format!("{header}\r\n"));
    format!("{request_line}\r\n{}\r\n", lines.collect::<String>()).into_bytes()
}

/// The valid request with the header `index` replaced by `replacement`.
fn with_header(index: usize, replacement: &[&str]) -> Vec<u8> {
    let mut headers = HEADERS.to_vec();
    headers.splice(index..=index, replacement.iter().copied());
    request(REQUEST_LINE, &headers)
}

fn and_header(header: &str) -> Vec<u8> {
    request(REQUEST_LINE, &[&HEADERS[..], &[header]].concat())
}

fn first_bytes(connection: &Connection) -> Vec<u8> {
    let mut slices = [&[][..]; 4];
    let filled = connection.poll_transmit(&mut slices);
    slices[..filled].concat()
}

/// Feeds `bytes` in pieces of `size`; accepts what can be accepted.
fn verdict_with(config: &CheckedConfig, bytes: &[u8], size: usize) -> Verdict {
    let mut handshake = ServerHandshake::new(config.clone(), Timestamp::START);
    for piece in bytes.chunks(size.max(1)) {
        let mut piece = piece.to_vec();
        match handshake.receive(&mut &mut piece[..]) {
            Ok(None) => {}
            Ok(Some(Request::Http(request))) => return Verdict::Http { head: request.head().to_vec() },
            Ok(Some(Request::Upgrade(upgrade))) => {
                let accepted = upgrade.accept(&Accept::default(), Timestamp::START);
                let response = first_bytes(&accepted.expect("the answer is empty"));
                return Verdict::Accepted { response: String::from_utf8_lossy(&response).into_owned() };
            }
            Err(refusal) => return Verdict::Refused(refusal),
        }
    }
    Verdict::Incomplete
}

fn verdict(bytes: &[u8]) -> Verdict {
    verdict_with(&config(), bytes, bytes.len())
}

/// Shows the upgrade that `bytes` are to `look`.
fn look_at<T>(bytes: &[u8], look: impl FnOnce(&Upgrade<'_>) -> T) -> T {
    let mut handshake = ServerHandshake::new(config(), Timestamp::START);
    let mut bytes = bytes.to_vec();
    match handshake.receive(&mut &mut bytes[..]) {
        Ok(Some(Request::Upgrade(upgrade))) => look(&upgrade),
        other => panic!("no upgrade: {other:?}"),
    }
}

#[track_caller]
fn assert_accepted(bytes: &[u8]) {
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT_KEY}\r\n\r\n"
    );
    assert_eq!(verdict(bytes), Verdict::Accepted { response }, "{}", String::from_utf8_lossy(bytes));
}

#[track_caller]
fn assert_refused(bytes: &[u8], refusal: Refusal) {
    assert_eq!(verdict(bytes), Verdict::Refused(refusal), "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn the_sample_request_is_accepted() {
    assert_accepted(&request(REQUEST_LINE, &HEADERS));
}

#[test]
fn one_byte_at_a_time_equals_all_at_once() {
    let bytes = request(REQUEST_LINE, &HEADERS);
    assert_eq!(verdict_with(&config(), &bytes, 1), verdict(&bytes));
    assert_eq!(verdict(&bytes[..bytes.len() - 1]), Verdict::Incomplete);
}

#[test]
fn frames_that_arrive_with_the_head_stay_in_the_input() {
    let ping = [0x89, 0x80, 1, 2, 3, 4];
    let mut bytes = [request(REQUEST_LINE, &HEADERS), ping.to_vec()].concat();
    let mut input = &mut bytes[..];
    let mut handshake = ServerHandshake::new(config(), Timestamp::START);
    let Ok(Some(Request::Upgrade(upgrade))) = handshake.receive(&mut input) else { panic!("no upgrade") };
    let mut connection = upgrade.accept(&Accept::default(), Timestamp::START).unwrap();
    assert_eq!(input, ping);
    let event = connection.receive(&mut input, Timestamp::START).unwrap();
    assert!(matches!(event, Some((Event::Ping(b""), _))), "{event:?}");
}

#[test]
fn connection_may_be_a_list_in_any_case_or_over_several_lines() {
    assert_accepted(&with_header(2, &["connection: keep-alive, UPGRADE"]));
    assert_accepted(&with_header(2, &["Connection: keep-alive", "CONNECTION:\tupgrade\t"]));
    assert_accepted(&with_header(2, &["Connection: Upgrade", "Connection: keep-alive"]));
    assert_accepted(&with_header(2, &["Connection:,,Upgrade,"]));
}

#[test]
fn upgrade_may_be_a_list_in_any_case() {
    assert_accepted(&with_header(1, &["Upgrade: foo, websocket"]));
    assert_accepted(&with_header(1, &["UPGRADE: WebSocket"]));
    assert_accepted(&with_header(1, &["Upgrade: h2c", "Upgrade: websocket"]));
    assert_accepted(&with_header(1, &["Upgrade: websocket", "Upgrade: h2c"]));
}

#[test]
fn connection_that_merely_resembles_upgrade_is_refused() {
    assert_refused(&with_header(2, &["Connection: not-upgrade"]), Refusal::ConnectionWithoutUpgrade);
    assert_refused(&with_header(2, &[]), Refusal::ConnectionWithoutUpgrade);
}

#[test]
fn an_endless_header_line_is_refused_at_the_limit() {
    let config = Config { max_head_bytes: 200, ..Config::default() }.checked().unwrap();
    let endless = [&request(REQUEST_LINE, &[])[..27], b"X: ", &[b'a'; 500]].concat();
    for size in [1, 64, endless.len()] {
        let refusal = Refusal::HeadTooLong { limit: 200 };
        assert_eq!(verdict_with(&config, &endless, size), Verdict::Refused(refusal));
        assert_eq!(refusal.status(), 431);
    }
}

#[test]
fn too_many_headers_are_refused_and_as_many_as_allowed_are_not() {
    let padding: Vec<String> = (0..300).map(|i| format!("X-{i}: {i}")).collect();
    let with_padding = |count: usize| {
        let padding = padding[..count].iter().map(String::as_str);
        request(REQUEST_LINE, &HEADERS.into_iter().chain(padding).collect::<Vec<_>>())
    };
    assert_accepted(&with_padding(64 - HEADERS.len()));
    assert_refused(&with_padding(65 - HEADERS.len()), Refusal::TooManyHeaders { limit: 64 });

    let many = Config { max_headers: 256, ..Config::default() }.checked().unwrap();
    let verdict = |count| verdict_with(&many, &with_padding(count - HEADERS.len()), usize::MAX);
    assert!(matches!(verdict(256), Verdict::Accepted { .. }));
    assert_eq!(verdict(257), Verdict::Refused(Refusal::TooManyHeaders { limit: 256 }));
    assert_eq!(Refusal::TooManyHeaders { limit: 256 }.status(), 431);
}

#[test]
fn a_slow_sender_meets_the_deadline() {
    let mut handshake = ServerHandshake::new(config(), Timestamp::START);
    let deadline = Timestamp::after_start(Duration::from_secs(10));
    let bytes = request(REQUEST_LINE, &HEADERS);
    assert!(matches!(handshake.receive(&mut &mut bytes[..20].to_vec()[..]), Ok(None)));
    assert_eq!(handshake.poll_timeout(), Some(deadline));
    assert_eq!(handshake.handle_timeout(Timestamp::after_start(Duration::from_millis(9_999))), None);
    assert_eq!(handshake.handle_timeout(deadline), Some(Refusal::TimedOut));
    assert_eq!(handshake.poll_timeout(), None);
    assert_eq!(handshake.receive(&mut &mut bytes[20..].to_vec()[..]).err(), Some(Refusal::TimedOut));
    assert_eq!(Refusal::TimedOut.status(), 408);
}

#[test]
fn a_complete_request_meets_no_deadline() {
    let mut handshake = ServerHandshake::new(config(), Timestamp::START);
    let mut bytes = request(REQUEST_LINE, &HEADERS);
    assert!(matches!(handshake.receive(&mut &mut bytes[..]), Ok(Some(_))));
    assert_eq!(handshake.poll_timeout(), None);
    assert_eq!(handshake.handle_timeout(Timestamp::after_start(Duration::from_secs(99))), None);
}

#[test]
fn a_handshake_that_is_complete_takes_no_further_input() {
    let mut handshake = ServerHandshake::new(config(), Timestamp::START);
    let mut bytes = request(REQUEST_LINE, &HEADERS);
    assert!(matches!(handshake.receive(&mut &mut bytes[..]), Ok(Some(Request::Upgrade(_)))));
    let mut input = &mut bytes[..];
    assert!(matches!(handshake.receive(&mut input), Ok(None)));
    assert_eq!(input, request(REQUEST_LINE, &HEADERS));
}

#[test]
fn a_refusal_is_repeated_and_takes_no_further_input() {
    let mut handshake = ServerHandshake::new(config(), Timestamp::START);
    assert_eq!(handshake.receive(&mut &mut b"\n".to_vec()[..]).err(), Some(Refusal::BareLineFeed));
    let mut bytes = request(REQUEST_LINE, &HEADERS);
    let mut input = &mut bytes[..];
    assert_eq!(handshake.receive(&mut input).err(), Some(Refusal::BareLineFeed));
    assert!(!input.is_empty());
}

#[test]
fn a_bare_line_feed_is_refused() {
    let text = String::from_utf8(request(REQUEST_LINE, &HEADERS)).unwrap();
    assert_refused(text.replace("\r\n", "\n").as_bytes(), Refusal::BareLineFeed);
    assert_refused(text.replacen("a.test\r\n", "a.test\n", 1).as_bytes(), Refusal::BareLineFeed);
}

#[test]
fn there_must_be_one_host() {
    assert_refused(&with_header(0, &[]), Refusal::InvalidHost);
    assert_refused(&with_header(0, &["Host: a.test", "Host: a.test"]), Refusal::InvalidHost);
    for host in ["", "a b", "a, b", "user@a", "a/b", "a:b", "[::1", "\u{e4}"] {
        assert_refused(&with_header(0, &[&format!("Host: {host}")]), Refusal::InvalidHost);
    }
    for host in ["a:8080", "[::1]:80", "127.0.0.1", "a_b.test"] {
        assert_accepted(&with_header(0, &[&format!("Host: {host}")]));
    }
}

#[test]
fn http_1_0_is_refused() {
    assert_refused(&request("GET / HTTP/1.0", &HEADERS), Refusal::HttpVersion);
    assert_refused(&request("GET / HTTP/2.0", &HEADERS), Refusal::MalformedRequestLine);
}

#[test]
fn methods_other_than_get_are_refused() {
    for method in ["POST", "HEAD", "CONNECT", "get"] {
        assert_refused(&request(&format!("{method} / HTTP/1.1"), &HEADERS), Refusal::MethodNotGet);
    }
    assert_eq!(Refusal::MethodNotGet.status(), 405);
}

#[test]
fn a_key_must_be_sixteen_bytes_in_base64_and_come_once() {
    for key in [
        "",
        "short",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZSBpcyBsb25n",
        "????????????????????????",
    ] {
        assert_refused(&with_header(3, &[&format!("Sec-WebSocket-Key: {key}")]), Refusal::InvalidKey);
    }
    assert_refused(&with_header(3, &[]), Refusal::InvalidKey);
    assert_refused(&with_header(3, &[HEADERS[3], HEADERS[3]]), Refusal::InvalidKey);
}

#[test]
fn an_upgrade_with_a_body_is_refused() {
    assert_refused(&and_header("Content-Length: 1"), Refusal::UnexpectedBody);
    assert_refused(&and_header("Content-Length: 00"), Refusal::UnexpectedBody);
    assert_refused(&and_header("Transfer-Encoding: chunked"), Refusal::UnexpectedBody);
    assert_accepted(&and_header("Content-Length: 0"));
}

#[test]
fn another_version_is_told_which_one_is_spoken() {
    for version in ["8", "14", "013", "13, 8", ""] {
        let bytes = with_header(4, &[&format!("Sec-WebSocket-Version: {version}")]);
        assert_refused(&bytes, Refusal::UnsupportedVersion);
    }
    assert_refused(&with_header(4, &[]), Refusal::UnsupportedVersion);
    assert_refused(&with_header(4, &[HEADERS[4], HEADERS[4]]), Refusal::UnsupportedVersion);
    let response = String::from_utf8(Refusal::UnsupportedVersion.response()).unwrap();
    assert!(response.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{response}");
    assert!(response.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{response}");
}

#[test]
fn a_refusal_is_a_complete_response_that_says_what_is_accepted() {
    let response = String::from_utf8(Refusal::MethodNotGet.response()).unwrap();
    assert_eq!(
        response,
        "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 44\r\nAllow: GET\r\n\r\na WebSocket handshake must be a GET request\n"
    );
}

#[test]
fn another_protocol_is_refused_at_its_first_byte() {
    for first_byte in [0x16, 0x00, b' ', 0x80] {
        assert_refused(&[first_byte], Refusal::MalformedRequestLine);
    }
}

#[test]
fn malformed_heads_are_refused() {
    for line in [
        "GET /",
        "GET / HTTP/1.1 x",
        "GET  / HTTP/1.1",
        "GE T / HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "GET / FTP/1.1",
    ] {
        assert_refused(&request(line, &HEADERS), Refusal::MalformedRequestLine);
    }
    for header in ["no colon", "a b: c", ": empty", "a : b", " folded: line", "a: b\rc", "a: b\0c"] {
        assert_refused(&and_header(header), Refusal::MalformedHeader);
    }
    assert_refused(&and_header("Sec-WebSocket-Protocol: a b"), Refusal::MalformedSubprotocols);
    assert_refused(&and_header("Sec-WebSocket-Extensions: a;;b"), Refusal::MalformedExtensions);
    assert_refused(&and_header("Origin: http://\u{e4}"), Refusal::MalformedOrigin);
    let twice = [&HEADERS[..], &["Origin: http://a", "Origin: http://a"]].concat();
    assert_refused(&request(REQUEST_LINE, &twice), Refusal::MalformedOrigin);
}

#[test]
fn the_target_is_a_path_or_a_url_whose_host_counts() {
    // RFC 6455 §3 knows no fragments.
    for target in ["*", "chat", "ftp://a/", "/chat#top", "/chat?room=1#top", "/#", "ws://b.test#top"] {
        assert_refused(&request(&format!("GET {target} HTTP/1.1"), &HEADERS), Refusal::InvalidTarget);
    }
    look_at(&request("GET http://b.test:81/chat?room=1 HTTP/1.1", &HEADERS), |upgrade| {
        assert_eq!((upgrade.host(), upgrade.path(), upgrade.query()), ("b.test:81", "/chat", Some("room=1")));
    });
    assert_refused(&request("GET http:///chat HTTP/1.1", &HEADERS), Refusal::InvalidHost);
}

#[test]
fn the_application_sees_the_whole_request() {
    let more = ["Origin: http://a.test", "Cookie: \ta=1; b=\u{e4} ", "cookie: c"];
    look_at(&request(REQUEST_LINE, &[&HEADERS[..], &more].concat()), |upgrade| {
        assert_eq!(upgrade.target(), "/chat?room=1");
        assert_eq!((upgrade.path(), upgrade.query()), ("/chat", Some("room=1")));
        assert_eq!((upgrade.host(), upgrade.origin()), ("a.test", Some("http://a.test")));
        assert_eq!(upgrade.header("COOKIE"), Some("a=1; b=\u{e4}".as_bytes()));
        assert_eq!(upgrade.header("X"), None);
        assert_eq!(upgrade.headers().count(), HEADERS.len() + more.len());
        assert_eq!(upgrade.headers().last(), Some(("cookie", &b"c"[..])));
    });
}

#[test]
fn a_subprotocol_is_chosen_only_among_those_offered() {
    let offers = ["Sec-WebSocket-Protocol: v3,v2 ,", "Sec-WebSocket-Protocol: v1"];
    look_at(&request(REQUEST_LINE, &[&HEADERS[..], &offers].concat()), |upgrade| {
        assert_eq!(upgrade.subprotocols().collect::<Vec<_>>(), ["v3", "v2", "v1"]);
        assert_eq!(upgrade.choose_subprotocol(&["v0", "v1", "v3"]), Some("v1"));
        assert_eq!(upgrade.choose_subprotocol(&["v0", "V1"]), None);
        for not_offered in ["v0", "V1", "", "v3,v2", "v1\r\nX: y"] {
            let answer = Accept { subprotocol: Some(not_offered), ..Accept::default() };
            let misuse = upgrade.accept(&answer, Timestamp::START).err();
            assert_eq!(misuse, Some(ApiMisuse::SubprotocolNotOffered), "{not_offered}");
        }
        let answer = Accept { subprotocol: Some("v2"), ..Accept::default() };
        let response = first_bytes(&upgrade.accept(&answer, Timestamp::START).unwrap());
        assert!(String::from_utf8(response).unwrap().contains("\r\nSec-WebSocket-Protocol: v2\r\n"));
    });
}

#[test]
fn offered_extensions_are_shown_and_none_is_chosen() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; x=\"8\", foo";
    look_at(&and_header(offer), |upgrade| {
        let extensions: Vec<_> = upgrade.extensions().collect();
        assert_eq!(
            extensions.iter().map(|offer| offer.name()).collect::<Vec<_>>(),
            ["permessage-deflate", "foo"]
        );
        let params: Vec<_> = extensions[0].params().collect();
        assert_eq!(params, [("client_max_window_bits", None), ("x", Some("8".into()))]);
    });
    assert_accepted(&and_header(offer));
}

#[test]
fn further_headers_are_sent() {
    look_at(&request(REQUEST_LINE, &HEADERS), |upgrade| {
        let answer = Accept { headers: &[("Set-Cookie", "a=1"), ("X", "")], ..Accept::default() };
        let response = first_bytes(&upgrade.accept(&answer, Timestamp::START).unwrap());
        assert!(response.ends_with(b"=\r\nSet-Cookie: a=1\r\nX: \r\n\r\n"));
    });
}

#[test]
fn headers_that_would_break_the_response_are_never_sent() {
    let misuse_of = |header: (&str, &str)| {
        look_at(&request(REQUEST_LINE, &HEADERS), |upgrade| {
            let headers = &[header][..];
            let rejected = upgrade.reject(403, headers, b"").err();
            let accepted = upgrade.accept(&Accept { headers, ..Accept::default() }, Timestamp::START).err();
            assert_eq!(accepted, rejected, "{header:?}");
            accepted
        })
    };
    for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b"] {
        assert_eq!(misuse_of(("X", value)), Some(ApiMisuse::InvalidHeader("the value of a header")));
    }
    for name in ["", "a b", "a:", "a\r\n", "a\0"] {
        assert_eq!(misuse_of((name, "x")), Some(ApiMisuse::InvalidHeader("the name of a header")));
    }
    for name in
        ["Connection", "content-length", "Transfer-Encoding", "SEC-WEBSOCKET-ACCEPT", "Sec-WebSocket-X"]
    {
        assert_eq!(misuse_of((name, "x")), Some(ApiMisuse::ReservedHeader), "{name}");
    }
}

#[test]
fn an_upgrade_is_rejected_with_any_final_status() {
    look_at(&request(REQUEST_LINE, &HEADERS), |upgrade| {
        let headers = [("Location", "/login"), ("Content-Type", "application/json")];
        assert_eq!(
            String::from_utf8(upgrade.reject(307, &headers, b"{}").unwrap()).unwrap(),
            "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 2\r\nLocation: /login\r\n\
             Content-Type: application/json\r\n\r\n{}"
        );
        for status in [0, 100, 101, 199, 204, 205, 304, 600] {
            assert_eq!(upgrade.reject(status, &[], b""), Err(ApiMisuse::InvalidStatus(status)));
        }
    });
}

#[test]
fn a_status_is_named_if_it_has_a_usual_name() {
    look_at(&request(REQUEST_LINE, &HEADERS), |upgrade| {
        for (status, line) in [
            (200, "200 OK"),
            (301, "301 Moved Permanently"),
            (302, "302 Found"),
            (308, "308 Permanent Redirect"),
            (401, "401 Unauthorized"),
            (404, "404 Not Found"),
            (413, "413 Content Too Large"),
            (429, "429 Too Many Requests"),
            (500, "500 Internal Server Error"),
            (502, "502 Bad Gateway"),
            (503, "503 Service Unavailable"),
            (504, "504 Gateway Timeout"),
            (599, "599 "),
        ] {
            let response = String::from_utf8(upgrade.reject(status, &[], b"").unwrap()).unwrap();
            assert!(response.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{response}");
        }
    });
}

#[test]
fn a_request_that_is_no_upgrade_is_handed_back_whole() {
    let head = request("POST /events?x HTTP/1.1", &["Host: a", "Content-Length: 4", "Upgrade: h2c"]);
    for size in [1, 10, head.len() + 4] {
        let mut handshake = ServerHandshake::new(config(), Timestamp::START);
        for piece in [&head[..], b"body"].concat().chunks(size) {
            let mut piece = piece.to_vec();
            let mut input = &mut piece[..];
            if let Some(Request::Http(request)) = handshake.receive(&mut input).unwrap() {
                assert_eq!(request.head(), head);
                assert_eq!(
                    (request.method(), request.path(), request.query()),
                    ("POST", "/events", Some("x"))
                );
                assert_eq!(request.header("content-length"), Some(&b"4"[..]));
                let answer = request.answer(404, &[], b"no").unwrap();
                assert!(answer.starts_with(b"HTTP/1.1 404 Not Found\r\n") && answer.ends_with(b"\r\n\r\nno"));
                if size > head.len() {
                    assert_eq!(input, b"body");
                }
                break;
            }
        }
        assert_eq!(handshake.poll_timeout(), None, "the request was seen");
    }
    let old = request("GET / HTTP/1.0", &[]);
    assert_eq!(verdict(&old), Verdict::Http { head: old });
}

#[test]
fn the_answer_to_head_has_no_body() {
    let mut bytes = request("HEAD /up HTTP/1.1", &["Host: a"]);
    let mut handshake = ServerHandshake::new(config(), Timestamp::START);
    let Ok(Some(Request::Http(request))) = handshake.receive(&mut &mut bytes[..]) else {
        panic!("no request")
    };
    let answer = request.answer(200, &[], b"fine").unwrap();
    assert!(answer.ends_with(b"Content-Length: 4\r\n\r\n"));
}

#[test]
fn pages_of_other_origins_are_refused_and_other_clients_pass() {
    let check = |policy: &OriginPolicy, bytes: &[u8]| look_at(bytes, |upgrade| policy.check(upgrade));
    let none = request(REQUEST_LINE, &HEADERS);
    let same = and_header("Origin: https://a.test");
    let other = and_header("Origin: https://b.test");
    let list = OriginPolicy::list(["https://b.test"]).unwrap();
    for (policy, passes_same, passes_other) in
        [(OriginPolicy::SameOrigin, true, false), (list, false, true), (OriginPolicy::Any, true, true)]
    {
        let expected = |passes| if passes { Ok(()) } else { Err(Refusal::ForbiddenOrigin) };
        assert_eq!(check(&policy, &none), Ok(()));
        assert_eq!(check(&policy, &same), expected(passes_same), "{policy:?}");
        assert_eq!(check(&policy, &other), expected(passes_other), "{policy:?}");
    }
    assert_eq!(Refusal::ForbiddenOrigin.status(), 403);
}

/// A valid request, sometimes damaged in one place.
fn any_request() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
    (valid_request(), damage).prop_map(|((mut bytes, _), damage)| {
        if let Some((index, byte)) = damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes
    })
}

/// A valid request and its key: headers in any order, case and spacing, others among them.
fn valid_request() -> impl Strategy<Value = (Vec<u8>, String)> {
    let key = "[A-Za-z0-9+/]{21}[AQgw]==";
    let others = prop::collection::vec(("X-[!#-'*+.0-9A-Z^-z|~-]{0,8}", "[ -~\u{a0}-\u{ff}]{0,20}"), 0..8);
    let connection = prop::sample::select(vec!["Upgrade", "keep-alive, upgrade", "UPGRADE ,x"]);
    let upgrade = prop::sample::select(vec!["websocket", "WebSocket", "foo, websocket"]);
    let target = "/[!-\"$-~]{0,30}";
    (key, others, connection, upgrade, target, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(key, others, connection, upgrade, target, turn, shout)| {
            let mut headers = vec![
                String::from("Host: a.test:80"),
                format!("Upgrade:{upgrade}"),
                format!("Connection: {connection}"),
                format!("Sec-WebSocket-Key:  {key} "),
                String::from("Sec-WebSocket-Version: 13"),
            ];
            if shout {
                for header in &mut headers {
                    let name_bytes = header.find(':').unwrap_or(0);
                    header[..name_bytes].make_ascii_uppercase();
                }
            }
            headers.extend(others.into_iter().map(|(name, value)| format!("{name}: {value}")));
            let turn = turn.index(headers.len());
            headers.rotate_left(turn);
            let lines: Vec<&str> = headers.iter().map(String::as_str).collect();
            (request(&format!("GET {target} HTTP/1.1"), &lines), key)
        },
    )
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_verdict(bytes in any_request(), size in 1usize..200) {
        prop_assert_eq!(verdict_with(&config(), &bytes, size), verdict(&bytes));
    }

    #[test]
    fn a_valid_request_is_accepted_with_the_right_key((bytes, key) in valid_request()) {
        let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
        let accept_key = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, digest);
        let verdict = verdict(&bytes);
        let Verdict::Accepted { response } = verdict else { panic!("{verdict:?}") };
        prop_assert!(response.contains(&accept_key), "{}", response);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1usize..200) {
        verdict_with(&config(), &bytes, size);
    }
}
