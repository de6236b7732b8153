//! What is left after a server has stopped; alone in its process, so that all there is can be counted.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_scenarios::{Peer as Socket, eventually};
use realtime_std::{Config, Credentials, Hub, Message, Peer, Server};
use std::time::Duration;
use std::{fs, thread};

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn no_thread_or_socket_is_left_of_a_server() {
    let hub = Hub::new();
    let (threads, files) = (entries("/proc/self/task"), entries("/proc/self/fd"));
    for _ in 0..2 {
        let config = Config { close_timeout: Duration::from_millis(100), ..Config::default() };
        let server = Server::builder().config(config).hub(&hub).bind("127.0.0.1:0").unwrap();
        let (address, stopper) = (server.local_addr().unwrap(), server.stopper());
        let serving = thread::spawn(move || {
            server.serve(|peer: &mut Peer<'_>, _: Message<'_>| {
                peer.connect(Credentials::NONE).unwrap().subscribe("presence-none").unwrap_err();
                peer.client().unwrap().subscribe("news").unwrap();
            })
        });
        let mut clients: Vec<Socket> = (0..50).map(|_| Socket::connect(address, &[]).unwrap()).collect();
        for client in &mut clients {
            client.say("join").unwrap();
            client.wait_for_pong().unwrap();
        }
        assert_eq!((hub.client_count(), entries("/proc/self/task")), (50, threads + 52));
        hub.broadcast("news", "unread").unwrap();
        let half = clients.split_off(25);
        for client in half {
            client.leave().unwrap();
        }
        eventually("the leaving of half of them", || hub.client_count() == 25);
        stopper.stop();
        serving.join().unwrap().unwrap();
        drop((clients, stopper));
        assert_eq!((hub.client_count(), hub.channel_count()), (0, 0));
        eventually("the end of all threads", || entries("/proc/self/task") == threads);
        eventually("the end of all sockets", || entries("/proc/self/fd") == files);
    }
}
