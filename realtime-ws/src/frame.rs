//! The bytes of one frame's header (RFC 6455 §5.2).

use crate::error::PeerMisbehaved;
use crate::opcode::Opcode;
use alloc::vec::Vec;

/// The longest header in bytes: 2, an extended length of 8, and a masking key of 4.
pub const MAX_HEADER_BYTES: usize = 14;

/// The reserved bit that says, on a message's first frame, that the message is compressed (RFC 7692 §6).
pub(crate) const RSV1: u8 = 0b100;

/// The longest payload of a control frame in bytes (RFC 6455 §5.5).
pub const MAX_CONTROL_PAYLOAD_BYTES: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7F;
const LENGTH_IN_16_BITS: u8 = 126;
const LENGTH_IN_64_BITS: u8 = 127;

/// A frame's header, decoded.
///
/// What no connection may send cannot come out of [`decode`](Self::decode): reserved opcodes, control
/// frames that are long or fragmented, lengths in a longer form than they need. What depends on the
/// connection (masks and reserved bits) is for the connection to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// The reserved bits, RSV1 in bit 2, RSV2 in bit 1, RSV3 in bit 0; extensions give them a meaning.
    pub reserved_bits: u8,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The key that the payload is masked with (§5.3).
    pub masking_key: Option<[u8; 4]>,
    /// The payload's length in bytes, as declared; at most `2^63 - 1`.
    pub payload_len: u64,
}

impl Header {
    /// The header at the start of `bytes` and how many bytes it takes; `None` if it is not complete.
    ///
    /// # Errors
    /// [`PeerMisbehaved`], if no frame may begin like this. A fault in the first two bytes is found before
    /// the rest is there.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, PeerMisbehaved> {
        let [first, second, extended @ ..] = bytes else { return Ok(None) };
        let Some(opcode) = Opcode::from_bits(first & OPCODE) else {
            return Err(PeerMisbehaved::ReservedOpcode(first & OPCODE));
        };
        let fin = first & FIN != 0;
        let short_len = second & LENGTH;
        if opcode.is_control() {
            if !fin {
                return Err(PeerMisbehaved::FragmentedControlFrame);
            }
            if short_len > MAX_CONTROL_PAYLOAD_BYTES as u8 {
                return Err(PeerMisbehaved::ControlFrameTooLong);
            }
        }
        let (payload_len, after_len) = match short_len {
            LENGTH_IN_16_BITS => {
                let Some((len, rest)) = extended.split_first_chunk() else { return Ok(None) };
                let len = u64::from(u16::from_be_bytes(*len));
                if len < u64::from(LENGTH_IN_16_BITS) {
                    return Err(PeerMisbehaved::BadLengthEncoding);
                }
                (len, rest)
            }
            LENGTH_IN_64_BITS => {
                let Some((len, rest)) = extended.split_first_chunk() else { return Ok(None) };
                let len = u64::from_be_bytes(*len);
                if len <= u64::from(u16::MAX) || len > i64::MAX as u64 {
                    return Err(PeerMisbehaved::BadLengthEncoding);
                }
                (len, rest)
            }
            _ => (u64::from(short_len), extended),
        };
        let (masking_key, payload) = if second & MASKED == 0 {
            (None, after_len)
        } else {
            let Some((key, rest)) = after_len.split_first_chunk() else { return Ok(None) };
            (Some(*key), rest)
        };
        let header = Self { fin, reserved_bits: (first & RESERVED) >> 4, opcode, masking_key, payload_len };
        Ok(Some((header, bytes.len() - payload.len())))
    }

    /// How many bytes [`encode`](Self::encode) appends.
    pub(crate) const fn encoded_bytes(&self) -> usize {
        let length_bytes = match self.payload_len {
            0..126 => 0,
            126..0x1_0000 => 2,
            0x1_0000.. => 8,
        };
        2 + length_bytes + if self.masking_key.is_some() { 4 } else { 0 }
    }

    /// Appends the header to `out`, its length in the shortest form.
    #[inline(always)] // where the fields are known, little is left of it
    pub fn encode(&self, out: &mut Vec<u8>) {
        let first = if self.fin { FIN } else { 0 } | (self.reserved_bits << 4) & RESERVED | self.opcode as u8;
        let masked = if self.masking_key.is_some() { MASKED } else { 0 };
        // Arrays of a known length: one store each instead of a copy of whatever length comes.
        if self.payload_len < u64::from(LENGTH_IN_16_BITS) {
            out.extend_from_slice(&[first, masked | self.payload_len as u8]);
        } else if let Ok(len) = u16::try_from(self.payload_len) {
            let [high, low] = len.to_be_bytes();
            out.extend_from_slice(&[first, masked | LENGTH_IN_16_BITS, high, low]);
        } else {
            let [a, b, c, d, e, f, g, h] = self.payload_len.to_be_bytes();
            out.extend_from_slice(&[first, masked | LENGTH_IN_64_BITS, a, b, c, d, e, f, g, h]);
        }
        if let Some(key) = self.masking_key {
            out.extend_from_slice(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opcode::Opcode::{Binary, Continuation, Ping, Text};

    fn header(opcode: Opcode, payload_len: u64) -> Header {
        Header { fin: true, reserved_bits: 0, opcode, masking_key: None, payload_len }
    }

    #[test]
    fn the_examples_of_section_5_7_are_decoded() {
        let table: [(&[u8], Header, usize); 6] = [
            (&[0x81, 0x05, b'H'], header(Text, 5), 2),
            (
                &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d],
                Header { masking_key: Some([0x37, 0xfa, 0x21, 0x3d]), ..header(Text, 5) },
                6,
            ),
            (&[0x01, 0x03], Header { fin: false, ..header(Text, 3) }, 2),
            (&[0x80, 0x02], header(Continuation, 2), 2),
            (&[0x82, 0x7E, 0x01, 0x00], header(Binary, 256), 4),
            (&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], header(Binary, 65_536), 10),
        ];
        for (bytes, expected, len) in table {
            assert_eq!(Header::decode(bytes), Ok(Some((expected, len))), "{bytes:x?}");
        }
    }

    #[test]
    fn a_header_cut_anywhere_is_incomplete() {
        let mut bytes = Vec::new();
        for payload_len in [0, 125, 126, 65_535, 65_536, i64::MAX as u64] {
            for masking_key in [None, Some([1, 2, 3, 4])] {
                let header = Header { masking_key, ..header(Binary, payload_len) };
                bytes.clear();
                header.encode(&mut bytes);
                for cut in 0..bytes.len() {
                    assert_eq!(Header::decode(&bytes[..cut]), Ok(None), "{header:?} cut at {cut}");
                }
                assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len()))));
            }
        }
    }

    #[test]
    fn lengths_in_a_longer_form_than_needed_are_refused() {
        let table: [&[u8]; 4] = [
            &[0x82, 126, 0, 125],
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
            &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
            &[0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        ];
        for bytes in table {
            assert_eq!(Header::decode(bytes), Err(PeerMisbehaved::BadLengthEncoding), "{bytes:x?}");
        }
    }

    #[test]
    fn control_frames_are_short_and_whole() {
        assert_eq!(Header::decode(&[0x89, 125]), Ok(Some((header(Ping, 125), 2))));
        for opcode in 8..=10 {
            assert_eq!(Header::decode(&[0x80 | opcode, 126]), Err(PeerMisbehaved::ControlFrameTooLong));
            assert_eq!(Header::decode(&[0x80 | opcode, 127]), Err(PeerMisbehaved::ControlFrameTooLong));
            assert_eq!(Header::decode(&[opcode, 0]), Err(PeerMisbehaved::FragmentedControlFrame));
        }
    }

    #[test]
    fn every_reserved_opcode_is_refused() {
        for opcode in (0x3..=0x7).chain(0xB..=0xF) {
            assert_eq!(Header::decode(&[0x80 | opcode, 0]), Err(PeerMisbehaved::ReservedOpcode(opcode)));
        }
    }

    #[test]
    fn a_header_takes_as_many_bytes_as_it_says() {
        for payload_len in [0, 125, 126, 65_535, 65_536, i64::MAX as u64] {
            for masking_key in [None, Some([1, 2, 3, 4])] {
                let header = Header { masking_key, ..header(Binary, payload_len) };
                let mut bytes = Vec::new();
                header.encode(&mut bytes);
                assert_eq!(header.encoded_bytes(), bytes.len(), "{header:?}");
            }
        }
    }

    #[test]
    fn reserved_bits_are_told_apart() {
        for bits in 0..8 {
            let (header, _) = Header::decode(&[0x81 | (bits << 4), 0]).unwrap().unwrap();
            assert_eq!(header.reserved_bits, bits);
        }
    }
}
