use crate::common::{Client, Running, app};
use realtime_client::Event;
use realtime_core::pusher::frames;
use realtime_server::{AppConfig, SubscriptionCounts};
use realtime_smol::PreparedMessage;

pub(crate) fn every_kind_of_channel_is_heard<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    for name in ["news", "private-a", "presence-a", "private-encrypted-a", "cache-a", "presence-cache-a"] {
        let channel = client.enter(name);
        assert!(channel.is_subscribed());
        assert_eq!(
            channel.me().map(|me| me.id().to_string()).as_deref(),
            name.starts_with("presence").then_some("ada")
        );
        gateway.publish(name, "update", r#"{"n":1}"#);
        assert_eq!(client.wait_for_message(name), ("update".into(), r#"{"n":1}"#.into()));
    }
    assert_eq!(client.handle().channels().len(), 6);
}

pub(crate) fn a_cache_channel_tells_its_latest_event<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    client.enter("private-cache-a");
    client.wait_for(|event| matches!(event, Event::CacheMiss { .. }).then_some(()));
    let channel = "private-cache-b".into();
    let message = PreparedMessage::new(&frames::event(&channel, "latest", "7"));
    gateway.hub.retain(channel, message).unwrap();
    client.enter("private-cache-b");
    assert_eq!(client.wait_for_message("private-cache-b"), ("latest".into(), "7".into()));
}

pub(crate) fn client_events_reach_all_others<C: Client>() {
    let gateway = Running::new();
    let (ada, bob) = (C::of(&gateway, "ada"), C::of(&gateway, "bob"));
    for name in ["private-a", "presence-a"] {
        let channel = ada.enter(name);
        bob.enter(name);
        channel.trigger("client-typing", r#"{"typing":true}"#).unwrap();
        ada.handle().trigger(name, "client-typing", "\"text\"").unwrap();
        let sender = name.starts_with("presence").then_some("ada".to_string());
        for expected in [r#"{"typing":true}"#, "text"] {
            let (data, user_id) = bob.wait_for(|event| match event {
                Event::Message { data, user_id, .. } => Some((data.clone(), user_id.clone())),
                _ => None,
            });
            assert_eq!((&*data, &user_id), (expected, &sender));
        }
        // The sender's next event is another one.
        gateway.publish(name, "update", "1");
        assert_eq!(ada.wait_for_message(name), ("update".into(), "1".into()));
        bob.wait_for_message(name);
    }
}

pub(crate) fn many_events_come_in_their_order<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    client.enter("news");
    for lot in 0..10 {
        for n in 0..100 {
            gateway.publish("news", "update", &(lot * 100 + n).to_string());
        }
        for n in 0..100 {
            assert_eq!(client.wait_for_message("news").1, (lot * 100 + n).to_string());
        }
    }
}

pub(crate) fn counts_of_subscribers_are_told<C: Client>() {
    let app = AppConfig { subscription_counts: SubscriptionCounts::On, ..AppConfig::new(app()) };
    let gateway = Running::of(app);
    let (ada, bob) = (C::of(&gateway, "ada"), C::of(&gateway, "bob"));
    ada.enter("news");
    bob.enter("news");
    ada.wait_for(|event| matches!(event, Event::SubscriptionCount { subscribers: 2, .. }).then_some(()));
}

pub(crate) fn what_is_unsubscribed_is_not_heard<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    let news = client.enter("news");
    client.enter("sports");
    news.unsubscribe();
    assert!(!news.is_subscribed());
    gateway.publish("news", "update", "1");
    gateway.publish("sports", "update", "2");
    let first = client.wait_for(|event| match event {
        Event::Message { data, .. } => Some(data.clone()),
        _ => None,
    });
    assert_eq!(first, "2");
}
