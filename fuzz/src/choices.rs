/// Reads a case's decisions off the front of its bytes; when they run out, every choice is the first one.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl<'a> Choices<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        match self.0 {
            [] => 0,
            [byte, rest @ ..] => {
                self.0 = rest;
                *byte
            }
        }
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// One of the numbers from `first` to `last`.
    pub(crate) fn in_range(&mut self, first: u8, last: u8) -> u8 {
        first + self.byte() % (last - first + 1)
    }

    /// Up to 255 bytes.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        self.bytes_up_to(255)
    }

    pub(crate) fn bytes_up_to(&mut self, most: usize) -> &'a [u8] {
        let len = (usize::from(self.byte()) % (most + 1)).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    /// Text of up to 255 bytes; what is not UTF-8 is replaced.
    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Lengths to cut a stream into, from one seed: a few bytes, or up to thousands, as the seed has it.
pub(crate) fn chunk_lengths(seed: u8) -> impl Iterator<Item = usize> {
    let longest = [1, 2, 7, 64, 1000, 70_000][usize::from(seed) % 6];
    let mut state = u64::from(seed) + 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        1 + (state % longest) as usize
    })
}

/// Lengths to cut a stream into, each of the input's choosing, over and over. A chosen 0 is an empty chunk,
/// and a byte behind it, so that there is an end.
pub(crate) fn chosen_lengths(chosen: &[u8]) -> impl Iterator<Item = usize> {
    let chosen = if chosen.is_empty() { &[u8::MAX] } else { chosen };
    chosen
        .iter()
        .cycle()
        .flat_map(|length| match length {
            0 => [Some(0), Some(1)],
            length => [Some(usize::from(*length)), None],
        })
        .flatten()
}
