//! Peers that try to make a server take memory, and what it takes.
//!
//! The server is the `echo` example of an adapter, a process of its own: only so is its memory its own.

mod attacker;
mod bomb;
mod victim;

use self::attacker::Attacker;
use self::bomb::Bomb;
use self::victim::Victim;
use crate::Received;
use realtime_ws::CloseCode;
use std::error::Error;
use std::path::Path;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The message limit of the server that is bombed.
const LIMIT_BYTES: usize = MIB;

const PINGS: u64 = 100_000;

/// What a server did under an attack.
#[derive(Clone, Debug)]
pub struct Report {
    /// The attack.
    pub name: &'static str,
    /// By how much the server's memory had grown at its highest.
    pub growth_bytes: usize,
    /// What that must stay below.
    pub limit_bytes: usize,
    /// What the attacker saw.
    pub outcome: String,
}

impl Report {
    /// Whether the server took less memory than it may.
    #[must_use]
    pub fn is_within_limit(&self) -> bool {
        self.growth_bytes < self.limit_bytes
    }
}

type Outcome = Result<String, Box<dyn Error>>;

/// Runs every attack, each against an `echo` of its own, which is the program at `echo`; shows each report as it comes.
///
/// # Errors
/// A server did not start, or did what it must not: whatever the attack, it answers as documented.
pub fn run_all(echo: &Path, mut show: impl FnMut(Report)) -> Result<(), Box<dyn Error>> {
    let bomb = Bomb::new();
    let bombs: [(&str, &[Vec<u8>]); 4] = [
        ("a deflate bomb of 1 GiB in one frame", &bomb.in_one_frame()),
        ("the bomb in fragments of 16 KiB", &bomb.in_fragments_of(16 * KIB)),
        ("the bomb in fragments of 64 bytes", &bomb.in_fragments_of(64)),
        ("the bomb after 1,000 harmless fragments", &bomb.after_harmless_fragments(1_000)),
    ];
    let mut attack = |name, max_message_bytes, limit_bytes, attack: &dyn Fn(&mut Attacker) -> Outcome| {
        let victim = Victim::start(echo, max_message_bytes)?;
        // What it needs for everyone is there once it has served someone.
        Attacker::connect(victim.address())?.expect_echo("hello")?;
        let mut attacker = Attacker::connect(victim.address())?;
        let growth = victim.watch()?;
        let outcome = attack(&mut attacker).map_err(|error| format!("{name}: {error}"))?;
        show(Report { name, growth_bytes: growth.peak_bytes()?, limit_bytes, outcome });
        Ok::<(), Box<dyn Error>>(())
    };
    for (name, frames) in bombs {
        attack(name, LIMIT_BYTES, 4 * MIB, &|attacker| explode(attacker, frames))?;
    }
    attack("100,000 pings of 125 bytes, none of the pongs read", LIMIT_BYTES, MIB, &flood_with_pings)?;
    attack("a header that declares 2^62 bytes, and none of them", usize::MAX, 256 * KIB, &|attacker| {
        declare(attacker, 0)
    })?;
    // A buffer that grows has room for twice what is in it.
    attack("a header that declares 2^62 bytes, and 1 MiB of them", usize::MAX, 3 * MIB, &|attacker| {
        declare(attacker, MIB)
    })
}

fn explode(attacker: &mut Attacker, frames: &[Vec<u8>]) -> Outcome {
    let bytes: usize = frames.iter().map(Vec::len).sum();
    // The server may have closed long before all is written.
    let _ = frames.iter().try_for_each(|frame| attacker.write(frame));
    attacker.expect(&Received::End(CloseCode::MESSAGE_TOO_BIG))?;
    Ok(format!("{bytes} bytes, closed with 1009"))
}

/// Each ping has a number, so that it shows which ones were answered.
fn flood_with_pings(attacker: &mut Attacker) -> Outcome {
    for number in 0..PINGS {
        attacker.ping(number)?;
    }
    // Only now does it read.
    let mut answered = Vec::new();
    while answered.last() != Some(&(PINGS - 1)) {
        answered.push(attacker.receive_pong()?);
    }
    if !answered.is_sorted() {
        return Err("pongs out of order".into());
    }
    if answered.len() as u64 == PINGS {
        return Err("every pong fitted into the sockets' buffers, so this showed nothing".into());
    }
    attacker.expect_echo("still there?")?;
    Ok(format!("{} pongs in order, the last one for the last ping; echoes on", answered.len()))
}

/// Declares a message of 2^62 bytes, sends `bytes` of them and ends the stream.
fn declare(attacker: &mut Attacker, bytes: usize) -> Outcome {
    attacker.declare(1 << 62)?;
    attacker.write(&vec![0; bytes])?;
    attacker.end_stream()?;
    attacker.expect(&Received::End(CloseCode::ABNORMAL))?;
    Ok("waited for the rest until the stream ended".into())
}
