use realtime_ws::{CheckedConfig, Config};
use rustix::process::{Resource, getrlimit};
use std::io;
use std::net::{TcpListener, ToSocketAddrs};

/// Open files that a server leaves to the rest of its process.
const RESERVED_FILES: u64 = 64;

/// How many connections may wait to be accepted, as far as the system allows. Those beyond it are tried again by
/// their peers, but only after a second: too long when thousands come back after a restart.
pub const WAITING_CONNECTIONS: u16 = 4096;

/// A listener at `address` that does not block, and the checked `config` of its connections.
///
/// # Errors
/// The address cannot be listened at, or ([`io::ErrorKind::InvalidInput`]) the configuration contradicts itself.
pub fn listen(address: impl ToSocketAddrs, config: Config) -> io::Result<(TcpListener, CheckedConfig)> {
    let config = config.checked().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    // The standard library asks for 128.
    rustix::net::listen(&listener, WAITING_CONNECTIONS.into())?;
    Ok((listener, config))
}

/// How many connections a server takes that was told no number: the process's limit of open files less 64.
#[must_use]
pub fn default_max_connections() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit.saturating_sub(RESERVED_FILES).max(1)).unwrap_or(usize::MAX)
}
