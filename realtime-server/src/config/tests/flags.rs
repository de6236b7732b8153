use super::*;
use crate::app_config::AppConfig;
use crate::config::HELP;
use crate::config::settings::all_entries;
use crate::metrics::Metrics;
use crate::options::{Compression, Demo, Options, SubscriptionCounts};
use realtime_core::pusher::Secret;
use std::num::NonZeroUsize;

fn options(arguments: &str) -> Options {
    effective(None, &[], arguments).options
}

/// The one thing that is wrong, but for where help is.
fn error(arguments: &str) -> String {
    let error = refused(None, &[], arguments);
    error.strip_suffix("; see --help").unwrap_or(&error).to_owned()
}

#[test]
fn without_arguments_the_demo_runs_on_loopback() {
    let options = options("");
    assert_eq!(options.listen.to_string(), "127.0.0.1:8080");
    let [AppConfig { app, subscription_counts, .. }] = &*options.apps else { panic!("{options:?}") };
    assert_eq!((&*app.id, &*app.key), ("demo", "demo-key"));
    assert!(app.secret.verify("text", &Secret::new("demo-secret").sign("text")));
    assert_eq!((options.demo, options.threads), (Demo::On, None));
    assert_eq!(options.compression, Compression::Off);
    assert_eq!(*subscription_counts, SubscriptionCounts::Off);
}

#[test]
fn the_demo_is_on_where_only_this_machine_reaches_it_and_no_app_has_a_secret_of_its_own() {
    let own = "--app-key k --app-secret s";
    for (arguments, demo) in [
        ("--listen 127.0.0.2:1", Demo::On),
        ("--listen [::1]:1", Demo::On),
        ("--listen [::ffff:127.0.0.1]:1", Demo::On),
        ("--app-id a --app-key k --app-secret demo-secret", Demo::On),
        (own, Demo::Off),
        (&format!("{own} --demo"), Demo::On),
        (&format!("--listen [::1]:1 {own}"), Demo::Off),
        ("--app-key k --app-secret-file src/main.rs", Demo::Off),
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
        "--listen 0.0.0.0:1 --app-key k --app-secret demo-secret",
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
         --compression --subscription-counts --metrics",
    );
    assert_eq!(options.listen.port(), 9);
    let [AppConfig { app, subscription_counts, .. }] = &*options.apps else { panic!("{options:?}") };
    assert_eq!((&*app.id, &*app.key), ("a.1", "k_2"));
    assert!(app.secret.verify("text", &Secret::new("s").sign("text")));
    assert_eq!(options.threads, NonZeroUsize::new(3));
    assert_eq!(options.compression, Compression::On);
    assert_eq!(*subscription_counts, SubscriptionCounts::On);
    assert!(matches!(options.metrics, Metrics::Open));
    assert!(matches!(self::options("--metrics-token t").metrics, Metrics::Token(_)));
    assert!(matches!(self::options("").metrics, Metrics::Off));
    assert!(matches!(Command::parse(["--version"], []), Ok(Command::Version)));
    assert!(matches!(Command::parse(["-h", "--nonsense"], []), Ok(Command::Help)));
    assert!(matches!(Command::parse(["--check"], []), Ok(Command::Check(_))));
    assert!(matches!(Command::parse(["--print-config"], []), Ok(Command::PrintConfig(_))));
}

#[test]
fn what_cannot_be_followed_is_named() {
    for (arguments, expected) in [
        ("--nonsense", "invalid option '--nonsense'"),
        ("-x", "invalid option '-x'"),
        ("news", "unexpected argument \"news\""),
        ("--listen", "missing argument for option '--listen'"),
        ("--demo=yes", "unexpected argument for option '--demo': \"yes\""),
        ("--listen 8080", "--listen takes an IP address and a port, such as 127.0.0.1:8080, not \"8080\""),
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
fn a_flag_that_is_mistyped_is_found() {
    for (arguments, expected) in [
        ("--lisen 1", "invalid option '--lisen'; did you mean '--listen'?"),
        ("--app-secert s", "invalid option '--app-secert'; did you mean '--app-secret'?"),
        ("--configs f", "invalid option '--configs'; did you mean '--config'?"),
    ] {
        assert_eq!(error(arguments), expected);
    }
}

#[test]
fn the_help_names_every_flag() {
    let settings = all_entries();
    let flags: Vec<String> = settings.iter().filter_map(|setting| setting.name.flag()).collect();
    let others = ["no-demo", "config", "check", "print-config", "help", "version"];
    for flag in flags.iter().map(String::as_str).chain(others) {
        assert!(HELP.split_whitespace().any(|word| word == format!("--{flag}")), "{flag}");
    }
}
