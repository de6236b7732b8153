//! What the command line asks for.

use crate::metrics::{Metrics, MetricsToken};
use crate::webhooks::{InvalidWebhook, Webhook};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use realtime_core::pusher::{App, Secret};
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

/// What `--help` prints.
pub const HELP: &str = "\
A realtime gateway that unmodified Pusher and Laravel Echo clients talk to

Usage: realtime-server [OPTIONS]

Options:
  --listen ADDR        Address to listen at; port 0 takes a free one [default: 127.0.0.1:8080]
  --app-id ID          The app's id in the HTTP API [default: demo]
  --app-key KEY        The app's public key; needs --app-secret [default: demo-key]
  --app-secret SECRET  What the app's server signs with; needs --app-key [default: demo-secret]
  --demo               Serve the demo page, and sign for anyone who asks
  --no-demo            Serve neither
  --compression        Compress messages of 256 bytes and more for clients that offer it, as browsers do
  --subscription-counts
                       Tell the subscribers of a channel how many they are, at most once a second
  --metrics            Tell anyone at /metrics what is counted, in the format of Prometheus
  --metrics-token T    Tell it to whoever sends Authorization: Bearer T
  --webhook URL        Post there what happens in channels, signed with the app's secret; may be given again
  --threads N          Threads that serve WebSocket connections [default: one for each core]
  -h, --help           Print this
  -V, --version        Print the version

Without --demo and --no-demo, the demo is on at loopback addresses and off at all others. Without the
demo, an address that is no loopback address needs an --app-key and an --app-secret of your own.

Compression (permessage-deflate) makes such messages several times shorter and takes processor time, for each
event and not for each of its subscribers. No connection keeps memory for it between messages.
";

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Run the gateway.
    Serve(Box<Options>),
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
}

/// How the gateway is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The id and key of the app.
    pub app: AppName,
    /// What the app signs with.
    pub secret: AppSecret,
    /// Whether the demo is served.
    pub demo: Demo,
    /// Whether compression is agreed to.
    pub compression: Compression,
    /// Whether subscribers are told how many they are.
    pub subscription_counts: SubscriptionCounts,
    /// Who is told what the gateway counts.
    pub metrics: Metrics,
    /// Where the app's own server is told what happens.
    pub webhooks: Vec<Webhook>,
    /// How many threads serve WebSocket connections; `None`: one for each core.
    pub threads: Option<NonZeroUsize>,
}

/// The public part of an [`App`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName {
    /// Its id in the HTTP API.
    pub id: String,
    /// Its public key.
    pub key: String,
}

/// Where an app's secret comes from.
#[derive(Clone, Debug)]
pub enum AppSecret {
    /// The one that everybody knows, [`AppSecret::WELL_KNOWN`].
    WellKnown,
    /// One of its own.
    Own(Secret),
}

impl AppSecret {
    /// The demo app's secret.
    pub const WELL_KNOWN: &str = "demo-secret";
}

/// Whether the demo is served: its page, and endpoints that sign and publish for anyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demo {
    /// It is.
    On,
    /// It is not.
    #[default]
    Off,
}

/// Whether the gateway agrees when a client offers compressed messages (RFC 7692).
///
/// Messages of 256 bytes and more are then compressed, each by itself: an event once for all the subscribers
/// that a thread serves. No connection keeps memory for it between messages; while one is
/// compressed that takes 250 KB to 380 KB, and while one arrives, 47 KB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// It does.
    On,
    /// It does not. The default, since most events are too short to gain from it, and since who sees the length
    /// of a compressed message learns something of what in it repeats itself.
    #[default]
    Off,
}

/// Whether the subscribers of a channel are told how many they are, with
/// `pusher_internal:subscription_count`; those of presence channels, who are told of each other, never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionCounts {
    /// They are: of the first change at once, and of those that follow within a second when that is over.
    On,
    /// They are not.
    #[default]
    Off,
}

impl Command {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// [`UsageError`]: the user's fault, with a text that says what is accepted.
    pub fn parse(arguments: impl IntoIterator<Item: Into<OsString>>) -> Result<Self, UsageError> {
        let mut given = Given::default();
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("listen") => given.listen = Some(address(&parser.value()?.string()?)?),
                Long("app-id") => given.app_id = Some(name("--app-id", parser.value()?.string()?)?),
                Long("app-key") => given.app_key = Some(name("--app-key", parser.value()?.string()?)?),
                Long("app-secret") => given.app_secret = Some(secret(parser.value()?.string()?)?),
                Long("demo") => given.demo = true,
                Long("no-demo") => given.no_demo = true,
                Long("compression") => given.compression = Compression::On,
                Long("subscription-counts") => given.subscription_counts = SubscriptionCounts::On,
                Long("metrics") => given.metrics = true,
                Long("metrics-token") => {
                    given.metrics_token = Some(metrics_token(&parser.value()?.string()?)?);
                }
                Long("webhook") => given.webhooks.push(Webhook::new(&parser.value()?.string()?)?),
                Long("threads") => given.threads = Some(threads(&parser.value()?.string()?)?),
                Short('h') | Long("help") => return Ok(Self::Help),
                Short('V') | Long("version") => return Ok(Self::Version),
                Short(_) | Long(_) | Value(_) => return Err(argument.unexpected().into()),
            }
        }
        given.options().map(|options| Self::Serve(Box::new(options)))
    }
}

impl Options {
    /// The app that the gateway serves.
    #[must_use]
    pub fn to_app(&self) -> App {
        let secret = match &self.secret {
            AppSecret::WellKnown => Secret::new(AppSecret::WELL_KNOWN),
            AppSecret::Own(secret) => secret.clone(),
        };
        App { id: self.app.id.clone(), key: self.app.key.clone(), secret }
    }
}

/// The arguments one by one, before they are seen together.
#[derive(Default)]
struct Given {
    listen: Option<SocketAddr>,
    app_id: Option<String>,
    app_key: Option<String>,
    app_secret: Option<Secret>,
    demo: bool,
    no_demo: bool,
    compression: Compression,
    subscription_counts: SubscriptionCounts,
    metrics: bool,
    metrics_token: Option<MetricsToken>,
    webhooks: Vec<Webhook>,
    threads: Option<NonZeroUsize>,
}

impl Given {
    fn options(self) -> Result<Options, UsageError> {
        let listen = self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let is_loopback = listen.ip().to_canonical().is_loopback();
        let demo = match (self.demo, self.no_demo) {
            (true, true) => return Err(UsageError::DemoAndNoDemo),
            (true, false) => Demo::On,
            (false, true) => Demo::Off,
            (false, false) if is_loopback => Demo::On,
            (false, false) => Demo::Off,
        };
        let (key, secret) = match (self.app_key, self.app_secret) {
            (Some(key), Some(secret)) => (key, AppSecret::Own(secret)),
            (None, None) if demo == Demo::Off && !is_loopback => return Err(UsageError::NoSecret { listen }),
            (None, None) => ("demo-key".into(), AppSecret::WellKnown),
            (Some(_), None) | (None, Some(_)) => return Err(UsageError::HalfAnApp),
        };
        let id = self.app_id.unwrap_or_else(|| "demo".into());
        let metrics = match (self.metrics, self.metrics_token) {
            (true, Some(_)) => return Err(UsageError::OpenAndToken),
            (true, None) => Metrics::Open,
            (false, Some(token)) => Metrics::Token(token),
            (false, None) => Metrics::Off,
        };
        let Self { compression, subscription_counts, webhooks, threads, .. } = self;
        let app = AppName { id, key };
        Ok(Options {
            listen,
            app,
            secret,
            demo,
            compression,
            subscription_counts,
            metrics,
            webhooks,
            threads,
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, UsageError> {
    text.parse().map_err(|_| UsageError::Address { text: text.into() })
}

/// Ids and keys are parts of paths.
fn name(flag: &'static str, text: String) -> Result<String, UsageError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || !text.bytes().all(is_allowed) {
        return Err(UsageError::Name { flag, text });
    }
    Ok(text)
}

fn secret(text: String) -> Result<Secret, UsageError> {
    if text.is_empty() { Err(UsageError::EmptySecret) } else { Ok(Secret::new(&text)) }
}

fn metrics_token(text: &str) -> Result<MetricsToken, UsageError> {
    if text.is_empty() { Err(UsageError::EmptyToken) } else { Ok(MetricsToken::new(text)) }
}

fn threads(text: &str) -> Result<NonZeroUsize, UsageError> {
    let threads = text.parse().ok().filter(|threads: &NonZeroUsize| threads.get() <= MAX_THREADS);
    threads.ok_or_else(|| UsageError::Threads { text: text.into() })
}

const MAX_THREADS: usize = 1024;

/// A command line that cannot be followed.
#[derive(Debug)]
pub enum UsageError {
    /// An argument is unknown, lacks its value or is not UTF-8.
    Argument(lexopt::Error),
    /// The value of `--listen` is no address.
    Address {
        /// What it is.
        text: String,
    },
    /// An id or key cannot stand in a path.
    Name {
        /// Which.
        flag: &'static str,
        /// What it is.
        text: String,
    },
    /// The secret is empty.
    EmptySecret,
    /// The token is empty.
    EmptyToken,
    /// Both `--metrics` and `--metrics-token`.
    OpenAndToken,
    /// The value of `--webhook` cannot be posted to.
    Webhook(InvalidWebhook),
    /// The value of `--threads` is no number of threads.
    Threads {
        /// What it is.
        text: String,
    },
    /// There is a key without a secret, or a secret without a key.
    HalfAnApp,
    /// Both `--demo` and `--no-demo`.
    DemoAndNoDemo,
    /// The well-known secret would be used where others can reach the gateway.
    NoSecret {
        /// The address.
        listen: SocketAddr,
    },
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Address { text } => {
                write!(f, "--listen takes an IP address and a port, such as 127.0.0.1:8080, not {text:?}")
            }
            Self::Name { flag, text } => {
                write!(f, "{flag} takes letters, digits, '-', '_' and '.', at least one, not {text:?}")
            }
            Self::EmptySecret => f.write_str("--app-secret must not be empty"),
            Self::EmptyToken => f.write_str("--metrics-token must not be empty"),
            Self::OpenAndToken => {
                f.write_str("--metrics lets anyone in and --metrics-token does not: give one of them")
            }
            Self::Webhook(error) => write!(f, "--webhook: {error}"),
            Self::Threads { text } => {
                write!(f, "--threads takes a number from 1 to {MAX_THREADS}, not {text:?}")
            }
            Self::HalfAnApp => {
                f.write_str("--app-key and --app-secret belong together: give both or neither")
            }
            Self::DemoAndNoDemo => f.write_str("--demo and --no-demo contradict each other"),
            Self::NoSecret { listen } => write!(
                f,
                "others may reach {listen}: give an --app-key and an --app-secret of your own, or --demo to \
                 let anyone in"
            ),
        }
    }
}

impl std::error::Error for UsageError {}

impl From<InvalidWebhook> for UsageError {
    fn from(error: InvalidWebhook) -> Self {
        Self::Webhook(error)
    }
}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self::Argument(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &str) -> Options {
        match Command::parse(arguments.split_whitespace()) {
            Ok(Command::Serve(options)) => *options,
            other => panic!("{arguments}: {other:?}"),
        }
    }

    fn error(arguments: &str) -> String {
        match Command::parse(arguments.split_whitespace()) {
            Err(error) => error.to_string(),
            Ok(command) => panic!("{arguments}: {command:?}"),
        }
    }

    #[test]
    fn without_arguments_the_demo_runs_on_loopback() {
        let options = options("");
        assert_eq!(options.listen.to_string(), "127.0.0.1:8080");
        assert_eq!((&*options.app.id, &*options.app.key), ("demo", "demo-key"));
        assert!(matches!(options.secret, AppSecret::WellKnown));
        assert_eq!((options.demo, options.threads), (Demo::On, None));
        assert_eq!(options.compression, Compression::Off);
        assert_eq!(options.subscription_counts, SubscriptionCounts::Off);
    }

    #[test]
    fn the_demo_is_on_where_only_this_machine_reaches_it_unless_told_otherwise() {
        let own = "--app-key k --app-secret s";
        for (arguments, demo) in [
            ("--listen 127.0.0.2:1", Demo::On),
            ("--listen [::1]:1", Demo::On),
            ("--listen [::ffff:127.0.0.1]:1", Demo::On),
            (own, Demo::On),
            ("--no-demo", Demo::Off),
            ("--listen 0.0.0.0:1 --demo", Demo::On),
            (&format!("--listen 0.0.0.0:1 {own}"), Demo::Off),
            (&format!("--listen 0.0.0.0:1 {own} --no-demo"), Demo::Off),
            (&format!("--listen [::]:1 {own} --demo"), Demo::On),
        ] {
            assert_eq!(options(arguments).demo, demo, "{arguments}");
        }
    }

    #[test]
    fn the_well_known_secret_is_refused_where_others_may_reach_it() {
        for arguments in [
            "--listen 0.0.0.0:1",
            "--listen [::]:1",
            "--listen 192.0.2.1:1 --no-demo",
            "--listen 0.0.0.0:1 --app-id a",
        ] {
            assert!(
                error(arguments).contains("give an --app-key and an --app-secret of your own"),
                "{arguments}"
            );
        }
    }

    #[test]
    fn every_flag_is_taken() {
        let options = options(
            "--listen=127.0.0.1:9 --app-id a.1 --app-key k_2 --app-secret s --threads 3 \
             --compression --subscription-counts --metrics --webhook http://a/1 --webhook https://b/2",
        );
        assert_eq!(options.listen.port(), 9);
        assert_eq!(options.webhooks, ["http://a/1", "https://b/2"].map(|url| Webhook::new(url).unwrap()));
        assert_eq!(options.app, AppName { id: "a.1".into(), key: "k_2".into() });
        assert!(options.to_app().secret.verify("text", &Secret::new("s").sign("text")));
        assert_eq!(options.threads, NonZeroUsize::new(3));
        assert_eq!(options.compression, Compression::On);
        assert_eq!(options.subscription_counts, SubscriptionCounts::On);
        assert!(matches!(options.metrics, Metrics::Open));
        assert!(matches!(self::options("--metrics-token t").metrics, Metrics::Token(_)));
        assert!(matches!(self::options("").metrics, Metrics::Off));
        assert!(matches!(Command::parse(["--version"]), Ok(Command::Version)));
        assert!(matches!(Command::parse(["-h", "--nonsense"]), Ok(Command::Help)));
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        for (arguments, expected) in [
            ("--nonsense", "invalid option '--nonsense'"),
            ("-x", "invalid option '-x'"),
            ("news", "unexpected argument \"news\""),
            ("--listen", "missing argument for option '--listen'"),
            ("--demo=yes", "unexpected argument for option '--demo': \"yes\""),
            (
                "--listen 8080",
                "--listen takes an IP address and a port, such as 127.0.0.1:8080, not \"8080\"",
            ),
            (
                "--listen 127.0.0.1:65536",
                "--listen takes an IP address and a port, such as 127.0.0.1:8080, not \"127.0.0.1:65536\"",
            ),
            ("--threads 0", "--threads takes a number from 1 to 1024, not \"0\""),
            ("--threads two", "--threads takes a number from 1 to 1024, not \"two\""),
            ("--threads 1025", "--threads takes a number from 1 to 1024, not \"1025\""),
            ("--app-key a/b", "--app-key takes letters, digits, '-', '_' and '.', at least one, not \"a/b\""),
            ("--app-id=", "--app-id takes letters, digits, '-', '_' and '.', at least one, not \"\""),
            ("--app-secret=", "--app-secret must not be empty"),
            ("--app-key k", "--app-key and --app-secret belong together: give both or neither"),
            ("--app-secret s", "--app-key and --app-secret belong together: give both or neither"),
            ("--metrics-token=", "--metrics-token must not be empty"),
            (
                "--metrics --metrics-token t",
                "--metrics lets anyone in and --metrics-token does not: give one of them",
            ),
            ("--demo --no-demo", "--demo and --no-demo contradict each other"),
        ] {
            assert_eq!(error(arguments), expected);
        }
    }

    #[test]
    fn the_help_names_every_flag() {
        for flag in [
            "listen",
            "app-id",
            "app-key",
            "app-secret",
            "demo",
            "no-demo",
            "compression",
            "subscription-counts",
            "threads",
            "help",
            "version",
        ] {
            assert!(HELP.split_whitespace().any(|word| word == format!("--{flag}")), "{flag}");
        }
    }
}
