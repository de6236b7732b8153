use crate::{DEADLINE, Received};
use realtime_ws::frame::Header;
use realtime_ws::{CloseCode, Config, Connection, Event, MaskingKeys, Opcode, OwnedMessage, Timestamp};
use rustix::net::{self, AddressFamily, SocketType};
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// Offers compression as the standard has it: with context takeover and full windows both ways.
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

const RECEIVE_BUFFER_BYTES: usize = 64 * 1024;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client that writes whatever bytes it likes, and reads what comes in order to see how it is received.
pub(super) struct Attacker {
    stream: TcpStream,
    receiver: Connection,
    input: Vec<u8>,
}

impl Attacker {
    /// Connects, and agrees on compression with the server.
    pub(super) fn connect(address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let mut stream = connect_with_little_room(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.write_all(REQUEST.as_bytes())?;
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            response.push(byte[0]);
        }
        let response = String::from_utf8(response)?;
        if !response.starts_with("HTTP/1.1 101") || !response.contains("permessage-deflate") {
            return Err(format!("the server answered {response}").into());
        }
        let config = Config { keepalive: None, ..Config::default() }.checked()?;
        let receiver = Connection::client(config, MaskingKeys::new(|| KEY), Timestamp::START);
        Ok(Self { stream, receiver, input: Vec::new() })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Says `text` and waits for its echo, which must be what comes next.
    pub(super) fn expect_echo(&mut self, text: &str) -> Result<(), Box<dyn Error>> {
        self.write(&frame(true, 0, Opcode::Text, text.as_bytes()))?;
        self.expect(&Received::Message(OwnedMessage::from(text)))
    }

    /// A ping of 125 bytes that begins with `number`.
    pub(super) fn ping(&mut self, number: u64) -> io::Result<()> {
        let mut payload = [0; 125];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        self.write(&frame(true, 0, Opcode::Ping, &payload))
    }

    /// The number in the pong that comes next.
    pub(super) fn receive_pong(&mut self) -> Result<u64, Box<dyn Error>> {
        self.next(|event| match event {
            Event::Pong(payload) => payload.first_chunk().map(|number| u64::from_be_bytes(*number)),
            Event::Text(_) | Event::Binary(_) | Event::Piece(_) | Event::Ping(_) | Event::Closing { .. } => {
                None
            }
        })?
        .flatten()
        .ok_or_else(|| "something else than a pong".into())
    }

    /// Sends only the header of a binary message.
    pub(super) fn declare(&mut self, payload_len: u64) -> io::Result<()> {
        self.write(&header(true, 0, Opcode::Binary, payload_len))
    }

    pub(super) fn end_stream(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Waits for the next message, or the end, which must be `expected`.
    pub(super) fn expect(&mut self, expected: &Received) -> Result<(), Box<dyn Error>> {
        let received = self.receive()?;
        if received == *expected {
            Ok(())
        } else {
            Err(format!("{received:?} instead of {expected:?}").into())
        }
    }

    fn receive(&mut self) -> Result<Received, Box<dyn Error>> {
        let received = self.next(|event| match event {
            Event::Text(text) => Ok(Received::Message(OwnedMessage::Text(text.into()))),
            Event::Binary(bytes) => Ok(Received::Message(OwnedMessage::Binary(bytes.into()))),
            Event::Closing { code, .. } => Ok(Received::End(code.unwrap_or(CloseCode::NO_STATUS))),
            Event::Piece(_) | Event::Ping(_) | Event::Pong(_) => Err("neither a message nor the end"),
        })?;
        Ok(received.unwrap_or(Ok(Received::End(CloseCode::ABNORMAL)))?)
    }

    /// Shows the next event to `see`; `None` at the end of the stream.
    fn next<T>(&mut self, see: impl FnOnce(Event<'_>) -> T) -> Result<Option<T>, Box<dyn Error>> {
        loop {
            let mut bytes = std::mem::take(&mut self.input);
            let mut input = &mut bytes[..];
            if let Some((event, _)) = self.receiver.receive(&mut input, Timestamp::START)? {
                let seen = see(event);
                self.input = input.to_vec();
                return Ok(Some(seen));
            }
            bytes.resize(4096, 0);
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            bytes.truncate(read);
            self.input = bytes;
        }
    }
}

/// A connection with little room for what is not read; it has to be told before it connects, or the system drops
/// what it had let the other side send.
fn connect_with_little_room(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES)?;
    net::connect(&socket, &address)?;
    Ok(socket.into())
}

/// A frame as a client sends it.
pub(super) fn frame(fin: bool, reserved_bits: u8, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(fin, reserved_bits, opcode, payload.len() as u64);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn header(fin: bool, reserved_bits: u8, opcode: Opcode, payload_len: u64) -> Vec<u8> {
    let mut header = Vec::new();
    Header { fin, reserved_bits, opcode, masking_key: Some(KEY), payload_len }.encode(&mut header);
    header
}
