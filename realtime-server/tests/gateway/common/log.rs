use crate::common::PATIENCE;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, Once};
use std::time::Instant;
use tracing::Level;

/// What all gateways of this process log.
pub(crate) struct Log {
    lines: Mutex<Vec<String>>,
    has_more: Condvar,
}

static LOG: Log = Log { lines: Mutex::new(Vec::new()), has_more: Condvar::new() };

/// What is logged from the first call on.
pub(crate) fn log() -> &'static Log {
    static BEGIN: Once = Once::new();
    BEGIN.call_once(|| {
        tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_ansi(false).with_writer(|| &LOG).init();
    });
    &LOG
}

impl Log {
    /// The first line with all of `parts` in it, without its time.
    #[track_caller]
    pub(crate) fn line(&self, parts: &[&str]) -> String {
        let (begin, mut lines) = (Instant::now(), self.lines.lock().unwrap());
        loop {
            if let Some(line) = lines.iter().find(|line| parts.iter().all(|part| line.contains(part))) {
                return line.trim_start().split_once(' ').unwrap().1.trim().to_owned();
            }
            let patience = PATIENCE.checked_sub(begin.elapsed()).unwrap_or_else(|| panic!("no {parts:?}"));
            lines = self.has_more.wait_timeout(lines, patience).unwrap().0;
        }
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }
}

impl Write for &Log {
    /// Takes a whole line, as `tracing-subscriber` writes it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
        self.has_more.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
