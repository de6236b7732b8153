use crate::choices::{Choices, chosen_lengths};
use crate::naive;
use realtime_ws::frame::Header;
use realtime_ws::{CheckedConfig, Config, Connection, Delivery, Event, MaskingKeys, Opcode, Timestamp};
use std::sync::LazyLock;

static WHOLE: LazyLock<CheckedConfig> = LazyLock::new(|| config(Delivery::Whole));
static PIECES: LazyLock<CheckedConfig> = LazyLock::new(|| config(Delivery::Pieces));

/// A payload of any length, masked with any key, is what a naive loop makes of it: whole at any place in
/// memory, in any chunks, and as a client sends it.
pub fn mask(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let key: [u8; 4] = std::array::from_fn(|_| choices.byte());
    // Around the lengths at which wider steps begin.
    let len = usize::from(choices.u16() % choices.one_of(&[40, 300, 1_100, 4_500]));
    let offset = usize::from(choices.byte()) % 64;
    let chunks = choices.bytes_up_to(15);
    let pattern = choices.rest();
    let pattern = if pattern.is_empty() { b"mask" } else { pattern };
    // Not even a long payload repeats itself with the period of a key or of a vector.
    let payload: Vec<u8> =
        (0..len).map(|i| pattern[i % pattern.len()].wrapping_add((i / 251) as u8)).collect();

    let mut frame = Vec::with_capacity(14 + len);
    let masking_key = Some(key);
    Header { fin: true, reserved_bits: 0, opcode: Opcode::Binary, masking_key, payload_len: len as u64 }
        .encode(&mut frame);
    frame.extend_from_slice(&naive::mask(key, &payload));

    let mut shifted = vec![0; offset];
    shifted.extend_from_slice(&frame);
    let mut connection = Connection::server(WHOLE.clone(), Timestamp::START);
    let mut input = &mut shifted[offset..];
    match connection.receive(&mut input, Timestamp::START) {
        Ok(Some((Event::Binary(received), _))) => assert_eq!(received, payload),
        other => panic!("{other:?} instead of the message"),
    }
    assert_eq!(in_chunks(&WHOLE, &frame, chunks), payload);
    assert_eq!(in_chunks(&PIECES, &frame, chunks), payload);

    let mut client = Connection::client(WHOLE.clone(), MaskingKeys::new(move || key), Timestamp::START);
    client.send(&payload).expect("there is room");
    let mut slices = [&[][..]; 4];
    let filled = client.poll_transmit(&mut slices);
    assert_eq!(slices[..filled].concat(), frame);
}

fn in_chunks(config: &CheckedConfig, frame: &[u8], chunks: &[u8]) -> Vec<u8> {
    let mut connection = Connection::server(config.clone(), Timestamp::START);
    let mut received = Vec::with_capacity(frame.len());
    let mut frame = frame.to_vec();
    let mut unread = &mut frame[..];
    // Enough cuts for every turn of the key, and few enough to be quick.
    for len in chosen_lengths(chunks).take(64).chain([usize::MAX]) {
        let (mut input, rest) = unread.split_at_mut(len.min(unread.len()));
        unread = rest;
        loop {
            match connection.receive(&mut input, Timestamp::START) {
                Ok(None) => break,
                Ok(Some((Event::Binary(bytes), _))) => received.extend_from_slice(bytes),
                Ok(Some((Event::Piece(piece), _))) => received.extend_from_slice(piece.bytes),
                other => panic!("{other:?} instead of the message"),
            }
        }
    }
    received
}

fn config(delivery: Delivery) -> CheckedConfig {
    Config { delivery, ..Config::default() }.checked().expect("the configuration is valid")
}
