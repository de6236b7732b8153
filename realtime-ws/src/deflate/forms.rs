use super::{MIN_WINDOW_BITS, Settings};
use crate::frame::{Header, MAX_HEADER_BYTES, RSV1};
use crate::opcode::MessageKind;
use alloc::boxed::Box;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

/// One for each window, from the smallest.
const WINDOWS: usize = (15 - MIN_WINDOW_BITS + 1) as usize;

/// The compressed frames of a message that many connections send, each made when the first connection
/// asks for it.
///
/// Which one a connection sends depends on its window alone; level and memory level are those of the
/// connection that asked first.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    // A message that nobody compresses pays for one pointer.
    frames: OnceBox<[OnceBox<Form>; WINDOWS]>,
}

#[derive(Debug)]
enum Form {
    Compressed(Vec<u8>),
    /// The plain frame is no longer than the compressed one would be.
    Plain,
}

impl Forms {
    /// The compressed frame for connections with these settings; `None` if they send the plain one.
    pub(crate) fn frame(&self, settings: &Settings, kind: MessageKind, payload: &[u8]) -> Option<&[u8]> {
        if !settings.is_worth(payload) {
            return None;
        }
        let frames = self.frames.get_or_init(Box::default);
        let window = settings.window_bits_for(payload.len()) - MIN_WINDOW_BITS;
        let form = frames[usize::from(window)].get_or_init(|| {
            let compressed = settings.compress(payload);
            Box::new(compressed.map_or(Form::Plain, |compressed| Form::Compressed(encode(kind, &compressed))))
        });
        match form {
            Form::Compressed(frame) => Some(frame),
            Form::Plain => None,
        }
    }
}

/// The frames of a segment in each form that a connection has asked for.
///
/// A form is of exactly the settings that it was made for. Messages are not that strict, but each of a
/// segment's has to be found again in its frames, byte for byte.
#[derive(Debug, Default)]
pub(crate) struct JoinedForms {
    // A list, since a server's connections have a few settings among them.
    first: OnceBox<JoinedForm>,
}

#[derive(Debug)]
struct JoinedForm {
    settings: Settings,
    frames: Vec<u8>,
    others: JoinedForms,
}

impl JoinedForms {
    /// The frames for connections with these settings, which `join` makes if no one has asked for them yet.
    pub(crate) fn frames(&self, settings: &Settings, join: impl Fn() -> Vec<u8>) -> &[u8] {
        let mut forms = self;
        loop {
            // Of threads that ask for different forms at once, one finds the other's here, and joins again.
            let form = forms.first.get_or_init(|| {
                Box::new(JoinedForm { settings: *settings, frames: join(), others: Self::default() })
            });
            if form.settings == *settings {
                return &form.frames;
            }
            forms = &form.others;
        }
    }
}

fn encode(kind: MessageKind, compressed: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(MAX_HEADER_BYTES + compressed.len());
    let (opcode, payload_len) = (kind.opcode(), compressed.len() as u64);
    Header { fin: true, reserved_bits: RSV1, opcode, masking_key: None, payload_len }.encode(&mut frame);
    frame.extend_from_slice(compressed);
    frame
}
