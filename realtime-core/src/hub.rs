use crate::announcer::Announcer;
use crate::channel::{Channels, Farewell};
use crate::client::{Client, Clients, Subscription};
use crate::retained::RetainedMessages;
use crate::subscriber_counts::{Since, SubscriberCounts, Tell};
use crate::undecided::Undecided;
use crate::wire::Wire;
use crate::{
    Action, Authorization, AuthorizationRequest, ChannelKind, ChannelName, ClientId, Config, Counts,
    Credentials, Decision, Denial, Home, Input, InputError, Member, Recipients, RequestId, Retained, Roster,
};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};

/// Clients, their channels and who is present in them.
///
/// [`handle_input`](Self::handle_input) says what happened, [`poll_action`](Self::poll_action) what is to be
/// done about it, [`poll_timeout`](Self::poll_timeout) when to come back if nothing happens. The same inputs
/// lead to the same actions, byte for byte; the [crate's documentation](crate) shows the loop and what is
/// promised.
pub struct Hub {
    config: Config,
    // The latest moment that an input named: time does not run backwards.
    now: Timestamp,
    clients: Clients,
    channels: Channels,
    undecided: Undecided,
    retained: RetainedMessages,
    subscriber_counts: SubscriberCounts,
    announcer: Announcer,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

/// How many channels' counts are told for one input: whoever holds the hub's lock is not to hold it for all
/// channels.
const MAX_COUNTS_AT_ONCE: usize = 256;

impl Hub {
    /// A hub without clients that speaks `wire`.
    ///
    /// Clients choose channel names; `seed` keeps them from choosing names that slow the hub down. Draw it
    /// from the system's source of randomness, or fix it where runs must repeat: no action depends on it.
    #[must_use]
    pub fn new(config: Config, wire: impl Wire + 'static, seed: [u8; 16]) -> Self {
        Self {
            config,
            now: Timestamp::START,
            clients: Clients::default(),
            channels: Channels::new(seed),
            undecided: Undecided::default(),
            retained: RetainedMessages::default(),
            subscriber_counts: SubscriberCounts::default(),
            announcer: Announcer::new(Box::new(wire)),
            state: State::Open,
        }
    }

    /// Takes one input. Call [`poll_action`](Self::poll_action) until `None` before the next one.
    ///
    /// An authorization that is overdue at `now` is denied first, and counts that are due are told, whatever the
    /// input.
    ///
    /// # Errors
    /// [`InputError`] if the application asks for something of a client that is not there, or of a closed
    /// hub. The input changed nothing, and the hub goes on.
    pub fn handle_input(&mut self, input: Input, now: Timestamp) -> Result<(), InputError> {
        self.now = self.now.max(now);
        self.deny_overdue();
        self.retained.forget_overdue(self.now);
        self.tell_due_counts();
        match (input, self.state) {
            (Input::Gone { client }, _) => {
                self.forget(client, Farewell::Told);
            }
            (Input::TimePassed, _) => {}
            (Input::Close, State::Open) => self.close(),
            (Input::Close, State::Closed) => {}
            (
                Input::Connect { .. }
                | Input::Subscribe { .. }
                | Input::Decided { .. }
                | Input::Unsubscribe { .. }
                | Input::Broadcast { .. }
                | Input::Retain { .. }
                | Input::Send { .. }
                | Input::Disconnect { .. }
                | Input::Configure(_),
                State::Closed,
            ) => return Err(InputError::Closed),
            (Input::Connect { credentials, home }, State::Open) => {
                let client = self.clients.insert(credentials, home);
                self.announcer.act(Action::Connected { client });
            }
            (Input::Subscribe { client, channel, credentials }, State::Open) => {
                self.subscribe(client, channel, credentials)?;
            }
            (Input::Decided { request, decision }, State::Open) => {
                if let Some(client) = self.undecided.take(request) {
                    self.decide(client, request, decision);
                }
            }
            (Input::Unsubscribe { client, channel }, State::Open) => self.unsubscribe(client, &channel)?,
            (Input::Broadcast { channel, message, except }, State::Open) => {
                self.broadcast(&channel, message, except);
            }
            (Input::Retain { channel, message, except }, State::Open) => {
                self.retained.keep(&channel, message.clone(), &self.config, self.now);
                self.broadcast(&channel, message, except);
            }
            (Input::Send { client, message }, State::Open) => {
                let home = self.client(client)?.home;
                self.announcer.deliver(Recipients::one(client, home), |_| Some(message));
            }
            (Input::Disconnect { client, code, reason }, State::Open) => {
                self.client(client)?;
                self.disconnect(client, code, reason, Farewell::Told);
            }
            (Input::Configure(config), State::Open) => self.configure(*config),
        }
        Ok(())
    }

    fn configure(&mut self, config: Config) {
        // Questions are overdue in the order in which they are asked.
        let Config { authorization, authorization_timeout, .. } = self.config;
        self.config = Config { authorization, authorization_timeout, ..config };
    }

    /// The next thing to do, in order; `None` until the next input.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.announcer.next()
    }

    /// When to hand in [`Input::TimePassed`] unless another input comes first; `None` if nothing is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [self.undecided.first_deadline(), self.subscriber_counts.first_due()].into_iter().flatten().min()
    }

    fn subscribe(
        &mut self,
        id: ClientId,
        channel: ChannelName,
        credentials: Option<Credentials>,
    ) -> Result<(), InputError> {
        let client = self.clients.get_mut(id).ok_or(InputError::UnknownClient)?;
        let is_subscribed =
            self.channels.find(&channel).is_some_and(|index| client.subscription(index).is_some());
        if is_subscribed || client.asks_for(&channel) {
            return Ok(());
        }
        if let Err(denial) = admissible(client, &channel, &self.config) {
            self.deny(id, channel, denial);
            return Ok(());
        }
        match (channel.kind(), self.config.authorization) {
            (ChannelKind::Public, _) => self.admit(id, &channel, None),
            (ChannelKind::Private | ChannelKind::Presence, Authorization::DenyAll) => {
                self.deny(id, channel, Denial::NoAuthorizer);
            }
            (kind @ (ChannelKind::Private | ChannelKind::Presence), Authorization::Ask) => {
                let deadline = self.now + self.config.authorization_timeout;
                let request = self.undecided.ask(id, deadline);
                client.ask(channel.clone(), request);
                let credentials = credentials.unwrap_or_else(|| client.credentials.clone());
                let request = AuthorizationRequest { request, channel, kind, client: id, credentials };
                self.announcer.act(Action::Authorize(request));
            }
        }
        Ok(())
    }

    fn decide(&mut self, id: ClientId, request: RequestId, decision: Decision) {
        let Some(channel) = self.settle(id, request) else { return };
        match decision {
            Decision::Allow { member } => self.admit(id, &channel, member),
            Decision::Deny { reason } => self.deny(id, channel, Denial::Refused(reason)),
        }
    }

    fn deny_overdue(&mut self) {
        while let Some((request, client)) = self.undecided.take_overdue(self.now) {
            if let Some(channel) = self.settle(client, request) {
                self.deny(client, channel, Denial::AuthorizerTimedOut);
            }
        }
    }

    /// The channel that `request` was about; `None` if the client does not want to be let in any more.
    fn settle(&mut self, id: ClientId, request: RequestId) -> Option<ChannelName> {
        self.clients.get_mut(id)?.settle(request)
    }

    fn admit(&mut self, id: ClientId, name: &ChannelName, member: Option<Member>) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let member = match name.kind() {
            ChannelKind::Presence => {
                Some(member.unwrap_or_else(|| Member::new("", "")).or_called(&id.to_string()))
            }
            ChannelKind::Public | ChannelKind::Private => None,
        };
        let roster = self.channels.get(name).and_then(|channel| channel.roster());
        if let Some(Err(denial)) = member.as_ref().map(|member| seatable(member, roster, &self.config)) {
            self.deny(id, name.clone(), denial);
            return;
        }
        let index = self.channels.open(name);
        let channel = &mut self.channels[index];
        let limit = self.config.max_roster_bytes;
        match channel.enter(index, (id, client.home), member, limit, &mut self.announcer) {
            Ok(subscription) => {
                client.subscribe(subscription);
                let home = client.home;
                self.send_retained((id, home), name);
                self.count_changed(name);
            }
            Err(denial) => {
                self.channels.close_if_empty(index);
                self.deny(id, name.clone(), denial);
            }
        }
    }

    /// Tells a newcomer the latest message of the channel. Nothing can come between its being let in and this.
    fn send_retained(&mut self, (id, home): (ClientId, Home), channel: &ChannelName) {
        let to = Recipients::one(id, home);
        if let Some(retained) = self.retained.get(channel, self.now) {
            self.announcer.deliver(to, |_| Some(retained.message.clone()));
        } else if let Some(message) = self.announcer.wire.nothing_retained(channel) {
            self.announcer.deliver(to, |_| Some(message));
            self.announcer.act(Action::NothingRetained { client: id, channel: channel.clone() });
        }
    }

    fn deny(&mut self, id: ClientId, channel: ChannelName, denial: Denial) {
        let Some(client) = self.clients.get(id) else { return };
        self.announcer.deliver(Recipients::one(id, client.home), |wire| wire.denied(&channel, &denial));
        self.announcer.act(Action::Denied { client: id, channel, denial });
    }

    fn unsubscribe(&mut self, id: ClientId, name: &ChannelName) -> Result<(), InputError> {
        let client = self.clients.get_mut(id).ok_or(InputError::UnknownClient)?;
        client.withdraw(name);
        let home = client.home;
        if let Some(index) = self.channels.find(name)
            && let Some(subscription) = client.unsubscribe(index)
        {
            self.leave((id, home), subscription, Farewell::Told);
        }
        Ok(())
    }

    fn disconnect(&mut self, id: ClientId, code: CloseCode, reason: String, farewell: Farewell) {
        if let Some(home) = self.forget(id, farewell) {
            self.announcer.act(Action::Disconnect { client: id, home, code, reason });
        }
    }

    /// Where the client lived, if it was known.
    fn forget(&mut self, id: ClientId, farewell: Farewell) -> Option<Home> {
        let client = self.clients.remove(id)?;
        for request in client.requests() {
            self.undecided.take(request);
        }
        let home = client.home;
        for subscription in client.into_subscriptions() {
            self.leave((id, home), subscription, farewell);
        }
        Some(home)
    }

    fn leave(&mut self, client: (ClientId, Home), subscription: Subscription, farewell: Farewell) {
        let name = self.channels[subscription.channel].name().clone();
        self.channels.leave(client, subscription, farewell, &mut self.announcer);
        match farewell {
            Farewell::Told => self.count_changed(&name),
            Farewell::Silent => self.subscriber_counts.forget(&name),
        }
    }

    /// Tells a channel's subscribers how many they are now, or sees to it that they are told.
    fn count_changed(&mut self, channel: &ChannelName) {
        if self.config.subscriber_count_interval.is_none() {
            return;
        }
        if self.channels.find(channel).is_none() {
            self.subscriber_counts.forget(channel);
        } else if self.subscriber_counts.change(channel) == Tell::Now {
            self.tell_count(channel);
        }
    }

    fn tell_due_counts(&mut self) {
        // Whoever is due beyond that is so still when the hub is next told the time, which is at once.
        for _ in 0..MAX_COUNTS_AT_ONCE {
            let Some((channel, since)) = self.subscriber_counts.take_due(self.now) else { return };
            match since {
                Since::Changed => self.tell_count(&channel),
                Since::Unchanged => {}
            }
        }
    }

    fn tell_count(&mut self, name: &ChannelName) {
        if let Some(channel) = self.channels.get(name)
            && let Some(interval) = self.config.subscriber_count_interval
            && let Some(message) = self.announcer.wire.subscriber_count(name, channel.subscriber_count())
        {
            self.announcer.deliver(channel.recipients(None), |_| Some(message));
            self.subscriber_counts.tell(name, self.now + interval);
        }
    }

    fn close(&mut self) {
        self.state = State::Closed;
        for id in self.clients.by_connect() {
            self.disconnect(
                id,
                CloseCode::GOING_AWAY,
                String::from("the server is closing"),
                Farewell::Silent,
            );
        }
        self.retained = RetainedMessages::default();
        self.announcer.act(Action::Closed);
    }

    fn broadcast(&mut self, channel: &ChannelName, message: PreparedMessage, except: Option<ClientId>) {
        if let Some(to) = self.recipients(channel, except) {
            self.announcer.deliver(to, |_| Some(message));
        }
    }

    fn recipients(&self, name: &ChannelName, except: Option<ClientId>) -> Option<Recipients> {
        let except = except.filter(|client| self.is_subscribed(*client, name));
        let index = self.channels.find(name)?;
        Some(self.channels[index].recipients(except))
    }

    /// The names of the channels at some places, in no order that means anything; `None` behind the last place.
    pub(crate) fn channel_names_from(
        &self,
        place: usize,
        places: usize,
    ) -> Option<impl Iterator<Item = &ChannelName>> {
        self.channels.names_from(place, places)
    }

    /// Whether clients at `home` may get a delivery that `input` leads to; never false if one does.
    pub(crate) fn may_concern(&self, input: &Input, home: Home) -> bool {
        let lives_there = |client: ClientId| self.clients.get(client).is_some_and(|it| it.home == home);
        let is_heard_there =
            |channel: &ChannelName| self.channels.get(channel).is_some_and(|it| it.has_subscribers_at(home));
        match input {
            Input::Connect { home: its, .. } => *its == home,
            Input::Subscribe { client, channel, .. } => lives_there(*client) || is_heard_there(channel),
            Input::Broadcast { channel, .. } | Input::Retain { channel, .. } => is_heard_there(channel),
            Input::Send { client, .. } => lives_there(*client),
            Input::Decided { .. }
            | Input::Unsubscribe { .. }
            | Input::Disconnect { .. }
            | Input::Gone { .. }
            | Input::Configure(_)
            | Input::TimePassed
            | Input::Close => true,
        }
    }

    fn client(&self, id: ClientId) -> Result<&Client, InputError> {
        self.clients.get(id).ok_or(InputError::UnknownClient)
    }
}

/// What can be asked at any time.
impl Hub {
    /// How many clients are connected.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// What has happened so far, in numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.announcer.counts
    }

    /// How many channels have a subscriber.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// How many clients are subscribed to a channel; 0 for an unknown one.
    #[must_use]
    pub fn subscriber_count(&self, channel: &ChannelName) -> usize {
        self.channels.get(channel).map_or(0, |channel| channel.subscriber_count())
    }

    /// Who is present in a channel; `None` if nobody is subscribed to it, or it is no presence channel.
    #[must_use]
    pub fn presence(&self, channel: &ChannelName) -> Option<&Roster> {
        self.channels.get(channel)?.roster()
    }

    /// The names, sorted, of the channels with a subscriber that start with `prefix`. Looks at every channel at
    /// once; [`ChannelWalk`](crate::ChannelWalk) does so in steps.
    pub fn channels(&self, prefix: &str) -> impl Iterator<Item = &ChannelName> {
        let mut names: Vec<_> =
            self.channels.names().filter(|name| name.as_str().starts_with(prefix)).collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// Whether a client receives a channel's messages.
    #[must_use]
    pub fn is_subscribed(&self, client: ClientId, channel: &ChannelName) -> bool {
        let index = self.channels.find(channel);
        let subscription = index.and_then(|index| self.clients.get(client)?.subscription(index));
        subscription.is_some()
    }

    /// The member as which a client is seen in a presence channel; `None` if it is not subscribed, or it is
    /// no presence channel.
    #[must_use]
    pub fn member(&self, client: ClientId, channel: &ChannelName) -> Option<&Member> {
        let index = self.channels.find(channel)?;
        let seat = self.clients.get(client)?.subscription(index)?.seat?;
        self.channels[index].roster()?.at(seat)
    }

    /// The latest message of a channel that newcomers are sent; `None` if none is retained.
    #[must_use]
    pub fn retained(&self, channel: &ChannelName) -> Option<Retained<'_>> {
        self.retained.get(channel, self.now)
    }

    /// The limits that hold now.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether [`Input::Close`] was handled.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }
}

/// Whether one more channel, of this name, is within the limits.
fn admissible(client: &Client, channel: &ChannelName, config: &Config) -> Result<(), Denial> {
    if channel.as_str().is_empty() {
        return Err(Denial::ChannelNameEmpty);
    }
    if channel.as_str().len() > config.max_channel_name_bytes {
        return Err(Denial::ChannelNameTooLong { limit: config.max_channel_name_bytes });
    }
    if client.channel_count() >= config.max_channels_per_client {
        return Err(Denial::TooManyChannels { limit: config.max_channels_per_client });
    }
    Ok(())
}

/// Whether a client may be seen as `member`, as far as the limits are concerned.
fn seatable(member: &Member, roster: Option<&Roster>, config: &Config) -> Result<(), Denial> {
    if member.to_json().len() > config.max_member_bytes {
        return Err(Denial::MemberTooLong { limit: config.max_member_bytes });
    }
    let (members, has_joined) =
        roster.map_or((0, false), |roster| (roster.len(), roster.get(member.id()).is_some()));
    if members >= config.max_members_per_channel && !has_joined {
        return Err(Denial::TooManyMembers { limit: config.max_members_per_channel });
    }
    Ok(())
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("client_count", &self.client_count())
            .field("channel_count", &self.channel_count())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Hub>();
    }
}
