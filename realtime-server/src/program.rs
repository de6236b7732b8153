use crate::error::Error;
use crate::gateway::Gateway;
use crate::options::{Command, HELP, Options};
use crate::shutdown::Shutdown;
use crate::startup::Startup;
use std::io::{self, Write};

/// Does what the command line asks for; serving lasts until the process is told to end.
///
/// # Errors
/// [`Error`], with a text for the user.
pub fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Help => print(HELP),
        Command::Version => print(concat!("realtime-server ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Serve(options) => serve(&options)?,
    }
    Ok(())
}

fn serve(options: &Options) -> Result<(), Error> {
    // Before anything is printed: who reads that may send the signal at once.
    let shutdown = Shutdown::listen()?;
    let mut gateway =
        Gateway::builder(options.to_app()).demo(options.demo).compression(options.compression).log(complain);
    if let Some(threads) = options.threads {
        gateway = gateway.threads(threads);
    }
    let gateway =
        gateway.bind(options.listen).map_err(|error| Error::Listen { address: options.listen, error })?;
    print(&Startup { options, address: gateway.local_addr()? }.to_string());

    let stopper = gateway.stopper();
    let stop_when_told = async move {
        shutdown.asked_for().await;
        stopper.stop();
        std::future::pending().await
    };
    Ok(smol::block_on(smol::future::or(gateway.serve(), stop_when_told))?)
}

/// Says what an operator may want to know.
fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "realtime-server: {line}");
}

/// Prints what nobody need read: a closed standard output is no reason not to serve.
fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
