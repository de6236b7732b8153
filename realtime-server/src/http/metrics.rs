//! `GET /metrics`: what the gateway counts, for Prometheus.

use super::answer::{Answer, Refusal, with_type};
use super::bearer;
use crate::gateway::Shared;
use crate::metrics::{Metrics, Readiness};
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) fn answer(headers: &HeaderMap, shared: &Shared) -> Result<Answer, Refusal> {
    match &shared.metrics {
        Metrics::Off => {
            let reason = "metrics are off; --metrics and --metrics-token turn them on";
            return Err(Refusal::new(StatusCode::NOT_FOUND, reason));
        }
        Metrics::Open => {}
        Metrics::Token(token) => bearer::admit(headers, token, "metrics are")?,
    }
    let readiness = if shared.course.leaving.is_reached() { Readiness::Leaving } else { Readiness::Ready };
    let (hubs, webhooks) = (shared.apps.counts(), shared.apps.webhooks());
    Ok(with_type(TEXT, shared.counters.render(&hubs, &webhooks, &shared.meter, readiness)))
}
