use super::MIB;
use super::attacker::frame;
use realtime_ws::Opcode;
use std::iter;
use zlib_rs::{Deflate, DeflateFlush};

/// Says on a message's first frame that the message is compressed (RFC 7692 §6).
const RSV1: u8 = 0b100;

/// What each compressed block ends with, and a message leaves away (RFC 7692 §7.2.1).
const TAIL: &[u8] = &[0, 0, 0xFF, 0xFF];

const HARMLESS: &[u8] = b"nothing to see here";

/// A message of a mebibyte or so that becomes a gibibyte of zeros.
pub(super) struct Bomb {
    payload: Vec<u8>,
}

impl Bomb {
    pub(super) fn new() -> Self {
        // A block that refers to nothing before it can come again and again.
        let mut payload = compress(&vec![0; MIB]).repeat(1024);
        payload.truncate(payload.len() - TAIL.len());
        Self { payload }
    }

    pub(super) fn in_one_frame(&self) -> Vec<Vec<u8>> {
        vec![frame(true, RSV1, Opcode::Binary, &self.payload)]
    }

    pub(super) fn in_fragments_of(&self, bytes: usize) -> Vec<Vec<u8>> {
        in_frames(self.payload.chunks(bytes))
    }

    pub(super) fn after_harmless_fragments(&self, count: usize) -> Vec<Vec<u8>> {
        let harmless = compress(HARMLESS);
        in_frames(iter::repeat_n(&harmless[..], count).chain([&self.payload[..]]))
    }
}

/// One message, each of `fragments` in a frame of its own.
fn in_frames<'f>(fragments: impl Iterator<Item = &'f [u8]>) -> Vec<Vec<u8>> {
    let mut fragments = fragments.peekable();
    let mut begins = iter::once((RSV1, Opcode::Binary)).chain(iter::repeat((0, Opcode::Continuation)));
    iter::from_fn(|| {
        let (fragment, (reserved_bits, opcode)) = fragments.next().zip(begins.next())?;
        Some(frame(fragments.peek().is_none(), reserved_bits, opcode, fragment))
    })
    .collect()
}

/// `payload` as a block of its own.
fn compress(payload: &[u8]) -> Vec<u8> {
    let mut compressor = Deflate::new(9, false, 15);
    let mut compressed = vec![0; 64 + payload.len() / 8];
    compressor
        .compress(payload, &mut compressed, DeflateFlush::SyncFlush)
        .expect("the library compresses whatever it gets");
    assert_eq!(compressor.total_in(), payload.len() as u64, "there was room for all of it");
    compressed.truncate(compressor.total_out() as usize);
    compressed
}
