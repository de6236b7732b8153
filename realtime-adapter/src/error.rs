use realtime_core::{Denial, HubError};
use realtime_ws::handshake::{HandshakeFailed, InvalidUri, Refusal};
use realtime_ws::{ApiMisuse, InvalidConfig, PeerMisbehaved};
use std::{fmt, io};

/// Why a client was not subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscribeError {
    /// It was not let in.
    Denied(Denial),
    /// The hub did not take the request; nothing changed.
    Hub(HubError),
    /// While the authorizer was asked, the client left or unsubscribed.
    NoLongerWanted,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denial) => denial.fmt(f),
            Self::Hub(error) => error.fmt(f),
            Self::NoLongerWanted => f.write_str("the client left or unsubscribed in the meantime"),
        }
    }
}

impl std::error::Error for SubscribeError {}

impl From<HubError> for SubscribeError {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

/// What ended or prevented a WebSocket connection without a hub.
#[derive(Debug)]
pub enum Error {
    /// The transport failed; the connection is over.
    Io(io::Error),
    /// The peer broke the protocol; it was told so, and the connection is over.
    PeerMisbehaved(PeerMisbehaved),
    /// The caller asked for what the protocol forbids; nothing changed.
    ApiMisuse(ApiMisuse),
    /// The client's opening request was no acceptable upgrade; it was told so.
    Refused(Refusal),
    /// The server did not accept the opening handshake.
    HandshakeFailed(HandshakeFailed),
    /// The address is no WebSocket URI that can be connected to; nothing was sent.
    InvalidUri(InvalidUri),
    /// The configuration contradicts itself; nothing was sent.
    InvalidConfig(InvalidConfig),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::PeerMisbehaved(error) => error.fmt(f),
            Self::ApiMisuse(error) => error.fmt(f),
            Self::Refused(error) => error.fmt(f),
            Self::HandshakeFailed(error) => error.fmt(f),
            Self::InvalidUri(error) => error.fmt(f),
            Self::InvalidConfig(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Io(error) => error,
            Self::PeerMisbehaved(error) => error,
            Self::ApiMisuse(error) => error,
            Self::Refused(error) => error,
            Self::HandshakeFailed(error) => error,
            Self::InvalidUri(error) => error,
            Self::InvalidConfig(error) => error,
        })
    }
}

macro_rules! from {
    ($($error:ident)*) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$error(error)
            }
        }
    )*};
}

from! { PeerMisbehaved ApiMisuse HandshakeFailed InvalidUri InvalidConfig }

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Refusal> for Error {
    fn from(error: Refusal) -> Self {
        Self::Refused(error)
    }
}
