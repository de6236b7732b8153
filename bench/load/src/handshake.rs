use crate::Failure;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take over a handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// The key of RFC 6455 §1.3, and the answer to it.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A connection whose handshake is done; blocking.
pub(crate) fn connect(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = begin(address)?;
    finish(&stream)?;
    Ok(stream)
}

/// Connects and sends the request.
pub(crate) fn begin(address: SocketAddr) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(REQUEST)?;
    Ok(stream)
}

/// Reads the response up to its end, and not a byte more if nothing follows it.
pub(crate) fn finish(mut stream: &TcpStream) -> Result<(), Failure> {
    let mut head = [0; 1024];
    let mut len = 0;
    while !head[..len].ends_with(b"\r\n\r\n") {
        let bytes = stream.read(&mut head[len..])?;
        if bytes == 0 {
            return Err("the server ended a connection in the handshake".into());
        }
        len += bytes;
    }
    let head = &head[..len];
    let is_accepted =
        head.starts_with(b"HTTP/1.1 101") && head.windows(ACCEPT.len()).any(|part| part == ACCEPT);
    if is_accepted { Ok(()) } else { Err(format!("refused: {}", String::from_utf8_lossy(head)).into()) }
}
