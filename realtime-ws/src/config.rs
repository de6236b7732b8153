#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;
use core::time::Duration;

/// The limits of one connection. Connections take it [`checked`](Self::checked).
///
/// ```
/// use realtime_ws::Config;
///
/// let config = Config { max_message_bytes: 64 * 1024, ..Config::default() }.checked()?;
/// # Ok::<(), realtime_ws::InvalidConfig>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The longest message to receive, in bytes of payload. Default 1 MiB. A longer one fails the
    /// connection with 1009 as soon as a header declares it, a compressed one as soon as that much is
    /// decompressed. `usize::MAX`: no limit but that of the memory, which a message takes as it arrives.
    pub max_message_bytes: usize,
    /// The most frames one message may come in; empty ones count. Default 16,384. One more fails
    /// the connection with 1008. `u32::MAX`: no limit.
    pub max_fragments: u32,
    /// How many bytes may wait to be written before sending is refused with
    /// [`ApiMisuse::QueueFull`](crate::ApiMisuse::QueueFull). Default 1 MiB. A message of any length is let
    /// in below it, and may exceed it; so may pongs, up to 16, and the close frame.
    pub max_unsent_bytes: usize,
    /// Whether messages are received whole or as pieces. Default whole.
    pub delivery: Delivery,
    /// How messages are compressed, with peers that agree to it. Default `None`: not at all.
    #[cfg(feature = "deflate")]
    pub deflate: Option<DeflateConfig>,
    /// When silence is taken for death. Default: ping after 30 s, give up after 60 s. `None`: never.
    pub keepalive: Option<Keepalive>,
    /// How long the peer may take to answer a close frame, and to close the socket after a
    /// complete closing handshake. Default 5 s. Then the connection is finished at once.
    pub close_timeout: Duration,
    /// How long the opening handshake may take. Default 10 s. Then the server answers 408.
    pub handshake_timeout: Duration,
    /// The longest request or response head of an opening handshake, in bytes. Default 16 KiB. A
    /// longer one is answered with 431.
    pub max_head_bytes: usize,
    /// The most header lines of an opening handshake. Default 64, at most 256. One more is
    /// answered with 431.
    pub max_headers: usize,
}

/// Whether a message is awaited whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// A message is one event, complete. Takes memory for the message while it arrives.
    #[default]
    Whole,
    /// A message is a sequence of [`Event::Piece`](crate::Event::Piece), each as it arrives.
    /// Takes no memory for the message, and 16 KiB while a compressed one arrives.
    Pieces,
}

/// When a silent peer is asked whether it lives, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// The silence after which a ping is sent. Default 30 s.
    pub ping_after: Duration,
    /// The silence after which the connection is finished with 1006. Default 60 s. Must be longer
    /// than `ping_after`.
    pub close_after: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { ping_after: Duration::from_secs(30), close_after: Duration::from_secs(60) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message_bytes: 1024 * 1024,
            max_fragments: 16_384,
            max_unsent_bytes: 1024 * 1024,
            delivery: Delivery::Whole,
            #[cfg(feature = "deflate")]
            deflate: None,
            keepalive: Some(Keepalive::default()),
            close_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            max_head_bytes: 16 * 1024,
            max_headers: 64,
        }
    }
}

impl Config {
    /// The most header lines that [`max_headers`](Self::max_headers) can allow.
    pub const MAX_HEADERS: usize = 256;

    /// The configuration, checked and ready to be shared by connections.
    ///
    /// # Errors
    /// [`InvalidConfig`] names the first field that contradicts itself or another one.
    pub fn checked(self) -> Result<CheckedConfig, InvalidConfig> {
        if self.max_fragments == 0 {
            return Err(InvalidConfig("max_fragments must be at least 1"));
        }
        if self.max_unsent_bytes == 0 {
            return Err(InvalidConfig("max_unsent_bytes must be at least 1"));
        }
        if self.max_headers == 0 || self.max_headers > Self::MAX_HEADERS {
            return Err(InvalidConfig("max_headers must be 1 to 256"));
        }
        if self.max_head_bytes < 64 {
            return Err(InvalidConfig("max_head_bytes must be at least 64"));
        }
        if let Some(keepalive) = &self.keepalive {
            if keepalive.ping_after.is_zero() {
                return Err(InvalidConfig("keepalive.ping_after must not be zero"));
            }
            if keepalive.close_after <= keepalive.ping_after {
                return Err(InvalidConfig("keepalive.close_after must be longer than ping_after"));
            }
        }
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            deflate.check()?;
        }
        Ok(CheckedConfig(Arc::new(self)))
    }
}

/// A [`Config`] without contradictions, as [`Config::checked`] gives it; a clone is a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedConfig(Arc<Config>);

impl Default for CheckedConfig {
    /// All defaults, which contradict nothing.
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl Deref for CheckedConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

/// A configuration that contradicts itself; the text says which field and what is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidConfig(pub(crate) &'static str);

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for InvalidConfig {}
