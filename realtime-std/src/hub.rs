use crate::client::{Client, Deliveries};
use realtime_adapter::{ForAdapters, HubParts, SubscribeError};
use realtime_core::wire::Wire;
use realtime_core::{
    Authorization, AuthorizationRequest, ChannelName, ClientId, Config, Credentials, Decision, HubError,
    MailboxLimits, Notice, OutboxLimits,
};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Clients, their channels and who is present in them; a handle that is cheap to clone and can be used from any
/// thread.
///
/// What it can do beside [`connect`](Self::connect) it takes from [`realtime_adapter::Hub`], by `Deref`: broadcasts, messages to
/// one client, who is where.
///
/// No method waits for a client: a slow or dead one delays neither the caller nor other clients.
#[derive(Clone)]
pub struct Hub {
    common: realtime_adapter::Hub,
    authorizer: Option<Arc<Authorizer>>,
}

/// A hub's parts, each with a default; see [`Hub::builder`].
pub struct HubBuilder {
    parts: HubParts,
    authorizer: Option<Arc<Authorizer>>,
}

type Authorizer = dyn Fn(&AuthorizationRequest) -> Decision + Send + Sync;

impl HubBuilder {
    /// Sets the hub's limits; its `authorization` follows from whether there is an authorizer.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.parts.config = config;
        self
    }

    /// Bounds what waits for each client, and says what happens to one that is too slow.
    #[must_use]
    pub fn outbox(mut self, limits: OutboxLimits) -> Self {
        self.parts.outbox = limits;
        self
    }

    /// Bounds what waits for each driver, and for the clients in this process.
    #[must_use]
    pub fn mailbox(mut self, limits: MailboxLimits) -> Self {
        self.parts.mailbox = limits;
        self
    }

    /// Sets how presence looks on the wire. Default [`Plain`](realtime_core::wire::Plain).
    #[must_use]
    pub fn wire(mut self, wire: impl Wire + 'static) -> Self {
        self.parts.wire = Box::new(wire);
        self
    }

    /// Sets who decides over private and presence channels. Without an authorizer they are closed.
    ///
    /// It runs in the thread that subscribes, and may block. An answer that takes longer than
    /// [`Config::authorization_timeout`] comes too late. Who is asked about is denied if it panics.
    #[must_use]
    pub fn authorizer(
        mut self,
        authorize: impl Fn(&AuthorizationRequest) -> Decision + Send + Sync + 'static,
    ) -> Self {
        self.authorizer = Some(Arc::new(authorize));
        self
    }

    /// Sets who is told of joins, leaves, denials and losses: one at a time, in the order in which they
    /// happen. It may use the hub, and must not block: it runs in the thread where it happened, a server's driver for
    /// instance. A panic in it is contained.
    #[must_use]
    pub fn on_notice(mut self, tell: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.parts.on_notice = Some(Box::new(tell));
        self
    }

    /// The hub.
    #[must_use]
    pub fn build(self) -> Hub {
        let authorization =
            if self.authorizer.is_some() { Authorization::Ask } else { Authorization::DenyAll };
        Hub { common: self.parts.assemble(authorization), authorizer: self.authorizer }
    }
}

impl Hub {
    /// A hub with all defaults: [`Plain`](realtime_core::wire::Plain) on the wire, private and presence channels closed.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// The parts of a hub, to be changed.
    #[must_use]
    pub fn builder() -> HubBuilder {
        HubBuilder { parts: HubParts::default(), authorizer: None }
    }

    /// A client without a connection, and what is delivered to it: for subscribers in this process, and for any
    /// transport other than a WebSocket. The client is gone when its deliveries are dropped.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`].
    pub fn connect(&self, credentials: impl Into<Credentials>) -> Result<(Client, Deliveries), HubError> {
        let (id, inbox) = self.connect_here(credentials.into())?;
        Ok((Client::new(self.clone(), id), Deliveries::new(inbox)))
    }

    pub(crate) fn subscribe(
        &self,
        client: ClientId,
        channel: ChannelName,
        credentials: Option<Credentials>,
    ) -> Result<(), SubscribeError> {
        match (self.common.subscribe(client, channel, credentials)?, &self.authorizer) {
            (None, _) => Ok(()),
            (Some(question), Some(authorizer)) => {
                // One that sleeps does not know yet that the question has a deadline.
                self.common.wake_any_driver();
                question.ask(|request| authorizer(request))
            }
            (Some(_), None) => unreachable!("a hub without an authorizer asks nobody"),
        }
    }
}

impl Deref for Hub {
    type Target = realtime_adapter::Hub;

    fn deref(&self) -> &realtime_adapter::Hub {
        &self.common
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.common.fmt(f)
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder").field("parts", &self.parts).finish_non_exhaustive()
    }
}
