use crate::clock::Clock;
use crate::counts::{HubCounts, Losses};
use crate::random;
use crate::shared::{OnNotice, Shared};
use realtime_core::wire::{Plain, Wire};
use realtime_core::{
    Authorization, ChannelName, ChannelWalk, ClientId, Config, Exchange, HubError, Input, LocalClients,
    MailboxLimits, Member, OutboxLimits,
};
use realtime_ws::{CloseCode, PreparedMessage};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};

/// What every adapter's hub can do: a handle that is cheap to clone and can be used from any thread.
///
/// No method waits for a client: a slow or dead one delays neither the caller nor other clients.
#[derive(Clone)]
pub struct Hub {
    pub(crate) shared: Arc<Shared>,
}

/// Tells one hub from the others: all handles of a hub have the same one. Once they are gone, another hub may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HubId(pub(crate) usize);

/// A hub that may be gone: whoever has this does not keep it.
#[derive(Clone)]
pub struct WeakHub {
    shared: Weak<Shared>,
}

impl WeakHub {
    /// The hub; `None` if nobody has it any more.
    #[must_use]
    pub fn upgrade(&self) -> Option<Hub> {
        self.shared.upgrade().map(|shared| Hub { shared })
    }
}

impl fmt::Debug for WeakHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakHub").finish_non_exhaustive()
    }
}

/// A hub's parts, less its authorizer. An adapter's builder fills them in.
pub struct HubParts {
    /// The hub's limits.
    pub config: Config,
    /// What bounds each client's outbox.
    pub outbox: OutboxLimits,
    /// What bounds each driver's mailbox.
    pub mailbox: MailboxLimits,
    /// How presence looks on the wire.
    pub wire: Box<dyn Wire + Send>,
    /// Who is told of notices, one at a time. It may use the hub; a panic in it is contained.
    pub on_notice: Option<Box<OnNotice>>,
}

impl Default for HubParts {
    /// All defaults: [`Plain`] on the wire, nobody told of notices.
    fn default() -> Self {
        Self {
            config: Config::default(),
            outbox: OutboxLimits::default(),
            mailbox: MailboxLimits::default(),
            wire: Box::new(Plain),
            on_notice: None,
        }
    }
}

impl HubParts {
    /// The hub. With [`Authorization::Ask`], the adapter has each [`Question`](crate::Question) answered.
    #[must_use]
    pub fn assemble(self, authorization: Authorization) -> Hub {
        let authorization_timeout = self.config.authorization_timeout;
        // A longer one would be dropped, or end the client.
        let max_roster_bytes = self.config.max_roster_bytes.min(self.outbox.max_bytes);
        let config = Config { authorization, max_roster_bytes, ..self.config };
        let hub = realtime_core::Hub::new(config, self.wire, random::seed());
        let shared = Shared {
            clock: Clock::start(),
            outbox: self.outbox,
            authorization_timeout,
            losses: Losses::default(),
            is_told_time: AtomicBool::new(false),
            on_notice: self.on_notice,
            turn: Mutex::new(()),
            locals: Mutex::new(LocalClients::new(self.outbox)),
            has_orders_here: AtomicBool::new(false),
            exchange: Mutex::new(Exchange::new(hub, self.mailbox)),
            drivers: Mutex::default(),
        };
        Hub { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for HubParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubParts").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Hub {
    pub(crate) fn to_weak(&self) -> WeakHub {
        WeakHub { shared: Arc::downgrade(&self.shared) }
    }

    /// Sends `message` to all subscribers of `channel`. No error if there are none.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`]; then nobody gets it.
    pub fn broadcast(
        &self,
        channel: impl Into<ChannelName>,
        message: impl Into<PreparedMessage>,
    ) -> Result<(), HubError> {
        let (channel, message) = (channel.into(), message.into());
        self.shared.input(Input::Broadcast { channel, message, except: None }).map(drop)
    }

    /// Sends `message` to all subscribers of `channel` but `except`.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn broadcast_except(
        &self,
        channel: impl Into<ChannelName>,
        message: impl Into<PreparedMessage>,
        except: ClientId,
    ) -> Result<(), HubError> {
        let (channel, message) = (channel.into(), message.into());
        self.shared.input(Input::Broadcast { channel, message, except: Some(except) }).map(drop)
    }

    /// Sends `message` to all subscribers of `channel`, and to each that subscribes later until another one takes
    /// its place: right after it is let in, with neither a gap nor a repetition before what follows. For how long and
    /// how many are kept, [`Config`] says.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`]; then nobody gets it, and the earlier one stays.
    pub fn retain(
        &self,
        channel: impl Into<ChannelName>,
        message: impl Into<PreparedMessage>,
    ) -> Result<(), HubError> {
        let (channel, message) = (channel.into(), message.into());
        self.shared.input(Input::Retain { channel, message, except: None }).map(drop)
    }

    /// As [`retain`](Self::retain), but for a present subscriber `except`.
    ///
    /// # Errors
    /// As [`retain`](Self::retain).
    pub fn retain_except(
        &self,
        channel: impl Into<ChannelName>,
        message: impl Into<PreparedMessage>,
        except: ClientId,
    ) -> Result<(), HubError> {
        let (channel, message) = (channel.into(), message.into());
        self.shared.input(Input::Retain { channel, message, except: Some(except) }).map(drop)
    }

    /// Sends `message` to one client.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`], [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn send(&self, client: ClientId, message: impl Into<PreparedMessage>) -> Result<(), HubError> {
        self.shared.input(Input::Send { client, message: message.into() }).map(drop)
    }

    /// Closes a client's connection, after what is already on its way to it.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`] or [`HubError::Closed`].
    pub fn disconnect(&self, client: ClientId, code: CloseCode, reason: &str) -> Result<(), HubError> {
        self.shared.input(Input::Disconnect { client, code, reason: reason.into() }).map(drop)
    }

    /// Has other limits hold from now on; what went before stays as it is. Not changed are
    /// [`authorization`](Config::authorization), which follows from whether there is an authorizer, and
    /// [`authorization_timeout`](Config::authorization_timeout).
    ///
    /// # Errors
    /// [`HubError::Closed`].
    pub fn configure(&self, config: Config) -> Result<(), HubError> {
        let max_roster_bytes = config.max_roster_bytes.min(self.shared.outbox.max_bytes);
        let config = Config { max_roster_bytes, ..config };
        self.shared.input(Input::Configure(Box::new(config))).map(drop)
    }

    /// Disconnects all clients with 1001; the hub takes nothing more. Idempotent.
    pub fn close(&self) {
        // Closing is always taken.
        let _ = self.shared.input(Input::Close);
    }

    /// Whether the hub is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.exchange().hub().is_closed()
    }

    /// How many clients are connected.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.shared.exchange().hub().client_count()
    }

    /// How many channels have a subscriber.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.shared.exchange().hub().channel_count()
    }

    /// What the hub has, and what happened so far, in numbers. Of what happens meanwhile some may be counted and some
    /// not.
    #[must_use]
    pub fn counts(&self) -> HubCounts {
        let (clients, channels, events) =
            self.look(|hub| (hub.client_count(), hub.channel_count(), hub.counts()));
        self.shared.losses.with(clients, channels, events)
    }

    /// How many clients are subscribed to `channel`.
    #[must_use]
    pub fn subscriber_count(&self, channel: impl Into<ChannelName>) -> usize {
        self.shared.exchange().hub().subscriber_count(&channel.into())
    }

    /// The members of a presence channel in the order in which they joined; `None` if nobody is in it, or it is no
    /// presence channel.
    #[must_use]
    pub fn presence(&self, channel: impl Into<ChannelName>) -> Option<Vec<Member>> {
        let exchange = self.shared.exchange();
        let roster = exchange.hub().presence(&channel.into())?;
        Some(roster.members().cloned().collect())
    }

    /// The channels with a subscriber whose names begin with `prefix`, by name. One that comes or goes meanwhile may
    /// be among them or not: others can use the hub between any two looks at
    /// [`MAX_STEP`](ChannelWalk::MAX_STEP) channels.
    #[must_use]
    pub fn channels(&self, prefix: &str) -> Vec<ChannelName> {
        let (mut walk, mut names) = (ChannelWalk::default(), Vec::new());
        let mut step = |hub: &realtime_core::Hub| {
            let seen = walk.step(hub)?.filter(|name| name.as_str().starts_with(prefix));
            names.extend(seen.cloned());
            Some(())
        };
        while self.look(&mut step).is_some() {}
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a client is subscribed to `channel`.
    #[must_use]
    pub fn is_subscribed(&self, client: ClientId, channel: impl Into<ChannelName>) -> bool {
        self.shared.exchange().hub().is_subscribed(client, &channel.into())
    }

    /// Whom the others see in a client's place in a presence channel.
    #[must_use]
    pub fn member(&self, client: ClientId, channel: impl Into<ChannelName>) -> Option<Member> {
        self.shared.exchange().hub().member(client, &channel.into()).cloned()
    }

    /// Asks the hub's state machine several things at one moment. `look` must be brief and not use this handle: all
    /// others wait for it.
    pub fn look<T>(&self, look: impl FnOnce(&realtime_core::Hub) -> T) -> T {
        look(self.shared.exchange().hub())
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("clients", &self.client_count())
            .field("channels", &self.channel_count())
            .finish()
    }
}
