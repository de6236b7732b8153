//! Whatever happens in whatever order, each fact is told in order at least once, or it is counted why not.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use proptest::prelude::*;
use realtime_core::Member;
use realtime_core::pusher::webhooks::{
    Config, EventType, EventTypes, Fact, Filter, Request, Response, Webhooks,
};
use realtime_core::pusher::{App, Secret};
use realtime_ws::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const CHANNELS: [&str; 3] = ["news", "presence-room", "other"];
const USERS: [&str; 2] = ["ada", "grace"];

#[derive(Clone, Debug)]
enum Step {
    Comes { channel: usize },
    Goes { channel: usize },
    Joins { user: usize },
    Leaves { user: usize },
    Marks,
    Answers { endpoint: usize, status: Option<u16>, random: u32 },
    Waits { millis: u64 },
    Stops,
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![Just(Some(200)), Just(Some(204)), Just(Some(500)), Just(Some(301)), Just(None)];
    let answers = (0..2_usize, status, any::<u32>());
    prop_oneof![
        4 => (0..CHANNELS.len()).prop_map(|channel| Step::Comes { channel }),
        4 => (0..CHANNELS.len()).prop_map(|channel| Step::Goes { channel }),
        2 => (0..USERS.len()).prop_map(|user| Step::Joins { user }),
        2 => (0..USERS.len()).prop_map(|user| Step::Leaves { user }),
        3 => Just(Step::Marks),
        6 => answers.prop_map(|(endpoint, status, random)| Step::Answers { endpoint, status, random }),
        4 => (0..4_000_u64).prop_map(|millis| Step::Waits { millis }),
        1 => (0..400_000_u64).prop_map(|millis| Step::Waits { millis }),
        // Seldom, or little happens before.
        1 => prop_oneof![9 => Just(Step::Marks), 1 => Just(Step::Stops)],
    ]
}

/// An app whose channels, members and cache misses are known exactly, beside its webhooks.
struct World {
    app: App,
    webhooks: Webhooks,
    config: Config,
    now: Timestamp,
    subscribers: [usize; CHANNELS.len()],
    present: [bool; USERS.len()],
    marks: u64,
    /// How many events both endpoints were to be told of, had nothing been cancelled or given up.
    expected: u64,
    under_way: [Option<Request>; 2],
    /// What each endpoint accepted.
    accepted: [Vec<Value>; 2],
}

impl World {
    fn new(config: Config) -> Self {
        let app = App { id: "1".into(), key: "key".into(), secret: Secret::new("secret") };
        // The second one does not want counts.
        let some = EventType::ALL.into_iter().filter(|event| *event != EventType::SubscriptionCount);
        let filters = [EventTypes::ALL, some.collect()].map(|events| Filter { events, ..Filter::default() });
        Self {
            webhooks: Webhooks::new(filters, config.clone()),
            app,
            config,
            now: Timestamp::START,
            subscribers: [0; CHANNELS.len()],
            present: [false; USERS.len()],
            marks: 0,
            expected: 0,
            under_way: [None, None],
            accepted: [Vec::new(), Vec::new()],
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Comes { channel } => {
                self.subscribers[channel] += 1;
                self.changes(channel, 1);
            }
            Step::Goes { channel } if self.subscribers[channel] > 0 => {
                self.subscribers[channel] -= 1;
                self.changes(channel, 0);
            }
            Step::Goes { .. } => {}
            Step::Joins { user } if !self.present[user] => {
                self.present[user] = true;
                self.happens(
                    Fact::Joined { channel: CHANNELS[1].into(), member: Member::new(USERS[user], "") },
                    2,
                );
            }
            Step::Leaves { user } if self.present[user] => {
                self.present[user] = false;
                self.happens(
                    Fact::Left { channel: CHANNELS[1].into(), member: Member::new(USERS[user], "") },
                    2,
                );
            }
            Step::Joins { .. } | Step::Leaves { .. } => {}
            Step::Marks => {
                self.happens(Fact::CacheMissed { channel: (&format!("cache-{:03}", self.marks)).into() }, 2);
                self.marks += 1;
            }
            Step::Answers { endpoint, status, random } => {
                let Some(request) = self.under_way[endpoint].take() else { return };
                let response = status.map_or(Response::None, Response::Status);
                if response.accepts() {
                    let body: Value = serde_json::from_slice(request.body()).unwrap();
                    self.accepted[endpoint].extend(body["events"].as_array().unwrap().iter().cloned());
                }
                self.webhooks.handle_response(endpoint, response, random, self.now);
            }
            Step::Waits { millis } => self.now = self.now + Duration::from_millis(millis),
            Step::Stops => self.webhooks.stop(self.now),
        }
        self.make_requests();
    }

    /// A channel has another number of subscribers: the `edge` at which it is occupied or vacated is told too.
    fn changes(&mut self, channel: usize, edge: usize) {
        let (subscribers, name) = (self.subscribers[channel], CHANNELS[channel]);
        let counted = u64::from(!name.starts_with("presence-"));
        let occupancy = if subscribers == edge { 2 } else { 0 };
        let fact = if edge == 1 {
            Fact::Subscribed { channel: name.into(), subscribers }
        } else {
            Fact::Unsubscribed { channel: name.into(), subscribers }
        };
        self.happens(fact, occupancy + counted);
    }

    fn happens(&mut self, fact: Fact, events: u64) {
        self.expected += events;
        self.webhooks.handle_fact(fact, self.now);
    }

    fn make_requests(&mut self) {
        while let Some(request) = self.webhooks.poll_request(&self.app, self.now, 0) {
            let endpoint = request.endpoint();
            assert!(self.under_way[endpoint].is_none(), "two requests at a time");
            self.under_way[endpoint] = Some(request);
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let due = self.webhooks.poll_timeout();
        prop_assert!(due.is_none_or(|due| due > self.now), "due at {:?}, now {:?}", due, self.now);
        prop_assert!(self.webhooks.held_events() <= self.config.max_held_events);
        let most = (self.config.max_queued_events + self.config.max_batch_events) as u64;
        prop_assert!(self.webhooks.queued_events() <= 2 * most);
        Ok(())
    }

    /// Lets everything be accepted.
    fn settle(&mut self) {
        while self.webhooks.queued_events() > 0 || self.webhooks.held_events() > 0 {
            for endpoint in 0..2 {
                self.take(&Step::Answers { endpoint, status: Some(200), random: 0 });
            }
            self.now = self.webhooks.poll_timeout().map_or(self.now, |due| due.max(self.now));
            self.make_requests();
        }
    }

    fn judge(&self) -> Result<(), TestCaseError> {
        let counts = self.webhooks.counts();
        let given_up = counts.given_up_after_retries + counts.given_up_queue_full + counts.given_up_stopped;
        prop_assert_eq!(counts.delivered, self.accepted.iter().map(Vec::len).sum::<usize>() as u64);
        prop_assert_eq!(counts.delivered + counts.cancelled + given_up, self.expected);
        for events in &self.accepted {
            let marks = events.iter().filter(|event| event["name"] == "cache_miss");
            let marks: Vec<&str> = marks.map(|event| event["channel"].as_str().unwrap()).collect();
            prop_assert!(marks.is_sorted_by(|one, next| one < next), "{:?}", marks);
            if given_up == 0 {
                prop_assert_eq!(marks.len() as u64, self.marks);
                self.judge_state(events)?;
            }
        }
        Ok(())
    }

    /// What is told of each channel and user alternates, and ends as it is.
    fn judge_state(&self, events: &[Value]) -> Result<(), TestCaseError> {
        let mut told: BTreeMap<String, bool> = BTreeMap::new();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for event in events {
            let (name, channel) = (event["name"].as_str().unwrap(), event["channel"].as_str().unwrap());
            let (subject, is_there) = match name {
                "channel_occupied" => (channel, true),
                "channel_vacated" => (channel, false),
                "member_added" => (event["user_id"].as_str().unwrap(), true),
                "member_removed" => (event["user_id"].as_str().unwrap(), false),
                "subscription_count" => {
                    counts.insert(channel, event["subscription_count"].as_u64().unwrap());
                    continue;
                }
                _ => continue,
            };
            let before = told.insert(subject.into(), is_there).unwrap_or(false);
            prop_assert_ne!(before, is_there, "of {}: {:?}", subject, events);
        }
        let is_told = |subject: &str| told.get(subject).copied().unwrap_or(false);
        for (channel, subscribers) in CHANNELS.into_iter().zip(self.subscribers) {
            prop_assert_eq!(is_told(channel), subscribers > 0, "{}", channel);
            if let Some(count) = counts.get(channel) {
                prop_assert_eq!(*count, subscribers as u64, "{}", channel);
            }
        }
        for (user, is_present) in USERS.into_iter().zip(self.present) {
            prop_assert_eq!(is_told(user), is_present, "{}", user);
        }
        Ok(())
    }
}

fn configs() -> impl Strategy<Value = Config> {
    let limits =
        (1..4_usize, prop_oneof![Just(2_usize), Just(1_000)], prop_oneof![Just(1_usize), Just(1_000)]);
    (limits, prop_oneof![Just(0_u64), Just(3_000)], prop_oneof![Just(0_u64), Just(250)]).prop_map(
        |((max_batch_events, max_queued_events, max_held_events), hold_back, window)| Config {
            hold_back: Duration::from_millis(hold_back),
            batch_window: Duration::from_millis(window),
            max_batch_events,
            max_queued_events,
            max_held_events,
            ..Config::default()
        },
    )
}

proptest! {
    #[test]
    fn each_event_is_told_in_order_or_counted(
        config in configs(),
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut world = World::new(config);
        for step in &steps {
            world.take(step);
            world.check()?;
        }
        world.settle();
        world.judge()?;
    }

    #[test]
    fn what_is_given_up_at_the_end_is_counted(
        config in configs(),
        steps in prop::collection::vec(step(), 0..100),
    ) {
        let mut world = World::new(config);
        steps.iter().for_each(|step| world.take(step));
        world.webhooks.give_up();
        prop_assert_eq!((world.webhooks.queued_events(), world.webhooks.held_events()), (0, 0));
        world.judge()?;
    }
}
