//! Frames made beforehand, so that the load costs little while it runs.

/// Any key does, if it is not zero: a server must not be able to skip the unmasking.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const TEXT: u8 = 0x81;

/// A text frame as a client sends it.
pub(crate) fn masked(text: &[u8]) -> Vec<u8> {
    let mut frame = header(text.len(), 0x80);
    frame.extend(KEY);
    frame.extend(text.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A text frame as a server sends it, and how much of it is the header.
pub(crate) fn unmasked(text: &[u8]) -> (Vec<u8>, usize) {
    let mut frame = header(text.len(), 0);
    let header_bytes = frame.len();
    frame.extend_from_slice(text);
    (frame, header_bytes)
}

/// Text of `bytes` bytes that is not the same everywhere.
pub(crate) fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| b'a' + (i % 26 + i / 26 % 7) as u8 % 26).collect()
}

fn header(payload_bytes: usize, masked: u8) -> Vec<u8> {
    let mut header = vec![TEXT];
    match payload_bytes {
        0..126 => header.push(masked | payload_bytes as u8),
        126..65_536 => {
            header.push(masked | 126);
            header.extend((payload_bytes as u16).to_be_bytes());
        }
        65_536.. => {
            header.push(masked | 127);
            header.extend((payload_bytes as u64).to_be_bytes());
        }
    }
    header
}
