use super::{DeflateConfig, NegotiatedDeflate, TAIL};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU8;
use zlib_rs::{Deflate, DeflateFlush};

/// Raw deflate with a smaller window is not to be had from the library.
pub(crate) const MIN_WINDOW_BITS: u8 = 9;

/// The library looks ahead by this many bytes of its window.
const LOOKAHEAD_BYTES: usize = 262;

/// What the library allocates besides the window and what `memory_level` rules: its state, and a hash
/// table of fixed size.
const FIXED_BYTES: usize = 137_000;

/// Compresses the messages of one connection (RFC 7692 §7.2.1).
pub(crate) struct Compressor {
    keeps_context: bool,
    /// What a message can refer to; there between messages only with context takeover.
    context: Option<Box<Deflate>>,
}

/// What decides about the bytes that a message becomes, when it refers to no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    min_message_bytes: u32,
    window_bits: u8,
    level: NonZeroU8, // never zero, so that a connection without settings takes no more bytes
    memory_level: u8,
}

impl Compressor {
    pub(crate) fn new(agreed: NegotiatedDeflate) -> Self {
        Self { keeps_context: agreed.outgoing_context_takeover, context: None }
    }

    /// The compressed payload, or `None` if the message is to go out as it is.
    pub(crate) fn compress(&mut self, payload: &[u8], settings: &Settings) -> Option<Vec<u8>> {
        if !self.keeps_context {
            return settings.compress(payload);
        }
        if !settings.is_worth(payload) {
            return None;
        }
        let context = self.context.get_or_insert_with(|| Box::new(settings.context(settings.window_bits)));
        // Sent also if it did not shrink: what follows may refer to it.
        let compressed = compress_with(context, payload);
        if compressed.is_none() {
            self.context = None;
        }
        compressed
    }

    /// Says that a compressed message goes out past this: the peer's window is no longer what the context
    /// takes it for, so that what follows must begin with none.
    pub(crate) fn forget_context(&mut self) {
        self.context = None;
    }

    /// The bytes on the heap, as far as they can be known: the library's layout.
    pub(crate) fn held_bytes(&self, settings: &Settings) -> usize {
        let Settings { window_bits, memory_level, .. } = settings;
        self.context.as_ref().map_or(0, |_| FIXED_BYTES + (4 << window_bits) + (448 << memory_level))
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("keeps_context", &self.keeps_context).finish_non_exhaustive()
    }
}

impl Settings {
    /// `None` if the window that was agreed on is too small for the library: then all goes out uncompressed.
    pub(crate) fn new(config: &DeflateConfig, agreed: NegotiatedDeflate) -> Option<Self> {
        let window_bits = agreed.outgoing_window_bits.min(config.outgoing_window_bits);
        let settings = Self {
            min_message_bytes: config.min_message_bytes.try_into().unwrap_or(u32::MAX),
            window_bits,
            level: NonZeroU8::new(config.level).unwrap_or(NonZeroU8::MIN),
            memory_level: config.memory_level,
        };
        (window_bits >= MIN_WINDOW_BITS).then_some(settings)
    }

    /// The window that is worth its memory for a payload of this length.
    pub(super) fn window_bits_for(&self, payload_len: usize) -> u8 {
        let needed = payload_len.saturating_add(LOOKAHEAD_BYTES).checked_next_power_of_two();
        let needed_bits = needed.map_or(usize::BITS, usize::trailing_zeros);
        needed_bits.clamp(MIN_WINDOW_BITS.into(), self.window_bits.into()) as u8
    }

    pub(super) fn is_worth(&self, payload: &[u8]) -> bool {
        !payload.is_empty() && payload.len() >= self.min_message_bytes as usize
    }

    /// The compressed payload, which refers to no other; `None` if it would not be shorter.
    pub(super) fn compress(&self, payload: &[u8]) -> Option<Vec<u8>> {
        if !self.is_worth(payload) {
            return None;
        }
        let mut context = self.context(self.window_bits_for(payload.len()));
        compress_with(&mut context, payload).filter(|compressed| compressed.len() < payload.len())
    }

    fn context(&self, window_bits: u8) -> Deflate {
        Deflate::new_with_config(zlib_rs::DeflateConfig {
            level: self.level.get().into(),
            window_bits: -i32::from(window_bits), // negative: without zlib's header
            mem_level: self.memory_level.into(),
            ..zlib_rs::DeflateConfig::default()
        })
    }
}

/// `None` if the library refuses, as it has no reason to.
fn compress_with(context: &mut Deflate, payload: &[u8]) -> Option<Vec<u8>> {
    let mut compressed = vec![0; payload.len() / 2 + 64];
    let (start_in, start_out) = (context.total_in(), context.total_out());
    let (mut read, mut written) = (0, 0);
    loop {
        let before = (read, written);
        context.compress(&payload[read..], &mut compressed[written..], DeflateFlush::SyncFlush).ok()?;
        read = (context.total_in() - start_in) as usize;
        written = (context.total_out() - start_out) as usize;
        let is_full = written == compressed.len();
        if read == payload.len() && !is_full {
            break;
        }
        if is_full {
            compressed.resize(2 * written, 0);
        } else if before == (read, written) {
            return None;
        }
    }
    compressed.truncate(written.checked_sub(TAIL.len()).filter(|end| compressed[*end..written] == TAIL)?);
    Some(compressed)
}
