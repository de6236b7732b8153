//! What is not Linux: whatever the system has, through `polling`. The one place with `unsafe`.

use super::{Interest, Ready};
use polling::{Event, PollMode, Poller};
use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

/// Watches sockets.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    poller: Arc<Poller>,
}

/// What a wait found.
pub(crate) struct Events(polling::Events);

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { poller: Arc::new(Poller::new()?) })
    }

    /// Waits until a watched socket is ready, [`notify`](Self::notify) was called, or `timeout` has passed.
    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.0.clear();
        self.poller.wait(&mut events.0, timeout).map(drop)
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        self.poller.notify()
    }

    pub(super) fn add(
        &self,
        socket: &(impl AsFd + AsRawFd),
        key: usize,
        interest: Interest,
    ) -> io::Result<()> {
        // SAFETY: `add_with_mode` wants the socket deleted from the poller before it is dropped. Only `Watched` calls
        // this; it owns the socket, lends it only by reference, and calls `forget` or `forget_before_close` before
        // the socket's own drop can run.
        #[expect(unsafe_code, reason = "the poller's contract is kept by `Watched`")]
        unsafe {
            self.poller.add_with_mode(socket, event(key, interest), PollMode::Level)
        }
    }

    pub(super) fn modify(&self, socket: &impl AsFd, key: usize, interest: Interest) -> io::Result<()> {
        self.poller.modify_with_mode(socket.as_fd(), event(key, interest), PollMode::Level)
    }

    pub(super) fn forget(&self, socket: &impl AsFd) {
        // Fails only for a socket that is not watched, which is what is wanted.
        let _ = self.poller.delete(socket.as_fd());
    }

    pub(super) fn forget_before_close(&self, socket: &impl AsFd) {
        self.forget(socket);
    }
}

impl Events {
    pub(crate) fn with_capacity(events: NonZeroUsize) -> Self {
        Self(polling::Events::with_capacity(events))
    }

    /// The sockets that are ready.
    pub(crate) fn ready(&self) -> impl Iterator<Item = Ready> {
        let ready =
            |event: Event| Ready { key: event.key, is_readable: event.readable, is_writable: event.writable };
        self.0.iter().map(ready)
    }
}

fn event(key: usize, interest: Interest) -> Event {
    match interest {
        Interest::Nothing => Event::none(key),
        Interest::Read => Event::readable(key),
        Interest::Write => Event::writable(key),
        Interest::ReadAndWrite => Event::all(key),
    }
}

/// What can be done for all connections at once: nothing.
pub(crate) fn prepare(_: &TcpListener) -> io::Result<()> {
    Ok(())
}

/// The next connection, which does not block, and its peer.
pub(crate) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, address) = listener.accept()?;
    stream.set_nonblocking(true)?;
    // Without it the system may hold back a short frame for the acknowledgement of an earlier one.
    stream.set_nodelay(true)?;
    Ok((stream, address))
}

/// Reads once.
pub(crate) fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    retry_interrupted(|| stream.read(buffer))
}

/// Writes `parts` once, of which there are at most `N`, as far as the socket takes them.
pub(crate) fn write<const N: usize>(mut stream: &TcpStream, parts: &[&[u8]]) -> io::Result<usize> {
    if let [part] = parts {
        return retry_interrupted(|| stream.write(part));
    }
    let mut vectored = [IoSlice::new(&[]); N];
    for (place, part) in vectored.iter_mut().zip(parts) {
        *place = IoSlice::new(part);
    }
    retry_interrupted(|| stream.write_vectored(&vectored[..parts.len()]))
}

fn retry_interrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
