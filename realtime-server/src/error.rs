use crate::config::ConfigError;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::{fmt, io};

/// Why the program did not run, or ended before it was told to. `Display` says so: of a configuration in a line for each
/// thing that is wrong, else in one.
#[derive(Debug)]
pub enum Error {
    /// The configuration cannot be followed.
    Config(ConfigError),
    /// The address cannot be listened at.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The system failed while the gateway ran.
    Io(io::Error),
}

impl Error {
    /// 2 for a configuration that cannot be followed, 1 for all else.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Listen { .. } | Self::Io(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "cannot listen at {address}: port {} is in use; choose another with --listen",
                address.port()
            ),
            Self::Listen { address, error } => write!(f, "cannot listen at {address}: {error}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Listen { error, .. } | Self::Io(error) => Some(error),
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
