/// How many messages can be put together in the buffers at a time; of further ones each has memory of its own.
const MAX_LENT: usize = 8;

/// A buffer longer than this is freed rather than kept.
const MAX_KEPT_BYTES: usize = 2 * 1024 * 1024;

/// The most that is kept for the next messages.
const MAX_KEPT_BYTES_IN_ALL: usize = 4 * 1024 * 1024;

/// Where connections put large messages together, one after the other in the same memory: at most 4 MiB are kept for the
/// next.
///
/// A connection whose peer stops in the middle of a message keeps what it was lent. That is why only 8 are lent at a time.
#[derive(Debug, Default)]
pub struct MessageBuffers {
    kept: Vec<Vec<u8>>,
    kept_bytes: usize,
    lent: usize,
}

impl MessageBuffers {
    /// A buffer, empty if none is kept; `None` if as many are lent as can be.
    #[must_use]
    pub fn lend(&mut self) -> Option<Vec<u8>> {
        if self.lent == MAX_LENT {
            return None;
        }
        self.lent += 1;
        let buffer = self.kept.pop().unwrap_or_default();
        self.kept_bytes -= buffer.capacity();
        Some(buffer)
    }

    /// Takes a lent buffer back; an empty one for one that was lost with its connection.
    pub fn take_back(&mut self, buffer: Vec<u8>) {
        self.lent -= 1;
        let bytes = buffer.capacity();
        if bytes > 0 && bytes <= MAX_KEPT_BYTES && self.kept_bytes + bytes <= MAX_KEPT_BYTES_IN_ALL {
            self.kept_bytes += bytes;
            self.kept.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lend_all(buffers: &mut MessageBuffers) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| buffers.lend()).collect()
    }

    #[test]
    fn only_so_many_are_lent() {
        let mut buffers = MessageBuffers::default();
        assert_eq!(lend_all(&mut buffers).len(), MAX_LENT);
        buffers.take_back(Vec::new());
        assert_eq!(lend_all(&mut buffers).len(), 1);
    }

    #[test]
    fn what_came_back_is_lent_again() {
        let mut buffers = MessageBuffers::default();
        assert_eq!(buffers.lend(), Some(Vec::new()));
        buffers.take_back(vec![7; 1000]);
        assert_eq!(buffers.lend(), Some(vec![7; 1000]));
        assert_eq!(buffers.lend(), Some(Vec::new()));
    }

    #[test]
    fn only_so_much_is_kept() {
        let mut buffers = MessageBuffers::default();
        for _ in lend_all(&mut buffers) {
            buffers.take_back(vec![0; MAX_KEPT_BYTES]);
        }
        let kept: usize = lend_all(&mut buffers).iter().map(Vec::capacity).sum();
        assert_eq!(kept, MAX_KEPT_BYTES_IN_ALL);

        let mut buffers = MessageBuffers::default();
        assert!(buffers.lend().is_some());
        buffers.take_back(vec![0; MAX_KEPT_BYTES + 1]);
        assert_eq!(buffers.lend(), Some(Vec::new()));
    }
}
