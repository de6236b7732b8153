use crate::deflate::JoinedForms;
use crate::prepared::{CompressionClass, PreparedMessage};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Several prepared messages as one run of frames, joined once for any number of server connections.
///
/// To a connection that sends them all it is one reference, and one slice in a write. A clone is a reference.
/// Beside the messages it holds a copy of their frames, and one more for each [`CompressionClass`] that was
/// asked for.
#[derive(Clone, Debug)]
pub struct Segment {
    joined: Arc<Joined>,
}

#[derive(Debug)]
struct Joined {
    messages: Vec<PreparedMessage>,
    frames: Vec<u8>,
    compressed: JoinedForms,
}

impl Segment {
    /// Joins `messages`, in order; copies their frames.
    #[must_use]
    pub fn new(messages: Vec<PreparedMessage>) -> Self {
        let frames = join(&messages, CompressionClass::NONE);
        Self { joined: Arc::new(Joined { messages, frames, compressed: JoinedForms::default() }) }
    }

    /// What was joined, in order.
    #[must_use]
    pub fn messages(&self) -> &[PreparedMessage] {
        &self.joined.messages
    }

    /// The frames as a server sends them on a connection of `class`: each is its message's
    /// [`frame_for`](PreparedMessage::frame_for) that class.
    #[must_use]
    #[inline]
    pub fn frames_for(&self, class: CompressionClass) -> &[u8] {
        match class.settings() {
            None => &self.joined.frames,
            Some(settings) => self.joined.compressed.frames(settings, || join(&self.joined.messages, class)),
        }
    }
}

impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        self.messages() == other.messages()
    }
}

impl Eq for Segment {}

fn join(messages: &[PreparedMessage], class: CompressionClass) -> Vec<u8> {
    let bytes = messages.iter().map(|message| message.frame_for(class).len()).sum();
    let mut frames = Vec::with_capacity(bytes);
    for message in messages {
        frames.extend_from_slice(message.frame_for(class));
    }
    frames
}
