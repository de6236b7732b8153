use crate::deflate::{Forms, Settings};
use crate::frame::Header;
use crate::message::Message;
use crate::opcode::MessageKind;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ptr;

/// A message encoded once for any number of server connections.
///
/// Header and payload stand in one allocation; a clone is a reference, so that a broadcast to ten
/// thousand clients encodes and copies its payload once. Only servers send it: a client masks each
/// frame with a key of its own (RFC 6455 §5.3).
///
/// For connections that agreed on compression it is compressed once per [`CompressionClass`], when the
/// first of them sends it; threads that are the first at the same moment each do it, and one result is
/// kept. It then refers to no earlier message, also where context takeover would allow that.
#[derive(Clone, Debug)]
pub struct PreparedMessage {
    // One pointer: an outbox holds many of these, and what a message knows of itself is shared.
    encoded: Arc<Encoded>,
}

#[derive(Debug)]
struct Encoded {
    kind: MessageKind,
    header_bytes: usize,
    frame: Bytes,
    compressed: Forms,
}

/// Which of its forms a connection sends of a [`PreparedMessage`]: all connections of a class send the
/// same bytes.
///
/// A class is a window's size; a message that fits into several of them is the same in all. A connection's is
/// [`Sender::compression_class`](crate::Sender::compression_class).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompressionClass(Option<Settings>);

impl CompressionClass {
    /// That of connections without compression.
    pub const NONE: Self = Self(None);

    #[cfg(feature = "deflate")]
    pub(crate) const fn of(settings: Option<Settings>) -> Self {
        Self(settings)
    }

    pub(crate) const fn settings(&self) -> Option<&Settings> {
        self.0.as_ref()
    }
}

impl PreparedMessage {
    /// Encodes `message` as one unmasked frame; copies the payload.
    #[must_use]
    pub fn new<'a>(message: impl Into<Message<'a>>) -> Self {
        let message = message.into();
        let payload = message.payload();
        let (opcode, payload_len) = (message.kind().opcode(), payload.len() as u64);
        let header = Header { fin: true, reserved_bits: 0, opcode, masking_key: None, payload_len };
        let header_bytes = header.encoded_bytes();
        // Exactly, since `Bytes` allocates once more for a vector with room to spare.
        let mut frame = Vec::with_capacity(header_bytes + payload.len());
        header.encode(&mut frame);
        frame.extend_from_slice(payload);
        let (kind, frame, compressed) = (message.kind(), frame.into(), Forms::default());
        Self { encoded: Arc::new(Encoded { kind, header_bytes, frame, compressed }) }
    }

    /// The message's type.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.encoded.kind
    }

    /// The payload without the frame, for transports other than WebSocket.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.encoded.frame[self.encoded.header_bytes..]
    }

    /// The payload without the frame, as a reference to the shared bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.encoded.frame.slice(self.encoded.header_bytes..)
    }

    /// The payload as text; `None` for a binary message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.encoded.kind {
            MessageKind::Text => simdutf8::basic::from_utf8(self.payload()).ok(),
            MessageKind::Binary => None,
        }
    }

    /// The frame as a server sends it to a peer without compression: header and payload.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.encoded.frame
    }

    /// The frame as a server sends it on a connection of `class`; compresses the payload if no one has
    /// asked for it yet.
    ///
    /// It is the plain one if the payload is too short to be worth compressing, or would not become shorter.
    #[must_use]
    #[inline]
    pub fn frame_for(&self, class: CompressionClass) -> &[u8] {
        match &class.0 {
            None => self.frame(),
            Some(settings) => {
                let compressed = self.encoded.compressed.frame(settings, self.kind(), self.payload());
                compressed.unwrap_or(self.frame())
            }
        }
    }

    /// Whether the frame for `class` is compressed.
    pub(crate) fn is_compressed_for(&self, class: CompressionClass) -> bool {
        !ptr::eq(self.frame_for(class), self.frame())
    }
}

impl PartialEq for PreparedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.frame() == other.frame() // whether it was compressed yet makes no difference
    }
}

impl Eq for PreparedMessage {}

impl<'a, T: Into<Message<'a>>> From<T> for PreparedMessage {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}
