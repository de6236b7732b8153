/// A key that leaves ASCII ASCII, so that a buffer which was unmasked in place can be parsed again and again.
const KEY: [u8; 4] = [0x37, 0x7a, 0x21, 0x3d];

/// How much a driver reads at a time.
const READ_BYTES: usize = 64 * 1024;

/// As many masked text frames of `bytes` bytes as one read can hold, at least one, and how many they are.
pub(crate) fn one_read(bytes: usize) -> (Vec<u8>, usize) {
    let frame = masked(&text(bytes));
    let frames = (READ_BYTES / frame.len()).max(1);
    (frame.repeat(frames), frames)
}

pub(crate) fn text(bytes: usize) -> String {
    (0..bytes).map(|i| char::from(b'a' + (i % 26) as u8)).collect()
}

fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len @ 65_536.. => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(KEY);
    frame.extend(text.bytes().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}
