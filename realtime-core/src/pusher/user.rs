use super::channel_data::MAX_USER_ID_CHARS;
use super::error_code::ErrorCode;
use crate::{ChannelName, Member};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest `user_data` of a sign-in without its watchlist, in bytes.
pub const MAX_USER_DATA_BYTES: usize = 1024;

/// The most users that one user watches.
pub const MAX_WATCHED_USERS: usize = 100;

/// The longest name of a user's channel, in bytes.
pub const MAX_USER_CHANNEL_BYTES: usize = USER_CHANNEL_PREFIX.len() + MAX_USER_ID_CHARS * 4;

/// What the channel of each user begins with; its id follows.
pub(super) const USER_CHANNEL_PREFIX: &str = "#server-to-user-";

/// A user of the app, as whom a client is signed in: a person, however many clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    member: Member,
    watchlist: Box<[Arc<str>]>,
}

impl User {
    /// Parses the `user_data` of a sign-in: `{"id":…,"user_info":…,"watchlist":[…]}`, of which only `id` is
    /// needed.
    ///
    /// # Errors
    /// [`InvalidUserData`] says what is wrong with it.
    pub fn parse(user_data: &str) -> Result<Self, InvalidUserData> {
        // Serde would take an array of the fields as well.
        if !user_data.trim_start().starts_with('{') {
            return Err(InvalidUserData::NotAnObject);
        }
        let data: UserData<'_> = serde_json::from_str(user_data).map_err(not_json)?;
        let bytes = user_data.len() - data.watchlist.map_or(0, |list| list.get().len());
        if bytes > MAX_USER_DATA_BYTES {
            return Err(InvalidUserData::TooLong { bytes });
        }
        let id = user_id(data.id.ok_or(InvalidUserData::NoId)?)?;
        let watchlist = data.watchlist.map(watchlist).transpose()?.unwrap_or_default();
        Ok(Self { member: Member::new(&id, data.user_info.map_or("", RawValue::get)), watchlist })
    }

    /// Its id: at least one character and at most [`MAX_USER_ID_CHARS`].
    #[must_use]
    pub fn id(&self) -> &str {
        self.member.id()
    }

    /// Whom the others see in presence channels that it joins without saying as whom.
    #[must_use]
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// The ids of the users of whom it wants to know whether they are online, at most [`MAX_WATCHED_USERS`].
    pub fn watchlist(&self) -> impl Iterator<Item = &Arc<str>> {
        self.watchlist.iter()
    }

    /// The channel whose events reach all clients that are signed in as the user `id`: `#server-to-user-{id}`.
    #[must_use]
    pub fn channel(id: &str) -> ChannelName {
        ChannelName::from(&[USER_CHANNEL_PREFIX, id].concat())
    }
}

/// Whether `id` can be a user's.
pub(super) fn check_user_id(id: &str) -> Result<(), InvalidUserData> {
    if id.is_empty() {
        return Err(InvalidUserData::NoId);
    }
    let characters = id.chars().count();
    if characters > MAX_USER_ID_CHARS {
        return Err(InvalidUserData::IdTooLong { characters });
    }
    Ok(())
}

#[derive(Deserialize)]
struct UserData<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_info: Option<&'a RawValue>,
    #[serde(borrow)]
    watchlist: Option<&'a RawValue>,
}

fn user_id(json: &RawValue) -> Result<String, InvalidUserData> {
    if !json.get().starts_with('"') {
        return Err(InvalidUserData::IdOfWrongType);
    }
    let id: String = serde_json::from_str(json.get()).map_err(not_json)?;
    check_user_id(&id)?;
    Ok(id)
}

fn watchlist(json: &RawValue) -> Result<Box<[Arc<str>]>, InvalidUserData> {
    let ids: Box<[&RawValue]> =
        serde_json::from_str(json.get()).map_err(|_| InvalidUserData::WatchlistOfWrongType)?;
    if ids.len() > MAX_WATCHED_USERS {
        return Err(InvalidUserData::WatchlistTooLong { users: ids.len() });
    }
    ids.iter().map(|id| user_id(id).map(Arc::from)).collect()
}

fn not_json(error: serde_json::Error) -> InvalidUserData {
    InvalidUserData::NotJson { reason: error.to_string() }
}

/// A `user_data` that names no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidUserData {
    /// It is longer than [`MAX_USER_DATA_BYTES`].
    TooLong {
        /// Its length without the watchlist.
        bytes: usize,
    },
    /// It is not JSON.
    NotJson {
        /// What is wrong, and where.
        reason: String,
    },
    /// It is no JSON object.
    NotAnObject,
    /// An id is missing or empty.
    NoId,
    /// An id is not a string.
    IdOfWrongType,
    /// An id is longer than [`MAX_USER_ID_CHARS`].
    IdTooLong {
        /// Its length.
        characters: usize,
    },
    /// The watchlist is not an array.
    WatchlistOfWrongType,
    /// The watchlist is longer than [`MAX_WATCHED_USERS`].
    WatchlistTooLong {
        /// Its length.
        users: usize,
    },
}

impl InvalidUserData {
    /// The code that a client is told which cannot be signed in for this.
    pub(super) const fn code(&self) -> ErrorCode {
        match self {
            Self::WatchlistTooLong { .. } => ErrorCode::WATCHLIST_TOO_LONG,
            Self::TooLong { .. }
            | Self::NotJson { .. }
            | Self::NotAnObject
            | Self::NoId
            | Self::IdOfWrongType
            | Self::IdTooLong { .. }
            | Self::WatchlistOfWrongType => ErrorCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for InvalidUserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(
                f,
                "user_data has {bytes} bytes without its watchlist; at most {MAX_USER_DATA_BYTES} are accepted"
            ),
            Self::NotJson { reason } => write!(f, "user_data is not valid: {reason}"),
            Self::NotAnObject => f.write_str("user_data must be a JSON object: {\"id\":…,\"user_info\":…}"),
            Self::NoId => f.write_str("a user's id is missing or empty"),
            Self::IdOfWrongType => f.write_str("a user's id must be a string"),
            Self::IdTooLong { characters } => {
                write!(f, "a user's id has {characters} characters; at most {MAX_USER_ID_CHARS} are accepted")
            }
            Self::WatchlistOfWrongType => f.write_str("watchlist must be an array of the ids of users"),
            Self::WatchlistTooLong { users } => {
                write!(f, "the watchlist has {users} users; at most {MAX_WATCHED_USERS} are accepted")
            }
        }
    }
}

impl core::error::Error for InvalidUserData {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    #[test]
    fn a_user_is_read_from_its_data() {
        for (text, id, info, watched) in [
            (r#"{"id":"7"}"#, "7", None, &[][..]),
            (r#" {"more":1,"watchlist":[],"id":"\u00e9"}"#, "é", None, &[]),
            (
                r#"{"id":"7","user_info":{"name": "Ada"},"watchlist":["8", "9"]}"#,
                "7",
                Some(r#"{"name": "Ada"}"#),
                &["8", "9"],
            ),
        ] {
            let user = User::parse(text).unwrap();
            assert_eq!((user.id(), user.member().info()), (id, info), "{text}");
            assert!(user.watchlist().map(|id| &**id).eq(watched.iter().copied()), "{text}");
        }
    }

    #[test]
    fn the_watchlist_counts_by_its_users_and_all_else_by_its_bytes() {
        let user = |info: usize, watched: usize| {
            let watchlist = Vec::from_iter((0..watched).map(|n| format!("\"{n:0>128}\""))).join(",");
            User::parse(&format!(
                r#"{{"id":"7","user_info":"{}","watchlist":[{watchlist}]}}"#,
                "x".repeat(info)
            ))
        };
        let around = r#"{"id":"7","user_info":"","watchlist":}"#.len();
        assert_eq!(user(1024 - around, 100).unwrap().watchlist().count(), 100);
        assert_eq!(user(1025 - around, 100), Err(InvalidUserData::TooLong { bytes: 1025 }));
        assert_eq!(user(0, 101), Err(InvalidUserData::WatchlistTooLong { users: 101 }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        use InvalidUserData as E;
        let long_id = format!(r#"{{"id":"{}"}}"#, "é".repeat(129));
        for (text, expected) in [
            ("", E::NotAnObject),
            (r#"["7"]"#, E::NotAnObject),
            ("{}", E::NoId),
            (r#"{"id":""}"#, E::NoId),
            (r#"{"id":7}"#, E::IdOfWrongType),
            (r#"{"id":null}"#, E::NoId),
            (&long_id, E::IdTooLong { characters: 129 }),
            (r#"{"id":"7","watchlist":{}}"#, E::WatchlistOfWrongType),
            (r#"{"id":"7","watchlist":[8]}"#, E::IdOfWrongType),
            (r#"{"id":"7","watchlist":[""]}"#, E::NoId),
        ] {
            assert_eq!(User::parse(text), Err(expected), "{text}");
        }
        assert!(matches!(User::parse("{"), Err(E::NotJson { .. })));
        assert!(matches!(User::parse(r#"{"id":"\ud800"}"#), Err(E::NotJson { .. })));
    }

    #[test]
    fn each_fault_is_put_in_words_and_has_a_code_with_which_the_connection_lives() {
        use InvalidUserData as E;
        for (fault, words, code) in [
            (
                E::TooLong { bytes: 1025 },
                "user_data has 1025 bytes without its watchlist; at most 1024 are accepted",
                4009,
            ),
            (E::NotJson { reason: "x".into() }, "user_data is not valid: x", 4009),
            (E::NotAnObject, "user_data must be a JSON object: {\"id\":…,\"user_info\":…}", 4009),
            (E::NoId, "a user's id is missing or empty", 4009),
            (E::IdOfWrongType, "a user's id must be a string", 4009),
            (
                E::IdTooLong { characters: 129 },
                "a user's id has 129 characters; at most 128 are accepted",
                4009,
            ),
            (E::WatchlistOfWrongType, "watchlist must be an array of the ids of users", 4009),
            (
                E::WatchlistTooLong { users: 101 },
                "the watchlist has 101 users; at most 100 are accepted",
                4302,
            ),
        ] {
            assert_eq!((&*fault.to_string(), fault.code().get()), (words, code));
        }
    }
}
