//! Deflate taken literally (RFC 1951), a bit at a time: what a decompressor must equal, and what no
//! compressor may write.

/// As far as some input can be decompressed.
pub(crate) struct Inflated {
    pub(crate) output: Vec<u8>,
    /// What further input may refer to.
    pub(crate) history: Vec<u8>,
    pub(crate) end: End,
    /// Whether the input ends with a set of data, or has no bytes: nothing is to follow.
    pub(crate) is_complete: bool,
    /// The farthest that anything referred back.
    pub(crate) farthest: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All of the input is used, and a block ends with it, or with the bits that complete its last byte.
    Block,
    /// The input ends in the middle of a block.
    Cut,
    Corrupt,
    /// There is more output than was wanted.
    Limit,
}

/// Decompresses `input`, which may refer to `history` until a final block ends that.
pub(crate) fn inflate(input: &[u8], history: &[u8], most: usize) -> Inflated {
    let mut inflater = Inflater {
        bits: Bits { input, at: 0 },
        reach: 0,
        begun_at: 0,
        output: history.to_vec(),
        most: history.len().saturating_add(most),
        farthest: 0,
    };
    let end = inflater.run();
    Inflated {
        output: inflater.output[history.len()..].to_vec(),
        history: inflater.output[inflater.reach..].to_vec(),
        end,
        is_complete: inflater.bits.at == inflater.begun_at && end == End::Block,
        farthest: inflater.farthest,
    }
}

struct Bits<'a> {
    input: &'a [u8],
    /// In bits.
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<usize, End> {
        let byte = self.input.get(self.at / 8).ok_or(End::Cut)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(bit.into())
    }

    fn number(&mut self, bits: u8) -> Result<usize, End> {
        self.number_is_there(bits.into())?;
        (0..bits).try_fold(0, |number, place| Ok(number | self.bit()? << place))
    }

    fn number_is_there(&self, bits: usize) -> Result<(), End> {
        if self.at + bits > 8 * self.input.len() { Err(End::Cut) } else { Ok(()) }
    }

    fn are_used_up(&self) -> bool {
        self.at.div_ceil(8) == self.input.len()
    }
}

struct Inflater<'a> {
    bits: Bits<'a>,
    /// Where in `output` that begins which may be referred to.
    reach: usize,
    /// Where in `bits` the set of data begins.
    begun_at: usize,
    output: Vec<u8>,
    most: usize,
    farthest: usize,
}

impl Inflater<'_> {
    fn run(&mut self) -> End {
        loop {
            if self.bits.at.is_multiple_of(8) && self.bits.are_used_up() {
                return End::Block;
            }
            match self.block() {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    fn block(&mut self) -> Result<(), End> {
        // Read at once: a block whose kind is not known has not begun.
        let header = self.bits.number(3)?;
        match header >> 1 {
            0 => self.stored()?,
            1 => {
                let lengths: Vec<u8> = (0..288)
                    .map(|symbol| match symbol {
                        0..144 => 8,
                        144..256 => 9,
                        256..280 => 7,
                        _ => 8,
                    })
                    .collect();
                self.compressed(&Code::new(&lengths), &Code::new(&[5; 32]))?;
            }
            2 => {
                let (literals, distances) = self.codes()?;
                self.compressed(&literals, &distances)?;
            }
            _ => return Err(End::Corrupt),
        }
        if header & 1 == 1 {
            // A final block: what follows is the next set of data (RFC 7692 §7.2.3.4).
            self.bits.at = self.bits.at.next_multiple_of(8);
            self.begun_at = self.bits.at;
            self.reach = self.output.len();
        }
        Ok(())
    }

    fn stored(&mut self) -> Result<(), End> {
        self.bits.at = self.bits.at.next_multiple_of(8);
        let lengths = self.bits.number(32)?;
        let (len, complement) = (lengths & 0xFFFF, lengths >> 16);
        if len != complement ^ 0xFFFF {
            return Err(End::Corrupt);
        }
        for _ in 0..len {
            let byte = self.bits.number(8)?;
            self.push(byte as u8)?;
        }
        Ok(())
    }

    fn compressed(&mut self, literals: &Code, distances: &Code) -> Result<(), End> {
        const LENGTHS: [(usize, u8); 29] = lengths();
        const DISTANCES: [(usize, u8); 30] = distances_table();
        loop {
            let symbol = literals.read(&mut self.bits)?;
            match symbol {
                0..256 => self.push(symbol as u8)?,
                256 => return Ok(()),
                _ => {
                    let (base, extra) = *LENGTHS.get(symbol - 257).ok_or(End::Corrupt)?;
                    let len = base + self.bits.number(extra)?;
                    let symbol = distances.read(&mut self.bits)?;
                    let (base, extra) = *DISTANCES.get(symbol).ok_or(End::Corrupt)?;
                    let distance = base + self.bits.number(extra)?;
                    if distance > self.output.len() - self.reach {
                        return Err(End::Corrupt);
                    }
                    self.farthest = self.farthest.max(distance);
                    for _ in 0..len {
                        self.push(self.output[self.output.len() - distance])?;
                    }
                }
            }
        }
    }

    /// The codes at the front of a block that brings its own (RFC 1951 §3.2.7).
    fn codes(&mut self) -> Result<(Code, Code), End> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let counts = self.bits.number(14)?;
        let (literals, distances) = (257 + (counts & 31), 1 + (counts >> 5 & 31));
        if literals > 286 || distances > 30 {
            return Err(End::Corrupt);
        }
        let mut lengths = [0; 19];
        for place in &ORDER[..4 + (counts >> 10)] {
            lengths[*place] = self.bits.number(3)? as u8;
        }
        let code = Code::new(&lengths);
        if code.longest == 0 {
            // A code of no symbols stands for a length of 0 each time, so that no block can end.
            return self.bits.number_is_there(literals + distances).and(Err(End::Corrupt));
        }
        if code.is_overfull || code.is_incomplete {
            return Err(End::Corrupt);
        }
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let symbol = code.read(&mut self.bits)?;
            let (length, times) = match symbol {
                0..16 => (symbol as u8, 1),
                16 => {
                    let times = 3 + self.bits.number(2)?;
                    (*lengths.last().ok_or(End::Corrupt)?, times)
                }
                17 => (0, 3 + self.bits.number(3)?),
                _ => (0, 11 + self.bits.number(7)?),
            };
            if lengths.len() + times > literals + distances {
                return Err(End::Corrupt);
            }
            lengths.extend(std::iter::repeat_n(length, times));
        }
        let distances = lengths.split_off(literals);
        let (literals, distances) = (Code::new(&lengths), Code::new(&distances));
        // A code may be incomplete if its only symbol is one bit long, or it has none.
        let is_bad = |code: &Code| code.is_overfull || code.is_incomplete && code.longest > 1;
        if lengths[256] == 0 || is_bad(&literals) || is_bad(&distances) {
            return Err(End::Corrupt);
        }
        Ok((literals, distances))
    }

    fn push(&mut self, byte: u8) -> Result<(), End> {
        self.output.push(byte);
        if self.output.len() > self.most { Err(End::Limit) } else { Ok(()) }
    }
}

/// A canonical Huffman code (RFC 1951 §3.2.2).
struct Code {
    /// By length, the symbols in order.
    symbols: [Vec<u16>; 16],
    longest: usize,
    is_overfull: bool,
    is_incomplete: bool,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut symbols: [Vec<u16>; 16] = Default::default();
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            symbols[usize::from(*length)].push(symbol as u16);
        }
        let mut left = 1;
        let mut is_overfull = false;
        for of_length in &symbols[1..] {
            left = 2 * left - of_length.len() as i32;
            is_overfull |= left < 0;
            left = left.max(0);
        }
        let longest = (1..16).rev().find(|length| !symbols[*length].is_empty()).unwrap_or(0);
        Self { symbols, longest, is_overfull, is_incomplete: left > 0 }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<usize, End> {
        let (mut code, mut first) = (0, 0);
        for of_length in &self.symbols[1..=self.longest.max(1)] {
            code = code << 1 | bits.bit()?;
            first <<= 1;
            if let Some(symbol) = of_length.get(code.wrapping_sub(first)) {
                return Ok((*symbol).into());
            }
            first += of_length.len();
        }
        Err(End::Corrupt)
    }
}

/// What the symbols from 257 on mean: the least length and how many bits are added (RFC 1951 §3.2.5).
const fn lengths() -> [(usize, u8); 29] {
    let mut table = [(258, 0); 29];
    let (mut symbol, mut base) = (0, 3);
    while symbol < 28 {
        let extra = if symbol < 8 { 0 } else { (symbol / 4 - 1) as u8 };
        table[symbol] = (base, extra);
        base += 1 << extra;
        symbol += 1;
    }
    table
}

const fn distances_table() -> [(usize, u8); 30] {
    let mut table = [(0, 0); 30];
    let (mut symbol, mut base) = (0, 1);
    while symbol < 30 {
        let extra = if symbol < 4 { 0 } else { (symbol / 2 - 1) as u8 };
        table[symbol] = (base, extra);
        base += 1 << extra;
        symbol += 1;
    }
    table
}
