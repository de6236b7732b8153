use super::event_type::{EventType, EventTypes};
use crate::json::push_string;
use crate::pusher::socket_id::SocketId;
use crate::{ChannelName, Member, Notice};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use realtime_ws::PreparedMessage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What happened in an app, of which [`Webhooks`](super::Webhooks) may tell its own server. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A client subscribed to a channel.
    Subscribed {
        /// The channel.
        channel: ChannelName,
        /// How many are subscribed to it with this one.
        subscribers: usize,
    },
    /// A client is no longer subscribed to a channel.
    Unsubscribed {
        /// The channel.
        channel: ChannelName,
        /// How many still are.
        subscribers: usize,
    },
    /// A member joined a presence channel.
    Joined {
        /// The channel.
        channel: ChannelName,
        /// Who.
        member: Member,
    },
    /// A member left a presence channel.
    Left {
        /// The channel.
        channel: ChannelName,
        /// Who.
        member: Member,
    },
    /// A client came into a cache channel for which there is no event.
    CacheMissed {
        /// The channel.
        channel: ChannelName,
    },
    /// A client sent an event to the others in a channel.
    ClientEvent {
        /// The channel.
        channel: ChannelName,
        /// Its sender's connection.
        sender: SocketId,
        /// The event as the others got it: what [`client_event`](crate::pusher::frames::client_event) made, and
        /// [`Reaction::Broadcast`](crate::pusher::Reaction) has. Of anything else nothing is told.
        message: PreparedMessage,
    },
}

impl Fact {
    /// What a hub's notice says, if that may be told; `None` for all else, and for what happens in the channels of
    /// [users](crate::pusher::User::channel), which are none of the app's own.
    #[must_use]
    pub fn of(notice: &Notice) -> Option<Self> {
        let fact = match notice {
            Notice::Subscribed { channel, subscribers, .. } => {
                Self::Subscribed { channel: channel.clone(), subscribers: *subscribers }
            }
            Notice::Unsubscribed { channel, subscribers, .. } => {
                Self::Unsubscribed { channel: channel.clone(), subscribers: *subscribers }
            }
            Notice::Joined { channel, member } => {
                Self::Joined { channel: channel.clone(), member: member.clone() }
            }
            Notice::Left { channel, member } => {
                Self::Left { channel: channel.clone(), member: member.clone() }
            }
            Notice::NothingRetained { channel, .. } => Self::CacheMissed { channel: channel.clone() },
            Notice::Denied { .. }
            | Notice::Dropped { .. }
            | Notice::TooSlow { .. }
            | Notice::Undelivered { .. }
            | Notice::Closed => return None,
        };
        (!fact.channel().as_str().starts_with('#')).then_some(fact)
    }

    /// Whether it may matter to an endpoint that wants `events`.
    #[must_use]
    pub fn concerns(&self, events: EventTypes) -> bool {
        events.contains_any(match self {
            Self::Subscribed { .. } | Self::Unsubscribed { .. } => {
                &[EventType::ChannelOccupied, EventType::ChannelVacated, EventType::SubscriptionCount]
            }
            Self::Joined { .. } | Self::Left { .. } => &[EventType::MemberAdded, EventType::MemberRemoved],
            Self::CacheMissed { .. } => &[EventType::CacheMiss],
            Self::ClientEvent { .. } => &[EventType::ClientEvent],
        })
    }

    /// About how many bytes it keeps in memory while it waits to be handed in.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = match self {
            Self::Subscribed { .. } | Self::Unsubscribed { .. } | Self::CacheMissed { .. } => 0,
            Self::Joined { member, .. } | Self::Left { member, .. } => 3 * member.to_json().len(),
            Self::ClientEvent { message, .. } => message.frame().len(),
        };
        size_of::<Self>() + self.channel().as_str().len() + text
    }

    fn channel(&self) -> &ChannelName {
        match self {
            Self::Subscribed { channel, .. }
            | Self::Unsubscribed { channel, .. }
            | Self::Joined { channel, .. }
            | Self::Left { channel, .. }
            | Self::CacheMissed { channel }
            | Self::ClientEvent { channel, .. } => channel,
        }
    }
}

/// An event about nothing but a channel: that it is occupied or vacated, or that its cache was missed.
pub(super) fn channel_event(event: EventType, channel: &ChannelName) -> Arc<str> {
    close(open(event, channel))
}

/// A member of a channel was added or removed.
pub(super) fn member_event(event: EventType, channel: &ChannelName, user_id: &str) -> Arc<str> {
    let mut json = open(event, channel);
    json.push_str(r#","user_id":"#);
    push_string(&mut json, user_id);
    close(json)
}

/// A channel has so many subscribers.
pub(super) fn subscription_count(channel: &ChannelName, subscribers: usize) -> Arc<str> {
    let mut json = open(EventType::SubscriptionCount, channel);
    json.push_str(&format!(r#","subscription_count":{subscribers}"#));
    close(json)
}

/// A client's event, from the frame in which the others got it; `None` if that is no client event.
pub(super) fn client_event(
    channel: &ChannelName,
    sender: SocketId,
    message: &PreparedMessage,
) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow)]
        event: &'a RawValue,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        #[serde(borrow)]
        user_id: Option<&'a RawValue>,
    }

    let Frame { event, data, user_id } = serde_json::from_slice(message.payload()).ok()?;
    let mut json = open(EventType::ClientEvent, channel);
    json.push_str(r#","event":"#);
    json.push_str(event.get());
    if let Some(data) = data.map(RawValue::get) {
        json.push_str(r#","data":"#);
        // Libraries expect a string. One that is no text, having half of a surrogate pair, stays JSON as all else does:
        // many parsers refuse it, and all that is told with it.
        let text = serde_json::from_str::<String>(data);
        push_string(&mut json, text.as_deref().unwrap_or(data));
    }
    json.push_str(&format!(r#","socket_id":"{sender}""#));
    if let Some(user_id) = user_id {
        json.push_str(r#","user_id":"#);
        json.push_str(user_id.get());
    }
    Some(close(json))
}

fn open(event: EventType, channel: &ChannelName) -> String {
    let mut json = format!(r#"{{"name":"{event}","channel":"#);
    push_string(&mut json, channel.as_str());
    json
}

fn close(mut json: String) -> Arc<str> {
    json.push('}');
    json.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Denial;
    use crate::client::client_id;
    use crate::pusher::frames;

    fn sender() -> SocketId {
        "12.34".parse().unwrap()
    }

    #[test]
    fn each_event_has_the_fields_of_the_protocol() {
        let room = ChannelName::from("presence-\"room\"");
        for (event, json) in [
            (
                channel_event(EventType::ChannelOccupied, &room),
                r#"{"name":"channel_occupied","channel":"presence-\"room\""}"#,
            ),
            (
                member_event(EventType::MemberRemoved, &room, "a\"da"),
                r#"{"name":"member_removed","channel":"presence-\"room\"","user_id":"a\"da"}"#,
            ),
            (
                subscription_count(&"news".into(), 7),
                r#"{"name":"subscription_count","channel":"news","subscription_count":7}"#,
            ),
        ] {
            assert_eq!(&*event, json);
        }
    }

    #[test]
    fn the_data_of_a_client_event_is_a_string_and_its_user_is_told_where_there_is_one() {
        let room = ChannelName::from("presence-room");
        let ada = Member::new("ada", "");
        for (data, member, fields) in [
            (
                Some(r#"{"x": "y"}"#),
                Some(&ada),
                r#""data":"{\"x\": \"y\"}","socket_id":"12.34","user_id":"ada""#,
            ),
            (Some(r#""as\nit is""#), None, r#""data":"as\nit is","socket_id":"12.34""#),
            (Some(r#""\ud800""#), None, r#""data":"\"\\ud800\"","socket_id":"12.34""#),
            (Some("[1]"), None, r#""data":"[1]","socket_id":"12.34""#),
            (None, None, r#""socket_id":"12.34""#),
        ] {
            let message = PreparedMessage::new(&frames::client_event(&room, "client-\"a\"", data, member));
            let expected = format!(
                r#"{{"name":"client_event","channel":"presence-room","event":"client-\"a\"",{fields}}}"#
            );
            assert_eq!(client_event(&room, sender(), &message).as_deref(), Some(&*expected));
        }
        for text in ["", "[]", r#"{"data":1}"#] {
            assert_eq!(client_event(&room, sender(), &text.into()), None, "{text}");
        }
    }

    #[test]
    fn a_notice_is_a_fact_if_it_tells_of_the_app_s_own_channels() {
        let (client, member) = (client_id(0), Member::new("ada", ""));
        let notices = |channel: ChannelName| {
            [
                Notice::Subscribed { client, channel: channel.clone(), subscribers: 2 },
                Notice::Unsubscribed { client, channel: channel.clone(), subscribers: 1 },
                Notice::Joined { channel: channel.clone(), member: member.clone() },
                Notice::Left { channel: channel.clone(), member: member.clone() },
                Notice::NothingRetained { client, channel },
            ]
        };
        let channel = ChannelName::from("presence-cache-room");
        let facts = [
            Fact::Subscribed { channel: channel.clone(), subscribers: 2 },
            Fact::Unsubscribed { channel: channel.clone(), subscribers: 1 },
            Fact::Joined { channel: channel.clone(), member: member.clone() },
            Fact::Left { channel: channel.clone(), member: member.clone() },
            Fact::CacheMissed { channel: channel.clone() },
        ];
        assert_eq!(notices(channel.clone()).each_ref().map(Fact::of), facts.map(Some));
        assert_eq!(notices("#server-to-user-ada".into()).each_ref().map(Fact::of), [const { None }; 5]);
        for notice in [
            Notice::Denied { client, channel, denial: Denial::NoAuthorizer },
            Notice::Dropped { client, messages: 1 },
            Notice::TooSlow { client },
            Notice::Undelivered { client, messages: 1 },
            Notice::Closed,
        ] {
            assert_eq!(Fact::of(&notice), None);
        }
    }

    #[test]
    fn a_fact_concerns_whoever_wants_an_event_that_it_may_lead_to_and_weighs_what_it_holds() {
        use EventType as E;
        let channel = ChannelName::from("presence-room");
        let member = Member::new("ada", r#"{"name":"Ada"}"#);
        let message = PreparedMessage::new(&frames::client_event(&channel, "client-a", None, None));
        let occupancy = &[E::ChannelOccupied, E::ChannelVacated, E::SubscriptionCount][..];
        let members = &[E::MemberAdded, E::MemberRemoved][..];
        for (fact, events, least_bytes) in [
            (Fact::Subscribed { channel: channel.clone(), subscribers: 1 }, occupancy, 13),
            (Fact::Unsubscribed { channel: channel.clone(), subscribers: 0 }, occupancy, 13),
            (Fact::Joined { channel: channel.clone(), member: member.clone() }, members, 60),
            (Fact::Left { channel: channel.clone(), member: member.clone() }, members, 60),
            (Fact::CacheMissed { channel: channel.clone() }, &[E::CacheMiss][..], 13),
            (
                Fact::ClientEvent { channel: channel.clone(), sender: sender(), message: message.clone() },
                &[E::ClientEvent][..],
                message.frame().len(),
            ),
        ] {
            for event in E::ALL {
                let concerns = fact.concerns(EventTypes::from_iter([event]));
                assert_eq!(concerns, events.contains(&event), "{fact:?} {event}");
            }
            assert!(fact.bytes() > least_bytes, "{fact:?}");
        }
    }
}
