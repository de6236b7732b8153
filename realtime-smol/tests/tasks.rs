//! Connections that are each a task: messages in order, however slowly they are taken, and how either side
//! ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{CLOSE, close, masked, patient, serve, text, until};
use realtime_smol::{
    Answer, ClientId, CloseCode, Closure, Conversation, Handler, Hub, Message, OwnedMessage, Peer, Tasks,
    Upgrade,
};
use smol::channel;
use smol::stream::StreamExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Connects whoever comes to a hub that is not the server's, before its task begins.
struct Elsewhere<H> {
    hub: Hub,
    tasks: H,
}

impl<H: Handler> Handler for Elsewhere<H> {
    type State = H::State;

    fn on_request(&self, request: &Upgrade<'_>, address: SocketAddr) -> Answer<H::State> {
        self.tasks.on_request(request, address)
    }

    fn on_open(&self, peer: &mut Peer<'_>, state: &mut H::State) {
        peer.connect_to(&self.hub, "").unwrap();
        self.tasks.on_open(peer, state);
    }

    fn on_message(&self, peer: &mut Peer<'_>, state: &mut H::State, message: Message<'_>) {
        self.tasks.on_message(peer, state, message);
    }

    fn on_close(&self, client: Option<ClientId>, state: H::State, closure: &Closure) {
        self.tasks.on_close(client, state, closure);
    }
}

async fn echo(mut conversation: Conversation) {
    while let Some(OwnedMessage::Text(message)) = conversation.next().await {
        conversation.send(&message).unwrap();
    }
}

#[test]
fn a_task_answers_its_connection() {
    let serving = serve(patient(), Tasks::new(echo));
    let (mut one, mut other) = (serving.open(), serving.open());
    one.say("1");
    other.say("2");
    assert_eq!(one.frame(), text("1"));
    assert_eq!(other.frame(), text("2"));
    one.leave();
    other.leave();
}

#[test]
fn a_conversation_ends_with_its_connection() {
    let hub = Hub::new();
    let ended = Arc::new(AtomicUsize::new(0));
    let count = ended.clone();
    let serving = serve(
        patient().hub(&hub),
        Tasks::new(move |mut conversation: Conversation| {
            let count = count.clone();
            async move {
                while StreamExt::next(&mut conversation).await.is_some() {}
                count.fetch_add(1, Ordering::SeqCst);
            }
        }),
    );
    serving.open().leave();
    serving.open().reset();
    until("both tasks have ended", || ended.load(Ordering::SeqCst) == 2);
    assert_eq!(hub.client_count(), 0);
}

#[test]
fn the_end_of_a_task_closes_its_connection() {
    let serving = serve(
        patient(),
        Tasks::new(|mut conversation: Conversation| async move {
            conversation.next().await;
            conversation.send("good bye").unwrap();
        }),
    );
    let mut client = serving.open();
    client.say("hello");
    assert_eq!(client.frame(), text("good bye"));
    assert_eq!(client.frame(), close(1000, ""));
    client.send(CLOSE, &1000_u16.to_be_bytes());
    client.assert_ended();
}

#[test]
fn a_panic_in_a_task_closes_its_connection() {
    let hub = Hub::new();
    let serving = serve(
        patient().hub(&hub),
        Tasks::new(|mut conversation: Conversation| async move {
            if conversation.next().await == Some(OwnedMessage::from("panic")) {
                panic!("as the test wants");
            }
            echo(conversation).await;
        }),
    );
    let (mut lucky, mut unlucky) = (serving.open(), serving.open());
    unlucky.say("panic");
    assert_eq!(unlucky.frame(), close(1011, "the application failed"));
    unlucky.send(CLOSE, &1011_u16.to_be_bytes());
    unlucky.assert_ended();
    lucky.say("go on");
    lucky.say("alive");
    assert_eq!(lucky.frame(), text("alive"));
    assert_eq!(hub.client_count(), 1);
}

#[test]
fn a_connection_whose_task_is_slow_is_paused_and_loses_nothing() {
    const MESSAGES: usize = 20_000;
    let (permit, permits) = channel::unbounded::<()>();
    let (taken, takes) = channel::unbounded();
    let serving = serve(
        patient(),
        Tasks::new(move |mut conversation: Conversation| {
            let (permits, taken) = (permits.clone(), taken.clone());
            async move {
                permits.recv().await.unwrap();
                let mut number = 0;
                while let Some(OwnedMessage::Text(message)) = conversation.next().await {
                    taken.send(message).await.unwrap();
                    number += 1;
                    // In fits and starts, so that it is paused and resumed often.
                    if number % 7 == 0 {
                        smol::future::yield_now().await;
                    }
                }
            }
        }),
    );
    let mut client = serving.open();
    let mut writing = client.stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            let frame = masked(common::TEXT, format!("{number} {}", "x".repeat(1000)).as_bytes());
            std::io::Write::write_all(&mut writing, &frame).unwrap();
        }
    });
    permit.send_blocking(()).unwrap();
    for number in 0..MESSAGES {
        let message = smol::block_on(takes.recv()).unwrap();
        assert_eq!(message.split(' ').next(), Some(&*number.to_string()));
    }
    writer.join().unwrap();
    client.send(CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(client.frame(), close(1000, ""));
}

#[test]
fn a_paused_connection_that_is_a_client_of_another_hub_is_read_again() {
    const MESSAGES: usize = 100;
    let (permit, permits) = channel::unbounded::<()>();
    let tasks = Tasks::new(move |conversation: Conversation| {
        let permits = permits.clone();
        async move {
            permits.recv().await.unwrap();
            echo(conversation).await;
        }
    });
    let serving = serve(patient(), Elsewhere { hub: Hub::new(), tasks });
    let mut client = serving.open();
    for number in 0..MESSAGES {
        client.say(&number.to_string());
    }
    permit.send_blocking(()).unwrap();
    for number in 0..MESSAGES {
        assert_eq!(client.frame(), text(&number.to_string()));
    }
    client.leave();
}

#[test]
fn a_task_that_ends_while_messages_wait_still_closes_the_proper_way() {
    // Nothing here ends by a timeout: those are for ever.
    let (permit, permits) = channel::unbounded::<()>();
    let serving = serve(
        patient(),
        Tasks::new(move |conversation: Conversation| {
            let permits = permits.clone();
            async move {
                permits.recv().await.unwrap();
                drop(conversation);
            }
        }),
    );
    let mut client = serving.open();
    for number in 0..1000 {
        client.say(&number.to_string());
    }
    permit.send_blocking(()).unwrap();
    assert_eq!(client.frame(), close(1000, ""));
    client.send(CLOSE, &1000_u16.to_be_bytes());
    client.assert_ended();
}

#[test]
fn a_paused_connection_can_be_disconnected() {
    let hub = Hub::new();
    let (begun, begins) = channel::unbounded();
    let serving = serve(
        patient().hub(&hub),
        Tasks::new(move |conversation: Conversation| {
            let begun = begun.clone();
            async move {
                begun.send(conversation.client().clone()).await.unwrap();
                smol::future::pending::<()>().await;
                drop(conversation);
            }
        }),
    );
    let mut client = serving.open();
    let handle = smol::block_on(begins.recv()).unwrap();
    for number in 0..1000 {
        client.say(&number.to_string());
    }
    handle.disconnect(CloseCode::POLICY_VIOLATION, "enough").unwrap();
    assert_eq!(client.frame(), close(1008, "enough"));
    client.send(CLOSE, &1008_u16.to_be_bytes());
    client.assert_ended();
    assert_eq!(hub.client_count(), 0);
}

#[test]
fn next_may_be_cancelled_without_losing_a_message() {
    let serving = serve(
        patient(),
        Tasks::new(|mut conversation: Conversation| async move {
            loop {
                let cancelled = smol::future::or(async { Some(conversation.next().await) }, async {
                    smol::future::yield_now().await;
                    None
                });
                match cancelled.await {
                    None => {}
                    Some(None) => return,
                    Some(Some(OwnedMessage::Text(message))) => conversation.send(&message).unwrap(),
                    Some(Some(OwnedMessage::Binary(_))) => panic!("nothing binary is sent"),
                }
            }
        }),
    );
    let mut client = serving.open();
    for number in 0..200 {
        client.say(&number.to_string());
        assert_eq!(client.frame(), text(&number.to_string()));
    }
}

#[test]
fn a_closed_hub_takes_no_conversation() {
    let hub = Hub::new();
    hub.close();
    let serving = serve(patient().hub(&hub), Tasks::new(echo));
    let mut client = serving.open();
    assert_eq!(client.frame(), close(1013, "the hub is closed"));
    client.send(CLOSE, &1013_u16.to_be_bytes());
    client.assert_ended();
}
