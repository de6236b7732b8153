use crate::link::{Came, Incoming, Link};
use crate::opening::{Opened, open, receive, refuse};
use realtime_adapter::{Clock, Error, random};
use realtime_core::Answer;
use realtime_core::responses::UPGRADE_REQUIRED;
use realtime_core::{OutboxLimits, Session};
use realtime_ws::handshake::{ClientHandshake, ClientRequest, Scheme, Upgrade, Uri};
use realtime_ws::{
    ApiMisuse, CloseCode, Closure, Config, Connection, Event, Message, OwnedMessage, PeerMisbehaved,
};
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;

/// Bytes read at a time. More of a large frame is read straight to where it is put together.
const READ_BYTES: usize = 16 * 1024;

/// One WebSocket connection over TCP, without a hub: for clients, and for servers that accept by themselves.
///
/// Calls block. Pings and close frames are answered, the keepalive and the deadlines kept, while one reads.
/// [`split`](Self::split) lets one thread read while another sends.
#[derive(Debug)]
pub struct WebSocket {
    reader: Reader,
    writer: Writer,
}

/// The half of a [`WebSocket`] that receives.
#[derive(Debug)]
pub struct Reader {
    incoming: Incoming,
    /// What was read and not yet looked at, from `looked_at` on.
    input: Vec<u8>,
    looked_at: usize,
    misbehaved: Option<PeerMisbehaved>,
    is_over: bool,
}

/// The half of a [`WebSocket`] that sends.
#[derive(Debug)]
pub struct Writer {
    link: Arc<Link>,
}

impl WebSocket {
    /// Connects to `ws://host[:port][/path][?query]`.
    ///
    /// # Errors
    /// [`Error`]: no connection came about. `wss://` is refused: there is no TLS here.
    pub fn connect(uri: &str, config: Config) -> Result<Self, Error> {
        let uri = Uri::parse(uri)?;
        if uri.scheme() == Scheme::Wss {
            let message = "wss:// is not supported: there is no TLS here, use ws://";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message).into());
        }
        let stream = connect_to((uri.host(), uri.port()), &config)?;
        Self::connect_over(stream, &ClientRequest::to(&uri), config)
    }

    /// Does the client's opening handshake over `stream`, with subprotocols, headers and whatever else `request` says.
    ///
    /// # Errors
    /// [`Error`]: no connection came about.
    pub fn connect_over(
        mut stream: TcpStream,
        request: &ClientRequest<'_>,
        config: Config,
    ) -> Result<Self, Error> {
        let (config, clock) = (config.checked()?, Clock::start());
        let mut handshake = ClientHandshake::new(
            config.clone(),
            request,
            random::seed(),
            random::masking_keys(),
            clock.now(),
        )?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(config.handshake_timeout))?;
        let mut slices = [&[][..]];
        handshake.poll_transmit(&mut slices);
        let written = slices[0].len();
        stream.write_all(slices[0])?;
        handshake.transmitted(written);
        let mut buffer = [MaybeUninit::uninit(); READ_BYTES];
        loop {
            let patience = handshake.poll_timeout().map(|due| clock.until(due));
            let Some(mut input) = receive(&stream, patience, &mut buffer)? else {
                match handshake.handle_timeout(clock.now()) {
                    Some(failed) => return Err(failed.into()),
                    None => continue,
                }
            };
            if let Some(response) = handshake.receive(&mut input)? {
                let connection = response.into_connection(clock.now());
                return Ok(Self::new(stream, connection, clock, input.to_vec()));
            }
        }
    }

    /// Does the server's opening handshake over `stream`, and lets in whoever comes.
    ///
    /// # Errors
    /// [`Error`]: no connection came about; the client was told why.
    pub fn accept(stream: TcpStream, config: Config) -> Result<Self, Error> {
        Self::accept_with(stream, config, |_| Answer::accept(()))
    }

    /// Does the server's opening handshake over `stream`; `decide` sees the request and answers it. It is also
    /// where the origin is to be checked, with an [`OriginPolicy`](crate::OriginPolicy).
    ///
    /// # Errors
    /// [`Error`]: no connection came about; the client was told why.
    pub fn accept_with(
        stream: TcpStream,
        config: Config,
        decide: impl FnOnce(&Upgrade<'_>) -> Answer<()>,
    ) -> Result<Self, Error> {
        let (config, clock) = (config.checked()?, Clock::start());
        stream.set_nodelay(true)?;
        let mut buffer = [MaybeUninit::uninit(); READ_BYTES];
        match open(&stream, &config, &clock, &mut buffer, |upgrade| Ok(decide(upgrade)))? {
            Opened::WebSocket { connection, state: (), rest } => {
                let websocket = Self::new(stream, *connection, clock, rest);
                websocket.writer.link.drain()?; // the response
                Ok(websocket)
            }
            Opened::Http(_) => {
                refuse(&stream, UPGRADE_REQUIRED, config.close_timeout, &clock);
                Err(io::Error::new(io::ErrorKind::InvalidData, "an HTTP request, but no upgrade").into())
            }
            Opened::Refused { response, error } => {
                refuse(&stream, &response, config.close_timeout, &clock);
                Err(error)
            }
        }
    }

    /// The next message; blocks until there is one. `None` once the connection has ended: [`closure`](Self::closure)
    /// tells how.
    ///
    /// With [`Delivery::Pieces`](crate::Delivery::Pieces) each piece is a binary message;
    /// [`read_with`](Self::read_with) tells more.
    ///
    /// # Errors
    /// [`Error::PeerMisbehaved`]: the connection is over, and the peer was told so.
    pub fn read(&mut self) -> Result<Option<OwnedMessage>, Error> {
        self.reader.read()
    }

    /// Shows the next event to `see`, without copying it, and returns what that makes of it; blocks until there is one. `None`
    /// once the connection has ended.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with<T>(&mut self, see: impl FnOnce(Event<'_>) -> T) -> Result<Option<T>, Error> {
        self.reader.read_with(see)
    }

    /// Sends a message; blocks until all of it is handed to the system. Nothing is read meanwhile, as there would be no place
    /// for it: if the peer in turn reads nothing until its own messages are taken, both wait until one gives up. Against such
    /// a peer [`split`](Self::split) the connection, and read in another thread.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] if the connection is closing. [`Error::Io`] if it failed, or the peer took nothing for as
    /// long as its silence is borne ([`Keepalive::close_after`](crate::Keepalive::close_after)); then it is over.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        self.writer.send(message)
    }

    /// Asks the peer whether it lives; [`Event::Pong`] is its answer.
    ///
    /// # Errors
    /// [`Error::Io`], as [`send`](Self::send).
    pub fn ping(&mut self) -> Result<(), Error> {
        self.writer.ping()
    }

    /// Closes the connection: begins the closing handshake, waits for its end within
    /// [`Config::close_timeout`], and throws away messages that still come. `reason` is cut to the 123 bytes that fit.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] if the code must not be sent; nothing changed. Otherwise as [`read`](Self::read).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.writer.close(code, reason)?;
        while self.read_with(|_| ())?.is_some() {}
        Ok(())
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closure(&self) -> Option<&Closure> {
        self.reader.closure()
    }

    /// The socket, to be asked for addresses and the like.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.writer.link.stream()
    }

    /// The two halves, each for a thread of its own. The reader goes on while the writer blocks: nothing that it receives
    /// makes more wait to be written than 16 pongs and a close frame.
    #[must_use]
    pub fn split(mut self) -> (Reader, Writer) {
        self.reader.incoming.split();
        (self.reader, self.writer)
    }

    fn new(stream: TcpStream, connection: Connection, clock: Clock, input: Vec<u8>) -> Self {
        // There is no hub that delivers anything: the outbox stays empty.
        let (receiver, outgoing) = Session::new(connection, OutboxLimits::default()).split();
        let link = Arc::new(Link::new(Arc::new(stream), outgoing, clock));
        let incoming = Incoming::new(Arc::clone(&link), receiver);
        let reader = Reader { incoming, input, looked_at: 0, misbehaved: None, is_over: false };
        Self { reader, writer: Writer { link } }
    }
}

impl Reader {
    /// See [`WebSocket::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(&mut self) -> Result<Option<OwnedMessage>, Error> {
        loop {
            let message = self.read_with(|event| match event {
                Event::Text(text) => Some(OwnedMessage::Text(text.into())),
                Event::Binary(bytes) => Some(OwnedMessage::Binary(bytes.into())),
                Event::Piece(piece) => Some(OwnedMessage::Binary(piece.bytes.into())),
                Event::Ping(_) | Event::Pong(_) | Event::Closing { .. } => None,
            })?;
            match message {
                Some(None) => {}
                Some(message) => return Ok(message),
                None => return Ok(None),
            }
        }
    }

    /// See [`WebSocket::read_with`].
    ///
    /// # Errors
    /// As there.
    pub fn read_with<T>(&mut self, see: impl FnOnce(Event<'_>) -> T) -> Result<Option<T>, Error> {
        while !self.is_over {
            let link = Arc::clone(&self.incoming.link);
            let now = link.now();
            let mut input = &mut self.input[self.looked_at..];
            match self.incoming.receiver.receive(&mut input, now) {
                Ok(Some(event)) => {
                    let mut outbound = link.outbound();
                    outbound.handle_event(&event, now);
                    // An error shows again when it is read on.
                    let _ = link.flush(&mut outbound);
                    drop(outbound);
                    let seen = see(event);
                    let left = input.len();
                    self.looked_at = self.input.len() - left;
                    return Ok(Some(seen));
                }
                Ok(None) => {}
                Err(misbehaved) => {
                    link.outbound().fail(&misbehaved, now);
                    self.misbehaved = Some(misbehaved);
                }
            }
            self.input.clear();
            self.input.reserve(READ_BYTES);
            self.looked_at = 0;
            let came = self
                .incoming
                .read(|stream| recv(stream, spare_capacity(&mut self.input), RecvFlags::empty()));
            match came {
                Came::Read(_) | Came::Nothing => {}
                Came::End => {
                    self.is_over = true;
                    self.incoming.finish();
                    self.input = Vec::new();
                    return self.misbehaved.map_or(Ok(None), |misbehaved| Err(misbehaved.into()));
                }
            }
        }
        Ok(None)
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closure(&self) -> Option<&Closure> {
        self.incoming.receiver.closure()
    }
}

impl Writer {
    /// See [`WebSocket::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        let message = message.into();
        let sent = self.link.outbound().send(message);
        if let Err(ApiMisuse::QueueFull { .. }) = sent {
            self.drain()?; // replies of the other half
            self.link.outbound().send(message)?;
        } else {
            sent?;
        }
        self.drain()
    }

    /// See [`WebSocket::ping`].
    ///
    /// # Errors
    /// As there.
    pub fn ping(&mut self) -> Result<(), Error> {
        self.link.outbound().ping();
        self.drain()
    }

    /// Begins the closing handshake, which ends when the other half reads on. `reason` is cut to the 123 bytes that fit.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] if the code must not be sent; nothing changed. [`Error::Io`] as [`WebSocket::send`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.link.outbound().close(code, reason, self.link.now())?;
        self.drain()
    }

    fn drain(&self) -> Result<(), Error> {
        let drained = self.link.drain();
        if drained.is_err() {
            self.link.cut();
        }
        Ok(drained?)
    }
}

/// Connects to the first of the addresses that answers in time.
fn connect_to(address: impl ToSocketAddrs, config: &Config) -> io::Result<TcpStream> {
    let mut last_error = io::Error::new(io::ErrorKind::InvalidInput, "the host has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, config.handshake_timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}
