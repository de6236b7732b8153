//! Loads a WebSocket server from one thread and says what each message cost the server.
//!
//! ```text
//! load echo       ADDRESS --pid PID [--connections 50] [--bytes 125] [--in-flight 16] [--seconds 2] [--warm-up 0.5]
//! load fanout     ADDRESS --pid PID [--connections 1000] [--bytes 64] [--in-flight 16] [--seconds 2] [--warm-up 0.5]
//! load idle       ADDRESS --pid PID [--connections 10000] [--seconds 1]
//! load handshakes ADDRESS --pid PID [--connections 16] [--seconds 2] [--warm-up 0.5]
//!
//! load pusher-idle       ADDRESS --pid PID [--connections 5000] [--seconds 1]
//! load pusher-handshakes ADDRESS --pid PID [--connections 16] [--seconds 2] [--warm-up 0.5]
//! load pusher-published  ADDRESS --pid PID --request FILE [--connections 1000] [--in-flight 16] [--seconds 2] [--warm-up 0.5]
//! ```
//! The last three are for gateways that speak the Pusher protocol and have an app with the key `bench-key`. FILE holds an HTTP request
//! that publishes to its channel `bench`.
//!
//! The result is one line of `name=value` pairs. What goes wrong (a wrong echo, a lost delivery, a refused handshake) ends
//! the run with an error, so that no figure comes from a server that does not do its work.

mod echo;
mod fanout;
mod frames;
mod handshake;
mod handshakes;
mod histogram;
mod idle;
mod poller;
mod process;
mod pusher;
mod socket;

use histogram::Histogram;
use lexopt::{Arg, Parser, ValueExt};
use process::Process;
use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long nothing may come before the run is given up: a delivery was lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whatever went wrong, in words.
type Failure = Box<dyn std::error::Error>;

/// What to do to which server.
struct Load {
    mode: Mode,
    address: SocketAddr,
    server: Process,
    connections: usize,
    bytes: usize,
    in_flight: usize,
    /// What to send to publish.
    request: Option<Vec<u8>>,
    warm_up: Duration,
    duration: Duration,
}

#[derive(Clone, Copy)]
enum Mode {
    Echo,
    Fanout,
    Idle,
    Handshakes,
    PusherIdle,
    PusherHandshakes,
    PusherPublished,
}

fn main() -> ExitCode {
    match Load::from_arguments(Parser::from_env()).and_then(|load| load.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("load: {failure}");
            ExitCode::FAILURE
        }
    }
}

impl Load {
    fn from_arguments(mut parser: Parser) -> Result<Self, Failure> {
        let mode = match parser.next()? {
            Some(Arg::Value(mode)) if mode == "echo" => Mode::Echo,
            Some(Arg::Value(mode)) if mode == "fanout" => Mode::Fanout,
            Some(Arg::Value(mode)) if mode == "idle" => Mode::Idle,
            Some(Arg::Value(mode)) if mode == "handshakes" => Mode::Handshakes,
            Some(Arg::Value(mode)) if mode == "pusher-idle" => Mode::PusherIdle,
            Some(Arg::Value(mode)) if mode == "pusher-handshakes" => Mode::PusherHandshakes,
            Some(Arg::Value(mode)) if mode == "pusher-published" => Mode::PusherPublished,
            _ => return Err("usage: load MODE ADDRESS --pid PID [options], where MODE is echo, fanout, idle, handshakes, \
                             pusher-idle, pusher-handshakes or pusher-published".into()),
        };
        let (connections, bytes) = match mode {
            Mode::Echo => (50, 125),
            Mode::Fanout => (1000, 64),
            Mode::Idle => (10_000, 16),
            Mode::Handshakes | Mode::PusherHandshakes => (16, 0),
            Mode::PusherIdle => (5000, 0),
            Mode::PusherPublished => (1000, 64),
        };
        let (mut address, mut pid, mut request) = (None, None, None);
        let (mut connections, mut bytes, mut in_flight) = (connections, bytes, 16);
        let (mut seconds, mut warm_up) = (2.0, 0.5);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(value) => address = Some(value.parse()?),
                Arg::Long("pid") => pid = Some(parser.value()?.parse()?),
                Arg::Long("connections") => connections = parser.value()?.parse()?,
                Arg::Long("bytes") => bytes = parser.value()?.parse()?,
                Arg::Long("in-flight") => in_flight = parser.value()?.parse()?,
                Arg::Long("request") => request = Some(fs::read(parser.value()?)?),
                Arg::Long("seconds") => seconds = parser.value()?.parse()?,
                Arg::Long("warm-up") => warm_up = parser.value()?.parse()?,
                other => return Err(other.unexpected().into()),
            }
        }
        if connections == 0 || in_flight == 0 {
            return Err("--connections and --in-flight must be at least 1".into());
        }
        Ok(Self {
            mode,
            address: address.ok_or("no address given")?,
            server: Process::new(pid.ok_or("no --pid given")?),
            connections,
            bytes,
            in_flight,
            request,
            warm_up: Duration::try_from_secs_f64(warm_up)?,
            duration: Duration::try_from_secs_f64(seconds)?,
        })
    }

    fn run(&self) -> Result<(), Failure> {
        match self.mode {
            Mode::Echo => echo::run(self)?.print(),
            Mode::Fanout => fanout::run(self)?.print(),
            Mode::Handshakes => handshakes::run(self)?.print(),
            Mode::Idle | Mode::PusherIdle => idle::run(self)?,
            Mode::PusherHandshakes => pusher::handshakes(self)?.print(),
            Mode::PusherPublished => pusher::published(self)?.print(),
        }
        Ok(())
    }
}

/// Counts what was done between the end of the warm-up and the end of the run.
struct Stopwatch<'a> {
    load: &'a Load,
    warm: Instant,
    end: Instant,
    /// The counters at the end of the warm-up.
    start: Option<(Instant, Duration, Duration)>,
    done: u64,
    latency: Histogram,
}

/// What was measured.
struct Measured {
    done: u64,
    wall: Duration,
    server_cpu: Duration,
    load_cpu: Duration,
    resident_kib: u64,
    latency: Histogram,
}

impl<'a> Stopwatch<'a> {
    fn start(load: &'a Load) -> Self {
        let now = Instant::now();
        let warm = now + load.warm_up;
        Self { load, warm, end: warm + load.duration, start: None, done: 0, latency: Histogram::new() }
    }

    /// Notes how many things were done at `now`, one after `latency`; false once the time is over.
    fn goes_on(&mut self, now: Instant, done: u64) -> Result<bool, Failure> {
        if self.start.is_some() {
            self.done += done;
        } else if now >= self.warm {
            self.latency = Histogram::new();
            self.start = Some((Instant::now(), self.cpu()?, process::own_cpu()));
        }
        Ok(now < self.end)
    }

    fn stop(self) -> Result<Measured, Failure> {
        let (started, cpu, load_cpu) = self.start.ok_or("the run ended before it was warm")?;
        Ok(Measured {
            done: self.done,
            wall: started.elapsed(),
            server_cpu: self.cpu()?.saturating_sub(cpu),
            load_cpu: process::own_cpu().saturating_sub(load_cpu),
            resident_kib: self.load.server.resident_kib()?,
            latency: self.latency,
        })
    }

    fn cpu(&self) -> Result<Duration, Failure> {
        match self.load.mode {
            // Servers that start a thread for each connection: what has ended counts too.
            Mode::Handshakes | Mode::PusherHandshakes => self.load.server.cpu_in_ticks(),
            Mode::Echo | Mode::Fanout | Mode::Idle | Mode::PusherIdle | Mode::PusherPublished => {
                self.load.server.cpu()
            }
        }
    }
}

impl Measured {
    fn print(&self) {
        println!(
            "done={} wall_ns={} server_cpu_ns={} load_cpu_ns={} p50_ns={} p99_ns={} resident_kib={}",
            self.done,
            self.wall.as_nanos(),
            self.server_cpu.as_nanos(),
            self.load_cpu.as_nanos(),
            self.latency.quantile(0.5),
            self.latency.quantile(0.99),
            self.resident_kib,
        );
    }
}
