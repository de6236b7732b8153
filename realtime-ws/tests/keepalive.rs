//! What silence means, and when it is looked at.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::{ApiMisuse, Config, Keepalive, Role, Silence, Timestamp};

fn at(second: u64) -> Timestamp {
    Timestamp::START + seconds(second)
}

#[test]
fn silent_peer_is_pinged_then_given_up() {
    as_both_roles(|mut end| {
        assert_eq!(end.passes_to_timeout(), at(30));
        assert_eq!(end.writes(), [ping("")]);
        assert_eq!(end.passes_to_timeout(), at(60));
        assert!(end.connection.is_finished());
        assert_eq!(end.closure(), (1006, false));
        assert_eq!(end.connection.closure().unwrap().reason, "peer was silent for too long");
        assert_eq!(end.connection.poll_timeout(), None);
        assert_eq!(end.writes(), [], "no close frame: it would not be read");
    });
}

#[test]
fn any_byte_from_the_peer_ends_the_silence() {
    as_both_roles(|mut end| {
        end.passes(seconds(29));
        let header = header_to(end.role, true, TEXT, 1000);
        end.try_receive(&header[..1]);
        assert_eq!(end.connection.poll_timeout(), Some(at(59)));
        end.passes(seconds(30));
        assert_eq!(end.writes(), [ping("")]);
        end.try_receive(&header[1..]);
        assert_eq!(end.connection.poll_timeout(), Some(at(89)));
    });
}

#[test]
fn byte_read_into_the_spare_ends_the_silence() {
    as_both_roles(|mut end| {
        end.try_receive(&header_to(end.role, true, BINARY, 100_000));
        end.now = at(10);
        end.connection.spare().unwrap()[0] = 7;
        end.connection.filled(1, end.now);
        assert_eq!(end.connection.poll_timeout(), Some(at(40)));
        end.now = at(20);
        end.connection.spare();
        end.connection.filled(0, end.now);
        assert_eq!(end.connection.poll_timeout(), Some(at(40)), "a read of nothing is silence");
    });
}

#[test]
fn empty_input_is_silence() {
    as_both_roles(|mut end| {
        end.now = at(10);
        end.try_receive(&[]);
        assert_eq!(end.connection.poll_timeout(), Some(at(30)));
    });
}

#[test]
fn ping_is_sent_once_a_silence() {
    as_both_roles(|mut end| {
        for _ in 0..5 {
            end.passes(seconds(8));
        }
        assert_eq!(end.writes(), [ping("")]);
        end.receives(&[pong("")]);
        end.passes(seconds(30));
        assert_eq!(end.writes(), [ping("")]);
    });
}

#[test]
fn timeout_handled_too_early_does_nothing() {
    as_both_roles(|mut end| {
        end.passes(seconds(29));
        assert_eq!(end.writes(), []);
        assert_eq!(end.connection.poll_timeout(), Some(at(30)));
    });
}

#[test]
fn timeout_handled_too_late_gives_up_without_a_ping() {
    as_both_roles(|mut end| {
        end.passes(seconds(1000));
        assert!(end.connection.is_finished());
        assert_eq!(end.writes(), []);
    });
}

#[test]
fn without_keepalive_nothing_is_due() {
    as_both_roles_with(Config { keepalive: None, ..Config::default() }, |mut end| {
        assert_eq!(end.connection.poll_timeout(), None);
        end.passes(seconds(1_000_000));
        assert_eq!(end.writes(), []);
        assert!(end.connection.is_open());
    });
}

#[test]
fn ping_does_not_join_a_full_queue() {
    let config = Config { max_unsent_bytes: 100, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        end.connection.send(&[0; 200]).unwrap();
        end.passes(seconds(30));
        assert_eq!(end.writes(), [binary([0; 200])]);
        assert_eq!(end.connection.poll_timeout(), Some(at(60)), "and is not asked for again");
    });
}

#[test]
fn closing_connection_is_not_pinged() {
    let config = Config { close_timeout: seconds(100), ..Config::default() };
    as_both_roles_with(config, |mut end| {
        end.closes(1000, NO_REASON);
        end.passes(seconds(30));
        assert_eq!(end.writes(), [close(1000, "")]);
        assert_eq!(end.passes_to_timeout(), at(60));
        assert!(end.connection.is_finished(), "silence is judged as before");
    });
}

#[test]
fn closed_connection_waits_for_the_closing_deadline_only() {
    as_both_roles(|mut end| {
        end.passes(seconds(28));
        end.receives(&[close(1000, "")]);
        assert_eq!(end.connection.poll_timeout(), Some(at(33)));
    });
}

#[test]
fn never_ending_deadlines_never_come() {
    let forever = std::time::Duration::MAX;
    let keepalive = Some(Keepalive { ping_after: seconds(u64::MAX), close_after: forever });
    let config = Config { keepalive, close_timeout: forever, ..Config::default() };
    as_both_roles_with(config, |mut end| {
        end.closes(1000, NO_REASON);
        end.passes(seconds(500 * 365 * 24 * 3600));
        assert!(!end.connection.is_finished());
    });
}

#[test]
fn split_halves_say_what_silence_calls_for() {
    for role in ROLES {
        let (mut receiver, mut sender) = End::new(role).connection.split();
        assert_eq!(receiver.handle_timeout(at(29)), Silence::Bearable);
        assert_eq!(receiver.poll_timeout(), Some(at(30)));
        assert_eq!(receiver.handle_timeout(at(30)), Silence::Ping);
        assert_eq!(receiver.handle_timeout(at(31)), Silence::Bearable);
        assert_eq!(receiver.handle_timeout(at(60)), Silence::Lost);
        assert!(receiver.is_ended());
        sender.give_up();
        assert!(sender.is_finished_with(&receiver));
        assert_eq!(sender.send("lost"), Err(ApiMisuse::SendAfterClose));
    }
}

#[test]
fn silence_of_a_peer_that_was_not_read_is_excused() {
    for role in ROLES {
        let (mut receiver, sender) = End::new(role).connection.split();
        receiver.excuse_silence(at(100));
        assert_eq!(receiver.handle_timeout(at(129)), Silence::Bearable);
        receiver.excuse_silence(at(50)); // too late to count
        assert_eq!(receiver.poll_timeout(), Some(at(130)));
        assert_eq!(sender.config(), &Config::default());
    }
}

#[test]
fn clock_that_goes_backwards_makes_no_silence_longer() {
    for role in [Role::Server, Role::Client] {
        let mut end = End::new(role);
        end.now = at(100);
        end.receives(&[text("a")]);
        end.now = at(50);
        end.connection.handle_timeout(end.now);
        end.receives(&[text("b")]);
        assert_eq!(end.connection.poll_timeout(), Some(at(130)));
    }
}
