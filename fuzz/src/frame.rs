use realtime_ws::frame::{Header, MAX_CONTROL_PAYLOAD_BYTES, MAX_HEADER_BYTES};

/// A header decodes as it was encoded; every byte counts once, and none that follows it counts at all.
pub fn frame(bytes: &[u8]) {
    let verdict = Header::decode(bytes);
    match verdict {
        Ok(Some((header, header_bytes))) => {
            assert!(header_bytes <= bytes.len().min(MAX_HEADER_BYTES));
            let mut encoded = vec![0xAA];
            header.encode(&mut encoded);
            assert_eq!(encoded[1..], bytes[..header_bytes], "there is one way to write {header:?}");
            for cut in 0..header_bytes {
                assert_eq!(Header::decode(&bytes[..cut]), Ok(None), "cut at {cut}");
            }
            assert_eq!(Header::decode(&bytes[..header_bytes]), verdict, "what follows must not matter");
            assert!(header.payload_len <= i64::MAX as u64);
            if header.opcode.is_control() {
                assert!(header.fin && header.payload_len <= MAX_CONTROL_PAYLOAD_BYTES as u64);
            }
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
}
