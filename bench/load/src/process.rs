use crate::Failure;
use std::fs;
use std::time::Duration;

/// The server's process, watched from outside.
pub(crate) struct Process {
    pid: u32,
}

/// What `/proc` counts processor time in (`USER_HZ`), on every architecture of Linux that matters here.
const TICKS_PER_SECOND: u64 = 100;

impl Process {
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid }
    }

    /// The processor time of all threads that live, user and system, in nanoseconds.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread that has ended since the directory was read counts no more.
            if let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) {
                nanoseconds += schedstat.split(' ').next().unwrap_or_default().parse::<u64>()?;
            }
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The processor time of the whole process, ended threads included, to a hundredth of a second.
    pub(crate) fn cpu_in_ticks(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name in parentheses may hold anything; user and system time are the 14th and 15th field.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    pub(crate) fn resident_kib(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// The processor time of this process.
pub(crate) fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
