//! Two thousand clients of a gateway that goes, each of which connects to another one in the moment it is closed, as
//! pusher-js does on 4200.
//!
//! That the closes are spread is proved where their pace is computed; here it is measured, and printed:
//!
//! ```sh
//! cargo test --release -p realtime-server --test drain -- --nocapture
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_core::pusher::{App, Secret};
use realtime_server::{Drain, Gateway};
use realtime_smol::{Config, OwnedMessage, WebSocket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use smol::channel::{Receiver, bounded};
use smol::{Executor, Timer, future};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 2000;

/// Of each client three sockets and one more are open at a time, of both sides.
const FILES_FOR_EACH: usize = 4;

const DURATION: Duration = Duration::from_secs(3);

const WINDOW: Duration = Duration::from_millis(100);

/// How long all of it may take before the test gives it up.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn two_thousand_clients_move_to_another_gateway_and_none_is_refused() {
    let clients = CLIENTS.min((raise_file_limit() - 500) / FILES_FOR_EACH);
    let [going, staying] = [(); 2].map(|()| gateway());
    let [from, to] = [&going, &staying].map(|gateway| gateway.local_addr().unwrap());
    let (hub_left, hub_joined) = (going.hub().clone(), staying.hub().clone());
    let (leave, stay) = (going.stopper(), staying.stopper());
    let gone = thread::spawn(move || smol::block_on(going.serve()));
    let stayed = thread::spawn(move || smol::block_on(staying.serve()));

    let executor = Executor::new();
    let (over, is_over) = bounded::<()>(1);
    let moves = async {
        let clients: Vec<_> =
            (0..clients).map(|_| executor.spawn(client(from, to, is_over.clone()))).collect();
        while hub_left.client_count() < clients.len() {
            Timer::after(Duration::from_millis(5)).await;
        }
        let begin = Instant::now();
        leave.drain();
        while hub_joined.client_count() < clients.len() {
            Timer::after(Duration::from_millis(5)).await;
        }
        over.close();
        let mut moves = Vec::new();
        for client in clients {
            moves.push(client.await);
        }
        (begin, moves)
    };
    let too_late = async {
        Timer::after(PATIENCE).await;
        panic!("{} are left, {} have moved", hub_left.client_count(), hub_joined.client_count());
    };
    let (begin, moves) = smol::block_on(executor.run(future::or(moves, too_late)));
    gone.join().unwrap().unwrap();
    assert_eq!((moves.len(), hub_left.client_count()), (clients, 0));
    assert!(moves.iter().all(|moved| moved.code == 4200), "another code");

    println!("{clients} clients, closed over {DURATION:?}");
    for (what, when) in
        [("closed", (|moved| moved.closed) as fn(&Moved) -> Instant), ("greeted again", |moved| moved.back)]
    {
        let mut times: Vec<_> = moves.iter().map(|moved| when(moved) - begin).collect();
        times.sort_unstable();
        let most = most_within(WINDOW, &times);
        let share = 100.0 * most as f64 / clients as f64;
        let (first, last) = (times[0], times[times.len() - 1]);
        println!("{what}: from {first:?} to {last:?}; at most {most} ({share:.1} %) within {WINDOW:?}");
    }
    stay.stop();
    stayed.join().unwrap().unwrap();
}

/// One client's way from one gateway to the other.
struct Moved {
    code: u16,
    closed: Instant,
    back: Instant,
}

async fn client(from: SocketAddr, to: SocketAddr, is_over: Receiver<()>) -> Moved {
    let mut socket = greeted(from).await;
    while let Some(message) = socket.next().await {
        message.unwrap();
    }
    let (closed, code) = (Instant::now(), socket.closure().unwrap().code.get());
    let mut socket = greeted(to).await;
    let back = Instant::now();
    let lost = async {
        let lost = socket.next().await;
        panic!("after it was back: {lost:?}");
    };
    future::or(lost, async {
        let _ = is_over.recv().await;
    })
    .await;
    Moved { code, closed, back }
}

async fn greeted(address: SocketAddr) -> WebSocket {
    let uri = format!("ws://{address}/app/key?protocol=7");
    let mut socket = WebSocket::connect(&uri, Config::default()).await.expect("not refused");
    let Some(Ok(OwnedMessage::Text(greeting))) = socket.next().await else { panic!("no greeting") };
    assert!(greeting.contains("pusher:connection_established"), "{greeting}");
    socket
}

fn gateway() -> Gateway {
    let app = App { id: "id".into(), key: "key".into(), secret: Secret::new("secret") };
    let drain = Drain { duration: DURATION, ..Drain::default() };
    Gateway::builder(app).drain(drain).threads(NonZeroUsize::new(2).unwrap()).bind("127.0.0.1:0").unwrap()
}

/// The most of `times`, which ascend, in any stretch as long as `window`.
fn most_within(window: Duration, times: &[Duration]) -> usize {
    let within = |first: usize| times[first..].partition_point(|time| *time < times[first] + window);
    (0..times.len()).map(within).max().unwrap_or(0)
}

/// How many files the process may open from now on.
fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    limit.maximum.map_or(usize::MAX, |maximum| usize::try_from(maximum).unwrap())
}
