use crate::choices::{Choices, chunk_lengths};
use realtime_ws::handshake::{
    Accept, ClientHandshake, ClientRequest, OriginPolicy, Request, ServerHandshake, Uri,
};
use realtime_ws::{CheckedConfig, Config, Connection, MaskingKeys, Timestamp};
use std::fmt::Write as _;

const NONCE: [u8; 16] = *b"the fuzzer's own";

/// A request or a response, at once and in chunks, has one outcome; an application's own parts, whatever is
/// in them, are refused or make a handshake that the other side accepts.
pub fn handshake(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let config = Config {
        max_head_bytes: choices.one_of(&[16 * 1024, 300]),
        max_headers: choices.one_of(&[64, 5, 256]),
        ..Config::default()
    };
    let config = config.checked().expect("the configuration is valid");
    match choices.byte() % 3 {
        0 => {
            let (seed, head) = (choices.byte(), choices.rest());
            let at_once = server_outcome(&config, head, std::iter::repeat(usize::MAX));
            assert_eq!(server_outcome(&config, head, chunk_lengths(seed)), at_once);
        }
        1 => {
            let (seed, head) = (choices.byte(), choices.rest());
            let at_once = client_outcome(&config, head, std::iter::repeat(usize::MAX));
            assert_eq!(client_outcome(&config, head, chunk_lengths(seed)), at_once);
        }
        _ => between_our_own_sides(&config, choices),
    }
}

/// What a server makes of `stream`, in words, and what it leaves of it.
fn server_outcome(
    config: &CheckedConfig,
    mut stream: &[u8],
    chunks: impl Iterator<Item = usize>,
) -> (Option<String>, Vec<u8>) {
    let mut handshake = ServerHandshake::new(config.clone(), Timestamp::START);
    for chunk in chunks {
        if stream.is_empty() {
            break;
        }
        let (now, later) = stream.split_at(chunk.min(stream.len()));
        stream = later;
        let mut now = now.to_vec();
        let mut input = &mut now[..];
        match handshake.receive(&mut input) {
            Ok(None) => {
                assert!(input.is_empty(), "an incomplete head leaves bytes");
            }
            Ok(Some(request)) => {
                let outcome = answer(&request);
                let left = [&*input, stream].concat();
                assert!(matches!(handshake.receive(&mut &mut [][..]), Ok(None)));
                return (Some(outcome), left);
            }
            Err(refusal) => {
                let response = refusal.response();
                assert_is_response(&response, refusal.status());
                assert!(handshake.receive(&mut &mut [][..]).is_err(), "the refusal stays");
                assert_eq!(handshake.poll_timeout(), None);
                return (Some(format!("{refusal:?}")), Vec::new());
            }
        }
    }
    assert!(handshake.poll_timeout().is_some(), "an incomplete handshake waits");
    (None, Vec::new())
}

fn answer(request: &Request<'_>) -> String {
    let mut words = String::new();
    match request {
        Request::Http(request) => {
            let _ = write!(words, "{} {} {:?}", request.method(), request.path(), request.query());
            request.headers().for_each(|header| words += &format!("{header:?}"));
            let answer = request.answer(404, &[("X", "y")], b"body").expect("a good answer is accepted");
            assert_is_response(&answer, 404);
        }
        Request::Upgrade(upgrade) => {
            let _ = write!(
                words,
                "{} {:?} {} {:?}",
                upgrade.path(),
                upgrade.query(),
                upgrade.host(),
                upgrade.origin()
            );
            upgrade.headers().for_each(|header| words += &format!("{header:?}"));
            upgrade.subprotocols().for_each(|offered| words += &format!("{offered:?}"));
            for extension in upgrade.extensions() {
                words += extension.name();
                extension.params().for_each(|param| words += &format!("{param:?}"));
            }
            let _ = OriginPolicy::SameOrigin.check(upgrade);
            let subprotocol = upgrade.subprotocols().next();
            let accept = Accept { subprotocol, ..Accept::default() };
            let connection =
                upgrade.accept(&accept, Timestamp::START).expect("what was offered can be chosen");
            assert_is_response(&unsent(&connection), 101);
            assert_is_response(&upgrade.reject(403, &[], b"").expect("403 is a rejection"), 403);
        }
    }
    words
}

/// What a client makes of `stream`, in words, and what it leaves of it.
fn client_outcome(
    config: &CheckedConfig,
    mut stream: &[u8],
    chunks: impl Iterator<Item = usize>,
) -> (Option<String>, Vec<u8>) {
    let request = ClientRequest {
        host: "example.com",
        target: "/",
        subprotocols: &["v1", "v2"],
        ..ClientRequest::default()
    };
    let mut handshake = client(config, &request).expect("the request is valid");
    for chunk in chunks {
        if stream.is_empty() {
            break;
        }
        let (now, later) = stream.split_at(chunk.min(stream.len()));
        stream = later;
        let mut now = now.to_vec();
        let mut input = &mut now[..];
        match handshake.receive(&mut input) {
            Ok(None) => assert!(input.is_empty(), "an incomplete head leaves bytes"),
            Ok(Some(response)) => {
                let mut words = format!("{:?}", response.subprotocol());
                response.headers().for_each(|header| words += &format!("{header:?}"));
                return (Some(words), [&*input, stream].concat());
            }
            Err(failed) => {
                assert!(handshake.receive(&mut &mut [][..]).is_err(), "the failure stays");
                return (Some(format!("{failed:?}")), Vec::new());
            }
        }
    }
    (None, Vec::new())
}

/// The application chooses host, target, headers and subprotocols; the network changes nothing.
fn between_our_own_sides(config: &CheckedConfig, mut choices: Choices<'_>) {
    let mut text = || String::from_utf8_lossy(choices.bytes()).into_owned();
    let (uri, origin, name, value) = (text(), text(), text(), text());
    let (first, second, reply_name, reply_value) = (text(), text(), text(), text());
    let Ok(uri) = Uri::parse(&uri) else { return };
    let subprotocols = [&*first, &*second];
    let headers = [(&*name, &*value)];
    let request = ClientRequest {
        subprotocols: if first.is_empty() { &[] } else { &subprotocols },
        origin: if origin.is_empty() { None } else { Some(&origin) },
        headers: if name.is_empty() { &[] } else { &headers },
        ..ClientRequest::to(&uri)
    };
    let Ok(mut client) = client(config, &request) else { return };
    let mut slices = [&[][..]];
    let filled = client.poll_transmit(&mut slices);
    let mut sent = slices[..filled].concat();
    client.transmitted(sent.len());

    let mut server = ServerHandshake::new(config.clone(), Timestamp::START);
    let mut input = &mut sent[..];
    let connection = match server.receive(&mut input) {
        Ok(Some(Request::Upgrade(upgrade))) => {
            assert_eq!(upgrade.target(), uri.target());
            assert_eq!(upgrade.host(), uri.authority());
            let offered: Vec<&str> = upgrade.subprotocols().collect();
            assert_eq!(offered, request.subprotocols);
            let headers = [(&*reply_name, &*reply_value)];
            let accept = Accept { subprotocol: offered.last().copied(), headers: &headers };
            upgrade
                .accept(&accept, Timestamp::START)
                .or_else(|_| upgrade.accept(&Accept { headers: &[], ..accept }, Timestamp::START))
                .expect("what was offered can be chosen")
        }
        Ok(Some(Request::Http(_)) | None) => panic!("{:?} is taken for something else", request),
        // The server's limits, and what it holds against an origin or a header, are its own.
        Err(refusal) => {
            assert!(matches!(refusal.status(), 400 | 431), "{refusal:?} of {request:?}");
            return;
        }
    };
    assert!(input.is_empty());
    let mut response = unsent(&connection);
    let mut input = &mut response[..];
    match client.receive(&mut input) {
        Ok(Some(response)) => assert_eq!(response.subprotocol(), request.subprotocols.last().copied()),
        Ok(None) => panic!("the response is incomplete"),
        Err(failed) => {
            let limits = [config.max_head_bytes, config.max_headers];
            let is_limit = limits.iter().any(|limit| failed.to_string().contains(&limit.to_string()));
            assert!(is_limit, "{failed:?} after {request:?}");
        }
    }
}

fn client(
    config: &CheckedConfig,
    request: &ClientRequest<'_>,
) -> Result<ClientHandshake, realtime_ws::ApiMisuse> {
    ClientHandshake::new(config.clone(), request, NONCE, MaskingKeys::new(|| [0; 4]), Timestamp::START)
}

fn unsent(connection: &Connection) -> Vec<u8> {
    let mut slices = [&[][..]; 4];
    let filled = connection.poll_transmit(&mut slices);
    slices[..filled].concat()
}

/// A head of plain lines that says `status`.
fn assert_is_response(response: &[u8], status: u16) {
    let end = response.windows(4).position(|four| four == b"\r\n\r\n").expect("the head ends");
    let head = std::str::from_utf8(&response[..end]).expect("the head is text");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head:?} is no {status}");
    for line in head.split("\r\n") {
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?} is not one line");
    }
}
