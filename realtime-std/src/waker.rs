use realtime_adapter::Wake;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// Wakes a thread that sleeps in a poll: its pipe is readable from a [`wake`](Self::wake) to the next
/// [`reset`](Self::reset).
pub(crate) struct Waker {
    /// Whether there is a byte in the pipe, or about to be: there is never more than one, so that writing never blocks.
    is_awake: AtomicBool,
    reader: PipeReader,
    writer: PipeWriter,
}

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self { is_awake: AtomicBool::new(false), reader, writer })
    }

    /// Call when the pipe is readable, before looking at what one was woken for.
    pub(crate) fn reset(&self) {
        let _ = (&self.reader).read(&mut [0]);
        self.is_awake.store(false, Ordering::Release);
    }
}

impl Wake for Waker {
    fn wake(&self) {
        if !self.is_awake.swap(true, Ordering::AcqRel) {
            // Both ends are open as long as this is, so that it cannot fail.
            let _ = (&self.writer).write(&[0]);
        }
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").field("is_awake", &self.is_awake).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn is_readable(waker: &Waker) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(waker, PollFlags::IN)], Some(&now)).unwrap() == 1
    }

    #[test]
    fn many_wakes_are_one_and_a_reset_ends_it() {
        let waker = Waker::new().unwrap();
        assert!(!is_readable(&waker));
        for _ in 0..100_000 {
            waker.wake();
        }
        assert!(is_readable(&waker));
        waker.reset();
        assert!(!is_readable(&waker));
        waker.wake();
        assert!(is_readable(&waker));
    }
}
