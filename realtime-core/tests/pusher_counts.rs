//! Subscription counts, where they are turned on.

mod pusher_common;

use pusher_common::Gateway;
use realtime_core::Config;
use realtime_core::pusher::User;
use realtime_core::wire::{Pusher, Wire};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const SUCCEEDED: &str = "pusher_internal:subscription_succeeded";

fn counting() -> Gateway {
    Gateway::with(Config { subscriber_count_interval: Some(SECOND), ..Config::default() })
}

#[test]
fn subscribers_are_told_how_many_they_are() {
    for channel in ["news", "private-a", "private-encrypted-a"] {
        let mut gateway = counting();
        let [ada, bob] = [(); 2].map(|()| gateway.connect());
        gateway.subscribes(ada, channel, None);
        assert_eq!(
            gateway.receives(ada)[1..],
            [format!(
                r#"{{"event":"pusher_internal:subscription_count","channel":"{channel}","data":"{{\"subscription_count\":1}}"}}"#
            )]
        );
        gateway.subscribes(bob, channel, None);
        assert_eq!(gateway.events(bob), [SUCCEEDED]);
        gateway.waits(SECOND);
        for client in [ada, bob] {
            assert_eq!(gateway.receives_one(client).1["subscription_count"], 2);
        }
    }
}

#[test]
fn a_cached_event_comes_first() {
    let mut gateway = counting();
    let ada = gateway.connect();
    gateway.subscribes(ada, "cache-a", None);
    assert_eq!(gateway.events(ada), [SUCCEEDED, "pusher:cache_miss", "pusher_internal:subscription_count"]);
}

#[test]
fn in_presence_channels_the_members_are_told_instead() {
    let mut gateway = counting();
    let ada = gateway.connect();
    gateway.subscribes(ada, "presence-a", Some(r#"{"user_id":"ada"}"#));
    gateway.waits(SECOND);
    assert_eq!(gateway.events(ada), [SUCCEEDED]);
}

#[test]
fn nobody_is_told_how_many_connections_a_user_has() {
    assert_eq!(Pusher.subscriber_count(&User::channel("ada"), 2), None);
}
