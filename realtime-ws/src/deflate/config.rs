use super::MIN_WINDOW_BITS;
use crate::config::InvalidConfig;

/// How messages are compressed (RFC 7692), and how much memory that may take.
///
/// *Outgoing* is what this side compresses, *incoming* what the peer does. Which parameter of the
/// handshake each becomes depends on the role.
///
/// # Memory
/// Without context takeover a connection holds nothing between messages. With it, for as long as it
/// lives, in bytes:
///
/// | direction | held | defaults otherwise | least |
/// |---|---|---|---|
/// | outgoing | `137_000 + (4 << outgoing_window_bits) + (448 << memory_level)` | 382,760 | 139,944 |
/// | incoming | `47_680`, whatever the window | 47,680 | 47,680 |
///
/// The same is held without context takeover while a message is being compressed or arrives; there the
/// outgoing window is not made larger than the message.
///
/// # Security
/// How short a message becomes tells who watches the connection how much in it repeats itself, also where
/// the connection is encrypted. Do not compress a secret together with what an attacker can choose: in one
/// message, or, with context takeover, on one connection (RFC 7692 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateConfig {
    /// Whether a message may refer to earlier ones. Default no. It makes small messages that resemble
    /// each other much smaller, for the memory above. A [`PreparedMessage`](crate::PreparedMessage)
    /// refers to none in any case, so that connections can share it; what follows it on the connection
    /// does not refer to what came before it.
    pub outgoing_context_takeover: bool,
    /// Whether the peer's messages may refer to earlier ones. Default no: a server tells its clients not
    /// to, and a client asks the server and fails the handshake with one that does not comply.
    pub incoming_context_takeover: bool,
    /// How far back a message may refer, as a power of two: 9 to 15, default 15. A peer that can remember
    /// less lowers it; one that remembers only 8 bits is not served by the compressor: a server declines
    /// its offer, a client sends uncompressed.
    pub outgoing_window_bits: u8,
    /// How far back the peer's messages may refer, as a power of two: 8 to 15, default 15. Less saves
    /// memory of the peer only. A client that does not let the server choose uses 15.
    pub incoming_window_bits: u8,
    /// How hard to look for repetitions: 1 (quick) to 9 (small). Default 1. From 1 to 6 messages become
    /// about a third smaller and take up to nine times as long.
    pub level: u8,
    /// How much to collect before it is encoded: 1 to 9, default 8. Lower takes less memory and
    /// compresses less.
    pub memory_level: u8,
    /// The shortest message worth compressing, in bytes of payload. Default 256. Shorter ones and empty
    /// ones go out as they are. With context takeover it can be much lower.
    pub min_message_bytes: usize,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            outgoing_context_takeover: false,
            incoming_context_takeover: false,
            outgoing_window_bits: 15,
            incoming_window_bits: 15,
            level: 1,
            memory_level: 8,
            min_message_bytes: 256,
        }
    }
}

impl DeflateConfig {
    pub(crate) fn check(&self) -> Result<(), InvalidConfig> {
        if !(MIN_WINDOW_BITS..=15).contains(&self.outgoing_window_bits) {
            return Err(InvalidConfig("deflate.outgoing_window_bits must be 9 to 15"));
        }
        if !(8..=15).contains(&self.incoming_window_bits) {
            return Err(InvalidConfig("deflate.incoming_window_bits must be 8 to 15"));
        }
        if !(1..=9).contains(&self.level) {
            return Err(InvalidConfig("deflate.level must be 1 to 9"));
        }
        if !(1..=9).contains(&self.memory_level) {
            return Err(InvalidConfig("deflate.memory_level must be 1 to 9"));
        }
        Ok(())
    }
}

/// What the opening handshake agreed on: permessage-deflate with these parameters (RFC 7692 §7.1), seen
/// from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NegotiatedDeflate {
    /// Whether this side's messages may refer to earlier ones.
    pub outgoing_context_takeover: bool,
    /// Whether the peer's messages may refer to earlier ones.
    pub incoming_context_takeover: bool,
    /// How far back this side's messages may refer, as a power of two: 8 to 15. With 8 they go out
    /// uncompressed.
    pub outgoing_window_bits: u8,
    /// How far back the peer's messages may refer, as a power of two: 8 to 15.
    pub incoming_window_bits: u8,
}
