//! One server whose connections are clients of different hubs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{CLOSE, Client, PATIENCE, Serving, close, patient, serve, telling, text, until, upgrade};
use realtime_smol::{
    Answer, ClientId, CloseCode, Closure, Handler, Hub, HubError, Message, Notice, OutboxLimits, Peer,
    PreparedMessage, SlowConsumer, Upgrade,
};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, Weak};

/// Connects whoever comes to the hub that the header `X-Hub` has the number of, and subscribes it to `room` there.
struct Houses {
    hubs: Arc<Mutex<Vec<Option<Hub>>>>,
    opened: Mutex<Sender<Result<ClientId, HubError>>>,
    closed: Mutex<Sender<Option<ClientId>>>,
}

struct Happenings {
    opened: Receiver<Result<ClientId, HubError>>,
    closed: Receiver<Option<ClientId>>,
}

impl Houses {
    fn new(hubs: impl IntoIterator<Item = Hub>) -> (Self, Happenings) {
        let hubs = Arc::new(Mutex::new(hubs.into_iter().map(Some).collect()));
        let ((opened, told_open), (closed, told_closed)) = (channel(), channel());
        let houses = Self { hubs, opened: Mutex::new(opened), closed: Mutex::new(closed) };
        (houses, Happenings { opened: told_open, closed: told_closed })
    }
}

impl Handler for Houses {
    type State = usize;

    fn on_request(&self, request: &Upgrade<'_>, _: SocketAddr) -> Answer<usize> {
        let wanted = std::str::from_utf8(request.header("x-hub").unwrap()).unwrap();
        Answer::accept(wanted.parse().unwrap())
    }

    fn on_open(&self, peer: &mut Peer<'_>, number: &mut usize) {
        let hub = self.hubs.lock().unwrap()[*number].clone().unwrap();
        let connected = peer.connect_to(&hub, "").cloned();
        if let Ok(client) = &connected {
            drop(client.subscribe("room"));
        }
        self.opened.lock().unwrap().send(connected.map(|client| client.id())).unwrap();
    }

    fn on_message(&self, peer: &mut Peer<'_>, _: &mut usize, message: Message<'_>) {
        let _ = peer.send(message);
    }

    fn on_close(&self, client: Option<ClientId>, _: usize, _: &Closure) {
        let _ = self.closed.lock().unwrap().send(client);
    }
}

fn open(serving: &Serving, number: usize) -> Client {
    let mut client = Client::connect(serving.address);
    client.write(&upgrade(&format!("X-Hub: {number}\r\n")));
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    client
}

fn open_all<const N: usize>(serving: &Serving, numbers: [usize; N], happenings: &Happenings) -> [Client; N] {
    numbers.map(|number| {
        let client = open(serving, number);
        happenings.opened();
        client
    })
}

impl Happenings {
    fn opened(&self) -> ClientId {
        self.opened.recv_timeout(PATIENCE).unwrap().unwrap()
    }

    fn closed(&self) -> Option<ClientId> {
        self.closed.recv_timeout(PATIENCE).unwrap()
    }
}

fn drivers() -> [NonZeroUsize; 2] {
    [1, 2].map(|drivers| NonZeroUsize::new(drivers).unwrap())
}

#[test]
fn clients_of_equal_ids_in_channels_of_equal_names_hear_only_their_own_hub() {
    for threads in drivers() {
        let hubs = [Hub::new(), Hub::new(), Hub::new()];
        let (houses, happenings) = Houses::new(hubs.clone());
        let serving = serve(patient().threads(threads).hub(&hubs[0]), houses);
        let mut clients: Vec<_> = (0..9)
            .map(|n| {
                let client = open(&serving, n % 3);
                (n % 3, happenings.opened(), client)
            })
            .collect();
        for trio in clients.chunks(3) {
            assert!(trio.iter().all(|(_, id, _)| *id == trio[0].1), "their ids collide");
        }
        for (number, hub) in hubs.iter().enumerate() {
            hub.broadcast("room", &*format!("to all of {number}")).unwrap();
        }
        for (number, id, _) in &clients {
            hubs[*number].send(*id, &*format!("to {id} of {number}")).unwrap();
        }
        hubs[1].disconnect(clients[1].1, CloseCode::NORMAL, "out of one").unwrap();
        for (number, id, client) in &mut clients {
            assert_eq!(client.frame(), text(&format!("to all of {number}")));
            assert_eq!(client.frame(), text(&format!("to {id} of {number}")));
            client.say("still there?");
        }
        for (index, (_, _, client)) in clients.iter_mut().enumerate() {
            let expected = if index == 1 { close(1000, "out of one") } else { text("still there?") };
            assert_eq!(client.frame(), expected);
        }
        assert_eq!(hubs.each_ref().map(|hub| hub.client_count()), [3, 2, 3]);
    }
}

#[test]
fn a_hub_that_closes_takes_only_its_own_clients_along() {
    for threads in drivers() {
        let hubs = [Hub::new(), Hub::new()];
        let (houses, happenings) = Houses::new(hubs.clone());
        let serving = serve(patient().threads(threads), houses);
        let mut clients = open_all(&serving, [0, 1, 0, 1], &happenings);
        hubs[1].close();
        for client in [1, 3] {
            assert_eq!(clients[client].frame(), close(1001, "the server is closing"));
            clients[client].send(CLOSE, &1001_u16.to_be_bytes());
            clients[client].assert_ended();
        }
        hubs[0].broadcast("room", "we live").unwrap();
        for client in [0, 2] {
            assert_eq!(clients[client].frame(), text("we live"));
        }
        let _late = open(&serving, 1);
        assert_eq!(happenings.opened.recv_timeout(PATIENCE).unwrap(), Err(HubError::Closed));
    }
}

#[test]
fn a_server_that_stops_closes_the_clients_of_all_hubs() {
    let hubs = [Hub::new(), Hub::new()];
    let (houses, happenings) = Houses::new(hubs.clone());
    let serving = serve(patient().hub(&hubs[0]), houses);
    let clients = open_all(&serving, [0, 1, 0, 1], &happenings);
    serving.stopper.stop();
    for mut client in clients {
        assert_eq!(client.frame(), close(1001, "the server is stopping"));
        client.send(CLOSE, &1001_u16.to_be_bytes());
        client.assert_ended();
    }
    serving.assert_ends();
    assert_eq!(hubs.map(|hub| hub.client_count()), [0, 0]);
}

/// A hub, and what lives as long as it does.
fn mortal() -> (Hub, Weak<()>) {
    let life = Arc::new(());
    let end = Arc::downgrade(&life);
    let hub = Hub::builder().on_notice(move |_| assert_eq!(Arc::strong_count(&life), 1)).build();
    (hub, end)
}

#[test]
fn drivers_let_go_of_a_hub_whose_last_client_has_left() {
    for threads in drivers() {
        let (houses, happenings) = Houses::new([]);
        let hubs = Arc::clone(&houses.hubs);
        let serving = serve(patient().threads(threads), houses);
        for round in 0..20 {
            let (hub, end) = mortal();
            hubs.lock().unwrap().push(Some(hub));
            let clients = open_all(&serving, [round; 2], &happenings);
            let hub = hubs.lock().unwrap()[round].take().unwrap();
            for client in clients {
                hub.broadcast("room", "may arrive or not").unwrap();
                client.end_writing();
                happenings.closed();
            }
            assert_eq!(hub.client_count(), 0);
            drop(hub);
            until("nobody has the hub", || end.upgrade().is_none());
        }
    }
}

#[test]
fn a_client_that_is_too_slow_is_judged_by_its_own_hub() {
    let limits =
        OutboxLimits { max_messages: 2, policy: SlowConsumer::Disconnect, ..OutboxLimits::default() };
    let (strict, notices) = telling(Hub::builder().outbox(limits));
    let (lenient, others) = telling(Hub::builder());
    let (houses, happenings) = Houses::new([strict.clone()]);
    let serving = serve(patient().hub(&lenient), houses);
    let mut client = open(&serving, 0);
    let id = happenings.opened();
    let message = PreparedMessage::new(&"x".repeat(100_000));
    until("it is too slow", || {
        let _ = strict.broadcast("room", message.clone());
        notices.all().contains(&Notice::TooSlow { client: id })
    });
    // It is told of before it goes.
    until("it is gone", || strict.client_count() == 0);
    assert!(others.all().is_empty(), "{:?}", others.all());
    client.end_writing();
    client.read_to_its_end();
    assert_eq!(happenings.closed(), Some(id));
    let lost = |notice: &Notice| matches!(notice, Notice::Undelivered { .. });
    until("its losses are told", || notices.all().iter().any(lost));
}

#[test]
fn a_connection_is_a_client_of_the_first_hub_that_it_is_connected_to() {
    let [first, second] = [Hub::new(), Hub::new()];
    let (told, ids) = channel();
    let told = Mutex::new(told);
    let (house, other) = (first.clone(), second.clone());
    let serving = serve(patient(), move |peer: &mut Peer<'_>, _: Message<'_>| {
        let first = peer.connect_to(&house, "").unwrap().clone();
        let second = peer.connect_to(&other, "").unwrap().id();
        let third = peer.connect("").unwrap().id();
        told.lock().unwrap().send([first.id(), second, third]).unwrap();
        first.send("from the first").unwrap();
    });
    let mut client = serving.open();
    client.say("connect me");
    let ids = ids.recv_timeout(PATIENCE).unwrap();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!((first.client_count(), second.client_count()), (1, 0));
    assert_eq!(client.frame(), text("from the first"));
}
