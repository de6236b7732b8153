use crate::frame::{self, Header};
use crate::message::Message;
use crate::opcode::MessageKind;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// A message encoded once for any number of server connections.
///
/// Header and payload stand in one allocation; a clone is a reference, so that a broadcast to ten
/// thousand clients encodes and copies its payload once. Only servers send it: a client masks each
/// frame with a key of its own (RFC 6455 §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedMessage {
    // One pointer: an outbox holds many of these, and what a message knows of itself is shared.
    // The compressed forms, one for each class of compression, will stand beside `frame`.
    encoded: Arc<Encoded>,
}

#[derive(Debug, PartialEq, Eq)]
struct Encoded {
    kind: MessageKind,
    header_bytes: usize,
    frame: Bytes,
}

impl PreparedMessage {
    /// Encodes `message` as one unmasked frame; copies the payload.
    #[must_use]
    pub fn new<'a>(message: impl Into<Message<'a>>) -> Self {
        let message = message.into();
        let payload = message.payload();
        let (opcode, payload_len) = (message.kind().opcode(), payload.len() as u64);
        let header = Header { fin: true, reserved_bits: 0, opcode, masking_key: None, payload_len };
        let mut frame = Vec::with_capacity(frame::MAX_HEADER_BYTES + payload.len());
        header.encode(&mut frame);
        let header_bytes = frame.len();
        frame.extend_from_slice(payload);
        Self { encoded: Arc::new(Encoded { kind: message.kind(), header_bytes, frame: frame.into() }) }
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

    /// The frame as a server sends it: header and payload.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.encoded.frame
    }
}

impl<'a, T: Into<Message<'a>>> From<T> for PreparedMessage {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}
