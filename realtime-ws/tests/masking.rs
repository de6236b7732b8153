//! Who masks and who must not (RFC 6455 §5.1, §5.3).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use realtime_ws::{
    CheckedConfig, Config, Connection, MaskingKeys, PeerMisbehaved, PreparedMessage, Role, Timestamp,
};

#[test]
fn unmasked_frame_to_a_server_fails_the_connection() {
    for frame in [text("secret"), binary("secret"), text("").unfinished(), ping("secret"), close(1000, "")] {
        let misbehaved = End::new(Role::Server).refuses_bytes(&frame.unmasked());
        assert_eq!(misbehaved, PeerMisbehaved::UnmaskedFrame, "{frame:?}");
        assert_eq!(misbehaved.close_code().get(), 1002);
    }
}

#[test]
fn masked_frame_to_a_client_fails_the_connection() {
    // A mask of zeros is a mask: it is the bit that counts.
    for key in [[1, 2, 3, 4], [0; 4]] {
        for frame in
            [text("secret"), binary("secret"), text("").unfinished(), ping("secret"), close(1000, "")]
        {
            let misbehaved = End::new(Role::Client).refuses_bytes(&frame.masked(key));
            assert_eq!(misbehaved, PeerMisbehaved::MaskedFrame, "{frame:?}");
            assert_eq!(misbehaved.close_code().get(), 1002);
        }
    }
}

#[test]
fn fragment_with_the_wrong_masking_surfaces_nothing_of_the_message() {
    for config in [Config::default(), in_pieces()] {
        as_both_roles_with(config, |mut end| {
            end.receives(&[text("").unfinished()]);
            let wrong = match end.role {
                Role::Server => continuation("secret").unmasked(),
                Role::Client => continuation("secret").masked([1, 2, 3, 4]),
            };
            end.refuses_bytes(&wrong);
        });
    }
}

#[test]
fn unmasked_frame_fails_before_its_payload_is_there() {
    let header = header(true, 0, BINARY, 70_000);
    assert_eq!(End::new(Role::Server).refuses_bytes(&header), PeerMisbehaved::UnmaskedFrame);
}

#[test]
fn every_key_is_undone() {
    for key in [[0; 4], [0xFF; 4], [1, 2, 3, 4], [0, 0, 0, 1], [0x80, 0, 0, 0]] {
        for len in [0, 1, 3, 4, 7, 8, 63, 64, 65, 1000] {
            let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut end = End::new(Role::Server);
            let (seen, error) = end.try_receive(&binary(&payload).masked(key));
            assert_eq!((seen, error), (vec![sees_binary(&payload)], None), "key {key:x?}, {len} bytes");
        }
    }
}

#[test]
fn client_draws_a_key_for_every_frame() {
    let mut drawn = 0u8;
    let keys = MaskingKeys::new(move || {
        drawn += 1;
        [drawn; 4]
    });
    let connection = Connection::client(CheckedConfig::default(), keys, Timestamp::START);
    let mut client = End { connection, role: Role::Client, now: Timestamp::START, buffer: Vec::new() };
    let prepared = PreparedMessage::new("cc");
    client.connection.send("aa").unwrap();
    client.connection.send_prepared(&prepared).unwrap();
    client.connection.send_prepared(&prepared).unwrap();
    client.receives(&[ping("pp")]);
    client.closes(1000, NO_REASON);
    let wire = client.writes_bytes(usize::MAX);
    let expected = [
        pong("pp").masked([4; 4]),
        text("aa").masked([1; 4]),
        text("cc").masked([2; 4]),
        text("cc").masked([3; 4]),
        close(1000, "").masked([5; 4]),
    ];
    assert_eq!(wire, expected.concat());
    assert_eq!(prepared.payload(), b"cc", "shared bytes are never masked");
}

#[test]
fn server_masks_nothing() {
    let mut server = End::new(Role::Server);
    server.connection.send("aa").unwrap();
    server.connection.send_prepared(&PreparedMessage::new(&[7; 5000])).unwrap();
    server.receives(&[ping("pp")]);
    server.closes(1000, NO_REASON);
    let expected = [pong("pp"), text("aa"), binary([7; 5000]), close(1000, "")];
    assert_eq!(server.writes_bytes(usize::MAX), expected.map(|frame| frame.unmasked()).concat());
}
