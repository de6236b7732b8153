//! Where the program's log goes. What is logged is said by the gateway, through `tracing`.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of text for each event, for people.
    #[default]
    Text,
    /// A JSON object in a line for each event, for programs.
    Json,
}

/// What is logged.
///
/// Read from a level (`off`, `error`, `warn`, `info`, `debug` or `trace`), and from a `TARGET=LEVEL` for each part of the
/// program for which another one holds, separated by commas: `warn,realtime_server::http=debug`. Default `info`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFilter(Targets);

impl Default for LogFilter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl FromStr for LogFilter {
    type Err = BadLogFilter;

    fn from_str(text: &str) -> Result<Self, BadLogFilter> {
        text.split(',').try_fold(Self::default(), |Self(targets), part| {
            let (target, level) = match part.split_once('=') {
                Some((target, level)) => (Some(target.trim()), level),
                None => (None, part),
            };
            let level = level_of(level.trim()).ok_or_else(|| BadLogFilter { part: part.trim().into() })?;
            Ok(Self(match target {
                Some(target) => targets.with_target(target, level),
                None => targets.with_default(level),
            }))
        })
    }
}

/// Not by `LevelFilter`, which takes nothing at all for a level too.
fn level_of(name: &str) -> Option<LevelFilter> {
    Some(match name.to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return None,
    })
}

/// A [`LogFilter`] that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLogFilter {
    /// The part that is neither a level nor a `TARGET=LEVEL`.
    pub part: String,
}

impl fmt::Display for BadLogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part } = self;
        write!(
            f,
            "{part:?} is neither off, error, warn, info, debug or trace, nor such a level for a TARGET="
        )
    }
}

impl std::error::Error for BadLogFilter {}

/// The most lines that wait for the standard error to take them; one more is left out.
const MAX_WAITING_LINES: usize = 1024;

/// How long the end of the program waits for a standard error that takes nothing.
const MAX_FLUSH: Duration = Duration::from_secs(1);

/// What the process logs goes to its standard error, from a thread of its own: one that takes nothing must not stop those
/// who serve. What does not fit into the queue is counted, and logged when there is room again.
///
/// Dropping it waits until all is written, for a second at the most.
pub(crate) struct Logging {
    queue: SyncSender<Entry>,
}

enum Entry {
    Line(Vec<u8>),
    /// Tells when all that came before is written.
    Flush(SyncSender<()>),
}

impl Logging {
    /// Begins. If the process has a subscriber of its own to what is logged, that stays.
    pub(crate) fn start(format: LogFormat, filter: LogFilter) -> io::Result<Self> {
        let (queue, entries) = sync_channel(MAX_WAITING_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = LineQueue { queue: queue.clone(), lost: lost.clone() };
        let directly = dispatch(format, LogFilter::default(), io::stderr);
        thread::Builder::new()
            .name("realtime-log".into())
            .spawn(move || write_all(&entries, &lost, &mut io::stderr(), &directly))?;
        let _ = dispatcher::set_global_default(dispatch(format, filter, writer));
        Ok(Self { queue })
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let (flushed, is_flushed) = sync_channel(1);
        // With no room for this there is none for what came before it.
        if self.queue.try_send(Entry::Flush(flushed)).is_ok() {
            let _ = is_flushed.recv_timeout(MAX_FLUSH);
        }
    }
}

fn dispatch(
    format: LogFormat,
    LogFilter(targets): LogFilter,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> Dispatch {
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        LogFormat::Text => Registry::default().with(layer.with_filter(targets)).into(),
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(false).with_span_list(false);
            Registry::default().with(layer.with_filter(targets)).into()
        }
    }
}

/// Writes what is in the queue. A standard error that is closed is no reason not to serve.
fn write_all(entries: &Receiver<Entry>, lost: &AtomicU64, output: &mut impl Write, directly: &Dispatch) {
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                let _ = output.write_all(&line);
            }
            Entry::Flush(flushed) => {
                let _ = flushed.send(());
            }
        }
        // A line is lost only while others wait, after which this is looked at again.
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            dispatcher::with_default(directly, || {
                warn!(lines = lost, "left out of the log, which could not be written as fast");
            });
        }
    }
}

/// Puts each line into the queue.
#[derive(Clone)]
struct LineQueue {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl<'w> MakeWriter<'w> for LineQueue {
    type Writer = &'w Self;

    fn make_writer(&'w self) -> &'w Self {
        self
    }
}

impl Write for &LineQueue {
    /// Takes a whole line, as `tracing-subscriber` writes it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tracing::{debug, error, info};

    /// What `log` logs, line by line.
    fn logged(format: LogFormat, filter: &str, log: impl FnOnce()) -> Vec<String> {
        let lines: Arc<Mutex<Vec<u8>>> = Arc::default();
        let seen = lines.clone();
        let filter = filter.parse().expect("the test gives a filter");
        dispatcher::with_default(&dispatch(format, filter, move || Shared(seen.clone())), log);
        let text = lines.lock().expect("no panic").clone();
        String::from_utf8(text).expect("text").lines().map(str::to_owned).collect()
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_event_is_a_line_of_text_or_a_json_object() {
        let log = || info!(address = %"127.0.0.1:1", code = 4001, "turned away");
        let [line] = &logged(LogFormat::Text, "info", log)[..] else { panic!("one line") };
        assert!(line.ends_with("turned away address=127.0.0.1:1 code=4001"), "{line}");
        let [line] = &logged(LogFormat::Json, "info", log)[..] else { panic!("one line") };
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&event["level"], &event["message"]), (&"INFO".into(), &"turned away".into()));
        assert_eq!((&event["address"], &event["code"]), (&"127.0.0.1:1".into(), &4001.into()));
    }

    #[test]
    fn a_level_holds_for_all_that_has_none_of_its_own() {
        let log = || {
            debug!(target: "realtime_server::http", "http");
            debug!(target: "realtime_server::drain", "drain");
            error!(target: "realtime_server::http::api", "api");
        };
        let count = |filter: &str| logged(LogFormat::Text, filter, log).len();
        for (filter, lines) in [
            ("info", 1),
            ("debug", 3),
            ("off", 0),
            ("warn,realtime_server::http=debug", 2),
            ("debug, realtime_server::http = off", 1),
        ] {
            assert_eq!(count(filter), lines, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        for (text, part) in [("loud", "loud"), ("info,http=loud", "http=loud"), ("", ""), ("info,", "")] {
            assert_eq!(text.parse::<LogFilter>(), Err(BadLogFilter { part: part.into() }), "{text}");
        }
    }

    #[test]
    fn lines_beyond_the_queue_are_counted_and_told_of_when_there_is_room() {
        let (queue, entries) = sync_channel(2);
        let lost: Arc<AtomicU64> = Arc::default();
        let writer = LineQueue { queue, lost: lost.clone() };
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            assert_eq!((&writer).write(line.as_bytes()).ok(), Some(line.len()));
        }
        drop(writer);
        let (told, mut output) = (Arc::<Mutex<Vec<u8>>>::default(), Vec::new());
        let seen = told.clone();
        let directly = dispatch(LogFormat::Text, LogFilter::default(), move || Shared(seen.clone()));
        write_all(&entries, &lost, &mut output, &directly);
        assert_eq!(output, b"one\ntwo\n");
        let told = String::from_utf8(told.lock().expect("no panic").clone()).expect("text");
        assert!(told.lines().count() == 1 && told.contains("lines=2"), "{told}");
    }
}
