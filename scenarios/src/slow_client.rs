use crate::world::{assert_receives_nothing, broadcast, subscribe, text};
use crate::{Client, Received, Setup, World, eventually};
use realtime_core::{ClientId, HubError, Notice, OutboxLimits, SlowConsumer};
use realtime_ws::{CloseCode, OwnedMessage, PreparedMessage};
use std::thread;

/// What it does not lose it receives, what it loses is counted, and in the end it keeps up again.
pub fn a_slow_client_loses_messages_and_lives<W: World>() {
    let world = W::open(setup(SlowConsumer::DropNewest));
    let mut slow = subscribe(&world, "firehose");
    let mut witness = subscribe(&world, "elsewhere");
    let mut sent = 0;
    while dropped(&world, slow.id()) == 0 {
        broadcast(&world, "firehose", &drop_of_water::<W>());
        sent += 1;
        // Its turn comes after what was sent before it.
        world.send(witness.id(), "next".into()).expect("the client is connected");
        assert_eq!(witness.receive(), text("next"));
    }
    let mut received = 0;
    while received + dropped(&world, slow.id()) < sent {
        assert!(matches!(slow.receive(), Received::Message(OwnedMessage::Binary(_))));
        received += 1;
    }
    assert_eq!(received + dropped(&world, slow.id()), sent);
    assert!(received >= OutboxLimits::default().max_messages as u64);
    world.broadcast("firehose", "still there?".into()).expect("the hub is open");
    assert_eq!(slow.receive(), text("still there?"));
    assert_eq!(world.client_count(), 2);
    world.end();
}

/// At the first message too many; none counts as dropped.
pub fn a_slow_client_is_disconnected_if_the_policy_says_so<W: World>() {
    let world = W::open(setup(SlowConsumer::Disconnect));
    let mut slow = subscribe(&world, "firehose");
    let is_told = || world.notices().contains(&Notice::TooSlow { client: slow.id() });
    eventually("the overflow", || {
        broadcast(&world, "firehose", &drop_of_water::<W>());
        is_told()
    });
    eventually("the client's leaving", || world.client_count() == 0);
    assert_eq!((world.channel_count(), world.subscriber_count("firehose")), (0, 0));
    let code = loop {
        match slow.receive() {
            Received::Message(_) => {}
            Received::End(code) => break code,
        }
    };
    assert_eq!(code, CloseCode::TRY_AGAIN_LATER);
    assert_eq!(dropped(&world, slow.id()), 0);
    world.end();
}

/// Neither a broadcaster, who is done in no time, nor a subscriber of the same channel.
pub fn a_slow_client_delays_no_other<W: World>() {
    let world = W::open(setup(SlowConsumer::DropNewest));
    let slow = subscribe(&world, "firehose");
    let mut quick = subscribe(&world, "firehose");
    while dropped(&world, slow.id()) == 0 {
        broadcast(&world, "firehose", &drop_of_water::<W>());
        assert!(matches!(quick.receive(), Received::Message(OwnedMessage::Binary(_))));
    }
    assert_eq!(dropped(&world, quick.id()), 0);
    world.end();
}

/// To the message, though what comes at once for so many goes out as one.
pub fn what_each_of_many_slow_clients_loses_is_counted<W: World>() {
    let world = W::open(setup(SlowConsumer::DropNewest));
    let mut slow: Vec<_> = (0..20).map(|_| subscribe(&world, "firehose")).collect();
    let mut witness = subscribe(&world, "elsewhere");
    let message = PreparedMessage::new(&vec![b'.'; if W::HAS_SOCKETS { 8 * 1024 } else { 1 }]);
    let mut sent = 0;
    while slow.iter().any(|client| dropped(&world, client.id()) == 0) {
        for _ in 0..10 {
            broadcast(&world, "firehose", &message);
            sent += 1;
        }
        // Its turn comes after what was sent before it.
        world.send(witness.id(), "next".into()).expect("the client is connected");
        assert_eq!(witness.receive(), text("next"));
    }
    for client in &mut slow {
        let dropped = dropped(&world, client.id());
        for _ in dropped..sent {
            assert!(matches!(client.receive(), Received::Message(OwnedMessage::Binary(_))));
        }
        assert_receives_nothing(&world, client);
    }
    world.end();
}

/// To the last message, also where the policy ends the client.
pub fn what_a_slow_client_was_not_sent_is_told<W: World>() {
    let world = W::open(setup(SlowConsumer::Disconnect));
    let mut slow = subscribe(&world, "firehose");
    let mut sent = 0;
    let refusal = loop {
        match world.send(slow.id(), drop_of_water::<W>()) {
            Ok(()) => sent += 1,
            Err(HubError::Overloaded) => thread::yield_now(), // the machine is busy: its loop has not had a turn
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal, HubError::UnknownClient);
    let mut received = 0;
    while let Received::Message(_) = slow.receive() {
        received += 1;
    }
    let undelivered = || {
        let notices = world.notices();
        let of_the_slow_one = notices.iter().map(|notice| match notice {
            Notice::Undelivered { client, messages } if *client == slow.id() => *messages,
            Notice::Undelivered { .. }
            | Notice::Subscribed { .. }
            | Notice::Denied { .. }
            | Notice::NothingRetained { .. }
            | Notice::Unsubscribed { .. }
            | Notice::Joined { .. }
            | Notice::Left { .. }
            | Notice::Dropped { .. }
            | Notice::TooSlow { .. }
            | Notice::Closed => 0,
        });
        of_the_slow_one.sum::<u64>()
    };
    eventually("the loss of the rest", || received + undelivered() >= sent);
    assert_eq!(received + undelivered(), sent);
    world.end();
}

fn setup(policy: SlowConsumer) -> Setup {
    Setup {
        outbox: OutboxLimits { policy, max_bytes: usize::MAX, ..OutboxLimits::default() },
        ..Setup::default()
    }
}

/// Enough of them fill also what the system holds for a socket.
fn drop_of_water<W: World>() -> PreparedMessage {
    let bytes = if W::HAS_SOCKETS { 64 * 1024 } else { 1 };
    PreparedMessage::new(&vec![b'.'; bytes])
}

fn dropped<W: World>(world: &W, whose: ClientId) -> u64 {
    let notices = world.notices();
    let dropped = notices.iter().map(|notice| match notice {
        Notice::Dropped { client, messages } if *client == whose => *messages,
        Notice::Dropped { .. }
        | Notice::Subscribed { .. }
        | Notice::Denied { .. }
        | Notice::NothingRetained { .. }
        | Notice::Unsubscribed { .. }
        | Notice::Joined { .. }
        | Notice::Left { .. }
        | Notice::TooSlow { .. }
        | Notice::Undelivered { .. }
        | Notice::Closed => 0,
    });
    dropped.sum()
}
