//! Where a head begins and ends, and the lines between.

use super::grammar;
use crate::Config;
use alloc::vec::Vec;

/// Takes one head off a stream, however it is cut, and looks at each byte once.
///
/// A head that arrives whole is lent from the caller's buffer. Only an incomplete one is copied here.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    partial: Vec<u8>,
    scan: Scan,
}

/// A complete head: every line ends in CR LF, the last one is empty, and the limits are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header_count: usize,
    headers_at: usize,
}

/// A head that is refused before it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHead {
    BareLineFeed,
    TooLong { limit: usize },
    TooManyHeaders { limit: usize },
}

impl HeadReader {
    /// Whether no byte was taken yet.
    pub(super) const fn is_at_start(&self) -> bool {
        self.scan.scanned == 0
    }

    /// Takes the head off the front of `input`; all of `input` while there is no end in sight.
    pub(super) fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        config: &Config,
    ) -> Result<Option<Head<'s>>, BadHead> {
        let limit = config.max_head_bytes;
        let max_headers = config.max_headers.min(Config::MAX_HEADERS);
        let scannable = input.len().min(limit.saturating_sub(self.scan.scanned));
        let end = self.scan.advance(&input[..scannable], max_headers)?;
        let (taken, rest) = core::mem::take(input).split_at_mut(end.unwrap_or(scannable));
        *input = rest;
        if end.is_none() {
            if self.scan.scanned >= limit {
                return Err(BadHead::TooLong { limit });
            }
            self.partial.extend_from_slice(taken);
            return Ok(None);
        }
        let bytes: &[u8] = if self.partial.is_empty() {
            taken
        } else {
            self.partial.extend_from_slice(taken);
            &self.partial
        };
        let header_count = self.scan.lines.saturating_sub(1);
        Ok(Some(Head { bytes, header_count, headers_at: self.scan.headers_at }))
    }
}

impl<'a> Head<'a> {
    pub(super) fn headers(&self) -> Headers<'a> {
        Headers { lines: &self.bytes[self.headers_at..] }
    }
}

/// The headers of a request or response, in the order they came; values without the white space around
/// them. Names are ASCII, in the case that the peer chose; compare them without regard to case.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    lines: &'a [u8],
}

impl<'a> Headers<'a> {
    /// The value of the first header called `name`, in any case.
    pub(super) fn value(self, name: &str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// The values of all headers called `name`, in any case.
    pub(super) fn values<'n>(mut self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let lines = core::iter::from_fn(move || self.next_line());
        let found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| value)
    }

    fn next_line(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let line_feed = LineFeeds::new(self.lines).next()?;
        let (line, rest) = self.lines.split_at(line_feed + 1);
        // The empty line that ends a head has no colon, and so ends this iterator.
        let colon = line.iter().position(|byte| *byte == b':')?;
        self.lines = rest;
        Some((&line[..colon], grammar::trim(line[colon + 1..].strip_suffix(b"\r\n")?)))
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.next_line()?;
        Some((core::str::from_utf8(name).ok()?, value))
    }
}

/// A header that must not come twice.
#[derive(Clone, Copy, Default)]
pub(super) enum Once<'a> {
    #[default]
    Missing,
    Found(&'a [u8]),
    Repeated,
}

impl<'a> Once<'a> {
    pub(super) const fn take_in(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Missing => Self::Found(value),
            Self::Found(_) | Self::Repeated => Self::Repeated,
        };
    }
}

/// What is known of the lines seen so far. Carried from one piece of input to the next, so that no byte
/// is looked at twice.
#[derive(Debug, Default)]
struct Scan {
    scanned: usize,
    last_byte: u8,
    line_start: usize,
    /// Complete lines that are not empty: the first line and the headers.
    lines: usize,
    /// Where the line after the first one begins.
    headers_at: usize,
    #[cfg(test)]
    bytes_looked_at: usize,
}

impl Scan {
    /// Looks at the next bytes; returns how many of them belong to the head once it ends among them.
    fn advance(&mut self, bytes: &[u8], max_headers: usize) -> Result<Option<usize>, BadHead> {
        #[cfg(test)]
        {
            self.bytes_looked_at += bytes.len();
        }
        for line_feed in LineFeeds::new(bytes) {
            let before = if line_feed == 0 { self.last_byte } else { bytes[line_feed - 1] };
            if before != b'\r' {
                return Err(BadHead::BareLineFeed);
            }
            let line_is_empty = self.scanned + line_feed == self.line_start + 1;
            self.line_start = self.scanned + line_feed + 1;
            // Empty lines ahead of the first line are passed over (RFC 9112 §2.2).
            if line_is_empty && self.lines > 0 {
                self.scanned = self.line_start;
                return Ok(Some(line_feed + 1));
            }
            if !line_is_empty {
                self.lines += 1;
            }
            if self.lines <= 1 {
                self.headers_at = self.line_start;
            } else if self.lines - 1 > max_headers {
                return Err(BadHead::TooManyHeaders { limit: max_headers });
            }
        }
        self.scanned += bytes.len();
        self.last_byte = bytes.last().copied().unwrap_or(self.last_byte);
        Ok(None)
    }
}

/// The positions of the line feeds, found eight bytes at a time.
struct LineFeeds<'a> {
    rest: &'a [u8],
    word_start: usize,
    next_word_start: usize,
    /// The top bit of each byte of the current word that is a line feed and was not yet returned.
    hits: u64,
}

impl<'a> LineFeeds<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, word_start: 0, next_word_start: 0, hits: 0 }
    }
}

impl Iterator for LineFeeds<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.hits == 0 {
            let word = if let Some((word, rest)) = self.rest.split_first_chunk() {
                self.rest = rest;
                u64::from_le_bytes(*word)
            } else if self.rest.is_empty() {
                return None;
            } else {
                core::mem::take(&mut self.rest)
                    .iter()
                    .rev()
                    .fold(0, |word, byte| word << 8 | u64::from(*byte))
            };
            self.word_start = self.next_word_start;
            self.next_word_start += 8;
            self.hits = line_feeds_in(word);
        }
        let position = self.word_start + self.hits.trailing_zeros() as usize / 8;
        self.hits &= self.hits - 1;
        Some(position)
    }
}

/// The top bit of each byte of `word` that is a line feed. Exact: no carry runs from byte to byte.
const fn line_feeds_in(word: u64) -> u64 {
    const LOW_BITS: u64 = u64::from_ne_bytes([0x7f; 8]);
    let zero_where_found = word ^ u64::from_ne_bytes([b'\n'; 8]);
    !(((zero_where_found & LOW_BITS) + LOW_BITS) | zero_where_found | LOW_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t b c \r\n\r\n";

    fn config(max_head_bytes: usize, max_headers: usize) -> Config {
        Config { max_head_bytes, max_headers, ..Config::default() }
    }

    /// What comes of `bytes` that arrive in pieces of `size`.
    fn read(bytes: &[u8], size: usize, config: &Config) -> Result<Option<Vec<u8>>, BadHead> {
        let mut reader = HeadReader::default();
        for piece in bytes.chunks(size) {
            let mut piece = piece.to_vec();
            let mut input = &mut piece[..];
            if let Some(head) = reader.receive(&mut input, config)? {
                return Ok(Some(head.bytes.to_vec()));
            }
            assert!(input.is_empty(), "an incomplete head takes all");
        }
        Ok(None)
    }

    #[test]
    fn each_byte_is_looked_at_once_however_the_head_is_cut() {
        let mut long = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &vec![b'a'; 8 << 20], b"\r\n\r\n"].concat();
        let len = long.len();
        for size in [1, 7, len] {
            let mut reader = HeadReader::default();
            let mut is_complete = false;
            for mut piece in long.chunks_mut(size) {
                is_complete |= reader.receive(&mut piece, &config(len, 1)).unwrap().is_some();
            }
            assert!(is_complete);
            assert_eq!(reader.scan.bytes_looked_at, len);
        }
    }

    #[test]
    fn a_head_that_arrives_whole_is_not_copied() {
        let mut bytes = HEAD.to_vec();
        let place = bytes.as_ptr_range();
        let mut reader = HeadReader::default();
        let head = reader.receive(&mut &mut bytes[..], &Config::default()).unwrap().unwrap();
        assert_eq!(head.bytes.as_ptr_range(), place);
        assert_eq!(reader.partial.capacity(), 0);
    }

    #[test]
    fn what_follows_the_head_stays_in_the_input() {
        let mut bytes = [HEAD, b"frames"].concat();
        let mut input = &mut bytes[..];
        let mut reader = HeadReader::default();
        assert_eq!(reader.receive(&mut input, &Config::default()).unwrap().unwrap().bytes, HEAD);
        assert_eq!(input, b"frames");
    }

    #[test]
    fn headers_are_trimmed_and_in_order() {
        let mut bytes = [b"\r\n\r\n", HEAD].concat();
        let mut reader = HeadReader::default();
        let head = reader.receive(&mut &mut bytes[..], &Config::default()).unwrap().unwrap();
        let headers: Vec<(&str, &[u8])> = head.headers().collect();
        assert_eq!(headers, [("Host", b"a".as_slice()), ("X", b""), ("Y", b"b c")]);
        assert_eq!(head.header_count, 3);
    }

    #[test]
    fn a_head_at_the_limit_passes_and_one_byte_more_does_not() {
        let limit = HEAD.len();
        for size in [1, 3, limit] {
            assert_eq!(read(HEAD, size, &config(limit, 3)), Ok(Some(HEAD.to_vec())));
            assert_eq!(read(HEAD, size, &config(limit - 1, 3)), Err(BadHead::TooLong { limit: limit - 1 }));
            assert_eq!(read(HEAD, size, &config(limit, 2)), Err(BadHead::TooManyHeaders { limit: 2 }));
        }
    }

    #[test]
    fn an_endless_line_is_refused_with_no_more_than_the_limit_kept() {
        let mut reader = HeadReader::default();
        let config = config(100, 8);
        let outcome = (0..1000).find_map(|_| reader.receive(&mut &mut [b'a'; 7][..], &config).err());
        assert_eq!(outcome, Some(BadHead::TooLong { limit: 100 }));
        assert!(reader.partial.len() <= 100);
    }

    #[test]
    fn a_line_feed_without_a_carriage_return_is_refused() {
        for bytes in ["\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\n\n"] {
            for size in 1..=bytes.len() {
                assert_eq!(read(bytes.as_bytes(), size, &Config::default()), Err(BadHead::BareLineFeed));
            }
        }
    }

    proptest! {
        #[test]
        fn line_feeds_are_those_of_a_naive_search(bytes in prop::collection::vec(8u8..14, 0..64)) {
            let naive: Vec<usize> = (0..bytes.len()).filter(|i| bytes[*i] == b'\n').collect();
            prop_assert_eq!(LineFeeds::new(&bytes).collect::<Vec<_>>(), naive);
        }

        #[test]
        fn any_cut_gives_the_same_head(text in "[a:\r\n ]{0,60}(\r\n\r\n)?[a\n]{0,9}", size in 1usize..9) {
            let config = config(48, 4);
            let whole = read(text.as_bytes(), text.len().max(1), &config);
            prop_assert_eq!(read(text.as_bytes(), size, &config), whole);
        }
    }
}
