use crate::common::{PATIENCE, app};
use md5::{Digest, Md5};
use realtime_core::pusher::App;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl HttpAnswer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// What an answer with an error says.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends `request` as it stands and takes what comes until the gateway closes.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> HttpAnswer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer); // frames may follow a head
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer in {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    HttpAnswer { status, head: head.into(), body: body.into() }
}

/// A connection on which one request follows another.
pub(crate) struct KeptAlive {
    stream: BufReader<TcpStream>,
}

impl KeptAlive {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut connection = Self { stream: BufReader::new(stream) };
        assert_eq!(connection.get("/up").status, 200);
        connection
    }

    pub(crate) fn get(&mut self, target: &str) -> HttpAnswer {
        self.exchange(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
    }

    /// Publishes as the app's own server does.
    pub(crate) fn post_event(&mut self, body: &str) -> HttpAnswer {
        let (path, length) = ("/apps/7/events", body.len());
        let query = signed_query("POST", path, unix_seconds(), body);
        self.exchange(&format!(
            "POST {path}?{query} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn exchange(&mut self, request: &str) -> HttpAnswer {
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).unwrap() > 0, "it ended after {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = HttpAnswer { status, head, body: String::new() };
        let length: u64 = answer.header("Content-Length").unwrap().parse().unwrap();
        self.stream.by_ref().take(length).read_to_string(&mut answer.body).unwrap();
        answer
    }
}

pub(crate) fn get(address: SocketAddr, target: &str) -> HttpAnswer {
    exchange(
        address,
        format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )
}

/// Posts `body`; `headers` are whole lines.
pub(crate) fn post(address: SocketAddr, target: &str, headers: &str, body: &str) -> HttpAnswer {
    let length = body.len();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    exchange(address, request.as_bytes())
}

/// Publishes as the app's own server does.
pub(crate) fn post_event(address: SocketAddr, body: &str) -> HttpAnswer {
    post_signed(address, "/apps/7/events", body)
}

/// Posts as the app's own server does.
pub(crate) fn post_signed(address: SocketAddr, path: &str, body: &str) -> HttpAnswer {
    post_signed_by(&app(), address, path, body)
}

/// Posts as the server of `app` does.
pub(crate) fn post_signed_by(app: &App, address: SocketAddr, path: &str, body: &str) -> HttpAnswer {
    let query = signed_query_by(app, "POST", path, unix_seconds(), body);
    post(address, &format!("{path}?{query}"), "", body)
}

/// Asks as the app's own server does; `parameters` come after its own in the alphabet.
pub(crate) fn get_signed(address: SocketAddr, path: &str, parameters: &[(&str, &str)]) -> HttpAnswer {
    get_signed_by(&app(), address, path, parameters)
}

/// Asks as the server of `app` does.
pub(crate) fn get_signed_by(
    app: &App,
    address: SocketAddr,
    path: &str,
    parameters: &[(&str, &str)],
) -> HttpAnswer {
    let mut query = format!("auth_key={}&auth_timestamp={}&auth_version=1.0", app.key, unix_seconds());
    for (name, value) in parameters {
        query.extend(["&", name, "=", value]);
    }
    let signature = app.secret.sign(&format!("GET\n{path}\n{query}"));
    get(address, &format!("{path}?{query}&auth_signature={signature}"))
}

/// The query with which the app's own server signs a request.
pub(crate) fn signed_query(method: &str, path: &str, timestamp: u64, body: &str) -> String {
    signed_query_by(&app(), method, path, timestamp, body)
}

fn signed_query_by(app: &App, method: &str, path: &str, timestamp: u64, body: &str) -> String {
    let body_md5: String = Md5::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = &app.key;
    let query = format!("auth_key={key}&auth_timestamp={timestamp}&auth_version=1.0&body_md5={body_md5}");
    let signature = app.secret.sign(&format!("{method}\n{path}\n{query}"));
    format!("{query}&auth_signature={signature}")
}

pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
