//! `POST /demo/publish`: an event from anyone, without a signature.

use super::answer::{Answer, Refusal, json};
use super::publishing::publish;
use crate::served_app::ServedApp;
use realtime_core::pusher::http::{ApiError, ChannelInfo, Publish, PublishLimits};
use realtime_core::pusher::{MAX_EVENT_NAME_BYTES, parse_channel_name};
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) fn answer(body: &[u8], app: &ServedApp) -> Result<Answer, Refusal> {
    publish(&parse(body, &app.terms().config.publish)?, app)?;
    Ok(json("{}"))
}

#[derive(Deserialize)]
struct Event<'a> {
    channel: Option<String>,
    event: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Parses `{"channel":…,"event":…,"data":…}`; data that is not a string is published as the JSON that it is.
fn parse(body: &[u8], limits: &PublishLimits) -> Result<Publish, ApiError> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::NotAnObject); // serde would take an array of the fields as well
    }
    let Event { channel, event, data } = serde_json::from_slice(body).map_err(not_json)?;
    let channel = parse_channel_name(&channel.ok_or(ApiError::Missing { field: "channel" })?)?;
    let event = event.filter(|event| !event.is_empty()).ok_or(ApiError::Missing { field: "event" })?;
    if event.len() > MAX_EVENT_NAME_BYTES {
        return Err(ApiError::EventNameTooLong { bytes: event.len() });
    }
    let data = data.ok_or(ApiError::Missing { field: "data" })?.get();
    let data =
        if data.starts_with('"') { serde_json::from_str(data).map_err(not_json)? } else { data.to_owned() };
    limits.admit_data(&data)?;
    Ok(Publish { event, channels: vec![channel], data, except: None, info: ChannelInfo::default() })
}

fn not_json(error: serde_json::Error) -> ApiError {
    ApiError::NotJson { reason: error.to_string() }
}
