use crate::close::CloseCode;
use core::fmt;

/// The peer broke the protocol or a limit; the connection is failed (RFC 6455 §7.1.7).
///
/// The close frame that tells the peer is already queued when this is returned: transmit what is
/// left, then close the socket. Every later call to `receive` returns the same error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerMisbehaved {
    /// A reserved bit was set that no extension gave a meaning there (§5.2).
    ReservedBits,
    /// The opcode is one of the reserved ones (§5.2).
    ReservedOpcode(u8),
    /// A client sent a frame without a mask (§5.1).
    UnmaskedFrame,
    /// A server sent a frame with a mask (§5.1).
    MaskedFrame,
    /// A length that fits a shorter form was written in a longer one, or its top bit was set (§5.2).
    BadLengthEncoding,
    /// A control frame was fragmented (§5.5).
    FragmentedControlFrame,
    /// A control frame declared more than 125 bytes (§5.5).
    ControlFrameTooLong,
    /// A continuation came where no message had begun (§5.4).
    UnexpectedContinuation,
    /// A new message began before the last one ended (§5.4).
    ExpectedContinuation,
    /// Text, or a close reason, is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A close frame had a payload of one byte (§5.5.1).
    ClosePayloadTooShort,
    /// A close frame had a code that must not be sent (§7.4.2).
    InvalidCloseCode(u16),
    /// The message is longer than [`Config::max_message_bytes`](crate::Config::max_message_bytes), a
    /// compressed one when it is decompressed.
    MessageTooBig {
        /// That limit, in bytes.
        limit: usize,
    },
    /// A compressed message is no deflate data, or ends in the middle of them (RFC 7692 §7.2.2). With feature
    /// `deflate` only.
    CorruptCompression,
    /// The message comes in more frames than [`Config::max_fragments`](crate::Config::max_fragments).
    TooManyFragments {
        /// That limit.
        limit: u32,
    },
}

impl PeerMisbehaved {
    /// The code that tells the peer (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::UnmaskedFrame
            | Self::MaskedFrame
            | Self::BadLengthEncoding
            | Self::FragmentedControlFrame
            | Self::ControlFrameTooLong
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation
            | Self::ClosePayloadTooShort
            | Self::InvalidCloseCode(_) => CloseCode::PROTOCOL_ERROR,
            // RFC 7692 names no code for it; this is what RFC 6455 has for payload that is not what it is
            // said to be.
            Self::CorruptCompression | Self::InvalidUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::TooManyFragments { .. } => CloseCode::POLICY_VIOLATION,
            Self::MessageTooBig { .. } => CloseCode::MESSAGE_TOO_BIG,
        }
    }
}

impl fmt::Display for PeerMisbehaved {
    /// What the peer did wrong, and what is accepted; also the reason in the close frame, into which it fits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits => {
                f.write_str("reserved bit set: none may be that no agreed extension gives a meaning here")
            }
            Self::ReservedOpcode(opcode) => {
                write!(f, "opcode {opcode} is reserved: 0 to 2 and 8 to 10 are accepted")
            }
            Self::UnmaskedFrame => f.write_str("frame without a mask: a client must mask every frame"),
            Self::MaskedFrame => f.write_str("frame with a mask: a server must mask none"),
            Self::BadLengthEncoding => {
                f.write_str("malformed frame length: must be below 2^63 and in its shortest form")
            }
            Self::FragmentedControlFrame => {
                f.write_str("fragmented control frame: close, ping and pong must be one frame each")
            }
            Self::ControlFrameTooLong => {
                f.write_str("control frame too long: at most 125 bytes are accepted")
            }
            Self::UnexpectedContinuation => {
                f.write_str("continuation of no message: must begin with a text or binary frame")
            }
            Self::ExpectedContinuation => {
                f.write_str("new message inside a fragmented one: that must be finished first")
            }
            Self::InvalidUtf8 => f.write_str("invalid UTF-8: text messages and close reasons must be UTF-8"),
            Self::ClosePayloadTooShort => {
                f.write_str("close frame of one byte: must be empty or begin with a code of two bytes")
            }
            Self::InvalidCloseCode(code) => write!(
                f,
                "close code {code} must not be sent: 1000-1003, 1007-1014 and 3000-4999 are accepted"
            ),
            Self::MessageTooBig { limit } => write!(f, "message too big: at most {limit} bytes are accepted"),
            Self::CorruptCompression => {
                f.write_str("corrupt compressed message: must be whole blocks of deflate data")
            }
            Self::TooManyFragments { limit } => {
                write!(f, "too many fragments: at most {limit} frames are accepted in a message")
            }
        }
    }
}

impl core::error::Error for PeerMisbehaved {}

/// The caller asked for something that the protocol forbids; nothing changed and the value is
/// still usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiMisuse {
    /// Nothing can be sent after the close frame (RFC 6455 §5.5.1), nor to a peer that is lost.
    SendAfterClose,
    /// A whole message cannot be sent while one sent in pieces is unfinished (§5.4), nor a piece
    /// of the other kind.
    UnfinishedMessage,
    /// [`Config::max_unsent_bytes`](crate::Config::max_unsent_bytes) wait to be written already: write
    /// first.
    QueueFull {
        /// That limit, in bytes.
        limit: usize,
    },
    /// A ping or pong carries at most 125 bytes (§5.5).
    ControlPayloadTooLong,
    /// This close code must not be sent (§7.4.2); see [`CloseCode::is_sendable`].
    UnsendableCloseCode(CloseCode),
    /// A header's name or value, a path or a subprotocol has a character that would end the line or is
    /// otherwise not allowed there; it names the place.
    InvalidHeader(&'static str),
    /// An additional header is one that the handshake itself writes, or one that would give a body to a
    /// message that has none.
    ReservedHeader,
    /// The chosen subprotocol was not offered (§4.2.2).
    SubprotocolNotOffered,
    /// The same subprotocol is offered twice (§4.1).
    RepeatedSubprotocol,
    /// The status does not answer a refused request: 100 to 199 are not final, and 204, 205 and 304 have
    /// no body.
    InvalidStatus(u16),
}

impl fmt::Display for ApiMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendAfterClose => {
                f.write_str("the connection is closing or lost: nothing more can be sent")
            }
            Self::UnfinishedMessage => f.write_str("a message sent in pieces is not finished"),
            Self::QueueFull { limit } => write!(f, "{limit} bytes wait to be written already"),
            Self::ControlPayloadTooLong => f.write_str("a ping or pong carries at most 125 bytes"),
            Self::UnsendableCloseCode(code) => write!(f, "close code {code} must not be sent"),
            Self::InvalidHeader(place) => write!(f, "character not allowed in {place}"),
            Self::SubprotocolNotOffered => f.write_str("the client did not offer this subprotocol"),
            Self::RepeatedSubprotocol => f.write_str("the same subprotocol is offered twice"),
            Self::ReservedHeader => f.write_str("a header that the handshake itself decides about"),
            Self::InvalidStatus(status) => {
                write!(f, "status {status} cannot refuse a request: use 200 to 599, not 204, 205 or 304")
            }
        }
    }
}

impl core::error::Error for ApiMisuse {}
