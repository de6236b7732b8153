use crate::world::{assert_receives_nothing, connect, subscribe, text};
use crate::{Client, Received, Setup, World};
use realtime_core::HubError;
use realtime_ws::OwnedMessage;

/// Every subscriber gets what is broadcast, in order, and nobody else.
pub fn text_reaches_every_subscriber<W: World>() {
    let world = W::open(Setup::default());
    let (mut ada, mut bob) = (subscribe(&world, "news"), subscribe(&world, "news"));
    let mut outsider = connect(&world);
    for message in ["one", "two", "three"] {
        world.broadcast("news", message.into()).expect("the hub is open");
    }
    for client in [&mut ada, &mut bob] {
        for message in ["one", "two", "three"] {
            assert_eq!(client.receive(), text(message));
        }
    }
    assert_receives_nothing(&world, &mut outsider);
    world.end();
}

/// As single messages would, though what comes at once for so many goes out as one.
pub fn a_burst_reaches_each_of_many_subscribers_in_order<W: World>() {
    let world = W::open(Setup::default());
    let mut clients: Vec<_> = (0..20).map(|_| subscribe(&world, "news")).collect();
    let messages: Vec<_> = (0..50).map(|number| format!("{number}{}", ".".repeat(number * 50))).collect();
    for message in &messages {
        world.broadcast("news", (&**message).into()).expect("the hub is open");
    }
    for client in &mut clients {
        for message in &messages {
            assert_eq!(client.receive(), text(message));
        }
        assert_receives_nothing(&world, client);
    }
    world.end();
}

/// Binary arrives as binary, whatever the bytes.
pub fn binary_reaches_every_subscriber<W: World>() {
    let world = W::open(Setup::default());
    let (mut ada, mut bob) = (subscribe(&world, "news"), subscribe(&world, "news"));
    let bytes = vec![0, 0xFF, 0xC0, 0x80];
    world.broadcast("news", (&bytes).into()).expect("the hub is open");
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.receive(), Received::Message(OwnedMessage::Binary(bytes.clone())));
    }
    world.end();
}

/// It reaches nobody, and opens no channel.
pub fn a_broadcast_to_an_unknown_channel_is_no_error<W: World>() {
    let world = W::open(Setup::default());
    let mut client = subscribe(&world, "news");
    assert_eq!(world.broadcast("elsewhere", "hello?".into()), Ok(()));
    assert_receives_nothing(&world, &mut client);
    assert_eq!(world.channel_count(), 1);
    world.end();
}

/// As for a message that its sender need not get back.
pub fn a_broadcast_except_leaves_one_out<W: World>() {
    let world = W::open(Setup::default());
    let (mut ada, mut bob) = (subscribe(&world, "news"), subscribe(&world, "news"));
    world.broadcast_except("news", "from ada".into(), ada.id()).expect("the hub is open");
    assert_eq!(bob.receive(), text("from ada"));
    assert_receives_nothing(&world, &mut ada);
    world.end();
}

/// Whether it is subscribed to anything or not.
pub fn a_message_for_one_client_reaches_only_that<W: World>() {
    let world = W::open(Setup::default());
    let (mut ada, mut bob) = (connect(&world), connect(&world));
    assert_eq!(world.send(ada.id(), "for ada".into()), Ok(()));
    assert_eq!(ada.receive(), text("for ada"));
    assert_receives_nothing(&world, &mut bob);
    world.end();
}

/// The id of a client that is gone finds nobody, also when another has its place.
pub fn an_unknown_client_cannot_be_sent_to<W: World>() {
    let world = W::open(Setup::default());
    let client = connect(&world);
    let id = client.id();
    client.leave();
    crate::eventually("the client's leaving", || world.client_count() == 0);
    assert_eq!(world.send(id, "hello?".into()), Err(HubError::UnknownClient));
    let mut successor = connect(&world);
    assert_eq!(world.send(id, "hello?".into()), Err(HubError::UnknownClient));
    assert_receives_nothing(&world, &mut successor);
    world.end();
}

/// A message arrives once, and one unsubscribe is enough; to repeat that is no error either.
pub fn subscribing_twice_is_subscribing_once<W: World>() {
    let world = W::open(Setup::default());
    let mut client = subscribe(&world, "news");
    assert_eq!(client.subscribe("news"), Ok(()));
    assert_eq!(world.subscriber_count("news"), 1);
    world.broadcast("news", "once".into()).expect("the hub is open");
    assert_eq!(client.receive(), text("once"));
    assert_eq!(client.unsubscribe("news"), Ok(()));
    assert_eq!(client.unsubscribe("news"), Ok(()));
    assert_eq!(world.subscriber_count("news"), 0);
    assert_receives_nothing(&world, &mut client);
    world.end();
}

/// Clients, channels and subscribers; an empty channel vanishes.
pub fn counts_follow_what_clients_do<W: World>() {
    let world = W::open(Setup::default());
    assert_eq!((world.client_count(), world.channel_count()), (0, 0));
    let (ada, bob) = (subscribe(&world, "news"), subscribe(&world, "news"));
    ada.subscribe("weather").expect("a public channel is open");
    assert_eq!((world.client_count(), world.channel_count()), (2, 2));
    assert_eq!((world.subscriber_count("news"), world.subscriber_count("weather")), (2, 1));
    assert_eq!(world.subscriber_count("sports"), 0);
    ada.unsubscribe("weather").expect("the client is connected");
    assert_eq!((world.client_count(), world.channel_count()), (2, 1));
    bob.leave();
    crate::eventually("the client's leaving", || world.client_count() == 1);
    assert_eq!((world.channel_count(), world.subscriber_count("news")), (1, 1));
    world.end();
}
