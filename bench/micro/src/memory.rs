use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that gives the same bytes again whenever it is rewound, and takes all that is written.
#[derive(Clone)]
pub(crate) struct Memory {
    bytes: Arc<[u8]>,
    position: Arc<Mutex<usize>>,
}

impl Memory {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), position: Arc::new(Mutex::new(bytes.len())) }
    }

    pub(crate) fn rewind(&self) {
        *self.position() = 0;
    }

    fn position(&self) -> MutexGuard<'_, usize> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_bytes(&self, most: usize) -> &[u8] {
        let mut position = self.position();
        let rest = &self.bytes[*position..];
        let taken = &rest[..rest.len().min(most)];
        *position += taken.len();
        taken
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next_bytes(buffer.len());
        if bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.next_bytes(buffer.remaining());
        if bytes.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
