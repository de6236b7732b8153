use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// What the application's code gives, or `None` if it panicked, of which the panic hook has told.
///
/// A panic in code that concerns one client must not end the thread that serves them all.
pub(crate) fn contain<T>(call: impl FnOnce() -> T) -> Option<T> {
    // None of our locks is held meanwhile, and nothing of ours is half changed; what may be is the
    // application's own.
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Like [`contain`], for a future.
pub(crate) async fn contain_async<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match contain(|| future.as_mut().poll(context)) {
        Some(Poll::Ready(output)) => Poll::Ready(Some(output)),
        Some(Poll::Pending) => Poll::Pending,
        None => Poll::Ready(None),
    })
    .await
}
