use realtime_adapter::{Clock, lock};
use realtime_core::{Outgoing, Pushed};
use realtime_ws::{ApiMisuse, Message, Receiver, Silence, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags};
use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The most slices in one write; what is left goes in the next one.
const SLICES: usize = 16;

/// One connection's socket, and all that goes out through it: shared by the threads that write to it.
///
/// The socket blocks when read. It is written to without blocking, so that nobody waits who holds the lock.
#[derive(Debug)]
pub(crate) struct Link {
    stream: Arc<TcpStream>,
    clock: Clock,
    /// How long the peer may take nothing of what waits.
    patience: Option<Duration>,
    close_timeout: Duration,
    outbound: Mutex<Outbound>,
}

/// What a [`Link`]'s lock guards.
#[derive(Debug)]
pub(crate) struct Outbound {
    outgoing: Outgoing,
    /// Whether the driver has put something into it that it has not begun to write.
    pub(crate) is_touched: bool,
    /// Whether the driver has it among those that it watches.
    pub(crate) is_watched: bool,
}

impl Deref for Outbound {
    type Target = Outgoing;

    fn deref(&self) -> &Outgoing {
        &self.outgoing
    }
}

impl DerefMut for Outbound {
    fn deref_mut(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }
}

impl Link {
    pub(crate) fn new(stream: Arc<TcpStream>, outgoing: Outgoing, clock: Clock) -> Self {
        let patience = outgoing.config().keepalive.map(|keepalive| keepalive.close_after);
        let close_timeout = outgoing.config().close_timeout;
        let outbound = Mutex::new(Outbound { outgoing, is_touched: false, is_watched: false });
        Self { stream, clock, patience, close_timeout, outbound }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn outbound(&self) -> MutexGuard<'_, Outbound> {
        lock(&self.outbound)
    }

    /// Sends a message, and writes at once what the socket takes of a long one. Does not block.
    pub(crate) fn send(&self, message: Message<'_>) -> Result<Pushed, ApiMisuse> {
        // An error shows again when the rest is written.
        self.outbound().send_through(message, |parts| self.write(&parts).unwrap_or(0))
    }

    /// Writes what waits until the socket takes no more. Does not block.
    pub(crate) fn flush(&self, outgoing: &mut Outgoing) -> io::Result<()> {
        loop {
            let mut slices = [&[][..]; SLICES];
            let filled = outgoing.poll_transmit(&mut slices);
            let slices = &slices[..filled];
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            if offered == 0 {
                return Ok(());
            }
            match self.write(slices) {
                Ok(bytes) => {
                    outgoing.transmitted(bytes, self.now());
                    // A socket that took only a part is full, and trying again would only tell so.
                    if bytes < offered || outgoing.is_drained() {
                        return Ok(());
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn write(&self, slices: &[&[u8]]) -> rustix::io::Result<usize> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        if let [slice] = slices {
            return rustix::net::send(&*self.stream, slice, flags);
        }
        let mut vectored = [IoSlice::new(&[]); SLICES];
        for (place, slice) in vectored.iter_mut().zip(slices) {
            *place = IoSlice::new(slice);
        }
        let nothing_beside = &mut SendAncillaryBuffer::default();
        rustix::net::sendmsg(&*self.stream, &vectored[..slices.len()], nothing_beside, flags)
    }

    /// Writes all that waits; blocks until the peer has taken it.
    ///
    /// # Errors
    /// The socket failed, or the peer took nothing for as long as silence is borne.
    pub(crate) fn drain(&self) -> io::Result<()> {
        loop {
            let mut outbound = self.outbound();
            self.flush(&mut outbound)?;
            if outbound.is_drained() {
                return Ok(());
            }
            drop(outbound);
            if self.wait_for(PollFlags::OUT, self.patience)?.is_empty() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing"));
            }
        }
    }

    /// Blocks until the socket is ready for one of `interests`, or failed; nothing if that takes longer than `timeout`.
    pub(crate) fn wait_for(&self, interests: PollFlags, timeout: Option<Duration>) -> io::Result<PollFlags> {
        let mut fds = [PollFd::new(&*self.stream, interests)];
        poll_for(&mut fds, timeout)?;
        Ok(fds[0].revents())
    }

    /// Makes whoever reads from the connection, or waits for it, find its end.
    pub(crate) fn cut(&self) {
        // One that is not connected any more is at its end already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Blocks until one of `fds` is ready, a signal comes, or `timeout` has passed.
pub(crate) fn poll_for(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    // A time too long to be written down is for ever.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match poll(fds, timeout.as_ref()) {
        Ok(_) => Ok(()),
        Err(Errno::INTR) => {
            for fd in fds {
                fd.clear_revents();
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// The half of a connection that one thread reads.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) link: Arc<Link>,
    pub(crate) receiver: Receiver,
    /// The read timeout that the socket has.
    armed: Option<Duration>,
    /// Whether another thread sends, and blocks until what it sent is written.
    is_split: bool,
}

/// What came of waiting for bytes.
pub(crate) enum Came<T> {
    /// They were read to where the caller said.
    Read(T),
    /// They were read into the receiver, or there are none, but something was due: ask the receiver.
    Nothing,
    /// The connection is finished.
    End,
}

impl Incoming {
    pub(crate) fn new(link: Arc<Link>, receiver: Receiver) -> Self {
        Self { link, receiver, armed: None, is_split: false }
    }

    /// Says that another thread sends, and blocks until that is written. It may begin the closing handshake while this one
    /// blocks in a read, which then has to notice that the peer does not answer.
    pub(crate) fn split(&mut self) {
        self.is_split = true;
    }

    /// Writes what waits, then blocks until bytes came, or something else has to be looked at. `read` reads once from the
    /// socket, and returns how many bytes that were.
    pub(crate) fn read<T>(
        &mut self,
        read: impl FnOnce(&TcpStream) -> rustix::io::Result<(T, usize)>,
    ) -> Came<T> {
        let link = Arc::clone(&self.link);
        let mut outbound = link.outbound();
        if link.flush(&mut outbound).is_err() {
            self.receiver.receive_eof();
            return Came::End;
        }
        if outbound.is_finished_with(&self.receiver) {
            return Came::End;
        }
        let due = [self.receiver.poll_timeout(), outbound.poll_timeout()].into_iter().flatten().min();
        let is_behind = !outbound.wants_input();
        // Who does not read the answers is asked for no more questions. What another thread sends is no answer, and the peer
        // may take it only once its own messages are taken.
        let wants_input = (self.is_split || !is_behind) && !self.receiver.is_ended();
        let is_drained = outbound.is_drained();
        drop(outbound);
        let max_wait = self.is_split.then_some(link.close_timeout);
        let timeout = [due.map(|due| link.clock.until(due)), max_wait].into_iter().flatten().min();
        let readiness = if timeout == Some(Duration::ZERO) {
            Ok(PollFlags::empty())
        } else if is_drained {
            self.arm(timeout).map(|()| PollFlags::IN) // the read itself waits
        } else if wants_input {
            link.wait_for(PollFlags::IN | PollFlags::OUT, timeout)
        } else {
            link.wait_for(PollFlags::OUT, timeout)
        };
        match readiness {
            Ok(ready) if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) => {}
            Ok(ready) => {
                if ready.contains(PollFlags::OUT) && is_behind {
                    self.receiver.excuse_silence(link.now()); // it takes what it is sent; it is unread, or a ping waits behind
                }
                self.handle_timeout();
                return Came::Nothing;
            }
            Err(_) => {
                self.receiver.receive_eof();
                return Came::End;
            }
        }
        let came = match self.receiver.spare() {
            Some(spare) => rustix::net::recv(link.stream(), spare, rustix::net::RecvFlags::empty())
                .map(|(bytes, _)| (None, bytes)),
            None => read(link.stream()).map(|(came, bytes)| (Some(came), bytes)),
        };
        match came {
            Ok((_, 0)) => self.receiver.receive_eof(),
            Ok((Some(came), _)) => return Came::Read(came),
            Ok((None, bytes)) => self.receiver.filled(bytes, link.now()),
            Err(Errno::AGAIN | Errno::INTR) => self.handle_timeout(),
            Err(_) => self.receiver.receive_eof(),
        }
        Came::Nothing
    }

    /// Ends the connection so that the peer gets what was written to it: says that nothing more comes, and waits until the
    /// peer says so too, at most the time for a closing handshake. Closing with unread bytes would reset the connection, and lose
    /// what the peer has not read yet.
    pub(crate) fn finish(&mut self) {
        self.receiver.give_up();
        if !self.receiver.is_ended() {
            linger(&self.link.stream, self.link.close_timeout, &self.link.clock);
        }
        self.link.cut();
    }

    /// Sees to it that a read returns by the time that something is due.
    ///
    /// What is due moves into the future with every message. To arm the socket anew each time would double the system calls;
    /// so it may wake up early, or late by a sixteenth.
    fn arm(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let is_armed = match (self.armed, timeout) {
            (None, None) => true,
            (Some(armed), Some(timeout)) => armed <= timeout + timeout / 16 && armed >= timeout / 2,
            (None, Some(_)) | (Some(_), None) => false,
        };
        if !is_armed {
            self.link.stream.set_read_timeout(timeout)?;
            self.armed = timeout;
        }
        Ok(())
    }

    fn handle_timeout(&mut self) {
        let now = self.link.now();
        let mut outbound = self.link.outbound();
        match self.receiver.handle_timeout(now) {
            Silence::Bearable | Silence::Lost => {}
            Silence::Ping => outbound.ping(),
        }
        outbound.handle_timeout(now);
    }
}

/// Says that nothing more will be written, and throws away what comes until the peer says so too, or for `patience`.
pub(crate) fn linger(stream: &TcpStream, patience: Duration, clock: &Clock) {
    let deadline = clock.now() + patience;
    if stream.shutdown(Shutdown::Write).is_err() {
        return;
    }
    let mut scratch = [std::mem::MaybeUninit::uninit(); 4096];
    loop {
        let left = clock.until(deadline);
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match rustix::net::recv(stream, &mut scratch[..], rustix::net::RecvFlags::empty()) {
            Ok((_, 0)) => return,
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
