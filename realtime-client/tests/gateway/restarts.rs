use crate::common::{Client, KEY, Running, app, hurried, sign_as};
use crate::presence::ids;
use realtime_client::{Config, Event, State};
use realtime_core::pusher::frames;
use realtime_std::WebSocket;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Any port of an address that no other test binds to, so that nobody takes the port once it is given up. Elsewhere than on
/// Linux there is but one such address.
fn own_address() -> SocketAddr {
    static LAST: AtomicU8 = AtomicU8::new(1);
    let host = if cfg!(target_os = "linux") { LAST.fetch_add(1, Ordering::Relaxed) + 1 } else { 1 };
    SocketAddr::from(([127, 0, 0, host], 0))
}

pub(crate) fn clients_come_back_after_a_restart_of_the_gateway<C: Client>() {
    let mut gateway = Running::at(own_address(), app());
    let (ada, bob) = (C::of(&gateway, "ada"), C::of(&gateway, "bob"));
    let rooms = [&ada, &bob].map(|client| {
        client.handle().sign_in();
        client.enter("news");
        client.enter("presence-room")
    });
    for _ in 0..3 {
        let (address, first) = (gateway.address, ada.handle().socket_id());
        drop(gateway);
        for client in [&ada, &bob] {
            client.wait_for_state(State::Connecting);
        }
        assert!(rooms.iter().all(|room| room.members().is_empty()));
        gateway = Running::at(address, app());
        for client in [&ada, &bob] {
            client.wait_for_state(State::Connected);
            wait_for_all(client);
        }
        // Whoever came first was told of the other.
        for (client, room) in [&ada, &bob].into_iter().zip(&rooms) {
            while ids(room).len() < 2 {
                client.wait_for(|event| matches!(event, Event::MemberJoined { .. }).then_some(()));
            }
            let mut ids = ids(room);
            ids.sort();
            assert_eq!(ids, ["ada", "bob"]);
        }
        assert_ne!(ada.handle().socket_id(), first);
        gateway.publish("news", "update", "1");
        ada.wait_for_message("news");
        bob.wait_for_message("news");
    }
}

/// Waits until the client is signed in and in both channels, whichever comes first.
fn wait_for_all<C: Client>(client: &C) {
    let mut missing = 3;
    client.wait_for(|event| {
        missing -= u8::from(matches!(event, Event::SignedIn { .. } | Event::Subscribed { .. }));
        (missing == 0).then_some(())
    });
}

pub(crate) fn a_client_waits_for_a_gateway_that_is_not_there_yet<C: Client>() {
    // A port at which nobody listens.
    let address = TcpListener::bind(own_address()).unwrap().local_addr().unwrap();
    let client = C::connect(&format!("ws://{address}"), KEY, hurried(), sign_as("ada")).unwrap();
    let channel = client.handle().channel("private-a");
    channel.subscribe().unwrap();
    for _ in 0..2 {
        client.wait_for(|event| matches!(event, Event::ConnectionLost { code: None, .. }).then_some(()));
    }
    let _gateway = Running::at(address, app());
    client.wait_for_entry("private-a");
}

pub(crate) fn a_server_that_stops_answering_is_left<C: Client>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let config = Config {
        activity_timeout: Duration::from_millis(20),
        pong_timeout: Duration::from_millis(20),
        ..hurried()
    };
    let client = C::connect(&url, KEY, config, None).unwrap();
    let greet = || {
        let mut socket = WebSocket::accept(listener.accept().unwrap().0, Default::default()).unwrap();
        socket.send(r#"{"event":"pusher:connection_established","data":{"socket_id":"1.2"}}"#).unwrap();
        socket
    };
    for _ in 0..2 {
        let mut socket = greet();
        client.wait_for_state(State::Connected);
        assert_eq!(socket.read().unwrap(), Some(frames::PING.into()));
        assert_eq!(socket.read().unwrap(), None);
        assert_eq!(socket.closure().unwrap().code.get(), 4201);
        client.wait_for_state(State::Connecting);
    }
}
