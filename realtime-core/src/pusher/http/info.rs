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
pub(super) enum Attribute {
    /// How many members a presence channel has; other channels have none.
    UserCount,
    /// How many clients are subscribed.
    SubscriptionCount,
}

impl Attribute {
    const ALL: [Self; 2] = [Self::UserCount, Self::SubscriptionCount];

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
            let attribute = Attribute::ALL
                .into_iter()
                .find(|attribute| attribute.name() == name)
                .ok_or_else(|| ApiError::UnknownInfo { name: name.to_string() })?;
            if !wanted.contains(&attribute) {
                wanted.push(attribute);
            }
        }
        Ok(Self { wanted })
    }

    /// Whether nothing is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether `attribute` is wanted.
    pub(super) fn wants(&self, attribute: Attribute) -> bool {
        self.wanted.contains(&attribute)
    }

    /// Appends `{"user_count":n,…}`: what is wanted of `channel`, as far as it is known of channels of its
    /// kind.
    pub(super) fn push_object(&self, out: &mut String, channel: &ChannelName, hub: &Hub) {
        let start = out.len();
        self.push_fields(out, channel, hub);
        // Each field begins with a comma; that of the first makes room for the brace.
        if out.len() > start {
            out.replace_range(start..=start, "{");
        } else {
            out.push('{');
        }
        out.push('}');
    }

    /// Appends `,"user_count":n…`: what stands behind another field.
    pub(super) fn push_fields(&self, out: &mut String, channel: &ChannelName, hub: &Hub) {
        for attribute in &self.wanted {
            if let Some(count) = attribute.of(channel, hub) {
                out.push(',');
                push_string(out, attribute.name());
                out.push(':');
                out.push_str(&count.to_string());
            }
        }
    }
}
