use crate::common::{Pair, seconds, subscribe_frame, unsubscribe_frame};
use realtime_core::pusher::InvalidChannelName;
use realtime_core::pusher::client::{Config, Event, SubscribeError, SubscriptionFailure};
use serde_json::json;

fn subscribed(channel: &str) -> Event {
    Event::Subscribed { channel: channel.into(), presence: None }
}

#[test]
fn a_public_channel_is_subscribed_to_at_once() {
    let (mut pair, connection) = Pair::connected();
    let news = pair.subscribe("news");
    pair.subscribe("news");
    assert!(pair.actions().is_empty(), "nobody is asked");
    assert_eq!(pair.sent(connection), [subscribe_frame("news", "")]);
    assert!(!pair.client.is_subscribed(&news));
    pair.lets_in(connection, "news");
    assert!(pair.client.is_subscribed(&news));
    pair.subscribe("news");
    assert_eq!((pair.sent(connection), pair.events()), (vec![], vec![subscribed("news")]));

    pair.client.unsubscribe(&news);
    pair.client.unsubscribe(&news);
    assert_eq!(pair.sent(connection), [unsubscribe_frame("news")]);
    assert!(!pair.client.is_subscribed(&news) && pair.client.channels().next().is_none());
}

#[test]
fn what_is_still_on_its_way_from_a_channel_that_is_not_wanted_is_ignored() {
    let (mut pair, connection) = Pair::connected();
    let news = pair.subscribe("news");
    pair.sent(connection);
    pair.client.unsubscribe(&news);
    assert_eq!(pair.sent(connection), [unsubscribe_frame("news")]);
    pair.lets_in(connection, "news");
    for event in ["update", "pusher:cache_miss", "pusher:subscription_error"] {
        pair.tells(connection, event, "news", &json!({}));
    }
    pair.tells(connection, "pusher_internal:subscription_count", "news", &json!({ "subscription_count": 3 }));
    assert_eq!(pair.events(), []);
}

#[test]
fn a_subscribe_that_was_not_sent_is_taken_back() {
    let (mut pair, connection) = Pair::connected();
    let news = pair.subscribe("news");
    pair.subscribe("sports");
    pair.client.unsubscribe(&news);
    assert_eq!(pair.sent(connection), [subscribe_frame("sports", "")]);
    // One that the server knows is left, whatever follows.
    let sports = pair.subscribe("sports");
    for _ in 0..1000 {
        pair.client.unsubscribe(&sports);
        pair.subscribe("sports");
    }
    assert_eq!(pair.sent(connection), [unsubscribe_frame("sports"), subscribe_frame("sports", "")]);
    // Its first answer comes late, and its second then.
    pair.lets_in(connection, "sports");
    pair.lets_in(connection, "sports");
    assert_eq!(pair.events(), [subscribed("sports"), subscribed("sports")]);
}

#[test]
fn who_is_refused_may_try_again_and_does_on_the_next_connection() {
    let (mut pair, connection) = Pair::connected();
    let news = pair.subscribe("news");
    pair.sent(connection);
    let refusal = json!({ "type": "LimitReached", "error": "too many", "status": 429 });
    pair.tells(connection, "pusher:subscription_error", "news", &refusal);
    let failure = SubscriptionFailure::Server { status: Some(429), reason: "too many".into() };
    assert_eq!(failure.to_string(), "refused by the server: too many");
    assert_eq!(pair.events(), [Event::SubscriptionFailed { channel: news.clone(), failure }]);
    assert!(!pair.client.is_subscribed(&news));

    pair.subscribe("news");
    assert_eq!(pair.sent(connection), [unsubscribe_frame("news"), subscribe_frame("news", "")]);
    pair.tells(connection, "pusher:subscription_error", "news", &json!("words"));
    let failure = SubscriptionFailure::Server { status: None, reason: "".into() };
    assert_eq!(pair.events(), [Event::SubscriptionFailed { channel: news.clone(), failure }]);
    pair.is_lost(connection);
    let connection = pair.attempt().1;
    pair.greets(connection, "2.2");
    assert_eq!(pair.sent(connection), [subscribe_frame("news", "")]);

    // Whether the server has let the client in meanwhile, nobody knows here.
    pair.tells(connection, "pusher:subscription_error", "news", &refusal);
    pair.client.unsubscribe(&news);
    assert_eq!(pair.sent(connection), [unsubscribe_frame("news")]);
}

#[test]
fn who_subscribes_again_before_a_refusal_comes_is_let_in_by_what_comes_then() {
    let (mut pair, connection) = Pair::connected();
    let news = pair.subscribe("news");
    pair.sent(connection); // the server denies it
    pair.client.unsubscribe(&news);
    pair.subscribe("news");
    assert_eq!(pair.sent(connection), [unsubscribe_frame("news"), subscribe_frame("news", "")]);
    pair.tells(
        connection,
        "pusher:subscription_error",
        "news",
        &json!({ "error": "too many", "status": 429 }),
    );
    let failure = SubscriptionFailure::Server { status: Some(429), reason: "too many".into() };
    assert_eq!(pair.events(), [Event::SubscriptionFailed { channel: news.clone(), failure }]);
    pair.lets_in(connection, "news");
    assert_eq!(pair.events(), [subscribed("news")]);
    pair.client.unsubscribe(&news);
    assert_eq!(pair.sent(connection), [unsubscribe_frame("news")]);
}

#[test]
fn a_refusal_of_what_was_taken_back_does_not_disturb_a_question_to_the_authorizer() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.subscribe("private-a");
    let first = pair.question();
    pair.answers(&first, "key:first", None);
    assert_eq!(pair.sent(connection).len(), 1); // the server denies it
    pair.client.unsubscribe(&channel);
    pair.subscribe("private-a");
    let second = pair.question();
    pair.tells(connection, "pusher:subscription_error", "private-a", &json!({}));
    assert_eq!(pair.events(), []);
    pair.subscribe("private-a");
    assert_eq!(pair.questions(), []);
    pair.answers(&second, "key:second", None);
    let sent = pair.sent(connection);
    assert_eq!(sent, [unsubscribe_frame("private-a"), subscribe_frame("private-a", "key:second")]);
    pair.lets_in(connection, "private-a");
    assert_eq!(pair.events(), [subscribed("private-a")]);
}

#[test]
fn names_that_are_none_are_refused() {
    let mut pair = Pair::with(Config { max_channels: 2, ..Config::default() });
    let now = pair.now;
    let mut refused = |name| pair.client.subscribe(name, now).unwrap_err();
    assert_eq!(refused(""), SubscribeError::Name(InvalidChannelName::Empty));
    assert_eq!(refused("#server-to-user-7"), SubscribeError::UserChannel);
    pair.subscribe("a");
    pair.subscribe("b");
    assert_eq!(pair.client.subscribe("c", now), Err(SubscribeError::TooManyChannels { limit: 2 }));
    pair.subscribe("a"); // it is there
    pair.client.unsubscribe(&"a".into());
    pair.subscribe("c");
    assert!(pair.client.channels().map(|name| name.as_str()).eq(["b", "c"]));
}

#[test]
fn counts_and_misses_are_told() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.subscribe("cache-a");
    pair.lets_in(connection, "cache-a");
    pair.says(connection, &json!({ "event": "pusher:cache_miss", "channel": "cache-a" }));
    pair.tells(
        connection,
        "pusher_internal:subscription_count",
        "cache-a",
        &json!({ "subscription_count": 3 }),
    );
    assert_eq!(
        pair.events(),
        [
            subscribed("cache-a"),
            Event::CacheMiss { channel: channel.clone() },
            Event::SubscriptionCount { channel, subscribers: 3 }
        ]
    );
}

#[test]
fn subscribing_does_not_keep_a_silent_server_alive() {
    let (mut pair, _) = Pair::connected();
    pair.waits(seconds(20));
    pair.subscribe("news");
    assert_eq!(pair.patience(), seconds(10));
}
