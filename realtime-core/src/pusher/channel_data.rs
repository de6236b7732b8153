use super::message::MAX_CHANNEL_DATA_BYTES;
use crate::Member;
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::fmt;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest id of a user, in characters.
pub const MAX_USER_ID_CHARS: usize = 128;

/// Whom the other members of a presence channel see, from its `channel_data`: `{"user_id":…,"user_info":…}`.
///
/// `user_id` is a string, or a number, which is taken as it is written; `user_info` is any JSON and stays as
/// it is.
///
/// # Errors
/// [`InvalidChannelData`] says what is wrong with it.
pub fn parse_channel_data(text: &str) -> Result<Member, InvalidChannelData> {
    if text.len() > MAX_CHANNEL_DATA_BYTES {
        return Err(InvalidChannelData::TooLong { bytes: text.len() });
    }
    if !text.trim_start().starts_with('{') {
        return Err(InvalidChannelData::NotAnObject);
    }
    let data: ChannelData<'_> = serde_json::from_str(text).map_err(not_json)?;
    let user_id = user_id(data.user_id.ok_or(InvalidChannelData::NoUserId)?)?;
    if user_id.is_empty() {
        return Err(InvalidChannelData::NoUserId);
    }
    let characters = user_id.chars().count();
    if characters > MAX_USER_ID_CHARS {
        return Err(InvalidChannelData::UserIdTooLong { characters });
    }
    Ok(Member::new(&user_id, data.user_info.map_or("", RawValue::get)))
}

#[derive(Deserialize)]
struct ChannelData<'a> {
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_info: Option<&'a RawValue>,
}

fn user_id(value: &RawValue) -> Result<Cow<'_, str>, InvalidChannelData> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(json).map(Cow::Owned).map_err(not_json),
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(json)),
        _ => Err(InvalidChannelData::UserIdOfWrongType),
    }
}

fn not_json(error: serde_json::Error) -> InvalidChannelData {
    InvalidChannelData::NotJson { reason: error.to_string() }
}

/// A `channel_data` that names no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidChannelData {
    /// There is none, the channel is a presence channel, and the client is not signed in.
    Missing,
    /// It is longer than [`MAX_CHANNEL_DATA_BYTES`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not JSON.
    NotJson {
        /// What is wrong, and where.
        reason: String,
    },
    /// It is no JSON object.
    NotAnObject,
    /// `user_id` is missing or empty.
    NoUserId,
    /// `user_id` is neither a string nor a number.
    UserIdOfWrongType,
    /// `user_id` is longer than [`MAX_USER_ID_CHARS`].
    UserIdTooLong {
        /// Its length.
        characters: usize,
    },
}

impl fmt::Display for InvalidChannelData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "channel_data is missing; on presence channels it must be {\"user_id\":…,\"user_info\":…}, or the \
                 client be signed in",
            ),
            Self::TooLong { bytes } => {
                write!(f, "channel_data has {bytes} bytes; at most {MAX_CHANNEL_DATA_BYTES} are accepted")
            }
            Self::NotJson { reason } => write!(f, "channel_data is not valid: {reason}"),
            Self::NotAnObject => f.write_str("channel_data must be a JSON object"),
            Self::NoUserId => f.write_str("user_id is missing from channel_data"),
            Self::UserIdOfWrongType => f.write_str("user_id in channel_data must be a string or a number"),
            Self::UserIdTooLong { characters } => {
                write!(f, "user_id has {characters} characters; at most {MAX_USER_ID_CHARS} are accepted")
            }
        }
    }
}

impl core::error::Error for InvalidChannelData {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_member_is_read_from_it() {
        for (text, id, info) in [
            (r#"{"user_id":"10"}"#, "10", None),
            (r#"{"user_id":10}"#, "10", None),
            (r#"{"user_id":-1.50}"#, "-1.50", None),
            (r#"{"user_id":"\u00e9","user_info":null}"#, "é", None),
            (
                r#"{"user_info":{"name": "Mr. Channels"},"user_id":10}"#,
                "10",
                Some(r#"{"name": "Mr. Channels"}"#),
            ),
            (r#"{"user_id":"a","user_info":"b"}"#, "a", Some(r#""b""#)),
        ] {
            let member = parse_channel_data(text).unwrap();
            assert_eq!((member.id(), member.info()), (id, info), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        use InvalidChannelData as E;
        let long_id = format!(r#"{{"user_id":"{}"}}"#, "é".repeat(129));
        let too_long = format!(r#"{{"user_id":"1","user_info":"{}"}}"#, "x".repeat(1024));
        for (text, expected) in [
            ("[1]", E::NotAnObject),
            ("", E::NotAnObject),
            ("{}", E::NoUserId),
            (r#"{"user_id":""}"#, E::NoUserId),
            (r#"{"user_id":null}"#, E::NoUserId),
            (r#"{"user_id":true}"#, E::UserIdOfWrongType),
            (r#"{"user_id":{}}"#, E::UserIdOfWrongType),
            (&long_id, E::UserIdTooLong { characters: 129 }),
            (&too_long, E::TooLong { bytes: too_long.len() }),
        ] {
            assert_eq!(parse_channel_data(text), Err(expected), "{text}");
        }
        assert!(matches!(parse_channel_data("{"), Err(E::NotJson { .. })));
    }
}
