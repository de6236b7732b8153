//! `POST /apps/{id}/events`: what the app's own server publishes, known by its signature.

use super::answer::{Answer, Refusal, json};
use super::body;
use crate::gateway::Shared;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use realtime_core::HubError;
use realtime_core::pusher::http::{ApiCall, ApiError, ApiRequest, Publish};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) async fn answer(head: &Parts, body: Incoming, shared: &Shared) -> Result<Answer, Refusal> {
    let (method, path) = (head.method.as_str(), head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    let request = ApiRequest { method, path, query, body: &[] };
    match request.call()? {
        ApiCall::PublishEvent { app_id } if app_id == shared.app.id => {
            let body = body::read(body, &shared.http).await?;
            let request = ApiRequest { body: &body, ..request };
            request.verify(&shared.app, unix_seconds())?;
            let event = Publish::parse(&body)?;
            publish(&event, shared)?;
            Ok(json(shared.hub.look(|hub| event.answer(hub))))
        }
        ApiCall::PublishEvent { app_id } => Err(ApiError::NoSuchApp { app_id: app_id.into() }.into()),
    }
}

/// Sends an event to its channels.
///
/// # Errors
/// [`HubError`]: the hub takes nothing at the moment; the channels before the one that it refused have got
/// the event.
pub(super) fn publish(event: &Publish, shared: &Shared) -> Result<(), HubError> {
    let except = event.except.and_then(|socket_id| shared.sockets.client(socket_id));
    for channel in &event.channels {
        let message = event.message(channel);
        shared.publish(channel, message, except)?;
    }
    Ok(())
}

fn unix_seconds() -> u64 {
    // A clock before 1970 is wrong, and then so is every timestamp: such requests are refused.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
