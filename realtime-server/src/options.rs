use crate::app_config::AppConfig;
use crate::drain::Drain;
use crate::http::HttpLimits;
use crate::logging::{LogFilter, LogFormat};
use crate::metrics::Metrics;
use crate::token::Token;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

/// How the gateway is to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// How many threads serve WebSocket connections; `None`: one for each core.
    pub(crate) threads: Option<NonZeroUsize>,
    /// Whether the demo is served.
    pub(crate) demo: Demo,
    /// For whom the debug page is.
    pub(crate) debug_page: DebugPage,
    /// Whether compression is agreed to.
    pub(crate) compression: Compression,
    /// Who is told what the gateway counts.
    pub(crate) metrics: Metrics,
    /// The limits of HTTP connections.
    pub(crate) http: HttpLimits,
    /// How it goes when it is to end.
    pub(crate) drain: Drain,
    /// What is logged.
    pub(crate) log_filter: LogFilter,
    /// How the log looks.
    pub(crate) log_format: LogFormat,
    /// The apps that are served, at least one.
    pub(crate) apps: Vec<AppConfig>,
}

/// Whether the demo is served: the debug page, and endpoints that sign and publish for anyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demo {
    /// It is.
    On,
    /// It is not.
    #[default]
    Off,
}

/// For whom the debug page at `/` is: it tells what is live, and joins and publishes to every channel.
#[derive(Clone, Debug, Default)]
pub enum DebugPage {
    /// Anyone, where the demo is on; elsewhere nobody.
    #[default]
    WithDemo,
    /// Whoever sends the token, as `Authorization: Bearer TOKEN`; the page asks for it.
    Token(Token),
}

/// Whether the gateway agrees when a client offers compressed messages (RFC 7692).
///
/// Messages of 256 bytes and more are then compressed, each by itself: an event once for all the subscribers
/// that a thread serves. No connection keeps memory for it between messages; while one is
/// compressed that takes 250 KB to 380 KB, and while one arrives, 47 KB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// It does.
    On,
    /// It does not. The default, since most events are too short to gain from it, and since who sees the length
    /// of a compressed message learns something of what in it repeats itself.
    #[default]
    Off,
}

/// Whether the subscribers of a channel are told how many they are, with
/// `pusher_internal:subscription_count`; those of presence channels, who are told of each other, never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionCounts {
    /// They are: of the first change at once, and of those that follow within a second when that is over.
    On,
    /// They are not.
    #[default]
    Off,
}
