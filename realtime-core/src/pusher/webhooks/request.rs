use crate::pusher::app::App;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::{fmt, str};

/// A request to be posted to an endpoint.
#[derive(Clone, Debug)]
pub struct Request {
    endpoint: usize,
    key: String,
    signature: String,
    body: Body,
}

/// What stands in a request. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Body(Bytes);

impl Body {
    /// Tells of `events`, which are JSON, as of `time_ms`.
    pub(super) fn new(events: &[Arc<str>], time_ms: u64) -> Self {
        let text = events.iter().map(|event| event.len() + ",".len()).sum::<usize>();
        let mut body = String::with_capacity(text + 64);
        // To write to a `String` does not fail.
        let _ = fmt::write(&mut body, format_args!(r#"{{"time_ms":{time_ms},"events":["#));
        for (index, event) in events.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(event);
        }
        body.push_str("]}");
        Self(Vec::from(body).into())
    }
}

impl Request {
    /// The request that brings `body` to `endpoint`, signed by `app`.
    pub(super) fn new(app: &App, endpoint: usize, body: Body) -> Self {
        // It was a `String`.
        let text = str::from_utf8(&body.0).unwrap_or_default();
        Self { endpoint, key: app.key.clone(), signature: app.secret.sign(text), body }
    }

    /// To which of the [`Webhooks`](super::Webhooks)' endpoints it goes, counted from zero.
    #[must_use]
    pub const fn endpoint(&self) -> usize {
        self.endpoint
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body.0
    }

    /// Its body, as a reference to the shared bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.body.0.clone()
    }

    /// The headers by which the app's own server knows that it is genuine, and what it is.
    #[must_use]
    pub fn headers(&self) -> [(&'static str, &str); 3] {
        [
            ("Content-Type", "application/json"),
            ("X-Pusher-Key", &self.key),
            ("X-Pusher-Signature", &self.signature),
        ]
    }
}

/// What came of a [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// An answer came, with this HTTP status; 200 to 299 accepts the events.
    Status(u16),
    /// No answer came, or none in time.
    None,
}

impl Response {
    /// Whether the endpoint has the events.
    #[must_use]
    pub const fn accepts(self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}
