use realtime_adapter::contain;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

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
