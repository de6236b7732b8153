//! A driver that waits computes nothing, whatever its peers leave it waiting for. In a process of its own,
//! since it looks at the time that its driver takes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{CLOSE, FOREVER, Room, driver_time, fill, masked, patient, serve, telling};
use realtime_smol::{Config, Hub, OutboxLimits, PreparedMessage};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

#[test]
fn a_peer_whose_stream_has_ended_and_who_does_not_read_keeps_no_driver_busy() {
    for last_words in [masked(CLOSE, &1000_u16.to_be_bytes()), b"\x81\x02hi".to_vec()] {
        // Longer than what sockets hold, so that the first one stays on its way.
        let message = PreparedMessage::new(&"x".repeat(32 << 20));
        let limits = OutboxLimits { max_messages: 2, max_bytes: usize::MAX, ..OutboxLimits::default() };
        let (hub, notices) = telling(Hub::builder().outbox(limits));
        let (room, happenings) = Room::new();
        let config =
            Config { close_timeout: Duration::from_secs(1), handshake_timeout: FOREVER, ..Config::default() };
        let serving = serve(patient().config(config).threads(NonZeroUsize::MIN).hub(&hub), room);
        let mut client = serving.open();
        happenings.opened();
        fill(&hub, &notices, |_| message.clone());

        let (start, before) = (Instant::now(), driver_time());
        client.write(&last_words);
        client.end_writing();
        happenings.closed();
        let (elapsed, busy) = (start.elapsed(), driver_time() - before);
        assert!(
            elapsed >= Duration::from_millis(900),
            "it was to wait for the peer, but only did for {elapsed:?}"
        );
        assert!(busy < elapsed / 4, "{busy:?} of {elapsed:?}");
        serving.stopper.stop();
        serving.assert_ends();
    }
}
