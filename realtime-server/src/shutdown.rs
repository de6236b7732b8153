use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use smol::Async;
use std::future;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Waits for Ctrl-C and SIGTERM. The second one ends the process at once.
pub(crate) struct Shutdown {
    asked: Async<UnixStream>,
}

impl Shutdown {
    pub(crate) fn listen() -> io::Result<Self> {
        let (asked, ask) = UnixStream::pair()?;
        let was_asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order, or the first signal would already find itself to be the second.
            flag::register_conditional_shutdown(signal, 1, was_asked.clone())?;
            flag::register(signal, was_asked.clone())?;
            low_level::pipe::register(signal, ask.try_clone()?)?;
        }
        Ok(Self { asked: Async::new(asked)? })
    }

    pub(crate) async fn asked_for(&self) {
        if self.asked.readable().await.is_err() {
            // Then only the second signal ends the process.
            future::pending().await
        }
    }
}
