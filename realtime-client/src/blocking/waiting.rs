use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// Blocks until `poll` is ready. It is asked whenever its waker was woken, and after `patience`, if it names one.
pub(super) fn wait_for<T>(
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    patience: impl Fn() -> Option<Duration>,
) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(outcome) = poll(&mut context) {
            return outcome;
        }
        match patience() {
            None => thread::park(),
            Some(patience) => thread::park_timeout(patience),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
