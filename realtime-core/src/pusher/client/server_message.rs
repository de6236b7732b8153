use crate::pusher::SocketId;
use crate::{ChannelKind, ChannelName, Member, Roster};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a server says in one text frame.
#[derive(Debug)]
pub(super) enum ServerMessage {
    Established { socket_id: SocketId, activity_timeout: Option<Duration> },
    Error { code: Option<u16>, message: String },
    Ping,
    Pong,
    SubscriptionSucceeded { channel: ChannelName, roster: Option<Roster> },
    SubscriptionError { channel: ChannelName, status: Option<u16>, reason: String },
    MemberAdded { channel: ChannelName, member: Member },
    MemberRemoved { channel: ChannelName, user_id: String },
    SubscriptionCount { channel: ChannelName, subscribers: u64 },
    CacheMiss { channel: ChannelName },
    SignedIn { user_id: String, user_data: String },
    Watchlist { online: Vec<String>, offline: Vec<String> },
    Event { channel: Option<ChannelName>, event: String, data: String, user_id: Option<String> },
}

impl ServerMessage {
    /// Parses the text of one frame, or says what is wrong with it.
    ///
    /// Servers differ: `data` may be JSON, or a string that holds it; ids may be numbers.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            event: String,
            channel: Option<String>,
            #[serde(borrow)]
            data: Option<&'a RawValue>,
            #[serde(borrow)]
            user_id: Option<&'a RawValue>,
        }

        let Envelope { event, channel, data, user_id } = read(text, "the message")?;
        let data = match data {
            Some(data) => content(data)?,
            None => String::new(),
        };
        let of_channel = || {
            let name = channel.as_ref().ok_or_else(|| format!("{event} has no channel"))?;
            Ok::<_, String>(ChannelName::from(name))
        };
        match &*event {
            "pusher:connection_established" => established(&data),
            "pusher:error" => error(&data),
            "pusher:ping" => Ok(Self::Ping),
            "pusher:pong" => Ok(Self::Pong),
            "pusher_internal:subscription_succeeded" => subscription_succeeded(of_channel()?, &data),
            "pusher:subscription_error" => Ok(subscription_error(of_channel()?, &data)),
            "pusher_internal:member_added" => member_added(of_channel()?, &data),
            "pusher_internal:member_removed" => {
                #[derive(Deserialize)]
                struct Data<'a> {
                    #[serde(borrow)]
                    user_id: &'a RawValue,
                }

                let Data { user_id } = read(&data, &event)?;
                Ok(Self::MemberRemoved { channel: of_channel()?, user_id: content(user_id)? })
            }
            "pusher_internal:subscription_count" => {
                #[derive(Deserialize)]
                struct Data {
                    subscription_count: u64,
                }

                let Data { subscription_count: subscribers } = read(&data, &event)?;
                Ok(Self::SubscriptionCount { channel: of_channel()?, subscribers })
            }
            "pusher:cache_miss" => Ok(Self::CacheMiss { channel: of_channel()? }),
            "pusher:signin_success" => signed_in(&data),
            "pusher_internal:watchlist_events" => watchlist(&data),
            _ => Ok(Self::Event {
                channel: channel.map(|name| ChannelName::from(&name)),
                data,
                user_id: user_id.map(content).transpose()?,
                event,
            }),
        }
    }
}

fn established(data: &str) -> Result<ServerMessage, String> {
    #[derive(Deserialize)]
    struct Data {
        socket_id: String,
        // Zero, or none, and the client goes by its own.
        activity_timeout: Option<u32>,
    }

    let Data { socket_id, activity_timeout } = read(data, "the greeting")?;
    let socket_id = socket_id.parse().map_err(|_| format!("the greeting's socket_id is {socket_id:?}"))?;
    let activity_timeout =
        activity_timeout.filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.into()));
    Ok(ServerMessage::Established { socket_id, activity_timeout })
}

fn error(data: &str) -> Result<ServerMessage, String> {
    #[derive(Deserialize)]
    struct Data {
        code: Option<u16>,
        message: Option<String>,
    }

    let Data { code, message } = read(data, "pusher:error")?;
    Ok(ServerMessage::Error { code, message: message.unwrap_or_default() })
}

fn subscription_succeeded(channel: ChannelName, data: &str) -> Result<ServerMessage, String> {
    let roster = match channel.kind() {
        ChannelKind::Presence => Some(roster(data)?),
        ChannelKind::Public | ChannelKind::Private => None,
    };
    Ok(ServerMessage::SubscriptionSucceeded { channel, roster })
}

fn roster(data: &str) -> Result<Roster, String> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        presence: Presence<'a>,
    }

    #[derive(Deserialize)]
    struct Presence<'a> {
        #[serde(borrow)]
        ids: Vec<&'a RawValue>,
        #[serde(borrow)]
        hash: BTreeMap<String, &'a RawValue>,
    }

    let Data { presence: Presence { ids, mut hash } } = read(data, "the roster")?;
    let mut roster = Roster::default();
    for id in ids {
        let id = content(id)?;
        if let Some(info) = hash.remove(&id) {
            roster.add(Member::new(&id, info.get()));
        }
    }
    // Those that are not listed come last.
    for (id, info) in hash {
        roster.add(Member::new(&id, info.get()));
    }
    Ok(roster)
}

/// Not to be let in is told however badly it is said why.
fn subscription_error(channel: ChannelName, data: &str) -> ServerMessage {
    #[derive(Deserialize, Default)]
    struct Data {
        error: Option<String>,
        status: Option<u16>,
    }

    let Data { error, status } = read(data, "the error").unwrap_or_default();
    ServerMessage::SubscriptionError { channel, status, reason: error.unwrap_or_default() }
}

fn member_added(channel: ChannelName, data: &str) -> Result<ServerMessage, String> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        user_id: &'a RawValue,
        #[serde(borrow)]
        user_info: Option<&'a RawValue>,
    }

    let Data { user_id, user_info } = read(data, "the member")?;
    let member = Member::new(&content(user_id)?, user_info.map_or("", RawValue::get));
    Ok(ServerMessage::MemberAdded { channel, member })
}

fn signed_in(data: &str) -> Result<ServerMessage, String> {
    #[derive(Deserialize)]
    struct Data {
        user_data: String,
    }

    #[derive(Deserialize)]
    struct UserData<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }

    let Data { user_data } = read(data, "pusher:signin_success")?;
    let UserData { id } = read(&user_data, "the user_data")?;
    let user_id = content(id)?;
    Ok(ServerMessage::SignedIn { user_id, user_data })
}

fn watchlist(data: &str) -> Result<ServerMessage, String> {
    #[derive(Deserialize)]
    struct Data {
        events: Vec<Change>,
    }

    #[derive(Deserialize)]
    struct Change {
        name: String,
        user_ids: Vec<String>,
    }

    let Data { events } = read(data, "the watchlist")?;
    let (mut online, mut offline) = (Vec::new(), Vec::new());
    for Change { name, user_ids } in events {
        match &*name {
            "online" => online.extend(user_ids),
            "offline" => offline.extend(user_ids),
            other => return Err(format!("an event of the watchlist is called {other:?}")),
        }
    }
    Ok(ServerMessage::Watchlist { online, offline })
}

/// The object that `json` writes; serde would take an array of the fields as well.
fn read<'a, T: Deserialize<'a>>(json: &'a str, what: &str) -> Result<T, String> {
    if !json.trim_start().starts_with('{') {
        return Err(format!("{what} is no JSON object"));
    }
    serde_json::from_str(json).map_err(|error| format!("{what} is not valid: {error}"))
}

/// The text of a JSON string, and any other JSON as it stands.
fn content(json: &RawValue) -> Result<String, String> {
    if json.get().starts_with('"') {
        serde_json::from_str(json.get()).map_err(|error| format!("a string is not valid: {error}"))
    } else {
        Ok(json.get().to_string())
    }
}
