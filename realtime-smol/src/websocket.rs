use futures_core::Stream;
use futures_sink::Sink;
use realtime_adapter::{Clock, Error, random};
use realtime_core::responses::UPGRADE_REQUIRED;
use realtime_core::{Answer, Answered};
use realtime_ws::handshake::{
    ClientHandshake, ClientRequest, Request, Scheme, ServerHandshake, Upgrade, Uri,
};
use realtime_ws::{
    CloseCode, Closure, Config, Connection, Event, Message, OwnedMessage, PeerMisbehaved, Timestamp,
};
use smol::Timer;
use smol::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use smol::net::TcpStream;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;

/// The most slices in one write.
const SLICES: usize = 16;

/// A message is taken for sending while less than this waits to be written.
const SEND_BEFORE_BYTES: usize = 64 * 1024;

thread_local! {
    /// What the connections polled in this thread read into; taken out while one is polled.
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// One WebSocket connection in ordinary asynchronous code, over TCP or any other stream of bytes.
///
/// It is a `Stream` of messages and a `Sink` for them. Pings and close frames are answered, the keepalive and
/// the deadlines kept, while it is polled as a stream. The stream ends when the connection has;
/// [`closure`](Self::closure) then tells how.
///
/// With [`Delivery::Pieces`](crate::Delivery::Pieces) each piece is a binary message of its own.
///
/// Everything is safe to cancel: a message that was read is not lost when the future that waits for it is
/// dropped, and one that is sent is either queued whole or not at all.
#[derive(Debug)]
pub struct WebSocket<T = TcpStream> {
    transport: T,
    connection: Connection,
    clock: Clock,
    timer: Option<(Timestamp, Timer)>,
    /// What was read and not yet looked at, from `looked_at` on.
    input: Vec<u8>,
    looked_at: usize,
    misbehaved: Option<PeerMisbehaved>,
    is_over: bool,
}

impl WebSocket {
    /// Connects to `ws://host[:port][/path][?query]`.
    ///
    /// # Errors
    /// [`Error`]: no connection came about. `wss://` is refused: there is no TLS here.
    pub async fn connect(uri: &str, config: Config) -> Result<Self, Error> {
        let uri = Uri::parse(uri)?;
        if uri.scheme() == Scheme::Wss {
            let message = "wss:// is not supported: give a stream with TLS to connect_over, or use ws://";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message).into());
        }
        let connecting = TcpStream::connect((uri.host(), uri.port()));
        let stream = hurried(config.handshake_timeout, connecting).await?;
        stream.set_nodelay(true)?;
        Self::connect_over(stream, &ClientRequest::to(&uri), config).await
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> WebSocket<T> {
    /// Does the server's opening handshake over `transport`, and lets in whoever comes.
    ///
    /// # Errors
    /// [`Error`]: no connection came about; the client was told why.
    pub async fn accept(transport: T, config: Config) -> Result<Self, Error> {
        Self::accept_with(transport, config, |_| Answer::accept(())).await
    }

    /// Does the server's opening handshake over `transport`; `decide` sees the request and answers it. It is
    /// also where the origin is to be checked, with an [`OriginPolicy`](crate::OriginPolicy).
    ///
    /// # Errors
    /// [`Error`]: no connection came about; the client was told why.
    pub async fn accept_with(
        mut transport: T,
        config: Config,
        decide: impl FnOnce(&Upgrade<'_>) -> Answer<()>,
    ) -> Result<Self, Error> {
        let (config, clock) = (config.checked()?, Clock::start());
        let timeout = config.handshake_timeout;
        let mut handshake = ServerHandshake::new(config, clock.now());
        let mut decide = Some(decide);
        let mut buffer = vec![0; 4096];
        loop {
            let bytes = match within(&clock, handshake.poll_timeout(), transport.read(&mut buffer)).await {
                Some(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Some(Ok(bytes)) => bytes,
                Some(Err(error)) => return Err(error.into()),
                None => match handshake.handle_timeout(clock.now()) {
                    Some(refusal) => {
                        hurried(timeout, transport.write_all(&refusal.response())).await?;
                        return Err(refusal.into());
                    }
                    None => continue,
                },
            };
            let mut input = &mut buffer[..bytes];
            let (response, error) = match handshake.receive(&mut input) {
                Ok(None) => continue,
                Ok(Some(Request::Upgrade(upgrade))) => {
                    let Some(decide) = decide.take() else { continue };
                    match Answered::new(&upgrade, decide(&upgrade), clock.now()) {
                        Answered::Accepted { connection, state: () } => {
                            let mut websocket = Self::new(transport, connection, clock, input.to_vec());
                            hurried(timeout, poll_fn(|context| websocket.poll_write(context))).await?;
                            return Ok(websocket);
                        }
                        Answered::Rejected { response } => {
                            let error =
                                io::Error::new(io::ErrorKind::PermissionDenied, "the application refused");
                            (response, error.into())
                        }
                        Answered::Unsendable { response, misuse } => (response, misuse.into()),
                    }
                }
                Ok(Some(Request::Http(_))) => {
                    let error = io::Error::new(io::ErrorKind::InvalidData, "an HTTP request, but no upgrade");
                    (UPGRADE_REQUIRED.to_vec(), error.into())
                }
                Err(refusal) => (refusal.response(), refusal.into()),
            };
            hurried(timeout, transport.write_all(&response)).await?;
            hurried(timeout, transport.close()).await?;
            return Err(error);
        }
    }

    /// Does the client's opening handshake over `transport`, such as a stream with TLS.
    ///
    /// # Errors
    /// [`Error`]: no connection came about.
    pub async fn connect_over(
        mut transport: T,
        request: &ClientRequest<'_>,
        config: Config,
    ) -> Result<Self, Error> {
        let (config, clock) = (config.checked()?, Clock::start());
        let timeout = config.handshake_timeout;
        let mut handshake =
            ClientHandshake::new(config, request, random::seed(), random::masking_keys(), clock.now())?;
        loop {
            let mut slices = [&[][..]; 1];
            if handshake.poll_transmit(&mut slices) == 0 {
                break;
            }
            match hurried(timeout, transport.write(slices[0])).await? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                written => handshake.transmitted(written),
            }
        }
        let mut buffer = vec![0; 4096];
        loop {
            let bytes = match within(&clock, handshake.poll_timeout(), transport.read(&mut buffer)).await {
                Some(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Some(Ok(bytes)) => bytes,
                Some(Err(error)) => return Err(error.into()),
                None => match handshake.handle_timeout(clock.now()) {
                    Some(failed) => return Err(failed.into()),
                    None => continue,
                },
            };
            let mut input = &mut buffer[..bytes];
            if let Some(response) = handshake.receive(&mut input)? {
                let connection = response.into_connection(clock.now());
                return Ok(Self::new(transport, connection, clock, input.to_vec()));
            }
        }
    }

    /// Sends a message: returns once all of it is handed to the transport. Nothing is read meanwhile: against a peer that
    /// takes no message until its own are taken, use the connection as a `Sink` and poll it as a `Stream` too, which
    /// also writes.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] if the connection is closing; [`Error::Io`] if the transport failed.
    pub async fn send<'a>(&mut self, message: impl Into<Message<'a>>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|context| self.poll_room(context)).await?;
        self.connection.send(message)?;
        poll_fn(|context| self.poll_write(context)).await
    }

    /// The next message; `None` once the connection has ended.
    ///
    /// # Errors
    /// [`Error`]: the connection is over.
    pub async fn next(&mut self) -> Option<Result<OwnedMessage, Error>> {
        poll_fn(|context| self.poll_message(context)).await
    }

    /// Closes the connection: begins the closing handshake, waits for its end within
    /// [`Config::close_timeout`], and throws away messages that still come. Whether the peer answered tells
    /// [`closure`](Self::closure).
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] if the code must not be sent; [`Error`] if the peer misbehaved or the transport
    /// failed.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.connection.close(code, reason, self.clock.now())?;
        while let Some(message) = self.next().await {
            message?;
        }
        Ok(())
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closure(&self) -> Option<&Closure> {
        self.connection.closure()
    }

    /// The stream of bytes below.
    #[must_use]
    pub fn transport(&self) -> &T {
        &self.transport
    }

    fn new(transport: T, connection: Connection, clock: Clock, input: Vec<u8>) -> Self {
        Self {
            transport,
            connection,
            clock,
            timer: None,
            input,
            looked_at: 0,
            misbehaved: None,
            is_over: false,
        }
    }

    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<OwnedMessage, Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let mut buffer = INPUT.take();
        buffer.resize(READ_BYTES, 0);
        let outcome = self.poll_message_with(&mut buffer, context);
        INPUT.set(buffer);
        if matches!(outcome, Poll::Ready(None | Some(Err(_)))) {
            self.is_over = true;
            self.connection.receive_eof(); // so that there is a closure also if the transport failed
        }
        outcome
    }

    fn poll_message_with(
        &mut self,
        buffer: &mut [u8],
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<OwnedMessage, Error>>> {
        loop {
            let mut read = mem::take(&mut self.input);
            let mut input = &mut read[self.looked_at..];
            let message = self.receive(&mut input);
            let left = input.len();
            if left == 0 {
                self.looked_at = 0; // and `read` goes: an idle connection owns no buffer
            } else {
                self.looked_at = read.len() - left;
                self.input = read;
            }
            if let Some(message) = message {
                return Poll::Ready(Some(Ok(message)));
            }
            // It is read on though not all is written: the peer may take our messages only once its own are taken, and nothing
            // that comes makes more wait than 16 pongs and a close frame.
            match self.poll_write(context) {
                Poll::Ready(Ok(())) | Poll::Pending => {}
                Poll::Ready(Err(error)) => return Poll::Ready(self.end_after(error)),
            }
            if self.connection.is_finished() {
                return self.poll_end(context);
            }
            let due = self.poll_due(context);
            if due.is_ready() {
                continue;
            }
            let (bytes, is_direct) = match self.connection.spare() {
                Some(spare) => (Pin::new(&mut self.transport).poll_read(context, spare), true),
                None => (Pin::new(&mut self.transport).poll_read(context, buffer), false),
            };
            match bytes {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(self.end_after(error.into())),
                Poll::Ready(Ok(0)) => self.connection.receive_eof(),
                Poll::Ready(Ok(bytes)) if is_direct => self.connection.filled(bytes, self.clock.now()),
                Poll::Ready(Ok(bytes)) => {
                    let mut input = &mut buffer[..bytes];
                    if let Some(message) = self.receive(&mut input) {
                        self.input = input.to_vec();
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
            }
        }
    }

    /// The next message in `input`; with [`Delivery::Pieces`](crate::Delivery::Pieces) each piece is one.
    fn receive(&mut self, input: &mut &mut [u8]) -> Option<OwnedMessage> {
        loop {
            match self.connection.receive(input, self.clock.now()) {
                Ok(Some((Event::Text(text), _))) => return Some(OwnedMessage::Text(text.into())),
                Ok(Some((Event::Binary(bytes), _))) => return Some(OwnedMessage::Binary(bytes.into())),
                Ok(Some((Event::Piece(piece), _))) => return Some(OwnedMessage::Binary(piece.bytes.into())),
                Ok(Some((Event::Ping(_) | Event::Pong(_) | Event::Closing { .. }, _))) => {}
                Ok(None) => return None,
                Err(misbehaved) => {
                    self.misbehaved = Some(misbehaved);
                    return None;
                }
            }
        }
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<OwnedMessage, Error>>> {
        // A transport that cannot be closed any more is closed.
        if Pin::new(&mut self.transport).poll_close(context).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.misbehaved.take().map(|misbehaved| Err(misbehaved.into())))
    }

    /// What is told of a transport that failed. Once the peer has closed or misbehaved, nothing more was to come:
    /// many servers reset the connection when the closing handshake is done.
    fn end_after(&mut self, failure: Error) -> Option<Result<OwnedMessage, Error>> {
        match self.connection.closure() {
            Some(_) => self.misbehaved.take().map(|misbehaved| Err(misbehaved.into())),
            None => Some(Err(failure)),
        }
    }

    /// Does what is due, or sees to it that the task is woken when something is.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.connection.poll_timeout() else { return Poll::Pending };
        // A timer that rings too early is set anew then; every message moves the deadline.
        let (entered, timer) = match &mut self.timer {
            Some((entered, timer)) if *entered <= deadline => (entered, timer),
            entered => {
                let timer = Timer::at(self.clock.instant(deadline));
                let (entered, timer) = entered.insert((deadline, timer));
                (entered, timer)
            }
        };
        if Pin::new(&mut *timer).poll(context).is_pending() {
            return Poll::Pending;
        }
        let is_due = *entered == deadline;
        self.timer = None;
        if is_due {
            self.connection.handle_timeout(self.clock.now());
        }
        Poll::Ready(())
    }

    /// Writes until a further message may be queued.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.connection.unsent_bytes() < SEND_BEFORE_BYTES {
            return Poll::Ready(Ok(()));
        }
        self.poll_write(context)
    }

    /// Writes all that waits.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let mut slices = [&[][..]; SLICES];
            let filled = self.connection.poll_transmit(&mut slices);
            if filled == 0 {
                return Pin::new(&mut self.transport).poll_flush(context).map_err(Error::from);
            }
            let mut vectored = [IoSlice::new(&[]); SLICES];
            for (place, slice) in vectored.iter_mut().zip(&slices) {
                *place = IoSlice::new(slice);
            }
            match Pin::new(&mut self.transport).poll_write_vectored(context, &vectored[..filled]) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                Poll::Ready(Ok(bytes)) => self.connection.transmitted(bytes),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<T> {
    type Item = Result<OwnedMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(context)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Sink<OwnedMessage> for WebSocket<T> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_room(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: OwnedMessage) -> Result<(), Error> {
        Ok(self.connection.send(&message)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_write(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let now = self.clock.now();
        self.connection.close(CloseCode::NORMAL, "", now)?;
        loop {
            match self.poll_message(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// What `step` gives, a step of the opening handshake that is to take no longer than all of it may.
async fn hurried<T, E: From<io::Error>>(
    limit: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let too_late = async {
        Timer::after(limit).await;
        Err(io::Error::from(io::ErrorKind::TimedOut).into())
    };
    smol::future::or(step, too_late).await
}

/// What `future` gives, or `None` at `deadline`.
async fn within<T>(clock: &Clock, deadline: Option<Timestamp>, future: impl Future<Output = T>) -> Option<T> {
    let in_time = async { Some(future.await) };
    match deadline {
        None => in_time.await,
        Some(deadline) => {
            let too_late = async {
                Timer::at(clock.instant(deadline)).await;
                None
            };
            smol::future::or(in_time, too_late).await
        }
    }
}
