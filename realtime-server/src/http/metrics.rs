//! `GET /metrics`: what the gateway counts, for Prometheus.

use super::answer::{Answer, Refusal, with_type};
use crate::gateway::Shared;
use crate::metrics::Metrics;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) fn answer(headers: &HeaderMap, shared: &Shared) -> Result<Answer, Refusal> {
    match &shared.metrics {
        Metrics::Off => {
            let reason = "metrics are off; --metrics and --metrics-token turn them on";
            return Err(Refusal::new(StatusCode::NOT_FOUND, reason));
        }
        Metrics::Open => {}
        Metrics::Token(token) if bearer(headers).is_some_and(|sent| token.is(sent)) => {}
        Metrics::Token(_) => {
            let reason = "metrics are for whoever sends the token, as Authorization: Bearer TOKEN";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, reason)
                .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
    }
    Ok(with_type(TEXT, shared.counters.render(&shared.apps.counts(), &shared.apps.webhooks(), &shared.meter)))
}

/// The token that a request brings (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_start())
}
