use crate::link::linger;
use realtime_adapter::{Clock, Error};
use realtime_core::{Answer, Answered};
use realtime_ws::handshake::{Refusal, Request, ServerHandshake, Upgrade};
use realtime_ws::{CheckedConfig, Connection, Timestamp};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::net::TcpStream;
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
    config: &CheckedConfig,
    clock: &Clock,
    buffer: &mut [MaybeUninit<u8>],
    decide: impl FnOnce(&Upgrade<'_>) -> Result<Answer<S>, Refusal>,
) -> io::Result<Opened<S>> {
    let mut handshake = ServerHandshake::new(config.clone(), clock.now());
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
    match Answered::new(upgrade, answer, now) {
        Answered::Accepted { connection, state } => {
            Opened::WebSocket { connection: Box::new(connection), state, rest: rest.to_vec() }
        }
        Answered::Rejected { response } => Opened::Refused {
            response,
            error: io::Error::new(io::ErrorKind::PermissionDenied, "refused by the application").into(),
        },
        Answered::Unsendable { response, misuse } => Opened::Refused { response, error: misuse.into() },
    }
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
