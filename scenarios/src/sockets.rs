use crate::world::{connect, subscribe};
use crate::{Client, Setup, SocketClient, SocketWorld, eventually};
use realtime_ws::OwnedMessage;

/// Text as text, binary as binary.
pub fn every_message_is_handed_to_the_application_in_order<W: SocketWorld>() {
    let world = W::open(Setup::default());
    let mut client = connect(&world);
    let said: Vec<OwnedMessage> =
        (0..100)
            .map(|n| {
                if n % 2 == 0 {
                    OwnedMessage::Text(format!("{n}"))
                } else {
                    OwnedMessage::Binary(vec![n; 300])
                }
            })
            .collect();
    for message in &said {
        client.say(message);
    }
    eventually("the last message", || world.heard().len() == said.len());
    assert_eq!(world.heard(), said);
    world.end();
}

/// Without a close frame.
pub fn the_end_of_the_stream_is_the_end_of_the_client<W: SocketWorld>() {
    let world = W::open(Setup::default());
    let mut client = subscribe(&world, "news");
    client.say(&OwnedMessage::from("I have to go"));
    client.cut();
    eventually("the client's end", || world.client_count() == 0 && world.ended() == 1);
    assert_eq!(world.channel_count(), 0);
    assert_eq!(world.heard(), [OwnedMessage::from("I have to go")]);
    world.end();
}

/// It is reset, so that reads and writes fail.
pub fn a_failing_socket_is_the_end_of_the_client<W: SocketWorld>() {
    let world = W::open(Setup::default());
    let (client, other) = (subscribe(&world, "news"), subscribe(&world, "news"));
    world.broadcast("news", "nobody reads this".into()).expect("the hub is open");
    client.cut();
    eventually("the client's end", || {
        world.broadcast("news", "nor that".into()).expect("the hub is open");
        world.client_count() == 1 && world.ended() == 1
    });
    assert_eq!(world.subscriber_count("news"), 1);
    drop(other);
    world.end();
}

/// Of the client's.
pub fn a_closing_handshake_is_the_end_of_the_client<W: SocketWorld>() {
    let world = W::open(Setup::default());
    subscribe(&world, "news").leave();
    eventually("the client's end", || world.client_count() == 0 && world.ended() == 1);
    assert_eq!(world.channel_count(), 0);
    world.end();
}
