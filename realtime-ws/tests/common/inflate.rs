//! RFC 1951 taken literally, a bit at a time, to be told by how far back a message refers.

/// What a decompressor remembers, without end.
#[derive(Default)]
pub struct NaiveInflate {
    history: Vec<u8>,
    /// The furthest that anything referred back, in bytes.
    pub furthest: usize,
}

impl NaiveInflate {
    /// The message that these blocks make, of which none is a final one.
    pub fn read(&mut self, compressed: &[u8]) -> Vec<u8> {
        let bytes = [compressed, &[0, 0, 0xFF, 0xFF]].concat();
        let mut bits = Bits { bytes: &bytes, at: 0 };
        let start = self.history.len();
        while bits.at < 8 * bytes.len() {
            self.read_block(&mut bits);
        }
        self.history[start..].to_vec()
    }

    fn read_block(&mut self, bits: &mut Bits<'_>) {
        assert_eq!(bits.take(1), 0, "no final block");
        match bits.take(2) {
            0 => {
                bits.at = bits.at.next_multiple_of(8);
                let (len, complement) = (bits.take(16), bits.take(16));
                assert_eq!(len, !complement & 0xFFFF);
                self.history.extend((0..len).map(|_| bits.take(8) as u8));
            }
            1 => {
                let lens = [[8; 144].as_slice(), &[9; 112], &[7; 24], &[8; 8]].concat();
                self.read_symbols(bits, &Code::new(&lens), &Code::new(&[5; 30]));
            }
            2 => {
                let (literals, distances) = read_codes(bits);
                self.read_symbols(bits, &literals, &distances);
            }
            _ => panic!("a block of the reserved type"),
        }
    }

    fn read_symbols(&mut self, bits: &mut Bits<'_>, literals: &Code, distances: &Code) {
        loop {
            match literals.read(bits) {
                symbol @ 0..256 => self.history.push(symbol as u8),
                256 => return,
                symbol => {
                    let len = match symbol - 257 {
                        28 => 258,
                        short @ 0..8 => 3 + short,
                        long => {
                            let extra = long / 4 - 1;
                            3 + ((4 + long % 4) << extra) + bits.take(extra)
                        }
                    };
                    let distance = match distances.read(bits) {
                        near @ 0..4 => 1 + near,
                        far => {
                            let extra = far / 2 - 1;
                            1 + ((2 + far % 2) << extra) + bits.take(extra)
                        }
                    };
                    self.furthest = self.furthest.max(distance);
                    for _ in 0..len {
                        self.history.push(self.history[self.history.len() - distance]);
                    }
                }
            }
        }
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// A number, its lowest bit first.
    fn take(&mut self, count: usize) -> usize {
        let bits = (self.at..self.at + count).map(|at| usize::from(self.bytes[at / 8] >> (at % 8) & 1));
        self.at += count;
        bits.rev().fold(0, |number, bit| number << 1 | bit)
    }
}

/// A canonical Huffman code (RFC 1951 §3.2.2).
struct Code {
    /// How many symbols have a code of this length.
    counts: [usize; 16],
    /// By length, then by value.
    symbols: Vec<usize>,
}

impl Code {
    fn new(lens: &[usize]) -> Self {
        let counts = std::array::from_fn(|len| lens.iter().filter(|of| **of == len && len > 0).count());
        let mut symbols: Vec<_> = (0..lens.len()).filter(|symbol| lens[*symbol] > 0).collect();
        symbols.sort_by_key(|symbol| lens[*symbol]);
        Self { counts, symbols }
    }

    fn read(&self, bits: &mut Bits<'_>) -> usize {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1);
            if code - first < *count {
                return self.symbols[index + code - first];
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        panic!("a code that stands for nothing")
    }
}

/// The codes of a block that brings its own (RFC 1951 §3.2.7).
fn read_codes(bits: &mut Bits<'_>) -> (Code, Code) {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances, code_lens) = (257 + bits.take(5), 1 + bits.take(5), 4 + bits.take(4));
    let mut lens_of_lens = [0; 19];
    for symbol in &ORDER[..code_lens] {
        lens_of_lens[*symbol] = bits.take(3);
    }
    let code = Code::new(&lens_of_lens);
    let mut lens = Vec::new();
    while lens.len() < literals + distances {
        let (len, times) = match code.read(bits) {
            16 => (lens[lens.len() - 1], 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            len => (len, 1),
        };
        lens.extend(std::iter::repeat_n(len, times));
    }
    (Code::new(&lens[..literals]), Code::new(&lens[literals..]))
}
