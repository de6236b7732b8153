//! Webhooks: what an app's own server is told, when, and what is not told or given up.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_core::pusher::webhooks::{
    Config, Counts, EventType, EventTypes, Fact, Filter, Request, Response, Webhooks,
};
use realtime_core::pusher::{App, Secret, SocketId, frames};
use realtime_core::{ChannelName, Member};
use realtime_ws::{PreparedMessage, Timestamp};
use serde_json::Value;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// What the random part of a pause is drawn from where a test does not care: none of it.
const NO_JITTER: u32 = 0;

/// Webhooks and the time, which only the test advances.
struct TestWebhooks {
    app: App,
    webhooks: Webhooks,
    now: Timestamp,
}

impl TestWebhooks {
    fn new(config: Config) -> Self {
        Self::with(config, [Filter::default()])
    }

    fn with<const N: usize>(config: Config, filters: [Filter; N]) -> Self {
        let app = App { id: "1".into(), key: "key".into(), secret: Secret::new("secret") };
        Self { app, webhooks: Webhooks::new(filters, config), now: Timestamp::START }
    }

    fn happens(&mut self, fact: Fact) {
        self.webhooks.handle_fact(fact, self.now);
    }

    fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// What is asked of the endpoints now.
    fn requests(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.webhooks.poll_request(&self.app, self.now, 1_000)).collect()
    }

    /// The one request of now.
    #[track_caller]
    fn request(&mut self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    fn answers(&mut self, request: &Request, status: u16) {
        self.webhooks.handle_response(request.endpoint(), Response::Status(status), NO_JITTER, self.now);
    }

    /// Goes to the next moment at which something is due.
    fn skip(&mut self) {
        self.now = self.webhooks.poll_timeout().unwrap().max(self.now);
    }

    /// What the one endpoint is told until nothing more waits, with the time at which it is.
    fn told(&mut self) -> Vec<(Duration, String)> {
        let mut told = Vec::new();
        loop {
            for request in self.requests() {
                let time = self.now.since(Timestamp::START);
                told.extend(events(&request).into_iter().map(|event| (time, event)));
                self.answers(&request, 200);
            }
            let Some(due) = self.webhooks.poll_timeout() else { return told };
            self.now = due;
        }
    }
}

/// A request's events, each in short: its name and what it is about.
fn events(request: &Request) -> Vec<String> {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let short = |event: &Value| {
        let fields = event.as_object().unwrap().values();
        let texts = fields.map(|field| field.as_str().map_or(field.to_string(), str::to_owned));
        let mut texts: Vec<String> = texts.collect();
        texts.sort_by_key(|text| *text != event["name"].as_str().unwrap());
        texts.join(" ")
    };
    body["events"].as_array().unwrap().iter().map(short).collect()
}

fn subscribed(channel: &str, subscribers: usize) -> Fact {
    Fact::Subscribed { channel: channel.into(), subscribers }
}

fn unsubscribed(channel: &str, subscribers: usize) -> Fact {
    Fact::Unsubscribed { channel: channel.into(), subscribers }
}

fn joined(channel: &str, user_id: &str) -> Fact {
    Fact::Joined { channel: channel.into(), member: Member::new(user_id, "") }
}

fn left(channel: &str, user_id: &str) -> Fact {
    Fact::Left { channel: channel.into(), member: Member::new(user_id, "") }
}

fn missed(channel: &str) -> Fact {
    Fact::CacheMissed { channel: channel.into() }
}

fn only(events: &[EventType]) -> Filter {
    Filter { events: EventTypes::from_iter(events.iter().copied()), ..Filter::default() }
}

fn without_counts() -> Filter {
    let wanted = EventType::ALL.into_iter().filter(|event| *event != EventType::SubscriptionCount);
    Filter { events: wanted.collect(), ..Filter::default() }
}

const AT_ONCE: Config = Config {
    hold_back: Duration::ZERO,
    max_held_events: 10,
    batch_window: Duration::ZERO,
    max_batch_events: 100,
    max_batch_bytes: 1024,
    max_queued_events: 100,
    max_queued_bytes: 10 * 1024,
    retry_for: Duration::from_secs(300),
    first_retry_delay: Duration::from_secs(1),
    max_retry_delay: Duration::from_secs(60),
};

#[test]
fn a_request_is_signed_with_the_app_s_secret_and_says_when_it_was_made() {
    let mut webhooks = TestWebhooks::new(AT_ONCE);
    webhooks.happens(missed("cache-a"));
    webhooks.happens(missed("cache-b"));
    let request = webhooks.request();
    let body = r#"{"time_ms":1000,"events":[{"name":"cache_miss","channel":"cache-a"},{"name":"cache_miss","channel":"cache-b"}]}"#;
    assert_eq!((request.body(), &request.to_bytes()[..]), (body.as_bytes(), body.as_bytes()));
    let signature = Secret::new("secret").sign(body);
    assert_eq!(
        request.headers(),
        [("Content-Type", "application/json"), ("X-Pusher-Key", "key"), ("X-Pusher-Signature", &*signature)]
    );
}

#[test]
fn a_request_that_is_repeated_is_signed_by_the_app_as_it_is_then() {
    let mut webhooks = TestWebhooks::new(AT_ONCE);
    webhooks.happens(missed("cache-a"));
    let request = webhooks.request();
    webhooks.answers(&request, 401);
    webhooks.app = App { key: "new key".into(), secret: Secret::new("new secret"), ..webhooks.app };
    webhooks.skip();
    let repeated = webhooks.request();
    assert_eq!(repeated.body(), request.body());
    let signature = Secret::new("new secret").sign(str::from_utf8(request.body()).unwrap());
    assert_eq!(repeated.headers()[1..], [("X-Pusher-Key", "new key"), ("X-Pusher-Signature", &*signature)]);
}

#[test]
fn what_ends_is_told_after_the_hold_back_in_the_order_in_which_it_ended() {
    let mut webhooks = TestWebhooks::with(Config::default(), [without_counts()]);
    webhooks.happens(joined("presence-room", "ada"));
    webhooks.happens(subscribed("presence-room", 1));
    webhooks.wait(SECOND);
    webhooks.happens(left("presence-room", "ada"));
    webhooks.happens(unsubscribed("presence-room", 0));
    let told = [
        (SECOND, "member_added presence-room ada"),
        (SECOND, "channel_occupied presence-room"),
        (4 * SECOND + 250 * MILLISECOND, "member_removed presence-room ada"),
        (4 * SECOND + 250 * MILLISECOND, "channel_vacated presence-room"),
    ];
    assert_eq!(webhooks.told(), told.map(|(time, event)| (time, event.to_owned())));
}

#[test]
fn who_comes_back_within_the_hold_back_has_not_been_away() {
    let mut webhooks = TestWebhooks::new(Config::default());
    webhooks.happens(subscribed("presence-room", 1));
    webhooks.happens(joined("presence-room", "ada"));
    webhooks.happens(subscribed("news", 1));
    assert_eq!(webhooks.told().len(), 4);
    for _ in 0..3 {
        webhooks.happens(left("presence-room", "ada"));
        webhooks.happens(unsubscribed("presence-room", 0));
        webhooks.happens(unsubscribed("news", 0));
        webhooks.wait(SECOND);
        webhooks.happens(subscribed("presence-room", 1));
        webhooks.happens(joined("presence-room", "ada"));
        webhooks.happens(subscribed("news", 1));
    }
    assert_eq!(webhooks.told(), []);
    let cancelled = 3 * (2 + 2 + 4);
    assert_eq!(webhooks.webhooks.counts(), Counts { delivered: 4, cancelled, ..Counts::default() });
}

#[test]
fn who_goes_again_is_held_back_anew() {
    let mut webhooks = TestWebhooks::with(Config::default(), [only(&[EventType::MemberRemoved])]);
    webhooks.happens(left("presence-room", "ada"));
    webhooks.wait(2 * SECOND);
    webhooks.happens(joined("presence-room", "ada"));
    webhooks.happens(left("presence-room", "ada"));
    let time = 5 * SECOND + 250 * MILLISECOND;
    assert_eq!(webhooks.told(), [(time, "member_removed presence-room ada".to_owned())]);
}

#[test]
fn whoever_wants_to_hear_of_coming_alone_is_not_told_of_coming_back() {
    let filters = [only(&[EventType::ChannelOccupied]), only(&[EventType::MemberAdded])];
    let mut webhooks = TestWebhooks::with(Config::default(), filters);
    webhooks.happens(unsubscribed("presence-room", 0));
    webhooks.happens(left("presence-room", "ada"));
    webhooks.wait(3 * SECOND - MILLISECOND);
    webhooks.happens(subscribed("presence-room", 1));
    webhooks.happens(joined("presence-room", "ada"));
    assert_eq!(webhooks.told(), []);
    webhooks.happens(unsubscribed("presence-room", 0));
    webhooks.wait(3 * SECOND);
    webhooks.happens(subscribed("presence-room", 1));
    assert_eq!(webhooks.told().len(), 1);
}

#[test]
fn what_nobody_wants_is_neither_held_back_nor_counted() {
    let filter = Filter { channel_prefix: "private-".into(), ..only(&[EventType::CacheMiss]) };
    let mut webhooks = TestWebhooks::with(Config::default(), [filter]);
    for fact in [subscribed("a", 1), unsubscribed("a", 0), left("presence-a", "ada"), missed("cache-a")] {
        webhooks.happens(fact);
    }
    assert_eq!((webhooks.webhooks.held_events(), webhooks.webhooks.poll_timeout()), (0, None));
    webhooks.happens(missed("private-cache-a"));
    assert_eq!(webhooks.told().len(), 1);
    assert_eq!(webhooks.webhooks.counts(), Counts { delivered: 1, ..Counts::default() });
}

#[test]
fn a_count_is_told_as_it_is_after_the_hold_back_and_only_if_it_is_another() {
    let mut webhooks = TestWebhooks::with(Config::default(), [only(&[EventType::SubscriptionCount])]);
    for subscribers in 1..=3 {
        webhooks.happens(subscribed("news", subscribers));
        webhooks.happens(subscribed("presence-news", subscribers));
        webhooks.wait(SECOND);
    }
    let time = 3 * SECOND + 250 * MILLISECOND;
    assert_eq!(webhooks.told(), [(time, "subscription_count news 3".to_owned())]);
    webhooks.happens(unsubscribed("news", 2));
    webhooks.happens(subscribed("news", 3));
    assert_eq!(webhooks.told(), []);
    let counts = Counts { delivered: 1, cancelled: 2 + 2, ..Counts::default() };
    assert_eq!(webhooks.webhooks.counts(), counts);
}

#[test]
fn beyond_what_may_be_held_back_all_is_told_at_once() {
    let config = Config { max_held_events: 1, ..Config::default() };
    let mut webhooks = TestWebhooks::with(config, [without_counts()]);
    webhooks.happens(unsubscribed("a", 0));
    webhooks.happens(unsubscribed("b", 0));
    let told = [
        (250 * MILLISECOND, "channel_vacated b".to_owned()),
        (3 * SECOND + 250 * MILLISECOND, "channel_vacated a".to_owned()),
    ];
    assert_eq!(webhooks.told(), told);
}

#[test]
fn a_client_event_is_told_with_its_sender() {
    let mut webhooks = TestWebhooks::new(AT_ONCE);
    let (channel, sender) = (ChannelName::from("presence-room"), SocketId::from_random([1; 16]));
    let frame = frames::client_event(&channel, "client-hi", Some("{}"), Some(&Member::new("ada", "")));
    let message = PreparedMessage::new(&frame);
    webhooks.happens(Fact::ClientEvent { channel: channel.clone(), sender, message });
    let request = webhooks.request();
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let event = serde_json::json!({ "name": "client_event", "channel": "presence-room", "event": "client-hi",
        "data": "{}", "socket_id": sender.to_string(), "user_id": "ada" });
    assert_eq!(body["events"], serde_json::json!([event]));
    let message = PreparedMessage::new("no client event");
    webhooks.happens(Fact::ClientEvent { channel, sender, message });
    assert_eq!(webhooks.webhooks.queued_events(), 1);
}

#[test]
fn events_wait_for_others_until_the_window_ends_or_a_request_is_full() {
    let config = Config { batch_window: SECOND, max_batch_events: 3, ..AT_ONCE };
    let mut webhooks = TestWebhooks::new(config);
    webhooks.happens(missed("cache-1"));
    webhooks.wait(SECOND / 2);
    webhooks.happens(missed("cache-2"));
    assert!(webhooks.requests().is_empty());
    webhooks.wait(SECOND / 2);
    let request = webhooks.request();
    assert_eq!(events(&request), ["cache_miss cache-1", "cache_miss cache-2"]);
    webhooks.answers(&request, 204);
    for n in 3..=7 {
        webhooks.happens(missed(&format!("cache-{n}")));
    }
    let request = webhooks.request();
    assert_eq!(events(&request).len(), 3);
    webhooks.answers(&request, 200);
    assert!(webhooks.requests().is_empty(), "two wait for a third");
    webhooks.skip();
    assert_eq!(events(&webhooks.request()).len(), 2);
}

#[test]
fn a_request_holds_no_more_bytes_than_it_may_but_at_least_one_event() {
    let config = Config { batch_window: SECOND, max_batch_bytes: 100, ..AT_ONCE };
    let mut webhooks = TestWebhooks::new(config);
    for channel in ["cache-1", "cache-2", &"c".repeat(150), "cache-4"] {
        webhooks.happens(missed(channel));
    }
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let request = webhooks.request();
        sizes.push(events(&request).len());
        webhooks.answers(&request, 200);
    }
    assert_eq!(sizes, [2, 1]);
    assert!(webhooks.requests().is_empty());
    assert_eq!(webhooks.told().len(), 1);
}

#[test]
fn an_endpoint_gets_one_request_at_a_time_and_does_not_delay_another() {
    let mut webhooks = TestWebhooks::with(AT_ONCE, [Filter::default(), Filter::default()]);
    webhooks.happens(missed("cache-1"));
    let [first, second] = &webhooks.requests()[..] else { panic!("one for each endpoint") };
    assert_eq!((first.endpoint(), second.endpoint()), (0, 1));
    webhooks.happens(missed("cache-2"));
    assert!(webhooks.requests().is_empty() && webhooks.webhooks.poll_timeout().is_none());
    webhooks.answers(second, 200);
    assert_eq!(webhooks.request().endpoint(), 1);
    webhooks.answers(first, 500);
    assert!(webhooks.requests().is_empty());
    webhooks.skip();
    let repeated = webhooks.request();
    assert_eq!((repeated.endpoint(), repeated.body()), (0, first.body()));
    assert_eq!(webhooks.webhooks.queued_events(), 3);
    assert!(format!("{:?}", webhooks.webhooks).contains("queued_events: 3"));
}

#[test]
fn a_failing_endpoint_is_asked_less_and_less_often_for_five_minutes() {
    let mut webhooks = TestWebhooks::new(AT_ONCE);
    webhooks.happens(missed("cache-a"));
    let mut tried = Vec::new();
    while webhooks.webhooks.queued_events() > 0 {
        webhooks.skip();
        let request = webhooks.request();
        tried.push(webhooks.now.since(Timestamp::START).as_secs());
        let response = if tried.len() % 2 == 0 { Response::None } else { Response::Status(302) };
        webhooks.webhooks.handle_response(request.endpoint(), response, NO_JITTER, webhooks.now);
    }
    assert_eq!(tried, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 300]);
    assert_eq!(webhooks.webhooks.counts(), Counts { given_up_after_retries: 1, ..Counts::default() });

    webhooks.happens(missed("cache-b"));
    assert!(webhooks.requests().is_empty(), "it is still not to be asked too often");
    webhooks.wait(60 * SECOND);
    let request = webhooks.request();
    assert_eq!(events(&request), ["cache_miss cache-b"]);
    webhooks.answers(&request, 200);
    webhooks.happens(missed("cache-c"));
    let request = webhooks.request();
    webhooks.answers(&request, 503);
    webhooks.wait(SECOND);
    assert_eq!(events(&webhooks.request()), ["cache_miss cache-c"], "a success ends the row of failures");
}

#[test]
fn what_waits_behind_a_failing_request_is_tried_however_late_it_is() {
    let mut webhooks = TestWebhooks::new(Config { max_batch_events: 1, ..AT_ONCE });
    webhooks.happens(missed("cache-a"));
    webhooks.happens(missed("cache-b"));
    let mut tried = Vec::new();
    while webhooks.webhooks.queued_events() > 0 {
        webhooks.skip();
        let request = webhooks.request();
        tried.extend(events(&request));
        webhooks.answers(&request, 500);
    }
    tried.dedup();
    assert_eq!(tried, ["cache_miss cache-a", "cache_miss cache-b"]);
    assert_eq!(webhooks.webhooks.counts().given_up_after_retries, 2);
}

#[test]
fn a_full_queue_gives_up_its_oldest_events() {
    let mut webhooks = TestWebhooks::new(Config { max_queued_events: 2, ..AT_ONCE });
    for n in 0..5 {
        webhooks.happens(missed(&format!("cache-{n}")));
    }
    assert_eq!(events(&webhooks.request()), ["cache_miss cache-3", "cache_miss cache-4"]);
    assert_eq!(webhooks.webhooks.counts(), Counts { given_up_queue_full: 3, ..Counts::default() });

    let mut webhooks = TestWebhooks::new(Config { max_queued_bytes: 100, ..AT_ONCE });
    for channel in ["cache-1", "cache-2", &"c".repeat(100), "cache-4"] {
        webhooks.happens(missed(channel));
    }
    assert_eq!(events(&webhooks.request()), ["cache_miss cache-2", "cache_miss cache-4"]);
    assert_eq!(webhooks.webhooks.counts(), Counts { given_up_queue_full: 2, ..Counts::default() });
}

#[test]
fn stopping_tells_at_once_what_waits_and_then_gives_up_the_rest() {
    let mut webhooks = TestWebhooks::with(Config::default(), [without_counts()]);
    webhooks.happens(missed("cache-a"));
    webhooks.skip();
    let request = webhooks.request();
    webhooks.answers(&request, 500);
    webhooks.happens(unsubscribed("news", 0));
    webhooks.happens(left("presence-room", "ada"));
    for _ in 0..2 {
        webhooks.webhooks.stop(webhooks.now);
    }
    let request = webhooks.request();
    assert_eq!(events(&request), ["cache_miss cache-a"]);
    webhooks.answers(&request, 200);
    webhooks.happens(unsubscribed("late", 0));
    let request = webhooks.request();
    assert_eq!(
        events(&request),
        ["channel_vacated news", "member_removed presence-room ada", "channel_vacated late"]
    );
    webhooks.happens(missed("cache-b"));
    assert_eq!(webhooks.webhooks.give_up(), 4);
    webhooks.answers(&request, 200);
    webhooks.webhooks.handle_response(7, Response::None, NO_JITTER, webhooks.now);
    let counts = Counts { delivered: 1, given_up_stopped: 4, ..Counts::default() };
    assert_eq!((webhooks.webhooks.counts(), webhooks.webhooks.queued_events()), (counts, 0));
    assert_eq!(webhooks.webhooks.poll_timeout(), None);
}
