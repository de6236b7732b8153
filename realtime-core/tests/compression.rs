//! Deliveries to connections that agreed on compression, beside connections that did not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use realtime_core::{Outbox, OutboxLimits, Outgoing, Pushed, Session, SlowConsumer};
use realtime_ws::{
    CheckedConfig, Config, Connection, DeflateConfig, Event, MaskingKeys, NegotiatedDeflate, PreparedMessage,
    Timestamp,
};

const NOW: Timestamp = Timestamp::START;

const TAKEOVER: NegotiatedDeflate = NegotiatedDeflate {
    outgoing_context_takeover: true,
    incoming_context_takeover: true,
    outgoing_window_bits: 15,
    incoming_window_bits: 15,
};

const NO_TAKEOVER: NegotiatedDeflate =
    NegotiatedDeflate { outgoing_context_takeover: false, incoming_context_takeover: false, ..TAKEOVER };

fn config() -> CheckedConfig {
    let deflate = DeflateConfig { min_message_bytes: 50, ..DeflateConfig::default() };
    Config { deflate: Some(deflate), ..Config::default() }.checked().unwrap()
}

fn session(agreed: NegotiatedDeflate, limits: OutboxLimits) -> Session {
    Session::new(Connection::server(config(), NOW).with_deflate(agreed), limits)
}

fn client(agreed: NegotiatedDeflate) -> Connection {
    Connection::client(config(), MaskingKeys::new(|| [1, 2, 3, 4]), NOW).with_deflate(agreed)
}

fn chat(i: usize) -> String {
    format!("{{\"event\":\"chat\",\"number\":{i},\"text\":\"{}\"}}", "again and ".repeat(i + 10))
}

/// What `outgoing` writes into a socket that takes `room` bytes.
fn write(outgoing: &mut Outgoing, room: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    while wire.len() < room {
        let mut slices = [&[][..]; 3];
        let filled = outgoing.poll_transmit(&mut slices);
        let offered = slices[..filled].concat();
        if offered.is_empty() {
            break;
        }
        let written = offered.len().min(room - wire.len());
        wire.extend_from_slice(&offered[..written]);
        outgoing.transmitted(written, NOW);
    }
    wire
}

fn read(client: &mut Connection, mut wire: Vec<u8>) -> Vec<String> {
    let mut input = &mut wire[..];
    let mut texts = Vec::new();
    while let Some((event, _)) = client.receive(&mut input, NOW).unwrap() {
        if let Event::Text(text) = event {
            texts.push(text.into());
        }
    }
    texts
}

#[test]
fn outbox_counts_and_lends_what_its_connection_sends() {
    let message = PreparedMessage::new(&chat(100));
    let mut session = session(NO_TAKEOVER, OutboxLimits::default());
    session.outgoing_mut().push(message.clone());
    let wire = write(session.outgoing_mut(), usize::MAX);
    assert!(wire.len() < message.frame().len() / 10);
    assert_eq!(read(&mut client(NO_TAKEOVER), wire), [chat(100)]);

    let class = Connection::server(config(), NOW).with_deflate(NO_TAKEOVER).compression_class();
    let frame_bytes = message.frame_for(class).len();
    let limits = OutboxLimits { max_bytes: 2 * frame_bytes, ..OutboxLimits::default() };
    let mut compressing = Outbox::for_class(limits, class);
    let pushed = [0; 3].map(|_| compressing.push(message.clone()));
    assert_eq!(pushed, [Pushed::Queued, Pushed::Queued, Pushed::Dropped { messages: 1 }]);
    assert_eq!(compressing.bytes(), 2 * frame_bytes);
    compressing.transmitted(frame_bytes + 1);
    assert_eq!((compressing.len(), compressing.bytes()), (1, frame_bytes));
    assert_eq!(
        Outbox::new(limits).push(message),
        Pushed::Dropped { messages: 1 },
        "uncompressed it is longer"
    );
}

#[test]
fn connections_of_all_kinds_are_delivered_the_same() {
    let messages: Vec<_> = (0..20).map(|i| PreparedMessage::new(&chat(i))).collect();
    let expected: Vec<_> = (0..20).map(chat).collect();
    for agreed in [TAKEOVER, NO_TAKEOVER, NegotiatedDeflate { outgoing_window_bits: 9, ..NO_TAKEOVER }] {
        for room in [1, 7, 100, usize::MAX] {
            let mut session = session(agreed, OutboxLimits::default());
            let mut client = client(agreed);
            let mut texts = Vec::new();
            for message in &messages {
                session.outgoing_mut().push(message.clone());
                texts.extend(read(&mut client, write(session.outgoing_mut(), room)));
            }
            texts.extend(read(&mut client, write(session.outgoing_mut(), usize::MAX)));
            assert_eq!(texts, expected);
        }
    }
}

#[test]
fn replies_that_refer_to_each_other_mix_with_deliveries_of_which_some_are_dropped() {
    for policy in [SlowConsumer::DropNewest, SlowConsumer::DropOldest] {
        let limits = OutboxLimits { max_messages: 2, policy, ..OutboxLimits::default() };
        let mut session = session(TAKEOVER, limits);
        let mut client = client(TAKEOVER);
        let mut texts = Vec::new();
        for room in [0, 1, 30, 100, 0, 3, usize::MAX, 0, 60, 50] {
            let outgoing = session.outgoing_mut();
            outgoing.send(&chat(1)).unwrap();
            for i in 0..3 {
                outgoing.push(PreparedMessage::new(&chat(i)));
                outgoing.send(&chat(i)).unwrap();
            }
            texts.extend(read(&mut client, write(outgoing, room)));
            texts.extend(read(&mut client, write(outgoing, 40)));
        }
        texts.extend(read(&mut client, write(session.outgoing_mut(), usize::MAX)));
        let (arrived, dropped) = (texts.len() as u64, session.outgoing().dropped());
        assert!(arrived > 10 && dropped > 10, "{arrived} arrived, {dropped} dropped");
        assert_eq!(arrived + dropped, 10 * 7);
        session.outgoing_mut().send(&chat(5)).unwrap();
        let wire = write(session.outgoing_mut(), usize::MAX);
        assert_eq!(read(&mut client, wire), [chat(5)]);
    }
}
