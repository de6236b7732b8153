use crate::frame::Header;
use crate::opcode::Opcode;
use crate::prepared::{CompressionClass, PreparedMessage};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

/// Shared frames up to this many bytes are copied into the buffer: cheaper than a slice of their own in the
/// write.
const COPY_BELOW_BYTES: usize = 2 * 1024;

/// Sent bytes are cut off the front of a buffer that never runs empty once there are this many.
const COMPACT_FROM_BYTES: usize = 32 * 1024;

/// More pongs than these do not wait: whoever pings on without reading gets an answer to the latest.
const MAX_WAITING_PONGS: u8 = 16;

/// A buffer larger than this is freed rather than given back to its lender.
const MAX_RECLAIMED_BYTES: usize = 256 * 1024;

/// What waits to be written: frames in order, of which control frames overtake the others at the next
/// boundary.
///
/// The stream is `buffer`, with each of `shared` spliced in at its place and `controls` before all that has
/// not begun. What most connections need rarely is boxed, and there only while it is needed.
#[derive(Debug, Default)]
pub(crate) struct Transmit {
    buffer: Vec<u8>,
    /// How much of `buffer` was written.
    sent: usize,
    /// Where a frame in `buffer` begins; what stands before it is no longer looked at. While `controls`
    /// wait, it is the first such place at or after `sent`, and they go out there.
    boundary: usize,
    controls: Option<Box<Controls>>,
    shared: Option<Box<Shared>>,
    /// In which form shared messages go out.
    class: CompressionClass,
    /// Whether `buffer` belongs to the driver and stays allocated when it is drained.
    is_lent: bool,
}

/// Pings and pongs. They stand apart so that none has to be moved into the middle of what waits.
#[derive(Debug, Default)]
struct Controls {
    frames: Vec<u8>,
    /// How much of `frames` was written.
    sent: usize,
    /// Where the last pong begins, unless that is on its way.
    pong: Option<usize>,
    /// How many pongs wait of which nothing was written, those aside that left since `frames` was last
    /// appended to.
    waiting_pongs: u8,
    /// How much stands at the front of `frames` of one that was on its way when they were last appended to.
    begun_bytes: u8,
}

/// Frames that other connections send too.
#[derive(Debug, Default)]
struct Shared {
    splices: VecDeque<Splice>,
    /// How much of the first one was written; if any, it ends before control frames go out.
    sent: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Splice {
    at: usize,
    message: PreparedMessage,
}

impl Transmit {
    pub(crate) fn class(&self) -> CompressionClass {
        self.class
    }

    /// Sets the form of shared messages; none waits yet.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_class(&mut self, class: CompressionClass) {
        self.class = class;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unsent_bytes() == 0
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        let buffer = self.buffer.len() - self.sent;
        let controls = self.controls.as_ref().map_or(0, |controls| controls.unsent().len());
        let shared = self.shared.as_ref().map_or(0, |shared| shared.bytes - shared.sent);
        buffer + controls + shared
    }

    /// The buffer to append whole frames to.
    #[inline]
    pub(crate) fn frames(&mut self) -> &mut Vec<u8> {
        if self.sent >= COMPACT_FROM_BYTES && self.sent >= self.buffer.len() / 2 {
            self.compact();
        }
        &mut self.buffer
    }

    /// Appends bytes that are no frame, before the first one: the opening handshake, or the rest of a frame
    /// that is on its way.
    pub(crate) fn push_head(&mut self, head: &[u8]) {
        self.buffer.extend_from_slice(head);
        self.boundary = self.buffer.len();
    }

    /// Has `write` write a frame before it is copied, and keeps what is left of it. Nothing waits.
    pub(crate) fn write_directly(
        &mut self,
        header: &Header,
        payload: &[u8],
        write: impl FnOnce([&[u8]; 2]) -> usize,
    ) {
        header.encode(&mut self.buffer);
        let header_bytes = self.buffer.len();
        let written = write([&self.buffer, payload]);
        let frame_bytes = header_bytes + payload.len();
        assert!(written <= frame_bytes, "{written} bytes said to be written of {frame_bytes}");
        if written < header_bytes {
            self.buffer.extend_from_slice(payload);
            self.sent = written;
        } else {
            self.reset();
            self.push_head(&payload[written - header_bytes..]);
        }
    }

    pub(crate) fn push_shared(&mut self, message: &PreparedMessage) {
        let frame = message.frame_for(self.class);
        if frame.len() <= COPY_BELOW_BYTES {
            self.frames().extend_from_slice(frame);
        } else {
            let shared = self.shared.get_or_insert_default();
            shared.bytes += frame.len();
            shared.splices.push_back(Splice { at: self.buffer.len(), message: message.clone() });
        }
    }

    /// Where to append control frames: they overtake all frames that are not yet on their way.
    pub(crate) fn controls(&mut self) -> &mut Vec<u8> {
        &mut self.settled_controls().frames
    }

    /// Where to append one pong, as [`controls`](Self::controls). If many wait already it replaces the last
    /// of them: RFC 6455 §5.5.3 asks for an answer to the latest ping only.
    pub(crate) fn pong(&mut self) -> &mut Vec<u8> {
        let controls = self.settled_controls();
        match controls.pong {
            Some(last) if controls.waiting_pongs == MAX_WAITING_PONGS => {
                let end = last + frame_len(&controls.frames[last..]);
                controls.frames.drain(last..end);
            }
            Some(_) | None => controls.waiting_pongs += 1,
        }
        controls.pong = Some(controls.frames.len());
        &mut controls.frames
    }

    /// The control frames that wait, without those that were written.
    fn settled_controls(&mut self) -> &mut Controls {
        self.settle_boundary();
        let controls = self.controls.get_or_insert_default();
        controls.cut();
        controls
    }

    pub(crate) fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        if self.controls.is_none() && self.shared.is_none() {
            return match (slices, &self.buffer[self.sent..]) {
                ([], _) | (_, []) => 0,
                ([place, ..], rest) => {
                    *place = rest;
                    1
                }
            };
        }
        let mut filled = 0;
        for (place, slice) in slices.iter_mut().zip(self.unsent().filter(|slice| !slice.is_empty())) {
            *place = slice;
            filled += 1;
        }
        filled
    }

    /// All that waits, in order; some of the slices may be empty.
    fn unsent(&self) -> impl Iterator<Item = &[u8]> {
        // What has begun is ended first, then come the control frames.
        let shared = self.shared.as_deref();
        let shared_sent = shared.map_or(0, |shared| shared.sent);
        let mut splices = shared.into_iter().flat_map(|shared| &shared.splices);
        let begun = if shared_sent > 0 { splices.next() } else { None };
        let begun = begun.map(|splice| &splice.message.frame_for(self.class)[shared_sent..]);
        let (overtaken, controls) = match &self.controls {
            Some(controls) => (self.boundary, controls.unsent()),
            None => (self.sent, &[][..]),
        };
        let first = [&self.buffer[self.sent..overtaken], controls];
        let mut from = overtaken;
        let spliced = splices.map(move |splice| {
            let before = &self.buffer[mem::replace(&mut from, splice.at)..splice.at];
            [before, splice.message.frame_for(self.class)]
        });
        let last_splice = shared.and_then(|shared| shared.splices.back());
        let last_splice = last_splice.map_or(overtaken, |splice| splice.at.max(overtaken));
        begun.into_iter().chain(first).chain(spliced.flatten()).chain([&self.buffer[last_splice..]])
    }

    pub(crate) fn transmitted(&mut self, mut bytes: usize) {
        assert!(bytes <= self.unsent_bytes(), "{bytes} bytes said to be written of {}", self.unsent_bytes());
        if self.shared.as_ref().is_some_and(|shared| shared.sent > 0) {
            bytes = self.transmitted_of_shared(bytes);
        }
        if self.controls.is_some() {
            bytes = self.transmitted_of_buffer(bytes, self.boundary);
            bytes = self.transmitted_of_controls(bytes);
        }
        while bytes > 0 {
            match self.shared.as_ref().and_then(|shared| shared.splices.front()) {
                Some(splice) => {
                    let at = splice.at;
                    bytes = self.transmitted_of_buffer(bytes, at);
                    bytes = self.transmitted_of_shared(bytes);
                }
                None => bytes = self.transmitted_of_buffer(bytes, self.buffer.len()),
            }
        }
        if self.is_empty() {
            self.reset();
        }
    }

    /// Counts `bytes` towards `buffer` up to `end`, and returns those beyond.
    fn transmitted_of_buffer(&mut self, bytes: usize, end: usize) -> usize {
        let of_buffer = bytes.min(end - self.sent);
        self.sent += of_buffer;
        bytes - of_buffer
    }

    /// Counts `bytes` towards `controls`, and returns those beyond.
    fn transmitted_of_controls(&mut self, bytes: usize) -> usize {
        let Some(controls) = &mut self.controls else { return bytes };
        let of_controls = bytes.min(controls.unsent().len());
        controls.sent += of_controls;
        if controls.unsent().is_empty() {
            self.controls = None;
        }
        bytes - of_controls
    }

    /// Counts `bytes` towards the first of `shared`, and returns those beyond.
    fn transmitted_of_shared(&mut self, bytes: usize) -> usize {
        let Some(shared) = &mut self.shared else { return bytes };
        let Some(splice) = shared.splices.front() else { return bytes };
        let frame_bytes = splice.message.frame_for(self.class).len();
        let of_frame = bytes.min(frame_bytes - shared.sent);
        shared.sent += of_frame;
        if shared.sent == frame_bytes {
            shared.bytes -= frame_bytes;
            shared.sent = 0;
            shared.splices.pop_front();
        }
        bytes - of_frame
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
        let controls = self
            .controls
            .as_ref()
            .map_or(0, |controls| mem::size_of::<Controls>() + controls.frames.capacity());
        let shared = self.shared.as_ref().map_or(0, |shared| {
            mem::size_of::<Shared>() + shared.splices.capacity() * mem::size_of::<Splice>()
        });
        self.buffer.capacity() + controls + shared
    }

    fn reset(&mut self) {
        if self.is_lent {
            self.buffer.clear();
        } else {
            self.buffer = Vec::new(); // an idle connection owns no buffer
        }
        self.shared = None;
        (self.sent, self.boundary) = (0, 0);
    }

    /// Moves `boundary` to where the next frame begins.
    fn settle_boundary(&mut self) {
        // Walks only when a control frame overtakes, so that sending pays nothing for it.
        while self.boundary < self.sent {
            self.boundary += frame_len(&self.buffer[self.boundary..]);
        }
    }

    #[cold]
    fn compact(&mut self) {
        self.settle_boundary();
        let cut = mem::take(&mut self.sent);
        self.buffer.drain(..cut);
        self.boundary -= cut;
        for splice in self.shared.iter_mut().flat_map(|shared| &mut shared.splices) {
            splice.at -= cut;
        }
    }
}

impl Controls {
    fn unsent(&self) -> &[u8] {
        &self.frames[self.sent..]
    }

    /// Cuts off what was written.
    fn cut(&mut self) {
        let cut = mem::take(&mut self.sent);
        let mut frame = usize::from(self.begun_bytes);
        while frame < cut {
            let (header, header_bytes) = first_header(&self.frames[frame..]);
            self.waiting_pongs -= u8::from(header.opcode == Opcode::Pong);
            frame += header_bytes + header.payload_len as usize;
        }
        self.begun_bytes = (frame - cut) as u8; // less than a control frame, which is short
        self.pong = self.pong.and_then(|pong| pong.checked_sub(cut));
        self.frames.drain(..cut);
    }
}

/// The length of the first frame in `frames`.
fn frame_len(frames: &[u8]) -> usize {
    let (header, header_bytes) = first_header(frames);
    header_bytes + header.payload_len as usize
}

/// The header of the first frame in `frames`, and its length.
fn first_header(frames: &[u8]) -> (Header, usize) {
    match Header::decode(frames) {
        Ok(Some(decoded)) => decoded,
        Ok(None) | Err(_) => unreachable!("the buffer holds whole frames that we encoded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
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
        transmit.pong().extend(frame(Opcode::Pong, b"1"));
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
        transmit.pong().extend(frame(Opcode::Pong, b"1"));
        write(&mut transmit, usize::MAX, &mut wire);
        assert_eq!(opcodes(&wire), [(Opcode::Binary, 5000), (Opcode::Pong, 1), (Opcode::Binary, 5000)]);
    }

    #[test]
    fn the_latest_pong_takes_the_place_of_the_last_when_many_wait() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 10]));
        write(&mut transmit, 1, &mut wire);
        for len in 0..100 {
            transmit.pong().extend(frame(Opcode::Pong, &[0; 125][..len]));
        }
        write(&mut transmit, usize::MAX, &mut wire);
        let pongs = (0..15).chain([99]).map(|len| (Opcode::Pong, len));
        assert_eq!(opcodes(&wire), [(Opcode::Text, 10)].into_iter().chain(pongs).collect::<Vec<_>>());
    }

    #[test]
    fn pongs_that_left_make_room_for_others() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        transmit.controls().extend(frame(Opcode::Ping, &[0; 3]));
        for len in 0..16 {
            transmit.pong().extend(frame(Opcode::Pong, &[0; 125][..len]));
        }
        // The ping, ten pongs, and one byte of another, in two goes.
        let left = 5 + (0..10).map(|len| 2 + len).sum::<usize>() + 1;
        write(&mut transmit, 7, &mut wire);
        transmit.controls().extend(frame(Opcode::Ping, &[0; 4]));
        write(&mut transmit, left - 7, &mut wire);
        for len in 16..40 {
            transmit.pong().extend(frame(Opcode::Pong, &[0; 125][..len]));
        }
        write(&mut transmit, usize::MAX, &mut wire);
        let pongs = |lens: core::ops::Range<usize>| lens.map(|len| (Opcode::Pong, len));
        let mut expected = alloc::vec![(Opcode::Ping, 3)];
        expected.extend(pongs(0..16).chain([(Opcode::Ping, 4)]).chain(pongs(16..26)).chain(pongs(39..40)));
        assert_eq!(opcodes(&wire), expected);
    }

    #[test]
    fn pings_leave_in_order_before_what_waits() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        transmit.frames().extend(frame(Opcode::Text, &[b'a'; 10]));
        transmit.push_shared(&PreparedMessage::new(Message::Binary(&[0; 5000])));
        for len in 1..=3 {
            transmit.controls().extend(frame(Opcode::Ping, &[0; 3][..len]));
        }
        write(&mut transmit, 5, &mut wire);
        transmit.controls().extend(frame(Opcode::Ping, &[0; 4]));
        write(&mut transmit, usize::MAX, &mut wire);
        let pings = (1..=4).map(|len| (Opcode::Ping, len));
        let data = [(Opcode::Text, 10), (Opcode::Binary, 5000)];
        assert_eq!(opcodes(&wire), pings.chain(data).collect::<Vec<_>>());
    }

    #[test]
    fn a_pong_that_is_never_quite_written_piles_up_nothing() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        for _ in 0..1000 {
            transmit.pong().extend(frame(Opcode::Pong, &[0; 125]));
            write(&mut transmit, 1, &mut wire);
        }
        let allowed = 4096 + mem::size_of::<Controls>();
        assert!(transmit.held_bytes() <= allowed, "{} bytes held", transmit.held_bytes());
        write(&mut transmit, usize::MAX, &mut wire);
        assert_eq!(opcodes(&wire).last(), Some(&(Opcode::Pong, 125)));
    }

    #[test]
    fn control_frames_keep_their_place_when_written_bytes_are_cut_off() {
        let mut transmit = Transmit::default();
        let mut wire = Vec::new();
        let shared = PreparedMessage::new(Message::Binary(&[0; 5000]));
        for _ in 0..50 {
            transmit.frames().extend(frame(Opcode::Text, &[b'a'; 1000]));
        }
        transmit.push_shared(&shared);
        write(&mut transmit, COMPACT_FROM_BYTES + 1, &mut wire);
        transmit.pong().extend(frame(Opcode::Pong, b"1"));
        transmit.frames().extend(frame(Opcode::Text, &[b'b'; 10])); // cuts off what is written
        assert_eq!(transmit.sent, 0);
        transmit.controls().extend(frame(Opcode::Ping, b"12"));
        write(&mut transmit, usize::MAX, &mut wire);
        let mut expected = alloc::vec![(Opcode::Text, 1000); 33];
        expected.extend([(Opcode::Pong, 1), (Opcode::Ping, 2)]);
        expected.extend([(Opcode::Text, 1000); 17]);
        expected.extend([(Opcode::Binary, 5000), (Opcode::Text, 10)]);
        assert_eq!(opcodes(&wire), expected);
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
        Ping(usize),
        Pong(usize),
        Write(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0usize..300).prop_map(Step::Copied),
            (2000usize..70_000).prop_map(Step::Shared),
            (0usize..=125).prop_map(Step::Ping),
            (0usize..=125).prop_map(Step::Pong),
            (0usize..100_000).prop_map(Step::Write),
        ]
    }

    proptest! {
        /// Whatever is written when, whole frames leave; data and pings in order, and the last pong among
        /// them.
        #[test]
        fn frames_leave_whole_and_data_in_order(steps in prop::collection::vec(step(), 0..60)) {
            let mut transmit = Transmit::default();
            let (mut wire, mut data, mut pings, mut last_pong) = (Vec::new(), Vec::new(), Vec::new(), None);
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
                    Step::Ping(len) => {
                        transmit.controls().extend(frame(Opcode::Ping, &[0; 125][..len]));
                        pings.push((Opcode::Ping, len));
                    }
                    Step::Pong(len) => {
                        transmit.pong().extend(frame(Opcode::Pong, &[0; 125][..len]));
                        last_pong = Some((Opcode::Pong, len));
                    }
                    Step::Write(bytes) => write(&mut transmit, bytes, &mut wire),
                }
            }
            while !transmit.is_empty() {
                write(&mut transmit, usize::MAX, &mut wire);
            }
            let seen = opcodes(&wire);
            let of = |opcodes: &[Opcode]| -> Vec<_> {
                seen.iter().filter(|(opcode, _)| opcodes.contains(opcode)).copied().collect()
            };
            prop_assert_eq!(of(&[Opcode::Pong]).last().copied(), last_pong);
            prop_assert_eq!(of(&[Opcode::Ping]), pings);
            prop_assert_eq!(of(&[Opcode::Text, Opcode::Binary]), data);
            prop_assert_eq!(transmit.held_bytes(), 0);
        }
    }
}
