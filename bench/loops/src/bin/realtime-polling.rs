//! `echo` and `rooms` over `polling`, level-triggered: what the adapter on smol does, without a handler, tasks or a hub
//! that other threads reach.
//!
//! ```text
//! realtime-polling echo|rooms ADDRESS
//! ```

use loops::{Connections, Fate, Io, Program, announce, arguments};
use polling::{Event, Events, PollMode, Poller};
use realtime_core::Outgoing;
use realtime_ws::Timestamp;
use std::convert::Infallible;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::ExitCode;

const LISTENER: usize = usize::MAX - 1;

/// Bytes read at a time. More are left to the next turn.
const READ_BYTES: usize = 64 * 1024;

/// The most slices in one write.
const SLICES: usize = 16;

fn main() -> ExitCode {
    let failed = match arguments() {
        Ok((program, address)) => match run(program, address) {
            Ok(never) => match never {},
            Err(error) => error.to_string(),
        },
        Err(usage) => usage,
    };
    eprintln!("realtime-polling: {failed}");
    ExitCode::FAILURE
}

struct Socket {
    stream: TcpStream,
    /// Whether it is watched for bytes to read, and for room to write.
    interest: (bool, bool),
    has_unsent: bool,
}

struct Writing;

impl Io for Writing {
    type Socket = Socket;

    fn write_frame(&mut self, socket: &mut Socket, frame: [&[u8]; 2]) -> usize {
        // An error shows again.
        (&socket.stream).write_vectored(&frame.map(IoSlice::new)).unwrap_or(0)
    }

    /// Writes what waits until the socket takes no more.
    fn write(&mut self, socket: &mut Socket, outgoing: &mut Outgoing, now: Timestamp) -> io::Result<()> {
        loop {
            let mut slices = [&[][..]; SLICES];
            let filled = outgoing.poll_transmit(&mut slices);
            let mut vectored = [IoSlice::new(&[]); SLICES];
            for (place, slice) in vectored.iter_mut().zip(&slices[..filled]) {
                *place = IoSlice::new(slice);
            }
            let written = match &vectored[..filled] {
                [] => break,
                [slice] => (&socket.stream).write(slice),
                slices => (&socket.stream).write_vectored(slices),
            };
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            match written {
                Ok(bytes) => {
                    outgoing.transmitted(bytes, now);
                    if bytes < offered {
                        break; // it is full, and trying again would only tell so
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        socket.has_unsent = !outgoing.is_drained();
        Ok(())
    }
}

fn run(program: Program, address: SocketAddr) -> io::Result<Infallible> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let poller = Poller::new()?;
    watch(&poller, &listener, LISTENER)?;
    announce(&listener)?;
    let mut connections = Connections::<Writing>::new(program);
    let (mut events, mut buffer) = (Events::new(), vec![0; READ_BYTES]);
    loop {
        events.clear();
        poller.wait(&mut events, connections.until_next_deadline())?;
        connections.begin_turn();
        for event in events.iter() {
            if event.key == LISTENER {
                // One at a time: the listener stays readable while there are more.
                if let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let socket = Socket { stream, interest: (true, false), has_unsent: false };
                    let key = connections.open(socket);
                    if let Some(socket) = connections.socket(key) {
                        watch(&poller, &socket.stream, key)?;
                    }
                }
            } else if event.readable {
                read(&mut connections, event.key, &mut buffer);
            } else {
                connections.touch(event.key);
            }
        }
        while let Some((key, fate)) = connections.poll_settled(&mut Writing) {
            let Some(socket) = connections.socket(key) else { continue };
            let is_over = match fate {
                Fate::Stays { is_read } => {
                    let interest = (is_read, socket.has_unsent);
                    interest != socket.interest && {
                        socket.interest = interest;
                        let event = Event::new(key, is_read, socket.has_unsent);
                        poller.modify_with_mode(&socket.stream, event, PollMode::Level).is_err()
                    }
                }
                Fate::Lingers => socket.stream.shutdown(Shutdown::Write).is_err(),
                Fate::Goes | Fate::IsCutOff => true,
            };
            if is_over && let Some(socket) = connections.remove(key) {
                poller.delete(&socket.stream)?;
            }
        }
    }
}

fn read(connections: &mut Connections<Writing>, key: usize, buffer: &mut [u8]) {
    let Some((socket, spare)) = connections.socket_and_spare(key) else { return };
    let is_spare = spare.is_some();
    match socket.stream.read(spare.unwrap_or(&mut *buffer)) {
        Ok(0) => connections.receive_eof(key),
        Ok(bytes) if is_spare => connections.filled(key, bytes, &mut Writing),
        Ok(bytes) => connections.receive(key, &mut buffer[..bytes], &mut Writing),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Err(_) => connections.receive_eof(key),
    }
}

fn watch(poller: &Poller, socket: &impl AsRawFd, key: usize) -> io::Result<()> {
    // SAFETY: sockets are deleted from the poller before they are dropped; the listener lives as long as it.
    #[expect(unsafe_code, reason = "polling leaves that to its user")]
    unsafe {
        poller.add_with_mode(socket, Event::readable(key), PollMode::Level)
    }
}
