use crate::poller::Poller;
use crate::socket::{Frames, Socket};
use crate::{Failure, Load, Measured, PATIENCE, Stopwatch, frames, handshake};
use std::collections::VecDeque;
use std::time::Instant;

const READ_BYTES: usize = 256 * 1024;

/// Each connection keeps so many messages in flight: what comes back is sent again at once, in one write.
pub(crate) fn run(load: &Load) -> Result<Measured, Failure> {
    let text = frames::text(load.bytes);
    let frames = Frames::new(&frames::masked(&text), load.in_flight, &text);
    let mut poller = Poller::new()?;
    let mut sockets = Vec::with_capacity(load.connections);
    for key in 0..load.connections {
        sockets.push(Socket::new(handshake::connect(load.address)?, key, &poller)?);
    }

    let mut stopwatch = Stopwatch::start(load);
    // When the messages in flight were sent, and how many at a time.
    let mut sent_at: Vec<VecDeque<(Instant, usize)>> = Vec::new();
    for socket in &mut sockets {
        sent_at.push(VecDeque::from([(Instant::now(), load.in_flight)]));
        socket.send(load.in_flight, &frames, &poller)?;
    }
    let (mut buffer, mut ready) = (vec![0; READ_BYTES], Vec::new());
    loop {
        poller.wait(PATIENCE, &mut ready)?;
        if ready.is_empty() {
            return Err("the server answers no more".into());
        }
        let mut done = 0;
        let mut now = Instant::now();
        for &key in &ready {
            let socket = &mut sockets[key];
            let completed = socket.receive(&mut buffer, &frames)?;
            if completed > 0 {
                now = Instant::now();
                record(&mut stopwatch, &mut sent_at[key], completed, now);
                sent_at[key].push_back((now, completed));
                done += completed as u64;
            }
            if completed > 0 || socket.has_unsent() {
                socket.send(completed, &frames, &poller)?;
            }
        }
        if !stopwatch.goes_on(now, done)? {
            return stopwatch.stop();
        }
    }
}

fn record(
    stopwatch: &mut Stopwatch<'_>,
    sent_at: &mut VecDeque<(Instant, usize)>,
    mut completed: usize,
    now: Instant,
) {
    while completed > 0
        && let Some((sent, waiting)) = sent_at.front_mut()
    {
        let of_these = completed.min(*waiting);
        stopwatch.latency.record(now.duration_since(*sent).as_nanos() as u64, of_these as u64);
        *waiting -= of_these;
        completed -= of_these;
        if *waiting == 0 {
            sent_at.pop_front();
        }
    }
}
