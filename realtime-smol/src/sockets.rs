//! Sockets, and what a driver waits with until one of them is ready. Level-triggered: what is left unread is
//! reported again.

#[cfg(target_os = "linux")]
#[path = "sockets/epoll.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "sockets/portable.rs"]
mod system;

pub(crate) use self::system::{Events, Watch, accept, prepare, read, write};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

/// What a socket is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Nothing,
    Read,
    Write,
    ReadAndWrite,
}

/// A socket that can be read or written, or has failed, which both would tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) key: usize,
    pub(crate) is_readable: bool,
    pub(crate) is_writable: bool,
}

/// A socket that is watched, once it is known what for.
#[derive(Debug)]
pub(crate) struct Watched<S: AsFd + AsRawFd> {
    /// `None` only while being dropped.
    socket: Option<S>,
    watch: Watch,
    /// `None`: it is not watched yet.
    interest: Option<Interest>,
}

impl<S: AsFd + AsRawFd> Watched<S> {
    /// Has `watch` watch `socket` from the first [`set_interest`](Self::set_interest) on, until what is returned
    /// is dropped. What is ready by then is best done before: it would be reported once more.
    pub(crate) fn new(watch: &Watch, socket: S) -> Self {
        Self { socket: Some(socket), watch: watch.clone(), interest: None }
    }

    pub(crate) fn socket(&self) -> &S {
        match &self.socket {
            Some(socket) => socket,
            None => unreachable!("taken only by what consumes the value"),
        }
    }

    /// Changes what the socket is watched for; a system call only if it changes.
    pub(crate) fn set_interest(&mut self, key: usize, interest: Interest) -> io::Result<()> {
        match self.interest {
            Some(watched_for) if watched_for == interest => return Ok(()),
            Some(_) => self.watch.modify(self.socket(), key, interest)?,
            None => self.watch.add(self.socket(), key, interest)?,
        }
        self.interest = Some(interest);
        Ok(())
    }

    /// The socket, no longer watched.
    pub(crate) fn into_inner(mut self) -> S {
        match self.socket.take() {
            Some(socket) => {
                if self.interest.is_some() {
                    self.watch.forget(&socket);
                }
                socket
            }
            None => unreachable!("taken only by what consumes the value"),
        }
    }
}

impl<S: AsFd + AsRawFd> Drop for Watched<S> {
    fn drop(&mut self) {
        if let (Some(socket), Some(_)) = (&self.socket, self.interest) {
            self.watch.forget_before_close(socket);
        }
    }
}

/// A connection's socket.
pub(crate) type Socket = Watched<TcpStream>;

/// The socket that connections come from.
pub(crate) type Listener = Watched<TcpListener>;
