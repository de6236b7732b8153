use super::error::ApiError;
use super::info::ChannelInfo;
use crate::json::push_string;
use crate::pusher::channel_name::parse_channel_name;
use crate::pusher::socket_id::SocketId;
use crate::pusher::{MAX_EVENT_NAME_BYTES, frames};
use crate::{ChannelName, Hub};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use realtime_ws::PreparedMessage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How much an app's own server may publish in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishLimits {
    /// The longest data of an event, in bytes. Default 10 KiB. A longer one is answered with 413.
    pub max_event_bytes: usize,
    /// The most channels of one event. Default 100. With more, the answer is 400.
    pub max_channels: usize,
    /// The most events in a batch. Default 10. With more, the answer is 400.
    pub max_batch_events: usize,
}

impl PublishLimits {
    /// Those of the protocol's own documents.
    pub const DEFAULT: Self = Self { max_event_bytes: 10 * 1024, max_channels: 100, max_batch_events: 10 };

    /// Checks the data of an event, for gateways that take events by other ways too.
    ///
    /// # Errors
    /// [`ApiError::EventTooLong`].
    pub fn admit_data(&self, data: &str) -> Result<(), ApiError> {
        if data.len() > self.max_event_bytes {
            return Err(ApiError::EventTooLong { bytes: data.len(), limit: self.max_event_bytes });
        }
        Ok(())
    }
}

impl Default for PublishLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// An event that an app's own server publishes: the body of `POST /apps/{id}/events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// The event's name, at most [`MAX_EVENT_NAME_BYTES`].
    pub event: String,
    /// Where it goes: 1 to [`max_channels`](PublishLimits::max_channels) channels, each once.
    pub channels: Vec<ChannelName>,
    /// What its listeners get, at most [`max_event_bytes`](PublishLimits::max_event_bytes).
    pub data: String,
    /// A connection that does not get it, such as the one that caused it.
    pub except: Option<SocketId>,
    /// What its publisher wants to know of the channels.
    pub info: ChannelInfo,
}

impl Publish {
    /// Parses a body. `data` should be a string; other JSON is taken as the text that it is written with.
    ///
    /// # Errors
    /// [`ApiError`], with a text that names the limit where there is one.
    pub fn parse(body: &[u8], limits: &PublishLimits) -> Result<Self, ApiError> {
        let body: Body<'_> = parse_object(body)?;
        let event = body.name.ok_or(ApiError::Missing { field: "name" })?;
        if event.is_empty() {
            return Err(ApiError::Missing { field: "name" });
        }
        if event.len() > MAX_EVENT_NAME_BYTES {
            return Err(ApiError::EventNameTooLong { bytes: event.len() });
        }
        let data = text(body.data.ok_or(ApiError::Missing { field: "data" })?)?;
        limits.admit_data(&data)?;
        Ok(Self {
            event: event.into_owned(),
            channels: channels(body.channels.unwrap_or_default(), body.channel, limits)?,
            data: data.into_owned(),
            except: body.socket_id.map(|id| id.parse()).transpose()?,
            info: ChannelInfo::parse(&body.info.unwrap_or_default())?,
        })
    }

    /// The event as the subscribers of `channel` get it.
    #[must_use]
    pub fn message(&self, channel: &ChannelName) -> PreparedMessage {
        PreparedMessage::new(&frames::event(channel, &self.event, &self.data))
    }

    /// The JSON to answer the publisher with: `{}`, or what it wants to know of the channels.
    #[must_use]
    pub fn answer(&self, hub: &Hub) -> String {
        if self.info.is_empty() {
            return "{}".to_string();
        }
        let mut answer = String::from(r#"{"channels":{"#);
        for (index, channel) in self.channels.iter().enumerate() {
            if index > 0 {
                answer.push(',');
            }
            push_string(&mut answer, channel.as_str());
            answer.push(':');
            self.info.push_object(&mut answer, channel, hub);
        }
        answer.push_str("}}");
        answer
    }
}

/// Several events that an app's own server publishes at a time: the body of `POST /apps/{id}/batch_events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishBatch {
    /// The events, in order, at most [`max_batch_events`](PublishLimits::max_batch_events); each for one channel.
    pub events: Vec<Publish>,
}

impl PublishBatch {
    /// Parses a body, `{"batch":[…]}` with events such as [`Publish::parse`] takes.
    ///
    /// # Errors
    /// [`ApiError`], with a text that says which event is wrong and names the limit where there is one; then
    /// none of them is to be published.
    pub fn parse(body: &[u8], limits: &PublishLimits) -> Result<Self, ApiError> {
        let body: BatchBody<'_> = parse_object(body)?;
        let batch = body.batch.ok_or(ApiError::Missing { field: "batch" })?;
        if batch.len() > limits.max_batch_events {
            return Err(ApiError::TooManyEvents { events: batch.len(), limit: limits.max_batch_events });
        }
        let events = batch.into_iter().enumerate().map(|(index, event)| {
            parse_in_batch(event, limits).map_err(|error| ApiError::InBatch { index, error: Box::new(error) })
        });
        Ok(Self { events: events.collect::<Result<_, _>>()? })
    }

    /// The JSON to answer the publisher with: `{}`, or, where it wants to know something of a channel,
    /// `{"batch":[…]}` with an object for each event.
    #[must_use]
    pub fn answer(&self, hub: &Hub) -> String {
        if self.events.iter().all(|event| event.info.is_empty()) {
            return "{}".to_string();
        }
        let mut answer = String::from(r#"{"batch":["#);
        for (index, event) in self.events.iter().enumerate() {
            if index > 0 {
                answer.push(',');
            }
            for channel in &event.channels {
                event.info.push_object(&mut answer, channel, hub);
            }
        }
        answer.push_str("]}");
        answer
    }
}

fn parse_in_batch(event: &RawValue, limits: &PublishLimits) -> Result<Publish, ApiError> {
    let event = Publish::parse(event.get().as_bytes(), limits)?;
    match event.channels.len() {
        1 => Ok(event),
        channels => Err(ApiError::NotOneChannel { channels }),
    }
}

#[derive(Deserialize)]
struct BatchBody<'a> {
    #[serde(borrow)]
    batch: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    channels: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    socket_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    info: Option<Cow<'a, str>>,
}

/// The text that listeners get for `data`.
fn text(data: &RawValue) -> Result<Cow<'_, str>, ApiError> {
    if data.get().starts_with('"') {
        serde_json::from_str::<String>(data.get()).map(Cow::Owned).map_err(not_json)
    } else {
        Ok(Cow::Borrowed(data.get()))
    }
}

fn channels(
    many: Vec<Cow<'_, str>>,
    one: Option<Cow<'_, str>>,
    limits: &PublishLimits,
) -> Result<Vec<ChannelName>, ApiError> {
    let named = many.len() + usize::from(one.is_some());
    if named == 0 {
        return Err(ApiError::Missing { field: "channels" });
    }
    if named > limits.max_channels {
        return Err(ApiError::TooManyChannels { channels: named, limit: limits.max_channels });
    }
    let mut channels = Vec::with_capacity(named);
    for name in many.iter().chain(&one) {
        let channel = parse_channel_name(name)?;
        if !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    Ok(channels)
}

/// Parses a JSON object.
pub(super) fn parse_object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, ApiError> {
    // Serde would take an array of the fields as well.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::NotAnObject);
    }
    serde_json::from_slice(json).map_err(not_json)
}

fn not_json(error: serde_json::Error) -> ApiError {
    ApiError::NotJson { reason: error.to_string() }
}
