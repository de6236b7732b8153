//! Four thousand clients on 128 channels come, change channels and go; nothing is left of them.

mod common;

use common::*;
use realtime_core::wire::Plain;
use realtime_core::{Action, Authorization, Config, Decision, Home, Input, Member};
use std::collections::BTreeMap;

const CLIENTS: usize = 4_000;
const CHANNELS: usize = 128;

#[test]
fn a_storm_ends_clean() {
    let mut storm = Storm::new();
    let clients: Vec<Peer> = (0..CLIENTS).map(|n| storm.connect(n)).collect();
    for round in 0..3 {
        for (n, peer) in clients.iter().enumerate() {
            storm.take(peer.subscribes(&channel(n + round)));
            storm.take(peer.subscribes(&channel(n * 31 + round)));
        }
        for (n, peer) in clients.iter().enumerate().filter(|(n, _)| n % 3 == round) {
            storm.take(peer.unsubscribes(&channel(n + round)));
            storm.take(broadcast(&channel(n), "wind"));
        }
    }
    assert_eq!((storm.hub.hub.client_count(), storm.hub.hub.channel_count()), (CLIENTS, CHANNELS));
    let (gone, staying) = clients.split_at(CLIENTS / 2);
    for peer in gone {
        storm.take(peer.is_gone());
    }
    assert_eq!(storm.hub.hub.client_count(), staying.len());
    storm.take(Input::Close);

    storm.hub.assert_holds_nothing();
    assert!(storm.joins > CLIENTS, "only {} joins were no storm", storm.joins);
    assert_eq!(storm.joins, storm.leaves);
    assert_eq!(storm.subscribed, storm.unsubscribed);
    assert!(storm.present.values().all(|clients| *clients == 0));
}

/// One in two is a presence channel.
fn channel(n: usize) -> String {
    let n = n % CHANNELS;
    if n.is_multiple_of(2) { format!("presence-{n}") } else { format!("public-{n}") }
}

/// Plays the authorizer, who lets two clients in a row in as one member, and counts.
struct Storm {
    hub: TestHub,
    joins: usize,
    leaves: usize,
    subscribed: usize,
    unsubscribed: usize,
    present: BTreeMap<(String, String), u32>,
}

impl Storm {
    fn new() -> Self {
        let config = Config { authorization: Authorization::Ask, ..Config::default() };
        Self {
            hub: TestHub::with(config, Plain),
            joins: 0,
            leaves: 0,
            subscribed: 0,
            unsubscribed: 0,
            present: BTreeMap::new(),
        }
    }

    fn connect(&mut self, n: usize) -> Peer {
        self.hub.connect_at(Home((n % 4) as u16), &[])
    }

    fn take(&mut self, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let taken = self.hub.hub.handle_input(input, self.hub.now);
            taken.expect("the hub is open, and the client connected");
            while let Some(action) = self.hub.hub.poll_action() {
                next = next.or(self.perform(action));
            }
        }
    }

    /// Counts, and answers what the authorizer is asked.
    fn perform(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::Authorize(asked) => {
                let member = Member::new(&format!("member-{}", asked.client.index() / 2), "");
                let decision = Decision::Allow { member: Some(member) };
                return Some(Input::Decided { request: asked.request, decision });
            }
            Action::Joined { channel, member } => {
                self.joins += 1;
                let clients = self.present.entry((channel.to_string(), member.id().to_owned())).or_default();
                *clients += 1;
                assert_eq!(*clients, 1, "{} joined {channel} twice", member.id());
            }
            Action::Left { channel, member } => {
                self.leaves += 1;
                let clients = self.present.entry((channel.to_string(), member.id().to_owned())).or_default();
                assert_eq!(*clients, 1, "{} left {channel} twice", member.id());
                *clients = 0;
            }
            Action::Subscribed { .. } => self.subscribed += 1,
            Action::Unsubscribed { .. } => self.unsubscribed += 1,
            Action::Denied { denial, .. } => panic!("denied: {denial}"),
            Action::Connected { .. }
            | Action::Deliver { .. }
            | Action::NothingRetained { .. }
            | Action::Disconnect { .. }
            | Action::Closed => {}
        }
        None
    }
}
