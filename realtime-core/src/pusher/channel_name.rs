use super::shown::Shown;
use crate::ChannelName;
use alloc::string::{String, ToString};
use core::fmt;

/// The longest channel name of the protocol, in bytes.
pub const MAX_CHANNEL_NAME_BYTES: usize = 164;

/// The channel `name`, if the protocol allows the name: 1 to 164 of `A-Z a-z 0-9 _ - = @ , . ;`.
///
/// # Errors
/// [`InvalidChannelName`] says what is wrong with it.
pub fn parse_channel_name(name: &str) -> Result<ChannelName, InvalidChannelName> {
    if name.is_empty() {
        return Err(InvalidChannelName::Empty);
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
    /// It begins with `#`: a name that the protocol keeps for itself.
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
        for name in ["a", "private-foo_bar=@,.;", "presence-A9", "-", &longest] {
            assert_eq!(parse_channel_name(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn other_names_are_refused_with_what_is_wrong() {
        let too_long = "x".repeat(MAX_CHANNEL_NAME_BYTES + 1);
        for (name, expected) in [
            ("", "the channel name is empty"),
            (&*too_long, "the channel name has 165 bytes; at most 164 are accepted"),
            ("#server-to-user-1", "the channel name \"#server-to-user-1\" begins with #, which is reserved"),
            ("a b", "the channel name \"a b\" contains ' '; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
            ("a#", "the channel name \"a#\" contains '#'; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
            ("é", "the channel name \"é\" contains 'é'; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
            ("a\n", "the channel name \"a\n\" contains '\\n'; accepted are A-Z a-z 0-9 _ - = @ , . ;"),
        ] {
            assert_eq!(parse_channel_name(name).unwrap_err().to_string(), expected);
        }
    }
}
