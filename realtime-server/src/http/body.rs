use super::answer::Refusal;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use smol::{Timer, future};
use std::time::Duration;

/// The longest body of a request. Enough for an event that keeps all limits of the API, however its text is escaped.
const MAX_BYTES: usize = 128 * 1024;

/// How much of a longer body is read all the same: a client that is still writing when the connection is closed
/// would not see the answer.
const MAX_BYTES_DISCARDED: u64 = 1024 * 1024;

/// How long the whole body may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The body, whole.
///
/// # Errors
/// It is too long (413), too slow (408) or broken off (400).
pub(super) async fn read(body: Incoming) -> Result<Vec<u8>, Refusal> {
    let too_slow = async {
        Timer::after(TIMEOUT).await;
        let reason = format!("the body took longer than {} s", TIMEOUT.as_secs());
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, reason))
    };
    future::or(read_all(body), too_slow).await
}

async fn read_all(mut body: Incoming) -> Result<Vec<u8>, Refusal> {
    let too_long = || {
        let reason = format!("the body is longer than {MAX_BYTES} bytes, the most accepted");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
    };
    if body.size_hint().lower() > MAX_BYTES_DISCARDED {
        return Err(too_long());
    }
    let mut kept = Vec::new();
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error))?;
        let Some(data) = frame.data_ref() else { continue };
        received += data.len() as u64;
        if received > MAX_BYTES_DISCARDED {
            return Err(too_long());
        }
        if received <= MAX_BYTES as u64 {
            kept.extend_from_slice(data);
        }
    }
    if received > MAX_BYTES as u64 { Err(too_long()) } else { Ok(kept) }
}
