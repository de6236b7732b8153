use crate::client::Client;
use crate::driver::Driver;
use crate::handler::{Handler, Peer, Takeover};
use crate::link::{Came, Incoming, Link};
use crate::opening::{Opened, open, refuse};
use crate::server::{Connections, Plan};
use realtime_adapter::{Error, ForAdapters, MessageBuffers, contain, lock};
use realtime_core::{Answer, Session};
use realtime_ws::{Event, Message, Receiver};
use rustix::net::{RecvFlags, recv};
use std::mem::{self, MaybeUninit};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

/// Bytes read at a time: a message of 16 KiB with its header, and some more. On the heap, where the system gives no memory for
/// what nothing was ever read to; on the stack all of it would be touched. More of a large frame is read straight to where it
/// is put together.
const READ_BYTES: usize = 20 * 1024;

const APPLICATION_FAILED: &str = "the application failed";

/// What the connections of a server share.
pub(crate) struct Service<H> {
    pub(crate) handler: H,
    pub(crate) plan: Plan,
    pub(crate) driver: Driver,
    pub(crate) connections: Connections,
    /// Where large messages are put together.
    pub(crate) buffers: Mutex<MessageBuffers>,
}

/// Serves the connection `number` from its first byte to its last, in a thread of its own.
pub(crate) fn serve<H: Handler>(
    service: &Service<H>,
    number: u64,
    stream: Arc<TcpStream>,
    address: SocketAddr,
) {
    let Plan { config, hub, origins } = &service.plan;
    let clock = hub.clock();
    let mut buffer = Box::new_uninit_slice(READ_BYTES);
    let opened = open(&stream, config, &clock, &mut buffer, |upgrade| {
        origins.check(upgrade)?;
        Ok(contain(|| service.handler.on_request(upgrade, address))
            .unwrap_or_else(|| Answer::reject(500, APPLICATION_FAILED)))
    });
    match opened {
        Ok(Opened::WebSocket { connection, state, mut rest }) => {
            let (receiver, outgoing) = Session::new(*connection, hub.outbox_limits()).split();
            let link = Arc::new(Link::new(stream, outgoing, clock));
            if service.connections.open(number, &link) {
                let driver = &service.driver;
                let membership =
                    Membership { driver, link: Arc::clone(&link), client: None, has_left: false };
                let incoming = Incoming::new(link, receiver);
                let loan = Loan { buffers: &service.buffers, is_taken: false };
                let conversation = Conversation { service, incoming, membership, loan, state, address };
                conversation.run(&mut rest, &mut buffer);
            }
        }
        Ok(Opened::Http(received)) => {
            service.connections.release(number);
            // Nobody else has the socket any more.
            if let Some(stream) = Arc::into_inner(stream)
                && stream.set_read_timeout(None).is_ok()
            {
                contain(|| service.handler.on_http(Takeover { stream, received, address }));
            }
        }
        Ok(Opened::Refused { response, error }) => {
            if let Error::Refused(refusal) = &error {
                contain(|| service.handler.on_refusal(refusal, address));
            }
            refuse(&stream, &response, config.close_timeout, &clock);
        }
        Err(_) => {}
    }
}

/// A connection from the end of its opening handshake to its last byte.
struct Conversation<'s, H: Handler> {
    service: &'s Service<H>,
    incoming: Incoming,
    membership: Membership<'s>,
    loan: Loan<'s>,
    state: H::State,
    address: SocketAddr,
}

impl<H: Handler> Conversation<'_, H> {
    /// Runs it to its end; `rest` came with the opening handshake.
    fn run(mut self, rest: &mut [u8], buffer: &mut [MaybeUninit<u8>]) {
        self.tell(|handler, peer, state| handler.on_open(peer, state));
        self.receive(rest);
        loop {
            self.loan.take(&mut self.incoming.receiver);
            match self.incoming.read(|stream| recv(stream, &mut buffer[..], RecvFlags::empty())) {
                Came::Read((bytes, _)) => self.receive(bytes),
                Came::Nothing => self.receive(&mut []),
                Came::End => break,
            }
            self.loan.give_back(&mut self.incoming.receiver);
            if self.incoming.receiver.is_closed() {
                // The others need not wait until it is closed on both sides.
                self.membership.leave();
            }
        }
        self.end();
    }

    fn receive(&mut self, mut input: &mut [u8]) {
        loop {
            let link = Arc::clone(&self.incoming.link);
            let now = link.now();
            let event = match self.incoming.receiver.receive(&mut input, now) {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(misbehaved) => return link.outbound().fail(&misbehaved, now),
            };
            let mut outbound = link.outbound();
            outbound.handle_event(&event, now);
            let is_open = outbound.is_open();
            drop(outbound);
            if !is_open {
                continue; // who has closed hears no more
            }
            let (handler, state) = (&self.service.handler, &mut self.state);
            let mut peer = Peer {
                link: &link,
                driver: &self.service.driver,
                client: &mut self.membership.client,
                address: self.address,
            };
            match event {
                Event::Text(text) => handler.on_message(&mut peer, state, Message::Text(text)),
                Event::Binary(bytes) => handler.on_message(&mut peer, state, Message::Binary(bytes)),
                Event::Piece(piece) => handler.on_piece(&mut peer, state, piece),
                Event::Ping(_) | Event::Pong(_) | Event::Closing { .. } => continue,
            }
            self.incoming.receiver.excuse_silence(link.now()); // nothing was read while the application was busy
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&H, &mut Peer<'_>, &mut H::State)) {
        let mut peer = Peer {
            link: &self.incoming.link,
            driver: &self.service.driver,
            client: &mut self.membership.client,
            address: self.address,
        };
        tell(&self.service.handler, &mut peer, &mut self.state);
    }

    fn end(mut self) {
        self.incoming.receiver.give_up();
        let client = self.membership.client.as_ref().map(Client::id);
        self.membership.end();
        if let Some(closure) = self.incoming.receiver.closure() {
            self.service.handler.on_close(client, self.state, closure);
        }
        self.incoming.finish();
    }
}

/// That a connection puts a message together in one of the server's buffers. It ends with the connection, also if the handler
/// panics.
struct Loan<'s> {
    buffers: &'s Mutex<MessageBuffers>,
    is_taken: bool,
}

impl Loan<'_> {
    fn take(&mut self, receiver: &mut Receiver) {
        if !self.is_taken
            && receiver.wants_message_buffer()
            && let Some(buffer) = lock(self.buffers).lend()
        {
            self.is_taken = true;
            receiver.lend_message_buffer(buffer);
        }
    }

    fn give_back(&mut self, receiver: &mut Receiver) {
        if self.is_taken
            && let Some(buffer) = receiver.reclaim_message_buffer()
        {
            self.is_taken = false;
            lock(self.buffers).take_back(buffer);
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if self.is_taken {
            lock(self.buffers).take_back(Vec::new());
        }
    }
}

/// That a connection is a client of the hub; ends with it, also if the handler panics.
struct Membership<'s> {
    driver: &'s Driver,
    link: Arc<Link>,
    client: Option<Client>,
    has_left: bool,
}

impl Membership<'_> {
    fn leave(&mut self) {
        if let Some(client) = &self.client
            && !mem::replace(&mut self.has_left, true)
        {
            self.driver.forget(client.id());
        }
    }

    fn end(&mut self) {
        self.leave();
        if let Some(client) = self.client.take() {
            self.driver.report_undelivered(client.id(), &self.link);
        }
    }
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
