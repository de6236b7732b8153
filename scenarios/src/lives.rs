use crate::world::{connect, subscribe, text};
use crate::{Client, NotSubscribed, Received, Setup, World, eventually};
use realtime_core::{Decision, HubError, Notice};
use realtime_ws::CloseCode;

/// And then the end, with the code that was given.
pub fn a_client_that_is_disconnected_gets_what_was_sent_before<W: World>() {
    let world = W::open(Setup::default());
    let mut client = subscribe(&world, "news");
    let code = CloseCode::new(4001).expect("an application's own code may be sent");
    world.broadcast("news", "last words".into()).expect("the hub is open");
    assert_eq!(world.disconnect(client.id(), code, "enough"), Ok(()));
    assert_eq!((world.client_count(), world.channel_count()), (0, 0));
    // Another one takes its place before it has received anything.
    let _successor = connect(&world);
    assert_eq!(client.receive(), text("last words"));
    assert_eq!(client.receive(), Received::End(code));
    assert_eq!(world.disconnect(client.id(), code, "enough"), Err(HubError::UnknownClient));
    world.end();
}

/// With 1001; nothing is left, and closing again changes nothing.
pub fn closing_ends_every_client<W: World>() {
    let world = W::open(Setup::authorized_by(|_| Decision::Allow { member: None }));
    let mut clients = [subscribe(&world, "news"), subscribe(&world, "private-letters"), connect(&world)];
    world.close();
    world.close();
    assert_eq!((world.client_count(), world.channel_count()), (0, 0));
    for client in &mut clients {
        assert_eq!(client.receive(), Received::End(CloseCode::GOING_AWAY));
        assert_eq!(client.subscribe("news"), Err(NotSubscribed::Hub(HubError::Closed)));
    }
    assert_eq!(world.broadcast("news", "hello?".into()), Err(HubError::Closed));
    assert_eq!(world.send(clients[0].id(), "hello?".into()), Err(HubError::Closed));
    let told = || world.notices().iter().filter(|notice| **notice == Notice::Closed).count();
    eventually("the notice of it", || told() > 0);
    assert_eq!(told(), 1);
    world.end();
}

/// Also not later.
pub fn nobody_connects_to_a_closed_hub<W: World>() {
    let world = W::open(Setup::default());
    world.close();
    for _ in 0..2 {
        assert_eq!(world.connect("").map(|client| client.id()), Err(HubError::Closed));
    }
    assert_eq!(world.client_count(), 0);
    world.end();
}

/// No channel or roster holds it, and what it still asks for is refused.
pub fn a_client_that_is_gone_leaves_nothing<W: World>() {
    let world = W::open(Setup::authorized_by(|_| Decision::Allow { member: None }));
    let client = connect(&world);
    for channel in ["news", "private-letters", "presence-lobby"] {
        client.subscribe(channel).expect("the authorizer allows it");
    }
    let id = client.id();
    client.leave();
    eventually("the client's leaving", || world.client_count() == 0);
    assert_eq!((world.channel_count(), world.presence("presence-lobby")), (0, None));
    assert_eq!(world.disconnect(id, CloseCode::NORMAL, ""), Err(HubError::UnknownClient));
    world.end();
}
