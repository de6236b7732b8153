use core::fmt;
use core::str::FromStr;

use alloc::string::{String, ToString};

/// What an app's own server can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// `channel_occupied`: a channel has its first subscriber.
    ChannelOccupied,
    /// `channel_vacated`: a channel has lost its last subscriber, and has had none since for as long as events are
    /// held back.
    ChannelVacated,
    /// `member_added`: a member came into a presence channel, with its first client.
    MemberAdded,
    /// `member_removed`: a member left a presence channel, with its last client, and has not come back for as long as
    /// events are held back.
    MemberRemoved,
    /// `client_event`: a client sent an event to the others in its channel.
    ClientEvent,
    /// `cache_miss`: a client came into a cache channel for which there is no event.
    CacheMiss,
    /// `subscription_count`: the number of a channel's subscribers is another one. Never of presence channels.
    SubscriptionCount,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ChannelOccupied,
        Self::ChannelVacated,
        Self::MemberAdded,
        Self::MemberRemoved,
        Self::ClientEvent,
        Self::CacheMiss,
        Self::SubscriptionCount,
    ];

    /// Its name in a webhook.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChannelOccupied => "channel_occupied",
            Self::ChannelVacated => "channel_vacated",
            Self::MemberAdded => "member_added",
            Self::MemberRemoved => "member_removed",
            Self::ClientEvent => "client_event",
            Self::CacheMiss => "cache_miss",
            Self::SubscriptionCount => "subscription_count",
        }
    }
}

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(name: &str) -> Result<Self, UnknownEventType> {
        let known = Self::ALL.into_iter().find(|event| event.name() == name);
        known.ok_or_else(|| UnknownEventType { name: name.to_string() })
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of an event that there is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEventType {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownEventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no webhook event {:?}; there are ", self.name)?;
        for (index, event) in EventType::ALL.into_iter().enumerate() {
            write!(f, "{}{event}", if index > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownEventType {}

/// A set of [`EventType`]s.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventTypes {
    // One bit each, in the order of `EventType::ALL`.
    bits: u8,
}

impl EventTypes {
    /// All events.
    pub const ALL: Self = Self { bits: (1 << EventType::ALL.len()) - 1 };

    /// No event.
    pub const NONE: Self = Self { bits: 0 };

    /// Whether `event` is among them.
    #[must_use]
    pub const fn contains(self, event: EventType) -> bool {
        self.bits & Self::bit(event) != 0
    }

    /// Whether any of `events` is among them.
    #[must_use]
    pub fn contains_any(self, events: &[EventType]) -> bool {
        events.iter().any(|event| self.contains(*event))
    }

    /// Those that are in one of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits }
    }

    /// Each, in the order of [`EventType::ALL`].
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL.into_iter().filter(move |event| self.contains(*event))
    }

    const fn bit(event: EventType) -> u8 {
        1 << event as u8
    }
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(events: I) -> Self {
        events.into_iter().fold(Self::NONE, |all, event| Self { bits: all.bits | Self::bit(event) })
    }
}

impl fmt::Debug for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    #[test]
    fn every_event_is_known_by_its_name() {
        for event in EventType::ALL {
            assert_eq!(event.to_string().parse(), Ok(event));
        }
        let unknown = "member_add".parse::<EventType>().unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "there is no webhook event \"member_add\"; there are channel_occupied, channel_vacated, member_added, \
             member_removed, client_event, cache_miss, subscription_count"
        );
    }

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        for event in EventType::ALL {
            let one = EventTypes::from_iter([event, event]);
            assert_eq!(one.iter().collect::<Vec<_>>(), [event]);
            assert_eq!(EventTypes::NONE.union(one), one);
            assert!(one.contains_any(&EventType::ALL) && !EventTypes::NONE.contains_any(&EventType::ALL));
        }
        assert_eq!(EventTypes::from_iter(EventType::ALL), EventTypes::ALL);
        let set = EventTypes::from_iter([EventType::CacheMiss, EventType::ChannelVacated]);
        assert_eq!(format!("{set:?}"), "{ChannelVacated, CacheMiss}");
    }
}
