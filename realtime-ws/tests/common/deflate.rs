//! Compressed messages as a peer makes and reads them, with the library's own interface rather than the
//! crate's code.

use super::{End, Frame};
use realtime_ws::{Config, DeflateConfig, NegotiatedDeflate, Role};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

pub const RSV1: u8 = 0b100;

/// That of the peer's compressor.
pub const LEVEL: u8 = 6;

pub const TAKEOVER: NegotiatedDeflate = NegotiatedDeflate {
    outgoing_context_takeover: true,
    incoming_context_takeover: true,
    outgoing_window_bits: 15,
    incoming_window_bits: 15,
};

pub const NO_TAKEOVER: NegotiatedDeflate =
    NegotiatedDeflate { outgoing_context_takeover: false, incoming_context_takeover: false, ..TAKEOVER };

/// What `agreed` is for the other side.
pub fn seen_by_the_peer(agreed: NegotiatedDeflate) -> NegotiatedDeflate {
    NegotiatedDeflate {
        outgoing_context_takeover: agreed.incoming_context_takeover,
        incoming_context_takeover: agreed.outgoing_context_takeover,
        outgoing_window_bits: agreed.incoming_window_bits,
        incoming_window_bits: agreed.outgoing_window_bits,
    }
}

/// A configuration that compresses whatever is not empty.
pub fn compressing_all() -> Config {
    let deflate = DeflateConfig { min_message_bytes: 0, level: LEVEL, ..DeflateConfig::default() };
    Config { deflate: Some(deflate), ..Config::default() }
}

pub fn end_with(role: Role, config: Config, agreed: NegotiatedDeflate) -> End {
    let end = End::with(role, config);
    End { connection: end.connection.with_deflate(agreed), ..end }
}

pub fn end(role: Role, agreed: NegotiatedDeflate) -> End {
    end_with(role, compressing_all(), agreed)
}

/// The frame marked as the first one of a compressed message; its payload is what it is.
pub fn compressed(frame: Frame) -> Frame {
    frame.with_reserved_bits(RSV1)
}

/// A peer's compressor.
pub struct Compressor(Deflate);

impl Compressor {
    pub fn new(window_bits: u8) -> Self {
        Self(Deflate::new(LEVEL.into(), false, window_bits))
    }

    /// RFC 7692 §7.2.1.
    pub fn compress(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut compressed = vec![0; payload.len() + payload.len() / 8 + 64];
        let before = self.0.total_out();
        self.0.compress(payload, &mut compressed, DeflateFlush::SyncFlush).unwrap();
        compressed.truncate((self.0.total_out() - before) as usize);
        assert!(compressed.ends_with(&[0, 0, 0xFF, 0xFF]));
        compressed.truncate(compressed.len() - 4);
        compressed
    }
}

pub fn compress(payload: impl AsRef<[u8]>) -> Vec<u8> {
    Compressor::new(15).compress(payload.as_ref())
}

/// A peer's decompressor.
pub struct Decompressor(Inflate);

impl Decompressor {
    pub fn new() -> Self {
        Self(Inflate::new(false, 15))
    }

    /// RFC 7692 §7.2.2.
    pub fn decompress(&mut self, payload: &[u8]) -> Vec<u8> {
        let input = [payload, &[0, 0, 0xFF, 0xFF]].concat();
        let mut output = vec![0; 1 << 20];
        let before = self.0.total_out();
        self.0.decompress(&input, &mut output, InflateFlush::SyncFlush).unwrap();
        output.truncate((self.0.total_out() - before) as usize);
        output
    }
}

/// Bytes that do not compress.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}
