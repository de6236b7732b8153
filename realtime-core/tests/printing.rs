//! What a log shows of values that cannot show all they have.

mod common;

use common::TestHub;
use realtime_core::pusher::{ErrorCode, SocketId};
use realtime_core::{Answer, Answered};
use realtime_ws::handshake::{Request, ServerHandshake};
use realtime_ws::{ApiMisuse, CheckedConfig, Timestamp};

#[test]
fn a_hub_shows_its_counts() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    hub.assert_actions(a.subscribes("lobby"), [a.is_in("lobby")]);
    let printed = format!("{:?}", hub.hub);
    assert_eq!(printed, "Hub { client_count: 1, channel_count: 1, is_closed: false, .. }");
}

#[test]
fn ids_and_codes_show_their_numbers() {
    assert_eq!(format!("{:?}", "1.2".parse::<SocketId>()), "Ok(SocketId(1.2))");
    assert_eq!(format!("{:?}", ErrorCode::CLIENT_EVENT_RATE), "ErrorCode(4301)");
    assert_eq!(ErrorCode::CLIENT_EVENT_RATE.close_code().get(), 4301);
}

#[test]
fn an_answer_to_a_handshake_shows_what_became_of_it() {
    let answered = |answer: Answer<()>| {
        let mut bytes = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            .to_vec();
        let config = CheckedConfig::default();
        let mut handshake = ServerHandshake::new(config, Timestamp::START);
        let Ok(Some(Request::Upgrade(upgrade))) = handshake.receive(&mut &mut bytes[..]) else {
            panic!("it is an upgrade")
        };
        format!("{:?}", Answered::new(&upgrade, answer, Timestamp::START))
    };
    assert_eq!(answered(Answer::accept(())), "Accepted");
    let rejected = answered(Answer::reject(404, "not here"));
    assert!(rejected.starts_with("Rejected(\"HTTP/1.1 404 Not Found\\r\\n"), "{rejected}");
    assert_eq!(answered(Answer::reject(204, "")), format!("Unsendable({:?})", ApiMisuse::InvalidStatus(204)));
}
