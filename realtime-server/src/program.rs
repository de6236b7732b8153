use crate::config::{Command, HELP, Running, Sources};
use crate::error::Error;
use crate::gateway::{Gateway, GatewayBuilder};
use crate::logging::Logging;
use crate::notify::{self, State};
use crate::options::Options;
use crate::reload::Reload;
use crate::shutdown::Shutdown;
use crate::startup::Startup;
use std::io::{self, Write};
use tracing::info;

/// Does what the command line asks for; serving lasts until the process is told to end.
///
/// # Errors
/// [`Error`], with a text for the user.
pub fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Help => print(HELP),
        Command::Version => print(concat!("realtime-server ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Check(sources) => {
            print(&format!("the configuration is right: {}\n", sources.load()?.summary()))
        }
        Command::PrintConfig(sources) => print(&sources.load()?.to_string()),
        Command::Serve(sources) => serve(&sources)?,
    }
    Ok(())
}

fn serve(sources: &Sources) -> Result<(), Error> {
    let configuration = sources.load()?;
    // Before anything is printed: who reads that may send the signals at once.
    let shutdown = Shutdown::listen()?;
    // Without a file, SIGHUP ends the program as ever: its terminal was closed.
    let reload = configuration.file().map(|_| Reload::listen()).transpose()?;
    let Options {
        listen,
        threads,
        demo,
        debug_page,
        compression,
        metrics,
        http,
        drain,
        log_filter,
        log_format,
        apps,
    } = configuration.options.clone();
    let _logging = Logging::start(log_format, log_filter)?;
    let mut apps = apps.into_iter();
    let Some(first) = apps.next() else { unreachable!("a configuration has an app") };
    let mut gateway = apps
        .fold(Gateway::builder(first), GatewayBuilder::app)
        .demo(demo)
        .compression(compression)
        .debug_page(debug_page)
        .metrics(metrics)
        .http(http)
        .drain(drain);
    if let Some(threads) = threads {
        gateway = gateway.threads(threads);
    }
    let gateway = gateway.bind(listen).map_err(|error| Error::Listen { address: listen, error })?;
    print(&Startup { options: &configuration.options, address: gateway.local_addr()? }.to_string());
    notify::notify(State::Ready);

    let stopper = gateway.stopper();
    let drain_when_told = async move {
        shutdown.asked_for().await;
        info!("asked to end");
        notify::notify(State::Stopping);
        stopper.drain();
        std::future::pending().await
    };
    let apps = gateway.apps();
    let reload_when_told = async {
        if let Some(reload) = reload {
            reload.serve(sources, Running::new(&configuration), &apps).await;
        }
        std::future::pending().await
    };
    let asides = smol::future::or(drain_when_told, reload_when_told);
    Ok(smol::block_on(smol::future::or(gateway.serve(), asides))?)
}

/// Prints what nobody need read: a closed standard output is no reason not to serve.
fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
