//! Streams of frames made of a fuzzer's bytes: well-formed by and large, so that what is behind the first
//! header is reached, with every fault that a header, a payload or their order can have now and then.

use crate::choices::Choices;
use crate::naive;
use realtime_ws::frame::Header;
use realtime_ws::{CloseCode, Opcode, Role};

/// The most bytes of a stream; a case is quick.
const MAX_STREAM_BYTES: usize = 16 * 1024;

/// What a peer that plays `from` might send; compressed messages in it if there `may_be` any.
pub(crate) fn stream(mut choices: Choices<'_>, from: Role, may_be: Compressed) -> Vec<u8> {
    let mut frames = Frames { bytes: Vec::new(), from, may_be, is_in_message: false };
    while !choices.is_empty() && frames.bytes.len() < MAX_STREAM_BYTES {
        frames.step(&mut choices);
    }
    frames.bytes
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compressed {
    Never,
    NowAndThen,
}

struct Frames {
    bytes: Vec<u8>,
    from: Role,
    may_be: Compressed,
    /// Whether a message was begun and is to be continued.
    is_in_message: bool,
}

impl Frames {
    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 32 {
            0..=5 => self.data(choices, Opcode::Text, true),
            6..=8 => self.data(choices, Opcode::Binary, true),
            9..=12 => self.data(choices, Opcode::Text, false),
            13..=14 => self.data(choices, Opcode::Binary, false),
            15..=18 => self.long_message(choices),
            19..=20 => self.compressed(choices),
            21..=22 => self.control(Opcode::Ping, choices),
            23 => self.control(Opcode::Pong, choices),
            24..=25 => self.close(choices),
            26 => self.any_frame(choices),
            27 => self.any_header(choices),
            28 => self.declare_more(choices),
            29 => self.long_form(choices),
            30 => self.bytes.extend_from_slice(choices.bytes()),
            _ => self.cut(choices),
        }
    }

    /// A message's first frame, or its next one.
    fn data(&mut self, choices: &mut Choices<'_>, first: Opcode, fin: bool) {
        let opcode = if self.is_in_message { Opcode::Continuation } else { first };
        self.is_in_message = !fin;
        self.frame(fin, 0, opcode, choices.byte(), choices.bytes());
    }

    /// A payload over and over: beyond the lengths that a header has in a short form.
    fn long_message(&mut self, choices: &mut Choices<'_>) {
        let opcode = choices.one_of(&[Opcode::Text, Opcode::Binary]);
        let opcode = if self.is_in_message { Opcode::Continuation } else { opcode };
        self.is_in_message = false;
        let (times, key) = (1 + usize::from(choices.byte()) % 64, choices.byte());
        let payload = choices.bytes().repeat(times);
        self.frame(true, 0, opcode, key, &payload);
    }

    fn compressed(&mut self, choices: &mut Choices<'_>) {
        match self.may_be {
            Compressed::Never => {}
            Compressed::NowAndThen => {
                let opcode = choices.one_of(&[Opcode::Text, Opcode::Binary]);
                let (key, frames) = (choices.byte(), choices.in_range(1, 4));
                let payload = deflate(choices);
                self.is_in_message = false;
                let frame_bytes = payload.len() / usize::from(frames) + 1;
                let mut fragments = payload.chunks(frame_bytes).peekable();
                let (mut opcode, mut reserved_bits) = (opcode, 4);
                while let Some(fragment) = fragments.next() {
                    self.frame(fragments.peek().is_none(), reserved_bits, opcode, key, fragment);
                    (opcode, reserved_bits) = (Opcode::Continuation, 0);
                }
            }
        }
    }

    fn control(&mut self, opcode: Opcode, choices: &mut Choices<'_>) {
        let key = choices.byte();
        self.frame(true, 0, opcode, key, choices.bytes_up_to(126));
    }

    fn close(&mut self, choices: &mut Choices<'_>) {
        let key = choices.byte();
        let code = match choices.byte() % 8 {
            0 => return self.frame(true, 0, Opcode::Close, key, choices.bytes_up_to(1)),
            1 => choices.u16(),
            2 => choices.one_of(&[999, 1003, 1004, 1005, 1006, 1014, 1015, 1016, 2999, 3000, 4999, 5000]),
            3..=7 => CloseCode::NORMAL.get(),
            _ => unreachable!("one of eight"),
        };
        let payload = [&code.to_be_bytes(), choices.bytes_up_to(124)].concat();
        self.frame(true, 0, Opcode::Close, key, &payload);
    }

    /// A frame whose first byte is of the fuzzer's choosing.
    fn any_frame(&mut self, choices: &mut Choices<'_>) {
        let (first, key) = (choices.byte(), choices.byte());
        let start = self.bytes.len();
        self.frame(true, 0, Opcode::Binary, key, choices.bytes());
        self.bytes[start] = first;
        self.is_in_message = first & 0x80 == 0;
    }

    /// A header of the fuzzer's choosing, and a payload that may fit to it.
    fn any_header(&mut self, choices: &mut Choices<'_>) {
        let header: [u8; 2] = [choices.byte(), choices.byte()];
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(choices.bytes());
    }

    /// A frame that declares more than comes, up to what the peer has memory for, or far beyond.
    fn declare_more(&mut self, choices: &mut Choices<'_>) {
        let opcode = choices.one_of(&[Opcode::Text, Opcode::Binary, Opcode::Continuation]);
        let payload_len = choices.one_of(&[256, 5_000, 65_535, 65_536, 1 << 20, 1 << 32, 1 << 62]);
        let key = self.key(choices.byte());
        Header { fin: true, reserved_bits: 0, opcode, masking_key: key, payload_len }.encode(&mut self.bytes);
        let payload = choices.bytes();
        self.bytes.extend_from_slice(&naive::mask(key.unwrap_or_default(), payload));
    }

    /// A length in a longer form than it needs.
    fn long_form(&mut self, choices: &mut Choices<'_>) {
        let key = self.key(choices.byte());
        let payload = choices.bytes();
        let masked = if key.is_some() { 0x80 } else { 0 };
        if choices.flag() {
            self.bytes.extend_from_slice(&[0x82, masked | 126, 0, payload.len() as u8]);
        } else {
            self.bytes.extend_from_slice(&[0x82, masked | 127, 0, 0, 0, 0, 0, 0, 0, payload.len() as u8]);
        }
        self.bytes.extend_from_slice(&key.unwrap_or_default()[..if key.is_some() { 4 } else { 0 }]);
        self.bytes.extend_from_slice(&naive::mask(key.unwrap_or_default(), payload));
    }

    /// The last bytes get lost.
    fn cut(&mut self, choices: &mut Choices<'_>) {
        let kept = self.bytes.len().saturating_sub(choices.byte().into());
        self.bytes.truncate(kept);
    }

    fn frame(&mut self, fin: bool, reserved_bits: u8, opcode: Opcode, key: u8, payload: &[u8]) {
        let masking_key = self.key(key);
        let payload_len = payload.len() as u64;
        Header { fin, reserved_bits, opcode, masking_key, payload_len }.encode(&mut self.bytes);
        self.bytes.extend_from_slice(&naive::mask(masking_key.unwrap_or_default(), payload));
    }

    /// The key that a byte stands for; one that stands for the other side's doing, now and then.
    fn key(&self, byte: u8) -> Option<[u8; 4]> {
        let is_wrong = byte == 0xEE;
        let is_masked = (self.from == Role::Client) != is_wrong;
        is_masked.then(|| [byte, byte.rotate_left(3), !byte, byte.wrapping_mul(29)])
    }
}

/// A compressed payload: blocks of each kind, with references back, without the tail that RFC 7692 §7.2.1
/// removes.
fn deflate(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut is_final = 0;
    for _ in 0..choices.in_range(1, 4) {
        is_final = u32::from(choices.byte() == 0xF1);
        match choices.byte() % 4 {
            0 => {
                bits.push(is_final, 3);
                bits.align();
                let stored = choices.bytes();
                let len = stored.len() as u16;
                bits.bytes.extend_from_slice(&len.to_le_bytes());
                bits.bytes.extend_from_slice(&(!len).to_le_bytes());
                bits.bytes.extend_from_slice(stored);
            }
            1 | 2 => fixed(&mut bits, is_final, choices),
            // As some other compressor wrote it, or as it may not be.
            _ => {
                bits.align();
                bits.bytes.extend_from_slice(choices.bytes());
            }
        }
    }
    if is_final == 0 {
        bits.push(0, 3); // the block of which the tail is the rest
    }
    bits.align();
    bits.bytes
}

/// A block of the fixed codes (RFC 1951 §3.2.6): literals, and now and then a reference back.
fn fixed(bits: &mut Bits, is_final: u32, choices: &mut Choices<'_>) {
    bits.push(is_final | 2, 3);
    for byte in choices.bytes() {
        match *byte {
            // The longest length, 258, at a distance of 1 to 4.
            0xFC..=0xFF => {
                bits.push_code(0b1100_0101, 8);
                bits.push_code(u32::from(*byte) & 3, 5);
            }
            // A length of 3 to 10, at a distance of 1 to 24,577.
            0xF0..=0xFB => {
                bits.push_code(u32::from(*byte & 7) + 1, 7);
                let distance = u32::from(*byte & 3) * 9;
                bits.push_code(distance, 5);
                bits.push(0, [0, 3, 8, 12][usize::from(*byte & 3)]);
            }
            0x90..=0xEF => bits.push_code(0b1_1001_0000 + u32::from(*byte - 0x90), 9),
            0..0x90 => bits.push_code(0b11_0000 + u32::from(*byte), 8),
        }
    }
    bits.push_code(0, 7);
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are used; 8 if all are.
    used: u32,
}

impl Bits {
    /// The lowest bit first, as deflate has all but its codes.
    fn push(&mut self, number: u32, bits: u32) {
        for place in 0..bits {
            if self.used == 8 || self.bytes.is_empty() {
                self.bytes.push(0);
                self.used = 0;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((number >> place & 1) as u8) << self.used;
            }
            self.used += 1;
        }
    }

    fn push_code(&mut self, code: u32, bits: u32) {
        self.push(code.reverse_bits() >> (32 - bits), bits);
    }

    fn align(&mut self) {
        self.used = 8;
    }
}
