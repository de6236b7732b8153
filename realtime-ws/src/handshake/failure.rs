use super::head::BadHead;
use core::fmt;

/// Why a client gives up the opening handshake: the server's fault, or a limit it met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailed {
    /// The server does not switch to WebSocket, but answers with this status.
    Status(u16),
    /// What came is no head of an HTTP/1.1 response.
    MalformedResponse,
    /// A line ends without a carriage return.
    BareLineFeed,
    /// The head is longer than [`Config::max_head_bytes`](crate::Config::max_head_bytes).
    HeadTooLong {
        /// That limit, in bytes.
        limit: usize,
    },
    /// The head has more lines than [`Config::max_headers`](crate::Config::max_headers).
    TooManyHeaders {
        /// That limit.
        limit: usize,
    },
    /// The head was not complete after
    /// [`Config::handshake_timeout`](crate::Config::handshake_timeout).
    TimedOut,
    /// `Upgrade` is not `websocket`.
    NotUpgraded,
    /// `Connection` does not list `Upgrade`.
    ConnectionWithoutUpgrade,
    /// `Sec-WebSocket-Accept` does not answer this handshake's key.
    WrongAcceptKey,
    /// The server chose a subprotocol that was not offered, or several.
    SubprotocolNotOffered,
    /// The server chose an extension that was not offered.
    ExtensionNotOffered,
    /// The server chose an extension that was offered, but in a way that does not answer the offer: its
    /// parameters are malformed or not granted, or it is chosen twice.
    UnacceptableExtension,
}

impl fmt::Display for HandshakeFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answered with status {status} instead of 101"),
            Self::MalformedResponse => f.write_str("the server did not answer in HTTP/1.1"),
            Self::BareLineFeed => f.write_str("a line of the response ends without carriage return"),
            Self::HeadTooLong { limit } => write!(f, "response head longer than {limit} bytes"),
            Self::TooManyHeaders { limit } => write!(f, "more than {limit} headers in the response"),
            Self::TimedOut => f.write_str("the response did not arrive in time"),
            Self::NotUpgraded => f.write_str("the response's Upgrade header is not websocket"),
            Self::ConnectionWithoutUpgrade => {
                f.write_str("the response's Connection header does not list Upgrade")
            }
            Self::WrongAcceptKey => f.write_str("the response's Sec-WebSocket-Accept does not match the key"),
            Self::SubprotocolNotOffered => f.write_str("the server chose a subprotocol that was not offered"),
            Self::ExtensionNotOffered => f.write_str("the server chose an extension that was not offered"),
            Self::UnacceptableExtension => {
                f.write_str("the server chose an extension in a way that does not answer the offer")
            }
        }
    }
}

impl core::error::Error for HandshakeFailed {}

impl From<BadHead> for HandshakeFailed {
    fn from(bad: BadHead) -> Self {
        match bad {
            BadHead::BareLineFeed => Self::BareLineFeed,
            BadHead::TooLong { limit } => Self::HeadTooLong { limit },
            BadHead::TooManyHeaders { limit } => Self::TooManyHeaders { limit },
        }
    }
}
