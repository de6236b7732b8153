use super::channel_name::parse_channel_name;
use super::error::ClientError;
use crate::ChannelName;
use alloc::borrow::Cow;
use alloc::string::ToString;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest name of an event, in bytes.
pub const MAX_EVENT_NAME_BYTES: usize = 200;

/// The longest `channel_data` of a subscribe, in bytes.
pub const MAX_CHANNEL_DATA_BYTES: usize = 1024;

/// What a client says in one text frame.
///
/// Fields are lent from the frame wherever no escape stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// `pusher:subscribe`: it wants to receive a channel's events.
    Subscribe {
        /// The channel.
        channel: ChannelName,
        /// `key:signature`, on one line; empty on public channels.
        auth: Cow<'a, str>,
        /// Who the client is in a presence channel, letter by letter as it was signed.
        channel_data: Option<Cow<'a, str>>,
    },
    /// `pusher:unsubscribe`: it no longer wants them.
    Unsubscribe {
        /// The channel.
        channel: ChannelName,
    },
    /// `pusher:signin`: it is a user of the app.
    SignIn {
        /// `key:signature`.
        auth: Cow<'a, str>,
        /// Which user, letter by letter as it was signed.
        user_data: Cow<'a, str>,
    },
    /// `pusher:ping`: it wants to hear that the server lives.
    Ping,
    /// `pusher:pong`: its answer to a ping.
    Pong,
    /// `client-*`: an event for the other subscribers of a channel.
    ClientEvent {
        /// The event's whole name, at most [`MAX_EVENT_NAME_BYTES`].
        event: Cow<'a, str>,
        /// The channel.
        channel: ChannelName,
        /// JSON, as it was sent; `None` if there was no `data`.
        data: Option<&'a str>,
    },
}

impl<'a> ClientMessage<'a> {
    /// Parses the text of one frame.
    ///
    /// As lenient as clients need it: `data` may be an object or a string that holds one, and may be anything
    /// or missing where nothing is expected in it. Unknown fields are ignored.
    ///
    /// # Errors
    /// [`ClientError`] says what is wrong and what is accepted.
    pub fn parse(text: &'a str) -> Result<Self, ClientError> {
        let envelope: Envelope<'a> = object(text, "the message")?;
        let event = string(envelope.event, "event")?.ok_or(ClientError::Missing { field: "event" })?;
        match &*event {
            "pusher:subscribe" => subscribe(envelope.data),
            "pusher:unsubscribe" => unsubscribe(envelope.data),
            "pusher:signin" => sign_in(envelope.data),
            "pusher:ping" => Ok(Self::Ping),
            "pusher:pong" => Ok(Self::Pong),
            name if name.len() > MAX_EVENT_NAME_BYTES => {
                Err(ClientError::EventNameTooLong { bytes: name.len() })
            }
            name if name.starts_with("client-") => {
                let channel = channel(envelope.channel, "channel")?;
                Ok(ClientMessage::ClientEvent { event, channel, data: envelope.data.map(RawValue::get) })
            }
            name => Err(ClientError::UnknownEvent { event: name.to_string() }),
        }
    }
}

fn subscribe<'a>(data: Option<&'a RawValue>) -> Result<ClientMessage<'a>, ClientError> {
    let data = SubscriptionData::parse(data)?;
    if data.auth.contains('\n') {
        return Err(ClientError::AuthNotOneLine);
    }
    if let Some(bytes) =
        data.channel_data.as_ref().map(|data| data.len()).filter(|n| *n > MAX_CHANNEL_DATA_BYTES)
    {
        return Err(ClientError::ChannelDataTooLong { bytes });
    }
    Ok(ClientMessage::Subscribe { channel: data.channel, auth: data.auth, channel_data: data.channel_data })
}

fn unsubscribe<'a>(data: Option<&'a RawValue>) -> Result<ClientMessage<'a>, ClientError> {
    Ok(ClientMessage::Unsubscribe { channel: SubscriptionData::parse(data)?.channel })
}

fn sign_in<'a>(data: Option<&'a RawValue>) -> Result<ClientMessage<'a>, ClientError> {
    let SignInData { auth, user_data } = SignInData::parse(data)?;
    Ok(ClientMessage::SignIn { auth, user_data })
}

/// The frame's object. Values stay text until it is known which of them matter.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The `data` of a subscribe or an unsubscribe.
struct SubscriptionData<'a> {
    channel: ChannelName,
    auth: Cow<'a, str>,
    channel_data: Option<Cow<'a, str>>,
}

impl<'a> SubscriptionData<'a> {
    fn parse(data: Option<&'a RawValue>) -> Result<Self, ClientError> {
        match object_of(data)? {
            Cow::Borrowed("") => Err(ClientError::Missing { field: "data.channel" }),
            Cow::Borrowed(text) => Self::parse_object(text),
            Cow::Owned(text) => SubscriptionData::parse_object(&text).map(SubscriptionData::into_owned),
        }
    }

    fn parse_object(text: &'a str) -> Result<Self, ClientError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow)]
            channel: Option<&'a RawValue>,
            #[serde(borrow)]
            auth: Option<&'a RawValue>,
            #[serde(borrow)]
            channel_data: Option<&'a RawValue>,
        }

        let fields: Fields<'a> = object(text, "data")?;
        Ok(Self {
            channel: channel(fields.channel, "data.channel")?,
            auth: string(fields.auth, "data.auth")?.unwrap_or_default(),
            channel_data: string(fields.channel_data, "data.channel_data")?,
        })
    }

    fn into_owned(self) -> SubscriptionData<'static> {
        SubscriptionData {
            channel: self.channel,
            auth: Cow::Owned(self.auth.into_owned()),
            channel_data: self.channel_data.map(|data| Cow::Owned(data.into_owned())),
        }
    }
}

/// The `data` of a sign-in.
struct SignInData<'a> {
    auth: Cow<'a, str>,
    user_data: Cow<'a, str>,
}

impl<'a> SignInData<'a> {
    fn parse(data: Option<&'a RawValue>) -> Result<Self, ClientError> {
        match object_of(data)? {
            Cow::Borrowed("") => Err(ClientError::Missing { field: "data.user_data" }),
            Cow::Borrowed(text) => Self::parse_object(text),
            Cow::Owned(text) => SignInData::parse_object(&text).map(SignInData::into_owned),
        }
    }

    fn parse_object(text: &'a str) -> Result<Self, ClientError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow)]
            auth: Option<&'a RawValue>,
            #[serde(borrow)]
            user_data: Option<&'a RawValue>,
        }

        let fields: Fields<'a> = object(text, "data")?;
        let user_data = string(fields.user_data, "data.user_data")?;
        Ok(Self {
            auth: string(fields.auth, "data.auth")?.unwrap_or_default(),
            user_data: user_data.ok_or(ClientError::Missing { field: "data.user_data" })?,
        })
    }

    fn into_owned(self) -> SignInData<'static> {
        SignInData {
            auth: Cow::Owned(self.auth.into_owned()),
            user_data: Cow::Owned(self.user_data.into_owned()),
        }
    }
}

/// The text of the object that `data` is, or that it holds as a string.
fn object_of(data: Option<&RawValue>) -> Result<Cow<'_, str>, ClientError> {
    let data = data.ok_or(ClientError::Missing { field: "data" })?;
    if data.get().starts_with('"') { string_value(data, "data") } else { Ok(Cow::Borrowed(data.get())) }
}

/// The object that `text` writes; serde would take an array of the fields as well.
fn object<'a, T: Deserialize<'a>>(text: &'a str, what: &'static str) -> Result<T, ClientError> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(not_json);
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Err(ClientError::NotAnObject { what }),
        Err(error) => Err(not_json(error)),
    }
}

fn channel(field: Option<&RawValue>, name: &'static str) -> Result<ChannelName, ClientError> {
    let channel = string(field, name)?.ok_or(ClientError::Missing { field: name })?;
    Ok(parse_channel_name(&channel)?)
}

fn string<'a>(field: Option<&'a RawValue>, name: &'static str) -> Result<Option<Cow<'a, str>>, ClientError> {
    field.map(|value| string_value(value, name)).transpose()
}

fn string_value<'a>(value: &'a RawValue, name: &'static str) -> Result<Cow<'a, str>, ClientError> {
    // Only with `borrow` does serde lend a `Cow`.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    if !value.get().starts_with('"') {
        return Err(ClientError::NotAString { field: name });
    }
    serde_json::from_str(value.get()).map(|Text(text)| text).map_err(not_json)
}

fn not_json(error: serde_json::Error) -> ClientError {
    ClientError::NotJson { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pusher::InvalidChannelName;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn subscribe_to<'a>(channel: &str, auth: &'a str, channel_data: Option<&'a str>) -> ClientMessage<'a> {
        ClientMessage::Subscribe {
            channel: channel.into(),
            auth: auth.into(),
            channel_data: channel_data.map(Cow::from),
        }
    }

    #[test]
    fn what_clients_send_is_understood() {
        let data = r#"{"user_id":"1"}"#;
        for (text, expected) in [
            (
                r#"{"event":"pusher:subscribe","data":{"auth":"","channel":"news"}}"#,
                subscribe_to("news", "", None),
            ),
            (r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#, subscribe_to("news", "", None)),
            (
                r#"{"event":"pusher:subscribe","data":{"channel":"news","auth":null}}"#,
                subscribe_to("news", "", None),
            ),
            (
                r#"{"event":"pusher:subscribe","data":"{\"channel\":\"private-a\",\"auth\":\"k:s\"}"}"#,
                subscribe_to("private-a", "k:s", None),
            ),
            (
                r#"{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"k:s","channel_data":"{\"user_id\":\"1\"}"}}"#,
                subscribe_to("presence-a", "k:s", Some(data)),
            ),
            (
                r#" {"data":{"channel":"\u006eews","more":[1]},"event":"pusher:unsubscribe","more":{}} "#,
                ClientMessage::Unsubscribe { channel: "news".into() },
            ),
            (
                r#"{"event":"pusher:signin","data":{"auth":"k:s","user_data":"{\"id\":\"7\"}"}}"#,
                ClientMessage::SignIn { auth: "k:s".into(), user_data: r#"{"id":"7"}"#.into() },
            ),
            (
                r#"{"event":"pusher:signin","data":"{\"user_data\":\"{\\\"id\\\":\\\"7\\\"}\"}"}"#,
                ClientMessage::SignIn { auth: "".into(), user_data: r#"{"id":"7"}"#.into() },
            ),
            (r#"{"event":"pusher:ping","data":{}}"#, ClientMessage::Ping),
            (r#"{"event":"pusher:ping","data":""}"#, ClientMessage::Ping),
            (r#"{"event":"pusher:ping"}"#, ClientMessage::Ping),
            (r#"{"event":"pusher:pong","data":null}"#, ClientMessage::Pong),
            (
                r#"{"event":"client-typing","channel":"private-a","data":{ "who": "\u00e9" }}"#,
                ClientMessage::ClientEvent {
                    event: "client-typing".into(),
                    channel: "private-a".into(),
                    data: Some(r#"{ "who": "\u00e9" }"#),
                },
            ),
            (
                r#"{"event":"client-typing","channel":"private-a"}"#,
                ClientMessage::ClientEvent {
                    event: "client-typing".into(),
                    channel: "private-a".into(),
                    data: None,
                },
            ),
        ] {
            assert_eq!(ClientMessage::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        use ClientError as E;
        let missing = |field| E::Missing { field };
        let not_a_string = |field| E::NotAString { field };
        for (text, expected) in [
            ("[]", E::NotAnObject { what: "the message" }),
            (r#"["pusher:ping",null,null]"#, E::NotAnObject { what: "the message" }),
            ("3", E::NotAnObject { what: "the message" }),
            ("{}", missing("event")),
            (r#"{"event":null}"#, missing("event")),
            (r#"{"event":3}"#, not_a_string("event")),
            (r#"{"event":["pusher:ping"]}"#, not_a_string("event")),
            (r#"{"event":"hello"}"#, E::UnknownEvent { event: "hello".into() }),
            (r#"{"event":""}"#, E::UnknownEvent { event: "".into() }),
            (r#"{"event":"pusher:subscribe"}"#, missing("data")),
            (r#"{"event":"pusher:subscribe","data":{}}"#, missing("data.channel")),
            (r#"{"event":"pusher:subscribe","data":""}"#, missing("data.channel")),
            (r#"{"event":"pusher:subscribe","data":["a","b","c"]}"#, E::NotAnObject { what: "data" }),
            (r#"{"event":"pusher:subscribe","data":"[]"}"#, E::NotAnObject { what: "data" }),
            (r#"{"event":"pusher:subscribe","data":7}"#, E::NotAnObject { what: "data" }),
            (r#"{"event":"pusher:subscribe","data":{"channel":7}}"#, not_a_string("data.channel")),
            (r#"{"event":"pusher:subscribe","data":{"channel":"a","auth":[]}}"#, not_a_string("data.auth")),
            (
                r#"{"event":"pusher:subscribe","data":{"channel":"a","channel_data":{"user_id":1}}}"#,
                not_a_string("data.channel_data"),
            ),
            (r#"{"event":"pusher:subscribe","data":{"channel":"a","auth":"k:s\n"}}"#, E::AuthNotOneLine),
            (r#"{"event":"pusher:subscribe","data":{"channel":""}}"#, E::Channel(InvalidChannelName::Empty)),
            (
                r##"{"event":"pusher:unsubscribe","data":{"channel":"#a"}}"##,
                E::Channel(InvalidChannelName::Reserved { name: "#a".into() }),
            ),
            (r#"{"event":"pusher:signin"}"#, missing("data")),
            (r#"{"event":"pusher:signin","data":""}"#, missing("data.user_data")),
            (r#"{"event":"pusher:signin","data":{"auth":"k:s"}}"#, missing("data.user_data")),
            (r#"{"event":"pusher:signin","data":{"user_data":{"id":"7"}}}"#, not_a_string("data.user_data")),
            (r#"{"event":"pusher:signin","data":{"auth":1,"user_data":"{}"}}"#, not_a_string("data.auth")),
            (r#"{"event":"client-a"}"#, missing("channel")),
            (r#"{"event":"client-a","channel":{}}"#, not_a_string("channel")),
        ] {
            assert_eq!(ClientMessage::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_the_place() {
        for text in [
            "",
            "hello",
            "{",
            r#"{"event":"pusher:ping"}}"#,
            r#"{"event":"pusher:ping","event":"pusher:pong"}"#,
            r#"{"event":"\ud800"}"#,
            r#"{'event':'pusher:ping'}"#,
            r#"{"event":"pusher:subscribe","data":"{"}"#,
            "{\"event\":\"a\nb\"}",
        ] {
            let Err(ClientError::NotJson { reason }) = ClientMessage::parse(text) else { panic!("{text}") };
            assert!(reason.contains("line 1 column"), "{text}: {reason}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let event = |length: usize| {
            format!(r#"{{"event":"client-{}","channel":"private-a"}}"#, "x".repeat(length - 7))
        };
        assert!(ClientMessage::parse(&event(MAX_EVENT_NAME_BYTES)).is_ok());
        let too_long = event(MAX_EVENT_NAME_BYTES + 1);
        assert_eq!(ClientMessage::parse(&too_long), Err(ClientError::EventNameTooLong { bytes: 201 }));

        let subscribe = |length: usize| {
            let data = "x".repeat(length);
            format!(
                r#"{{"event":"pusher:subscribe","data":{{"channel":"presence-a","channel_data":"{data}"}}}}"#
            )
        };
        assert!(ClientMessage::parse(&subscribe(MAX_CHANNEL_DATA_BYTES)).is_ok());
        let too_long = subscribe(MAX_CHANNEL_DATA_BYTES + 1);
        assert_eq!(ClientMessage::parse(&too_long), Err(ClientError::ChannelDataTooLong { bytes: 1025 }));
    }

    #[test]
    fn deep_nesting_in_relayed_data_costs_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let text = format!(r#"{{"event":"client-a","channel":"private-a","data":{deep}}}"#);
        assert!(ClientMessage::parse(&text).is_ok());
    }

    #[test]
    fn the_usual_frame_is_not_copied() {
        let text = r#"{"event":"client-a","channel":"private-a","data":"b"}"#;
        let Ok(ClientMessage::ClientEvent { event, .. }) = ClientMessage::parse(text) else { panic!() };
        assert!(matches!(event, Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = ClientMessage::parse(&text);
        }

        #[test]
        fn nearly_valid_text_does_not_make_it_panic(
            text in r#"\{("(event|data|channel)":("(pusher:subscribe|client-a|\{\\"channel\\":)"|\{"channel":"?[a-z#]*"?\}|\[|7|null),?){0,4}\}?"#
        ) {
            let _ = ClientMessage::parse(&text);
        }
    }
}
