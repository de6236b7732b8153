use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// An `echo` that was started to be attacked.
pub(super) struct Victim {
    process: Child,
    address: SocketAddr,
}

/// What a process has more of than at some moment.
pub(super) struct Growth {
    pid: u32,
    start_bytes: usize,
}

impl Victim {
    pub(super) fn start(echo: &Path, max_message_bytes: usize) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(echo)
            .args(["127.0.0.1:0", &max_message_bytes.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim_end().rsplit("ws://").next().unwrap_or_default().parse();
        let victim = Self { process, address: address.map_err(|_| format!("it says {line:?}"))? };
        Ok(victim)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to look how its memory grows.
    pub(super) fn watch(&self) -> Result<Growth, Box<dyn Error>> {
        let pid = self.process.id();
        fs::write(format!("/proc/{pid}/clear_refs"), "5")?; // sets the highest to what there is now
        Ok(Growth { pid, start_bytes: resident_bytes(pid, "VmHWM:")? })
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // One that is over already is as it should be.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Growth {
    /// How much more it was at its highest.
    pub(super) fn peak_bytes(&self) -> Result<usize, Box<dyn Error>> {
        Ok(resident_bytes(self.pid, "VmHWM:")?.saturating_sub(self.start_bytes))
    }
}

/// A line of proc_pid_status(5) that is in kibibytes.
fn resident_bytes(pid: u32, line: &str) -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|found| found.strip_prefix(line)).ok_or("no such line")?;
    let kib: usize = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}
