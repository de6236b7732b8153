use crate::choices::Choices;
use md5::{Digest, Md5};
use realtime_core::pusher::http::ApiRequest;
use realtime_core::pusher::{App, ChannelAuthRequest, Secret, SigningString, SocketId};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const KEY: &str = "278d425bdf160c739803";
const SECRET: &str = "7ad3773142a6692b25b8";
const NOW: u64 = 1_700_000_000;

/// A signed request, changed by a byte or not at all, or any other one, is accepted if and only if a naive
/// check accepts it; so is what a client shows for a channel.
pub fn signature(bytes: &[u8]) {
    let app = App { id: "3".into(), key: KEY.into(), secret: Secret::new(SECRET) };
    let mut choices = Choices(bytes);
    match choices.byte() % 4 {
        0 | 1 => signed_request(&app, choices),
        2 => any_request(&app, choices),
        _ => channel(&app, choices),
    }
}

/// A request, its parts owned so that they can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    method: String,
    path: String,
    query: String,
    body: Vec<u8>,
    now: u64,
}

impl Request {
    fn is_accepted(&self, app: &App) -> bool {
        let Self { method, path, query, body, now } = self;
        let signed = ApiRequest { method, path, query }.verify(app, *now);
        let accepted = signed.and_then(|signed| signed.body(body).map(|_| signed.query().clone()));
        match accepted {
            Ok(query) => {
                let expected = parameters(&self.query).expect("a query that is accepted can be read");
                assert!(query.iter().eq(expected.iter().map(|(name, value)| (&**name, &**value))));
                true
            }
            Err(error) => {
                assert!(matches!(error.status(), 400 | 401), "{error:?}");
                assert!(!error.to_string().is_empty());
                false
            }
        }
    }
}

/// The app's own server signs a request; then something happens to it.
fn signed_request(app: &App, mut choices: Choices<'_>) {
    let method = choices.one_of(&["POST", "GET", "DELETE"]);
    let path = format!("/apps/3/{}", choices.text());
    let sent_at = NOW + u64::from(choices.u16() % 1300) - 650;
    let body = choices.bytes().to_vec();
    let mut query = vec![
        ("auth_key".to_owned(), KEY.to_owned()),
        ("auth_timestamp".to_owned(), sent_at.to_string()),
        ("auth_version".to_owned(), "1.0".to_owned()),
    ];
    if !body.is_empty() || choices.flag() {
        query.push(("body_md5".to_owned(), hex(&Md5::digest(&body))));
    }
    let more: Vec<_> = (0..choices.byte() % 4).map(|_| (choices.text(), choices.text())).collect();
    let is_protocol_s = |name: &str| name.starts_with("auth_") || name == "body_md5";
    let has_protocol_s_name = more.iter().any(|(name, _)| is_protocol_s(&name.to_lowercase()));
    query.extend(more);
    let signature = hex(&hmac(SECRET, &signed_string(method, &path, &query)));
    query.push(("auth_signature".to_owned(), signature));
    let turn = usize::from(choices.byte()) % query.len();
    query.rotate_left(turn);
    let query = encode(&query, choices.byte());
    let request = Request { method: method.to_owned(), path, query, body, now: NOW };
    let is_accepted = naively_accepted(&request);
    assert_eq!(request.is_accepted(app), is_accepted, "{request:?}");
    let has_one_meaning = parameters(&request.query).is_some() && !has_protocol_s_name;
    if has_one_meaning {
        assert_eq!(is_accepted, sent_at.abs_diff(NOW) <= 600, "{request:?}");
    }

    let mut changed = request.clone();
    let (at, byte) = (usize::from(choices.u16()), choices.byte());
    match choices.byte() % 8 {
        0..=2 => changed.query = with_byte(&request.query, at, byte),
        3 => changed.method = with_byte(&request.method, at, byte),
        4 => changed.path = with_byte(&request.path, at, byte),
        5 => match changed.body.len() {
            0 => changed.body.push(byte),
            len => changed.body[at % len] = byte,
        },
        6 => {
            changed.now =
                changed.now.wrapping_add(u64::from(choices.u16())).wrapping_sub(u64::from(choices.u16()))
        }
        _ => changed.query = without_a_parameter(&request.query, at),
    }
    let is_accepted = naively_accepted(&changed);
    assert_eq!(changed.is_accepted(app), is_accepted, "{changed:?}");
    let is_rest_same = changed.query == request.query && changed.now == request.now;
    if changed != request && is_rest_same {
        assert!(!is_accepted, "method, path and body are signed: {changed:?}");
    }
}

/// Whatever a stranger sends is refused, since it has no signature.
fn any_request(app: &App, mut choices: Choices<'_>) {
    let (method, path, body) = (choices.text(), choices.text(), choices.bytes().to_vec());
    let query = String::from_utf8_lossy(choices.rest()).into_owned();
    let request = Request { method, path, query, body, now: NOW };
    let is_accepted = request.is_accepted(app);
    assert_eq!(is_accepted, naively_accepted(&request), "{request:?}");
    assert!(!is_accepted, "{request:?}");
}

/// What a client brings to be let into a channel.
fn channel(app: &App, mut choices: Choices<'_>) {
    let socket_id = SocketId::from_random(std::array::from_fn(|_| choices.byte()));
    let channel = choices.text();
    let channel_data = choices.flag().then(|| choices.text());
    let form =
        encode(&[("socket_id".into(), socket_id.to_string()), ("channel_name".into(), channel.clone())], 1);
    let signed = match &channel_data {
        None => format!("{socket_id}:{channel}"),
        Some(data) => format!("{socket_id}:{channel}:{data}"),
    };
    let auth = format!("{KEY}:{}", hex(&hmac(SECRET, &signed)));
    if let Ok(request) = ChannelAuthRequest::parse(&form) {
        assert_eq!((request.socket_id, request.channel.as_str()), (socket_id, &*channel));
        let answer = request.allow(app, channel_data.as_deref());
        let answer: BTreeMap<String, String> = serde_json::from_str(&answer).expect("the answer is JSON");
        assert_eq!(answer.get("auth"), Some(&auth));
        assert_eq!(answer.get("channel_data"), channel_data.as_ref());
    }
    let string =
        SigningString::Channel { socket_id, channel: &channel, channel_data: channel_data.as_deref() };
    assert_eq!(string.to_string(), signed);
    assert_eq!(app.auth(&string), auth);
    assert_eq!(app.verify_auth(&auth, &string), Ok(()));
    let changed = with_byte(&auth, choices.u16().into(), choices.byte());
    assert_eq!(app.verify_auth(&changed, &string).is_ok(), changed == auth, "{changed}");
    let other = SigningString::User { socket_id, user_data: &channel };
    assert_eq!(app.verify_auth(&auth, &other).is_ok(), other.to_string() == signed);
}

/// The protocol's rules one after the other.
fn naively_accepted(request: &Request) -> bool {
    let Some(parameters) = parameters(&request.query) else { return false };
    let value =
        |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let sent_at = value("auth_timestamp").and_then(|sent_at| sent_at.parse::<u64>().ok());
    let others: Vec<_> = parameters.iter().filter(|(name, _)| name != "auth_signature").cloned().collect();
    let signed = signed_string(&request.method, &request.path, &others);
    value("auth_key") == Some(KEY)
        && value("auth_version") == Some("1.0")
        && sent_at.is_some_and(|sent_at| sent_at.abs_diff(request.now) <= 600)
        && match value("body_md5") {
            None => request.body.is_empty(),
            Some(md5) => md5 == hex(&Md5::digest(&request.body)),
        }
        && value("auth_signature") == Some(&*hex(&hmac(SECRET, &signed)))
}

fn signed_string(method: &str, path: &str, parameters: &[(String, String)]) -> String {
    let mut sorted: Vec<_> =
        parameters.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    sorted.sort();
    let joined: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{method}\n{path}\n{}", joined.join("&"))
}

/// RFC 2104 taken literally; the keys here are shorter than a block.
fn hmac(secret: &str, text: &str) -> [u8; 32] {
    let mut key = [0; 64];
    key[..secret.len()].copy_from_slice(secret.as_bytes());
    let inner = Sha256::digest([&key.map(|byte| byte ^ 0x36), text.as_bytes()].concat());
    Sha256::digest([&key.map(|byte| byte ^ 0x5C)[..], &inner].concat()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The parameters of a query, their names in lower case, if it can be read in one way.
fn parameters(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let parameters = pairs.map(|pair| {
        let (name, value) = pair.split_at(pair.find('=').unwrap_or(pair.len()));
        Some((decode(name)?.to_lowercase(), decode(value.get(1..).unwrap_or_default())?))
    });
    let parameters: Vec<_> = parameters.collect::<Option<_>>()?;
    let names: BTreeMap<_, _> = parameters.iter().cloned().collect();
    (names.len() == parameters.len() && parameters.len() <= 64).then_some(parameters)
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.replace('+', " ").into_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            if digits.starts_with('+') || digits.contains(' ') {
                return None;
            }
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).ok()
}

/// A query, in one of the ways in which it can be written.
fn encode(parameters: &[(String, String)], way: u8) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            match byte {
                b' ' if way & 1 == 0 => encoded.push('+'),
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' | b'.' if way & 2 == 0 => {
                    encoded.push(byte.into());
                }
                _ if way & 4 == 0 => {
                    let _ = write!(encoded, "%{byte:02X}");
                }
                _ => {
                    let _ = write!(encoded, "%{byte:02x}");
                }
            }
            encoded
        })
    };
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// `text` with the byte at `at` replaced by an ASCII character.
fn with_byte(text: &str, at: usize, byte: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let len = bytes.len();
    bytes[at % len] = byte & 0x7F;
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned()) // where it was part of a longer character
}

fn without_a_parameter(query: &str, at: usize) -> String {
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.remove(at % pairs.len());
    pairs.join("&")
}
