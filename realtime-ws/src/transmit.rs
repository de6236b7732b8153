use crate::frame::Header;
use crate::prepared::PreparedMessage;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

/// Shared frames up to this many bytes are copied into the buffer: cheaper than a slice of their own in the write.
const COPY_BELOW_BYTES: usize = 2 * 1024;

/// Sent bytes are cut off the front of a buffer that never runs empty once there are this many.
const COMPACT_FROM_BYTES: usize = 32 * 1024;

/// A buffer larger than this is freed rather than given back to its lender.
const MAX_RECLAIMED_BYTES: usize = 256 * 1024;

/// What waits to be written: frames in order, of which control frames overtake the others at the next boundary.
///
/// The stream is `buffer`, with each of `shared` spliced in at its place.
#[derive(Debug, Default)]
pub(crate) struct Transmit {
    buffer: Vec<u8>,
    /// How much of `buffer` was written.
    sent: usize,
    /// The start of a frame in `buffer`; what stands before it is no longer looked at.
    boundary: usize,
    shared: VecDeque<Splice>,
    /// How much of the first of `shared` was written.
    shared_sent: usize,
    shared_bytes: usize,
    /// Where in `buffer` the last pong begins. Only the latest is ever waiting.
    pong: Option<usize>,
    /// Whether `buffer` belongs to the driver and stays allocated when it is drained.
    is_lent: bool,
}

#[derive(Debug)]
struct Splice {
    at: usize,
    message: PreparedMessage,
}

impl Transmit {
    pub(crate) fn is_empty(&self) -> bool {
        self.sent == self.buffer.len() && self.shared.is_empty()
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        self.buffer.len() - self.sent + self.shared_bytes - self.shared_sent
    }

    /// The buffer to append whole frames to.
    #[inline]
    pub(crate) fn frames(&mut self) -> &mut Vec<u8> {
        if self.sent >= COMPACT_FROM_BYTES && self.sent >= self.buffer.len() / 2 {
            self.compact();
        }
        &mut self.buffer
    }

    /// Appends bytes that are no frame, before the first one.
    pub(crate) fn push_head(&mut self, head: &[u8]) {
        self.buffer.extend_from_slice(head);
        self.boundary = self.buffer.len();
    }

    pub(crate) fn push_shared(&mut self, message: &PreparedMessage) {
        let frame = message.frame();
        if frame.len() <= COPY_BELOW_BYTES {
            self.frames().extend_from_slice(frame);
        } else {
            self.shared_bytes += frame.len();
            self.shared.push_back(Splice { at: self.buffer.len(), message: message.clone() });
        }
    }

    /// Puts a control frame before all frames that are not yet on their way.
    pub(crate) fn push_control(&mut self, frame: &[u8]) {
        let at = self.next_boundary();
        if at == self.buffer.len() {
            self.buffer.extend_from_slice(frame);
        } else {
            self.buffer.splice(at..at, frame.iter().copied());
        }
        // A shared frame that is on its way stays before it.
        for splice in self.shared.iter_mut().skip(usize::from(self.shared_sent > 0)) {
            if splice.at >= at {
                splice.at += frame.len();
            }
        }
        if let Some(pong) = &mut self.pong
            && *pong >= at
        {
            *pong += frame.len();
        }
    }

    /// Puts a pong before all frames that are not yet on their way, in the place of one that is not on its way
    /// either (RFC 6455 §5.5.3 asks for an answer to the latest ping only).
    pub(crate) fn push_pong(&mut self, frame: &[u8]) {
        if let Some(at) = self.pong.take_if(|pong| *pong >= self.sent) {
            let stale = frame_len(&self.buffer[at..]);
            self.buffer.drain(at..at + stale);
            for splice in &mut self.shared {
                if splice.at > at {
                    splice.at -= stale;
                }
            }
        }
        let at = self.next_boundary();
        self.push_control(frame);
        self.pong = Some(at);
    }

    pub(crate) fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        let mut filled = 0;
        let mut push = |slice: &'s [u8]| {
            if slice.is_empty() {
                return true;
            }
            let Some(place) = slices.get_mut(filled) else { return false };
            *place = slice;
            filled += 1;
            true
        };
        let (mut from, mut shared_sent) = (self.sent, self.shared_sent);
        for splice in &self.shared {
            let both_fit =
                push(&self.buffer[from..splice.at]) && push(&splice.message.frame()[shared_sent..]);
            if !both_fit {
                return filled;
            }
            (from, shared_sent) = (splice.at, 0);
        }
        push(&self.buffer[from..]);
        filled
    }

    pub(crate) fn transmitted(&mut self, mut bytes: usize) {
        assert!(bytes <= self.unsent_bytes(), "{bytes} bytes said to be written of {}", self.unsent_bytes());
        while let Some(splice) = self.shared.front() {
            let before = bytes.min(splice.at - self.sent);
            self.sent += before;
            bytes -= before;
            let frame_bytes = splice.message.frame().len();
            let of_frame = bytes.min(frame_bytes - self.shared_sent);
            self.shared_sent += of_frame;
            bytes -= of_frame;
            if self.shared_sent < frame_bytes {
                return;
            }
            self.shared_bytes -= frame_bytes;
            self.shared_sent = 0;
            self.shared.pop_front();
        }
        self.sent += bytes;
        if self.sent == self.buffer.len() {
            self.reset();
        }
    }

    pub(crate) fn lend(&mut self, buffer: &mut Vec<u8>) {
        if self.buffer.capacity() == 0 {
            buffer.clear();
            self.buffer = mem::take(buffer);
            self.is_lent = true;
        }
    }

    pub(crate) fn reclaim(&mut self, buffer: &mut Vec<u8>) {
        if self.is_lent {
            self.is_lent = false;
            if self.is_empty() {
                let drained = mem::take(&mut self.buffer);
                if drained.capacity() <= MAX_RECLAIMED_BYTES {
                    *buffer = drained;
                }
            }
        }
    }

    /// The bytes held on the heap, shared frames left out.
    pub(crate) fn held_bytes(&self) -> usize {
        self.buffer.capacity() + self.shared.capacity() * mem::size_of::<Splice>()
    }

    fn reset(&mut self) {
        if self.is_lent {
            self.buffer.clear();
        } else {
            self.buffer = Vec::new(); // an idle connection owns no buffer
        }
        self.shared = VecDeque::new();
        (self.sent, self.boundary, self.pong) = (0, 0, None);
    }

    /// The first place at or after `sent` where a frame begins.
    fn next_boundary(&mut self) -> usize {
        // Walks only when a control frame overtakes, so that sending pays nothing for it.
        while self.boundary < self.sent {
            self.boundary += frame_len(&self.buffer[self.boundary..]);
        }
        self.boundary
    }

    fn compact(&mut self) {
        let boundary = self.next_boundary();
        let cut = self.sent;
        self.buffer.drain(..cut);
        (self.sent, self.boundary) = (0, boundary - cut);
        for splice in &mut self.shared {
            splice.at -= cut;
        }
        self.pong = self.pong.and_then(|pong| pong.checked_sub(cut));
    }
}

/// The length of the first frame in `frames`.
fn frame_len(frames: &[u8]) -> usize {
    match Header::decode(frames) {
        Ok(Some((header, header_bytes))) => header_bytes + header.payload_len as usize,
        Ok(None) | Err(_) => unreachable!("the buffer holds whole frames that we encoded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::opcode::Opcode;
    use proptest::prelude::*;

    fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let payload_len = payload.len() as u64;
        let mut frame = Vec::new();
        Header { fin: true, reserved_bits: 0, opcode, masking_key: None, payload_len }.encode(&mut frame);
        frame.extend_from_slice(payload);
        frame
    }

    /// Writes up to `bytes` bytes, as a socket with that much room would.
    fn write(transmit: &mut Transmit, bytes: usize, wire: &mut Vec<u8>) {
        let mut slices = [&[][..]; 8];
        let filled = transmit.poll_transmit(&mut slices);
        let offered = slices[..filled].concat();
        let written = bytes.min(offered.len());
        wire.extend_from_slice(&offered[..written]);
        transmit.transmitted(written);
    }

    fn opcodes(mut wire: &[u8]) -> Vec<(Opcode, usize)> {
        let mut seen = Vec::new();
        while !wire.is_empty() {
            let (header, header_bytes) = Header::decode(wire).unwrap().unwrap();
            seen.push((header.opcode, header.payload_len as usize));
            wire = &wire[header_bytes + header.payload_len as usize..];
        }
        seen
    }

    #[test]
    fn a_pong_overtakes_what_is_not_on_its_way() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 10]));
        transmit.frames().extend(frame(Opcode::Text, &[b'b'; 20]));
        write(&mut transmit, 5, &mut wire);
        transmit.push_pong(&frame(Opcode::Pong, b"1"));
        write(&mut transmit, usize::MAX, &mut wire);
        assert_eq!(opcodes(&wire), [(Opcode::Text, 10), (Opcode::Pong, 1), (Opcode::Text, 20)]);
    }

    #[test]
    fn a_pong_waits_for_a_shared_frame_on_its_way() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        let shared = PreparedMessage::new(Message::Binary(&[0; 5000]));
        transmit.push_shared(&shared);
        transmit.push_shared(&shared);
        write(&mut transmit, 100, &mut wire);
        transmit.push_pong(&frame(Opcode::Pong, b"1"));
        write(&mut transmit, usize::MAX, &mut wire);
        assert_eq!(opcodes(&wire), [(Opcode::Binary, 5000), (Opcode::Pong, 1), (Opcode::Binary, 5000)]);
    }

    #[test]
    fn only_the_latest_pong_waits() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 10]));
        write(&mut transmit, 1, &mut wire);
        for len in 0..100 {
            transmit.push_pong(&frame(Opcode::Pong, &[0; 125][..len]));
        }
        assert!(transmit.unsent_bytes() < 150);
        write(&mut transmit, usize::MAX, &mut wire);
        assert_eq!(opcodes(&wire), [(Opcode::Text, 10), (Opcode::Pong, 99)]);
    }

    #[test]
    fn a_drained_queue_owns_no_memory() {
        let mut transmit = Transmit::default();
        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 10]));
        transmit.push_shared(&PreparedMessage::new(Message::Binary(&[0; 5000])));
        assert!(transmit.held_bytes() > 0);
        write(&mut transmit, usize::MAX, &mut Vec::new());
        assert_eq!(transmit.held_bytes(), 0);
    }

    #[test]
    fn a_lent_buffer_comes_back_once_drained() {
        let mut transmit = Transmit::default();
        let mut buffer = Vec::with_capacity(1000);
        transmit.lend(&mut buffer);
        assert_eq!(buffer.capacity(), 0);
        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 10]));
        write(&mut transmit, usize::MAX, &mut Vec::new());
        transmit.reclaim(&mut buffer);
        assert_eq!((buffer.capacity(), transmit.held_bytes()), (1000, 0));
    }

    #[test]
    fn a_lent_buffer_with_unsent_bytes_stays() {
        let mut transmit = Transmit::default();
        let mut buffer = Vec::with_capacity(1000);
        transmit.lend(&mut buffer);
        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 10]));
        transmit.reclaim(&mut buffer);
        assert_eq!((buffer.capacity(), transmit.unsent_bytes()), (0, 12));
        write(&mut transmit, usize::MAX, &mut Vec::new());
        assert_eq!(transmit.held_bytes(), 0);
    }

    #[test]
    fn a_lent_buffer_that_grew_large_is_freed() {
        let mut transmit = Transmit::default();
        let mut buffer = Vec::with_capacity(1000);
        transmit.lend(&mut buffer);
        transmit.frames().extend(frame(Opcode::Binary, &[0; MAX_RECLAIMED_BYTES]));
        write(&mut transmit, usize::MAX, &mut Vec::new());
        transmit.reclaim(&mut buffer);
        assert_eq!((buffer.capacity(), transmit.held_bytes()), (0, 0));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Copied(usize),
        Shared(usize),
        Pong(usize),
        Write(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0usize..300).prop_map(Step::Copied),
            (2000usize..70_000).prop_map(Step::Shared),
            (0usize..=125).prop_map(Step::Pong),
            (0usize..100_000).prop_map(Step::Write),
        ]
    }

    proptest! {
        /// Whatever is written when, whole frames leave; the data in order, and the last pong among them.
        #[test]
        fn frames_leave_whole_and_data_in_order(steps in prop::collection::vec(step(), 0..60)) {
            let mut transmit = Transmit::default();
            let (mut wire, mut data, mut last_pong) = (Vec::new(), Vec::new(), None);
            for step in steps {
                match step {
                    Step::Copied(len) => {
                        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 300][..len]));
                        data.push((Opcode::Text, len));
                    }
                    Step::Shared(len) => {
                        transmit.push_shared(&PreparedMessage::new(Message::Binary(&alloc::vec![0; len])));
                        data.push((Opcode::Binary, len));
                    }
                    Step::Pong(len) => {
                        transmit.push_pong(&frame(Opcode::Pong, &[0; 125][..len]));
                        last_pong = Some((Opcode::Pong, len));
                    }
                    Step::Write(bytes) => write(&mut transmit, bytes, &mut wire),
                }
            }
            while !transmit.is_empty() {
                write(&mut transmit, usize::MAX, &mut wire);
            }
            let seen = opcodes(&wire);
            let is_pong = |frame: &&(Opcode, usize)| frame.0 == Opcode::Pong;
            prop_assert_eq!(seen.iter().rfind(is_pong).copied(), last_pong);
            let seen_data: Vec<_> = seen.iter().filter(|frame| !is_pong(frame)).copied().collect();
            prop_assert_eq!(seen_data, data);
            prop_assert_eq!(transmit.held_bytes(), 0);
        }
    }
}
