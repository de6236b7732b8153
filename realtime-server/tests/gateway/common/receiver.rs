use crate::common::{PATIENCE, app};
use futures_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// The app's own server where webhooks are received, until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    requests: mpsc::Receiver<Received>,
    is_done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A webhook request, whose signature was right.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What a receiver does with a request that it has read.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers with what stands here.
    Answer(String),
    /// Closes without an answer.
    HangUp,
    /// Keeps the connection and never answers.
    Silence,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(format!("HTTP/1.1 {status} As the test wants\r\nContent-Length: 2\r\n\r\nok"))
    }
}

impl Received {
    /// The names of the events, and what they are about.
    pub(crate) fn events(&self) -> Vec<Value> {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert!(body["time_ms"].as_u64().is_some_and(|time| time > 1_700_000_000_000), "{body}");
        body["events"].as_array().unwrap().clone()
    }
}

impl Receiver {
    /// Gives `replies` one after the other, and then accepts whatever comes.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(None, replies)
    }

    /// As [`start`](Self::start), over TLS.
    pub(crate) fn start_with(
        tls: Option<Arc<ServerConfig>>,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut replies = replies.into_iter().collect::<VecDeque<_>>();
        let is_done = Arc::new(AtomicBool::new(false));
        let (told, requests) = mpsc::channel();
        let done = is_done.clone();
        let serve = move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                // What it does not understand a client of TLS hangs up on.
                let Ok((mut stream, received)) = receive(stream.unwrap(), tls.as_ref()) else { continue };
                let _ = told.send(received); // the test may have seen enough
                match replies.pop_front().unwrap_or_else(|| Reply::status(200)) {
                    Reply::Answer(answer) => {
                        let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
                    }
                    Reply::HangUp => {}
                    Reply::Silence => kept.push(stream),
                }
            }
        };
        Self { address, requests, is_done, thread: Some(thread::spawn(serve)) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?from=gateway", self.address)
    }

    /// The next request.
    pub(crate) fn next(&self) -> Received {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// The events of all requests until there are so many.
    pub(crate) fn events(&self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.next().events());
        }
        events
    }

    /// What has come and was not looked at.
    pub(crate) fn rest(&self) -> Vec<Received> {
        self.requests.try_iter().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // so that it looks
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the receiver failed");
        }
    }
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// Reads one request and checks its signature.
fn receive(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<(Box<dyn Stream>, Received)> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(config) => {
            let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            Box::new(StreamOwned::new(connection, stream))
        }
    };
    let mut reader = BufReader::new(&mut *stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let mut body = vec![0; header("Content-Length").unwrap().parse().unwrap()];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    assert_eq!(header("Content-Type"), Some("application/json"));
    assert!(app().secret.verify(&*body, header("X-Pusher-Signature").unwrap()), "{head}");
    let received = Received { head, body };
    Ok((stream, received))
}
