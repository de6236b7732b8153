use super::{Wire, json_string};
use crate::{ChannelName, Denial, Member, Roster};
use alloc::format;
use alloc::string::String;
use realtime_ws::PreparedMessage;

/// Presence as plain JSON; all else is the application's own protocol.
///
/// | fact | message |
/// |---|---|
/// | subscribed to a presence channel | `{"event":"presence:subscription_succeeded","channel":C,"members":[M,..]}`, with the members before the newcomer joined |
/// | a member joined | `{"event":"presence:member_added","channel":C,"member":M}`, to the newcomer too |
/// | a member left | `{"event":"presence:member_removed","channel":C,"member":M}` |
/// | subscribed to another channel; nothing retained there; the number of subscribers; denied | none |
///
/// A member is `{"id":..,"info":..}`, without `info` where it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain;

impl Wire for Plain {
    fn newcomer_knows_itself(&self) -> bool {
        false
    }

    fn subscribed(&self, channel: &ChannelName, roster: Option<&Roster>) -> Option<PreparedMessage> {
        let roster = roster?;
        let mut frame = head("presence:subscription_succeeded", channel, "members");
        frame.reserve_exact("[]}".len() + roster.bytes_of_json() + roster.len() * ",".len());
        frame.push('[');
        for (position, member) in roster.members().enumerate() {
            if position > 0 {
                frame.push(',');
            }
            frame.push_str(member.to_json());
        }
        frame.push_str("]}");
        Some(PreparedMessage::new(&frame))
    }

    fn nothing_retained(&self, _: &ChannelName) -> Option<PreparedMessage> {
        None
    }

    fn subscriber_count(&self, _: &ChannelName, _: usize) -> Option<PreparedMessage> {
        None
    }

    fn denied(&self, _: &ChannelName, _: &Denial) -> Option<PreparedMessage> {
        None
    }

    fn joined(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        Some(about("presence:member_added", channel, member))
    }

    fn left(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        Some(about("presence:member_removed", channel, member))
    }
}

fn about(event: &str, channel: &ChannelName, member: &Member) -> PreparedMessage {
    let mut frame = head(event, channel, "member");
    frame.push_str(member.to_json());
    frame.push('}');
    PreparedMessage::new(&frame)
}

fn head(event: &str, channel: &ChannelName, last_key: &str) -> String {
    let channel = json_string(channel.as_str());
    format!(r#"{{"event":"{event}","channel":{channel},"{last_key}":"#)
}
