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
        // The numbers fit together, whatever panicked while they were locked.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.second != elapsed.as_secs() {
            let left_out = written.left_out;
            *written = Written { second: elapsed.as_secs(), ..Written::default() };
            if left_out > 0 {
                (self.write)(&format!("{left_out} more that broke the protocol"));
            }
        }
        if written.lines == LINES_PER_SECOND {
            written.left_out += 1;
        } else {
            written.lines += 1;
            drop(written);
            (self.write)(&line.to_string());
        }
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

    #[test]
    fn what_is_too_much_for_a_second_is_counted_and_said_later() {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = lines.clone();
        let log = Log::new(Box::new(move |line| seen.lock().unwrap().push(line.into())));
        for n in 0..15 {
            log.write_after(Duration::from_millis(5_000 + n), format_args!("line {n}"));
        }
        log.write_after(Duration::from_millis(6_000), format_args!("later"));
        let mut expected: Vec<String> = (0..10).map(|n| format!("line {n}")).collect();
        expected.extend(["5 more that broke the protocol".into(), "later".into()]);
        assert_eq!(*lines.lock().unwrap(), expected);
    }
}
