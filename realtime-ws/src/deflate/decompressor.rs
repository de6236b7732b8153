use super::{NegotiatedDeflate, TAIL};
use crate::error::PeerMisbehaved;
use alloc::boxed::Box;
use core::fmt;
use zlib_rs::{Inflate, InflateFlush, Status};

/// What the library allocates, whatever the window.
const CONTEXT_BYTES: usize = 47_680;

/// Decompresses the messages of one connection (RFC 7692 §7.2.2).
pub(crate) struct Decompressor {
    agreed: NegotiatedDeflate,
    /// What a message can refer to; there between messages only with context takeover.
    context: Option<Box<Inflate>>,
    /// Whether anything was read since the message, or the data set in it, began.
    is_begun: bool,
}

/// What became of some input.
pub(crate) struct Inflated {
    /// The bytes of input that were used.
    pub(crate) read: usize,
    /// The bytes of output that were filled; with all of them there may be more to come.
    pub(crate) written: usize,
    /// Whether the last of those bytes end a final block.
    ends_with_final_block: bool,
    /// Whether what follows those bytes is corrupt.
    pub(crate) verdict: Result<(), PeerMisbehaved>,
}

impl Decompressor {
    pub(crate) fn new(agreed: NegotiatedDeflate) -> Self {
        Self { agreed, context: None, is_begun: false }
    }

    pub(crate) fn agreed(&self) -> NegotiatedDeflate {
        self.agreed
    }

    /// Decompresses `input` into `output` until one of them is used up.
    pub(crate) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        self.is_begun |= !input.is_empty();
        let inflated = self.run(input, output, InflateFlush::SyncFlush);
        if inflated.ends_with_final_block {
            self.is_begun = false;
        }
        inflated
    }

    /// Ends a message, all of which was decompressed with room left in the output.
    ///
    /// A message that ends with a final block is accepted also without the empty block that should
    /// follow, and so is one without any bytes for an empty one: some compressors write them so.
    pub(crate) fn finish(&mut self) -> Result<(), PeerMisbehaved> {
        if self.is_begun {
            // One byte more than the tail, which must stop right before it: otherwise a block is not
            // complete.
            let [a, b, c, d] = TAIL;
            let inflated = self.run(&[a, b, c, d, 0], &mut [0; 8], InflateFlush::Block);
            inflated.verdict?;
            if (inflated.read, inflated.written) != (TAIL.len(), 0) {
                return Err(PeerMisbehaved::CorruptCompression);
            }
            // Stopping at a block's end, it has not looked whether that was a final one.
            self.run(&[], &mut [0; 1], InflateFlush::SyncFlush);
        }
        self.is_begun = false;
        if !self.agreed.incoming_context_takeover {
            self.context = None;
        }
        Ok(())
    }

    /// The bytes on the heap, as far as they can be known.
    pub(crate) fn held_bytes(&self) -> usize {
        self.context.as_ref().map_or(0, |_| CONTEXT_BYTES)
    }

    fn run(&mut self, input: &[u8], output: &mut [u8], flush: InflateFlush) -> Inflated {
        let context = self.context.get_or_insert_with(|| Box::new(Inflate::new(false, 15)));
        let (start_in, start_out) = (context.total_in(), context.total_out());
        let status = context.decompress(input, output, flush);
        let read = (context.total_in() - start_in) as usize;
        let written = (context.total_out() - start_out) as usize;
        let ends_with_final_block = status == Ok(Status::StreamEnd);
        if ends_with_final_block {
            // It ends a set of data (RFC 7692 §7.2.3.4). What follows is the next set, which refers to nothing
            // before it.
            context.reset(false);
        }
        let verdict = status.map(drop).map_err(|_| PeerMisbehaved::CorruptCompression);
        Inflated { read, written, ends_with_final_block, verdict }
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").field("agreed", &self.agreed).finish_non_exhaustive()
    }
}
