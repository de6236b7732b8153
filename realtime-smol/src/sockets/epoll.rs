//! Linux: epoll, asked directly. One system call per wait, and none to be ready for the next.

use super::{Interest, Ready};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, SocketFlags};
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// The key of what wakes the poller; no socket has it.
const WAKE_UP: u64 = u64::MAX;

/// Watches sockets.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    poller: Arc<Poller>,
}

#[derive(Debug)]
struct Poller {
    epoll: OwnedFd,
    /// Watched for edges: each write to it is one, so that it is never read.
    wake_up: OwnedFd,
}

/// What a wait found.
pub(crate) struct Events(Vec<Event>);

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        let poller = Poller {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            wake_up: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        };
        let edges = EventFlags::IN | EventFlags::ET;
        epoll::add(&poller.epoll, &poller.wake_up, EventData::new_u64(WAKE_UP), edges)?;
        Ok(Self { poller: Arc::new(poller) })
    }

    /// Waits until a watched socket is ready, [`notify`](Self::notify) was called, or `timeout` has passed.
    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.0.clear();
        // A time too long to be written down is for ever.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        epoll::wait(&self.poller.epoll, spare_capacity(&mut events.0), timeout.as_ref())?;
        Ok(())
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        rustix::io::write(&self.poller.wake_up, &1_u64.to_ne_bytes())?;
        Ok(())
    }

    pub(super) fn add(&self, socket: &impl AsFd, key: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.poller.epoll, socket, EventData::new_u64(key as u64), flags(interest))?)
    }

    pub(super) fn modify(&self, socket: &impl AsFd, key: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.poller.epoll, socket, EventData::new_u64(key as u64), flags(interest))?)
    }

    pub(super) fn forget(&self, socket: &impl AsFd) {
        // Fails only for a socket that is not watched, which is what is wanted.
        let _ = epoll::delete(&self.poller.epoll, socket);
    }

    /// A socket that nobody else has is forgotten when it is closed.
    #[expect(clippy::unused_self, reason = "elsewhere it has to be forgotten by hand")]
    pub(super) fn forget_before_close(&self, _: &impl AsFd) {}
}

impl Events {
    pub(crate) fn with_capacity(events: NonZeroUsize) -> Self {
        Self(Vec::with_capacity(events.get()))
    }

    /// The sockets that are ready.
    pub(crate) fn ready(&self) -> impl Iterator<Item = Ready> {
        let failed = EventFlags::ERR | EventFlags::HUP;
        let of_sockets = self.0.iter().filter(|event| event.data.u64() != WAKE_UP);
        of_sockets.map(move |event| Ready {
            key: event.data.u64() as usize,
            is_readable: { event.flags }.intersects(EventFlags::IN | failed),
            is_writable: { event.flags }.intersects(EventFlags::OUT | failed),
        })
    }
}

fn flags(interest: Interest) -> EventFlags {
    match interest {
        Interest::Nothing => EventFlags::empty(),
        Interest::Read => EventFlags::IN,
        Interest::Write => EventFlags::OUT,
        Interest::ReadAndWrite => EventFlags::IN | EventFlags::OUT,
    }
}

/// Sees to it that short frames are not held back for the acknowledgement of earlier ones, on all
/// connections: they inherit that from their listener.
pub(crate) fn prepare(listener: &TcpListener) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_tcp_nodelay(listener, true)?)
}

/// The next connection, which does not block, and its peer; in one system call.
pub(crate) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (socket, address) = rustix::net::acceptfrom_with(listener, flags)?;
    let address = address.and_then(|address| address.try_into().ok());
    Ok((socket.into(), address.ok_or(io::ErrorKind::ConnectionAborted)?))
}

/// Reads once.
pub(crate) fn read(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let (_, bytes) = retry_on_intr(|| rustix::net::recv(stream, &mut *buffer, RecvFlags::empty()))?;
    Ok(bytes)
}

/// Writes `parts` once, of which there are at most `N`, as far as the socket takes them.
pub(crate) fn write<const N: usize>(stream: &TcpStream, parts: &[&[u8]]) -> io::Result<usize> {
    let flags = SendFlags::NOSIGNAL;
    let bytes = if let [part] = parts {
        retry_on_intr(|| rustix::net::send(stream, part, flags))
    } else {
        let mut vectored = [IoSlice::new(&[]); N];
        for (place, part) in vectored.iter_mut().zip(parts) {
            *place = IoSlice::new(part);
        }
        let vectored = &vectored[..parts.len()];
        retry_on_intr(|| rustix::net::sendmsg(stream, vectored, &mut SendAncillaryBuffer::default(), flags))
    };
    Ok(bytes?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn nothing_is_ready(watch: &Watch, events: &mut Events, timeout: Option<Duration>) {
        watch.wait(events, timeout).unwrap();
        assert_eq!(events.ready().next(), None);
    }

    #[test]
    fn many_notifications_end_one_wait_and_later_ones_another() {
        let watch = Watch::new().unwrap();
        let mut events = Events::with_capacity(NonZeroUsize::MIN);
        for _ in 0..3 {
            watch.notify().unwrap();
            watch.notify().unwrap();
            nothing_is_ready(&watch, &mut events, None);
            assert_eq!(events.0.len(), 1);
            nothing_is_ready(&watch, &mut events, Some(Duration::ZERO));
            assert_eq!(events.0.len(), 0);
        }
    }

    #[test]
    fn accepted_sockets_do_not_block_or_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        prepare(&listener).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, address) = accept(&listener).unwrap();
        assert_eq!(address, client.local_addr().unwrap());
        assert!(stream.nodelay().unwrap());
        let error = std::io::Read::read(&mut &stream, &mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
