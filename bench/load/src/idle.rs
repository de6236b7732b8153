use crate::{Failure, Load, Mode, frames, handshake, pusher};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

/// How many are opened at a time: otherwise the server is woken for each step of each.
const AT_A_TIME: usize = 16;

/// Opens connections, lets each echo one small message or subscribe to a channel, and holds them all.
pub(crate) fn run(load: &Load) -> Result<(), Failure> {
    // What the server allocates once, with its first connection, is not the price of a connection.
    open(load, 1)?;
    thread::sleep(load.duration);
    let before = load.server.resident_kib()?;
    let opening = load.server.cpu()?;
    let mut connections = Vec::with_capacity(load.connections);
    while connections.len() < load.connections {
        connections.extend(open(load, AT_A_TIME.min(load.connections - connections.len()))?);
    }
    let open_cpu = load.server.cpu()?.saturating_sub(opening).as_nanos() as f64 / connections.len() as f64;
    thread::sleep(load.duration);
    let cpu = load.server.cpu()?;
    thread::sleep(load.duration);
    let idle_cpu = load.server.cpu()?.saturating_sub(cpu);
    let after = load.server.resident_kib()?;
    let bytes = (after.saturating_sub(before) * 1024) as f64 / connections.len() as f64;
    println!(
        "connections={} before_kib={before} after_kib={after} bytes_per_connection={bytes:.0} open_cpu_ns={open_cpu:.0} idle_cpu_ns={}",
        connections.len(),
        idle_cpu.as_nanos(),
    );
    Ok(())
}

fn open(load: &Load, connections: usize) -> Result<Vec<TcpStream>, Failure> {
    match load.mode {
        Mode::PusherIdle => pusher::subscribers(load, connections),
        Mode::Echo
        | Mode::Fanout
        | Mode::Idle
        | Mode::Handshakes
        | Mode::PusherHandshakes
        | Mode::PusherPublished => echoing(load, connections),
    }
}

fn echoing(load: &Load, connections: usize) -> Result<Vec<TcpStream>, Failure> {
    let text = frames::text(load.bytes);
    let (expected, _) = frames::unmasked(&text);
    let mut echo = vec![0; expected.len()];
    let mut streams =
        (0..connections).map(|_| handshake::begin(load.address)).collect::<Result<Vec<_>, _>>()?;
    for stream in &mut streams {
        handshake::finish(stream)?;
        stream.write_all(&frames::masked(&text))?;
    }
    for stream in &mut streams {
        stream.read_exact(&mut echo)?;
        if echo != expected {
            return Err(format!("an unexpected echo: {echo:?}").into());
        }
    }
    Ok(streams)
}
