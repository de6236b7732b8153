//! The frames that a server sends. The one place that knows which `data` is a JSON string that holds JSON.

use super::error_code::ErrorCode;
use super::socket_id::SocketId;
use crate::json::{Embedded, push_embedded, push_string};
use crate::wire::json_string;
use crate::{ChannelName, Member, Roster};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Display;
use core::num::NonZeroU32;

/// `pusher:pong`: the answer to a client's ping.
pub const PONG: &str = r#"{"event":"pusher:pong","data":"{}"}"#;

/// `pusher:ping`: asks a client whether it lives, which answers with `pusher:pong`.
pub const PING: &str = r#"{"event":"pusher:ping","data":"{}"}"#;

/// `pusher:connection_established`: the greeting, and the first frame of a connection that is let in.
#[must_use]
pub fn connection_established(socket_id: SocketId, activity_timeout_seconds: NonZeroU32) -> String {
    let mut frame = String::from(r#"{"event":"pusher:connection_established","data":"#);
    let data = format!(r#"{{"socket_id":"{socket_id}","activity_timeout":{activity_timeout_seconds}}}"#);
    push_string(&mut frame, &data);
    frame.push('}');
    frame
}

/// `pusher:error`: something was not accepted. As the first frame of a connection it acts like the close
/// code.
#[must_use]
pub fn error(code: Option<ErrorCode>, message: &impl Display) -> String {
    let mut frame = String::from(r#"{"event":"pusher:error","data":{"code":"#);
    match code {
        Some(code) => frame.push_str(&code.to_string()),
        None => frame.push_str("null"),
    }
    frame.push_str(r#","message":"#);
    push_string(&mut frame, &message.to_string());
    frame.push_str("}}");
    frame
}

/// An event of the app's server on a channel. `data` is what its listeners get: usually, but not always,
/// JSON.
#[must_use]
pub fn event(channel: &ChannelName, event: &str, data: &str) -> String {
    let mut frame = String::with_capacity(64 + event.len() + data.len() * 5 / 4);
    frame.push_str(r#"{"event":"#);
    push_string(&mut frame, event);
    push_channel(&mut frame, channel);
    frame.push_str(r#","data":"#);
    push_string(&mut frame, data);
    frame.push('}');
    frame
}

/// An event of another client on a channel. `data` is JSON and stands as it was sent; `sender` is who sent
/// it, in presence channels.
#[must_use]
pub fn client_event(
    channel: &ChannelName,
    event: &str,
    data: Option<&str>,
    sender: Option<&Member>,
) -> String {
    let mut frame = String::with_capacity(128 + event.len() + data.map_or(0, str::len));
    frame.push_str(r#"{"event":"#);
    push_string(&mut frame, event);
    push_channel(&mut frame, channel);
    if let Some(data) = data {
        frame.push_str(r#","data":"#);
        frame.push_str(data);
    }
    if let Some(sender) = sender {
        frame.push_str(r#","user_id":"#);
        frame.push_str(sender.id_json());
    }
    frame.push('}');
    frame
}

/// `pusher:signin_success`: the client is the user of `user_data`, which is as it was sent, until the connection
/// ends.
#[must_use]
pub fn signin_success(user_data: &str) -> String {
    let mut frame = String::with_capacity(96 + user_data.len() * 3 / 2);
    frame.push_str(r#"{"event":"pusher:signin_success","data":"#);
    push_embedded(&mut frame, |data| {
        data.json(r#"{"user_data":"#);
        data.json(&json_string(user_data));
        data.json("}");
    });
    frame.push('}');
    frame
}

/// `pusher_internal:watchlist_events`: users whom the client watches are online, or offline.
#[must_use]
pub fn watchlist_events<'a>(
    online: impl IntoIterator<Item = &'a str>,
    offline: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut events = String::new();
    push_status(&mut events, "online", online.into_iter());
    push_status(&mut events, "offline", offline.into_iter());
    let mut frame = String::from(r#"{"event":"pusher_internal:watchlist_events","data":"#);
    push_embedded(&mut frame, |data| {
        data.json(r#"{"events":["#);
        data.json(&events);
        data.json("]}");
    });
    frame.push('}');
    frame
}

/// `pusher_internal:subscription_succeeded`: the client was let into a channel. `roster` is who is in it, the
/// client included, if it is a presence channel.
#[must_use]
pub fn subscription_succeeded(channel: &ChannelName, roster: Option<&Roster>) -> String {
    let mut frame = String::with_capacity(256 + roster.map_or(0, Roster::bytes_of_forms));
    frame.push_str(r#"{"event":"pusher_internal:subscription_succeeded""#);
    push_channel(&mut frame, channel);
    frame.push_str(r#","data":"#);
    push_embedded(&mut frame, |data| match roster {
        Some(roster) => push_presence(data, roster),
        None => data.json("{}"),
    });
    frame.push('}');
    frame
}

/// `pusher_internal:subscription_count`: how many are subscribed to a channel.
#[must_use]
pub fn subscription_count(channel: &ChannelName, subscribers: usize) -> String {
    let mut frame = String::from(r#"{"event":"pusher_internal:subscription_count""#);
    push_channel(&mut frame, channel);
    frame.push_str(&format!(r#","data":"{{\"subscription_count\":{subscribers}}}"}}"#));
    frame
}

/// `pusher:cache_miss`: the client was let into a cache channel, and there is no event to tell it.
#[must_use]
pub fn cache_miss(channel: &ChannelName) -> String {
    let mut frame = String::from(r#"{"event":"pusher:cache_miss""#);
    push_channel(&mut frame, channel);
    frame.push('}');
    frame
}

/// `pusher:subscription_error`: the client was not let into a channel.
#[must_use]
pub fn subscription_error(channel: &ChannelName, kind: &str, error: &impl Display, status: u16) -> String {
    let mut frame = String::from(r#"{"event":"pusher:subscription_error""#);
    push_channel(&mut frame, channel);
    frame.push_str(r#","data":{"type":"#);
    push_string(&mut frame, kind);
    frame.push_str(r#","error":"#);
    push_string(&mut frame, &error.to_string());
    frame.push_str(r#","status":"#);
    frame.push_str(&status.to_string());
    frame.push_str("}}");
    frame
}

/// `pusher_internal:member_added`: a member joined a presence channel.
#[must_use]
pub fn member_added(channel: &ChannelName, member: &Member) -> String {
    let mut frame = String::from(r#"{"event":"pusher_internal:member_added""#);
    push_channel(&mut frame, channel);
    frame.push_str(r#","data":"#);
    push_embedded(&mut frame, |data| {
        data.json(r#"{"user_id":"#);
        data.escaped(member.embedded_id());
        data.json(r#","user_info":"#);
        data.escaped(member.embedded_info());
        data.json("}");
    });
    frame.push('}');
    frame
}

/// `pusher_internal:member_removed`: a member left a presence channel.
#[must_use]
pub fn member_removed(channel: &ChannelName, member: &Member) -> String {
    let mut frame = String::from(r#"{"event":"pusher_internal:member_removed""#);
    push_channel(&mut frame, channel);
    frame.push_str(r#","data":"#);
    push_embedded(&mut frame, |data| {
        data.json(r#"{"user_id":"#);
        data.escaped(member.embedded_id());
        data.json("}");
    });
    frame.push('}');
    frame
}

fn push_channel(frame: &mut String, channel: &ChannelName) {
    frame.push_str(r#","channel":"#);
    push_string(frame, channel.as_str());
}

/// Appends a watchlist event for `users`, if there are any, to those in `events`.
fn push_status<'a>(events: &mut String, name: &str, users: impl Iterator<Item = &'a str>) {
    let mut separator = "";
    for user in users {
        if separator.is_empty() {
            if !events.is_empty() {
                events.push(',');
            }
            events.push_str(&format!(r#"{{"name":"{name}","user_ids":["#));
        }
        events.push_str(separator);
        push_string(events, user);
        separator = ",";
    }
    if !separator.is_empty() {
        events.push_str("]}");
    }
}

fn push_presence(data: &mut Embedded<'_>, roster: &Roster) {
    data.json(r#"{"presence":{"ids":["#);
    push_all(data, roster, Member::embedded_id);
    data.json(r#"],"hash":{"#);
    push_all(data, roster, Member::embedded_entry);
    data.json(r#"},"count":"#);
    data.json(&roster.len().to_string());
    data.json("}}");
}

fn push_all(data: &mut Embedded<'_>, roster: &Roster, form: impl Fn(&Member) -> &str) {
    for (index, member) in roster.members().enumerate() {
        if index > 0 {
            data.escaped(",");
        }
        data.escaped(form(member));
    }
}
