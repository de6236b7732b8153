use core::fmt;
use core::str::FromStr;

/// Names one connection to the application behind the gateway, as `123.456`.
///
/// Signatures bind to it, so it must be unguessable and never used again: make it of 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId {
    left: u64,
    right: u64,
}

impl SocketId {
    /// The id made of 16 unpredictable bytes, fresh for every connection.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let number = u128::from_le_bytes(bytes);
        Self { left: (number >> 64) as u64, right: number as u64 }
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.left, self.right)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({self})")
    }
}

impl FromStr for SocketId {
    type Err = InvalidSocketId;

    /// Parses exactly what `Display` writes, so that one id has one spelling.
    fn from_str(text: &str) -> Result<Self, InvalidSocketId> {
        let (left, right) = text.split_once('.').ok_or(InvalidSocketId)?;
        Ok(Self { left: parse_half(left)?, right: parse_half(right)? })
    }
}

fn parse_half(digits: &str) -> Result<u64, InvalidSocketId> {
    let is_canonical = digits == "0" || digits.starts_with(|first: char| matches!(first, '1'..='9'));
    if !is_canonical {
        return Err(InvalidSocketId);
    }
    digits.parse().map_err(|_| InvalidSocketId)
}

/// The text is not a socket id: two numbers joined by a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSocketId;

impl fmt::Display for InvalidSocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("socket_id must be the one that the server greeted the connection with, such as 123.456")
    }
}

impl core::error::Error for InvalidSocketId {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn only_the_one_spelling_is_parsed() {
        for text in ["", ".", "1", "1.", ".1", "1.2.3", "01.1", "1.01", "+1.1", "-1.1", "1.1 ", "1.x", "1:1"]
        {
            assert_eq!(text.parse::<SocketId>(), Err(InvalidSocketId), "{text:?}");
        }
        assert_eq!("18446744073709551616.1".parse::<SocketId>(), Err(InvalidSocketId));
        assert_eq!("0.0".parse(), Ok(SocketId { left: 0, right: 0 }));
    }

    proptest! {
        #[test]
        fn every_id_is_parsed_as_it_is_written(bytes in any::<[u8; 16]>()) {
            let id = SocketId::from_random(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
