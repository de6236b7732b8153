//! The gateway program; `--help` says what it takes.

use realtime_server::{Command, Error};
use std::process::ExitCode;

fn main() -> ExitCode {
    match Command::parse(std::env::args_os().skip(1)).map_err(Error::from).and_then(realtime_server::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("realtime-server: {error}");
            error.exit_code()
        }
    }
}
