use super::shown::Shown;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The parameters of a query or of a form, decoded, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    /// The most parameters.
    pub const MAX_PARAMETERS: usize = 64;

    /// Parses `name=value&…` as HTML forms write it: `%` and two digits stand for a byte, `+` for a space. A
    /// name without `=` has an empty value.
    ///
    /// # Errors
    /// [`InvalidQuery`]: what the client sent cannot be read, or only in more than one way.
    pub fn parse(text: &str) -> Result<Self, InvalidQuery> {
        let mut parameters = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if parameters.len() == Self::MAX_PARAMETERS {
                return Err(InvalidQuery::TooMany);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(InvalidQuery::Repeated { name });
            }
            parameters.push((name, value));
        }
        Ok(Self { parameters })
    }

    /// The same parameters with their names in lower case.
    ///
    /// # Errors
    /// [`InvalidQuery::Repeated`]: two names differ in their case only.
    pub(super) fn in_lower_case(self) -> Result<Self, InvalidQuery> {
        let mut parameters: Vec<(String, String)> = Vec::with_capacity(self.parameters.len());
        for (name, value) in self.parameters {
            let name = name.to_lowercase();
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(InvalidQuery::Repeated { name });
            }
            parameters.push((name, value));
        }
        Ok(Self { parameters })
    }

    /// The value of the parameter `name`, if it is there.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The parameters, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn decode(text: &str) -> Result<String, InvalidQuery> {
    decode_with_plus(text, b' ')
}

/// What a segment of a path stands for: as in a query, but for `+`, which is itself.
pub(super) fn decode_segment(text: &str) -> Result<String, InvalidQuery> {
    decode_with_plus(text, b'+')
}

fn decode_with_plus(text: &str, plus: u8) -> Result<String, InvalidQuery> {
    let invalid = || InvalidQuery::Encoding { text: text.to_string() };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => plus,
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>().ok_or_else(invalid)?;
                rest = after;
                digit(digits[0]).ok_or_else(invalid)? << 4 | digit(digits[1]).ok_or_else(invalid)?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A query or form that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidQuery {
    /// It has more than [`Query::MAX_PARAMETERS`].
    TooMany,
    /// A parameter is there twice, so that it has no one value.
    Repeated {
        /// Its name.
        name: String,
    },
    /// A `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8.
    Encoding {
        /// The name or value, as it was sent.
        text: String,
    },
}

impl fmt::Display for InvalidQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "there are more than {} parameters", Query::MAX_PARAMETERS),
            Self::Repeated { name } => write!(f, "the parameter {} is there more than once", Shown(name)),
            Self::Encoding { text } => write!(f, "{} is not percent-encoded UTF-8", Shown(text)),
        }
    }
}

impl core::error::Error for InvalidQuery {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    #[test]
    fn names_and_values_are_decoded() {
        let query = Query::parse("a=1&b=x%20y+z&&c&d=&%65=%C3%a9=%26").unwrap();
        let expected = [("a", "1"), ("b", "x y z"), ("c", ""), ("d", ""), ("e", "é=&")];
        assert!(query.iter().eq(expected), "{query:?}");
        assert_eq!(query.value("b"), Some("x y z"));
        assert_eq!(query.value("f"), None);
    }

    #[test]
    fn what_has_no_one_meaning_is_refused() {
        for text in ["a=%", "a=%2", "a=%2g", "a=%+1", "a=%ff", "%zz=a"] {
            assert!(matches!(Query::parse(text), Err(InvalidQuery::Encoding { .. })), "{text}");
        }
        assert_eq!(Query::parse("a=1&%61=1"), Err(InvalidQuery::Repeated { name: "a".into() }));
        let many: String = (0..65).map(|n| format!("p{n}=&")).collect();
        assert_eq!(Query::parse(&many), Err(InvalidQuery::TooMany));
    }

    #[test]
    fn in_a_path_a_plus_is_no_space() {
        assert_eq!(decode_segment("a+b%20c%2B").unwrap(), "a+b c+");
        assert!(decode_segment("%2").is_err());
    }

    #[test]
    fn names_in_lower_case_are_still_there_once() {
        let query = Query::parse("Name=A&b=B").unwrap().in_lower_case().unwrap();
        assert!(query.iter().eq([("name", "A"), ("b", "B")]), "{query:?}");
        let query = Query::parse("Name=A&name=A").unwrap().in_lower_case();
        assert_eq!(query, Err(InvalidQuery::Repeated { name: "name".into() }));
    }

    proptest! {
        #[test]
        fn every_text_comes_back_when_all_its_bytes_are_encoded(text in any::<String>()) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let query = Query::parse(&format!("name={encoded}")).unwrap();
            prop_assert_eq!(query.value("name"), Some(&*text));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Query::parse(&text);
        }
    }
}
