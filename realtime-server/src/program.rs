use crate::config::{Command, HELP, Running, Sources};
use crate::error::Error;
use crate::gateway::{Gateway, GatewayBuilder};
use crate::options::Options;
use crate::reload::Reload;
use crate::shutdown::Shutdown;
use crate::startup::Startup;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

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
    let Options { listen, threads, demo, debug_page, compression, metrics, http, apps } =
        configuration.options.clone();
    let log = Arc::new(complaints()?);
    let complain = log.clone();
    let mut apps = apps.into_iter();
    let Some(first) = apps.next() else { unreachable!("a configuration has an app") };
    let mut gateway = apps
        .fold(Gateway::builder(first), GatewayBuilder::app)
        .demo(demo)
        .compression(compression)
        .debug_page(debug_page)
        .metrics(metrics)
        .http(http)
        .log(move |line| complain(line));
    if let Some(threads) = threads {
        gateway = gateway.threads(threads);
    }
    let gateway = gateway.bind(listen).map_err(|error| Error::Listen { address: listen, error })?;
    print(&Startup { options: &configuration.options, address: gateway.local_addr()? }.to_string());

    let stopper = gateway.stopper();
    let stop_when_told = async move {
        shutdown.asked_for().await;
        stopper.stop();
        std::future::pending().await
    };
    let apps = gateway.apps();
    let reload_when_told = async {
        if let Some(reload) = reload {
            reload.serve(sources, Running::new(&configuration), &apps, |line| log(line)).await;
        }
        std::future::pending().await
    };
    let asides = smol::future::or(stop_when_told, reload_when_told);
    Ok(smol::block_on(smol::future::or(gateway.serve(), asides))?)
}

/// The most lines that wait for the standard error to take them.
const MAX_COMPLAINTS: usize = 64;

/// Says what an operator may want to know, from a thread of its own: a standard error that takes nothing must not
/// stop those who serve. What does not fit into the queue is counted, and said with the next line.
fn complaints() -> io::Result<impl Fn(&str)> {
    let (queue, lines) = sync_channel::<String>(MAX_COMPLAINTS);
    let left_out = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&left_out);
    thread::Builder::new().name("realtime-log".into()).spawn(move || {
        for line in lines {
            let mut stderr = io::stderr().lock();
            let left_out = counted.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                let _ = writeln!(stderr, "realtime-server: {left_out} lines left out");
            }
            let _ = writeln!(stderr, "realtime-server: {line}");
        }
    })?;
    Ok(move |line: &str| {
        if queue.try_send(line.to_owned()).is_err() {
            left_out.fetch_add(1, Ordering::Relaxed);
        }
    })
}

/// Prints what nobody need read: a closed standard output is no reason not to serve.
fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
