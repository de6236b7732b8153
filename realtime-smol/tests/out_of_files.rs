//! A process without a file to spare. In a process of its own, since it takes them all.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Client, driver_time, in_time, patient, serve, text, upgrade};
use realtime_smol::{Message, Peer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

#[test]
fn accepting_pauses_until_there_are_files_again_and_does_not_spin() {
    let serving = serve(
        patient().threads(NonZeroUsize::MIN).max_connections(100),
        |peer: &mut Peer<'_>, message: Message<'_>| {
            peer.send(message).unwrap();
        },
    );
    let mut before = serving.open();

    // The reactor that waits for the server opens its files, too.
    in_time(smol::Timer::after(Duration::from_millis(1)));

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
    let mut files = Vec::new();
    let full = loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => break error,
        }
    };
    assert_eq!(full.raw_os_error(), Some(24), "EMFILE");
    // One file for this end of the connection, none for the other.
    files.pop();
    let mut client = Client::connect(serving.address);
    client.write(&upgrade(""));

    // Those there are are served meanwhile.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        before.say("still here?");
        assert_eq!(before.frame(), text("still here?"));
        std::thread::sleep(Duration::from_millis(50));
    }
    let elapsed = start.elapsed();
    drop(files);
    assert!(driver_time() < elapsed / 2, "{:?} of {elapsed:?}", driver_time());
    assert!(client.head().starts_with("HTTP/1.1 101 "));
}
