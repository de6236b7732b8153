//! The bytes of one frame (RFC 6455 §5.2).
use crate::opcode::Opcode;
use alloc::vec::Vec;

/// The longest header in bytes: 2, an extended length of 8, and a masking key of 4.
pub const MAX_HEADER_BYTES: usize = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    opcode: Opcode,
    len: usize,
}
impl Header {
    pub fn of_message(opcode: Opcode, len: usize) -> Self {
        Self { opcode, len }
    }
    pub fn encode(&self, out: &mut Vec<u8>) {
        todo!()
    }
}
