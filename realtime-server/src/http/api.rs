//! `/apps/{id}/…`: what the app's own server asks for, known by its signature.

use super::answer::{Answer, Refusal, json};
use super::body;
use super::limits::HttpLimits;
use super::publishing::{publish, publish_all};
use crate::gateway::Shared;
use crate::served_app::ServedApp;
use hyper::body::Incoming;
use realtime_core::pusher::Query;
use realtime_core::pusher::http::{
    ApiCall, ApiError, ApiRequest, DescribeChannel, Endpoint, ListChannels, Listing, Publish, PublishBatch,
    SignedRequest, list_users,
};
use smol::future;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) async fn answer(
    call: Result<ApiCall<'_>, ApiError>,
    request: &ApiRequest<'_>,
    body: Incoming,
    shared: &Shared,
) -> Result<Answer, Refusal> {
    match call.and_then(|call| identify(call, request, shared)) {
        Ok(Identified { app, endpoint, signed }) => {
            let body = body::read(body, &shared.http).await?;
            perform(endpoint, signed.query(), signed.body(&body)?, &app, &shared.http).await
        }
        Err(error) => {
            body::discard(body, &shared.http).await;
            Err(error.into())
        }
    }
}

/// What an app's own server asks for.
struct Identified {
    app: Arc<ServedApp>,
    endpoint: Endpoint,
    signed: SignedRequest,
}

/// What is asked for, if it is the app's own server that asks; without its body, so that nobody else has one kept.
fn identify(call: ApiCall<'_>, request: &ApiRequest<'_>, shared: &Shared) -> Result<Identified, ApiError> {
    let app = match call.app_id {
        Some(app_id) => {
            shared.apps.by_id(app_id).ok_or_else(|| ApiError::NoSuchApp { app_id: app_id.into() })?
        }
        None => {
            let key = request.auth_key()?;
            shared.apps.by_key(&key).ok_or(ApiError::UnknownKey { key })?
        }
    };
    let signed = request.verify(&app.terms().config.app, unix_seconds())?;
    Ok(Identified { app, endpoint: call.endpoint, signed })
}

async fn perform(
    endpoint: Endpoint,
    query: &Query,
    body: &[u8],
    app: &ServedApp,
    limits: &HttpLimits,
) -> Result<Answer, Refusal> {
    let hub = &app.hub;
    match endpoint {
        Endpoint::PublishEvent => {
            let event = Publish::parse(body, &app.terms().config.publish)?;
            publish(&event, app)?;
            Ok(json(hub.look(|hub| event.answer(hub))))
        }
        Endpoint::PublishBatch => {
            let batch = PublishBatch::parse(body, &app.terms().config.publish)?;
            publish_all(&batch.events, app)?;
            Ok(json(hub.look(|hub| batch.answer(hub))))
        }
        Endpoint::ListChannels => {
            let mut list = ListChannels::parse(query, limits.max_listed_channels)?;
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
            app.users.terminate(&user_id);
            Ok(json("{}"))
        }
    }
}

fn unix_seconds() -> u64 {
    // A clock before 1970 is wrong, and then so is every timestamp: such requests are refused.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
