use crate::choices::{Choices, chunk_lengths};
use realtime_ws::handshake::{
    Accept, ClientHandshake, ClientRequest, Extension, OriginPolicy, Request, ServerHandshake, Upgrade, Uri,
};
use realtime_ws::{
    CheckedConfig, Config, Connection, DeflateConfig, Event, MaskingKeys, NegotiatedDeflate, Timestamp,
};
use std::fmt::Write as _;

const NONCE: [u8; 16] = *b"the fuzzer's own";

/// A request or a response, at once and in chunks, has one outcome; an application's own parts, whatever is
/// in them, are refused or make a handshake that the other side accepts, and both then agree on how messages
/// are compressed.
pub fn handshake(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let config = Config {
        max_head_bytes: choices.one_of(&[16 * 1024, 300]),
        max_headers: choices.one_of(&[64, 5, 256]),
        deflate: deflate(&mut choices),
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

fn deflate(choices: &mut Choices<'_>) -> Option<DeflateConfig> {
    let takeover = choices.byte();
    let wants_it = takeover & 4 == 4;
    wants_it.then(|| DeflateConfig {
        outgoing_context_takeover: takeover & 1 == 1,
        incoming_context_takeover: takeover & 2 == 2,
        outgoing_window_bits: choices.in_range(9, 15),
        incoming_window_bits: choices.in_range(8, 15),
        min_message_bytes: 1,
        ..DeflateConfig::default()
    })
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
            let response = unsent(&connection);
            assert_is_response(&response, 101);
            assert_answers_an_offer(&response, upgrade, connection.deflate());
            words += &format!("{:?}", connection.deflate());
            assert_is_response(&upgrade.reject(403, &[], b"").expect("403 is a rejection"), 403);
        }
    }
    words
}

/// Nothing is chosen that was not offered, and what is chosen is what the connection does.
fn assert_answers_an_offer(response: &[u8], upgrade: &Upgrade<'_>, agreed: Option<NegotiatedDeflate>) {
    let response = String::from_utf8_lossy(response);
    let answer = response.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let (Some(answer), Some(agreed)) = (answer, agreed) else {
        assert_eq!(answer.is_some(), agreed.is_some(), "{response}");
        return;
    };
    let mut parts = answer.split("; ");
    assert_eq!(parts.next(), Some("permessage-deflate"));
    let params: Vec<&str> = parts.collect();
    let bits = |name: &str| {
        let value = params.iter().find_map(|param| param.strip_prefix(name)?.strip_prefix('='));
        value.map(|bits| bits.parse::<u8>().expect("bits are a number"))
    };
    let has = |name: &str| params.contains(&name);
    assert_eq!(agreed.outgoing_context_takeover, !has("server_no_context_takeover"), "{answer}");
    assert_eq!(agreed.incoming_context_takeover, !has("client_no_context_takeover"), "{answer}");
    assert!(agreed.outgoing_window_bits <= bits("server_max_window_bits").unwrap_or(15), "{answer}");
    assert_eq!(agreed.incoming_window_bits, bits("client_max_window_bits").unwrap_or(15), "{answer}");
    let accepts = |offer: &Extension<'_>| {
        let offered = |wanted: &str| offer.params().find(|(name, _)| *name == wanted).map(|(_, value)| value);
        let most = |name: &str| match offered(name) {
            Some(Some(value)) => value.parse().unwrap_or(0),
            Some(None) | None => 15,
        };
        offer.name() == "permessage-deflate"
            && (offered("server_no_context_takeover").is_none() || has("server_no_context_takeover"))
            && (offered("client_no_context_takeover").is_none() || has("client_no_context_takeover"))
            && bits("server_max_window_bits").unwrap_or(15) <= most("server_max_window_bits")
            && match offered("client_max_window_bits") {
                Some(_) => bits("client_max_window_bits").unwrap_or(15) <= most("client_max_window_bits"),
                None => bits("client_max_window_bits").is_none(),
            }
    };
    assert!(upgrade.extensions().any(|offer| accepts(&offer)), "{answer} answers no offer");
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
                let mut words = format!("{:?} {:?}", response.subprotocol(), response.deflate());
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

/// The application chooses host, target, headers and subprotocols, and each side how it compresses; the
/// network changes nothing.
fn between_our_own_sides(config: &CheckedConfig, mut choices: Choices<'_>) {
    let of_server = Config { deflate: deflate(&mut choices), ..Config::clone(config) };
    let of_server = of_server.checked().expect("the configuration is valid");
    let mut text = || choices.text();
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

    let mut server = ServerHandshake::new(of_server.clone(), Timestamp::START);
    let mut input = &mut sent[..];
    let connection = match server.receive(&mut input) {
        Ok(Some(Request::Upgrade(upgrade))) => {
            assert_eq!(upgrade.target(), uri.target());
            assert_eq!(upgrade.host(), uri.authority());
            let offered: Vec<&str> = upgrade.subprotocols().collect();
            assert_eq!(offered, request.subprotocols);
            let headers = [(&*reply_name, &*reply_value)];
            let accept =
                Accept { subprotocol: offered.last().copied(), headers: &headers, ..Accept::default() };
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
    let mut server = connection;
    let mut response = take_unsent(&mut server);
    let mut input = &mut response[..];
    match client.receive(&mut input) {
        Ok(Some(response)) => {
            assert_eq!(response.subprotocol(), request.subprotocols.last().copied());
            let mut client = response.into_connection(Timestamp::START);
            match (config.deflate, of_server.deflate) {
                // Our compressor has no window of 8 bits.
                (Some(config), Some(of_server)) if config.incoming_window_bits > 8 => {
                    assert_agreed((&client, config), (&server, of_server));
                }
                (Some(_) | None, _) => assert_eq!((client.deflate(), server.deflate()), (None, None)),
            }
            assert_understood(&mut client, &mut server);
            assert_understood(&mut server, &mut client);
        }
        Ok(None) => panic!("the response is incomplete"),
        Err(failed) => {
            let limits = [config.max_head_bytes, config.max_headers];
            let is_limit = limits.iter().any(|limit| failed.to_string().contains(&limit.to_string()));
            assert!(is_limit, "{failed:?} after {request:?}");
        }
    }
}

/// Neither side may do what the other is not ready for, nor what it has said that it does not want.
fn assert_agreed(client: (&Connection, DeflateConfig), server: (&Connection, DeflateConfig)) {
    for ((from, of_sender), (to, of_receiver)) in [(client, server), (server, client)] {
        let (Some(sender), Some(receiver)) = (from.deflate(), to.deflate()) else {
            panic!("{:?} and {:?}: both compress, or none", from.deflate(), to.deflate())
        };
        let has_takeover = sender.outgoing_context_takeover;
        assert!(!has_takeover || receiver.incoming_context_takeover, "{sender:?} to {receiver:?}");
        assert!(!has_takeover || of_sender.outgoing_context_takeover, "{of_sender:?} became {sender:?}");
        assert!(
            !receiver.incoming_context_takeover || of_receiver.incoming_context_takeover,
            "{of_receiver:?} became {receiver:?}"
        );
        assert!(sender.outgoing_window_bits <= receiver.incoming_window_bits, "{sender:?} to {receiver:?}");
        assert!(sender.outgoing_window_bits <= of_sender.outgoing_window_bits);
    }
}

/// Two messages that are alike, so that the second one may refer to the first.
fn assert_understood(from: &mut Connection, to: &mut Connection) {
    for number in 1..=2 {
        let message = format!("{number}: the quick brown fox, the quick brown fox and the quick brown fox");
        from.send(&message).expect("the connection is open");
        let mut bytes = take_unsent(from);
        let mut input = &mut bytes[..];
        match to.receive(&mut input, Timestamp::START) {
            Ok(Some((Event::Text(text), _))) => assert_eq!(text, message),
            other => panic!("{other:?} instead of a message"),
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

fn take_unsent(connection: &mut Connection) -> Vec<u8> {
    let bytes = unsent(connection);
    connection.transmitted(bytes.len());
    bytes
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
