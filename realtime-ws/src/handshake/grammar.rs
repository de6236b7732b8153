//! The words that headers are made of (RFC 9110 §5.6).

/// Whether `byte` may stand in a token: a method, a header's name, a subprotocol.
#[inline]
pub(super) const fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[byte as usize]
}

/// RFC 9110 §5.6.2, `tchar`, as a table: every handshake asks about a hundred bytes.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut marks: &[u8] = b"!#$%&'*+-.^_`|~";
    while let [mark, rest @ ..] = marks {
        table[*mark as usize] = true;
        marks = rest;
    }
    table
};

/// Whether `text` is a token; an empty one is none.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// Whether `text` may be sent as a header's value: no CR, LF, NUL or other control character, and no
/// white space at its ends, which the reader would take away.
pub(super) fn is_field_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
        && trim(text.as_bytes()) == text.as_bytes()
}

/// Whether `text` consists of visible ASCII alone, as a request's target must.
pub(super) fn is_visible_ascii(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

/// `value` without the white space that may surround it.
pub(super) const fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The elements of a comma-separated list; empty ones are skipped, as RFC 9110 §5.6.1 asks.
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// Whether the list `value` has the element `token`, in any case.
pub(super) fn list_contains(value: &[u8], token: &str) -> bool {
    list(value).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_space_control_or_delimiter() {
        for byte in 0..=u8::MAX {
            let is_delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            assert_eq!(is_token_byte(byte), byte.is_ascii_graphic() && !is_delimiter, "{byte:#x}");
        }
    }

    #[test]
    fn a_list_is_searched_by_whole_elements_in_any_case() {
        for value in ["upgrade", "keep-alive, Upgrade", ",,UPGRADE\t,", " foo ,upgrade"] {
            assert!(list_contains(value.as_bytes(), "Upgrade"), "{value}");
        }
        for value in ["", "not-upgrade", "upgrade-not", "up grade", "upgrade;q=1"] {
            assert!(!list_contains(value.as_bytes(), "Upgrade"), "{value}");
        }
    }

    #[test]
    fn a_value_that_could_end_its_line_is_none() {
        for value in ["a\r\nb", "a\nb", "a\rb", "a\0b", " a", "a\t", "a\x7f"] {
            assert!(!is_field_value(value), "{value:?}");
        }
        for value in ["", "a b", "a\tb", "größe"] {
            assert!(is_field_value(value), "{value:?}");
        }
    }
}
