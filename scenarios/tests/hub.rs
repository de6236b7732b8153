//! The scenarios with the pure hub, driven by hand.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_core::wire::Plain;
use realtime_core::{
    Action, Authorization, ClientId, Config, Credentials, Denial, Ending, Home, Hub, HubError, Input, Member,
    Notice, Outbox, Pushed, TOO_SLOW,
};
use realtime_scenarios::{Authorizer, Client, NotSubscribed, Received, Setup, World};
use realtime_ws::{CloseCode, Message, MessageKind, OwnedMessage, PreparedMessage, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

realtime_scenarios::scenarios!(PureHub);

struct PureHub {
    shared: Arc<Shared>,
}

struct Shared {
    setup: Setup,
    driver: Mutex<Driver>,
}

struct Driver {
    hub: Hub,
    outboxes: BTreeMap<ClientId, (Outbox, Option<Ending>)>,
    notices: Vec<Notice>,
}

/// What an input led to that is for whoever handed it in.
#[derive(Default)]
struct Outcome {
    connected: Option<ClientId>,
    denial: Option<Denial>,
}

impl Shared {
    fn driver(&self) -> MutexGuard<'_, Driver> {
        self.driver.lock().unwrap()
    }

    fn handle_input(&self, input: Input) -> Result<Outcome, HubError> {
        let mut outcome = Outcome::default();
        let mut inputs = VecDeque::from([input]);
        let mut driver = self.driver();
        while let Some(input) = inputs.pop_front() {
            driver.hub.handle_input(input, Timestamp::START)?;
            while let Some(action) = driver.hub.poll_action() {
                driver.perform(action, &self.setup, &mut outcome, &mut inputs);
            }
        }
        Ok(outcome)
    }

    fn subscribe(
        &self,
        client: ClientId,
        channel: &str,
        credentials: Option<Credentials>,
    ) -> Result<(), NotSubscribed> {
        let input = Input::Subscribe { client, channel: channel.into(), credentials };
        let outcome = self.handle_input(input).map_err(NotSubscribed::Hub)?;
        outcome.denial.map_or(Ok(()), |denial| Err(NotSubscribed::Denied(denial)))
    }
}

impl Driver {
    fn perform(
        &mut self,
        action: Action,
        setup: &Setup,
        outcome: &mut Outcome,
        inputs: &mut VecDeque<Input>,
    ) {
        match action {
            Action::Connected { client } => {
                self.outboxes.insert(client, (Outbox::new(setup.outbox), None));
                outcome.connected = Some(client);
            }
            Action::Authorize(asked) => {
                let authorize: &Authorizer = setup.authorizer.as_ref().expect("only an authorizer is asked");
                let decision = authorize(&asked);
                inputs.push_back(Input::Decided { request: asked.request, decision });
            }
            Action::Deliver { to, message } => {
                for client in to.iter() {
                    self.deliver(client, message.clone(), inputs);
                }
            }
            Action::Disconnect { client, code, reason, .. } => {
                if let Some((_, ending)) = self.outboxes.get_mut(&client) {
                    ending.get_or_insert(Ending { code, reason });
                }
            }
            Action::Subscribed { client, channel, subscribers } => {
                self.notices.push(Notice::Subscribed { client, channel, subscribers });
            }
            Action::Denied { client, channel, denial } => {
                outcome.denial = Some(denial.clone());
                self.notices.push(Notice::Denied { client, channel, denial });
            }
            Action::NothingRetained { client, channel } => {
                self.notices.push(Notice::NothingRetained { client, channel });
            }
            Action::Unsubscribed { client, channel, subscribers } => {
                self.notices.push(Notice::Unsubscribed { client, channel, subscribers });
            }
            Action::Joined { channel, member } => self.notices.push(Notice::Joined { channel, member }),
            Action::Left { channel, member } => self.notices.push(Notice::Left { channel, member }),
            Action::Closed => self.notices.push(Notice::Closed),
        }
    }

    fn deliver(&mut self, client: ClientId, message: PreparedMessage, inputs: &mut VecDeque<Input>) {
        let Some((outbox, ending)) = self.outboxes.get_mut(&client) else {
            return self.notices.push(Notice::Undelivered { client, messages: 1 });
        };
        match outbox.push(message) {
            Pushed::Queued | Pushed::Closing => {}
            Pushed::Dropped { messages } => self.notices.push(Notice::Dropped { client, messages }),
            Pushed::Overflowed => {
                let messages = outbox.clear() + 1;
                let (code, reason) = TOO_SLOW;
                ending.get_or_insert(Ending { code, reason: reason.into() });
                self.notices.push(Notice::TooSlow { client });
                self.notices.push(Notice::Undelivered { client, messages });
                inputs.push_back(Input::Gone { client });
            }
        }
    }
}

impl World for PureHub {
    type Client = PureClient;
    const STORM_CLIENTS: usize = 4_000;
    const HAS_SOCKETS: bool = false;

    fn open(setup: Setup) -> Self {
        let authorization =
            if setup.authorizer.is_some() { Authorization::Ask } else { Authorization::DenyAll };
        let config = Config { authorization, ..setup.config.clone() };
        let hub = Hub::new(config, Plain, [7; 16]);
        let driver = Mutex::new(Driver { hub, outboxes: BTreeMap::new(), notices: Vec::new() });
        Self { shared: Arc::new(Shared { setup, driver }) }
    }

    fn connect(&self, credentials: &str) -> Result<PureClient, HubError> {
        let connect = Input::Connect { credentials: credentials.into(), home: Home::default() };
        let outcome = self.shared.handle_input(connect)?;
        let id = outcome.connected.expect("a hub that takes a client names it");
        Ok(PureClient { shared: self.shared.clone(), id })
    }

    fn broadcast(&self, channel: &str, message: PreparedMessage) -> Result<(), HubError> {
        let input = Input::Broadcast { channel: channel.into(), message, except: None };
        self.shared.handle_input(input).map(drop)
    }

    fn broadcast_except(
        &self,
        channel: &str,
        message: PreparedMessage,
        except: ClientId,
    ) -> Result<(), HubError> {
        let input = Input::Broadcast { channel: channel.into(), message, except: Some(except) };
        self.shared.handle_input(input).map(drop)
    }

    fn send(&self, client: ClientId, message: PreparedMessage) -> Result<(), HubError> {
        self.shared.handle_input(Input::Send { client, message }).map(drop)
    }

    fn disconnect(&self, client: ClientId, code: CloseCode, reason: &str) -> Result<(), HubError> {
        self.shared.handle_input(Input::Disconnect { client, code, reason: reason.into() }).map(drop)
    }

    fn close(&self) {
        self.shared.handle_input(Input::Close).map(drop).expect("closing is always taken");
    }

    fn client_count(&self) -> usize {
        self.shared.driver().hub.client_count()
    }

    fn channel_count(&self) -> usize {
        self.shared.driver().hub.channel_count()
    }

    fn subscriber_count(&self, channel: &str) -> usize {
        self.shared.driver().hub.subscriber_count(&channel.into())
    }

    fn presence(&self, channel: &str) -> Option<Vec<Member>> {
        let driver = self.shared.driver();
        let roster = driver.hub.presence(&channel.into())?;
        Some(roster.members().cloned().collect())
    }

    fn notices(&self) -> Vec<Notice> {
        self.shared.driver().notices.clone()
    }

    fn end(self) {
        self.close();
        assert_eq!((self.client_count(), self.channel_count()), (0, 0));
    }
}

struct PureClient {
    shared: Arc<Shared>,
    id: ClientId,
}

impl Client for PureClient {
    fn id(&self) -> ClientId {
        self.id
    }

    fn subscribe(&self, channel: &str) -> Result<(), NotSubscribed> {
        self.shared.subscribe(self.id, channel, None)
    }

    fn subscribe_with(&self, channel: &str, credentials: &str) -> Result<(), NotSubscribed> {
        self.shared.subscribe(self.id, channel, Some(credentials.into()))
    }

    fn unsubscribe(&self, channel: &str) -> Result<(), HubError> {
        let input = Input::Unsubscribe { client: self.id, channel: channel.into() };
        self.shared.handle_input(input).map(drop)
    }

    fn receive(&mut self) -> Received {
        let mut driver = self.shared.driver();
        let (outbox, ending) = driver.outboxes.get_mut(&self.id).expect("the client has not left");
        match (outbox.pop(), ending) {
            (Some(message), _) => Received::Message(owned(&message)),
            (None, Some(ending)) => Received::End(ending.code),
            (None, None) => panic!("nothing was delivered"),
        }
    }

    fn leave(self) {
        let mut driver = self.shared.driver();
        driver.outboxes.remove(&self.id);
        drop(driver);
        self.shared.handle_input(Input::Gone { client: self.id }).map(drop).expect("leaving is always taken");
    }
}

fn owned(message: &PreparedMessage) -> OwnedMessage {
    match message.kind() {
        MessageKind::Text => Message::Text(message.as_text().expect("text is UTF-8")).into(),
        MessageKind::Binary => Message::Binary(message.payload()).into(),
    }
}
