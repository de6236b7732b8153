//! What the HTTP API tells an app's own server of its channels.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_core::pusher::http::{
    ApiError, DescribeChannel, ListChannels, Listing, Publish, PublishBatch, PublishLimits, list_users,
};
use realtime_core::pusher::{Query, parse_channel_name};
use realtime_core::{
    Action, Authorization, ChannelWalk, ClientId, Config, Credentials, Decision, Home, Hub, Input, Member,
    wire,
};
use realtime_ws::Timestamp;

/// A hub whose authorizer takes what clients show for the ids of their members.
struct TestHub(Hub);

impl TestHub {
    fn new() -> Self {
        let config = Config { authorization: Authorization::Ask, ..Config::default() };
        Self(Hub::new(config, wire::Pusher, [7; 16]))
    }

    fn input(&mut self, input: Input) -> Option<ClientId> {
        self.0.handle_input(input, Timestamp::START).unwrap();
        let (mut connected, mut questions) = (None, Vec::new());
        while let Some(action) = self.0.poll_action() {
            match action {
                Action::Connected { client } => connected = Some(client),
                Action::Authorize(request) => questions.push(request),
                Action::Deliver { .. }
                | Action::Subscribed { .. }
                | Action::Denied { .. }
                | Action::NothingRetained { .. }
                | Action::Unsubscribed { .. }
                | Action::Joined { .. }
                | Action::Left { .. }
                | Action::Disconnect { .. }
                | Action::Closed => {}
            }
        }
        for question in questions {
            let id = String::from_utf8(question.credentials.as_bytes().to_vec()).unwrap();
            let decision = Decision::Allow { member: Some(Member::new(&id, "")) };
            self.input(Input::Decided { request: question.request, decision });
        }
        connected
    }

    /// A client that is the member `id` of these channels.
    fn joins(&mut self, id: &str, channels: &[&str]) -> ClientId {
        let credentials = Credentials::from(id);
        let client = self.input(Input::Connect { credentials, home: Home::default() }).unwrap();
        for channel in channels {
            self.subscribes(client, channel);
        }
        client
    }

    fn subscribes(&mut self, client: ClientId, channel: &str) {
        self.input(Input::Subscribe { client, channel: channel.into(), credentials: None });
    }

    fn unsubscribes(&mut self, client: ClientId, channel: &str) {
        self.input(Input::Unsubscribe { client, channel: channel.into() });
    }

    fn list(&self, query: &str) -> Result<String, ApiError> {
        self.list_at_most(query, 100)
    }

    fn list_at_most(&self, query: &str, limit: usize) -> Result<String, ApiError> {
        let mut list = ListChannels::parse(&Query::parse(query).unwrap(), limit)?;
        while list.look(&self.0)? == Listing::Goes {}
        Ok(list.answer())
    }

    fn describe(&self, channel: &str, query: &str) -> Result<String, ApiError> {
        let channel = parse_channel_name(channel).unwrap();
        Ok(DescribeChannel::parse(channel, &Query::parse(query).unwrap())?.answer(&self.0))
    }
}

#[test]
fn occupied_channels_are_listed_by_name() {
    let mut hub = TestHub::new();
    assert_eq!(hub.list("").unwrap(), r#"{"channels":{}}"#);
    let ada = hub.joins("ada", &["news", "presence-b", "presence-a", "private-x"]);
    assert_eq!(
        hub.list("").unwrap(),
        r#"{"channels":{"news":{},"presence-a":{},"presence-b":{},"private-x":{}}}"#
    );
    hub.unsubscribes(ada, "presence-a");
    assert_eq!(hub.list("filter_by_prefix=presence-").unwrap(), r#"{"channels":{"presence-b":{}}}"#);
    assert_eq!(hub.list("filter_by_prefix=nothing").unwrap(), r#"{"channels":{}}"#);
}

#[test]
fn a_list_tells_how_many_users_and_subscriptions_there_are() {
    let mut hub = TestHub::new();
    hub.joins("ada", &["presence-a", "presence-b", "news"]);
    hub.joins("ada", &["presence-a"]);
    hub.joins("grace", &["presence-a"]);
    assert_eq!(
        hub.list("filter_by_prefix=presence-&info=user_count").unwrap(),
        r#"{"channels":{"presence-a":{"user_count":2},"presence-b":{"user_count":1}}}"#
    );
    assert_eq!(
        hub.list("filter_by_prefix=presence-a&info=subscription_count,user_count").unwrap(),
        r#"{"channels":{"presence-a":{"subscription_count":3,"user_count":2}}}"#
    );
    assert_eq!(
        hub.list("filter_by_prefix=n&info=subscription_count").unwrap(),
        r#"{"channels":{"news":{"subscription_count":1}}}"#
    );
}

#[test]
fn users_are_counted_of_presence_channels_only() {
    let hub = TestHub::new();
    for query in ["info=user_count", "info=user_count&filter_by_prefix=presence"] {
        let error = hub.list(query).unwrap_err();
        assert_eq!((error.status(), &error), (400, &ApiError::NoPresencePrefix));
        assert_eq!(
            error.to_string(),
            "only presence channels have users: for user_count, filter_by_prefix must begin with presence-"
        );
    }
    let error = hub.describe("private-x", "info=user_count").unwrap_err();
    assert_eq!(error, list_users(&"private-x".into(), &hub.0).unwrap_err());
    assert_eq!(error.status(), 400);
    assert_eq!(
        error.to_string(),
        "only presence channels have users, and \"private-x\" does not begin with presence-"
    );
    let unknown = ApiError::UnknownInfo { name: "age".into() };
    assert_eq!(hub.list("info=age").unwrap_err(), unknown);
    assert_eq!(hub.describe("news", "info=age").unwrap_err(), unknown);
}

#[test]
fn a_list_that_is_too_long_is_refused_with_the_limit() {
    let mut hub = TestHub::new();
    let ada = hub.joins("ada", &[]);
    for n in 0..100 {
        hub.subscribes(ada, &format!("c{n}"));
    }
    assert!(hub.list_at_most("", 100).is_ok());
    let error = hub.list_at_most("", 99).unwrap_err();
    assert_eq!((error.status(), &error), (400, &ApiError::TooManyChannelsFound { limit: 99 }));
    assert_eq!(
        error.to_string(),
        "more than 99 channels begin so, the most that are listed; ask with a longer filter_by_prefix"
    );
    assert!(hub.list_at_most("filter_by_prefix=c1", 11).is_ok());
}

#[test]
fn a_walk_over_many_channels_is_made_of_short_steps_and_misses_none_that_stays() {
    let mut hub = TestHub::new();
    let channels = 3 * ChannelWalk::MAX_STEP + 1;
    for n in 0..channels {
        hub.joins("ada", &[&format!("c{n:04}")]);
    }
    let newcomer = hub.joins("grace", &[]);
    let (mut walk, mut seen) = (ChannelWalk::default(), Vec::new());
    let mut steps = 0;
    while let Some(step) = walk.step(&hub.0).map(|step| step.cloned().collect::<Vec<_>>()) {
        assert!(step.len() <= ChannelWalk::MAX_STEP);
        seen.extend(step);
        steps += 1;
        hub.subscribes(newcomer, &format!("meanwhile{steps}"));
    }
    assert_eq!(steps, 4);
    seen.retain(|name| name.as_str().starts_with('c'));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), channels);
    assert!(walk.step(&hub.0).is_none());
}

#[test]
fn a_channel_that_went_and_came_is_listed_once() {
    let mut hub = TestHub::new();
    let ada = hub.joins("ada", &["early"]);
    for n in 0..ChannelWalk::MAX_STEP {
        hub.joins("grace", &[&format!("c{n}")]);
    }
    let mut list = ListChannels::parse(&Query::parse("filter_by_prefix=early").unwrap(), 1).unwrap();
    assert_eq!(list.look(&hub.0), Ok(Listing::Goes));
    hub.unsubscribes(ada, "early");
    hub.subscribes(ada, "takes-its-place");
    hub.subscribes(ada, "early");
    while list.look(&hub.0) == Ok(Listing::Goes) {}
    assert_eq!(list.answer(), r#"{"channels":{"early":{}}}"#);
}

#[test]
fn a_channel_is_described_as_far_as_one_asks() {
    let mut hub = TestHub::new();
    hub.joins("ada", &["presence-a", "news"]);
    hub.joins("ada", &["presence-a"]);
    assert_eq!(hub.describe("news", "").unwrap(), r#"{"occupied":true}"#);
    assert_eq!(hub.describe("nobody", "").unwrap(), r#"{"occupied":false}"#);
    assert_eq!(
        hub.describe("nobody", "info=subscription_count").unwrap(),
        r#"{"occupied":false,"subscription_count":0}"#
    );
    assert_eq!(
        hub.describe("presence-a", "info=user_count,subscription_count").unwrap(),
        r#"{"occupied":true,"user_count":1,"subscription_count":2}"#
    );
    assert_eq!(
        hub.describe("presence-nobody", "info=user_count").unwrap(),
        r#"{"occupied":false,"user_count":0}"#
    );
}

#[test]
fn users_of_a_presence_channel_are_listed_as_they_joined() {
    let mut hub = TestHub::new();
    let channel = "presence-a".into();
    assert_eq!(list_users(&channel, &hub.0).unwrap(), r#"{"users":[]}"#);
    for id in ["grace", "ada", "\"quoted\"", "ada"] {
        hub.joins(id, &["presence-a"]);
    }
    assert_eq!(
        list_users(&channel, &hub.0).unwrap(),
        r#"{"users":[{"id":"grace"},{"id":"ada"},{"id":"\"quoted\""}]}"#
    );
}

#[test]
fn publishers_are_told_what_they_ask_of_the_channels() {
    let mut hub = TestHub::new();
    hub.joins("ada", &["presence-a", "news"]);
    let answer =
        |body: &str| Publish::parse(body.as_bytes(), &PublishLimits::DEFAULT).unwrap().answer(&hub.0);
    assert_eq!(answer(r#"{"name":"e","channel":"news","data":""}"#), "{}");
    assert_eq!(
        answer(
            r#"{"name":"e","channels":["news","presence-a"],"data":"","info":"user_count,subscription_count"}"#
        ),
        r#"{"channels":{"news":{"subscription_count":1},"presence-a":{"user_count":1,"subscription_count":1}}}"#
    );
    assert_eq!(
        answer(r#"{"name":"e","channel":"news","data":"","info":"user_count"}"#),
        r#"{"channels":{"news":{}}}"#
    );

    let answer =
        |body: &str| PublishBatch::parse(body.as_bytes(), &PublishLimits::DEFAULT).unwrap().answer(&hub.0);
    assert_eq!(answer(r#"{"batch":[{"name":"e","channel":"news","data":""}]}"#), "{}");
    assert_eq!(
        answer(
            r#"{"batch":[{"name":"e","channel":"news","data":""},
                {"name":"e","channel":"presence-a","data":"","info":"user_count"}]}"#
        ),
        r#"{"batch":[{},{"user_count":1}]}"#
    );
}
