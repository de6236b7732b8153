//! JSON text written straight into one `String`, without a tree of values between.

use alloc::string::String;

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends a JSON string whose text is itself JSON, written by `write`. This is how the Pusher protocol
/// carries the `data` of most frames.
pub(crate) fn push_embedded(out: &mut String, write: impl FnOnce(&mut Embedded<'_>)) {
    out.push('"');
    write(&mut Embedded { out });
    out.push('"');
}

/// The inside of a JSON string, seen as the JSON text that it holds.
pub(crate) struct Embedded<'a> {
    out: &'a mut String,
}

impl Embedded<'_> {
    /// Appends `json` as it is.
    pub(crate) fn json(&mut self, json: &str) {
        push_escaped(self.out, json);
    }

    /// Appends what [`push_escaped`] made of JSON.
    pub(crate) fn escaped(&mut self, json: &str) {
        self.out.push_str(json);
    }
}

/// Appends `text` as the inside of a JSON string (RFC 8259 §7).
pub(crate) fn push_escaped(out: &mut String, mut text: &str) {
    let mut escaped = 0; // how much at the front of `text` has its escape in `out` already
    while let Some((at, byte)) = find_to_escape(text.as_bytes(), escaped) {
        out.push_str(&text[..at]);
        if byte < 0x20 {
            out.push_str(CONTROLS[usize::from(byte)]);
            (text, escaped) = (&text[at + 1..], 0);
        } else {
            // The byte itself stands behind a backslash, so it goes with what follows in one copy.
            out.push('\\');
            (text, escaped) = (&text[at..], 1);
        }
    }
    out.push_str(text);
}

/// The first byte from `start` on that cannot stand in a JSON string as it is, and where.
fn find_to_escape(bytes: &[u8], start: usize) -> Option<(usize, u8)> {
    // Most text either has an escape soon or has none for long.
    let mut start = start;
    let near = &bytes[start..bytes.len().min(start + CHUNK)];
    if let Some(at) = near.iter().position(|&byte| must_escape(byte)) {
        return Some((start + at, near[at]));
    }
    start += near.len();
    // Without an early exit inside of a chunk, the compiler compares a chunk's bytes all at once.
    let is_clean = |chunk: &&[u8; CHUNK]| !chunk.iter().fold(false, |any, &byte| any | must_escape(byte));
    start += bytes[start..].as_chunks::<CHUNK>().0.iter().take_while(is_clean).count() * CHUNK;
    let at = start + bytes[start..].iter().position(|&byte| must_escape(byte))?;
    Some((at, bytes[at]))
}

const CHUNK: usize = 16;

fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

const CONTROLS: [&str; 32] = [
    r"\u0000", r"\u0001", r"\u0002", r"\u0003", r"\u0004", r"\u0005", r"\u0006", r"\u0007", r"\b", r"\t",
    r"\n", r"\u000b", r"\f", r"\r", r"\u000e", r"\u000f", r"\u0010", r"\u0011", r"\u0012", r"\u0013",
    r"\u0014", r"\u0015", r"\u0016", r"\u0017", r"\u0018", r"\u0019", r"\u001a", r"\u001b", r"\u001c",
    r"\u001d", r"\u001e", r"\u001f",
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn string(text: &str) -> String {
        let mut out = String::new();
        push_string(&mut out, text);
        out
    }

    fn embedded(pieces: &[String]) -> String {
        let mut out = String::new();
        push_embedded(&mut out, |data| pieces.iter().for_each(|piece| data.json(piece)));
        out
    }

    #[test]
    fn every_character_is_written_as_serde_json_writes_it() {
        for character in '\0'..=char::MAX {
            let text = String::from_iter(['a', character, 'z']);
            assert_eq!(string(&text), serde_json::to_string(&text).unwrap(), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn a_string_comes_back_as_it_was(text in any::<String>()) {
            prop_assert_eq!(serde_json::from_str::<String>(&string(&text)).unwrap(), text);
        }

        #[test]
        fn embedded_json_comes_back_as_its_pieces_joined(pieces in any::<Vec<String>>()) {
            let inside = serde_json::from_str::<String>(&embedded(&pieces)).unwrap();
            prop_assert_eq!(inside, pieces.concat());
        }

        // Long runs without an escape are where whole chunks are skipped.
        #[test]
        fn an_escape_is_found_at_every_offset(before in "[a-z]{0,40}", after in "[a-z\"\\\\\n]{0,40}") {
            let text = before + "\"" + &after;
            prop_assert_eq!(string(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
