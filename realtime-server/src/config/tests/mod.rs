//! What is in effect in the end, of all that can be said.

mod changes;
mod files;
mod flags;
mod meaning;
mod precedence;
mod printing;
mod webhooks;

use super::effective::{Configuration, combine};
use super::file::Document;
use super::{Command, Sources};
use std::ffi::OsString;

/// What is in effect with this in `gateway.toml`, these variables and these arguments, or else what is wrong.
fn configured(
    file: Option<&str>,
    variables: &[(&str, &str)],
    arguments: &str,
) -> Result<Configuration, String> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let command = Command::parse(arguments.split_whitespace(), variables);
    let Command::Serve(Sources { flags, variables }) = command.map_err(|error| error.to_string())? else {
        panic!("{arguments}: it is not to serve");
    };
    let document = file.map(|text| Document::new("gateway.toml", text));
    combine(document.as_ref(), &flags, &variables).map_err(|error| error.to_string())
}

/// What is in effect, which must be something.
#[track_caller]
fn effective(file: Option<&str>, variables: &[(&str, &str)], arguments: &str) -> Configuration {
    configured(file, variables, arguments).unwrap_or_else(|error| panic!("{arguments}: {error}"))
}

/// What is wrong, which must be something.
#[track_caller]
fn refused(file: Option<&str>, variables: &[(&str, &str)], arguments: &str) -> String {
    match configured(file, variables, arguments) {
        Err(error) => error,
        Ok(configuration) => panic!("{file:?} {arguments}: {configuration}"),
    }
}
