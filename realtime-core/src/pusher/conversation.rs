use super::app::App;
use super::channel_name::is_encrypted;
use super::credentials::{Identity, SubscribeCredentials};
use super::error::ClientError;
use super::frames;
use super::message::ClientMessage;
use super::rate::{Allowance, Taken};
use super::settings::{ClientEvents, Settings};
use super::signature::SigningString;
use super::socket_id::SocketId;
use super::user::{InvalidUserData, User};
use crate::{ChannelKind, ChannelName, ClientId, Credentials, Hub, Member};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use realtime_ws::{PreparedMessage, Timestamp};

/// One client's side of the protocol, from its greeting on: takes what it says and tells what is to be done.
///
/// Knows as whom the client is signed in. Keeps no subscriptions, which are the hub's, no liveness, which is the
/// connection's, and neither the app nor its settings, which may change while it lasts. A connection begins with [`greeting`](Self::greeting); then each of its messages gives
/// one [`Reaction`].
#[derive(Clone, Debug)]
pub struct Conversation {
    socket_id: SocketId,
    client_events: Allowance,
    sign_ins: Allowance,
    // Once set, always of the same id.
    user: Option<Arc<User>>,
}

/// What is to be done about a message of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Reaction {
    /// Nothing.
    Nothing,
    /// Send this to the client itself.
    Reply(PreparedMessage),
    /// The client is signed in as `user` from now on, or still, with other data: [`Users`](super::Users) is to
    /// know. Then send `reply` to the client itself.
    SignIn {
        /// Who it is.
        user: Arc<User>,
        /// What it is told.
        reply: PreparedMessage,
    },
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
    /// The conversation of the connection `socket_id` with a client.
    #[must_use]
    pub const fn new(socket_id: SocketId) -> Self {
        Self { socket_id, client_events: Allowance::UNUSED, sign_ins: Allowance::UNUSED, user: None }
    }

    /// The connection's id: what signatures bind to.
    #[must_use]
    pub fn socket_id(&self) -> SocketId {
        self.socket_id
    }

    /// The first frame that the client gets.
    #[must_use]
    pub fn greeting(&self, settings: &Settings) -> String {
        frames::connection_established(self.socket_id, settings.activity_timeout_seconds)
    }

    /// As whom the client is signed in; `None` if it is not.
    #[must_use]
    pub fn user(&self) -> Option<&Arc<User>> {
        self.user.as_ref()
    }

    /// Takes a text message from a client of `app`, as that is now. `standing` tells how the client is in a channel, as [`Standing::of`] does; it is
    /// asked at most once, and only for client events, so that all else needs no hub.
    ///
    /// A message that is not accepted is answered with an error event that says why; the connection lives.
    pub fn handle_text(
        &mut self,
        text: &str,
        app: &App,
        settings: &Settings,
        standing: impl FnOnce(&ChannelName) -> Standing,
        now: Timestamp,
    ) -> Reaction {
        let reaction =
            ClientMessage::parse(text).and_then(|message| self.react(message, app, settings, standing, now));
        reaction.unwrap_or_else(|error| refuse(&error))
    }

    /// Takes a binary message, which the protocol does not have.
    pub fn handle_binary(&mut self) -> Reaction {
        refuse(&ClientError::Binary)
    }

    fn react(
        &mut self,
        message: ClientMessage<'_>,
        app: &App,
        settings: &Settings,
        standing: impl FnOnce(&ChannelName) -> Standing,
        now: Timestamp,
    ) -> Result<Reaction, ClientError> {
        match message {
            ClientMessage::Subscribe { channel, auth, channel_data } => {
                Ok(self.subscribe(channel, &auth, channel_data.as_deref()))
            }
            ClientMessage::Unsubscribe { channel } => Ok(Reaction::Unsubscribe { channel }),
            ClientMessage::SignIn { auth, user_data } => self.sign_in(&auth, &user_data, app, settings, now),
            ClientMessage::Ping => Ok(Reaction::Reply(PreparedMessage::new(frames::PONG))),
            ClientMessage::Pong => Ok(Reaction::Nothing),
            ClientMessage::ClientEvent { event, channel, data } => {
                self.admit_client_event(&channel, data, settings, now)?;
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

    fn subscribe(&self, channel: ChannelName, auth: &str, channel_data: Option<&str>) -> Reaction {
        let user = self.user.as_deref();
        // The hub takes these channels for public ones.
        if channel.as_str().starts_with('#') && user.is_none_or(|user| User::channel(user.id()) != channel) {
            let error = "only whoever is signed in as this user receives its events";
            let denied = frames::subscription_error(&channel, "AuthError", &error, 401);
            return Reaction::Reply(PreparedMessage::new(&denied));
        }
        let identity = match (channel_data, user) {
            (Some(channel_data), _) => Identity::ChannelData(channel_data),
            (None, Some(user)) if channel.kind() == ChannelKind::Presence => {
                Identity::User(user.member().to_json())
            }
            (None, _) => Identity::None,
        };
        let shown = SubscribeCredentials { socket_id: self.socket_id, auth, identity };
        Reaction::Subscribe { channel, credentials: shown.encode() }
    }

    fn sign_in(
        &mut self,
        auth: &str,
        user_data: &str,
        app: &App,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Reaction, ClientError> {
        let per_second = settings.sign_ins_per_second;
        match self.sign_ins.take(per_second, now) {
            Taken::One => {}
            Taken::NothingLeft => return Err(ClientError::TooManySignIns { per_second: per_second.get() }),
        }
        let user = User::parse(user_data);
        if let Err(too_long @ InvalidUserData::TooLong { .. }) = user {
            return Err(too_long.into()); // a digest of it would be work for nothing
        }
        app.verify_auth(auth, &SigningString::User { socket_id: self.socket_id, user_data })?;
        let user = user?;
        let reply = PreparedMessage::new(&frames::signin_success(user_data));
        match self.user.as_deref() {
            // What it is subscribed to as the earlier user would otherwise stay.
            Some(earlier) if earlier.id() != user.id() => {
                return Err(ClientError::SignedInAs { user_id: earlier.id().to_string() });
            }
            // Nobody has to be told, so that who repeats itself keeps nobody else waiting.
            Some(earlier) if *earlier == user => return Ok(Reaction::Reply(reply)),
            Some(_) | None => {}
        }
        let user = Arc::new(user);
        self.user = Some(user.clone());
        Ok(Reaction::SignIn { user, reply })
    }

    /// All rules of client events that need no hub.
    fn admit_client_event(
        &mut self,
        channel: &ChannelName,
        data: Option<&str>,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<(), ClientError> {
        match settings.client_events {
            ClientEvents::Enabled => {}
            ClientEvents::Disabled => return Err(ClientError::ClientEventsDisabled),
        }
        match channel.kind() {
            ChannelKind::Private | ChannelKind::Presence => {}
            ChannelKind::Public => {
                return Err(ClientError::ClientEventOnPublicChannel { channel: channel.to_string() });
            }
        }
        if is_encrypted(channel) {
            return Err(ClientError::ClientEventOnEncryptedChannel { channel: channel.to_string() });
        }
        let (bytes, limit) = (data.map_or(0, str::len), settings.max_client_event_bytes);
        if bytes > limit {
            return Err(ClientError::ClientEventTooLong { bytes, limit });
        }
        let per_second = settings.client_events_per_second;
        match self.client_events.take(per_second, now) {
            Taken::One => Ok(()),
            Taken::NothingLeft => Err(ClientError::TooManyClientEvents { per_second: per_second.get() }),
        }
    }
}

fn refuse(error: &ClientError) -> Reaction {
    Reaction::Reply(PreparedMessage::new(&frames::error(error.code(), error)))
}
