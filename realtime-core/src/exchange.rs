use crate::{
    Action, AuthorizationRequest, ChannelName, ClientId, Denial, Home, Hub, HubError, Input, Member, Parcel,
    Recipients,
};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};

/// A hub, and the bounded queues between it and the loops that own its clients.
///
/// For drivers with several loops or threads: whoever has an input hands it in, under a lock that is held
/// only for that; what is to be done lands in the mailbox of the loop that has to do it, once per loop and
/// not once per client. All loops see the orders of one channel in the same sequence.
///
/// After every [`handle_input`](Self::handle_input), wake the loops that [`poll_wake`](Self::poll_wake) names
/// and tell the application what [`poll_notice`](Self::poll_notice) says.
pub struct Exchange {
    hub: Hub,
    limits: MailboxLimits,
    // The moment of the latest input.
    now: Timestamp,
    mailboxes: Vec<Mailbox>,
    to_wake: Vec<Home>,
    notices: VecDeque<Notice>,
    // How many messages were lost of those that a notice waits for.
    lost: BTreeMap<(Loss, ClientId), u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    Dropped,
    Undelivered,
}

/// How much may wait for one loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxLimits {
    /// The most orders, and the most notices that the application has not taken. Default 65,536. Beyond it,
    /// what the application wants of this loop's clients, or of all if it has not taken its notices, is
    /// refused with [`HubError::Overloaded`] until the loop, or the application, has caught up. Clients that
    /// leave, channels they leave, and answers of the authorizer are always taken: what they add is bounded by
    /// the subscriptions there are, since no more are taken.
    pub max_orders: usize,
    /// The most bytes of messages, each counted once however many clients get it. Default 64 MiB.
    pub max_bytes: usize,
}

impl Default for MailboxLimits {
    fn default() -> Self {
        Self { max_orders: 65_536, max_bytes: 64 * 1024 * 1024 }
    }
}

/// What one loop has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Put `parcel` into the outbox of each of `to` that lives at this home.
    Deliver {
        /// Who gets it.
        to: Recipients,
        /// A message; several only in orders that were [`joined`](Self::joined).
        parcel: Parcel,
    },
    /// Close a client's transport with `code`, after what is already in its outbox. The hub has forgotten it.
    Disconnect {
        /// The client.
        client: ClientId,
        /// The code.
        code: CloseCode,
        /// The reason to tell it.
        reason: String,
    },
}

/// What has happened, for the application.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A client receives a channel's messages from now on.
    Subscribed {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
        /// How many clients do, with this one.
        subscribers: usize,
    },
    /// A client was not let into a channel.
    Denied {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
        /// Why.
        denial: Denial,
    },
    /// A client that was let into a channel was told that no message is retained for it.
    NothingRetained {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
    },
    /// A client no longer receives a channel's messages.
    Unsubscribed {
        /// The client.
        client: ClientId,
        /// The channel.
        channel: ChannelName,
        /// How many clients still do.
        subscribers: usize,
    },
    /// A member joined a presence channel.
    Joined {
        /// The channel.
        channel: ChannelName,
        /// Who.
        member: Member,
    },
    /// A member left a presence channel.
    Left {
        /// The channel.
        channel: ChannelName,
        /// Who.
        member: Member,
    },
    /// A client received more slowly than it was sent to, and lost messages.
    Dropped {
        /// The client.
        client: ClientId,
        /// How many messages.
        messages: u64,
    },
    /// A client received more slowly than it was sent to, and was disconnected.
    TooSlow {
        /// The client.
        client: ClientId,
    },
    /// A client was disconnected or left before it was sent all that was for it. What a server takes with it that
    /// stops is not told of.
    Undelivered {
        /// The client.
        client: ClientId,
        /// How many messages it did not get. None of them is told of as dropped too.
        messages: u64,
    },
    /// The hub is closed.
    Closed,
}

/// What came of an input, for whoever handed it in.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was taken. For a subscribe: the client is subscribed already, or the authorizer is being asked
    /// already. For a decision: what was asked is no longer wanted.
    Taken,
    /// The client is known by this id from now on.
    Connected(ClientId),
    /// The client is subscribed from now on.
    Subscribed,
    /// The client was not let in.
    Denied(Denial),
    /// Ask the authorizer, and hand in its answer as [`Input::Decided`].
    Authorize(AuthorizationRequest),
}

impl Exchange {
    /// An exchange around `hub` with one loop, [`Home::default`]; each of its mailboxes is bounded by
    /// `limits`.
    #[must_use]
    pub fn new(hub: Hub, limits: MailboxLimits) -> Self {
        Self {
            hub,
            limits,
            now: Timestamp::START,
            mailboxes: Vec::from([Mailbox::default()]),
            to_wake: Vec::new(),
            notices: VecDeque::new(),
            lost: BTreeMap::new(),
        }
    }

    /// Makes room for the orders of one more loop; `None` if there are 65,536 already.
    pub fn add_home(&mut self) -> Option<Home> {
        let home = Home(u16::try_from(self.mailboxes.len()).ok()?);
        self.mailboxes.push(Mailbox::default());
        Some(home)
    }

    /// The hub, to be asked.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Takes one input.
    ///
    /// # Errors
    /// [`HubError`]; nothing changed. [`HubError::Overloaded`] passes when the loops that the input concerns
    /// and the application catch up.
    pub fn handle_input(&mut self, input: Input, now: Timestamp) -> Result<Outcome, HubError> {
        self.now = now;
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            // By itself, so that the denial of whoever waited too long is not taken for what came of `input`.
            self.hub.handle_input(Input::TimePassed, now)?;
            self.perform_actions();
        }
        if let Input::Connect { home, .. } = &input
            && usize::from(home.0) >= self.mailboxes.len()
        {
            return Err(HubError::UnknownHome);
        }
        if is_refusable(&input) && self.is_overloaded_for(&input) {
            return Err(HubError::Overloaded);
        }
        self.hub.handle_input(input, now)?;
        Ok(self.perform_actions())
    }

    /// Takes note of what became of a delivery in a loop, for the application. What one client lost is added up
    /// until the application is told: an application that listens slowly has two such notices to come for each
    /// client, however much is lost meanwhile. A loss of nothing is none.
    pub fn note(&mut self, mut notice: Notice) {
        if let Some((loss, messages)) = lost(&mut notice) {
            if *messages == 0 {
                return;
            }
            let is_waiting = self.lost.contains_key(&loss);
            *self.lost.entry(loss).or_default() += *messages;
            if is_waiting {
                return;
            }
        }
        self.notices.push_back(notice);
    }

    /// When to hand in [`Input::TimePassed`]; `None`: never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.hub.poll_timeout()
    }

    /// A loop that has orders and does not know it yet.
    pub fn poll_wake(&mut self) -> Option<Home> {
        self.to_wake.pop()
    }

    /// What to tell the application next, in the order in which it happened.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        let mut notice = self.notices.pop_front()?;
        if let Some((loss, messages)) = lost(&mut notice) {
            *messages = self.lost.remove(&loss).unwrap_or(*messages);
        }
        Some(notice)
    }

    /// Whether there is something to tell the application.
    #[must_use]
    pub fn has_notices(&self) -> bool {
        !self.notices.is_empty()
    }

    /// Takes what the loop `home` has to do, in order, by exchanging its mailbox with the empty `orders`,
    /// whose memory serves for the orders to come. Gives the moment of the input that led to the first of them, if there
    /// are any: so long they have waited.
    pub fn take_orders(&mut self, home: Home, orders: &mut VecDeque<Order>) -> Option<Timestamp> {
        orders.clear();
        let mailbox = self.mailboxes.get_mut(usize::from(home.0))?;
        core::mem::swap(&mut mailbox.orders, orders);
        mailbox.bytes = 0;
        mailbox.waiting_since.take()
    }

    /// Whether the loop `home` has something to do.
    #[must_use]
    pub fn has_orders(&self, home: Home) -> bool {
        self.mailboxes.get(usize::from(home.0)).is_some_and(|mailbox| !mailbox.orders.is_empty())
    }

    /// Whether the application, or a loop that `input` may concern, is behind. One loop that stands still does
    /// not stop the others.
    fn is_overloaded_for(&self, input: &Input) -> bool {
        let may_concern = |position: usize| {
            u16::try_from(position).is_ok_and(|home| self.hub.may_concern(input, Home(home)))
        };
        self.notices.len() >= self.limits.max_orders
            || self
                .mailboxes
                .iter()
                .enumerate()
                .any(|(position, mailbox)| mailbox.is_full(&self.limits) && may_concern(position))
    }

    fn perform_actions(&mut self) -> Outcome {
        let mut outcome = Outcome::Taken;
        while let Some(action) = self.hub.poll_action() {
            match action {
                Action::Connected { client } => outcome = Outcome::Connected(client),
                Action::Authorize(request) => outcome = Outcome::Authorize(request),
                Action::Deliver { to, message } => self.deliver(&to, &message),
                Action::Disconnect { client, home, code, reason } => {
                    self.post(home, 0, Order::Disconnect { client, code, reason });
                }
                Action::Subscribed { client, channel, subscribers } => {
                    outcome = Outcome::Subscribed;
                    self.notices.push_back(Notice::Subscribed { client, channel, subscribers });
                }
                Action::Denied { client, channel, denial } => {
                    outcome = Outcome::Denied(denial.clone());
                    self.notices.push_back(Notice::Denied { client, channel, denial });
                }
                Action::NothingRetained { client, channel } => {
                    self.notices.push_back(Notice::NothingRetained { client, channel });
                }
                Action::Unsubscribed { client, channel, subscribers } => {
                    self.notices.push_back(Notice::Unsubscribed { client, channel, subscribers });
                }
                Action::Joined { channel, member } => {
                    self.notices.push_back(Notice::Joined { channel, member })
                }
                Action::Left { channel, member } => self.notices.push_back(Notice::Left { channel, member }),
                Action::Closed => self.notices.push_back(Notice::Closed),
            }
        }
        outcome
    }

    fn deliver(&mut self, to: &Recipients, message: &PreparedMessage) {
        for home in to.homes() {
            let parcel = Parcel::Message(message.clone());
            self.post(home, message.frame().len(), Order::Deliver { to: to.clone(), parcel });
        }
    }

    fn post(&mut self, home: Home, bytes: usize, order: Order) {
        let Some(mailbox) = self.mailboxes.get_mut(usize::from(home.0)) else { return };
        if mailbox.orders.is_empty() {
            self.to_wake.push(home);
            mailbox.waiting_since = Some(self.now);
        }
        mailbox.orders.push_back(order);
        mailbox.bytes += bytes;
    }
}

#[derive(Default)]
struct Mailbox {
    orders: VecDeque<Order>,
    bytes: usize,
    // Since when the first order waits; `None` if there is none.
    waiting_since: Option<Timestamp>,
}

impl Mailbox {
    fn is_full(&self, limits: &MailboxLimits) -> bool {
        self.orders.len() >= limits.max_orders || self.bytes >= limits.max_bytes
    }
}

/// What was lost and whose it was, if `notice` tells of a loss; and of how many messages it tells.
fn lost(notice: &mut Notice) -> Option<((Loss, ClientId), &mut u64)> {
    match notice {
        Notice::Dropped { client, messages } => Some(((Loss::Dropped, *client), messages)),
        Notice::Undelivered { client, messages } => Some(((Loss::Undelivered, *client), messages)),
        Notice::Subscribed { .. }
        | Notice::Denied { .. }
        | Notice::NothingRetained { .. }
        | Notice::Unsubscribed { .. }
        | Notice::Joined { .. }
        | Notice::Left { .. }
        | Notice::TooSlow { .. }
        | Notice::Closed => None,
    }
}

fn is_refusable(input: &Input) -> bool {
    match input {
        Input::Connect { .. }
        | Input::Subscribe { .. }
        | Input::Broadcast { .. }
        | Input::Retain { .. }
        | Input::Send { .. } => true,
        Input::Decided { .. }
        | Input::Unsubscribe { .. }
        | Input::Disconnect { .. }
        | Input::Gone { .. }
        | Input::Configure(_)
        | Input::TimePassed
        | Input::Close => false,
    }
}
