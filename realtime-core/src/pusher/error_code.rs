use core::fmt;
use realtime_ws::CloseCode;

/// A code of the protocol: as the `code` of a `pusher:error` event, or as a close code.
///
/// What pusher-js does when a connection *closes* with one:
///
/// | code | the client |
/// |---|---|
/// | 4000 | connects again over TLS |
/// | 4001-4099, 4300 and above | **stops for good** |
/// | 4100-4199 | connects again after a second |
/// | 4200-4299 | connects again at once |
///
/// (`clients/node/close-codes.test.js` plays it.) A `pusher:error` event acts like the close code if it is the first frame of a connection; later it only
/// reaches the application's error handler. So what concerns a single message is told as an event, and only
/// what concerns the connection closes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(CloseCode);

impl ErrorCode {
    /// 4001, closes: there is no app with this key, or no longer.
    pub const NO_SUCH_APP: Self = Self::named(4001);
    /// 4003, closes: the app is disabled.
    pub const APP_DISABLED: Self = Self::named(4003);
    /// 4004, closes: the app has as many connections as it may.
    pub const OVER_CONNECTION_QUOTA: Self = Self::named(4004);
    /// 4005, closes: the path is not `/app/{key}`.
    pub const PATH_NOT_FOUND: Self = Self::named(4005);
    /// 4006, closes: `protocol` is not a number.
    pub const INVALID_VERSION: Self = Self::named(4006);
    /// 4007, closes: the server does not speak this version of the protocol.
    pub const UNSUPPORTED_VERSION: Self = Self::named(4007);
    /// 4008, closes: no version was named. Not sent by this server, which then takes version 7.
    pub const NO_VERSION: Self = Self::named(4008);
    /// 4009, closes: the app ended the connections of its user, who is not to come back; or a page is of an origin that
    /// the app does not let in. An event for a sign-in that was not accepted; the connection lives.
    pub const UNAUTHORIZED: Self = Self::named(4009);
    /// 4100, closes: the server is at its capacity; try again later.
    pub const OVER_CAPACITY: Self = Self::named(4100);
    /// 4200, closes: connect again at once. A server that sends it to many at a time is met by all of them at
    /// a time.
    pub const RECONNECT: Self = Self::named(4200);
    /// 4201, closes: no pong came in time.
    pub const NO_PONG: Self = Self::named(4201);
    /// 4202, closes: the client was silent for too long.
    pub const INACTIVE: Self = Self::named(4202);
    /// 4301, an event: the client sends more client events than it may. The connection lives.
    pub const CLIENT_EVENT_RATE: Self = Self::named(4301);
    /// 4302, an event: the watchlist is too long. The connection lives.
    pub const WATCHLIST_TOO_LONG: Self = Self::named(4302);

    const fn named(code: u16) -> Self {
        match CloseCode::new(code) {
            Some(code) => Self(code),
            None => panic!("codes of the protocol are from 4000 to 4999"), // while compiling: only constants get here
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// The code to close the connection with.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({self})")
    }
}
