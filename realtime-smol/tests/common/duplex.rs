//! A stream of bytes inside the process, of which each direction holds only so many bytes.

use smol::io::{AsyncRead, AsyncWrite};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// One end. Dropped or closed, the other end reads to the end and then nothing.
pub struct End {
    incoming: Arc<Mutex<Direction>>,
    outgoing: Arc<Mutex<Direction>>,
}

struct Direction {
    bytes: VecDeque<u8>,
    capacity: usize,
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub fn pair(capacity: usize) -> (End, End) {
    let direction = || {
        let bytes = VecDeque::new();
        Arc::new(Mutex::new(Direction { bytes, capacity, is_closed: false, reader: None, writer: None }))
    };
    let (to, fro) = (direction(), direction());
    (End { incoming: to.clone(), outgoing: fro.clone() }, End { incoming: fro, outgoing: to })
}

impl Direction {
    fn close(&mut self) {
        self.is_closed = true;
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut incoming = self.incoming.lock().unwrap();
        if incoming.bytes.is_empty() && !incoming.is_closed {
            incoming.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let bytes = incoming.bytes.read(buffer);
        incoming.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(bytes)
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut outgoing = self.outgoing.lock().unwrap();
        if outgoing.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = bytes.len().min(outgoing.capacity - outgoing.bytes.len());
        if taken == 0 {
            outgoing.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        outgoing.bytes.extend(&bytes[..taken]);
        outgoing.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.lock().unwrap().close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.outgoing.lock().unwrap().close();
        self.incoming.lock().unwrap().close();
    }
}
