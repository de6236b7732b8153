use crate::world::{assert_receives_nothing, connect, text};
use crate::{Client, NotSubscribed, Setup, World, eventually};
use realtime_core::{ChannelKind, ChannelName, ClientId, Decision, Denial, Notice};
use std::sync::{Arc, Mutex, PoisonError};

const CLOSED: [&str; 2] = ["private-letters", "presence-lobby"];

/// Public channels are open all the same.
pub fn private_and_presence_are_closed_without_an_authorizer<W: World>() {
    let world = W::open(Setup::default());
    let mut client = connect(&world);
    for channel in CLOSED {
        assert_eq!(client.subscribe(channel), Err(NotSubscribed::Denied(Denial::NoAuthorizer)));
    }
    assert_eq!(client.subscribe("news"), Ok(()));
    assert_eq!(world.channel_count(), 1);
    assert_receives_nothing(&world, &mut client);
    world.end();
}

/// The reason is its own, and the application is told.
pub fn the_authorizer_may_refuse<W: World>() {
    let world = W::open(Setup::authorized_by(|_| Decision::Deny { reason: "not today".into() }));
    let client = connect(&world);
    let denial = Denial::Refused("not today".into());
    for channel in CLOSED {
        assert_eq!(client.subscribe(channel), Err(NotSubscribed::Denied(denial.clone())));
        let told = Notice::Denied { client: client.id(), channel: channel.into(), denial: denial.clone() };
        eventually("the notice of it", || world.notices().contains(&told));
    }
    assert_eq!(world.channel_count(), 0);
    world.end();
}

/// Then a private channel is like any other.
pub fn the_authorizer_may_allow<W: World>() {
    let world = W::open(Setup::authorized_by(|_| Decision::Allow { member: None }));
    let mut client = connect(&world);
    assert_eq!(client.subscribe("private-letters"), Ok(()));
    world.broadcast("private-letters", "dear all".into()).expect("the hub is open");
    assert_eq!(client.receive(), text("dear all"));
    world.end();
}

/// Channel, its kind, client and credentials; never about public channels.
pub fn the_authorizer_is_shown_who_asks_for_what<W: World>() {
    let (setup, asked) = witness();
    let world = W::open(setup);
    let client = world.connect("let me in").expect("the hub is open");
    for channel in ["news", "private-letters", "presence-lobby"] {
        assert_eq!(client.subscribe(channel), Ok(()));
    }
    let expected = [("private-letters", ChannelKind::Private), ("presence-lobby", ChannelKind::Presence)];
    let expected = expected
        .map(|(channel, kind)| (ChannelName::from(channel), kind, client.id(), b"let me in".to_vec()));
    assert_eq!(*asked.lock().unwrap_or_else(PoisonError::into_inner), expected);
    world.end();
}

/// For that one subscribe.
pub fn credentials_for_a_channel_go_before_those_of_the_client<W: World>() {
    let (setup, asked) = witness();
    let world = W::open(setup);
    let client = world.connect("from the door").expect("the hub is open");
    assert_eq!(client.subscribe_with("private-1", "from the pocket"), Ok(()));
    assert_eq!(client.subscribe("private-2"), Ok(()));
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    let shown: Vec<&[u8]> = asked.iter().map(|(_, _, _, credentials)| &**credentials).collect();
    assert_eq!(shown, [&b"from the pocket"[..], b"from the door"]);
    world.end();
}

type Asked = Arc<Mutex<Vec<(ChannelName, ChannelKind, ClientId, Vec<u8>)>>>;

/// An authorizer that allows everything and remembers what it was asked.
fn witness() -> (Setup, Asked) {
    let asked = Asked::default();
    let remembered = Arc::clone(&asked);
    let setup = Setup::authorized_by(move |request| {
        let credentials = request.credentials.as_bytes().to_vec();
        remembered.lock().unwrap_or_else(PoisonError::into_inner).push((
            request.channel.clone(),
            request.kind,
            request.client,
            credentials,
        ));
        Decision::Allow { member: None }
    });
    (setup, asked)
}
