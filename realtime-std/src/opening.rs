use crate::handler::{Answer, Verdict};
use crate::link::linger;
use realtime_adapter::{Clock, Error};
use realtime_ws::handshake::{Accept, Refusal, Request, ServerHandshake, Upgrade};
use realtime_ws::{ApiMisuse, Config, Connection, Timestamp};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// What came of a client's first request.
pub(crate) enum Opened<S> {
    /// A connection begins; `rest` came with the request.
    WebSocket { connection: Box<Connection>, state: S, rest: Vec<u8> },
    /// It is no upgrade; these are its head, and whatever came with it.
    Http(Vec<u8>),
    /// The client is to be told so.
    Refused { response: Vec<u8>, error: Error },
}

/// Reads a request, and lets `decide` answer it.
///
/// # Errors
/// The stream ended or failed.
pub(crate) fn open<S>(
    stream: &TcpStream,
    config: &Arc<Config>,
    clock: &Clock,
    buffer: &mut [MaybeUninit<u8>],
    decide: impl FnOnce(&Upgrade<'_>) -> Result<Answer<S>, Refusal>,
) -> io::Result<Opened<S>> {
    let mut handshake = ServerHandshake::new(Arc::clone(config), clock.now());
    loop {
        let patience = handshake.poll_timeout().map(|due| clock.until(due));
        let Some(mut input) = receive(stream, patience, buffer)? else {
            match handshake.handle_timeout(clock.now()) {
                Some(refusal) => return Ok(refused(refusal)),
                None => continue,
            }
        };
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(Request::Upgrade(upgrade))) => {
                return Ok(match decide(&upgrade) {
                    Ok(answer) => respond(&upgrade, answer, input, clock.now()),
                    Err(refusal) => refused(refusal),
                });
            }
            Ok(Some(Request::Http(request))) => {
                return Ok(Opened::Http([request.head(), input].concat()));
            }
            Err(refusal) => return Ok(refused(refusal)),
        }
    }
}

fn respond<S>(upgrade: &Upgrade<'_>, answer: Answer<S>, rest: &[u8], now: Timestamp) -> Opened<S> {
    let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let answered = match answer.verdict {
        Verdict::Accept { state, subprotocol } => {
            let accept = Accept { subprotocol: subprotocol.as_deref(), headers: &headers };
            upgrade.accept(&accept, now).map(|connection| Opened::WebSocket {
                connection: Box::new(connection),
                state,
                rest: rest.to_vec(),
            })
        }
        Verdict::Reject { status, body } => {
            upgrade.reject(status, &headers, body.as_bytes()).map(|response| Opened::Refused {
                response,
                error: io::Error::new(io::ErrorKind::PermissionDenied, "refused by the application").into(),
            })
        }
    };
    answered
        .unwrap_or_else(|misuse| Opened::Refused { response: misuse_response(misuse), error: misuse.into() })
}

fn refused<S>(refusal: Refusal) -> Opened<S> {
    Opened::Refused { response: refusal.response(), error: refusal.into() }
}

/// Reads once; `None` if nothing came for as long as there is patience.
pub(crate) fn receive<'b>(
    stream: &TcpStream,
    patience: Option<Duration>,
    buffer: &'b mut [MaybeUninit<u8>],
) -> io::Result<Option<&'b mut [u8]>> {
    // A timeout of zero would be none.
    stream.set_read_timeout(patience.map(|patience| patience.max(Duration::from_micros(1))))?;
    match recv(stream, buffer, RecvFlags::empty()) {
        Ok((_, 0)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(((bytes, _), _)) => Ok(Some(bytes)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sends `response`, and waits until the client has read it, both for `patience` at most.
pub(crate) fn refuse(mut stream: &TcpStream, response: &[u8], patience: Duration, clock: &Clock) {
    // If it cannot be sent, the client learns by the connection's end.
    if stream.set_write_timeout(Some(patience)).and_then(|()| stream.write_all(response)).is_ok() {
        linger(stream, patience, clock);
    }
}

/// The application answered with what cannot be sent: its fault, not the client's.
fn misuse_response(misuse: ApiMisuse) -> Vec<u8> {
    let body = format!("the server's answer cannot be sent: {misuse}");
    format!(
        "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
