use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many lines are written in one second, so that whoever misbehaves a lot does not fill the log.
const LINES_PER_SECOND: u32 = 10;

/// Writes a line for each client that broke the protocol; what is too much for a second is counted, and said with
/// the next line.
pub(crate) struct Log {
    write: Box<WriteLine>,
    start: Instant,
    written: Mutex<Written>,
}

/// Writes one line.
pub(crate) type WriteLine = dyn Fn(&str) + Send + Sync;

/// What was written in one second.
#[derive(Default)]
struct Written {
    second: u64,
    lines: u32,
    left_out: u64,
}

impl Log {
    pub(crate) fn new(write: Box<WriteLine>) -> Self {
        Self { write, start: Instant::now(), written: Mutex::default() }
    }

    pub(crate) fn write(&self, line: fmt::Arguments<'_>) {
        self.write_after(self.start.elapsed(), line);
    }

    fn write_after(&self, elapsed: Duration, line: fmt::Arguments<'_>) {
        let Some(left_out) = self.take_place(elapsed.as_secs()) else { return };
        if left_out > 0 {
            (self.write)(&format!("{left_out} more that broke the protocol"));
        }
        (self.write)(&line.to_string());
    }

    /// How many lines were left out before the one that may be written in `second`; `None` if that one is left
    /// out too.
    fn take_place(&self, second: u64) -> Option<u64> {
        // The numbers fit together, whatever panicked while they were locked.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left_out = 0;
        // Threads look at the clock before they wait for each other: a second that is over does not come back.
        if written.second < second {
            left_out = written.left_out;
            *written = Written { second, ..Written::default() };
        }
        if written.lines == LINES_PER_SECOND {
            written.left_out += 1;
            return None;
        }
        written.lines += 1;
        Some(left_out)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    fn log() -> (Log, Arc<Mutex<Vec<String>>>) {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = lines.clone();
        (Log::new(Box::new(move |line| seen.lock().unwrap().push(line.into()))), lines)
    }

    #[test]
    fn what_is_too_much_for_a_second_is_counted_and_said_later() {
        let (log, lines) = log();
        for n in 0..15 {
            log.write_after(5 * SECOND + n * SECOND / 100, format_args!("line {n}"));
        }
        log.write_after(6 * SECOND, format_args!("later"));
        let mut expected: Vec<String> = (0..10).map(|n| format!("line {n}")).collect();
        expected.extend(["5 more that broke the protocol".into(), "later".into()]);
        assert_eq!(*lines.lock().unwrap(), expected);
    }
    #[test]
    fn a_thread_that_is_late_with_its_line_makes_no_room_for_more() {
        let (log, lines) = log();
        for n in 0..30 {
            log.write_after((6 - n % 2) * SECOND, format_args!("line {n}"));
        }
        assert_eq!(lines.lock().unwrap().len(), 10);
    }

    #[test]
    fn what_writes_lines_may_write_lines_itself() {
        let log: Arc<std::sync::OnceLock<Log>> = Arc::default();
        let (itself, lines) = (log.clone(), Arc::new(Mutex::new(Vec::new())));
        let seen = lines.clone();
        let write = move |line: &str| {
            seen.lock().unwrap().push(line.to_owned());
            if line.ends_with("protocol") {
                itself.get().unwrap().write_after(6 * SECOND, format_args!("too many"));
            }
        };
        let log = log.get_or_init(|| Log::new(Box::new(write)));
        for _ in 0..11 {
            log.write_after(5 * SECOND, format_args!("line"));
        }
        log.write_after(6 * SECOND, format_args!("later"));
        assert_eq!(lines.lock().unwrap()[10..], ["1 more that broke the protocol", "too many", "later"]);
    }
}
