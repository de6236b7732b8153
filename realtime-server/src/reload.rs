use crate::apps::Apps;
use crate::config::{Configuration, Running, Sources};
use signal_hook::consts::SIGHUP;
use signal_hook::low_level;
use smol::Async;
use smol::io::AsyncReadExt;
use std::fmt::Display;
use std::future;
use std::io;
use std::os::unix::net::UnixStream;
use tracing::{error, info, warn};

/// Waits for SIGHUP, which asks for the configuration to be read again.
pub(crate) struct Reload {
    asked: Async<UnixStream>,
}

impl Reload {
    pub(crate) fn listen() -> io::Result<Self> {
        let (asked, ask) = UnixStream::pair()?;
        low_level::pipe::register(SIGHUP, ask)?;
        Ok(Self { asked: Async::new(asked)? })
    }

    /// Reads `sources` again whenever that is asked for, has `apps` be what they say, and logs what came of it, a line
    /// at a time. `running` is what the gateway was started with.
    pub(crate) async fn serve(mut self, sources: &Sources, mut running: Running, apps: &Apps) {
        loop {
            self.asked_for().await;
            let sources = sources.clone();
            match smol::unblock(move || sources.load()).await {
                Ok(now) => match follow(&now, &running, apps).await {
                    Ok(()) => {
                        running.follow(&now).iter().for_each(|line| warn!("{line}"));
                        info!("the configuration was read again: {}", now.summary());
                    }
                    Err(error) => refused(&error),
                },
                Err(error) => refused(&error),
            }
        }
    }

    /// Resolves each time; signals that come before it is called are one.
    async fn asked_for(&mut self) {
        match self.asked.read(&mut [0; 64]).await {
            Ok(1..) => {}
            // Then what runs goes on.
            Ok(0) | Err(_) => future::pending().await,
        }
    }
}

/// Has `apps` be those of `now`: elsewhere, as it may take long, and this thread answers requests too.
async fn follow(now: &Configuration, running: &Running, apps: &Apps) -> Result<(), String> {
    running.admits(now)?;
    let (apps, configs) = (apps.clone(), now.options.apps.clone());
    smol::unblock(move || apps.replace(configs)).await.map_err(|error| error.to_string())
}

fn refused(error: &impl Display) {
    error.to_string().lines().for_each(|line| error!("{line}"));
    error!("the configuration stays as it was: it cannot be followed as it is now");
}
