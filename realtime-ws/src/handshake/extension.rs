//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1).

use super::grammar;
use super::head::Headers;
use alloc::borrow::Cow;
use alloc::string::String;

/// The header that offers extensions, and answers the offer.
pub(super) const SEC_WEBSOCKET_EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// An extension that one side offers, or the other one chose, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    name: &'a str,
    params: &'a str,
}

impl<'a> Extension<'a> {
    /// The registered name, such as `permessage-deflate`.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters in the order they were written; repeated ones are not merged. A value is without
    /// its quotes.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> + use<'a> {
        let mut rest = Rest(self.params);
        core::iter::from_fn(move || rest.param().ok().flatten())
    }
}

/// The extensions in all headers of the name, in the order of preference.
pub(super) fn extensions(headers: Headers<'_>) -> impl Iterator<Item = Extension<'_>> {
    headers.values(SEC_WEBSOCKET_EXTENSIONS).flat_map(|value| {
        let mut rest = Rest(core::str::from_utf8(value).unwrap_or_default());
        core::iter::from_fn(move || rest.element().ok().flatten())
    })
}

/// Whether a header's value follows the grammar, so that iterating over it loses nothing.
pub(super) fn is_well_formed(value: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(value) else { return false };
    let mut rest = Rest(text);
    loop {
        match rest.element() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(Malformed) => return false,
        }
    }
}

struct Malformed;

/// A parameter's name, and its value if it has one.
type Param<'a> = (&'a str, Option<Cow<'a, str>>);

/// What is still to be read of a list of extensions.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// `extension = token *( ";" param )`
    fn element(&mut self) -> Result<Option<Extension<'a>>, Malformed> {
        loop {
            self.skip_space();
            if !self.skip(b',') {
                break;
            }
        }
        if self.0.is_empty() {
            return Ok(None);
        }
        let name = self.token()?;
        let params = self.0;
        while self.param()?.is_some() {}
        let params = &params[..params.len() - self.0.len()];
        if self.0.is_empty() || self.0.starts_with(',') {
            Ok(Some(Extension { name, params }))
        } else {
            Err(Malformed)
        }
    }

    /// `";" token [ "=" ( token | quoted-string ) ]`
    fn param(&mut self) -> Result<Option<Param<'a>>, Malformed> {
        self.skip_space();
        if !self.skip(b';') {
            return Ok(None);
        }
        self.skip_space();
        let name = self.token()?;
        self.skip_space();
        if !self.skip(b'=') {
            return Ok(Some((name, None)));
        }
        self.skip_space();
        let value = if self.skip(b'"') { self.quoted()? } else { Cow::Borrowed(self.token()?) };
        Ok(Some((name, Some(value))))
    }

    fn token(&mut self) -> Result<&'a str, Malformed> {
        let end = self.0.bytes().position(|byte| !grammar::is_token_byte(byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        if token.is_empty() { Err(Malformed) } else { Ok(token) }
    }

    /// What stands between the quotes; without its backslashes it must be a token.
    fn quoted(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let (quoted, rest) = self.0.split_once('"').ok_or(Malformed)?;
        self.0 = rest;
        // A backslash before the closing quote would escape it, but a quote is not allowed in a token.
        let value = if quoted.contains('\\') { Cow::Owned(unescape(quoted)) } else { Cow::Borrowed(quoted) };
        if grammar::is_token(value.as_bytes()) { Ok(value) } else { Err(Malformed) }
    }

    fn skip_space(&mut self) {
        while self.skip(b' ') || self.skip(b'\t') {}
    }

    /// Passes over `wanted`, an ASCII character, if it is next.
    fn skip(&mut self, wanted: u8) -> bool {
        let found = self.0.as_bytes().first() == Some(&wanted);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }
}

/// `quoted` with each pair of a backslash and a character replaced by the character. A backslash with
/// nothing behind it stays, and is no token's byte.
fn unescape(quoted: &str) -> String {
    let mut unescaped = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        let escaped = if char == '\\' { chars.next() } else { None };
        unescaped.push(escaped.unwrap_or(char));
    }
    unescaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// `value` read and written again, in one spelling.
    fn normalized(value: &str) -> Option<String> {
        if !is_well_formed(value.as_bytes()) {
            return None;
        }
        let mut rest = Rest(value);
        let elements = core::iter::from_fn(|| rest.element().ok().flatten());
        let written = elements.map(|extension| {
            let params = extension.params().map(|(name, value)| match value {
                Some(value) => format!(";{name}={value}"),
                None => format!(";{name}"),
            });
            format!("{}{}", extension.name(), params.collect::<String>())
        });
        Some(written.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn offers_are_read_with_their_parameters() {
        for (value, expected) in [
            ("", ""),
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate;client_max_window_bits"),
            ("a;b=10 , c ; d = \"8\";e,", "a;b=10,c;d=8;e"),
            (",, a ,,b", "a,b"),
            (r#"a;b="\1\5""#, "a;b=15"),
        ] {
            assert_eq!(normalized(value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_the_grammar_does_not_allow_is_malformed() {
        for value in [
            ";",
            "a;",
            "a;=1",
            "a;b=",
            "a b",
            "a;b=\"\"",
            "a;b=\"1",
            "a;b=\"x y\"",
            "a;b=\"1\"2",
            "=a",
            "ä",
            r#"a;b="1\""#,
        ] {
            assert_eq!(normalized(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_reads_the_same_again(value in "[ab;,= \"\\\\]{0,24}") {
            if let Some(once) = normalized(&value) {
                prop_assert_eq!(normalized(&once), Some(once));
            }
        }
    }
}
