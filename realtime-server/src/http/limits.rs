use std::time::Duration;

/// The limits of a gateway's HTTP connections. The head of a request has those of a WebSocket handshake:
/// 16 KiB and 64 headers, and 431 beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// The most connections at a time. Default 1,024. One more is answered with 503. WebSocket connections
    /// are not among them.
    pub max_connections: usize,
    /// The longest body, in bytes. Default 1 MiB: enough for a batch that keeps all limits of the API, however
    /// its text is escaped. A longer one is answered with 413. Of the API, only a body that the app signed is
    /// kept while it arrives.
    pub max_body_bytes: usize,
    /// The most channels that an answer lists. Default 100,000. If there are more, the answer is 400, and says so.
    pub max_listed_channels: usize,
    /// How long a body may take. Default 10 s. Then the answer is 408.
    pub body_timeout: Duration,
    /// How long a connection may take from one request to the end of the next one's head. Default 30 s. Then
    /// it is closed.
    pub keep_alive_timeout: Duration,
    /// How long a client may leave an answer unread. Default 10 s. Then the connection is closed.
    pub write_timeout: Duration,
    /// How long a request that is being answered may still take when the gateway stops. Default 5 s. Then the
    /// connection is closed.
    pub stop_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_body_bytes: 1024 * 1024,
            max_listed_channels: 100_000,
            body_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(5),
        }
    }
}
