use crate::{Failure, Load, Measured, Stopwatch, handshake};
use std::time::{Duration, Instant};

/// Connects so many at a time, and resets them: a close by the book would leave the system without free ports.
pub(crate) fn run(load: &Load) -> Result<Measured, Failure> {
    let mut stopwatch = Stopwatch::start(load);
    loop {
        let began = Instant::now();
        let streams =
            (0..load.connections).map(|_| handshake::begin(load.address)).collect::<Result<Vec<_>, _>>()?;
        for stream in streams {
            handshake::finish(&stream)?;
            stopwatch.latency.record(began.elapsed().as_nanos() as u64, 1);
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        }
        if !stopwatch.goes_on(Instant::now(), load.connections as u64)? {
            return stopwatch.stop();
        }
    }
}
