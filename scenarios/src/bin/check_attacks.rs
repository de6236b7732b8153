//! Checks what an `echo` does, and how much memory it takes, when peers do their worst.
//!
//! ```text
//! cargo run --release -p realtime-scenarios --bin check_attacks -- $(checks/example realtime-std echo)
//! ```

use realtime_scenarios::attacks;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(echo) = std::env::args_os().nth(1) else {
        eprintln!("usage: check_attacks PROGRAM");
        return ExitCode::from(2);
    };
    println!("| attack | memory grew by | allowed | what happened |\n|---|---|---|---|");
    let mut all_within_limit = true;
    let ran = attacks::run_all(Path::new(&echo), |report| {
        let (growth, limit) = (report.growth_bytes / 1024, report.limit_bytes / 1024);
        println!("| {} | {growth} KiB | {limit} KiB | {} |", report.name, report.outcome);
        all_within_limit &= report.is_within_limit();
    });
    match ran {
        Ok(()) if all_within_limit => ExitCode::SUCCESS,
        Ok(()) => {
            eprintln!("check_attacks: it took more memory than it may");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("check_attacks: {error}");
            ExitCode::FAILURE
        }
    }
}
