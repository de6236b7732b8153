//! Authorizers that answer at once, later, too late, or never.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{FOREVER, PATIENCE, in_time, telling, until};
use realtime_smol::{
    AuthorizationRequest, ChannelKind, Decision, Denial, Hub, HubConfig, HubError, Member, Notice,
    SubscribeError, wire,
};
use smol::channel;
use smol::stream::StreamExt;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

fn allow() -> Decision {
    Decision::Allow { member: None }
}

fn patient_config() -> HubConfig {
    HubConfig { authorization_timeout: FOREVER, ..HubConfig::default() }
}

#[test]
fn without_an_authorizer_private_and_presence_channels_are_closed() {
    let hub = Hub::new();
    let (client, _deliveries) = hub.connect("").unwrap();
    for channel in ["private-room", "presence-room"] {
        let denied = Err(SubscribeError::Denied(Denial::NoAuthorizer));
        assert_eq!(in_time(client.subscribe(channel)), denied);
    }
    assert_eq!(in_time(client.subscribe("room")), Ok(()));
}

#[test]
fn an_authorizer_that_answers_at_once_decides_within_the_call() {
    let hub = Hub::builder()
        .authorizer_now(|request| match request.credentials.as_bytes() {
            b"secret" => allow(),
            _ => Decision::Deny { reason: "who are you".into() },
        })
        .build();
    let (client, _deliveries) = hub.connect("secret").unwrap();
    drop(client.subscribe("private-room"));
    assert!(hub.is_subscribed(client.id(), "private-room"));
    let denied = Err(SubscribeError::Denied(Denial::Refused("who are you".into())));
    assert_eq!(in_time(client.subscribe_with("private-other", "guess")), denied);
}

#[test]
fn an_asynchronous_authorizer_sees_who_asks_for_what() {
    let (asked, asks) = mpsc::channel::<AuthorizationRequest>();
    let asked = Mutex::new(asked);
    let hub = Hub::builder()
        .config(patient_config())
        .authorizer(move |request| {
            asked.lock().unwrap().send(request).unwrap();
            async {
                smol::future::yield_now().await;
                Decision::Allow { member: Some(Member::new("ann", "{}")) }
            }
        })
        .build();
    let (client, _deliveries) = hub.connect("first").unwrap();
    assert_eq!(in_time(client.subscribe_with("presence-room", "second")), Ok(()));
    let request = asks.recv_timeout(PATIENCE).unwrap();
    assert_eq!((request.client, request.kind), (client.id(), ChannelKind::Presence));
    assert_eq!((request.channel.as_str(), request.credentials.as_bytes()), ("presence-room", &b"second"[..]));
    assert_eq!(hub.member(client.id(), "presence-room").unwrap().id(), "ann");
    in_time(client.subscribe("private-room")).unwrap();
    assert_eq!(asks.recv_timeout(PATIENCE).unwrap().credentials.as_bytes(), b"first");
}

/// A hub that allows, each time it gets a permit.
fn with_permits() -> (Hub, channel::Sender<()>) {
    let (permit, permits) = channel::unbounded::<()>();
    let hub = Hub::builder().config(patient_config()).authorizer(move |_| {
        let permits = permits.clone();
        async move {
            permits.recv().await.unwrap();
            allow()
        }
    });
    (hub.build(), permit)
}

#[test]
fn a_subscribe_goes_on_when_nobody_waits_for_it() {
    let (hub, permit) = with_permits();
    let (client, _deliveries) = hub.connect("").unwrap();
    drop(client.subscribe("private-room"));
    assert!(!hub.is_subscribed(client.id(), "private-room"));
    permit.send_blocking(()).unwrap();
    until("it is subscribed", || hub.is_subscribed(client.id(), "private-room"));
}

#[test]
fn a_decision_for_a_client_that_has_left_or_unsubscribed_is_of_no_use() {
    let (hub, permit) = with_permits();
    let (client, _deliveries) = hub.connect("").unwrap();
    let subscribing = client.subscribe("private-room");
    client.unsubscribe("private-room").unwrap();
    permit.send_blocking(()).unwrap();
    assert_eq!(in_time(subscribing), Err(SubscribeError::NoLongerWanted));

    let (gone, deliveries) = hub.connect("").unwrap();
    let subscribing = gone.subscribe("private-room");
    drop(deliveries);
    permit.send_blocking(()).unwrap();
    assert_eq!(in_time(subscribing), Err(SubscribeError::NoLongerWanted));
    assert_eq!(in_time(gone.subscribe("room")), Err(SubscribeError::Hub(HubError::UnknownClient)));
    assert_eq!(hub.channel_count(), 0);
}

#[test]
fn an_authorizer_that_takes_too_long_denies() {
    let config = HubConfig { authorization_timeout: Duration::from_millis(20), ..HubConfig::default() };
    let builder = Hub::builder().config(config).authorizer(|_| smol::future::pending::<Decision>());
    let (hub, notices) = telling(builder);
    let (client, _deliveries) = hub.connect("").unwrap();
    let denied = Err(SubscribeError::Denied(Denial::AuthorizerTimedOut));
    assert_eq!(in_time(client.subscribe("private-room")), denied);
    let (client, channel, denial) = (client.id(), "private-room".into(), Denial::AuthorizerTimedOut);
    let told = [Notice::Denied { client, channel, denial }];
    until("that is told", || notices.all() == told);
}

#[test]
fn an_authorizer_that_takes_too_long_denies_also_if_nobody_waits() {
    let config = HubConfig { authorization_timeout: Duration::from_millis(20), ..HubConfig::default() };
    let builder = Hub::builder().config(config).authorizer(|_| smol::future::pending::<Decision>());
    let (hub, notices) = telling(builder);
    let (client, _deliveries) = hub.connect("").unwrap();
    drop(client.subscribe("private-room"));
    until("it is denied", || !notices.all().is_empty());
}

#[test]
fn a_panic_in_an_authorizer_denies() {
    let failed = || Err(SubscribeError::Denied(Denial::Refused("the authorizer failed".into())));
    let at_once =
        Hub::builder().config(patient_config()).authorizer_now(|_| panic!("as the test wants")).build();
    let when_called = Hub::builder()
        .config(patient_config())
        .authorizer(|_| -> smol::future::Ready<Decision> { panic!("as the test wants") })
        .build();
    let when_polled = Hub::builder()
        .config(patient_config())
        .authorizer(|_| async {
            smol::future::yield_now().await;
            panic!("as the test wants")
        })
        .build();
    for hub in [at_once, when_called, when_polled] {
        let (client, _deliveries) = hub.connect("").unwrap();
        assert_eq!(in_time(client.subscribe("private-room")), failed());
        // It can ask again.
        assert_eq!(in_time(client.subscribe("private-room")), failed());
    }
}

/// Tells a client of its denial, as text.
struct Telling;

impl wire::Wire for Telling {
    fn newcomer_knows_itself(&self) -> bool {
        false
    }

    fn subscribed(
        &self,
        _: &realtime_smol::ChannelName,
        _: Option<&realtime_core::Roster>,
    ) -> Option<realtime_smol::PreparedMessage> {
        None
    }

    fn nothing_retained(&self, _: &realtime_smol::ChannelName) -> Option<realtime_smol::PreparedMessage> {
        None
    }

    fn subscriber_count(
        &self,
        _: &realtime_smol::ChannelName,
        _: usize,
    ) -> Option<realtime_smol::PreparedMessage> {
        None
    }

    fn denied(
        &self,
        _: &realtime_smol::ChannelName,
        denial: &Denial,
    ) -> Option<realtime_smol::PreparedMessage> {
        Some((&denial.to_string()).into())
    }

    fn joined(&self, _: &realtime_smol::ChannelName, _: &Member) -> Option<realtime_smol::PreparedMessage> {
        None
    }

    fn left(&self, _: &realtime_smol::ChannelName, _: &Member) -> Option<realtime_smol::PreparedMessage> {
        None
    }
}

#[test]
fn an_overdue_denial_is_delivered_whoever_brings_it_to_light() {
    // Who subscribes hangs in the authorizer, so that only what this thread does lets the hub know the time.
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let config = HubConfig { authorization_timeout: Duration::ZERO, ..HubConfig::default() };
    let hub = Hub::builder()
        .config(config)
        .wire(Telling)
        .authorizer(move |_| {
            let _ = released.lock().unwrap().recv_timeout(PATIENCE);
            async { allow() }
        })
        .build();
    let asking = hub.clone();
    let (client, mut deliveries) = hub.connect("").unwrap();
    let (id, asks) = (client.id(), std::thread::spawn(move || drop(client.subscribe("private-room"))));
    let denial = Denial::AuthorizerTimedOut.to_string();
    let mut received = None;
    // A connect, or an input that is refused: either passes the time on.
    until("the denial arrives", || {
        let (stranger, its_deliveries) = asking.connect("").unwrap();
        drop(its_deliveries);
        assert_eq!(hub.send(stranger.id(), "hi"), Err(HubError::UnknownClient));
        received = received.take().or_else(|| deliveries.try_next());
        received.is_some()
    });
    assert_eq!(received.unwrap().as_text(), Some(&*denial));
    hub.send(id, "and on it goes").unwrap();
    assert_eq!(in_time(deliveries.next()).unwrap().as_text(), Some("and on it goes"));
    release.send(()).unwrap();
    asks.join().unwrap();
}
