use crate::{DEADLINE, Received};
use realtime_ws::handshake::{ClientHandshake, ClientRequest};
use realtime_ws::{CloseCode, Config, Connection, Event, MaskingKeys, Message, OwnedMessage, Timestamp};
use std::error::Error;
use std::io::{self, Read, Write};
use std::mem;
use std::net::{SocketAddr, TcpStream};

/// A WebSocket client for tests: blocks, reads only when asked to receive, and gives up after [`DEADLINE`].
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    connection: Connection,
    /// What was read and not yet looked at.
    input: Vec<u8>,
}

impl Peer {
    /// Connects to the server at `address`; `headers` go with the request.
    ///
    /// # Errors
    /// The server is not there, or did not accept.
    pub fn connect(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, Box<dyn Error>> {
        let config =
            Config { keepalive: None, max_message_bytes: usize::MAX, ..Config::default() }.checked()?;
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let request = ClientRequest { host: "localhost", target: "/", headers, ..ClientRequest::default() };
        let keys = MaskingKeys::new(|| random().unwrap_or_default());
        let mut handshake = ClientHandshake::new(config, &request, random()?, keys, Timestamp::START)?;
        let mut slices = [&[][..]];
        handshake.poll_transmit(&mut slices);
        stream.write_all(slices[0])?;
        let mut buffer = [0; 4096];
        loop {
            let bytes = stream.read(&mut buffer)?;
            if bytes == 0 {
                return Err("the server closed in the opening handshake".into());
            }
            let mut input = &mut buffer[..bytes];
            if let Some(response) = handshake.receive(&mut input)? {
                let connection = response.into_connection(Timestamp::START);
                return Ok(Self { stream, connection, input: input.to_vec() });
            }
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection is over.
    pub fn say<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Box<dyn Error>> {
        self.connection.send(message)?;
        Ok(self.flush()?)
    }

    /// Waits until the server has done what was asked of it before.
    ///
    /// # Errors
    /// The connection is over.
    pub fn wait_for_pong(&mut self) -> Result<(), Box<dyn Error>> {
        self.connection.ping(&[])?;
        self.flush()?;
        while !self.next(|event| matches!(event, Event::Pong(_)))?.unwrap_or(true) {}
        Ok(())
    }

    /// The next that comes.
    ///
    /// # Errors
    /// The connection failed, or nothing came.
    pub fn receive(&mut self) -> Result<Received, Box<dyn Error>> {
        loop {
            let received = self.next(|event| match event {
                Event::Text(text) => Some(Received::Message(OwnedMessage::Text(text.into()))),
                Event::Binary(bytes) => Some(Received::Message(OwnedMessage::Binary(bytes.into()))),
                Event::Closing { code, .. } => Some(Received::End(code.unwrap_or(CloseCode::NO_STATUS))),
                Event::Piece(_) | Event::Ping(_) | Event::Pong(_) => None,
            })?;
            match received {
                Some(None) => {}
                Some(Some(received)) => return Ok(received),
                None => return Ok(Received::End(CloseCode::ABNORMAL)),
            }
        }
    }

    /// Looks at what is there, reading once if there is nothing yet; shows it all to `see`.
    ///
    /// # Errors
    /// The connection is over.
    pub fn receive_all(&mut self, mut see: impl FnMut(Event<'_>)) -> Result<(), Box<dyn Error>> {
        if self.input.is_empty() && self.read()? == 0 {
            return Err("the server closed the connection".into());
        }
        let mut bytes = mem::take(&mut self.input);
        let mut input = &mut bytes[..];
        while let Some((event, _)) = self.connection.receive(&mut input, Timestamp::START)? {
            see(event);
        }
        bytes.clear();
        self.input = bytes;
        Ok(self.flush()?)
    }

    /// Closes in order: with a closing handshake, for whose end it waits.
    ///
    /// # Errors
    /// The connection ended otherwise.
    pub fn leave(mut self) -> Result<(), Box<dyn Error>> {
        self.connection.close(CloseCode::NORMAL, "", Timestamp::START)?;
        self.flush()?;
        while self.next(|_| ())?.is_some() {}
        Ok(())
    }

    /// The socket, to be polled.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Shows the next event to `see`; `None` at the end of the stream.
    fn next<T>(&mut self, see: impl FnOnce(Event<'_>) -> T) -> Result<Option<T>, Box<dyn Error>> {
        loop {
            let mut bytes = mem::take(&mut self.input);
            let mut input = &mut bytes[..];
            if let Some((event, _)) = self.connection.receive(&mut input, Timestamp::START)? {
                let seen = see(event);
                let looked_at = input.len();
                self.input = bytes.split_off(bytes.len() - looked_at);
                self.flush()?;
                return Ok(Some(seen));
            }
            if self.read()? == 0 {
                return Ok(None);
            }
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        self.input.resize(64 * 1024, 0);
        let bytes = self.stream.read(&mut self.input)?;
        self.input.truncate(bytes);
        Ok(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        loop {
            let mut slices = [&[][..]];
            if self.connection.poll_transmit(&mut slices) == 0 {
                return Ok(());
            }
            let written = slices[0].len();
            self.stream.write_all(slices[0])?;
            self.connection.transmitted(written);
        }
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
