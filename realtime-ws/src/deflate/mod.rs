//! Compressed messages: permessage-deflate (RFC 7692), as far as one connection is concerned. What the
//! two sides agree on is the handshake's matter.

mod compressor;
mod config;
mod decompressor;
mod forms;

pub use config::{DeflateConfig, NegotiatedDeflate};

pub(crate) use compressor::{Compressor, MIN_WINDOW_BITS, Settings};
pub(crate) use decompressor::Decompressor;
pub(crate) use forms::{Forms, JoinedForms};

/// What a sync flush ends with: an empty stored block without its first bits. The sender leaves it away,
/// the receiver adds it again (RFC 7692 §7.2.1, §7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
