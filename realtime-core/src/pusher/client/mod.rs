//! The Pusher protocol, version 7, as a client speaks it.
//!
//! ```text
//!  the application ─ subscribe, trigger, … ─▶ ┌────────┐ ─ Event ──▶ the application
//!                                             │ Client │ ─ Ask ────▶ its authorizer ─▶ answer
//!  text, an end, the time ── handle_* ──────▶ └────────┘ ─ Open, Close, texts ─▶ a WebSocket
//! ```
//!
//! # The contract
//!
//! A driver opens and closes connections, moves texts and tells the time. **After every call that changes the
//! [`Client`], call [`poll_action`](Client::poll_action) until it returns `None`**, and perform each
//! [`Action`] in turn; then send what [`poll_transmit`](Client::poll_transmit) gives, as far as the connection takes
//! it, and see whether there is an action now. Then wait until a text comes, the connection ends, the application
//! wants something, or [`poll_timeout`](Client::poll_timeout) has come, and tell the client. [`Event`]s wait for
//! whoever calls [`poll_event`](Client::poll_event).
//!
//! ```
//! use core::time::Duration;
//! use realtime_core::pusher::client::{Action, Client, Config, Event, State};
//! use realtime_ws::Timestamp;
//!
//! let (now, random) = (Timestamp::START, 7); // a driver asks the system for both
//! let mut client = Client::new(Config::default(), random);
//! client.subscribe("news", now)?; // done as soon as there is a connection
//! client.connect(now);
//! let Some(Action::Open { connection }) = client.poll_action() else { unreachable!() };
//!
//! // The driver opened a WebSocket, and the server greets.
//! let greeting = r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":30}"}"#;
//! client.handle_text(connection, greeting, now);
//! let subscribe = r#"{"event":"pusher:subscribe","data":{"channel":"news","auth":""}}"#;
//! assert_eq!(client.poll_transmit(), Some((connection, subscribe.into())));
//! assert_eq!(client.poll_transmit(), None);
//! assert_eq!(client.poll_timeout(), Some(now + Duration::from_secs(30))); // then it asks whether the server lives
//!
//! assert_eq!(client.poll_event(), Some(Event::StateChanged { state: State::Connecting }));
//! assert_eq!(client.poll_event(), Some(Event::StateChanged { state: State::Connected }));
//! # Ok::<(), realtime_core::pusher::client::SubscribeError>(())
//! ```
//!
//! # What it promises
//!
//! 1. Channels that the application subscribed to are its wishes: kept while there is no connection, and
//!    carried out, in their order, on each new one, each time with a fresh authorization.
//! 2. The members that [`Event::Subscribed`] tells of, and those that join and leave from then on, fit together;
//!    with each new connection they are told anew.
//! 3. It asks whether a silent server lives, and leaves one that does not answer.
//! 4. It comes back as the server's close code says: never, at once, or after a time that doubles and is drawn at
//!    random, so that a thousand clients that lost one server do not return in one moment.
//! 5. A client event is handed to the connection, or refused, or told as lost ([`Event::NotSent`]). Nothing is
//!    kept for later, since nobody could tell how much later.
//! 6. What the application does not take in time is counted ([`Event::Missed`]). Memory is bounded by [`Config`].
//!
//! # What its connection's end leads to
//!
//! | close code | the client |
//! |---|---|
//! | 4000-4099, 4300 and above | gives up: [`State::Failed`] |
//! | 4200-4299 | connects again at once, if the connection had lived for a while ([`Config::stable_after`]) |
//! | any other, or none | connects again after a second or two, then after longer and longer |
//!
//! A `pusher:error` that comes instead of the greeting acts like the close code.

mod authorization;
mod backoff;
mod config;
mod connection;
mod error;
mod event;
mod events;
mod outgoing;
mod questions;
mod server_message;
mod sign_in;
mod subscriptions;
mod target;

pub use authorization::{About, Authorization, InvalidAuthorization, Question};
pub use config::Config;
pub use connection::ConnectionId;
pub use error::{SubscribeError, TriggerError};
pub use event::{Event, Presence, State, SubscriptionFailure};
pub use questions::QuestionId;
pub use target::{InvalidKey, target};

use super::channel_name::{is_encrypted, parse_channel_name};
use super::error_code::ErrorCode;
use super::message::MAX_EVENT_NAME_BYTES;
use super::socket_id::SocketId;
use crate::{ChannelKind, ChannelName, Member, Roster};
use alloc::string::{String, ToString};
use backoff::{Again, Backoff, LEAST_PAUSE};
use connection::{Closing, Established, Phase};
use events::Events;
use outgoing::{Frame, Outgoing};
use questions::Questions;
use realtime_ws::{CloseCode, Timestamp};
use serde::de::IgnoredAny;
use server_message::ServerMessage;
use sign_in::SignIn;
use subscriptions::{Progress, Subscription, Subscriptions};

/// One client of an app, over all the connections that it has one after the other. See the [module](self).
#[derive(Debug)]
pub struct Client {
    config: Config,
    state: State,
    phase: Phase,
    next_connection: ConnectionId,
    backoff: Backoff,
    /// When the client counts as unavailable, unless it is connected by then.
    unavailable_at: Option<Timestamp>,
    subscriptions: Subscriptions,
    sign_in: SignIn,
    questions: Questions,
    /// A connection that the driver is to open.
    to_open: Option<ConnectionId>,
    /// A connection that it is to close first.
    closing: Option<Closing>,
    /// For the established connection.
    outgoing: Outgoing,
    events: Events,
}

/// What a driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a WebSocket to the [`target`] of the app's server. All its texts go to
    /// [`Client::handle_text`]; that it could not be opened, or ended, to [`Client::handle_closed`].
    Open {
        /// What the connection is called.
        connection: ConnectionId,
    },
    /// Close the connection, or stop opening it. What still comes of it is ignored, so it need not be told.
    Close {
        /// Which.
        connection: ConnectionId,
        /// The code to close it with.
        code: CloseCode,
        /// Why, in words that fit into a close frame.
        reason: &'static str,
    },
    /// Ask the application's authorizer, and tell [`Client::answer`] what it says. Nothing else waits for that.
    Ask(Question),
}

impl Client {
    /// A client without a connection. `random` is to be another number for each client: it decides when it comes
    /// back.
    #[must_use]
    pub fn new(config: Config, random: u64) -> Self {
        Self {
            state: State::Initialized,
            phase: Phase::Idle,
            next_connection: ConnectionId::FIRST,
            backoff: Backoff::new(random),
            unavailable_at: None,
            subscriptions: Subscriptions::default(),
            sign_in: SignIn::Unwanted,
            questions: Questions::default(),
            to_open: None,
            closing: None,
            outgoing: Outgoing::default(),
            events: Events::new(config.max_queued_events, config.max_queued_event_bytes),
            config,
        }
    }

    /// Connects, and from then on comes back by itself; idempotent. Also what starts anew after
    /// [`disconnect`](Self::disconnect) and [`State::Failed`].
    pub fn connect(&mut self, now: Timestamp) {
        match self.phase {
            Phase::Idle => {
                self.backoff.reset();
                self.is_trying(now);
                self.open(now);
            }
            Phase::Waiting { .. } | Phase::Opening { .. } | Phase::Established(_) => {}
        }
    }

    /// Closes the connection, after what is already to be sent, and does not come back; idempotent. Subscriptions
    /// stay wishes for the next [`connect`](Self::connect).
    pub fn disconnect(&mut self) {
        if let Some(connection) = self.phase.connection() {
            let last = self.outgoing.take();
            self.close(connection, CloseCode::NORMAL, "", last);
        }
        self.forget_connection();
        self.phase = Phase::Idle;
        self.unavailable_at = None;
        self.enter(State::Disconnected);
    }

    /// Wants `channel`; idempotent, but for one that was refused, which is tried again. Without a connection it is
    /// done on the next. [`Event::Subscribed`] or [`Event::SubscriptionFailed`] tells what came of it, on this
    /// connection and on each later one.
    ///
    /// # Errors
    /// [`SubscribeError`]: the caller's fault; nothing changed.
    pub fn subscribe(&mut self, channel: &str, now: Timestamp) -> Result<ChannelName, SubscribeError> {
        let channel = parse_channel_name(channel).map_err(SubscribeError::Name)?;
        if channel.as_str().starts_with('#') {
            return Err(SubscribeError::UserChannel);
        }
        if self.subscriptions.get(&channel).is_none() {
            let limit = self.config.max_channels;
            if self.subscriptions.len() >= limit {
                return Err(SubscribeError::TooManyChannels { limit });
            }
            self.subscriptions.push(channel.clone());
        }
        if let Phase::Established(established) = &self.phase
            && let Some(subscription) = self.subscriptions.get_mut(&channel)
        {
            let deadline = now + self.config.authorization_timeout;
            begin(subscription, established.socket_id, deadline, &mut self.questions, &mut self.outgoing);
        }
        Ok(channel)
    }

    /// Wants `channel` no longer; idempotent. What is on its way from it is ignored from now on, and so is an
    /// answer of the authorizer.
    pub fn unsubscribe(&mut self, channel: &ChannelName) {
        let Some(subscription) = self.subscriptions.remove(channel) else { return };
        match subscription.progress {
            Progress::Idle | Progress::Held(_) | Progress::Refused => {}
            Progress::Asked(question) => self.questions.withdraw(question),
            Progress::Requested | Progress::Subscribed | Progress::Denied => {
                self.outgoing.unsubscribe(channel);
            }
        }
    }

    /// Sends an event to the other subscribers of `channel`. `data` is JSON, such as `{"typing":true}` or `"text"`.
    ///
    /// # Errors
    /// [`TriggerError`]: it will not be sent. Nothing changed.
    pub fn trigger(&mut self, channel: &ChannelName, event: &str, data: &str) -> Result<(), TriggerError> {
        if !event.starts_with("client-") {
            return Err(TriggerError::EventName);
        }
        if event.len() > MAX_EVENT_NAME_BYTES {
            return Err(TriggerError::EventNameTooLong { bytes: event.len() });
        }
        match channel.kind() {
            ChannelKind::Public => return Err(TriggerError::PublicChannel),
            ChannelKind::Private if is_encrypted(channel) => return Err(TriggerError::EncryptedChannel),
            ChannelKind::Private | ChannelKind::Presence => {}
        }
        if let Err(error) = serde_json::from_str::<IgnoredAny>(data) {
            return Err(TriggerError::DataNotJson { reason: error.to_string() });
        }
        if self.state != State::Connected {
            return Err(TriggerError::NotConnected);
        }
        if !self.is_subscribed(channel) {
            return Err(TriggerError::NotSubscribed);
        }
        let limit = self.config.max_unsent_client_events;
        if self.outgoing.client_events() >= limit {
            return Err(TriggerError::QueueFull { limit });
        }
        self.outgoing.push(Frame::client_event(channel, event, data));
        Ok(())
    }

    /// Wants to be signed in as the user that the authorizer names; idempotent, but for one that failed, which is
    /// tried again. [`Event::SignedIn`] or [`Event::SignInFailed`] tells what came of it, on this connection and on
    /// each later one. Events to the user then come as [`Event::ToUser`].
    pub fn sign_in(&mut self, now: Timestamp) {
        match self.sign_in {
            SignIn::Unwanted | SignIn::Failed => self.sign_in = SignIn::Wanted,
            SignIn::Wanted | SignIn::Asked | SignIn::Requested | SignIn::Done { .. } => {}
        }
        if let (Phase::Established(established), SignIn::Wanted) = (&self.phase, &self.sign_in) {
            let deadline = now + self.config.authorization_timeout;
            self.questions.ask(established.socket_id, About::User, deadline);
            self.sign_in = SignIn::Asked;
        }
    }

    /// What the authorizer says to a question: an authorization, or why there is none. Ignored if nobody wants to
    /// know any more, since the connection ended, the channel was unsubscribed, or it took too long.
    pub fn answer(&mut self, question: QuestionId, answer: Result<Authorization, String>) {
        let Some(about) = self.questions.take(question) else { return };
        match (about, answer) {
            (About::Channel(channel), Ok(authorization)) => self.authorized(&channel, authorization),
            (About::Channel(channel), Err(reason)) => {
                self.refuse(channel, SubscriptionFailure::Authorizer { reason });
            }
            (About::User, Ok(Authorization { auth, data: Some(user_data) })) => {
                self.outgoing.push(Frame::sign_in(&auth, &user_data));
                self.sign_in = SignIn::Requested;
                self.release_held();
            }
            (About::User, Ok(Authorization { data: None, .. })) => {
                self.fail_sign_in("the authorizer gave no user_data".to_string());
            }
            (About::User, Err(reason)) => self.fail_sign_in(reason),
        }
    }

    /// Whether an answer to the question is still awaited. A driver that asks one question after the other need not ask
    /// what nobody wants to know any more.
    #[must_use]
    pub fn awaits(&self, question: QuestionId) -> bool {
        self.questions.is_open(question)
    }

    /// A text came over a connection.
    pub fn handle_text(&mut self, connection: ConnectionId, text: &str, now: Timestamp) {
        if self.phase.connection() != Some(connection) {
            return;
        }
        self.heard(now);
        let message = match ServerMessage::parse(text) {
            Ok(message) => message,
            Err(reason) => {
                self.events.push(Event::Malformed { reason });
                return;
            }
        };
        match &self.phase {
            Phase::Established(_) => self.handle_message(message),
            Phase::Idle | Phase::Waiting { .. } | Phase::Opening { .. } => {
                self.handle_first(connection, message, now);
            }
        }
    }

    /// A binary message came over a connection, which the protocol does not have.
    pub fn handle_binary(&mut self, connection: ConnectionId, now: Timestamp) {
        if self.phase.connection() == Some(connection) {
            self.heard(now);
            self.events.push(Event::Malformed { reason: "the message is binary".to_string() });
        }
    }

    /// A connection could not be opened, or has ended. `code` is that of the server's close frame, if it sent one;
    /// `reason` is what happened in words.
    pub fn handle_closed(
        &mut self,
        connection: ConnectionId,
        code: Option<CloseCode>,
        reason: &str,
        now: Timestamp,
    ) {
        if self.phase.connection() != Some(connection) {
            return;
        }
        // If the driver tells of one that it was not asked to open yet, it is not asked any more.
        self.to_open = None;
        self.events.push(Event::ConnectionLost { code, reason: reason.to_string() });
        self.lost(Again::after(code.map(CloseCode::get)), now);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let is_due = |deadline: Timestamp| deadline <= now;
        if self.unavailable_at.is_some_and(is_due) {
            self.unavailable_at = None;
            self.enter(State::Unavailable);
        }
        while let Some(question) = self.questions.overdue(now) {
            self.answer(question, Err("the authorizer took too long".to_string()));
        }
        match &mut self.phase {
            Phase::Waiting { until } if is_due(*until) => self.open(now),
            Phase::Opening { connection, deadline } if is_due(*deadline) => {
                let connection = *connection;
                self.leave(connection, CloseCode::NORMAL, "no greeting came in time", Again::Later, now);
            }
            Phase::Established(established) if is_due(established.deadline()) => {
                if established.awaits_pong() {
                    let connection = established.connection;
                    let code = ErrorCode::NO_PONG.close_code();
                    self.leave(connection, code, "no pong came in time", Again::AtOnce, now);
                } else {
                    established.asked(now + self.config.pong_timeout);
                    self.outgoing.push_once(Frame::Ping);
                }
            }
            Phase::Idle | Phase::Waiting { .. } | Phase::Opening { .. } | Phase::Established(_) => {}
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let questions = self.questions.first_deadline();
        [self.phase.deadline(), self.unavailable_at, questions].into_iter().flatten().min()
    }

    /// What the driver is to do next, besides sending.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(closing) = self.closing.take_if(|closing| closing.last.is_empty()) {
            let Closing { connection, code, reason, last: _ } = closing;
            return Some(Action::Close { connection, code, reason });
        }
        if self.closing.is_none()
            && let Some(connection) = self.to_open.take()
        {
            return Some(Action::Open { connection });
        }
        self.questions.poll().map(Action::Ask)
    }

    /// The next text to send, and over which connection. To be asked only while that takes more, or is
    /// [to be closed](Self::is_closing); if it has ended, the text is to be thrown away.
    pub fn poll_transmit(&mut self) -> Option<(ConnectionId, String)> {
        if let Some(closing) = &mut self.closing {
            let frame = closing.last.pop_front()?;
            return Some((closing.connection, frame.into_text()));
        }
        let connection = self.phase.connection()?;
        self.outgoing.pop().map(|frame| (connection, frame.into_text()))
    }

    /// What the application is to know next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Whether there is no connection, nor is one wanted, and the driver knows it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.closing.is_none()
    }

    /// Whether a connection is to be closed as soon as the driver has taken what is to be sent before. That is bounded, so
    /// it may be taken though the connection has no room: the time to close counts from [`Action::Close`] on.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// The state of the connection.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The id of the connection, with which the app's server can leave it out of a broadcast; `None` while there is
    /// none.
    #[must_use]
    pub fn socket_id(&self) -> Option<SocketId> {
        match &self.phase {
            Phase::Established(established) => Some(established.socket_id),
            Phase::Idle | Phase::Waiting { .. } | Phase::Opening { .. } => None,
        }
    }

    /// The id of the user as whom the client is signed in.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match &self.sign_in {
            SignIn::Done { user_id, .. } => Some(user_id),
            SignIn::Unwanted | SignIn::Wanted | SignIn::Asked | SignIn::Requested | SignIn::Failed => None,
        }
    }

    /// The channels that are wanted, in the order in which they were subscribed to.
    pub fn channels(&self) -> impl Iterator<Item = &ChannelName> {
        self.subscriptions.iter().map(|subscription| &subscription.channel)
    }

    /// Whether the server has let the client into `channel`, on this connection.
    #[must_use]
    pub fn is_subscribed(&self, channel: &ChannelName) -> bool {
        self.subscriptions.get(channel).is_some_and(|subscription| match subscription.progress {
            Progress::Subscribed => true,
            Progress::Idle
            | Progress::Asked(_)
            | Progress::Held(_)
            | Progress::Requested
            | Progress::Refused
            | Progress::Denied => false,
        })
    }

    /// Who is in the presence channel `channel`, the client included; `None` while it is not subscribed to it.
    #[must_use]
    pub fn roster(&self, channel: &ChannelName) -> Option<&Roster> {
        self.subscriptions.get(channel)?.roster.as_ref()
    }

    /// As whom the client is seen in the presence channel `channel`; `None` while it is not subscribed to it.
    #[must_use]
    pub fn me(&self, channel: &ChannelName) -> Option<&Member> {
        let subscription = self.subscriptions.get(channel)?;
        let me = subscription.me.as_deref().or_else(|| self.user_id())?;
        subscription.roster.as_ref()?.get(me)
    }

    fn enter(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.events.push(Event::StateChanged { state });
        }
    }

    /// There is no connection, but there is to be one.
    fn is_trying(&mut self, now: Timestamp) {
        self.unavailable_at = Some(now + self.config.unavailable_after);
        self.enter(State::Connecting);
    }

    fn open(&mut self, now: Timestamp) {
        let connection = self.next_connection;
        self.next_connection = connection.next();
        self.to_open = Some(connection);
        self.phase = Phase::Opening { connection, deadline: now + self.config.connect_timeout };
    }

    fn established(&mut self, established: Established) {
        let (socket_id, since) = (established.socket_id, established.since);
        self.phase = Phase::Established(established);
        self.unavailable_at = None;
        self.enter(State::Connected);
        self.resume(socket_id, since);
    }

    /// Carries out what the application wants. To sign in comes first: who is signed in may be let into presence
    /// channels as that user.
    fn resume(&mut self, socket_id: SocketId, now: Timestamp) {
        let deadline = now + self.config.authorization_timeout;
        if matches!(self.sign_in, SignIn::Wanted) {
            self.questions.ask(socket_id, About::User, deadline);
            self.sign_in = SignIn::Asked;
        }
        for subscription in self.subscriptions.iter_mut() {
            begin(subscription, socket_id, deadline, &mut self.questions, &mut self.outgoing);
        }
    }

    /// Gives up a connection that the server does nothing with.
    fn leave(
        &mut self,
        connection: ConnectionId,
        code: CloseCode,
        reason: &'static str,
        again: Again,
        now: Timestamp,
    ) {
        self.close(connection, code, reason, []);
        self.events.push(Event::ConnectionLost { code: None, reason: reason.to_string() });
        self.lost(again, now);
    }

    /// Has the driver close a connection, unless it has not even been asked to open it.
    fn close(
        &mut self,
        connection: ConnectionId,
        code: CloseCode,
        reason: &'static str,
        last: impl IntoIterator<Item = Frame>,
    ) {
        if self.to_open.take().is_none() {
            self.closing = Some(Closing { connection, code, reason, last: last.into_iter().collect() });
        }
    }

    /// The connection is no more, or never came about.
    fn lost(&mut self, again: Again, now: Timestamp) {
        if let Phase::Established(established) = &self.phase {
            if now.since(established.since) >= self.config.stable_after.max(LEAST_PAUSE) {
                self.backoff.reset();
            }
            self.is_trying(now);
        }
        self.forget_connection();
        match self.backoff.delay(again, &self.config) {
            None => {
                self.phase = Phase::Idle;
                self.unavailable_at = None;
                self.enter(State::Failed);
            }
            Some(delay) if delay.is_zero() => self.open(now),
            Some(delay) => self.phase = Phase::Waiting { until: now + delay },
        }
    }

    /// Forgets all that was true on one connection alone; what the application wants stays.
    fn forget_connection(&mut self) {
        for frame in self.outgoing.take() {
            if let Frame::ClientEvent { channel, event, .. } = frame {
                self.events.push(Event::NotSent { channel, event });
            }
        }
        self.questions.clear();
        self.sign_in.reset();
        for subscription in self.subscriptions.iter_mut() {
            subscription.reset();
        }
    }

    fn authorized(&mut self, channel: &ChannelName, authorization: Authorization) {
        let Some(subscription) = self.subscriptions.get_mut(channel) else { return };
        let is_for_a_user = channel.kind() == ChannelKind::Presence && authorization.data.is_none();
        if is_for_a_user && self.sign_in.is_ahead() {
            subscription.progress = Progress::Held(authorization);
        } else {
            subscription.request(authorization, &mut self.outgoing);
        }
    }

    /// Subscribes to what waited for the sign-in, which is on its way or will not come.
    fn release_held(&mut self) {
        for subscription in self.subscriptions.iter_mut() {
            if let Progress::Held(authorization) = &mut subscription.progress {
                let authorization = core::mem::take(authorization);
                subscription.request(authorization, &mut self.outgoing);
            }
        }
    }

    fn refuse(&mut self, channel: ChannelName, failure: SubscriptionFailure) {
        if let Some(subscription) = self.subscriptions.get_mut(&channel) {
            subscription.reset();
            subscription.progress = Progress::Refused;
            self.events.push(Event::SubscriptionFailed { channel, failure });
        }
    }

    /// The server denied a subscribe: the one that it was asked last, or one before that was taken back since.
    fn denied(&mut self, channel: ChannelName, failure: SubscriptionFailure) {
        let Some(subscription) = self.subscriptions.get_mut(&channel) else { return };
        match subscription.progress {
            Progress::Requested | Progress::Subscribed | Progress::Denied => {}
            // It was asked nothing that still counts.
            Progress::Idle | Progress::Asked(_) | Progress::Held(_) | Progress::Refused => return,
        }
        subscription.reset();
        subscription.progress = Progress::Denied;
        self.events.push(Event::SubscriptionFailed { channel, failure });
    }

    fn fail_sign_in(&mut self, reason: String) {
        self.sign_in = SignIn::Failed;
        self.events.push(Event::SignInFailed { reason });
        self.release_held();
    }

    fn heard(&mut self, now: Timestamp) {
        match &mut self.phase {
            Phase::Established(established) => established.heard(now),
            Phase::Idle | Phase::Waiting { .. } | Phase::Opening { .. } => {}
        }
    }

    /// The server is to greet, or say why it does not.
    fn handle_first(&mut self, connection: ConnectionId, message: ServerMessage, now: Timestamp) {
        match message {
            ServerMessage::Established { socket_id, activity_timeout } => {
                let own = self.config.activity_timeout.max(LEAST_PAUSE);
                let activity_timeout = activity_timeout.map_or(own, |timeout| timeout.min(own));
                self.established(Established::new(connection, socket_id, activity_timeout, now));
            }
            ServerMessage::Error { code, message } => {
                self.events.push(Event::Error { code, message });
                self.close(connection, CloseCode::NORMAL, "", []);
                self.lost(Again::after(code), now);
            }
            // It is given time until it has.
            ServerMessage::Ping
            | ServerMessage::Pong
            | ServerMessage::SubscriptionSucceeded { .. }
            | ServerMessage::SubscriptionError { .. }
            | ServerMessage::MemberAdded { .. }
            | ServerMessage::MemberRemoved { .. }
            | ServerMessage::SubscriptionCount { .. }
            | ServerMessage::CacheMiss { .. }
            | ServerMessage::SignedIn { .. }
            | ServerMessage::Watchlist { .. }
            | ServerMessage::Event { .. } => {}
        }
    }

    fn handle_message(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Established { .. } | ServerMessage::Pong => {}
            ServerMessage::Ping => self.outgoing.push_once(Frame::Pong),
            ServerMessage::Error { code, message } => self.handle_error(code, message),
            ServerMessage::SubscriptionSucceeded { channel, roster } => {
                self.subscription_succeeded(channel, roster);
            }
            ServerMessage::SubscriptionError { channel, status, reason } => {
                self.denied(channel, SubscriptionFailure::Server { status, reason });
            }
            ServerMessage::MemberAdded { channel, member } => {
                let roster = self.subscriptions.get_mut(&channel).and_then(|it| it.roster.as_mut());
                if roster.is_some_and(|roster| roster.add(member.clone())) {
                    self.events.push(Event::MemberJoined { channel, member });
                }
            }
            ServerMessage::MemberRemoved { channel, user_id } => {
                let roster = self.subscriptions.get_mut(&channel).and_then(|it| it.roster.as_mut());
                if let Some(member) = roster.and_then(|roster| roster.remove(&user_id)) {
                    self.events.push(Event::MemberLeft { channel, member });
                }
            }
            ServerMessage::SubscriptionCount { channel, subscribers } => {
                if self.is_subscribed(&channel) {
                    self.events.push(Event::SubscriptionCount { channel, subscribers });
                }
            }
            ServerMessage::CacheMiss { channel } => {
                if self.is_subscribed(&channel) {
                    self.events.push(Event::CacheMiss { channel });
                }
            }
            ServerMessage::SignedIn { user_id, user_data } => self.signed_in(user_id, user_data),
            ServerMessage::Watchlist { online, offline } => {
                if !online.is_empty() {
                    self.events.push(Event::Online { user_ids: online });
                }
                if !offline.is_empty() {
                    self.events.push(Event::Offline { user_ids: offline });
                }
            }
            ServerMessage::Event { channel: None, event, data, .. } => {
                self.events.push(Event::ToConnection { event, data });
            }
            ServerMessage::Event { channel: Some(channel), event, data, user_id } => {
                if self.sign_in.is_channel(&channel) {
                    self.events.push(Event::ToUser { event, data });
                } else if self.is_subscribed(&channel) {
                    self.events.push(Event::Message { channel, event, data, user_id });
                }
            }
        }
    }

    fn subscription_succeeded(&mut self, channel: ChannelName, roster: Option<Roster>) {
        let Some(subscription) = self.subscriptions.get_mut(&channel) else { return };
        match subscription.progress {
            // A second answer comes where the application unsubscribed and subscribed again before the first.
            Progress::Requested | Progress::Subscribed | Progress::Denied => {}
            Progress::Idle | Progress::Asked(_) | Progress::Held(_) | Progress::Refused => return,
        }
        subscription.progress = Progress::Subscribed;
        subscription.roster = roster;
        let members = subscription.roster.as_ref().map(|roster| roster.members().cloned().collect());
        let presence = members.map(|members| Presence { members, me: self.me(&channel).cloned() });
        self.events.push(Event::Subscribed { channel, presence });
    }

    fn handle_error(&mut self, code: Option<u16>, message: String) {
        let is_of_sign_in =
            [ErrorCode::UNAUTHORIZED, ErrorCode::WATCHLIST_TOO_LONG].iter().any(|of| code == Some(of.get()));
        if is_of_sign_in && matches!(self.sign_in, SignIn::Requested) {
            self.fail_sign_in(message);
        } else {
            self.events.push(Event::Error { code, message });
        }
    }

    fn signed_in(&mut self, user_id: String, user_data: String) {
        if !matches!(self.sign_in, SignIn::Requested) {
            return;
        }
        self.sign_in = SignIn::done(user_id);
        if let SignIn::Done { channel, .. } = &self.sign_in {
            self.outgoing.push(Frame::subscribe(channel, "", None));
        }
        self.events.push(Event::SignedIn { user_data });
    }
}

/// Begins to subscribe to a channel that is wanted, if that has not begun.
fn begin(
    subscription: &mut Subscription,
    socket_id: SocketId,
    deadline: Timestamp,
    questions: &mut Questions,
    outgoing: &mut Outgoing,
) {
    match subscription.progress {
        Progress::Idle | Progress::Refused => {}
        // Nobody knows whether it let the client in meanwhile.
        Progress::Denied => outgoing.unsubscribe(&subscription.channel),
        Progress::Asked(_) | Progress::Held(_) | Progress::Requested | Progress::Subscribed => return,
    }
    match subscription.channel.kind() {
        ChannelKind::Public => subscription.request(Authorization::default(), outgoing),
        ChannelKind::Private | ChannelKind::Presence => {
            let about = About::Channel(subscription.channel.clone());
            subscription.progress = Progress::Asked(questions.ask(socket_id, about, deadline));
        }
    }
}
