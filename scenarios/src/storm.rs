use crate::{Client, Setup, World, eventually};
use realtime_core::{Decision, Member, Notice};
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

const CHANNELS: usize = 128;
const THREADS: usize = 4;

/// Thousands of clients on 128 channels come, change channels, broadcast and go, from several threads at once; two in a
/// row are one member. Every join has its leave, and nothing is left.
pub fn a_storm_ends_clean<W: World>() {
    let world = W::open(Setup::authorized_by(|request| {
        let number = String::from_utf8_lossy(request.credentials.as_bytes()).parse::<usize>().unwrap_or(0);
        Decision::Allow { member: Some(Member::new(&format!("member-{}", number / 2), "")) }
    }));
    let all_there = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (world, all_there) = (&world, &all_there);
            scope.spawn(move || rage(world, thread, all_there));
        }
    });
    eventually("the last client's leaving", || world.client_count() == 0);
    assert_eq!(world.channel_count(), 0);
    let is_balanced = || {
        let present = present(&world.notices());
        present.values().all(|count| *count == 0)
    };
    eventually("the last notice", is_balanced);
    assert!(present(&world.notices()).len() > CHANNELS / 2, "few members are no storm");
    world.end();
}

fn rage<W: World>(world: &W, thread: usize, all_there: &Barrier) {
    let numbers = (thread..W::STORM_CLIENTS).step_by(THREADS);
    let clients: Vec<(usize, W::Client)> = numbers
        .map(|number| (number, world.connect(&number.to_string()).expect("the hub is open")))
        .collect();
    for (number, client) in &clients {
        client.subscribe(&channel(*number)).expect("the authorizer allows it");
        client.subscribe(&channel(number * 31 + 1)).expect("the authorizer allows it");
    }
    all_there.wait();
    if thread == 0 {
        assert_eq!(world.client_count(), W::STORM_CLIENTS);
    }
    all_there.wait();
    for (number, client) in &clients {
        client.unsubscribe(&channel(*number)).expect("the client is connected");
        client.subscribe(&channel(number + 2)).expect("the authorizer allows it");
        world.broadcast(&channel(number * 7), "wind".into()).expect("the hub is open");
    }
    for (_, client) in clients {
        client.leave();
    }
}

/// One in two is a presence channel.
fn channel(number: usize) -> String {
    let number = number % CHANNELS;
    if number.is_multiple_of(2) { format!("presence-{number}") } else { format!("public-{number}") }
}

/// How often each member has joined each channel, less how often it left; never below zero nor above one.
fn present(notices: &[Notice]) -> BTreeMap<(String, String), i32> {
    let mut present = BTreeMap::new();
    for notice in notices {
        let (channel, member, change) = match notice {
            Notice::Joined { channel, member } => (channel, member, 1),
            Notice::Left { channel, member } => (channel, member, -1),
            Notice::Subscribed { .. }
            | Notice::Denied { .. }
            | Notice::NothingRetained { .. }
            | Notice::Unsubscribed { .. }
            | Notice::Dropped { .. }
            | Notice::TooSlow { .. }
            | Notice::Undelivered { .. }
            | Notice::Closed => continue,
        };
        let count = present.entry((channel.to_string(), member.id().to_owned())).or_insert(0);
        *count += change;
        assert!((0..=1).contains(count), "{} came and went wrongly in {channel}", member.id());
    }
    present
}
