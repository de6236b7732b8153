//! `/apps/{id}/…`: what the app's own server asks for, known by its signature.

use super::answer::{Answer, Refusal, json};
use super::body;
use super::publishing::{publish, publish_all};
use crate::gateway::Shared;
use hyper::body::Incoming;
use realtime_core::pusher::Query;
use realtime_core::pusher::http::{
    ApiCall, ApiError, ApiRequest, DescribeChannel, Endpoint, ListChannels, Listing, Publish, PublishBatch,
    PublishLimits, SignedRequest, list_users,
};
use smol::future;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) async fn answer(
    call: Result<ApiCall<'_>, ApiError>,
    request: &ApiRequest<'_>,
    body: Incoming,
    shared: &Shared,
) -> Result<Answer, Refusal> {
    match call.and_then(|call| identify(call, request, shared)) {
        Ok((endpoint, signed)) => {
            let body = body::read(body, &shared.http).await?;
            perform(endpoint, signed.query(), signed.body(&body)?, shared).await
        }
        Err(error) => {
            body::discard(body, &shared.http).await;
            Err(error.into())
        }
    }
}

/// What is asked for, if it is the app's own server that asks; without its body, so that nobody else has one kept.
fn identify(
    call: ApiCall<'_>,
    request: &ApiRequest<'_>,
    shared: &Shared,
) -> Result<(Endpoint, SignedRequest), ApiError> {
    if let Some(app_id) = call.app_id.filter(|app_id| *app_id != shared.app.id) {
        return Err(ApiError::NoSuchApp { app_id: app_id.into() });
    }
    let signed = request.verify(&shared.app, unix_seconds())?;
    Ok((call.endpoint, signed))
}

async fn perform(endpoint: Endpoint, query: &Query, body: &[u8], shared: &Shared) -> Result<Answer, Refusal> {
    let hub = &shared.hub;
    match endpoint {
        Endpoint::PublishEvent => {
            let event = Publish::parse(body, &PublishLimits::DEFAULT)?;
            publish(&event, shared)?;
            Ok(json(hub.look(|hub| event.answer(hub))))
        }
        Endpoint::PublishBatch => {
            let batch = PublishBatch::parse(body, &PublishLimits::DEFAULT)?;
            publish_all(&batch.events, shared)?;
            Ok(json(hub.look(|hub| batch.answer(hub))))
        }
        Endpoint::ListChannels => {
            let mut list = ListChannels::parse(query, shared.http.max_listed_channels)?;
            while hub.look(|hub| list.look(hub))? == Listing::Goes {
                future::yield_now().await; // to the other requests; clients need not wait anyway
            }
            Ok(json(list.answer()))
        }
        Endpoint::DescribeChannel { channel } => {
            let question = DescribeChannel::parse(channel, query)?;
            Ok(json(hub.look(|hub| question.answer(hub))))
        }
        Endpoint::ListUsers { channel } => Ok(json(hub.look(|hub| list_users(&channel, hub))?)),
        Endpoint::CountConnections => Ok(json(format!(r#"{{"connections":{}}}"#, hub.client_count()))),
        Endpoint::TerminateConnections { user_id } => {
            shared.users.terminate(&user_id);
            Ok(json("{}"))
        }
    }
}

fn unix_seconds() -> u64 {
    // A clock before 1970 is wrong, and then so is every timestamp: such requests are refused.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
