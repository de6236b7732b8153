use super::error_code::ErrorCode;
use super::frames;
use super::query::{InvalidQuery, Query};
use super::shown::Shown;
use alloc::string::{String, ToString};
use core::fmt;

/// How a client introduces itself: `/app/{key}?protocol=7&client=js&version=8.6.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// The key of the app that it wants to speak to.
    pub key: String,
    /// The version of the protocol; 7 if it names none.
    pub protocol: u32,
    /// The library that it uses, such as `js`.
    pub client: Option<String>,
    /// The version of that library.
    pub version: Option<String>,
}

impl ConnectRequest {
    /// The versions of the protocol that are spoken. Clients that name an older one speak, in all that this
    /// server offers, the same.
    pub const PROTOCOLS: core::ops::RangeInclusive<u32> = 5..=7;

    /// Parses a request's path, without what the gateway is mounted under, and its query, without the `?`.
    ///
    /// # Errors
    /// [`ConnectError`]: the client's fault. Accept the WebSocket all the same, send
    /// [`frame`](ConnectError::frame) and close with [`code`](ConnectError::code): a browser cannot see why
    /// an opening handshake failed.
    pub fn parse(path: &str, query: &str) -> Result<Self, ConnectError> {
        let key = path.strip_prefix("/app/").filter(|key| !key.is_empty() && !key.contains('/'));
        let key = key.ok_or_else(|| ConnectError::PathNotFound { path: path.to_string() })?;
        let query = Query::parse(query)?;
        Ok(Self {
            key: key.to_string(),
            protocol: query.value("protocol").map_or(Ok(7), protocol)?,
            client: query.value("client").map(str::to_string),
            version: query.value("version").map(str::to_string),
        })
    }
}

fn protocol(text: &str) -> Result<u32, ConnectError> {
    let version = text.parse().map_err(|_| ConnectError::InvalidVersion { version: text.to_string() })?;
    if ConnectRequest::PROTOCOLS.contains(&version) {
        Ok(version)
    } else {
        Err(ConnectError::UnsupportedVersion { version })
    }
}

/// A connection that is not let in. The client does not try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The path is not `/app/{key}`.
    PathNotFound {
        /// The path.
        path: String,
    },
    /// The query cannot be read.
    Query(InvalidQuery),
    /// There is no app with this key.
    NoSuchApp {
        /// The key.
        key: String,
    },
    /// The client is a page of an origin that the app does not let in.
    ForbiddenOrigin {
        /// The origin.
        origin: String,
    },
    /// The app has as many connections as it may.
    TooManyConnections {
        /// The most that it may have.
        limit: usize,
    },
    /// The version of the protocol is not a number.
    InvalidVersion {
        /// What it is.
        version: String,
    },
    /// The version of the protocol is not one of [`ConnectRequest::PROTOCOLS`].
    UnsupportedVersion {
        /// The version.
        version: u32,
    },
}

impl ConnectError {
    /// The code that the client is told and closed with.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::PathNotFound { .. } | Self::Query(_) => ErrorCode::PATH_NOT_FOUND,
            Self::NoSuchApp { .. } => ErrorCode::NO_SUCH_APP,
            Self::ForbiddenOrigin { .. } => ErrorCode::UNAUTHORIZED,
            Self::TooManyConnections { .. } => ErrorCode::OVER_CONNECTION_QUOTA,
            Self::InvalidVersion { .. } => ErrorCode::INVALID_VERSION,
            Self::UnsupportedVersion { .. } => ErrorCode::UNSUPPORTED_VERSION,
        }
    }

    /// The one frame that the client gets.
    #[must_use]
    pub fn frame(&self) -> String {
        frames::error(Some(self.code()), self)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathNotFound { path } => {
                write!(f, "there is nothing at {}; clients connect to /app/{{key}}", Shown(path))
            }
            Self::Query(invalid) => invalid.fmt(f),
            Self::NoSuchApp { key } => write!(f, "there is no app with the key {}", Shown(key)),
            Self::ForbiddenOrigin { origin } => {
                write!(f, "the app takes no connections from pages of {}", Shown(origin))
            }
            Self::TooManyConnections { limit } => {
                write!(f, "the app has {limit} connections, the most that it may have")
            }
            Self::InvalidVersion { version } => {
                write!(f, "protocol must be a number, and {} is none", Shown(version))
            }
            Self::UnsupportedVersion { version } => {
                let (first, last) = (ConnectRequest::PROTOCOLS.start(), ConnectRequest::PROTOCOLS.end());
                write!(f, "version {version} of the protocol is not spoken; accepted are {first} to {last}")
            }
        }
    }
}

impl core::error::Error for ConnectError {}

impl From<InvalidQuery> for ConnectError {
    fn from(invalid: InvalidQuery) -> Self {
        Self::Query(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_clients_ask_for_is_understood() {
        let js = ConnectRequest::parse("/app/k", "protocol=7&client=js&version=8.6.0&flash=false").unwrap();
        assert_eq!((&*js.key, js.protocol), ("k", 7));
        assert_eq!((js.client.as_deref(), js.version.as_deref()), (Some("js"), Some("8.6.0")));
        for (query, protocol) in [("", 7), ("client=js", 7), ("protocol=6", 6), ("protocol=5", 5)] {
            assert_eq!(ConnectRequest::parse("/app/k", query).unwrap().protocol, protocol, "{query}");
        }
    }

    #[test]
    fn each_fault_has_its_code() {
        for (path, query, code) in [
            ("/", "", ErrorCode::PATH_NOT_FOUND),
            ("/app", "", ErrorCode::PATH_NOT_FOUND),
            ("/app/", "", ErrorCode::PATH_NOT_FOUND),
            ("/app/k/x", "", ErrorCode::PATH_NOT_FOUND),
            ("/apps/k", "", ErrorCode::PATH_NOT_FOUND),
            ("/app/k", "protocol=%", ErrorCode::PATH_NOT_FOUND),
            ("/app/k", "protocol=4", ErrorCode::UNSUPPORTED_VERSION),
            ("/app/k", "protocol=8", ErrorCode::UNSUPPORTED_VERSION),
            ("/app/k", "protocol=", ErrorCode::INVALID_VERSION),
            ("/app/k", "protocol=seven", ErrorCode::INVALID_VERSION),
            ("/app/k", "protocol=-7", ErrorCode::INVALID_VERSION),
        ] {
            let error = ConnectRequest::parse(path, query).unwrap_err();
            assert_eq!(error.code(), code, "{path}?{query}");
        }
        for (error, code) in [
            (ConnectError::NoSuchApp { key: "k".into() }, 4001),
            (ConnectError::TooManyConnections { limit: 1 }, 4004),
            (ConnectError::ForbiddenOrigin { origin: "https://a.test".into() }, 4009),
        ] {
            assert_eq!(error.code().get(), code);
        }
    }

    #[test]
    fn the_frame_says_what_is_wrong() {
        assert_eq!(
            ConnectRequest::parse("/app/k", "protocol=8").unwrap_err().frame(),
            r#"{"event":"pusher:error","data":{"code":4007,"message":"version 8 of the protocol is not spoken; accepted are 5 to 7"}}"#
        );
        let origin = "https://a.test".into();
        assert_eq!(
            ConnectError::ForbiddenOrigin { origin }.to_string(),
            r#"the app takes no connections from pages of "https://a.test""#
        );
        assert_eq!(
            ConnectError::TooManyConnections { limit: 7 }.to_string(),
            "the app has 7 connections, the most that it may have"
        );
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic(path in any::<String>(), query in any::<String>()) {
            let _ = ConnectRequest::parse(&path, &query);
        }
    }
}
