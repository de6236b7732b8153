use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use realtime_core::pusher::http::ApiError;
use std::fmt::Display;

/// What every request is answered with.
pub(super) type Answer = Response<Full<Bytes>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// 200 with JSON.
pub(super) fn json(body: impl Into<Bytes>) -> Answer {
    with_type(JSON, body)
}

/// 200 with a body of another type.
pub(super) fn with_type(content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(Full::new(body.into()));
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    answer
}

/// A request that is not done, as its client is told: `{"error":…}`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    reason: String,
    // In place of a reason that quotes what was sent.
    logged_reason: Option<&'static str>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: impl Display) -> Self {
        Self { status, reason: reason.to_string(), logged_reason: None, header: None }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason, without any of what was sent.
    pub(super) fn logged_reason(&self) -> &str {
        self.logged_reason.unwrap_or(&self.reason)
    }

    /// 405; `allowed` lists the methods that the path takes.
    pub(super) fn method(method: &hyper::Method, allowed: &'static str) -> Self {
        let reason = format!("this path takes {allowed}, not {method}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, reason).with(ALLOW, HeaderValue::from_static(allowed))
    }

    /// Adds a header to the answer.
    pub(super) fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some((name, value)), ..self }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let mut answer = json(serde_json::json!({ "error": refusal.reason }).to_string());
        *answer.status_mut() = refusal.status;
        if let Some((name, value)) = refusal.header {
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

/// Whether a backend is told what it sent.
fn quotes_body(error: &ApiError) -> bool {
    match error {
        ApiError::NotJson { .. } => true,
        ApiError::InBatch { error, .. } => quotes_body(error),
        ApiError::NoSuchPath { .. }
        | ApiError::MethodNotAllowed { .. }
        | ApiError::NoSuchApp { .. }
        | ApiError::Query(_)
        | ApiError::Unsigned { .. }
        | ApiError::WrongKey { .. }
        | ApiError::WrongAuthVersion { .. }
        | ApiError::InvalidTimestamp { .. }
        | ApiError::WrongTime { .. }
        | ApiError::WrongBodyMd5 { .. }
        | ApiError::WrongSignature { .. }
        | ApiError::NotAnObject
        | ApiError::Missing { .. }
        | ApiError::EventNameTooLong { .. }
        | ApiError::EventTooLong { .. }
        | ApiError::TooManyChannels { .. }
        | ApiError::Channel(_)
        | ApiError::SocketId(_)
        | ApiError::TooManyEvents { .. }
        | ApiError::NotOneChannel { .. }
        | ApiError::NoPresenceChannel { .. }
        | ApiError::NoPresencePrefix
        | ApiError::TooManyChannelsFound { .. }
        | ApiError::User(_)
        | ApiError::UnknownKey { .. }
        | ApiError::UnknownInfo { .. } => false,
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut refusal = Self::new(status, &error);
        if quotes_body(&error) {
            refusal.logged_reason = Some("the body is not the JSON that is accepted");
        }
        if let ApiError::MethodNotAllowed { allowed, .. } = error {
            return refusal.with(ALLOW, HeaderValue::from_static(allowed));
        }
        refusal
    }
}
