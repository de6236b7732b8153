//! What an adapter relies on in a hub, whichever way it waits.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_adapter::{ForAdapters, Hub, HubCounts, HubParts, SubscribeError, Wake};
use realtime_core::{
    Authorization, ClientId, Config, Counts, Credentials, Decision, Denial, Home, HubError, MailboxLimits,
    Notice, Order, OutboxLimits, Received,
};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Counts how often it is woken, as a driver or by an inbox.
#[derive(Default)]
struct Sleeper {
    wakes: AtomicUsize,
}

impl Sleeper {
    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }
}

impl Wake for Sleeper {
    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }
}

impl std::task::Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        Wake::wake(&*self);
    }
}

fn asking() -> Hub {
    HubParts::default().assemble(Authorization::Ask)
}

fn subscribe(hub: &Hub, client: ClientId, channel: &str) {
    assert!(hub.subscribe(client, channel.into(), None).unwrap().is_none());
}

#[test]
fn a_home_that_is_given_back_is_the_next_drivers() {
    let hub = asking();
    let homes = [(); 3].map(|()| hub.add_driver(Arc::<Sleeper>::default()).unwrap());
    assert_eq!(homes, [Home(1), Home(2), Home(3)]);
    hub.remove_driver(Home(2));
    assert_eq!(hub.add_driver(Arc::<Sleeper>::default()).unwrap(), Home(2));
    assert_eq!(hub.add_driver(Arc::<Sleeper>::default()).unwrap(), Home(4));
}

#[test]
fn a_home_is_left_once_no_orders_wait_for_it() {
    let hub = asking();
    let home = hub.add_driver(Arc::<Sleeper>::default()).unwrap();
    let client = hub.connect_at(home, Credentials::NONE).unwrap();
    hub.send(client, "in vain").unwrap();
    hub.gone(client);
    assert!(!hub.leave(home));
    hub.take_orders(home, &mut VecDeque::new());
    assert!(hub.leave(home));
    assert_eq!(hub.add_driver(Arc::<Sleeper>::default()).unwrap(), home);
}

#[test]
fn all_handles_of_a_hub_have_one_id_and_no_other_hub_has_it() {
    let [hub, other] = [asking(), asking()];
    assert_eq!(hub.id(), hub.clone().id());
    assert_ne!(hub.id(), other.id());
}

#[test]
fn a_driver_is_woken_once_for_all_that_it_has_not_taken() {
    let (hub, sleeper) = (asking(), Arc::<Sleeper>::default());
    let home = hub.add_driver(Arc::clone(&sleeper)).unwrap();
    let client = hub.connect_at(home, Credentials::NONE).unwrap();
    hub.settle();
    subscribe(&hub, client, "news");
    hub.broadcast("news", "first").unwrap();
    hub.broadcast("news", "second").unwrap();
    assert_eq!(sleeper.wakes(), 1);
    let mut orders = VecDeque::new();
    hub.take_orders(home, &mut orders);
    assert!(matches!(orders.make_contiguous(), [Order::Deliver { .. }, Order::Deliver { .. }]));
    hub.broadcast("news", "third").unwrap();
    assert_eq!(sleeper.wakes(), 2);
}

#[test]
fn an_inbox_wakes_whoever_found_it_empty_last() {
    let hub = asking();
    let (client, mut inbox) = hub.connect_here(Credentials::NONE).unwrap();
    let [former, latter] = [(); 2].map(|()| Arc::<Sleeper>::default());
    for sleeper in [&former, &latter] {
        assert_eq!(inbox.receive_or_wake(&Arc::clone(sleeper).into()), Received::Nothing);
    }
    hub.send(client, "first").unwrap();
    hub.send(client, "second").unwrap();
    assert_eq!((former.wakes(), latter.wakes()), (0, 1));
    assert_eq!(inbox.receive(), Received::Message("first".into()));
    drop(inbox);
    assert_eq!(hub.client_count(), 0);
}

#[test]
fn an_authorizer_that_panics_has_denied() {
    let hub = asking();
    let (client, _inbox) = hub.connect_here(Credentials::NONE).unwrap();
    let question = hub.subscribe(client, "private-letters".into(), None).unwrap().unwrap();
    let denial = Denial::Refused("the authorizer failed".into());
    assert_eq!(question.ask(|_| panic!("as the test wants")), Err(SubscribeError::Denied(denial)));
    assert!(!hub.is_subscribed(client, "private-letters"));
}

#[test]
fn a_roster_that_no_outbox_takes_is_denied() {
    let outbox = OutboxLimits { max_bytes: 20, ..OutboxLimits::default() };
    let hub = HubParts { outbox, ..HubParts::default() }.assemble(Authorization::Ask);
    let (client, _inbox) = hub.connect_here(Credentials::NONE).unwrap();
    let question = hub.subscribe(client, "presence-room".into(), None).unwrap().unwrap();
    let denial = Denial::RosterTooLong { limit: 20 };
    assert_eq!(question.answer(Some(Decision::Allow { member: None })), Err(SubscribeError::Denied(denial)));
}

#[test]
fn an_answer_that_comes_too_late_is_a_denial() {
    let config = Config { authorization_timeout: Duration::ZERO, ..Config::default() };
    let hub = HubParts { config, ..HubParts::default() }.assemble(Authorization::Ask);
    let (client, _inbox) = hub.connect_here(Credentials::NONE).unwrap();
    for expires in [true, false] {
        let question = hub.subscribe(client, "private-letters".into(), None).unwrap().unwrap();
        let outcome = match expires {
            true => question.expire(),
            false => question.answer(Some(Decision::Allow { member: None })),
        };
        assert_eq!(outcome, Err(SubscribeError::Denied(Denial::AuthorizerTimedOut)));
    }
}

#[test]
fn an_answer_to_a_question_that_was_withdrawn_subscribes_nobody() {
    let hub = asking();
    let (client, _inbox) = hub.connect_here(Credentials::NONE).unwrap();
    let question = hub.subscribe(client, "private-letters".into(), None).unwrap().unwrap();
    hub.unsubscribe(client, "private-letters".into()).unwrap();
    let decision = Decision::Allow { member: None };
    assert_eq!(question.answer(Some(decision)), Err(SubscribeError::NoLongerWanted));
    assert!(!hub.is_subscribed(client, "private-letters"));
}

/// A hub whose notices come out of the receiver, after `tell` has seen them.
fn noticing(tell: impl Fn(&Notice) + Send + Sync + 'static) -> (Hub, Receiver<Notice>) {
    let (told, notices) = channel();
    let told = Mutex::new(told);
    let on_notice = move |notice: &Notice| {
        told.lock().unwrap().send(notice.clone()).unwrap();
        tell(notice);
    };
    let parts = HubParts { on_notice: Some(Box::new(on_notice)), ..HubParts::default() };
    (parts.assemble(Authorization::DenyAll), notices)
}

#[test]
fn a_panic_in_on_notice_is_nobodys_end() {
    let (hub, notices) = noticing(|_| panic!("as the test wants"));
    let (client, _inbox) = hub.connect_here(Credentials::NONE).unwrap();
    subscribe(&hub, client, "news");
    hub.unsubscribe(client, "news".into()).unwrap();
    let channel = || "news".into();
    assert_eq!(
        notices.try_iter().collect::<Vec<_>>(),
        [
            Notice::Subscribed { client, channel: channel(), subscribers: 1 },
            Notice::Unsubscribed { client, channel: channel(), subscribers: 0 }
        ]
    );
}

#[test]
fn on_notice_may_use_the_hub_and_is_told_afterwards_what_follows() {
    let slot = Arc::new(Mutex::new(None::<Hub>));
    let (hub, notices) = noticing({
        let slot = Arc::clone(&slot);
        move |notice| {
            if let Notice::Subscribed { client, .. } = notice {
                let hub = slot.lock().unwrap().clone().unwrap();
                hub.unsubscribe(*client, "news".into()).unwrap();
            }
        }
    });
    *slot.lock().unwrap() = Some(hub.clone());
    let (client, _inbox) = hub.connect_here(Credentials::NONE).unwrap();
    subscribe(&hub, client, "news");
    *slot.lock().unwrap() = None; // the hub would hold itself for ever
    let told = notices.try_iter().count();
    assert_eq!((told, hub.subscriber_count("news")), (2, 0));
}

#[test]
fn what_is_there_what_happened_and_what_was_lost_is_counted() {
    let hub = HubParts {
        config: Config { max_channels_per_client: 2, ..Config::default() },
        outbox: OutboxLimits { max_messages: 2, ..OutboxLimits::default() },
        mailbox: MailboxLimits { max_orders: 1, ..MailboxLimits::default() },
        ..HubParts::default()
    }
    .assemble(Authorization::DenyAll);
    assert_eq!(hub.counts(), HubCounts::default());
    let (client, inbox) = hub.connect_here(Credentials::NONE).unwrap();
    subscribe(&hub, client, "a");
    subscribe(&hub, client, "b");
    for channel in ["c", "private-d"] {
        assert!(hub.subscribe(client, channel.into(), None).is_err());
    }
    for _ in 0..5 {
        hub.broadcast("a", "hi").unwrap();
    }
    let counts = hub.counts();
    assert_eq!((counts.clients, counts.channels), (1, 2));
    let expected = Counts { connected: 1, subscribed: 2, denied: 2, ..Counts::default() };
    assert_eq!((counts.events, counts.events.subscriptions(), counts.events.members()), (expected, 2, 0));
    assert_eq!((counts.dropped, counts.too_slow, counts.undelivered, counts.overloaded), (3, 0, 0, 0));

    // A driver that does not take its orders.
    let home = hub.add_driver(Arc::<Sleeper>::default()).unwrap();
    let far = hub.connect_at(home, Credentials::NONE).unwrap();
    subscribe(&hub, far, "a");
    hub.send(far, "one").unwrap();
    assert_eq!(hub.send(far, "another"), Err(HubError::Overloaded));
    hub.note(Notice::Undelivered { client: far, messages: 4 });
    hub.note(Notice::TooSlow { client: far });
    let counts = hub.counts();
    assert_eq!((counts.too_slow, counts.undelivered, counts.overloaded), (1, 4, 1));
    drop(inbox);
}
