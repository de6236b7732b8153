use crate::client::Client;
use crate::driver::Mail;
use crate::handler::{Handler, Peer};
use crate::homes::{HomeKey, Homes};
use crate::server::Plan;
use crate::sockets::{Interest, Socket, read, write};
use realtime_adapter::{ForAdapters, MessageBuffers, Tally, contain};
use realtime_core::{Answer, Answered, ClientId, Notice, Outgoing, Parcel, Pushed, Session, TOO_SLOW};
use realtime_ws::handshake::{Refusal, Request, ServerHandshake};
use realtime_ws::{CloseCode, Event, Message, Timestamp};
use std::io;
use std::mem;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

/// Bytes read at a time. More are left to the next turn, so that no connection keeps the others waiting.
const READ_BYTES: usize = 64 * 1024;

/// No more is read in a turn once there were this many bytes of a large message. To go on with one that is in
/// the processor's cache is worth more than to take turns at each piece of it.
const LARGE_READ_BYTES: usize = 512 * 1024;

/// What a peer is told whose handler panicked.
const APPLICATION_FAILED: &str = "the application failed";

/// The most slices in one write; what is left goes in the next one.
const SLICES: usize = 16;

/// What a driver's connections share in a turn.
pub(crate) struct Turn<H> {
    pub(crate) plan: Plan,
    pub(crate) handler: Arc<H>,
    pub(crate) homes: Homes,
    mail: Arc<Mail>,
    pub(crate) now: Timestamp,
    /// Messages that were lost, to be told to the hub and the application once the orders are performed.
    pub(crate) losses: Vec<Notice>,
    /// What is read, from whichever connection.
    input: Vec<u8>,
    /// Where replies are encoded, of whichever connection.
    output: Vec<u8>,
    /// Where large messages are put together.
    buffers: MessageBuffers,
}

impl<H> Turn<H> {
    pub(crate) fn new(plan: Plan, handler: Arc<H>, homes: Homes, mail: Arc<Mail>) -> Self {
        let (now, input) = (plan.hub.now(), vec![0; READ_BYTES]);
        let (losses, output, buffers) = (Vec::new(), Vec::new(), MessageBuffers::default());
        Self { plan, handler, homes, mail, now, losses, input, output, buffers }
    }
}

/// Whether a connection is still the driver's after what it did.
pub(crate) enum Fate {
    Stays,
    Goes,
    /// It is no WebSocket; the bytes are what was read from it.
    IsHandedOver(Vec<u8>),
}

/// One connection from its first byte to its last.
pub(crate) struct Connection<S> {
    socket: Socket,
    /// Where it stands among the driver's deadlines.
    entered: Option<Timestamp>,
    is_to_be_flushed: bool,
    place: Place,
    stage: Stage<S>,
}

/// What a connection counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// One of those that the server can take.
    Taken,
    /// One beyond those, which only lives to be told so.
    Beyond,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all connections are open, and a box would cost each of them"
)]
enum Stage<S> {
    Opening {
        handshake: ServerHandshake,
        address: SocketAddr,
    },
    /// The rest of a response that refuses the handshake.
    Refusing {
        rest: Vec<u8>,
        deadline: Timestamp,
    },
    Open(Open<S>),
    /// All is written; the peer has until the deadline to close too. Closing with unread bytes would reset
    /// the connection and lose what the peer has not read yet.
    Lingering {
        deadline: Timestamp,
    },
}

struct Open<S> {
    session: Session,
    client: Option<Client>,
    /// Where the client lives, if there is one.
    at: HomeKey,
    /// Whether the driver and the hub know, or knew, of the client.
    standing: Standing,
    reading: Reading,
    /// Whether a message is put together in one of the driver's buffers.
    has_buffer: bool,
    /// Whether the peer took some of what waits since the last deadline.
    has_progressed: bool,
    state: S,
}

/// Whether a connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Goes,
    /// Its task has more messages than it takes.
    Paused,
    /// The peer's stream has ended, and would be reported as readable for ever.
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// No client, or the driver does not know it yet.
    New,
    Registered,
    /// The hub has forgotten the client.
    Gone,
}

impl<S: Send + 'static> Connection<S> {
    pub(crate) fn new<H: Handler<State = S>>(socket: Socket, address: SocketAddr, turn: &Turn<H>) -> Self {
        let handshake = ServerHandshake::new(turn.plan.config.clone(), turn.now);
        Self::in_stage(Stage::Opening { handshake, address }, Place::Taken, socket)
    }

    /// One that only gets `response`.
    pub(crate) fn beyond_capacity<H: Handler<State = S>>(
        socket: Socket,
        response: &[u8],
        turn: &Turn<H>,
    ) -> Self {
        let deadline = turn.now + turn.plan.config.close_timeout;
        Self::in_stage(Stage::Refusing { rest: response.into(), deadline }, Place::Beyond, socket)
    }

    fn in_stage(stage: Stage<S>, place: Place, socket: Socket) -> Self {
        Self { socket, entered: None, is_to_be_flushed: false, place, stage }
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Reads once, and does all that follows from what came.
    pub(crate) fn read<H: Handler<State = S>>(&mut self, turn: &mut Turn<H>) -> Fate {
        let mut buffer = mem::take(&mut turn.input);
        let fate = match &mut self.stage {
            Stage::Opening { .. } => self.read_handshake(&mut buffer, turn),
            Stage::Open(open) => {
                open.read(self.socket.socket(), &mut buffer, turn);
                self.flush(turn)
            }
            Stage::Refusing { .. } | Stage::Lingering { .. } => self.discard(&mut buffer),
        };
        turn.input = buffer;
        fate
    }

    fn read_handshake<H: Handler<State = S>>(&mut self, buffer: &mut [u8], turn: &mut Turn<H>) -> Fate {
        let Stage::Opening { handshake, address } = &mut self.stage else { return Fate::Stays };
        let bytes = match read(self.socket.socket(), buffer) {
            Ok(0) => return Fate::Goes,
            Ok(bytes) => bytes,
            Err(error) => return fate_of(&error),
        };
        let mut input = &mut buffer[..bytes];
        let response = match handshake.receive(&mut input) {
            Ok(None) => return Fate::Stays,
            Ok(Some(Request::Http(request))) => return Fate::IsHandedOver([request.head(), input].concat()),
            Ok(Some(Request::Upgrade(upgrade))) => match turn.plan.origins.check(&upgrade) {
                Err(refusal) => return self.turn_away(&refusal, turn),
                Ok(()) => {
                    let answer = contain(|| turn.handler.on_request(&upgrade, *address))
                        .unwrap_or_else(|| Answer::reject(500, APPLICATION_FAILED));
                    match Answered::new(&upgrade, answer, turn.now) {
                        Answered::Rejected { response } | Answered::Unsendable { response, .. } => response,
                        Answered::Accepted { connection, state } => {
                            let session = Session::new(connection, turn.plan.hub.outbox_limits());
                            let standing = Standing::New;
                            self.stage = Stage::Open(Open {
                                session,
                                client: None,
                                at: HomeKey::OWN,
                                standing,
                                reading: Reading::Goes,
                                has_buffer: false,
                                has_progressed: false,
                                state,
                            });
                            return self.begin(input, turn);
                        }
                    }
                }
            },
            Err(refusal) => return self.turn_away(&refusal, turn),
        };
        self.refuse(response, turn)
    }

    /// Begins with a connection whose handshake is done; `input` came with it.
    fn begin<H: Handler<State = S>>(&mut self, mut input: &mut [u8], turn: &mut Turn<H>) -> Fate {
        let Stage::Open(open) = &mut self.stage else { return Fate::Stays };
        turn.mail.tally.bytes_in.add(input.len());
        open.session.outgoing_mut().lend_buffer(&mut turn.output);
        open.open(self.socket.socket(), turn);
        open.receive(&mut input, self.socket.socket(), turn);
        self.flush(turn)
    }

    fn turn_away<H: Handler<State = S>>(&mut self, refusal: &Refusal, turn: &mut Turn<H>) -> Fate {
        if let Ok(address) = self.socket.socket().peer_addr() {
            contain(|| turn.handler.on_refusal(refusal, address));
        }
        self.refuse(refusal.response(), turn)
    }

    fn refuse<H: Handler<State = S>>(&mut self, response: Vec<u8>, turn: &mut Turn<H>) -> Fate {
        let deadline = turn.now + turn.plan.config.close_timeout;
        self.stage = Stage::Refusing { rest: response, deadline };
        self.flush(turn)
    }

    fn discard(&mut self, buffer: &mut [u8]) -> Fate {
        match read(self.socket.socket(), buffer) {
            Ok(0) => Fate::Goes,
            Ok(_) => Fate::Stays,
            Err(error) => fate_of(&error),
        }
    }

    /// Writes what waits, as far as the socket takes it, and ends what is finished.
    pub(crate) fn flush<H: Handler<State = S>>(&mut self, turn: &mut Turn<H>) -> Fate {
        self.is_to_be_flushed = false;
        match &mut self.stage {
            Stage::Opening { .. } | Stage::Lingering { .. } => Fate::Stays,
            Stage::Refusing { rest, .. } => {
                match write::<1>(self.socket.socket(), &[rest]) {
                    Ok(bytes) => {
                        turn.mail.tally.bytes_out.add(bytes);
                        rest.drain(..bytes);
                    }
                    Err(error) => return fate_of(&error),
                }
                if rest.is_empty() { self.linger(turn) } else { Fate::Stays }
            }
            Stage::Open(open) => {
                if open.session.closure().is_some() {
                    open.leave();
                }
                let is_written = open.write(self.socket.socket(), turn);
                open.session.outgoing_mut().reclaim_buffer(&mut turn.output);
                if is_written.is_err() {
                    open.session.receive_eof();
                    return Fate::Goes;
                }
                if !open.session.is_finished() {
                    return Fate::Stays;
                }
                if open.session.has_ended() { Fate::Goes } else { self.linger(turn) }
            }
        }
    }

    fn linger<H: Handler<State = S>>(&mut self, turn: &mut Turn<H>) -> Fate {
        if self.socket.socket().shutdown(Shutdown::Write).is_err() {
            return Fate::Goes;
        }
        let deadline = turn.now + turn.plan.config.close_timeout;
        let stage = mem::replace(&mut self.stage, Stage::Lingering { deadline });
        stage.end(turn);
        Fate::Stays
    }

    /// Puts what the hub delivers into the outbox of `client`, if this still is its connection.
    pub(crate) fn deliver<H: Handler<State = S>>(
        &mut self,
        client: ClientId,
        parcel: &Parcel,
        turn: &mut Turn<H>,
    ) {
        let Stage::Open(open) = &mut self.stage else { return };
        if !open.is(client) {
            return;
        }
        let (stream, now, tally) = (self.socket.socket(), turn.now, &turn.mail.tally);
        let pushed = open.session.outgoing_mut().deliver(parcel, |outgoing| {
            // An error shows again when flushing.
            let bytes = write_waiting(stream, outgoing, now).unwrap_or(0);
            tally.bytes_out.add(bytes);
            note_waiting(outgoing, tally);
            open.has_progressed |= bytes > 0;
        });
        let messages = parcel.messages().len();
        match pushed {
            Pushed::Queued => tally.messages_out.add(messages),
            Pushed::Closing => {}
            Pushed::Dropped { messages: lost } => {
                tally.messages_out.add(messages.saturating_sub(usize::try_from(lost).unwrap_or(usize::MAX)));
                turn.losses.push(Notice::Dropped { client, messages: lost });
            }
            Pushed::Overflowed => {
                let (code, reason) = TOO_SLOW;
                // The code is one that may be sent.
                let _ = open.session.outgoing_mut().close_now(code, reason, turn.now);
                open.standing = Standing::Gone;
                turn.losses.push(Notice::TooSlow { client });
                contain(|| turn.handler.on_too_slow(client, &mut open.state));
            }
        }
    }

    /// Closes the connection of `client`, which the hub has forgotten.
    pub(crate) fn disconnect(&mut self, client: ClientId, code: CloseCode, reason: &str, now: Timestamp) {
        let Stage::Open(open) = &mut self.stage else { return };
        if open.is(client) {
            open.standing = Standing::Gone;
            if open.session.outgoing_mut().close(code, reason, now).is_err() {
                let _ = open.session.outgoing_mut().close(CloseCode::NORMAL, reason, now);
            }
        }
    }

    /// Reads again, if this still is the connection of `client`.
    pub(crate) fn resume(&mut self, client: ClientId) -> Fate {
        if let Stage::Open(open) = &mut self.stage
            && open.is(client)
            && open.reading == Reading::Paused
        {
            open.reading = Reading::Goes;
        }
        Fate::Stays
    }

    /// Says that it has something new to write; false if that was known.
    pub(crate) fn mark_to_flush(&mut self) -> bool {
        !mem::replace(&mut self.is_to_be_flushed, true)
    }

    /// Closes, because the server stops.
    pub(crate) fn stop<H: Handler<State = S>>(&mut self, turn: &mut Turn<H>) -> Fate {
        match &mut self.stage {
            Stage::Opening { .. } => Fate::Goes,
            Stage::Refusing { .. } | Stage::Lingering { .. } => Fate::Stays,
            Stage::Open(open) => {
                // The code is one that may be sent.
                let _ = open.session.outgoing_mut().close(
                    CloseCode::GOING_AWAY,
                    "the server is stopping",
                    turn.now,
                );
                self.flush(turn)
            }
        }
    }

    pub(crate) fn handle_timeout<H: Handler<State = S>>(&mut self, turn: &mut Turn<H>) -> Fate {
        match &mut self.stage {
            Stage::Opening { handshake, .. } => match handshake.handle_timeout(turn.now) {
                None => Fate::Stays,
                Some(refusal) => self.turn_away(&refusal, turn),
            },
            Stage::Refusing { deadline, .. } | Stage::Lingering { deadline } => {
                if *deadline <= turn.now {
                    Fate::Goes
                } else {
                    Fate::Stays
                }
            }
            Stage::Open(open) => {
                let has_progressed = mem::take(&mut open.has_progressed);
                let is_excused = match open.reading {
                    Reading::Paused => true,
                    // Its answers are not read until it has taken ours, which it is doing.
                    Reading::Goes => has_progressed && !open.session.outgoing().wants_input(),
                    Reading::Ended => false,
                };
                if is_excused {
                    open.session.excuse_silence(turn.now);
                }
                open.session.handle_timeout(turn.now);
                self.flush(turn)
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        match &self.stage {
            Stage::Opening { handshake, .. } => handshake.poll_timeout(),
            Stage::Refusing { deadline, .. } | Stage::Lingering { deadline } => Some(*deadline),
            Stage::Open(open) => open.session.poll_timeout(),
        }
    }

    /// Where it stands among the driver's deadlines.
    pub(crate) fn entered(&mut self) -> &mut Option<Timestamp> {
        &mut self.entered
    }

    /// The client that it became since this was last asked, and where that lives.
    pub(crate) fn take_new_client(&mut self) -> Option<(HomeKey, ClientId)> {
        let Stage::Open(open) = &mut self.stage else { return None };
        let client = open.client.as_ref()?;
        (open.standing == Standing::New).then(|| {
            open.standing = Standing::Registered;
            (open.at, client.id())
        })
    }

    /// Watches for what it waits for now.
    pub(crate) fn update_interest(&mut self, key: usize) -> io::Result<()> {
        let interest = match &self.stage {
            Stage::Opening { .. } | Stage::Lingering { .. } => Interest::Read,
            Stage::Refusing { .. } => Interest::ReadAndWrite,
            Stage::Open(open) => {
                let outgoing = open.session.outgoing();
                let is_read = match open.reading {
                    Reading::Goes => outgoing.wants_input(),
                    // The peer's close frame is waited for; messages before it are for nobody.
                    Reading::Paused => outgoing.wants_input() && !outgoing.is_open(),
                    Reading::Ended => false,
                };
                match (is_read, outgoing.is_drained()) {
                    (true, true) => Interest::Read,
                    (true, false) => Interest::ReadAndWrite,
                    (false, false) => Interest::Write,
                    (false, true) => Interest::Nothing,
                }
            }
        };
        self.socket.set_interest(key, interest)
    }

    /// Where the client lives that it is.
    pub(crate) fn at(&self) -> HomeKey {
        match &self.stage {
            Stage::Open(open) => open.at,
            Stage::Opening { .. } | Stage::Refusing { .. } | Stage::Lingering { .. } => HomeKey::OWN,
        }
    }

    /// The end: tells the hub and the application.
    pub(crate) fn end<H: Handler<State = S>>(self, turn: &mut Turn<H>) {
        self.stage.end(turn);
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}

impl<S: Send + 'static> Stage<S> {
    fn end<H: Handler<State = S>>(self, turn: &mut Turn<H>) {
        let Self::Open(mut open) = self else { return };
        if open.has_buffer {
            turn.buffers.take_back(open.session.reclaim_message_buffer().unwrap_or_default());
        }
        open.session.receive_eof();
        let messages = open.session.outgoing_mut().end();
        open.leave();
        let client = open.client.as_ref().map(Client::id);
        if let Some(connected) = open.client {
            turn.homes.forget(open.at, connected.id());
            connected.hub().note(Notice::Undelivered { client: connected.id(), messages });
        }
        if let Some(closure) = open.session.closure() {
            contain(|| turn.handler.on_close(client, open.state, closure));
        }
    }
}

impl<S: Send + 'static> Open<S> {
    /// Reads once; of a large message more, up to a limit.
    fn read<H: Handler<State = S>>(&mut self, stream: &TcpStream, buffer: &mut [u8], turn: &mut Turn<H>) {
        let mut total = 0;
        while let Some(bytes) = self.read_once(stream, buffer, turn) {
            total += bytes;
            if total >= LARGE_READ_BYTES || self.session.spare().is_none() {
                break;
            }
        }
    }

    /// Returns how many bytes it read, unless the socket has no more.
    fn read_once<H: Handler<State = S>>(
        &mut self,
        stream: &TcpStream,
        buffer: &mut [u8],
        turn: &mut Turn<H>,
    ) -> Option<usize> {
        if !self.has_buffer
            && self.session.wants_message_buffer()
            && let Some(lent) = turn.buffers.lend()
        {
            self.session.lend_message_buffer(lent);
            self.has_buffer = true;
        }
        let (outcome, room, is_direct) = match self.session.spare() {
            Some(spare) => (read(stream, spare), spare.len(), true),
            None => (read(stream, buffer), buffer.len(), false),
        };
        let bytes = match outcome {
            Ok(bytes) if bytes > 0 => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Ok(_) | Err(_) => {
                self.reading = Reading::Ended;
                self.session.receive_eof();
                return None;
            }
        };
        turn.mail.tally.bytes_in.add(bytes);
        let mut input = if is_direct {
            self.session.filled(bytes, turn.now);
            &mut []
        } else {
            &mut buffer[..bytes]
        };
        self.session.outgoing_mut().lend_buffer(&mut turn.output);
        self.receive(&mut input, stream, turn);
        if self.has_buffer
            && let Some(lent) = self.session.reclaim_message_buffer()
        {
            turn.buffers.take_back(lent);
            self.has_buffer = false;
        }
        (bytes == room).then_some(bytes)
    }

    fn receive<H: Handler<State = S>>(
        &mut self,
        input: &mut &mut [u8],
        stream: &TcpStream,
        turn: &mut Turn<H>,
    ) {
        let (handler, hub) = (&turn.handler, &turn.plan.hub);
        // An error has been answered and ends the session.
        while let Ok(Some((event, outgoing))) = self.session.receive(input, turn.now) {
            if !outgoing.is_open() {
                continue; // the application has closed, and hears no more
            }
            let (client, state) = (&mut self.client, &mut self.state);
            let mut peer = Peer {
                outgoing: &mut *outgoing,
                client,
                hub,
                homes: &mut turn.homes,
                at: &mut self.at,
                mail: &turn.mail,
                reading: &mut self.reading,
                stream,
                now: turn.now,
            };
            match event {
                Event::Text(_) | Event::Binary(_) => turn.mail.tally.messages_in.add(1),
                Event::Piece(piece) if piece.is_last => turn.mail.tally.messages_in.add(1),
                Event::Piece(_) | Event::Ping(_) | Event::Pong(_) | Event::Closing { .. } => {}
            }
            let handled = contain(|| match event {
                Event::Text(text) => handler.on_message(&mut peer, state, Message::Text(text)),
                Event::Binary(bytes) => handler.on_message(&mut peer, state, Message::Binary(bytes)),
                Event::Piece(piece) => handler.on_piece(&mut peer, state, piece),
                Event::Ping(_) | Event::Pong(_) | Event::Closing { .. } => {}
            });
            if handled.is_none() {
                close_failed(outgoing, turn.now);
            }
        }
    }

    /// Tells the application that it is open.
    fn open<H: Handler<State = S>>(&mut self, stream: &TcpStream, turn: &mut Turn<H>) {
        let outgoing = self.session.outgoing_mut();
        let mut peer = Peer {
            outgoing: &mut *outgoing,
            client: &mut self.client,
            hub: &turn.plan.hub,
            homes: &mut turn.homes,
            at: &mut self.at,
            mail: &turn.mail,
            reading: &mut self.reading,
            stream,
            now: turn.now,
        };
        let opened = contain(|| turn.handler.on_open(&mut peer, &mut self.state));
        if opened.is_none() {
            close_failed(outgoing, turn.now);
        }
    }

    /// Writes what waits until the socket takes no more.
    fn write<H>(&mut self, stream: &TcpStream, turn: &Turn<H>) -> io::Result<()> {
        let bytes = write_waiting(stream, self.session.outgoing_mut(), turn.now)?;
        turn.mail.tally.bytes_out.add(bytes);
        note_waiting(self.session.outgoing(), &turn.mail.tally);
        self.has_progressed |= bytes > 0;
        Ok(())
    }

    fn is(&self, client: ClientId) -> bool {
        self.client.as_ref().is_some_and(|own| own.id() == client)
    }

    /// Tells the hub that the client is gone, once.
    fn leave(&mut self) {
        if let Some(client) = &self.client
            && mem::replace(&mut self.standing, Standing::Gone) != Standing::Gone
        {
            client.hub().gone(client.id());
        }
    }
}

/// Takes note of the deliveries that a client's socket did not take.
fn note_waiting(outgoing: &Outgoing, tally: &Tally) {
    let outbox = outgoing.outbox();
    if !outbox.is_empty() {
        tally.most_waiting_messages.raise(outbox.len());
        tally.most_waiting_bytes.raise(outbox.bytes());
    }
}

/// Writes what waits until the socket takes no more; returns how many bytes it took.
fn write_waiting(stream: &TcpStream, outgoing: &mut Outgoing, now: Timestamp) -> io::Result<usize> {
    let mut total = 0;
    loop {
        let mut slices = [&[][..]; SLICES];
        let filled = outgoing.poll_transmit(&mut slices);
        let slices = &slices[..filled];
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        if slices.is_empty() {
            return Ok(total);
        }
        match write::<SLICES>(stream, slices) {
            Ok(bytes) => {
                outgoing.transmitted(bytes, now);
                total += bytes;
                // A socket that took only a part is full, and trying again would only tell so.
                if bytes < offered || outgoing.is_drained() {
                    return Ok(total);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(total),
            Err(error) => return Err(error),
        }
    }
}

/// Closes the connection of a peer whose handler panicked; nobody knows what that left undone.
fn close_failed(outgoing: &mut Outgoing, now: Timestamp) {
    // The code is one that may be sent.
    let _ = outgoing.close_now(CloseCode::INTERNAL_ERROR, APPLICATION_FAILED, now);
}

/// Writes once; nothing if the socket takes nothing, or has failed, which shows again with the next write.
pub(crate) fn write_once(stream: &TcpStream, parts: [&[u8]; 2]) -> usize {
    write::<2>(stream, &parts).unwrap_or(0)
}

fn fate_of(error: &io::Error) -> Fate {
    if error.kind() == io::ErrorKind::WouldBlock { Fate::Stays } else { Fate::Goes }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn an_open_connection_fits_into_six_cache_lines() {
        assert!(size_of::<Connection<()>>() <= 6 * 64, "{} bytes", size_of::<Connection<()>>());
    }
}
