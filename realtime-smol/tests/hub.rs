//! The hub's handle and its clients without a connection.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{in_time, telling, until};
use realtime_core::Config;
use realtime_core::wire::Pusher;
use realtime_smol::{
    CloseCode, Deliveries, Ending, Hub, HubError, Notice, OutboxLimits, PreparedMessage, SlowConsumer,
};
use smol::stream::StreamExt;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

fn texts(deliveries: &mut Deliveries) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(message) = deliveries.try_next() {
        texts.push(message.as_text().unwrap().to_owned());
    }
    texts
}

fn next(deliveries: &mut Deliveries) -> Option<PreparedMessage> {
    in_time(deliveries.next())
}

#[test]
fn what_is_broadcast_is_delivered_within_the_call() {
    let hub = Hub::new();
    let (client, mut deliveries) = hub.connect("").unwrap();
    in_time(client.subscribe("room")).unwrap();
    hub.broadcast("room", "1").unwrap();
    client.send("2").unwrap();
    hub.broadcast_except("room", "3", client.id()).unwrap();
    hub.broadcast("unknown", "4").unwrap();
    assert_eq!(texts(&mut deliveries), ["1", "2"]);
}

#[test]
fn a_count_that_changed_too_soon_is_told_later_though_nothing_else_happens() {
    let config = Config { subscriber_count_interval: Some(Duration::from_millis(20)), ..Config::default() };
    let hub = Hub::builder().config(config).wire(Pusher).build();
    let mut clients: Vec<_> = (0..3).map(|_| hub.connect("").unwrap()).collect();
    for (client, _) in &clients {
        in_time(client.subscribe("room")).unwrap();
    }
    for (_, deliveries) in &mut clients {
        while !next(deliveries).unwrap().as_text().unwrap().contains(r#"{\"subscription_count\":3}"#) {}
    }
}

#[test]
fn a_shorter_interval_between_counts_holds_soon() {
    let every = |interval| Config { subscriber_count_interval: Some(interval), ..Config::default() };
    let hub = Hub::builder().config(every(Duration::from_secs(3600))).wire(Pusher).build();
    let mut clients: Vec<_> = (0..3).map(|_| hub.connect("").unwrap()).collect();
    in_time(clients[0].0.subscribe("elsewhere")).unwrap(); // which sees to it that the time is told
    let start = Instant::now();
    until("it was looked once", || start.elapsed() > Duration::from_millis(50));
    hub.configure(every(Duration::from_millis(20))).unwrap();
    for (client, _) in &clients {
        in_time(client.subscribe("room")).unwrap();
    }
    for (_, deliveries) in &mut clients {
        while !next(deliveries).unwrap().as_text().unwrap().contains(r#"{\"subscription_count\":3}"#) {}
    }
}

#[test]
fn a_stream_that_waits_is_woken_by_a_delivery_and_by_the_end() {
    let hub = Hub::new();
    let (client, mut deliveries) = hub.connect("").unwrap();
    let (waiting, waits) = mpsc::channel();
    let receiver = std::thread::spawn(move || {
        let mut received = Vec::new();
        smol::block_on(async {
            loop {
                waiting.send(()).unwrap();
                match deliveries.next().await {
                    Some(message) => received.push(message.as_text().unwrap().to_owned()),
                    None => return (received, deliveries.ending().cloned()),
                }
            }
        })
    });
    waits.recv().unwrap();
    client.send("1").unwrap();
    waits.recv().unwrap();
    client.disconnect(CloseCode::POLICY_VIOLATION, "enough").unwrap();
    until("the stream has ended", || receiver.is_finished());
    let ending = Ending { code: CloseCode::POLICY_VIOLATION, reason: "enough".into() };
    assert_eq!(receiver.join().unwrap(), (vec!["1".to_owned()], Some(ending)));
}

#[test]
fn a_stream_may_move_to_another_task() {
    let hub = Hub::new();
    let (client, mut deliveries) = hub.connect("").unwrap();
    // One task begins to wait and is given up; the other is the one that is woken.
    in_time(async {
        let given_up = smol::future::or(async { deliveries.next().await.is_some() }, async {
            smol::future::yield_now().await;
            false
        });
        assert!(!given_up.await);
    });
    let other = smol::spawn(async move { deliveries.next().await });
    client.send("hi").unwrap();
    assert_eq!(in_time(other).unwrap().as_text(), Some("hi"));
}

#[test]
fn dropping_the_deliveries_makes_the_client_gone() {
    let (hub, notices) = telling(Hub::builder());
    let (client, deliveries) = hub.connect("").unwrap();
    in_time(client.subscribe("room")).unwrap();
    drop(deliveries);
    assert_eq!((hub.client_count(), hub.channel_count()), (0, 0));
    assert_eq!(client.send("late"), Err(HubError::UnknownClient));
    let (client, channel) = (client.id(), "room".into());
    assert_eq!(notices.all().last(), Some(&Notice::Unsubscribed { client, channel, subscribers: 0 }));
}

#[test]
fn a_disconnected_client_keeps_what_it_was_sent_though_others_come() {
    let hub = Hub::new();
    let (former, mut its_deliveries) = hub.connect("").unwrap();
    former.send("for you").unwrap();
    former.disconnect(CloseCode::GOING_AWAY, "enough").unwrap();
    let (latter, mut other_deliveries) = hub.connect("").unwrap();
    latter.send("for the other").unwrap();
    assert_eq!(next(&mut its_deliveries).unwrap().as_text(), Some("for you"));
    assert_eq!(next(&mut its_deliveries), None);
    assert_eq!(its_deliveries.ending().unwrap().code, CloseCode::GOING_AWAY);
    drop(its_deliveries);
    assert_eq!(next(&mut other_deliveries).unwrap().as_text(), Some("for the other"));
    assert_eq!(hub.client_count(), 1);
}

#[test]
fn closing_ends_every_stream_and_refuses_newcomers() {
    let hub = Hub::new();
    let (client, mut deliveries) = hub.connect("").unwrap();
    hub.close();
    hub.close();
    assert!(hub.is_closed());
    assert_eq!(next(&mut deliveries), None);
    assert_eq!(deliveries.ending().unwrap().code, CloseCode::GOING_AWAY);
    assert_eq!(hub.connect("").err(), Some(HubError::Closed));
    assert_eq!(client.send("late"), Err(HubError::Closed));
}

#[test]
fn a_slow_client_is_ended_and_told_once() {
    let limits =
        OutboxLimits { max_messages: 2, policy: SlowConsumer::Disconnect, ..OutboxLimits::default() };
    let (hub, notices) = telling(Hub::builder().outbox(limits));
    let (client, mut deliveries) = hub.connect("").unwrap();
    in_time(client.subscribe("room")).unwrap();
    for text in ["1", "2", "3", "4"] {
        hub.broadcast("room", text).unwrap();
    }
    assert_eq!((hub.client_count(), hub.channel_count()), (0, 0));
    assert_eq!(next(&mut deliveries), None);
    assert_eq!(deliveries.ending().unwrap().reason, "received too slowly");
    let (client, channel) = (client.id(), "room".into());
    let expected = [
        Notice::TooSlow { client },
        Notice::Unsubscribed { client, channel, subscribers: 0 },
        Notice::Undelivered { client, messages: 3 },
    ];
    assert_eq!(notices.all()[1..], expected);
}

#[test]
fn the_notice_hook_may_use_the_hub_and_sees_things_in_order() {
    let hub: Arc<OnceLock<Hub>> = Arc::default();
    let seen: Arc<Mutex<Vec<Notice>>> = Arc::default();
    let (its_hub, its_seen) = (hub.clone(), seen.clone());
    let built = Hub::builder()
        .on_notice(move |notice| {
            its_seen.lock().unwrap().push(notice.clone());
            if let Notice::Subscribed { client, channel, .. } = notice
                && channel.as_str() == "first"
            {
                let hub = its_hub.get().unwrap();
                hub.broadcast("first", "welcome").unwrap();
                hub.disconnect(*client, CloseCode::NORMAL, "").unwrap();
            }
        })
        .build();
    let hub = hub.get_or_init(|| built);
    let (client, mut deliveries) = hub.connect("").unwrap();
    in_time(client.subscribe("first")).unwrap();
    assert_eq!(texts(&mut deliveries), ["welcome"]);
    let (client, channel) = (client.id(), realtime_smol::ChannelName::from("first"));
    let expected = [
        Notice::Subscribed { client, channel: channel.clone(), subscribers: 1 },
        Notice::Unsubscribed { client, channel, subscribers: 0 },
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn a_panic_in_the_notice_hook_costs_neither_its_caller_nor_later_notices() {
    let told: Arc<Mutex<usize>> = Arc::default();
    let count = told.clone();
    let hub = Hub::builder()
        .on_notice(move |_| {
            *count.lock().unwrap() += 1;
            let is_first = *count.lock().unwrap() == 1;
            assert!(!is_first, "as the test wants");
        })
        .build();
    let (client, _deliveries) = hub.connect("").unwrap();
    in_time(client.subscribe("room")).unwrap();
    in_time(client.subscribe("other")).unwrap();
    assert_eq!(*told.lock().unwrap(), 2);
}

#[test]
fn many_threads_see_one_order() {
    const THREADS: usize = 4;
    const MESSAGES: usize = 500;
    let limits = OutboxLimits { max_messages: THREADS * MESSAGES, ..OutboxLimits::default() };
    let hub = Hub::builder().outbox(limits).build();
    let mut clients: Vec<_> = (0..3).map(|_| hub.connect("").unwrap()).collect();
    for (client, _) in &clients {
        in_time(client.subscribe("room")).unwrap();
    }
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let hub = &hub;
            scope.spawn(move || {
                for number in 0..MESSAGES {
                    hub.broadcast("room", &format!("{thread} {number}")).unwrap();
                }
            });
        }
    });
    let orders: Vec<_> = clients.iter_mut().map(|(_, deliveries)| texts(deliveries)).collect();
    assert_eq!(orders[0].len(), THREADS * MESSAGES);
    assert!(orders.iter().all(|order| *order == orders[0]));
}
