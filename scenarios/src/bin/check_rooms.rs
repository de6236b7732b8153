//! Checks that a thousand clients in one room each receive a thousand messages in the same order.
//!
//! ```text
//! cargo run --release -p realtime-std --example rooms -- 127.0.0.1:9002
//! cargo run --release -p realtime-scenarios --bin check_rooms -- 127.0.0.1:9002 [CLIENTS [MESSAGES]]
//! ```

use realtime_scenarios::rooms;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = |position: usize| arguments.get(position).map_or(Ok(1_000), |count| count.parse());
    let (Some(Ok(address)), Ok(clients), Ok(messages)) =
        (arguments.first().map(|address| address.parse()), count(1), count(2))
    else {
        eprintln!("usage: check_rooms IP:PORT [CLIENTS [MESSAGES]]");
        return ExitCode::from(2);
    };
    match rooms::check(address, clients, messages) {
        Ok(report) => {
            let seconds = report.elapsed.as_secs_f64();
            println!(
                "{} clients each received {} messages in the same order, in {seconds:.1} s",
                report.clients, report.messages
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("check_rooms: {error}");
            ExitCode::FAILURE
        }
    }
}
