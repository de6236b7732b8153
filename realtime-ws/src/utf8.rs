use crate::error::PeerMisbehaved;
use ascii::AsciiStr;

/// Below this many bytes it takes but a few words to know whether text is ASCII, while the validators go byte by byte.
const ASCII_BELOW_BYTES: usize = 64;

/// From this many bytes on the SIMD validator makes up for its start and its end.
const SIMD_FROM_BYTES: usize = 128;

/// `bytes` as text, if they are UTF-8.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Result<&str, PeerMisbehaved> {
    if bytes.len() < ASCII_BELOW_BYTES
        && let Ok(ascii) = AsciiStr::from_ascii(bytes)
    {
        Ok(ascii.as_str())
    } else if bytes.len() < SIMD_FROM_BYTES {
        core::str::from_utf8(bytes).map_err(|_| PeerMisbehaved::InvalidUtf8)
    } else {
        simdutf8::basic::from_utf8(bytes).map_err(|_| PeerMisbehaved::InvalidUtf8)
    }
}

/// Checks text that comes in pieces, each byte once, and fails at the first piece that cannot begin or
/// continue valid UTF-8 (RFC 6455 §8.1).
#[derive(Debug, Default)]
pub(crate) struct Validator {
    // The first bytes of a character whose rest is awaited: 0 to 3 of them.
    cut: [u8; 4],
    cut_len: u8,
    #[cfg(test)]
    bytes_looked_at: usize,
}

impl Validator {
    pub(crate) fn push(&mut self, mut piece: &[u8]) -> Result<(), PeerMisbehaved> {
        while self.cut_len > 0 {
            let Some((byte, rest)) = piece.split_first() else { return Ok(()) };
            piece = rest;
            self.cut[usize::from(self.cut_len)] = *byte;
            self.cut_len += 1;
            #[cfg(test)]
            {
                self.bytes_looked_at += usize::from(self.cut_len);
            }
            match core::str::from_utf8(&self.cut[..usize::from(self.cut_len)]) {
                Ok(_) => self.cut_len = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(PeerMisbehaved::InvalidUtf8),
            }
        }
        #[cfg(test)]
        {
            self.bytes_looked_at += piece.len();
        }
        let (whole, cut) = piece.split_at(piece.len() - cut_character_len(piece));
        check(whole)?;
        if let Err(error) = core::str::from_utf8(cut)
            && error.error_len().is_some()
        {
            return Err(PeerMisbehaved::InvalidUtf8);
        }
        self.cut[..cut.len()].copy_from_slice(cut);
        self.cut_len = cut.len() as u8;
        Ok(())
    }

    /// Whether the text may end here: not in the middle of a character.
    pub(crate) fn finish(&self) -> Result<(), PeerMisbehaved> {
        if self.cut_len == 0 { Ok(()) } else { Err(PeerMisbehaved::InvalidUtf8) }
    }
}

/// How many bytes at the end of `piece` begin a character that goes on after it. Judged by the
/// lead byte alone; whether they may begin one is for the validator.
fn cut_character_len(piece: &[u8]) -> usize {
    for len in 1..=piece.len().min(3) {
        let needed = match piece[piece.len() - len] {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            0x00..=0x7F => 1,
        };
        return if needed > len { len } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn in_two(bytes: &[u8], at: usize) -> Result<(), PeerMisbehaved> {
        let mut validator = Validator::default();
        validator.push(&bytes[..at])?;
        validator.push(&bytes[at..])?;
        validator.finish()
    }

    #[test]
    fn text_may_be_cut_anywhere() {
        let text = "a é € 𐍈 κόσμε 😀".repeat(20);
        for at in 0..=text.len() {
            assert_eq!(in_two(text.as_bytes(), at), Ok(()), "cut at {at}");
        }
    }

    /// How many bytes are looked at in all while `text` comes in pieces of `size`.
    fn looked_at(text: &str, size: usize) -> usize {
        let mut validator = Validator::default();
        for piece in text.as_bytes().chunks(size) {
            assert_eq!(validator.push(piece), Ok(()));
        }
        assert_eq!(validator.finish(), Ok(()));
        validator.bytes_looked_at
    }

    #[test]
    fn four_mebibytes_in_pieces_are_looked_at_once() {
        let ascii = "a".repeat(4 << 20);
        assert_eq!(looked_at(&ascii, 64), 4 << 20);
        assert_eq!(looked_at(&ascii, 1), 4 << 20);
        // A character that is cut is looked at again with each piece of it, and no other.
        let cut_nearly_everywhere = "€".repeat((4 << 20) / 3);
        let len = cut_nearly_everywhere.len();
        assert!(looked_at(&cut_nearly_everywhere, 64) <= len + len / 64 * 5);
        assert!(looked_at(&cut_nearly_everywhere, 1) <= 2 * len);
    }

    #[test]
    fn a_bad_byte_fails_at_once() {
        // A lone continuation, overlong forms, surrogates, beyond U+10FFFF, bytes that never occur.
        let table: [&[u8]; 9] = [
            &[0x80],
            &[0xC0, 0x80],
            &[0xC1, 0x81],
            &[0xE0, 0x80],
            &[0xED, 0xA0],
            &[0xF0, 0x80],
            &[0xF4, 0x90],
            &[0xF5],
            &[0xFF],
        ];
        for bad in table {
            let mut validator = Validator::default();
            let verdict = bad.iter().try_for_each(|byte| validator.push(&[*byte]));
            assert_eq!(verdict, Err(PeerMisbehaved::InvalidUtf8), "{bad:x?} byte by byte");
            assert_eq!(Validator::default().push(bad), Err(PeerMisbehaved::InvalidUtf8), "{bad:x?}");
        }
    }

    #[test]
    fn a_character_cut_by_the_end_fails_only_there() {
        let mut validator = Validator::default();
        assert_eq!(validator.push("€".as_bytes().split_at(2).0), Ok(()));
        assert_eq!(validator.push(&[]), Ok(()));
        assert_eq!(validator.finish(), Err(PeerMisbehaved::InvalidUtf8));
    }

    proptest! {
        #[test]
        fn pieces_are_judged_as_the_whole(bytes in mostly_text(), cuts: Vec<prop::sample::Index>) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut validator = Validator::default();
            let verdict = cuts.windows(2).try_for_each(|cut| validator.push(&bytes[cut[0]..cut[1]]));
            let verdict = verdict.and_then(|()| validator.finish());
            prop_assert_eq!(verdict.is_ok(), core::str::from_utf8(&bytes).is_ok());
        }
    }

    /// Text with, now and then, a byte replaced.
    fn mostly_text() -> impl Strategy<Value = Vec<u8>> {
        (any::<alloc::string::String>(), prop::option::of((any::<prop::sample::Index>(), any::<u8>())))
            .prop_map(|(text, replaced)| {
                let mut bytes = text.into_bytes();
                if let (Some((at, byte)), false) = (replaced, bytes.is_empty()) {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                bytes
            })
    }
}
