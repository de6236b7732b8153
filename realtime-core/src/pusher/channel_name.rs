use super::shown::Shown;
use super::user::{InvalidUserData, USER_CHANNEL_PREFIX, check_user_id};
use crate::ChannelName;
use alloc::string::{String, ToString};
use core::fmt;

/// The longest channel name of the protocol, in bytes.
pub const MAX_CHANNEL_NAME_BYTES: usize = 164;

/// The channel `name`, if the protocol allows the name: 1 to 164 of `A-Z a-z 0-9 _ - = @ , . ;`, or
/// `#server-to-user-` and the id of a user, see [`User::channel`](super::User::channel).
///
/// # Errors
/// [`InvalidChannelName`] says what is wrong with it.
pub fn parse_channel_name(name: &str) -> Result<ChannelName, InvalidChannelName> {
    if name.is_empty() {
        return Err(InvalidChannelName::Empty);
    }
    if let Some(user_id) = name.strip_prefix(USER_CHANNEL_PREFIX) {
        check_user_id(user_id).map_err(InvalidChannelName::User)?;
        return Ok(ChannelName::from(name));
    }
    if name.len() > MAX_CHANNEL_NAME_BYTES {
        return Err(InvalidChannelName::TooLong { bytes: name.len() });
    }
    if name.starts_with('#') {
        return Err(InvalidChannelName::Reserved { name: name.to_string() });
    }
    match name.chars().find(|character| !is_allowed(*character)) {
        Some(character) => Err(InvalidChannelName::Character { name: name.to_string(), character }),
        None => Ok(ChannelName::from(name)),
    }
}

/// Whether whoever subscribes to `channel` is sent its latest event of the app: `cache-*`, `private-cache-*`,
/// `private-encrypted-cache-*` and `presence-cache-*`. Such events are to be handed to the hub as
/// [`Input::Retain`](crate::Input::Retain), those of clients as broadcasts.
#[must_use]
pub fn is_cache_channel(channel: &ChannelName) -> bool {
    let name = channel.as_str();
    let behind_kind =
        ["private-encrypted-", "private-", "presence-"].iter().find_map(|kind| name.strip_prefix(kind));
    behind_kind.unwrap_or(name).starts_with("cache-")
}

/// Whether only the app and its clients can read the events of `channel`: `private-encrypted-*`. Where their key
/// comes from and how they use it is no matter of the gateway, which relays them as they are.
pub(super) fn is_encrypted(channel: &ChannelName) -> bool {
    channel.as_str().starts_with("private-encrypted-")
}

fn is_allowed(character: char) -> bool {
    matches!(character, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' | '=' | '@' | ',' | '.' | ';')
}

/// A channel name that the protocol does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidChannelName {
    /// It has no characters.
    Empty,
    /// It is longer than [`MAX_CHANNEL_NAME_BYTES`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is the channel of a user, and what should be its id is none.
    User(InvalidUserData),
    /// It begins with `#` and is no user's: a name that the protocol keeps for itself.
    Reserved {
        /// The name.
        name: String,
    },
    /// It has a character that is not allowed.
    Character {
        /// The name.
        name: String,
        /// The first such character.
        character: char,
    },
}

impl fmt::Display for InvalidChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the channel name is empty"),
            Self::TooLong { bytes } => {
                write!(f, "the channel name has {bytes} bytes; at most {MAX_CHANNEL_NAME_BYTES} are accepted")
            }
            Self::User(invalid) => invalid.fmt(f),
            Self::Reserved { name } => {
                write!(f, "the channel name {} begins with #, which is reserved", Shown(name))
            }
            Self::Character { name, character } => write!(
                f,
                "the channel name {} contains {character:?}; accepted are A-Z a-z 0-9 _ - = @ , . ;",
                Shown(name)
            ),
        }
    }
}

impl core::error::Error for InvalidChannelName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_protocol_are_accepted() {
        let longest = "x".repeat(MAX_CHANNEL_NAME_BYTES);
        let longest_user = USER_CHANNEL_PREFIX.to_string() + &"é".repeat(128);
        for name in
            ["a", "private-foo_bar=@,.;", "presence-A9", "-", &longest, "#server-to-user-a b", &longest_user]
        {
            assert_eq!(parse_channel_name(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn cache_channels_are_known_by_their_names() {
        for (name, is_cached) in [
            ("cache-a", true),
            ("private-cache-a", true),
            ("private-encrypted-cache-a", true),
            ("presence-cache-a", true),
            ("cache", false),
            ("private-encrypted-a", false),
            ("private-presence-cache-a", false),
            ("encrypted-cache-a", false),
            ("a-cache-", false),
        ] {
            assert_eq!(is_cache_channel(&name.into()), is_cached, "{name}");
        }
    }

    #[test]
    fn other_names_are_refused_with_what_is_wrong() {
        let too_long = "x".repeat(MAX_CHANNEL_NAME_BYTES + 1);
        let too_long_user = USER_CHANNEL_PREFIX.to_string() + &"é".repeat(129);
        for (name, expected) in [
            ("", "the channel name is empty"),
            (&*too_long, "the channel name has 165 bytes; at most 164 are accepted"),
            ("#server-to-users", "the channel name \"#server-to-users\" begins with #, which is reserved"),
            ("#server-to-user-", "a user's id is missing or empty"),
            (&*too_long_user, "a user's id has 129 characters; at most 128 are accepted"),
            ("a b", "the channel name \"a b\" contains ' '; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
            ("a#", "the channel name \"a#\" contains '#'; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
            ("é", "the channel name \"é\" contains 'é'; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
            ("a\n", "the channel name \"a\n\" contains '\\n'; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
        ] {
            assert_eq!(parse_channel_name(name).unwrap_err().to_string(), expected);
        }
    }
}
