use super::config::{Config, Filter};
use super::counts::Counts;
use super::event_type::EventType;
use super::fact::{self, Fact};
use super::held::{Amended, Held, Released, Subject};
use super::queue::{Outcome, Queue};
use super::request::{Request, Response};
use crate::pusher::app::App;
use crate::{ChannelKind, ChannelName};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use realtime_ws::Timestamp;

/// The webhooks of one app: what waits to be told to which endpoint, and when.
///
/// After every call, [`poll_request`](Self::poll_request) until `None`, and come back when
/// [`poll_timeout`](Self::poll_timeout) says, unless something happens before. For each request
/// [`handle_response`](Self::handle_response) is to follow.
pub struct Webhooks {
    config: Config,
    endpoints: Vec<Endpoint>,
    held: Held,
    counts: Counts,
    // The latest moment that a call named: time does not run backwards.
    now: Timestamp,
    state: State,
}

struct Endpoint {
    filter: Filter,
    queue: Queue,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    // Nothing is held back and nothing waits for others any more.
    Stopping,
}

/// Whether a channel is occupied, or a member is there, as a number beside those of subscribers.
const PRESENT: usize = 1;
const ABSENT: usize = 0;

impl Webhooks {
    /// The webhooks of an app: one endpoint for each of `filters`.
    #[must_use]
    pub fn new(filters: impl IntoIterator<Item = Filter>, config: Config) -> Self {
        let endpoints = filters.into_iter().map(|filter| Endpoint { filter, queue: Queue::default() });
        Self {
            config,
            endpoints: endpoints.collect(),
            held: Held::default(),
            counts: Counts::default(),
            now: Timestamp::START,
            state: State::Running,
        }
    }

    /// Takes something that happened.
    pub fn handle_fact(&mut self, fact: Fact, now: Timestamp) {
        self.pass_time(now);
        match fact {
            Fact::Subscribed { channel, subscribers } => {
                if subscribers == 1 {
                    self.begins(Subject::Occupancy(channel.clone()));
                }
                self.count_changes(channel, (subscribers.saturating_sub(1), subscribers));
            }
            Fact::Unsubscribed { channel, subscribers } => {
                if subscribers == 0 {
                    self.ends(Subject::Occupancy(channel.clone()));
                }
                self.count_changes(channel, (subscribers.saturating_add(1), subscribers));
            }
            Fact::Joined { channel, member } => {
                self.begins(Subject::Membership(channel, String::from(member.id())));
            }
            Fact::Left { channel, member } => {
                self.ends(Subject::Membership(channel, String::from(member.id())));
            }
            Fact::CacheMissed { channel } => {
                let json = || fact::channel_event(EventType::CacheMiss, &channel);
                self.tell(EventType::CacheMiss, &channel, json);
            }
            Fact::ClientEvent { channel, sender, message } => {
                if let Some(json) = fact::client_event(&channel, sender, &message) {
                    self.tell(EventType::ClientEvent, &channel, || json);
                }
            }
        }
    }

    /// Takes what came of a request to `endpoint`. `random` is any number, other ones for other requests: repetitions
    /// are not to come all at once.
    pub fn handle_response(&mut self, endpoint: usize, response: Response, random: u32, now: Timestamp) {
        self.pass_time(now);
        let Some(Endpoint { queue, .. }) = self.endpoints.get_mut(endpoint) else { return };
        match queue.response(response, random, self.now, &self.config) {
            Outcome::Delivered(events) => self.counts.delivered += events,
            Outcome::GivenUp(events) => self.counts.given_up_after_retries += events,
            Outcome::ToBeRepeated | Outcome::NoLongerWanted => {}
        }
    }

    /// The next request to make, if one is due, signed by `app` as it is now; `time_ms` is the time of the wall clock, in
    /// milliseconds since 1970.
    pub fn poll_request(&mut self, app: &App, now: Timestamp, time_ms: u64) -> Option<Request> {
        self.pass_time(now);
        let window = self.window();
        let due = |queue: &Queue| queue.due(window, &self.config).is_some_and(|due| due <= self.now);
        let index = self.endpoints.iter().position(|endpoint| due(&endpoint.queue))?;
        self.endpoints[index].queue.request(app, index, &self.config, time_ms)
    }

    /// When to call [`poll_request`](Self::poll_request) if nothing happens before; `None`: not before something does.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let window = self.window();
        let requests = self.endpoints.iter().filter_map(|endpoint| endpoint.queue.due(window, &self.config));
        requests.chain(self.held.first_due()).min()
    }

    /// Tells at once what is held back or waits, and repeats at once what failed: the app's clients are gone, or about
    /// to be, and soon there is nobody to tell it any more. Idempotent.
    pub fn stop(&mut self, now: Timestamp) {
        self.pass_time(now);
        if self.state == State::Stopping {
            return;
        }
        self.state = State::Stopping;
        while let Some(released) = self.held.release_first() {
            self.tell_change(&released);
        }
        for endpoint in &mut self.endpoints {
            endpoint.queue.hurry();
        }
    }

    /// Gives up all that is not delivered yet, and counts it; how many events that are, each counted for each of its
    /// endpoints. For those of them that are under way no response need be handed in.
    pub fn give_up(&mut self) -> u64 {
        self.stop(self.now);
        let given_up = self.endpoints.iter_mut().map(|endpoint| endpoint.queue.give_up()).sum();
        self.counts.given_up_stopped += given_up;
        given_up
    }

    /// How many events wait to be accepted, each counted for each of its endpoints, without those held back.
    #[must_use]
    pub fn queued_events(&self) -> u64 {
        self.endpoints.iter().map(|endpoint| endpoint.queue.len()).sum()
    }

    /// How many changes are held back, as they may not last.
    #[must_use]
    pub fn held_events(&self) -> usize {
        self.held.len()
    }

    /// What became of events so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn pass_time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some(released) = self.held.release(self.now) {
            self.tell_change(&released);
        }
    }

    /// A channel is occupied, or a member is there.
    fn begins(&mut self, subject: Subject) {
        let (begun, ended) = event_types(&subject);
        let channel = subject.channel();
        if let Some(facts) = self.held.cancel(&subject) {
            self.counts.cancelled += facts * self.wanted(ended, channel) + self.wanted(begun, channel);
        } else {
            self.tell(begun, channel, || subject.to_json(begun, PRESENT));
        }
    }

    /// A channel is vacated, or a member is gone.
    fn ends(&mut self, subject: Subject) {
        let (begun, ended) = event_types(&subject);
        let wanted = [begun, ended].map(|event| self.wanted(event, subject.channel()));
        if wanted != [0, 0] {
            self.hold(subject, (PRESENT, ABSENT));
        }
    }

    fn count_changes(&mut self, channel: ChannelName, (before, after): (usize, usize)) {
        if channel.kind() == ChannelKind::Presence || self.wanted(EventType::SubscriptionCount, &channel) == 0
        {
            return;
        }
        self.hold(Subject::Count(channel), (before, after));
    }

    /// Holds a change back, if there is a reason and room.
    fn hold(&mut self, subject: Subject, (before, after): (usize, usize)) {
        match self.held.amend(&subject, after) {
            Amended::NotHeld => {}
            Amended::StillHeld => return,
            Amended::Undone { facts } => {
                let (_, event) = event_types(&subject);
                self.counts.cancelled += facts * self.wanted(event, subject.channel());
                return;
            }
        }
        let may_be_held = self.state == State::Running
            && !self.config.hold_back.is_zero()
            && self.held.len() < self.config.max_held_events;
        if may_be_held {
            self.held.hold(subject, (before, after), self.now + self.config.hold_back);
        } else {
            self.tell_change(&Released { subject, facts: 1, after });
        }
    }

    fn tell_change(&mut self, change: &Released) {
        let Released { subject, facts, after } = change;
        let ((_, event), channel) = (event_types(subject), subject.channel());
        self.tell(event, channel, || subject.to_json(event, *after));
        // Of several in a row the last one stands for all.
        self.counts.cancelled += (facts - 1) * self.wanted(event, channel);
    }

    /// Queues an event for each endpoint that wants it.
    fn tell(&mut self, event: EventType, channel: &ChannelName, json: impl FnOnce() -> Arc<str>) {
        if self.wanted(event, channel) == 0 {
            return;
        }
        let json = json();
        for Endpoint { filter, queue } in &mut self.endpoints {
            if filter.wants(event, channel) {
                self.counts.given_up_queue_full += queue.push(json.clone(), self.now, &self.config);
            }
        }
    }

    /// How many endpoints want such an event.
    fn wanted(&self, event: EventType, channel: &ChannelName) -> u64 {
        self.endpoints.iter().filter(|endpoint| endpoint.filter.wants(event, channel)).count() as u64
    }

    fn window(&self) -> Duration {
        match self.state {
            State::Running => self.config.batch_window,
            State::Stopping => Duration::ZERO,
        }
    }
}

impl Subject {
    fn channel(&self) -> &ChannelName {
        match self {
            Self::Occupancy(channel) | Self::Membership(channel, _) | Self::Count(channel) => channel,
        }
    }

    fn to_json(&self, event: EventType, after: usize) -> Arc<str> {
        match self {
            Self::Occupancy(channel) => fact::channel_event(event, channel),
            Self::Membership(channel, user_id) => fact::member_event(event, channel, user_id),
            Self::Count(channel) => fact::subscription_count(channel, after),
        }
    }
}

/// What is told when it begins, and when it ends.
fn event_types(subject: &Subject) -> (EventType, EventType) {
    match subject {
        Subject::Occupancy(_) => (EventType::ChannelOccupied, EventType::ChannelVacated),
        Subject::Membership(..) => (EventType::MemberAdded, EventType::MemberRemoved),
        Subject::Count(_) => (EventType::SubscriptionCount, EventType::SubscriptionCount),
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("endpoints", &self.endpoints.len())
            .field("held_events", &self.held_events())
            .field("queued_events", &self.queued_events())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
