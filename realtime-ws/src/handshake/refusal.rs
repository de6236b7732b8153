use super::answer::final_response;
use super::head::BadHead;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

/// Why a server turns a request away: the client's fault, or a limit it met.
///
/// Send [`response`](Self::response), then close the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request line is not that of an HTTP/1 request.
    MalformedRequestLine,
    /// A header has a character that is not allowed in it, or no colon.
    MalformedHeader,
    /// A line ends without a carriage return, which one reader takes for an end and another does not.
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
    /// The method of an upgrade is not `GET` (RFC 6455 §4.2.1).
    MethodNotGet,
    /// The request comes in HTTP/1.0, which knows no upgrades.
    HttpVersion,
    /// The target is neither a path nor a URL, or has a fragment (§3).
    InvalidTarget,
    /// `Host` is missing, comes more than once, or is no host.
    InvalidHost,
    /// The request announces a body, which would be taken for frames.
    UnexpectedBody,
    /// `Connection` does not list `Upgrade`.
    ConnectionWithoutUpgrade,
    /// `Sec-WebSocket-Version` is not 13 (§4.4).
    UnsupportedVersion,
    /// `Sec-WebSocket-Key` is missing, comes more than once, or is not 16 bytes in base64.
    InvalidKey,
    /// `Sec-WebSocket-Protocol` is not a list of tokens.
    MalformedSubprotocols,
    /// `Sec-WebSocket-Extensions` does not follow its grammar (§9.1).
    MalformedExtensions,
    /// `Origin` comes more than once, or is no text.
    MalformedOrigin,
    /// The [`OriginPolicy`](super::OriginPolicy) does not list the page's origin.
    ForbiddenOrigin,
}

impl Refusal {
    /// The status code of the [`response`](Self::response).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::MalformedRequestLine
            | Self::MalformedHeader
            | Self::BareLineFeed
            | Self::HttpVersion
            | Self::InvalidTarget
            | Self::InvalidHost
            | Self::UnexpectedBody
            | Self::ConnectionWithoutUpgrade
            | Self::InvalidKey
            | Self::MalformedSubprotocols
            | Self::MalformedExtensions
            | Self::MalformedOrigin => 400,
            Self::ForbiddenOrigin => 403,
            Self::MethodNotGet => 405,
            Self::TimedOut => 408,
            Self::UnsupportedVersion => 426,
            Self::HeadTooLong { .. } | Self::TooManyHeaders { .. } => 431,
        }
    }

    /// The complete HTTP response. Its body says what was wrong and what is accepted; nothing in it comes
    /// from the request.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        let headers: &[(&str, &str)] = match self.status() {
            405 => &[("Allow", "GET")],
            // RFC 9110 §15.5.22 asks for the protocol, RFC 6455 §4.4 for the version.
            426 => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")],
            _ => &[],
        };
        let mut body = self.to_string();
        body.push('\n');
        final_response(self.status(), headers, body.as_bytes())
    }
}

impl fmt::Display for Refusal {
    /// What was wrong, and what is accepted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedRequestLine => f.write_str(
                "malformed request line: must be a method, a target and HTTP/1.1, one space between",
            ),
            Self::MalformedHeader => {
                f.write_str("malformed header: must be a name, a colon and a value in one line")
            }
            Self::BareLineFeed => f.write_str("line feed without carriage return: lines must end with both"),
            Self::HeadTooLong { limit } => {
                write!(f, "request head too long: at most {limit} bytes are accepted")
            }
            Self::TooManyHeaders { limit } => write!(f, "too many headers: at most {limit} are accepted"),
            Self::TimedOut => f.write_str("the request did not arrive in time"),
            Self::MethodNotGet => f.write_str("a WebSocket handshake must be a GET request"),
            Self::HttpVersion => f.write_str("a WebSocket handshake needs HTTP/1.1"),
            Self::InvalidTarget => {
                f.write_str("the request target must be a path or an http or ws URL, without a fragment")
            }
            Self::InvalidHost => f.write_str("there must be one Host header that names a host"),
            Self::UnexpectedBody => f.write_str("a WebSocket handshake must not have a body"),
            Self::ConnectionWithoutUpgrade => f.write_str("the Connection header must list Upgrade"),
            Self::UnsupportedVersion => f.write_str("Sec-WebSocket-Version must be 13"),
            Self::InvalidKey => f.write_str("there must be one Sec-WebSocket-Key of 16 bytes in base64"),
            Self::MalformedSubprotocols => f.write_str("Sec-WebSocket-Protocol must be a list of tokens"),
            Self::MalformedExtensions => {
                f.write_str("Sec-WebSocket-Extensions must be a list of tokens with parameters")
            }
            Self::MalformedOrigin => f.write_str("there must be at most one Origin header, in ASCII"),
            Self::ForbiddenOrigin => f.write_str("connections from this origin are not accepted"),
        }
    }
}

impl core::error::Error for Refusal {}

impl From<BadHead> for Refusal {
    fn from(bad: BadHead) -> Self {
        match bad {
            BadHead::BareLineFeed => Self::BareLineFeed,
            BadHead::TooLong { limit } => Self::HeadTooLong { limit },
            BadHead::TooManyHeaders { limit } => Self::TooManyHeaders { limit },
        }
    }
}
