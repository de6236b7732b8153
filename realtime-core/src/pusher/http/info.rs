use super::error::ApiError;
use crate::json::push_string;
use crate::{ChannelKind, ChannelName, Hub, Roster};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a request wants to know of channels: its `info`, such as `user_count,subscription_count`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelInfo {
    wanted: Vec<Attribute>,
}

/// One thing to know of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    /// How many members a presence channel has; other channels have none.
    UserCount,
    /// How many clients are subscribed.
    SubscriptionCount,
}

impl Attribute {
    const fn name(self) -> &'static str {
        match self {
            Self::UserCount => "user_count",
            Self::SubscriptionCount => "subscription_count",
        }
    }

    fn of(self, channel: &ChannelName, hub: &Hub) -> Option<usize> {
        match (self, channel.kind()) {
            (Self::UserCount, ChannelKind::Presence) => Some(hub.presence(channel).map_or(0, Roster::len)),
            (Self::UserCount, ChannelKind::Public | ChannelKind::Private) => None,
            (Self::SubscriptionCount, _) => Some(hub.subscriber_count(channel)),
        }
    }
}

impl ChannelInfo {
    /// Parses names joined by commas; empty: nothing is wanted.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut wanted = Vec::new();
        for name in text.split(',').filter(|name| !name.is_empty()) {
            let attribute = [Attribute::UserCount, Attribute::SubscriptionCount]
                .into_iter()
                .find(|attribute| attribute.name() == name)
                .ok_or_else(|| ApiError::UnknownInfo { name: name.to_string() })?;
            if !wanted.contains(&attribute) {
                wanted.push(attribute);
            }
        }
        Ok(Self { wanted })
    }

    /// The answer to a publish: `{}`, or, where something is wanted, `{"channels":{C:{"user_count":n},…}}`.
    pub(super) fn answer(&self, channels: &[ChannelName], hub: &Hub) -> String {
        if self.wanted.is_empty() {
            return "{}".to_string();
        }
        let mut answer = String::from(r#"{"channels":{"#);
        for (index, channel) in channels.iter().enumerate() {
            if index > 0 {
                answer.push(',');
            }
            push_string(&mut answer, channel.as_str());
            answer.push(':');
            self.push_object(&mut answer, channel, hub);
        }
        answer.push_str("}}");
        answer
    }

    fn push_object(&self, out: &mut String, channel: &ChannelName, hub: &Hub) {
        let known = self.wanted.iter().filter_map(|wanted| Some((wanted, wanted.of(channel, hub)?)));
        out.push('{');
        for (index, (attribute, count)) in known.enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_string(out, attribute.name());
            out.push(':');
            out.push_str(&count.to_string());
        }
        out.push('}');
    }
}
