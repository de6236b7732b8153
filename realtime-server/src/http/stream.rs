use smol::io::{AsyncRead, AsyncWrite};
use smol::{Async, Timer};
use std::future::Future;
use std::io::{self, Read};
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A connection of which the first bytes have been read by someone else. A client that does not take an
/// answer in time is given up.
pub(super) struct HttpStream {
    received: io::Cursor<Vec<u8>>,
    socket: Async<TcpStream>,
    write_timeout: Duration,
    // There while a write waits.
    patience: Option<Timer>,
}

impl HttpStream {
    pub(super) fn new(socket: TcpStream, received: Vec<u8>, write_timeout: Duration) -> io::Result<Self> {
        let (received, socket) = (io::Cursor::new(received), Async::new(socket)?);
        Ok(Self { received, socket, write_timeout, patience: None })
    }

    fn poll_in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Async<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = write(Pin::new(&mut self.socket), context);
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let patience = self.patience.get_or_insert_with(|| Timer::after(self.write_timeout));
        ready!(Pin::new(patience).poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.received.read(buffer) {
            Ok(0) => {
                self.received = io::Cursor::default();
                Pin::new(&mut self.socket).poll_read(context, buffer)
            }
            received => Poll::Ready(received),
        }
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_in_time(context, |socket, context| socket.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_in_time(context, |socket, context| socket.poll_write_vectored(context, slices))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::io::AsyncReadExt;
    use std::io::Write;
    use std::net::TcpListener;

    #[test]
    fn what_was_received_before_is_read_first() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        let mut stream = HttpStream::new(listener.accept()?.0, b"first, ".to_vec(), Duration::MAX)?;
        client.write_all(b"then")?;
        drop(client);
        let mut text = String::new();
        smol::block_on(stream.read_to_string(&mut text))?;
        assert_eq!(text, "first, then");
        Ok(())
    }
}
