use crate::Failure;
use crate::poller::Poller;
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// A connection after its handshake, which sends one frame over and over and expects another one.
pub(crate) struct Socket {
    stream: TcpStream,
    key: usize,
    /// How much of the frame that is expected has come.
    received: usize,
    /// The bytes that the socket did not take yet: so much of the end of the frames to send.
    unsent: usize,
    received_frames: u64,
}

/// Frames to send, as often as can be needed at once, and the one that is expected.
pub(crate) struct Frames {
    /// `frame_bytes` long each, one after the other.
    pub(crate) outgoing: Vec<u8>,
    pub(crate) frame_bytes: usize,
    pub(crate) expected: Vec<u8>,
    pub(crate) header_bytes: usize,
}

impl Frames {
    /// `outgoing` at most `times` at once, and `text` in return.
    pub(crate) fn new(outgoing: &[u8], times: usize, text: &[u8]) -> Self {
        let (expected, header_bytes) = crate::frames::unmasked(text);
        let frame_bytes = outgoing.len();
        Self { outgoing: outgoing.repeat(times), frame_bytes, expected, header_bytes }
    }
}

/// Of so many frames one is compared as a whole, of the others length and type.
const COMPARED_EVERY: u64 = 64;

impl Socket {
    pub(crate) fn new(stream: TcpStream, key: usize, poller: &Poller) -> Result<Self, Failure> {
        stream.set_nonblocking(true)?;
        poller.add(&stream, key)?;
        Ok(Self { stream, key, received: 0, unsent: 0, received_frames: 0 })
    }

    /// Sends `times` frames, which come on top of what is unsent.
    pub(crate) fn send(&mut self, times: usize, frames: &Frames, poller: &Poller) -> Result<(), Failure> {
        let had_unsent = self.unsent > 0;
        self.unsent += times * frames.frame_bytes;
        while self.unsent > 0 {
            match self.stream.write(&frames.outgoing[frames.outgoing.len() - self.unsent..]) {
                Ok(bytes) => self.unsent -= bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        if had_unsent != (self.unsent > 0) {
            poller.watch_writable(&self.stream, self.key, self.unsent > 0)?;
        }
        Ok(())
    }

    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent > 0
    }

    /// Reads once; the frames that were completed, each checked.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], frames: &Frames) -> Result<usize, Failure> {
        let bytes = match self.stream.read(buffer) {
            Ok(0) => return Err("the server ended a connection".into()),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let mut rest = &buffer[..bytes];
        let mut completed = 0;
        while !rest.is_empty() {
            let awaited = &frames.expected[self.received..];
            let (come, after) = rest.split_at(awaited.len().min(rest.len()));
            let compared = if self.received_frames.is_multiple_of(COMPARED_EVERY) {
                come.len()
            } else {
                frames.header_bytes.saturating_sub(self.received).min(come.len())
            };
            if come[..compared] != awaited[..compared] {
                return Err(format!("an unexpected frame: {:?}", &come[..come.len().min(200)]).into());
            }
            rest = after;
            self.received += come.len();
            if self.received == frames.expected.len() {
                self.received = 0;
                self.received_frames += 1;
                completed += 1;
            }
        }
        Ok(completed)
    }
}
