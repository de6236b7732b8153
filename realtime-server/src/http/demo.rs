//! What is there in the demo only: endpoints that pages call and that sign and publish for anyone.

use super::answer::{Answer, Refusal};
use super::body;
use super::visitor::Visitor;
use crate::gateway::Shared;
use crate::served_app::ServedApp;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use std::net::SocketAddr;

/// Who can connect to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only what runs on this machine, pages from elsewhere in its browsers included.
    Loopback,
    /// Others too.
    Network,
}

impl Reach {
    pub(crate) fn of(address: SocketAddr) -> Self {
        if address.ip().to_canonical().is_loopback() { Self::Loopback } else { Self::Network }
    }
}

/// Answers a request to an endpoint that pages call, by what `endpoint` makes of its body.
pub(super) async fn answer(
    head: &Parts,
    body: Incoming,
    shared: &Shared,
    endpoint: impl FnOnce(&[u8], &ServedApp) -> Result<Answer, Refusal>,
) -> Result<Answer, Refusal> {
    let reach = shared.demo.ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, "this is part of the demo, which is off; --demo turns it on")
    })?;
    let visitor = Visitor::admit(head, reach)?;
    let outcome = match head.method {
        Method::POST => body::read(body, &shared.http).await.and_then(|body| endpoint(&body, &shared.first)),
        Method::OPTIONS => return Ok(visitor.preflight()),
        _ => Err(Refusal::method(&head.method, "POST, OPTIONS")),
    };
    Ok(visitor.readable(outcome.unwrap_or_else(Answer::from)))
}
