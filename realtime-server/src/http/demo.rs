//! What is there in the demo only: a page, and endpoints that pages call and that sign and publish for
//! anyone.

use super::answer::{Answer, Refusal};
use super::body;
use super::page;
use super::visitor::Visitor;
use crate::gateway::Shared;
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use realtime_core::pusher::App;
use std::net::SocketAddr;

/// The demo of a gateway.
#[derive(Debug)]
pub(crate) struct DemoSite {
    pub(super) page: Bytes,
    pub(super) reach: Reach,
}

/// Who can connect to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only what runs on this machine, pages from elsewhere in its browsers included.
    Loopback,
    /// Others too.
    Network,
}

impl DemoSite {
    pub(crate) fn new(app: &App, address: SocketAddr) -> Self {
        let is_loopback = address.ip().to_canonical().is_loopback();
        let reach = if is_loopback { Reach::Loopback } else { Reach::Network };
        Self { page: page::render(app, address).into(), reach }
    }
}

pub(super) fn site(shared: &Shared) -> Result<&DemoSite, Refusal> {
    shared.demo.as_ref().ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, "this is part of the demo, which is off; --demo turns it on")
    })
}

/// Answers a request to an endpoint that pages call, by what `endpoint` makes of its body.
pub(super) async fn answer(
    head: &Parts,
    body: Incoming,
    shared: &Shared,
    endpoint: impl FnOnce(&[u8], &Shared) -> Result<Answer, Refusal>,
) -> Result<Answer, Refusal> {
    let visitor = Visitor::admit(head, site(shared)?.reach)?;
    let outcome = match head.method {
        Method::POST => body::read(body, &shared.http).await.and_then(|body| endpoint(&body, shared)),
        Method::OPTIONS => return Ok(visitor.preflight()),
        _ => Err(Refusal::method(&head.method, "POST, OPTIONS")),
    };
    Ok(visitor.readable(outcome.unwrap_or_else(Answer::from)))
}
