use super::error::ApiError;
use super::info::{Attribute, ChannelInfo};
use crate::json::push_string;
use crate::pusher::query::Query;
use crate::{ChannelKind, ChannelName, ChannelWalk, Hub, Roster};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

/// What is known of one channel: the query of `GET /apps/{id}/channels/{channel}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeChannel {
    channel: ChannelName,
    info: ChannelInfo,
}

impl DescribeChannel {
    /// Parses `info`, all that the query may have beside the signature.
    ///
    /// # Errors
    /// [`ApiError`]: it asks for something that is not known of channels, or not of this one.
    pub fn parse(channel: ChannelName, query: &Query) -> Result<Self, ApiError> {
        let info = ChannelInfo::parse(query.value("info").unwrap_or_default())?;
        match channel.kind() {
            ChannelKind::Public | ChannelKind::Private if info.wants(Attribute::UserCount) => {
                Err(ApiError::NoPresenceChannel { channel })
            }
            ChannelKind::Public | ChannelKind::Private | ChannelKind::Presence => Ok(Self { channel, info }),
        }
    }

    /// The JSON to answer with: `{"occupied":true,"user_count":n,…}`.
    #[must_use]
    pub fn answer(&self, hub: &Hub) -> String {
        let is_occupied = hub.subscriber_count(&self.channel) > 0;
        let mut answer = String::from(r#"{"occupied":"#);
        answer.push_str(if is_occupied { "true" } else { "false" });
        self.info.push_fields(&mut answer, &self.channel, hub);
        answer.push('}');
        answer
    }
}

/// The JSON to answer `GET /apps/{id}/channels/{channel}/users` with: `{"users":[{"id":…},…]}`, in the order in
/// which they joined.
///
/// # Errors
/// [`ApiError::NoPresenceChannel`].
pub fn list_users(channel: &ChannelName, hub: &Hub) -> Result<String, ApiError> {
    match channel.kind() {
        ChannelKind::Public | ChannelKind::Private => {
            return Err(ApiError::NoPresenceChannel { channel: channel.clone() });
        }
        ChannelKind::Presence => {}
    }
    let mut answer = String::from(r#"{"users":["#);
    for (index, member) in hub.presence(channel).into_iter().flat_map(Roster::members).enumerate() {
        answer.push_str(if index > 0 { r#",{"id":"# } else { r#"{"id":"# });
        answer.push_str(member.id_json());
        answer.push('}');
    }
    answer.push_str("]}");
    Ok(answer)
}

/// The channels with a subscriber: the query of `GET /apps/{id}/channels`, and the answer as it grows.
///
/// ```
/// use realtime_core::pusher::Query;
/// use realtime_core::pusher::http::{ListChannels, Listing};
///
/// # let hub = realtime_core::Hub::new(realtime_core::Config::default(), realtime_core::wire::Pusher, [0; 16]);
/// # let query = Query::parse("filter_by_prefix=presence-&info=user_count")?;
/// let mut list = ListChannels::parse(&query, 100_000)?;
/// // Between two looks, others may have the hub.
/// while list.look(&hub)? == Listing::Goes {}
/// assert_eq!(list.answer(), r#"{"channels":{}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListChannels {
    prefix: String,
    info: ChannelInfo,
    limit: usize,
    walk: ChannelWalk,
    // What is wanted of each, as a JSON object. By name, since one that went and came is met twice.
    found: BTreeMap<ChannelName, String>,
}

/// Whether a [`ListChannels`] has seen all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// There are more.
    Goes,
    /// It has.
    Done,
}

impl ListChannels {
    /// Parses `filter_by_prefix` and `info`; the answer tells of `limit` channels at most.
    ///
    /// # Errors
    /// [`ApiError`]: `info` asks for something that is not known of channels, or not of all with that prefix.
    pub fn parse(query: &Query, limit: usize) -> Result<Self, ApiError> {
        let prefix = query.value("filter_by_prefix").unwrap_or_default().to_string();
        let info = ChannelInfo::parse(query.value("info").unwrap_or_default())?;
        if info.wants(Attribute::UserCount) && !prefix.starts_with("presence-") {
            return Err(ApiError::NoPresencePrefix);
        }
        Ok(Self { prefix, info, limit, walk: ChannelWalk::default(), found: BTreeMap::new() })
    }

    /// Looks at some more channels, so few that it takes no time worth speaking of. Channels that come or go
    /// before the last look may be found or not.
    ///
    /// # Errors
    /// [`ApiError::TooManyChannelsFound`]: there are more than the limit.
    pub fn look(&mut self, hub: &Hub) -> Result<Listing, ApiError> {
        let Some(channels) = self.walk.step(hub) else { return Ok(Listing::Done) };
        for channel in channels.filter(|channel| channel.as_str().starts_with(&self.prefix)) {
            let mut object = String::new();
            self.info.push_object(&mut object, channel, hub);
            self.found.insert(channel.clone(), object);
        }
        if self.found.len() > self.limit {
            return Err(ApiError::TooManyChannelsFound { limit: self.limit });
        }
        Ok(Listing::Goes)
    }

    /// The JSON to answer with: `{"channels":{C:{"user_count":n},…}}`, by name.
    #[must_use]
    pub fn answer(&self) -> String {
        let mut answer = String::from(r#"{"channels":{"#);
        for (index, (channel, object)) in self.found.iter().enumerate() {
            if index > 0 {
                answer.push(',');
            }
            push_string(&mut answer, channel.as_str());
            answer.push(':');
            answer.push_str(object);
        }
        answer.push_str("}}");
        answer
    }
}
