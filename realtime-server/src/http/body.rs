use super::answer::Refusal;
use super::limits::HttpLimits;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use smol::{Timer, future};

/// How much of a body that is too long is read all the same, in longest bodies: a client that is still
/// writing when the connection is closed would not see the answer.
const DISCARDED: usize = 8;

/// The body, whole.
///
/// # Errors
/// It is too long (413), too slow (408) or broken off (400).
pub(super) async fn read(body: Incoming, limits: &HttpLimits) -> Result<Vec<u8>, Refusal> {
    let too_slow = async {
        Timer::after(limits.body_timeout).await;
        let reason = format!("the body took longer than {:?}", limits.body_timeout);
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, reason))
    };
    let max_discarded = limits.max_body_bytes.saturating_mul(DISCARDED);
    future::or(read_all(body, limits.max_body_bytes, max_discarded), too_slow).await
}

/// Takes note of nothing in a body, and reads it all the same as far as [`read`] would: its sender may not look
/// for an answer before it has sent all.
pub(super) async fn discard(body: Incoming, limits: &HttpLimits) {
    let discarded = async {
        let _ = read_all(body, 0, limits.max_body_bytes.saturating_mul(DISCARDED)).await;
    };
    let given_up = async {
        Timer::after(limits.body_timeout).await;
    };
    future::or(discarded, given_up).await;
}

async fn read_all(mut body: Incoming, max_bytes: usize, max_discarded: usize) -> Result<Vec<u8>, Refusal> {
    let too_long = || {
        let reason = format!("the body is longer than {max_bytes} bytes, the most accepted");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
    };
    if body.size_hint().lower() > max_discarded as u64 {
        return Err(too_long());
    }
    let mut kept = Vec::new();
    let mut received = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error))?;
        let Some(data) = frame.data_ref() else { continue };
        received = received.saturating_add(data.len());
        if received > max_discarded {
            return Err(too_long());
        }
        if received <= max_bytes {
            kept.extend_from_slice(data);
        }
    }
    if received > max_bytes { Err(too_long()) } else { Ok(kept) }
}
