//! The one place with `unsafe`: sockets and the poller that watches them.

use polling::{Event, Events, PollMode, Poller};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// What a socket is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Nothing,
    Read,
    Write,
    ReadAndWrite,
}

impl Interest {
    fn event(self, key: usize) -> Event {
        match self {
            Self::Nothing => Event::none(key),
            Self::Read => Event::readable(key),
            Self::Write => Event::writable(key),
            Self::ReadAndWrite => Event::all(key),
        }
    }
}

/// Watches sockets, level-triggered: what is left unread is reported again.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    poller: Arc<Poller>,
}

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { poller: Arc::new(Poller::new()?) })
    }

    /// Waits until a watched socket is ready, [`notify`](Self::notify) was called, or `timeout` has passed.
    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        self.poller.wait(events, timeout).map(drop)
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        self.poller.notify()
    }

    /// Watches `socket` under `key` until what is returned is dropped.
    pub(crate) fn add<S: AsFd + AsRawFd>(
        &self,
        socket: S,
        key: usize,
        interest: Interest,
    ) -> io::Result<Watched<S>> {
        // SAFETY: `add_with_mode` wants the socket deleted from the poller before it is dropped. `Watched`
        // owns it, lends it only by reference, and deletes it in `drop` and `into_inner`, before the socket's
        // own drop can run.
        #[expect(unsafe_code, reason = "the poller's contract is kept by `Watched`")]
        unsafe {
            self.poller.add_with_mode(&socket, interest.event(key), PollMode::Level)?;
        }
        Ok(Watched { socket: Some(socket), watch: self.clone(), interest })
    }
}

/// A socket that is watched.
#[derive(Debug)]
pub(crate) struct Watched<S: AsFd> {
    /// `None` only while being dropped.
    socket: Option<S>,
    watch: Watch,
    interest: Interest,
}

impl<S: AsFd> Watched<S> {
    pub(crate) fn socket(&self) -> &S {
        match &self.socket {
            Some(socket) => socket,
            None => unreachable!("taken only by what consumes the value"),
        }
    }

    /// Changes what the socket is watched for; a system call only if it changes.
    pub(crate) fn set_interest(&mut self, key: usize, interest: Interest) -> io::Result<()> {
        if self.interest == interest {
            return Ok(());
        }
        self.watch.poller.modify_with_mode(self.borrowed(), interest.event(key), PollMode::Level)?;
        self.interest = interest;
        Ok(())
    }

    /// The socket, no longer watched.
    pub(crate) fn into_inner(mut self) -> S {
        self.forget();
        match self.socket.take() {
            Some(socket) => socket,
            None => unreachable!("taken only by what consumes the value"),
        }
    }

    fn borrowed(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }

    fn forget(&self) {
        // Fails only for a socket that is not watched, which is what is wanted.
        let _ = self.watch.poller.delete(self.borrowed());
    }
}

impl<S: AsFd> Drop for Watched<S> {
    fn drop(&mut self) {
        if self.socket.is_some() {
            self.forget();
        }
    }
}

/// A connection's socket.
pub(crate) type Socket = Watched<TcpStream>;

/// The socket that connections come from.
pub(crate) type Listener = Watched<TcpListener>;
