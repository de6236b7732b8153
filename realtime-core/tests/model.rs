//! The hub equals a naive one: four lists, searched from end to end.

mod common;

use common::random::{CHANNELS, Life, config, steps};
use common::{Seen, seen};
use proptest::prelude::*;
use realtime_core::{
    Action, AuthorizationRequest, ChannelKind, ChannelName, ClientId, Config, Credentials, Decision, Denial,
    Home, Input, InputError, Member, RequestId, Retained,
};
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};

proptest! {
    #[test]
    fn the_hub_does_what_the_naive_hub_does(steps in steps()) {
        let mut life = Life::default();
        let mut naive = NaiveHub::new(config());
        for step in &steps {
            let Some((input, result, actions)) = life.live(step) else { continue };
            let context = format!("{input:?}");
            let expected = naive.handle_input(input, life.now, Ids::in_actions(&actions));
            prop_assert_eq!(result, expected, "of {}", context);
            let actions: Vec<Seen> = actions.iter().flat_map(seen).collect();
            prop_assert_eq!(actions, std::mem::take(&mut naive.seen), "after {}", context);
            naive.compare(&life.hub)?;
        }
        life.end();
        prop_assert_eq!((life.hub.client_count(), life.hub.channel_count()), (0, 0));
        prop_assert_eq!(life.hub.poll_timeout(), None);
    }

    #[test]
    fn the_same_inputs_lead_to_the_same_actions_whatever_the_seed(steps in steps()) {
        let once = Life::transcript([0; 16], &steps);
        prop_assert_eq!(&once, &Life::transcript([0; 16], &steps));
        prop_assert_eq!(format!("{:?}", once), format!("{:?}", Life::transcript([0xFF; 16], &steps)));
    }
}

/// The hub's limits and promises, taken literally.
struct NaiveHub {
    config: Config,
    now: Timestamp,
    is_closed: bool,
    // In the order of connecting.
    clients: Vec<(ClientId, Home)>,
    // In the order of subscribing.
    subscriptions: Vec<(ClientId, ChannelName)>,
    // In the order of joining.
    seats: Vec<(ChannelName, Member, Vec<ClientId>)>,
    // In the order of asking; without a channel where the client wants to know no more.
    questions: Vec<(RequestId, ClientId, Option<ChannelName>, Timestamp)>,
    // The oldest first.
    retained: Vec<(ChannelName, PreparedMessage, Timestamp)>,
    seen: Vec<Seen>,
}

/// Ids are opaque: the naive hub takes over those that the hub chose.
struct Ids {
    client: Option<ClientId>,
    request: Option<RequestId>,
}

impl Ids {
    fn in_actions(actions: &[Action]) -> Self {
        let mut ids = Self { client: None, request: None };
        for action in actions {
            if let Action::Connected { client } = action {
                ids.client = Some(*client);
            } else if let Action::Authorize(asked) = action {
                ids.request = Some(asked.request);
            }
        }
        ids
    }
}

impl NaiveHub {
    fn new(config: Config) -> Self {
        Self {
            config,
            now: Timestamp::START,
            is_closed: false,
            clients: Vec::new(),
            subscriptions: Vec::new(),
            seats: Vec::new(),
            questions: Vec::new(),
            retained: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn handle_input(&mut self, input: Input, now: Timestamp, ids: Ids) -> Result<(), InputError> {
        self.now = now;
        while let Some(position) = self.questions.iter().position(|question| question.3 <= now) {
            if let (_, client, Some(channel), _) = self.questions.remove(position) {
                self.deny(client, &channel, Denial::AuthorizerTimedOut);
            }
        }
        self.retained.retain(|(_, _, until)| *until > now);
        if self.is_closed {
            return match input {
                Input::Gone { .. } | Input::TimePassed | Input::Close => Ok(()),
                Input::Connect { .. }
                | Input::Subscribe { .. }
                | Input::Decided { .. }
                | Input::Unsubscribe { .. }
                | Input::Broadcast { .. }
                | Input::Retain { .. }
                | Input::Send { .. }
                | Input::Disconnect { .. }
                | Input::Configure(_) => Err(InputError::Closed),
            };
        }
        match input {
            Input::Connect { home, .. } => {
                let client = ids.client.expect("a connect is answered by an id");
                self.clients.push((client, home));
                self.did(Action::Connected { client });
            }
            Input::Subscribe { client, channel, .. } => {
                self.known(client)?;
                self.subscribe(client, channel, ids.request);
            }
            Input::Decided { request, decision } => {
                if let Some(position) = self.questions.iter().position(|question| question.0 == request)
                    && let (_, client, Some(channel), _) = self.questions.remove(position)
                {
                    match decision {
                        Decision::Allow { member } => self.admit(client, channel, member),
                        Decision::Deny { reason } => self.deny(client, &channel, Denial::Refused(reason)),
                    }
                }
            }
            Input::Unsubscribe { client, channel } => {
                self.known(client)?;
                for (_, asker, name, _) in &mut self.questions {
                    name.take_if(|name| (*asker, &*name) == (client, &channel));
                }
                self.leave(client, &channel);
            }
            Input::Broadcast { channel, message, except } => self.broadcast(&channel, &message, except),
            Input::Retain { channel, message, except } => {
                self.broadcast(&channel, &message, except);
                self.retained.retain(|(name, ..)| *name != channel);
                let bytes = |(name, message, _): &(ChannelName, PreparedMessage, _)| {
                    name.as_str().len() + message.frame().len()
                };
                let newest = (channel, message, now + self.config.retention);
                if bytes(&newest) <= self.config.max_retained_bytes {
                    self.retained.push(newest);
                }
                while self.retained.len() > self.config.max_retained_messages
                    || self.retained.iter().map(bytes).sum::<usize>() > self.config.max_retained_bytes
                {
                    self.retained.remove(0);
                }
            }
            Input::Send { client, message } => {
                self.known(client)?;
                self.seen.push(Seen::Sent(client, message));
            }
            Input::Disconnect { client, code, reason } => {
                let home = self.known(client)?;
                self.forget(client);
                self.did(Action::Disconnect { client, home, code, reason });
            }
            Input::Gone { client } => self.forget(client),
            Input::Configure(config) => {
                let Config { authorization, authorization_timeout, .. } = self.config;
                self.config = Config { authorization, authorization_timeout, ..*config };
            }
            Input::TimePassed => {}
            Input::Close => self.close(),
        }
        Ok(())
    }

    fn subscribe(&mut self, client: ClientId, channel: ChannelName, request: Option<RequestId>) {
        let is_in = |(who, name): &(ClientId, ChannelName)| (*who, name) == (client, &channel);
        let asks = |(_, who, name, _): &(_, ClientId, Option<ChannelName>, _)| {
            (*who, name.as_ref()) == (client, Some(&channel))
        };
        if self.subscriptions.iter().any(is_in) || self.questions.iter().any(asks) {
            return;
        }
        let config = &self.config;
        let channels = self.subscriptions.iter().filter(|(who, _)| *who == client).count()
            + self.questions.iter().filter(|(_, who, ..)| *who == client).count();
        if channel.as_str().is_empty() {
            self.deny(client, &channel, Denial::ChannelNameEmpty);
        } else if channel.as_str().len() > config.max_channel_name_bytes {
            let denial = Denial::ChannelNameTooLong { limit: config.max_channel_name_bytes };
            self.deny(client, &channel, denial);
        } else if channels >= config.max_channels_per_client {
            let denial = Denial::TooManyChannels { limit: config.max_channels_per_client };
            self.deny(client, &channel, denial);
        } else if channel.kind() == ChannelKind::Public {
            self.admit(client, channel, None);
        } else {
            let request = request.expect("this asks the authorizer");
            let deadline = self.now + config.authorization_timeout;
            self.questions.push((request, client, Some(channel.clone()), deadline));
            let (kind, credentials) = (channel.kind(), Credentials::NONE);
            self.did(Action::Authorize(AuthorizationRequest { request, channel, kind, client, credentials }));
        }
    }

    fn admit(&mut self, client: ClientId, channel: ChannelName, member: Option<Member>) {
        if channel.kind() != ChannelKind::Presence {
            self.subscriptions.push((client, channel.clone()));
            self.seen.push(Seen::In(client, channel.clone()));
            self.send_retained(client, &channel);
            return;
        }
        let (id, info) = member.as_ref().map_or(("", None), |member| (member.id(), member.info()));
        let id = if id.is_empty() { client.to_string() } else { id.to_owned() };
        let member = Member::new(&id, info.unwrap_or_default());
        let members = self.seats.iter().filter(|(name, ..)| *name == channel).count();
        let has_joined = self.seats.iter().any(|(name, other, _)| *name == channel && other.id() == id);
        if json(&member).len() > self.config.max_member_bytes {
            return self.deny(
                client,
                &channel,
                Denial::MemberTooLong { limit: self.config.max_member_bytes },
            );
        }
        if !has_joined && members >= self.config.max_members_per_channel {
            let denial = Denial::TooManyMembers { limit: self.config.max_members_per_channel };
            return self.deny(client, &channel, denial);
        }
        let roster =
            self.seats.iter().filter(|(name, ..)| *name == channel).map(|(_, member, _)| json(member));
        let roster = roster.collect::<Vec<_>>().join(",");
        let welcome = format!(
            r#"{{"event":"presence:subscription_succeeded","channel":"{channel}","members":[{roster}]}}"#
        );
        let welcome = PreparedMessage::from(&welcome);
        if welcome.frame().len() > self.config.max_roster_bytes {
            let denial = Denial::RosterTooLong { limit: self.config.max_roster_bytes };
            return self.deny(client, &channel, denial);
        }
        let seat = self.seats.iter_mut().find(|(name, other, _)| *name == channel && other.id() == id);
        let is_first = match seat {
            Some((_, _, clients)) => {
                clients.push(client);
                false
            }
            None => true,
        };
        self.seen.push(Seen::Sent(client, welcome));
        self.subscriptions.push((client, channel.clone()));
        self.seen.push(Seen::In(client, channel.clone()));
        if is_first {
            self.seats.push((channel.clone(), member.clone(), vec![client]));
            self.tell_of(&channel, "member_added", &member);
            self.did(Action::Joined { channel: channel.clone(), member });
        }
        self.send_retained(client, &channel);
    }

    fn send_retained(&mut self, client: ClientId, channel: &ChannelName) {
        if let Some((_, message, _)) = self.retained.iter().find(|(name, ..)| name == channel) {
            self.seen.push(Seen::Sent(client, message.clone()));
        }
    }

    fn broadcast(&mut self, channel: &ChannelName, message: &PreparedMessage, except: Option<ClientId>) {
        for subscriber in self.subscribers(channel) {
            if Some(subscriber) != except {
                self.seen.push(Seen::Sent(subscriber, message.clone()));
            }
        }
    }

    fn deny(&mut self, client: ClientId, channel: &ChannelName, denial: Denial) {
        self.did(Action::Denied { client, channel: channel.clone(), denial });
    }

    fn leave(&mut self, client: ClientId, channel: &ChannelName) {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|(who, name)| (*who, name) != (client, channel));
        if self.subscriptions.len() == before {
            return;
        }
        for (name, _, clients) in &mut self.seats {
            if name == channel {
                clients.retain(|who| *who != client);
            }
        }
        if let Some(position) = self.seats.iter().position(|(_, _, clients)| clients.is_empty()) {
            let (channel, member, _) = self.seats.remove(position);
            if !self.is_closed {
                self.tell_of(&channel, "member_removed", &member);
            }
            self.did(Action::Left { channel, member });
        }
        self.seen.push(Seen::OutOf(client, channel.clone()));
    }

    fn forget(&mut self, client: ClientId) {
        self.clients.retain(|(who, _)| *who != client);
        self.questions.retain(|(_, who, ..)| *who != client);
        let subscriptions = self.subscriptions.clone();
        for (_, channel) in subscriptions.iter().filter(|(who, _)| *who == client) {
            self.leave(client, channel);
        }
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.retained.clear();
        for (client, home) in self.clients.clone() {
            self.forget(client);
            let reason = "the server is closing".into();
            self.did(Action::Disconnect { client, home, code: CloseCode::GOING_AWAY, reason });
        }
        self.did(Action::Closed);
    }

    fn tell_of(&mut self, channel: &ChannelName, event: &str, member: &Member) {
        let frame =
            format!(r#"{{"event":"presence:{event}","channel":"{channel}","member":{}}}"#, json(member));
        for subscriber in self.subscribers(channel) {
            self.seen.push(Seen::Sent(subscriber, (&frame).into()));
        }
    }

    fn did(&mut self, action: Action) {
        self.seen.push(Seen::Did(action));
    }

    fn known(&self, client: ClientId) -> Result<Home, InputError> {
        let found = self.clients.iter().find(|(who, _)| *who == client);
        found.map(|(_, home)| *home).ok_or(InputError::UnknownClient)
    }

    /// Home by home, in each in the order of subscribing.
    fn subscribers(&self, channel: &ChannelName) -> Vec<ClientId> {
        let here = self.subscriptions.iter().filter(|(_, name)| name == channel);
        let mut subscribers: Vec<ClientId> = here.map(|(who, _)| *who).collect();
        subscribers.sort_by_key(|who| self.known(*who).expect("a subscriber is connected"));
        subscribers
    }

    fn compare(&self, hub: &realtime_core::Hub) -> Result<(), TestCaseError> {
        let mut names: Vec<&ChannelName> = self.subscriptions.iter().map(|(_, name)| name).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(hub.client_count(), self.clients.len());
        prop_assert_eq!(hub.channel_count(), names.len());
        prop_assert!(hub.channels("").eq(names.iter().copied()));
        prop_assert_eq!(hub.poll_timeout(), self.questions.first().map(|question| question.3));
        prop_assert_eq!(hub.is_closed(), self.is_closed);
        let counts = hub.counts();
        prop_assert_eq!(counts.subscriptions(), self.subscriptions.len() as u64);
        prop_assert_eq!(counts.members(), self.seats.len() as u64);
        for name in names {
            prop_assert_eq!(hub.subscriber_count(name), self.subscribers(name).len());
            let members =
                self.seats.iter().filter(|(channel, ..)| channel == name).map(|(_, member, _)| member);
            match hub.presence(name) {
                Some(roster) => prop_assert!(roster.members().eq(members)),
                None => prop_assert_ne!(name.kind(), ChannelKind::Presence),
            }
        }
        for channel in CHANNELS.map(ChannelName::from) {
            let kept = self.retained.iter().find(|(name, ..)| *name == channel);
            let kept = kept.map(|(_, message, until)| Retained { message, lasts: until.since(self.now) });
            prop_assert_eq!(hub.retained(&channel), kept);
        }
        for (client, channel) in &self.subscriptions {
            prop_assert!(hub.is_subscribed(*client, channel));
            let seat =
                self.seats.iter().find(|(name, _, clients)| name == channel && clients.contains(client));
            prop_assert_eq!(hub.member(*client, channel), seat.map(|(_, member, _)| member));
        }
        Ok(())
    }
}

fn json(member: &Member) -> String {
    match member.info() {
        Some(info) => format!(r#"{{"id":"{}","info":{info}}}"#, member.id()),
        None => format!(r#"{{"id":"{}"}}"#, member.id()),
    }
}
