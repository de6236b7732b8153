use io_uring::Submitter;
use io_uring::types::BufRingEntry;
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// Of all buffers: much for one turn, and little enough to stay in the processor's cache.
const MEMORY_BYTES: usize = 1024 * 1024;

/// How many buffers that is where what is received is packed, so that little of it is cut in two, and where each receive
/// has one of its own. Powers of two.
const PACKED_BUFFERS: u16 = 4;
const SINGLE_BUFFERS: u16 = 64;

const PAGE_BYTES: usize = 4096;

/// `IOU_PBUF_RING_INC` (Linux 6.12): what is received is packed, one after the other, into each buffer until it is full.
const PACKED: u16 = 2;

/// The group of buffers that receives name.
pub(crate) const GROUP: u16 = 0;

/// Buffers from which the kernel takes one, or a part of one, when there is something to receive.
pub(crate) struct Buffers {
    /// `count` entries, and the kernel's until the ring ends; only entries between its head and the tail are read by it.
    entries: NonNull<BufRingEntry>,
    /// `MEMORY_BYTES`.
    memory: NonNull<u8>,
    count: u16,
    /// How much of each buffer has been received into and handed out, since it was last given to the kernel.
    used: Vec<usize>,
    /// Counts, without end, the buffers given to the kernel; what is not published it does not know of.
    tail: u16,
    published: u16,
}

impl Buffers {
    /// Gives the kernel all of them.
    pub(crate) fn register(submitter: &Submitter<'_>) -> io::Result<Self> {
        match Self::register_as(submitter, PACKED_BUFFERS, PACKED) {
            // An older kernel does not know the flag.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Self::register_as(submitter, SINGLE_BUFFERS, 0)
            }
            registered => registered,
        }
    }

    fn register_as(submitter: &Submitter<'_>, count: u16, flags: u16) -> io::Result<Self> {
        // Neither is ever freed: the loop does not end before the process.
        let entries = allocate::<BufRingEntry>(usize::from(count));
        let memory = allocate::<u8>(MEMORY_BYTES);
        let address = entries.as_ptr() as u64;
        // SAFETY: the entries are so many, begin at a page, and are never freed.
        #[expect(unsafe_code, reason = "the kernel is given memory to write to")]
        unsafe {
            submitter.register_buf_ring_with_flags(address, count, GROUP, flags)?;
        }
        let used = vec![0; usize::from(count)];
        let mut buffers = Self { entries, memory, count, used, tail: 0, published: u16::MAX };
        for id in 0..count {
            buffers.give_back(id);
        }
        buffers.publish();
        Ok(buffers)
    }

    /// The next `bytes` bytes of buffer `id`, into which they were received, as a completion said that was not asked
    /// about before.
    pub(crate) fn received(&mut self, id: u16, bytes: usize) -> &mut [u8] {
        let (buffer, buffer_bytes) = (usize::from(id), self.buffer_bytes());
        let used = &mut self.used[buffer];
        let begin = *used;
        *used += bytes;
        assert!(*used <= buffer_bytes, "more was received than fits");
        // SAFETY: within the buffer, initialized when allocated, and lent out once: `used` only grows until the buffer is
        // given back. The kernel wrote there before it posted the completion, and what it may be writing now is behind.
        #[expect(unsafe_code, reason = "the kernel wrote there")]
        unsafe {
            std::slice::from_raw_parts_mut(self.memory.add(buffer * buffer_bytes + begin).as_ptr(), bytes)
        }
    }

    fn buffer_bytes(&self) -> usize {
        MEMORY_BYTES / usize::from(self.count)
    }

    /// Gives a buffer back, of which no part is lent any more (the borrow checker sees to that) and into which no more
    /// is received, as the last completion that named it said. The kernel knows when it is [published](Self::publish).
    pub(crate) fn give_back(&mut self, id: u16) {
        self.used[usize::from(id)] = 0;
        // SAFETY: a buffer comes from the kernel before it is given back, so there are no more than `count` entries
        // between head and tail, and this one is not yet between them: the kernel does not look at it.
        #[expect(unsafe_code, reason = "the entries are shared with the kernel")]
        let entry = unsafe { self.entries.add(usize::from(self.tail % self.count)).as_mut() };
        // The tail lies in the first entry, in a field that none of these is.
        entry.set_addr(self.memory.as_ptr() as u64 + (usize::from(id) * self.buffer_bytes()) as u64);
        entry.set_len(self.buffer_bytes() as u32);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Lets the kernel have what was given back.
    pub(crate) fn publish(&mut self) {
        if std::mem::replace(&mut self.published, self.tail) == self.tail {
            return;
        }
        // SAFETY: the tail lies in the first of the entries, and is aligned. The kernel only reads it.
        #[expect(unsafe_code, reason = "the tail is shared with the kernel")]
        let tail = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(self.entries.as_ptr()).cast_mut()) };
        // Entries before the tail that tells of them.
        tail.store(self.tail, Ordering::Release);
    }
}

/// Zeroed memory that begins at a page.
fn allocate<T>(count: usize) -> NonNull<T> {
    let layout =
        Layout::array::<T>(count).and_then(|layout| layout.align_to(PAGE_BYTES)).expect("a small size");
    // SAFETY: the size is not zero.
    #[expect(unsafe_code, reason = "aligned to a page, which no safe type is")]
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout))
}
