use loops::Io;
use realtime_core::Outgoing;
use realtime_ws::Timestamp;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};

/// The most that is taken from a connection before it is sent: the rest waits where it is bounded.
const STAGED_BYTES: usize = 256 * 1024;

/// From this many bytes in one piece on, a system call of its own, from where the bytes are, costs less than a copy that
/// the kernel takes later.
const LONG_BYTES: usize = 16 * 1024;

/// Free buffers that are kept, and up to which size.
const FREE_BUFFERS: usize = 256;
const FREE_BUFFER_BYTES: usize = 64 * 1024;

/// The most slices copied at a time.
const SLICES: usize = 16;

/// A connection's socket, and what the kernel does with it at the moment.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    /// What is to be sent next; while `is_sending` the kernel reads it, and nobody else touches it.
    staged: Vec<u8>,
    sent: usize,
    pub(crate) is_sending: bool,
    pub(crate) receiving: Receiving,
    pub(crate) end: End,
}

/// Whether the kernel has a receive of this socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiving {
    No,
    Armed,
    /// It is asked to give it up.
    Cancelling,
    /// There will be nothing to receive any more, and the kernel has none.
    Ended,
}

/// How far the end has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    /// When all is sent, the peer is to be told so.
    ToShutDown,
    ShutDown,
    /// When all is sent, it is to be closed.
    ToClose,
    /// Both directions are shut down, which ends what the kernel does with it.
    CutOff,
}

/// Buffers to send from, for all sockets.
pub(crate) struct Staging {
    free: Vec<Vec<u8>>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let (staged, receiving) = (Vec::new(), Receiving::No);
        Self { stream, staged, sent: 0, is_sending: false, receiving, end: End::Open }
    }

    /// What is to be sent now.
    pub(crate) fn unsent(&self) -> &[u8] {
        &self.staged[self.sent..]
    }

    /// Whether the kernel has nothing to do with it any more.
    pub(crate) fn is_at_rest(&self) -> bool {
        !self.is_sending && matches!(self.receiving, Receiving::No | Receiving::Ended)
    }

    /// Ends it as it is, and with it what the kernel does with it.
    pub(crate) fn cut_off(&mut self) {
        self.end = End::CutOff;
        // It fails if the peer was quicker.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Sends what the socket takes at once, past the ring. Nothing is staged.
    fn send_now(&self, slices: &[IoSlice<'_>]) -> usize {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        // An error shows again when the rest is sent.
        sendmsg(&self.stream, slices, &mut SendAncillaryBuffer::default(), flags).unwrap_or(0)
    }

    /// The kernel has sent so many bytes of what was [unsent](Self::unsent), or an error says that it will send no more.
    pub(crate) fn handle_sent(&mut self, sent: Result<usize, i32>, staging: &mut Staging) {
        self.is_sending = false;
        match sent {
            Ok(bytes) => self.sent += bytes,
            Err(_) => self.sent = self.staged.len(),
        }
        if self.unsent().is_empty() {
            self.sent = 0;
            staging.take_back(std::mem::take(&mut self.staged));
        }
    }
}

impl Staging {
    pub(crate) fn new() -> Self {
        Self { free: Vec::new() }
    }

    /// Copies as much as there is room for, and says how much that is. The kernel has nothing of it yet.
    fn stage(&mut self, socket: &mut Socket, slices: &[&[u8]]) -> usize {
        if socket.staged.capacity() == 0 {
            socket.staged = self.free.pop().unwrap_or_default();
        }
        let before = socket.staged.len();
        for slice in slices {
            let room = STAGED_BYTES - socket.staged.len();
            socket.staged.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        socket.staged.len() - before
    }

    fn take_back(&mut self, mut buffer: Vec<u8>) {
        if self.free.len() < FREE_BUFFERS && buffer.capacity() <= FREE_BUFFER_BYTES {
            buffer.clear();
            self.free.push(buffer);
        }
    }
}

impl Io for Staging {
    type Socket = Socket;

    fn write_frame(&mut self, socket: &mut Socket, frame: [&[u8]; 2]) -> usize {
        if socket.staged.is_empty() { socket.send_now(&frame.map(IoSlice::new)) } else { 0 }
    }

    /// Copies what is short: the machines lend what they have to write until they are touched again, the kernel wants it
    /// until it has sent it.
    fn write(&mut self, socket: &mut Socket, outgoing: &mut Outgoing, now: Timestamp) -> io::Result<()> {
        while !socket.is_sending && !outgoing.is_drained() && socket.staged.len() < STAGED_BYTES {
            let mut slices = [&[][..]; SLICES];
            let filled = outgoing.poll_transmit(&mut slices);
            let is_long = slices[0].len() >= LONG_BYTES && socket.staged.is_empty();
            let sent = if is_long { socket.send_now(&slices.map(IoSlice::new)[..filled]) } else { 0 };
            let taken = if sent > 0 { sent } else { self.stage(socket, &slices[..filled]) };
            outgoing.transmitted(taken, now);
        }
        Ok(())
    }
}
