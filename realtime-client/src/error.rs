use realtime_core::pusher::client::InvalidKey;
use realtime_ws::InvalidConfig;
use realtime_ws::handshake::InvalidUri;
use std::{fmt, io};

/// Why a client was not started. That a server cannot be reached is no such reason: it is tried again, and told by
/// events.
#[derive(Debug)]
pub enum ConnectError {
    /// The address is no WebSocket URL.
    Url(InvalidUri),
    /// The address has a query, and the protocol has its own.
    UrlWithQuery,
    /// The address begins with `wss://`, and there is no TLS here.
    Tls,
    /// The app key cannot be one.
    Key(InvalidKey),
    /// The configuration of the WebSocket contradicts itself.
    WebSocket(InvalidConfig),
    /// The system starts no more threads.
    Thread(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(invalid) => invalid.fmt(f),
            Self::UrlWithQuery => f.write_str(
                "the address must be ws://host[:port][/path], without a query: the protocol has its own",
            ),
            Self::Tls => f.write_str(
                "wss:// is not supported: there is no TLS here, use ws:// or a local proxy that speaks TLS",
            ),
            Self::Key(invalid) => invalid.fmt(f),
            Self::WebSocket(invalid) => invalid.fmt(f),
            Self::Thread(error) => write!(f, "the client's thread cannot be started: {error}"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(invalid) => Some(invalid),
            Self::Key(invalid) => Some(invalid),
            Self::WebSocket(invalid) => Some(invalid),
            Self::Thread(error) => Some(error),
            Self::UrlWithQuery | Self::Tls => None,
        }
    }
}
