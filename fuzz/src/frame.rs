use crate::choices::Choices;
use crate::naive;
use realtime_ws::Opcode;
use realtime_ws::frame::{Header, MAX_HEADER_BYTES};

/// A header is decoded as it is by a naive decoder, as soon as it is there; it decodes as it was encoded, and
/// is encoded in the one way that there is.
pub fn frame(bytes: &[u8]) {
    let verdict = Header::decode(bytes);
    assert_eq!(verdict, naive::header(bytes));
    match verdict {
        Ok(Some((header, header_bytes))) => {
            assert!(header_bytes <= bytes.len().min(MAX_HEADER_BYTES));
            let mut encoded = Vec::with_capacity(1 + MAX_HEADER_BYTES);
            encoded.push(0xAA);
            header.encode(&mut encoded);
            assert_eq!(encoded[1..], bytes[..header_bytes], "there is one way to write {header:?}");
            for cut in 0..header_bytes {
                assert_eq!(Header::decode(&bytes[..cut]), Ok(None), "cut at {cut}");
            }
            assert_eq!(Header::decode(&bytes[..header_bytes]), verdict, "what follows must not matter");
        }
        Ok(None) => assert!(bytes.len() < MAX_HEADER_BYTES),
        Err(misbehaved) => {
            let first = (0..=bytes.len()).find(|cut| Header::decode(&bytes[..*cut]) != Ok(None));
            let first = first.expect("all of the bytes are a fault");
            assert!(first <= 10, "a fault is seen before the masking key");
            assert_eq!(
                Header::decode(&bytes[..first]),
                Err(misbehaved),
                "the first fault is the one that stays"
            );
        }
    }
    round_trip(Choices(bytes));
}

/// A header of any parts, of which `encode` makes the shortest form.
fn round_trip(mut choices: Choices<'_>) {
    let opcode = choices.one_of(&[
        Opcode::Text,
        Opcode::Binary,
        Opcode::Continuation,
        Opcode::Close,
        Opcode::Ping,
        Opcode::Pong,
    ]);
    let lengths = [0, 125, 126, 127, 65_535, 65_536, i64::MAX as u64];
    let number = u64::from_le_bytes(std::array::from_fn(|_| choices.byte()));
    let payload_len = match choices.byte() {
        _ if opcode.is_control() => number % 126,
        place if usize::from(place) < lengths.len() => lengths[usize::from(place)],
        bits => number & (u64::MAX >> (1 + bits % 63)),
    };
    let header = Header {
        fin: choices.flag() || opcode.is_control(),
        reserved_bits: choices.byte() % 8,
        opcode,
        masking_key: choices.flag().then(|| std::array::from_fn(|_| choices.byte())),
        payload_len,
    };
    let mut encoded = Vec::with_capacity(MAX_HEADER_BYTES);
    header.encode(&mut encoded);
    assert_eq!(Header::decode(&encoded), Ok(Some((header, encoded.len()))));
    let length_bytes = match payload_len {
        0..=125 => 0,
        126..=65_535 => 2,
        65_536.. => 8,
    };
    let key_bytes = if header.masking_key.is_some() { 4 } else { 0 };
    assert_eq!(encoded.len(), 2 + length_bytes + key_bytes, "the length is in its shortest form");
}
