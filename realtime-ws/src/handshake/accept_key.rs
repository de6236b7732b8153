//! Proof that the server read this handshake and speaks WebSocket (RFC 6455 §4.2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` that answers the `Sec-WebSocket-Key` `key`.
pub(super) fn accept_key(key: &[u8]) -> [u8; 28] {
    encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// The value of `Sec-WebSocket-Key` for the nonce `nonce`.
pub(super) fn encode_nonce(nonce: [u8; 16]) -> [u8; 24] {
    encode(&nonce)
}

/// Whether `key` stands for 16 bytes in base64: 22 digits and two signs of padding. As most peers do, this
/// does not ask that the four bits that the last digit has to spare are zero: nothing depends on them.
pub(super) fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn encode<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut encoded = [0; N];
    let written = STANDARD.encode_slice(bytes, &mut encoded);
    debug_assert_eq!(written, Ok(N), "both callers leave exactly the room that base64 takes");
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_of_section_1_3_is_answered_as_there() {
        assert_eq!(encode_nonce(*b"the sample nonce"), *b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn only_sixteen_bytes_in_base64_are_a_key() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZR=="), "spare bits do not matter");
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZQA=",
            "dGhlIHNhbXBsZSBub25jZQAA",
            "dGhlIHNhbXBsZSBub25j-_==",
            "dGhlIHNhbXBsZSBub25j Q==",
            "dGhlIHNhbXBsZSBub25jZ===",
        ] {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
    }
}
