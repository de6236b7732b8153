//! What the codec and the hub cost in memory, beside peers and beside a plain loop that is the limit.
//!
//! Prints CSV; `bench/run micro` builds, runs and plots it. `micro --rounds 3 hub` runs the cases whose names begin with `hub`.

mod decode;
mod encode;
mod frames;
mod hub;
mod memory;
mod stage;

use lexopt::{Arg, Parser, ValueExt};
use stage::Stage;

fn main() -> Result<(), lexopt::Error> {
    let (mut rounds, mut only) = (5, String::new());
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("rounds") => rounds = parser.value()?.parse::<usize>()?.max(1),
            Arg::Value(prefix) => only = prefix.string()?,
            other => return Err(other.unexpected()),
        }
    }
    let stage = Stage::new(rounds, only);
    decode::run(&stage);
    encode::run(&stage);
    hub::run(&stage);
    Ok(())
}
