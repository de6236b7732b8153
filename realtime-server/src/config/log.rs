//! How it is written what is logged.

use super::kind::{Kind, Unfit, Written};
use super::raw::Raw;
use crate::logging::{LogFilter, LogFormat};
use toml_writer::ToTomlValue;

/// What a [`LogFilter`] is read from.
#[derive(Clone, Debug)]
pub(super) struct Filter;

impl Kind for Filter {
    type Value = String;

    fn accepts(&self) -> String {
        "off, error, warn, info, debug or trace, or such a level for TARGET=, separated by commas".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<String, Unfit> {
        let text = raw.text().filter(|text| text.parse::<LogFilter>().is_ok());
        text.map(str::to_owned).ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &String) -> Written {
        Written::Value(value.to_toml_value())
    }
}

/// How the log looks.
#[derive(Clone, Debug)]
pub(super) struct Format;

impl Kind for Format {
    type Value = LogFormat;

    fn accepts(&self) -> String {
        "text or json".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<LogFormat, Unfit> {
        match raw.text() {
            Some("text") => Ok(LogFormat::Text),
            Some("json") => Ok(LogFormat::Json),
            Some(_) | None => Err(Unfit::NotAccepted),
        }
    }

    fn write(&self, value: &LogFormat) -> Written {
        Written::Value(match value {
            LogFormat::Text => "text".to_toml_value(),
            LogFormat::Json => "json".to_toml_value(),
        })
    }
}
