//! Many clients in one room of a server that speaks the `rooms` examples' commands.

use crate::peer::Peer;
use realtime_ws::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const ROOM: &str = "hall";
const THREADS: usize = 4;

/// How many messages are on their way at a time: fewer than an outbox holds, so that none is lost, however slowly this machine
/// reads.
const ROUND: usize = 48;

/// How many of the clients talk at the same time.
const TALKERS: usize = 8;

/// How long a round may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the check has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many clients received every message, all in the same order.
    pub clients: usize,
    /// How many messages that were.
    pub messages: usize,
    /// How long it took once all had joined.
    pub elapsed: Duration,
}

/// Has `clients` clients join one room of the server at `address`, several of them say `messages` messages at the same time,
/// and all receive them.
///
/// # Errors
/// What went wrong: a message was lost, or clients saw different orders.
pub fn check(address: SocketAddr, clients: usize, messages: usize) -> Result<Report, String> {
    let start_line = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        let listening: Vec<_> = (0..THREADS)
            .map(|thread| {
                let count = (clients + thread) / THREADS;
                let start_line = &start_line;
                scope.spawn(move || {
                    let guests = Guest::join_all(address, count);
                    start_line.wait();
                    listen(guests, messages, start_line)
                })
            })
            .collect();
        let talkers = Guest::join_all(address, TALKERS);
        start_line.wait();
        let start = Instant::now();
        let talked = talk(talkers, messages, &start_line);
        let elapsed = start.elapsed();
        let heard: Vec<_> = listening
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".into())))
            .collect::<Result<_, _>>()?;
        talked?;
        let orders: Vec<Vec<u32>> = heard.into_iter().flatten().collect();
        let first = orders.first().ok_or("no clients")?;
        if let Some(position) = orders.iter().position(|order| order != first) {
            return Err(format!("client {position} saw another order than client 0"));
        }
        let mut distinct = first.clone();
        distinct.sort_unstable();
        if !distinct.iter().copied().eq(0..messages as u32) {
            return Err("the messages received are not those that were said".into());
        }
        Ok(Report { clients: orders.len(), messages, elapsed })
    })
}

/// Says all messages in rounds, each by several talkers at once. Whatever fails, the others are not kept waiting.
fn talk(
    mut talkers: Result<Vec<Guest>, String>,
    messages: usize,
    round_over: &Barrier,
) -> Result<(), String> {
    for round in rounds(messages) {
        talkers = talkers.and_then(|mut talkers| {
            for message in round {
                talkers[message % TALKERS].peer.say(&format!("say {ROOM} {message}")).map_err(in_words)?;
            }
            Ok(talkers)
        });
        round_over.wait();
    }
    talkers.map(drop)
}

/// Receives all messages; returns their order, as each of `guests` saw it. Whatever fails, the others are not kept waiting.
fn listen(
    mut guests: Result<Vec<Guest>, String>,
    messages: usize,
    round_over: &Barrier,
) -> Result<Vec<Vec<u32>>, String> {
    for round in rounds(messages) {
        guests = guests.and_then(|mut guests| {
            listen_until(&mut guests, round.end)?;
            Ok(guests)
        });
        round_over.wait();
    }
    guests.map(|guests| guests.into_iter().map(|guest| guest.heard).collect())
}

fn rounds(messages: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..messages).step_by(ROUND).map(move |start| start..messages.min(start + ROUND))
}

fn listen_until(guests: &mut [Guest], count: usize) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let mut waiting: Vec<&mut Guest> =
            guests.iter_mut().filter(|guest| guest.heard.len() < count).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        if start.elapsed() > DEADLINE {
            return Err(format!("{} clients miss messages", waiting.len()));
        }
        let mut fds: Vec<PollFd<'_>> =
            waiting.iter().map(|guest| PollFd::new(guest.peer.stream(), PollFlags::IN)).collect();
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        poll(&mut fds, Some(&second)).map_err(|error| error.to_string())?;
        let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (guest, is_ready) in waiting.iter_mut().zip(is_ready) {
            if is_ready {
                guest.receive()?;
            }
        }
    }
}

/// A client in the room.
struct Guest {
    peer: Peer,
    /// The numbers of the messages received, in order.
    heard: Vec<u32>,
}

impl Guest {
    fn join_all(address: SocketAddr, count: usize) -> Result<Vec<Self>, String> {
        (0..count).map(|_| Self::join(address).map_err(in_words)).collect()
    }

    fn join(address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let mut peer = Peer::connect(address, &[])?;
        peer.say(&format!("join {ROOM}"))?;
        // What one client says is done in order, so that it has joined when this is answered.
        peer.wait_for_pong()?;
        Ok(Self { peer, heard: Vec::new() })
    }

    /// Looks at what is there.
    fn receive(&mut self) -> Result<(), String> {
        let mut unexpected = None;
        let heard = &mut self.heard;
        let received = self.peer.receive_all(|event| match event {
            Event::Text(text) => match text.parse() {
                Ok(number) => heard.push(number),
                Err(_) => unexpected = Some(format!("received {text:?}")),
            },
            Event::Binary(_) | Event::Piece(_) | Event::Ping(_) | Event::Pong(_) | Event::Closing { .. } => {}
        });
        received.map_err(in_words)?;
        unexpected.map_or(Ok(()), Err)
    }
}

fn in_words(error: Box<dyn Error>) -> String {
    error.to_string()
}
