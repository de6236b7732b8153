use crate::{ClientId, ClientTable, Home, Notice, Order, Outbox, OutboxLimits, Pushed};
use alloc::string::String;
use realtime_ws::{CloseCode, PreparedMessage};

/// The clients of one loop that have no connection: whoever in the process, or behind any other transport,
/// takes what is delivered message by message.
///
/// `W` is what wakes the one that waits for a client's messages.
#[derive(Debug)]
pub struct LocalClients<W> {
    limits: OutboxLimits,
    clients: ClientTable<LocalClient<W>>,
}

#[derive(Debug)]
struct LocalClient<W> {
    outbox: Outbox,
    ending: Option<Ending>,
    waker: W,
}

impl<W> LocalClient<W> {
    fn push(&mut self, message: PreparedMessage) -> Pushed {
        if self.ending.is_some() { Pushed::Closing } else { self.outbox.push(message) }
    }
}

/// Why a client gets nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The code that a connection would be closed with.
    pub code: CloseCode,
    /// The reason.
    pub reason: String,
}

/// What there is for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The next message.
    Message(PreparedMessage),
    /// Nothing yet.
    Nothing,
    /// Nothing any more, after all messages from before the end.
    Ended(Ending),
}

impl<W> LocalClients<W> {
    /// No clients; the outbox of each that comes is bounded by `limits`.
    #[must_use]
    pub const fn new(limits: OutboxLimits) -> Self {
        Self { limits, clients: ClientTable::new() }
    }

    /// Makes room for what is delivered to `client`, until it is removed.
    pub fn insert(&mut self, client: ClientId, waker: W) {
        let outbox = Outbox::new(self.limits);
        self.clients.insert(client, LocalClient { outbox, ending: None, waker });
    }

    /// Forgets `client` and what waits for it; returns how many messages that were.
    pub fn remove(&mut self, client: ClientId) -> u64 {
        self.clients.remove(client).map_or(0, |mut local| local.outbox.clear())
    }

    /// Does what `order` says to those of its clients that are here. Wakes each that has something to receive
    /// through `wake`, and tells of messages that were lost through `lose`. Of a client that is
    /// [`Notice::TooSlow`], the hub is to be told that it is gone.
    pub fn perform(
        &mut self,
        order: Order,
        here: Home,
        mut wake: impl FnMut(&mut W),
        mut lose: impl FnMut(Notice),
    ) {
        match order {
            Order::Deliver { to, parcel } => {
                for client in to.at(here) {
                    for message in parcel.messages() {
                        self.deliver(client, message, &mut wake, &mut lose);
                    }
                }
            }
            Order::Disconnect { client, code, reason } => {
                if let Some(local) = self.clients.get_mut(client) {
                    local.ending.get_or_insert(Ending { code, reason });
                    wake(&mut local.waker);
                }
            }
        }
    }

    fn deliver(
        &mut self,
        client: ClientId,
        message: &PreparedMessage,
        wake: &mut impl FnMut(&mut W),
        lose: &mut impl FnMut(Notice),
    ) {
        let Some(local) = self.clients.get_mut(client) else {
            return lose(Notice::Undelivered { client, messages: 1 });
        };
        match local.push(message.clone()) {
            Pushed::Queued => {}
            Pushed::Dropped { messages } => lose(Notice::Dropped { client, messages }),
            Pushed::Overflowed => {
                let messages = local.outbox.clear() + 1;
                let (code, reason) = TOO_SLOW;
                local.ending = Some(Ending { code, reason: reason.into() });
                lose(Notice::TooSlow { client });
                lose(Notice::Undelivered { client, messages });
            }
            Pushed::Closing => lose(Notice::Undelivered { client, messages: 1 }),
        }
        wake(&mut local.waker);
    }

    /// The next message for `client`, or why there is none.
    pub fn receive(&mut self, client: ClientId) -> Received {
        let Some(local) = self.clients.get_mut(client) else {
            return Received::Ended(Ending { code: CloseCode::NORMAL, reason: String::new() });
        };
        match (local.outbox.pop(), &local.ending) {
            (Some(message), _) => Received::Message(message),
            (None, Some(ending)) => Received::Ended(ending.clone()),
            (None, None) => Received::Nothing,
        }
    }

    /// What wakes the one that waits for `client`'s messages.
    pub fn waker(&mut self, client: ClientId) -> Option<&mut W> {
        self.clients.get_mut(client).map(|local| &mut local.waker)
    }

    /// How many messages the policy has dropped of `client`'s so far.
    #[must_use]
    pub fn dropped(&self, client: ClientId) -> u64 {
        self.clients.get(client).map_or(0, |local| local.outbox.dropped())
    }
}

/// What a client is told that is disconnected because its outbox was full: pusher-js and browsers may come
/// back.
pub const TOO_SLOW: (CloseCode, &str) = (CloseCode::TRY_AGAIN_LATER, "received too slowly");
