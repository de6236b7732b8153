use super::questions::QuestionId;
use crate::json::push_string;
use crate::pusher::{App, SigningString, SocketId};
use crate::{ChannelKind, ChannelName, Member};
use alloc::string::{String, ToString};
use core::fmt;
use serde::Deserialize;

/// What the application's authorizer is asked: to sign, as the app's server would, that this client may do
/// something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What the answer is to be given with.
    pub id: QuestionId,
    /// The connection that the signature is for, and that no other can use.
    pub socket_id: SocketId,
    /// What it wants to do.
    pub about: About,
}

/// What a client wants to be let in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// To subscribe to a private or presence channel.
    Channel(ChannelName),
    /// To be signed in as a user.
    User,
}

/// What an authorizer gives a client to show to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorization {
    /// `key:signature`.
    pub auth: String,
    /// As whom, letter by letter as it was signed: the `channel_data` of a presence channel, or the `user_data` of a
    /// sign-in. Without it, a presence channel is joined as the user as whom the client is signed in.
    pub data: Option<String>,
}

impl Question {
    /// Signs with the app's own secret, for programs that have it: `data` is the `channel_data` or `user_data`, and
    /// is left out of private channels.
    #[must_use]
    pub fn sign(&self, app: &App, data: Option<&str>) -> Authorization {
        let (socket_id, data) = (self.socket_id, data.filter(|_| self.has_data()));
        let auth = match &self.about {
            About::Channel(channel) => {
                app.auth(&SigningString::Channel { socket_id, channel: channel.as_str(), channel_data: data })
            }
            About::User => app.auth(&SigningString::User { socket_id, user_data: data.unwrap_or_default() }),
        };
        Authorization { auth, data: data.map(str::to_string) }
    }

    /// Signs with the app's own secret that the client is `member`: in presence channels, and as a user.
    ///
    /// ```
    /// use realtime_core::pusher::client::{About, Authorization, Question};
    /// use realtime_core::pusher::{App, Secret};
    /// use realtime_core::Member;
    ///
    /// # fn ask() -> Question {
    /// #     use realtime_core::pusher::client::{Action, Client, Config};
    /// #     let now = realtime_ws::Timestamp::START;
    /// #     let mut client = Client::new(Config::default(), 1);
    /// #     client.subscribe("presence-chat", now).unwrap();
    /// #     client.connect(now);
    /// #     let Some(Action::Open { connection }) = client.poll_action() else { panic!() };
    /// #     client.handle_text(connection, r#"{"event":"pusher:connection_established","data":{"socket_id":"1.2"}}"#, now);
    /// #     let Some(Action::Ask(question)) = client.poll_action() else { panic!() };
    /// #     question
    /// # }
    /// # let question: Question = ask();
    /// let app = App { id: "1".into(), key: "key".into(), secret: Secret::new("secret") };
    /// let authorization = question.sign_as(&app, &Member::new("7", r#"{"name":"Ada"}"#));
    /// assert_eq!(authorization.data.as_deref(), Some(r#"{"user_id":"7","user_info":{"name":"Ada"}}"#));
    /// ```
    #[must_use]
    pub fn sign_as(&self, app: &App, member: &Member) -> Authorization {
        let mut data = String::from(match self.about {
            About::Channel(_) => r#"{"user_id":"#,
            About::User => r#"{"id":"#,
        });
        push_string(&mut data, member.id());
        if let Some(info) = member.info() {
            data.push_str(r#","user_info":"#);
            data.push_str(info);
        }
        data.push('}');
        self.sign(app, Some(&data))
    }

    fn has_data(&self) -> bool {
        match &self.about {
            About::User => true,
            About::Channel(channel) => match channel.kind() {
                ChannelKind::Presence => true,
                ChannelKind::Private | ChannelKind::Public => false,
            },
        }
    }
}

impl Authorization {
    /// Reads what an application's auth endpoint answers:
    /// `{"auth":…}`, `{"auth":…,"channel_data":…}` or `{"auth":…,"user_data":…}`. What else is in it is ignored, such
    /// as the `shared_secret` of encrypted channels.
    ///
    /// # Errors
    /// [`InvalidAuthorization`] says what is wrong with it.
    pub fn parse(json: &str) -> Result<Self, InvalidAuthorization> {
        #[derive(Deserialize)]
        struct Answer {
            auth: String,
            channel_data: Option<String>,
            user_data: Option<String>,
        }

        let answer: Answer =
            serde_json::from_str(json).map_err(|error| InvalidAuthorization { reason: error.to_string() })?;
        Ok(Self { auth: answer.auth, data: answer.channel_data.or(answer.user_data) })
    }
}

/// An auth endpoint's answer that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAuthorization {
    /// What is wrong, and where.
    pub reason: String,
}

impl fmt::Display for InvalidAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer is not {{\"auth\":\"key:signature\",…}}: {}", self.reason)
    }
}

impl core::error::Error for InvalidAuthorization {}
