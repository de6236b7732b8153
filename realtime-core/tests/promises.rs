//! What the hub promises, whatever happens to it: each promise over random lives.

mod common;

use common::random::{Life, Step, steps};
use common::*;
use proptest::prelude::*;
use realtime_core::wire::Plain;
use realtime_core::{
    Action, Authorization, ChannelName, ClientId, Config, Home, Hub, Input, Member, Outbox, OutboxLimits,
    Pushed, SlowConsumer,
};
use realtime_ws::PreparedMessage;
use std::collections::{BTreeMap, VecDeque};

proptest! {
    #[test]
    fn every_subscriber_of_a_channel_sees_the_same_order(steps in steps()) {
        let mut life = Life::default();
        let mut loops = Loops::default();
        // What is retained reaches a newcomer when it comes, which is later than it reached the others.
        for step in steps.iter().filter(|step| !matches!(step, Step::Retain { .. })) {
            if let Some((_, _, actions)) = life.live(step) {
                loops.perform(&actions);
            }
        }
        for (one, other) in loops.pairs() {
            let by_one = common_part(one, other);
            let by_other = common_part(other, one);
            prop_assert_eq!(by_one, by_other);
        }
    }

    #[test]
    fn roster_and_joins_fit_together_without_gap_or_overlap(steps in steps()) {
        let mut life = Life::default();
        let mut views = Views::default();
        for step in &steps {
            let Some((_, _, actions)) = life.live(step) else { continue };
            for seen in actions.iter().flat_map(seen) {
                views.learn(&seen);
            }
            if !life.hub.is_closed() {
                views.compare(&life.hub)?;
            }
        }
    }

    #[test]
    fn every_join_has_exactly_one_leave(steps in steps()) {
        let mut life = Life::default();
        let mut actions: Vec<Action> = Vec::new();
        for step in &steps {
            actions.extend(life.live(step).into_iter().flat_map(|(_, _, actions)| actions));
        }
        actions.extend(life.end());
        assert_balanced(&actions)?;
    }

    #[test]
    fn nothing_holds_a_client_that_is_gone(steps in steps(), gone in 0usize..8) {
        let mut life = Life::default();
        let mut connected = Vec::new();
        for step in &steps {
            for action in life.live(step).into_iter().flat_map(|(_, _, actions)| actions) {
                if let Action::Connected { client } = action {
                    connected.push(client);
                }
            }
        }
        let Some(client) = connected.iter().rev().nth(gone).copied() else { return Ok(()) };
        let before: usize = life.hub.channels("").map(|name| life.hub.subscriber_count(name)).sum();
        let held = life.hub.channels("").filter(|name| life.hub.is_subscribed(client, name)).count();
        prop_assert_eq!(life.take(Input::Gone { client }).0, Ok(()));

        let after: usize = life.hub.channels("").map(|name| life.hub.subscriber_count(name)).sum();
        prop_assert_eq!(after, before - held);
        let names: Vec<ChannelName> = life.hub.channels("").cloned().collect();
        for channel in names {
            prop_assert!(life.hub.subscriber_count(&channel) > 0, "an empty channel stays");
            prop_assert!(!life.hub.is_subscribed(client, &channel));
            let message = PreparedMessage::new("who is here?");
            let (_, actions) = life.take(Input::Broadcast { channel, message, except: None });
            prop_assert!(!reached(&actions).any(|reached| reached == client));
        }
    }

    #[test]
    fn a_message_is_received_or_its_loss_is_counted(
        steps in steps(),
        policy in prop_oneof![Just(SlowConsumer::DropNewest), Just(SlowConsumer::DropOldest)],
        patience in 1usize..9,
    ) {
        let mut life = Life::default();
        let limits = OutboxLimits { max_messages: 2, policy, ..OutboxLimits::default() };
        let mut outboxes: BTreeMap<ClientId, Outbox> = BTreeMap::new();
        let (mut delivered, mut received, mut dropped) = (0, 0, 0);
        for (turn, step) in steps.iter().enumerate() {
            for seen in life.live(step).iter().flat_map(|(_, _, actions)| actions).flat_map(seen) {
                if let Seen::Sent(client, message) = seen {
                    delivered += 1;
                    let outbox = outboxes.entry(client).or_insert_with(|| Outbox::new(limits));
                    if let Pushed::Dropped { messages } = outbox.push(message) {
                        dropped += messages;
                    }
                }
            }
            if turn % patience == 0 {
                received += outboxes.values_mut().filter_map(Outbox::pop).count() as u64;
            }
        }
        prop_assert_eq!(outboxes.values().map(Outbox::dropped).sum::<u64>(), dropped);
        let waiting: u64 = outboxes.values_mut().map(Outbox::clear).sum();
        prop_assert_eq!(received + dropped + waiting, delivered);
    }
}

#[test]
fn a_client_whose_authorizer_never_answers_delays_nobody() {
    let mut hub = TestHub::asking();
    let [slow, b] = [(); 2].map(|()| hub.connect());
    hub.assert_asks(slow.subscribes("presence-room"));
    assert!(hub.enter(b, "presence-room", &Member::new("bob", "")).contains(&b.is_in("presence-room")));
    hub.assert_actions(broadcast("presence-room", "hi"), [b.is_sent("hi")]);
    hub.assert_actions(slow.gets("still here"), [slow.is_sent("still here")]);
}

#[test]
fn a_broadcast_is_one_action_and_one_message_however_many_subscribe() {
    let mut hub = TestHub::new();
    for subscribers in [1, 10, 100, 1_000] {
        while hub.hub.subscriber_count(&"news".into()) < subscribers {
            let peer = hub.connect();
            hub.actions(peer.subscribes("news"));
        }
        hub.hub.handle_input(broadcast("news", "hi"), hub.now).expect("the hub is open");
        let actions = drain(&mut hub.hub);
        assert_eq!(actions.len(), 1);
        assert_eq!(reached(&actions).count(), subscribers);
    }
}

#[test]
fn what_one_client_asks_for_is_bounded() {
    let config = Config { authorization: Authorization::Ask, ..Config::default() };
    let mut hub = TestHub::with(config, Plain);
    let a = hub.connect();
    for n in 0..1_000 {
        hub.actions(a.subscribes(&format!("private-{n}")));
        hub.actions(a.subscribes(&format!("public-{n}")));
    }
    let mut denied = 0;
    hub.wait(10 * SECOND);
    for seen in hub.actions(Input::TimePassed) {
        denied += usize::from(matches!(seen, Seen::Did(Action::Denied { .. })));
    }
    assert_eq!((denied, hub.hub.channel_count()), (128, 128), "together the limit of 256");
}

/// Deliveries as several event loops perform them: each takes its own clients, home by home.
#[derive(Default)]
struct Loops {
    received: BTreeMap<ClientId, VecDeque<PreparedMessage>>,
}

impl Loops {
    fn perform(&mut self, actions: &[Action]) {
        for home in (0..3).rev().map(Home) {
            for action in actions {
                if let Action::Deliver { to, message } = action {
                    for client in to.at(home) {
                        self.received.entry(client).or_default().push_back(message.clone());
                    }
                }
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&VecDeque<PreparedMessage>, &VecDeque<PreparedMessage>)> {
        let received = || self.received.values();
        received().enumerate().flat_map(move |(n, one)| received().skip(n + 1).map(move |other| (one, other)))
    }
}

/// The broadcasts among `messages` that are in `others` too: each is one of its kind.
fn common_part(
    messages: &VecDeque<PreparedMessage>,
    others: &VecDeque<PreparedMessage>,
) -> Vec<PreparedMessage> {
    let is_broadcast = |message: &PreparedMessage| message.payload().starts_with(b"message ");
    messages.iter().filter(|message| is_broadcast(message) && others.contains(message)).cloned().collect()
}

/// Who is present as each client knows it, from nothing but the messages that it got.
#[derive(Default)]
struct Views {
    members: BTreeMap<(ClientId, String), Vec<String>>,
}

impl Views {
    fn learn(&mut self, seen: &Seen) {
        if let Seen::OutOf(client, channel) = seen {
            self.members.remove(&(*client, channel.to_string()));
        }
        let Seen::Sent(client, message) = seen else { return };
        let Ok(frame) = serde_json::from_slice::<serde_json::Value>(message.payload()) else { return };
        let text = |value: &serde_json::Value| value.as_str().expect("a string").to_owned();
        let view = (*client, text(&frame["channel"]));
        match frame["event"].as_str() {
            Some("presence:subscription_succeeded") => {
                let members = frame["members"].as_array().expect("a list of members");
                let ids = members.iter().map(|member| text(&member["id"])).collect();
                assert!(self.members.insert(view, ids).is_none(), "one roster for each subscription");
            }
            Some("presence:member_added") => {
                let members = self.members.get_mut(&view).expect("the roster comes first");
                let id = text(&frame["member"]["id"]);
                assert!(!members.contains(&id), "{id} is in the roster already");
                members.push(id);
            }
            Some("presence:member_removed") => {
                let members = self.members.get_mut(&view).expect("the roster comes first");
                let id = text(&frame["member"]["id"]);
                let position = members.iter().position(|member| *member == id);
                members.remove(position.expect("who leaves has joined"));
            }
            other => panic!("an unknown event {other:?}"),
        }
    }

    fn compare(&self, hub: &Hub) -> Result<(), TestCaseError> {
        for ((client, channel), view) in &self.members {
            let channel = ChannelName::from(channel);
            prop_assert!(hub.is_subscribed(*client, &channel));
            let view: Vec<&str> = view.iter().map(String::as_str).collect();
            prop_assert_eq!(Some(view), names(hub.presence(&channel)));
        }
        Ok(())
    }
}

fn reached(actions: &[Action]) -> impl Iterator<Item = ClientId> {
    actions.iter().flat_map(seen).filter_map(|seen| match seen {
        Seen::Sent(client, _) => Some(client),
        Seen::In(..) | Seen::OutOf(..) | Seen::Did(_) => None,
    })
}

/// Joins and leaves of each member alternate and end with a leave; so do subscribing and unsubscribing, of which each
/// tells how many subscribers there are then.
fn assert_balanced(actions: &[Action]) -> Result<(), TestCaseError> {
    let mut present: Vec<(&ChannelName, &Member)> = Vec::new();
    let mut subscribed: Vec<(&ChannelName, ClientId)> = Vec::new();
    for action in actions {
        if let Action::Joined { channel, member } = action {
            let is_new = present.iter().all(|(name, other)| (*name, other.id()) != (channel, member.id()));
            prop_assert!(is_new, "{:?} joined {} twice", member, channel);
            present.push((channel, member));
        } else if let Action::Left { channel, member } = action {
            let position = present.iter().position(|one| *one == (channel, member));
            prop_assert!(position.is_some(), "{:?} left {} without having joined", member, channel);
            present.retain(|one| *one != (channel, member));
        } else if let Action::Subscribed { client, channel, subscribers } = action {
            prop_assert!(!subscribed.contains(&(channel, *client)));
            subscribed.push((channel, *client));
            prop_assert_eq!(*subscribers, subscribed.iter().filter(|(name, _)| *name == channel).count());
        } else if let Action::Unsubscribed { client, channel, subscribers } = action {
            prop_assert!(subscribed.contains(&(channel, *client)));
            subscribed.retain(|one| *one != (channel, *client));
            prop_assert_eq!(*subscribers, subscribed.iter().filter(|(name, _)| *name == channel).count());
        }
    }
    prop_assert!(present.is_empty() && subscribed.is_empty());
    Ok(())
}
