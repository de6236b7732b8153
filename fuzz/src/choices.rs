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

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// Up to 255 bytes.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
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
