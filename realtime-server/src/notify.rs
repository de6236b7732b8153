//! What the program tells systemd, where that has started it as a service that does so (`Type=notify`).

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// How far the program is (sd_notify(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It listens.
    Ready,
    /// It is to end.
    Stopping,
}

/// Tells how far the program is to whoever wants to know. Who cannot be told does not keep it from its work.
pub(crate) fn notify(state: State) {
    if let Some(socket) = env::var_os("NOTIFY_SOCKET") {
        let _ = tell(&socket, state);
    }
}

fn tell(socket: &OsStr, state: State) -> io::Result<()> {
    let message = match state {
        State::Ready => "READY=1",
        State::Stopping => "STOPPING=1",
    };
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => address_without_file(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(target_os = "linux")]
fn address_without_file(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;

    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn address_without_file(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;

    #[test]
    fn a_service_manager_is_told_at_a_path_and_at_a_name() -> io::Result<()> {
        let name = format!("realtime-test-{}", std::process::id());
        let path = env::temp_dir().join(&name);
        let by_path = UnixDatagram::bind(&path)?;
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        tell(path.as_os_str(), State::Ready)?;
        tell(OsStr::new(&format!("@{name}")), State::Stopping)?;
        let mut message = [0; 32];
        let length = by_path.recv(&mut message)?;
        assert_eq!(&message[..length], b"READY=1");
        let length = by_name.recv(&mut message)?;
        assert_eq!(&message[..length], b"STOPPING=1");
        std::fs::remove_file(path)
    }
}
