//! Compressed frames to messages or pieces (RFC 7692 §7.2.2).

use super::{FrameInProgress, Partial, take};
use crate::config::{Config, Delivery};
use crate::deflate::Decompressor;
use crate::error::PeerMisbehaved;
use crate::mask;
use alloc::vec::Vec;

/// The longest piece of a compressed message.
const PIECE_BYTES: usize = 16 * 1024;

/// The least room to decompress a message into.
const MIN_ROOM_BYTES: usize = 1024;

/// The most compressed bytes that are unmasked in one go. They are copied, so that the input stays as it
/// came until it is decompressed: what it becomes may have to wait for room.
const BLOCK_BYTES: usize = 2 * 1024;

/// How far a compressed frame was decompressed: to the end of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndOf {
    /// The input, or the room for a piece.
    Input,
    Frame,
    Message,
}

impl Partial {
    /// Decompresses into `data` what `input` has of the frame in progress, or as much of it as makes a piece.
    pub(super) fn decompress(
        &mut self,
        input: &mut &mut [u8],
        config: &Config,
        decompressor: &mut Decompressor,
    ) -> Result<EndOf, PeerMisbehaved> {
        if config.delivery == Delivery::Pieces {
            self.data_len = 0; // the last piece is given back
        }
        let mut block = [0; BLOCK_BYTES];
        loop {
            let Some(frame) = &mut self.frame else { return Ok(EndOf::Frame) };
            let block = frame.copy_payload(input, &mut block);
            let used = self.decompress_block(block, config, decompressor)?;
            let Some(frame) = &mut self.frame else { return Ok(EndOf::Frame) };
            frame.skip_payload(input, used.bytes);
            if used.is_room_full {
                return Ok(EndOf::Input);
            }
            if frame.remaining == 0 {
                break;
            }
            if input.is_empty() {
                return Ok(EndOf::Input);
            }
        }
        let is_last = self.frame.take().is_some_and(|frame| frame.fin);
        if !is_last {
            return Ok(EndOf::Frame);
        }
        decompressor.finish()?;
        if let Some(message) = self.message.take() {
            message.utf8.finish()?;
        }
        Ok(EndOf::Message)
    }

    /// Decompresses all of `block`, or as much as makes a piece.
    fn decompress_block(
        &mut self,
        block: &[u8],
        config: &Config,
        decompressor: &mut Decompressor,
    ) -> Result<Used, PeerMisbehaved> {
        let mut bytes = 0;
        loop {
            let Some(message) = &mut self.message else { return Ok(Used { bytes, is_room_full: false }) };
            let room = room(&mut self.data, self.data_len, message.len, config);
            let inflated = decompressor.inflate(&block[bytes..], room);
            let is_room_full = inflated.written == room.len();
            let output = &room[..inflated.written];
            // The byte that is too much is not looked at: whatever it is, it is too much.
            let accepted = output.len().min(config.max_message_bytes - message.len);
            message.check(&output[..accepted])?;
            if output.len() > accepted {
                return Err(PeerMisbehaved::MessageTooBig { limit: config.max_message_bytes });
            }
            inflated.verdict?;
            bytes += inflated.read;
            message.len += output.len();
            self.data_len += output.len();
            if is_room_full {
                match config.delivery {
                    Delivery::Whole => {} // on with more room: there may be output without input
                    Delivery::Pieces => return Ok(Used { bytes, is_room_full }),
                }
            } else if bytes == block.len() {
                return Ok(Used { bytes, is_room_full });
            } else if inflated.read == 0 && inflated.written == 0 {
                return Err(PeerMisbehaved::CorruptCompression); // so that nothing can make this turn for ever
            }
        }
    }
}

/// What became of a block.
struct Used {
    bytes: usize,
    /// Whether there may be more output, for which there was no room.
    is_room_full: bool,
}

/// Where to decompress to: what follows the first `data_len` bytes of `data`. It has place for one byte
/// more than the message may have, so that it is seen when there is one.
fn room<'d>(data: &'d mut Vec<u8>, data_len: usize, message_len: usize, config: &Config) -> &'d mut [u8] {
    let acceptable = config.max_message_bytes - message_len;
    let wanted = match config.delivery {
        // Memory follows the bytes, and is at most twice as much.
        Delivery::Whole => data_len.max(MIN_ROOM_BYTES),
        Delivery::Pieces => PIECE_BYTES - data_len,
    };
    let room = if wanted < acceptable { wanted } else { acceptable.saturating_add(1) };
    if data.len() == data_len {
        data.reserve_exact(room);
        data.resize(data_len + room, 0);
    }
    let room = room.min(data.len() - data_len);
    &mut data[data_len..data_len + room]
}

impl FrameInProgress {
    /// A copy of the front of the payload, unmasked; `input` stays as it is.
    fn copy_payload<'b>(&self, input: &[u8], block: &'b mut [u8]) -> &'b [u8] {
        let len = self.remaining.min(input.len()).min(block.len());
        let block = &mut block[..len];
        block.copy_from_slice(&input[..len]);
        if self.key != [0; 4] {
            mask::apply(self.key, block);
        }
        block
    }

    /// Takes the first `bytes` bytes of the payload off the front of `input`.
    fn skip_payload(&mut self, input: &mut &mut [u8], bytes: usize) {
        take(input, bytes);
        self.key = mask::rotate(self.key, bytes);
        self.remaining -= bytes;
    }
}
