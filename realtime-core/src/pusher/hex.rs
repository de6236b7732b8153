//! Lower-case hexadecimal, the form of every digest and signature of the protocol.

use alloc::string::String;

/// `bytes`, two digits each.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

/// The `N` bytes that `text` writes; `None` if it is not exactly `2 * N` lower-case digits.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; N] = pairs.try_into().ok()?;
    let mut bytes = [0; N];
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_encoding_and_decoding() {
        for byte in 0..=u8::MAX {
            assert_eq!(decode::<1>(&encode(&[byte])), Some([byte]));
        }
        assert_eq!(encode(&[0x00, 0x0f, 0xa5]), "000fa5");
    }

    #[test]
    fn what_is_no_hexadecimal_of_that_length_is_refused() {
        for text in ["", "0", "000", "0000", "0g", "0A", "é", " 0", "+1"] {
            assert_eq!(decode::<1>(text), None, "{text:?}");
        }
    }
}
