use std::fmt;
use toml::de::DeValue;

/// A value as it was given, before anybody knows what it must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    /// Of a variable or after a flag: its type is what it is read as.
    Untyped(&'a str),
    /// A flag that takes no value, or the same with `no-`.
    Switch(bool),
    /// In the file.
    Toml(&'a DeValue<'a>),
}

impl<'a> Raw<'a> {
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Self::Untyped(text) => Some(text),
            Self::Switch(_) => None,
            Self::Toml(value) => value.as_str(),
        }
    }

    /// The digits of a whole number, in base 10.
    pub(super) fn number(self) -> Option<String> {
        match self {
            Self::Untyped(text) => Some(text.to_owned()),
            Self::Switch(_) => None,
            Self::Toml(value) => {
                let integer = value.as_integer()?;
                i128::from_str_radix(integer.as_str(), integer.radix()).ok().map(|number| number.to_string())
            }
        }
    }

    pub(super) fn switch(self) -> Option<bool> {
        match self {
            Self::Untyped(text) => text.parse().ok(),
            Self::Switch(on) => Some(on),
            Self::Toml(value) => value.as_bool(),
        }
    }

    /// A list, which only a file can have.
    pub(super) fn texts(self) -> Option<Vec<&'a str>> {
        match self {
            Self::Untyped(_) | Self::Switch(_) => None,
            Self::Toml(value) => value.as_array()?.iter().map(|item| item.get_ref().as_str()).collect(),
        }
    }

    pub(super) fn table(self) -> Option<Vec<(&'a str, &'a str)>> {
        match self {
            Self::Untyped(_) | Self::Switch(_) => None,
            Self::Toml(value) => {
                let entries = value.as_table()?.iter();
                entries.map(|(key, value)| Some((&**key.get_ref(), value.get_ref().as_str()?))).collect()
            }
        }
    }

    /// What type it has, for values that must not be shown.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Untyped(_) => "text",
            Self::Switch(_) => "a switch",
            Self::Toml(value) => match value {
                DeValue::String(_) => "text",
                DeValue::Integer(_) | DeValue::Float(_) => "a number",
                DeValue::Boolean(_) => "true or false",
                DeValue::Datetime(_) => "a date",
                DeValue::Array(_) => "a list",
                DeValue::Table(_) => "a table",
            },
        }
    }
}

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untyped(text) => write!(f, "{text:?}"),
            Self::Switch(on) => on.fmt(f),
            Self::Toml(value) => match value {
                DeValue::String(text) => write!(f, "{text:?}"),
                DeValue::Integer(number) => number.fmt(f),
                DeValue::Float(number) => number.fmt(f),
                DeValue::Boolean(on) => on.fmt(f),
                DeValue::Datetime(date) => date.fmt(f),
                DeValue::Array(items) => {
                    // What is in it is what was wrong, more often than not.
                    f.write_str("[")?;
                    for (index, item) in items.iter().enumerate() {
                        let separator = if index == 0 { "" } else { ", " };
                        write!(f, "{separator}{}", Self::Toml(item.get_ref()))?;
                    }
                    f.write_str("]")
                }
                DeValue::Table(_) => f.write_str("a table"),
            },
        }
    }
}
