use crate::poller::Poller;
use crate::socket::{Frames, Socket};
use crate::{Failure, Load, Measured, PATIENCE, Stopwatch, frames, handshake};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

const READ_BYTES: usize = 256 * 1024;

/// One publisher keeps so many messages in flight to a room; a message is in flight until every subscriber has it.
pub(crate) fn run(load: &Load) -> Result<Measured, Failure> {
    let text = frames::text(load.bytes);
    let say = frames::masked(&[b"say all ", &text[..]].concat());
    let frames = Frames::new(&say, load.in_flight, &text);
    let mut poller = Poller::new()?;
    let mut sockets = Vec::with_capacity(load.connections + 1);
    for key in 0..load.connections {
        let stream = handshake::connect(load.address)?;
        join(&stream, key)?;
        sockets.push(Socket::new(stream, key, &poller)?);
    }
    let publisher = load.connections;
    sockets.push(Socket::new(handshake::connect(load.address)?, publisher, &poller)?);

    let mut stopwatch = Stopwatch::start(load);
    let mut in_flight =
        VecDeque::from(vec![InFlight { since: Instant::now(), delivered: 0 }; load.in_flight]);
    // How many messages each subscriber has got, and how many all have got.
    let (mut got, mut got_by_all) = (vec![0_usize; load.connections], 0);
    sockets[publisher].send(load.in_flight, &frames, &poller)?;
    let (mut buffer, mut ready) = (vec![0; READ_BYTES], Vec::new());
    loop {
        poller.wait(PATIENCE, &mut ready)?;
        if ready.is_empty() {
            return Err("deliveries are missing".into());
        }
        let mut done = 0;
        for &key in &ready {
            let deliveries = sockets[key].receive(&mut buffer, &frames)?;
            if key == publisher {
                continue;
            }
            for message in got[key]..got[key] + deliveries {
                let message = in_flight.get_mut(message - got_by_all).ok_or("a message came twice")?;
                message.delivered += 1;
            }
            got[key] += deliveries;
            done += deliveries as u64;
        }
        let now = Instant::now();
        let mut completed = 0;
        while let Some(message) = in_flight.pop_front_if(|message| message.delivered == load.connections) {
            stopwatch.latency.record(now.duration_since(message.since).as_nanos() as u64, 1);
            completed += 1;
        }
        got_by_all += completed;
        in_flight.extend(std::iter::repeat_n(InFlight { since: now, delivered: 0 }, completed));
        if completed > 0 || sockets[publisher].has_unsent() {
            sockets[publisher].send(completed, &frames, &poller)?;
        }
        if !stopwatch.goes_on(now, done)? {
            return stopwatch.stop();
        }
    }
}

#[derive(Clone)]
struct InFlight {
    since: Instant,
    delivered: usize,
}

/// Joins the room of all, and waits until that is done: a room of its own tells, since commands are obeyed in order.
fn join(mut stream: &TcpStream, key: usize) -> Result<(), Failure> {
    let commands = ["join all".into(), format!("join own-{key}"), format!("say own-{key} joined")];
    let frames: Vec<u8> = commands.iter().flat_map(|command| frames::masked(command.as_bytes())).collect();
    stream.write_all(&frames)?;
    let (expected, _) = frames::unmasked(b"joined");
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer)?;
    if answer == expected { Ok(()) } else { Err(format!("an unexpected answer: {answer:?}").into()) }
}
