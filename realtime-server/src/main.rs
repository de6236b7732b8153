//! The gateway program; `--help` says what it takes.

use realtime_server::{Command, Error};
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Command::parse(env::args_os().skip(1), env::vars_os());
    match command.map_err(Error::from).and_then(realtime_server::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                eprintln!("realtime-server: {line}");
            }
            error.exit_code()
        }
    }
}
