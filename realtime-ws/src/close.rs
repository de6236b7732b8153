use alloc::string::String;
use core::fmt;

/// The longest close reason in bytes: a control frame's 125 less the close code (RFC 6455 §5.5.1).
pub const MAX_CLOSE_REASON_BYTES: usize = 123;

/// Why a connection is closed (RFC 6455 §7.4). A newtype, so that codes without a name here survive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server goes down, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a type of message that the receiver does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: stands for a close frame without a code; never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: stands for a connection that ended without a close frame; never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: the content does not fit its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: the message breaks a rule of the receiver's that no other code names.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: the message is longer than the receiver accepts.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: the client misses an extension in the server's answer.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met a condition that it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded; try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got an invalid answer from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code `code`, if it may stand in a close frame: 1000-1003, 1007-1014 and 3000-4999
    /// (RFC 6455 §7.4.2). `None` for all others, which either stand for the absence of a code or
    /// are undefined.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a close frame. False for [`NO_STATUS`](Self::NO_STATUS) and
    /// [`ABNORMAL`](Self::ABNORMAL).
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        Self::new(self.0).is_some()
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a connection came to its end, for whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// The code of the peer's close frame (RFC 6455 §7.1.5), [`CloseCode::NO_STATUS`] if it had none; the
    /// code that the peer was told if it misbehaved; [`CloseCode::ABNORMAL`] if it was lost.
    pub code: CloseCode,
    /// The reason in the peer's close frame, or what happened in words.
    pub reason: String,
    /// Whether the peer sent a close frame (RFC 6455 §7.1.4), rather than being lost or misbehaving.
    pub was_clean: bool,
}

impl fmt::Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " ({})", self.reason)?;
        }
        Ok(())
    }
}

/// `reason`, cut at a character's boundary to what fits into a close frame.
pub(crate) fn fit_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_CLOSE_REASON_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_may_be_sent_are_those_of_section_7_4() {
        let sendable = |code: &u16| CloseCode::new(*code).is_some();
        let allowed: alloc::vec::Vec<u16> = (0..=u16::MAX).filter(sendable).collect();
        let expected = (1000..=1003).chain(1007..=1014).chain(3000..=4999);
        assert_eq!(allowed, expected.collect::<alloc::vec::Vec<u16>>());
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let reason = "é".repeat(100);
        assert_eq!(fit_reason(&reason).len(), 122);
        assert_eq!(fit_reason("short"), "short");
    }
}
