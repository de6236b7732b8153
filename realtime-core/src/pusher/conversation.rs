use super::credentials::SubscribeCredentials;
use super::error::ClientError;
use super::frames;
use super::message::ClientMessage;
use super::rate::{Allowance, Taken};
use super::settings::{ClientEvents, Settings};
use super::socket_id::SocketId;
use crate::{ChannelKind, ChannelName, ClientId, Credentials, Hub, Member};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use realtime_ws::{PreparedMessage, Timestamp};

/// One client's side of the protocol, from its greeting on: takes what it says and tells what is to be done.
///
/// Keeps no subscriptions, which are the hub's, and no liveness, which is the connection's. A connection
/// begins with [`greeting`](Self::greeting); then each of its messages gives one [`Reaction`].
#[derive(Clone, Debug)]
pub struct Conversation {
    socket_id: SocketId,
    settings: Arc<Settings>,
    client_events: Allowance,
}

/// What is to be done about a message of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Reaction {
    /// Nothing.
    Nothing,
    /// Send this to the client itself.
    Reply(PreparedMessage),
    /// Hand the hub [`Input::Subscribe`](crate::Input::Subscribe).
    Subscribe {
        /// The channel.
        channel: ChannelName,
        /// What the client shows for it; [`authorize`](super::authorize()) reads it.
        credentials: Credentials,
    },
    /// Hand the hub [`Input::Unsubscribe`](crate::Input::Unsubscribe).
    Unsubscribe {
        /// The channel.
        channel: ChannelName,
    },
    /// Hand the hub [`Input::Broadcast`](crate::Input::Broadcast), with the sender as `except`.
    Broadcast {
        /// The channel.
        channel: ChannelName,
        /// The client event, as its recipients get it.
        message: PreparedMessage,
    },
}

/// How a client is in a channel at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is not subscribed.
    Outside,
    /// It is subscribed.
    Subscriber,
    /// It is subscribed to a presence channel, and seen there as this member.
    Member(Member),
}

impl Standing {
    /// How `client` is in `channel`.
    #[must_use]
    pub fn of(client: ClientId, channel: &ChannelName, hub: &Hub) -> Self {
        match hub.member(client, channel) {
            Some(member) => Self::Member(member.clone()),
            None if hub.is_subscribed(client, channel) => Self::Subscriber,
            None => Self::Outside,
        }
    }
}

impl Conversation {
    /// The conversation of the connection `socket_id`.
    #[must_use]
    pub fn new(socket_id: SocketId, settings: Arc<Settings>) -> Self {
        Self { socket_id, settings, client_events: Allowance::UNUSED }
    }

    /// The connection's id: what signatures bind to.
    #[must_use]
    pub fn socket_id(&self) -> SocketId {
        self.socket_id
    }

    /// The first frame that the client gets.
    #[must_use]
    pub fn greeting(&self) -> String {
        frames::connection_established(self.socket_id, self.settings.activity_timeout_seconds)
    }

    /// Takes a text message. `standing` tells how the client is in a channel, as [`Standing::of`] does; it is
    /// asked at most once, and only for client events, so that all else needs no hub.
    ///
    /// A message that is not accepted is answered with an error event that says why; the connection lives.
    pub fn handle_text(
        &mut self,
        text: &str,
        standing: impl FnOnce(&ChannelName) -> Standing,
        now: Timestamp,
    ) -> Reaction {
        let reaction = ClientMessage::parse(text).and_then(|message| self.react(message, standing, now));
        reaction.unwrap_or_else(|error| refuse(&error))
    }

    /// Takes a binary message, which the protocol does not have.
    pub fn handle_binary(&mut self) -> Reaction {
        refuse(&ClientError::Binary)
    }

    fn react(
        &mut self,
        message: ClientMessage<'_>,
        standing: impl FnOnce(&ChannelName) -> Standing,
        now: Timestamp,
    ) -> Result<Reaction, ClientError> {
        match message {
            ClientMessage::Subscribe { channel, auth, channel_data } => {
                let channel_data = channel_data.as_deref();
                let shown = SubscribeCredentials { socket_id: self.socket_id, auth: &auth, channel_data };
                Ok(Reaction::Subscribe { channel, credentials: shown.encode() })
            }
            ClientMessage::Unsubscribe { channel } => Ok(Reaction::Unsubscribe { channel }),
            ClientMessage::Ping => Ok(Reaction::Reply(PreparedMessage::new(frames::PONG))),
            ClientMessage::Pong => Ok(Reaction::Nothing),
            ClientMessage::ClientEvent { event, channel, data } => {
                self.admit_client_event(&channel, data, now)?;
                let sender = match standing(&channel) {
                    Standing::Outside => {
                        return Err(ClientError::NotSubscribed { channel: channel.to_string() });
                    }
                    Standing::Subscriber => None,
                    Standing::Member(member) => Some(member),
                };
                let frame = frames::client_event(&channel, &event, data, sender.as_ref());
                Ok(Reaction::Broadcast { channel, message: PreparedMessage::new(&frame) })
            }
        }
    }

    /// All rules of client events that need no hub.
    fn admit_client_event(
        &mut self,
        channel: &ChannelName,
        data: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ClientError> {
        match self.settings.client_events {
            ClientEvents::Enabled => {}
            ClientEvents::Disabled => return Err(ClientError::ClientEventsDisabled),
        }
        match channel.kind() {
            ChannelKind::Private | ChannelKind::Presence => {}
            ChannelKind::Public => {
                return Err(ClientError::ClientEventOnPublicChannel { channel: channel.to_string() });
            }
        }
        let (bytes, limit) = (data.map_or(0, str::len), self.settings.max_client_event_bytes);
        if bytes > limit {
            return Err(ClientError::ClientEventTooLong { bytes, limit });
        }
        let per_second = self.settings.client_events_per_second;
        match self.client_events.take(per_second, now) {
            Taken::One => Ok(()),
            Taken::NothingLeft => Err(ClientError::TooManyClientEvents { per_second: per_second.get() }),
        }
    }
}

fn refuse(error: &ClientError) -> Reaction {
    Reaction::Reply(PreparedMessage::new(&frames::error(error.code(), error)))
}
