use super::flags::{self, Flag, Flags};
use super::problem::{ConfigError, Problem};
use super::settings::all_entries;
use super::variables::Variables;
use super::{Configuration, effective};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Run the gateway.
    Serve(Sources),
    /// Say whether the configuration is right.
    Check(Sources),
    /// Print the configuration that is in effect.
    PrintConfig(Sources),
    /// Print [`HELP`](crate::HELP).
    Help,
    /// Print the version.
    Version,
}

/// Where a configuration comes from: a command line, an environment, and the file that one of them names. It can be read
/// again, as the file may say something else by then.
#[derive(Clone, Debug)]
pub struct Sources {
    pub(super) flags: Flags,
    pub(super) variables: Variables,
}

impl Command {
    /// Reads the arguments that follow the program's name; `variables` are those of the environment, in which settings
    /// are looked up later.
    ///
    /// # Errors
    /// The user's fault: an argument is unknown, lacks its value or is not UTF-8, or two contradict each other.
    pub fn parse(
        arguments: impl IntoIterator<Item: Into<OsString>>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let (mut task, mut flags) = (Self::Serve as fn(Sources) -> Self, Flags::default());
        let settings = all_entries();
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(Problem::usage)? {
            match argument {
                Short('h') | Long("help") => return Ok(Self::Help),
                Short('V') | Long("version") => return Ok(Self::Version),
                Long("check") => task = Self::Check,
                Long("print-config") => task = Self::PrintConfig,
                Long("config") => flags.config = Some(PathBuf::from(parser.value().map_err(Problem::usage)?)),
                Long(name) => match Flag::find(name, &settings) {
                    Some(Flag::Value(flag)) => {
                        let text = parser.value().and_then(ValueExt::string).map_err(Problem::usage)?;
                        flags.add_text(flag, text);
                    }
                    Some(Flag::Switch(flag, on)) => flags.set_switch(flag, on)?,
                    None => return Err(flags::unknown(name, &settings).into()),
                },
                Short(_) | Value(_) => return Err(Problem::usage(argument.unexpected()).into()),
            }
        }
        Ok(task(Sources { flags, variables: variables.into_iter().collect::<Variables>() }))
    }
}

impl Sources {
    /// Reads the file, if there is one, and puts all together.
    ///
    /// # Errors
    /// All that is wrong, each in a line.
    pub(crate) fn load(&self) -> Result<Configuration, ConfigError> {
        effective::load(&self.flags, &self.variables)
    }
}
