/// Nanoseconds in buckets that are at most 1/64 of their value wide: the memory is fixed, whatever comes.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

const BUCKETS_PER_OCTAVE: usize = 64;

/// Values from 2^41 ns, over half an hour, count as that.
const OCTAVES: usize = 36;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; OCTAVES * BUCKETS_PER_OCTAVE], total: 0 }
    }

    pub(crate) fn record(&mut self, nanoseconds: u64, times: u64) {
        self.counts[bucket(nanoseconds)] += times;
        self.total += times;
    }

    /// The value that the share `q` of all values do not exceed; 0 if there are none.
    pub(crate) fn quantile(&self, q: f64) -> u64 {
        let wanted = (self.total as f64 * q).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return upper_end(index);
            }
        }
        0
    }
}

fn bucket(value: u64) -> usize {
    let octave = value.checked_ilog2().unwrap_or(0).saturating_sub(6) as usize;
    if octave == 0 {
        return value as usize & (2 * BUCKETS_PER_OCTAVE - 1);
    }
    // Within its octave a value has its top bit and the six below it.
    let index = octave * BUCKETS_PER_OCTAVE + (value >> octave) as usize;
    index.min(OCTAVES * BUCKETS_PER_OCTAVE - 1)
}

fn upper_end(index: usize) -> u64 {
    if index < 2 * BUCKETS_PER_OCTAVE {
        return index as u64;
    }
    let octave = index / BUCKETS_PER_OCTAVE - 1;
    (((index - octave * BUCKETS_PER_OCTAVE) as u64 + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_within_a_64th_of_its_buckets_end() {
        for value in (0..40).map(|bits| 1_u64 << bits).flat_map(|value| [value - 1, value, value + value / 3])
        {
            let end = upper_end(bucket(value));
            assert!(value <= end && end - value <= value / 64 + 1, "{value} ends at {end}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut histogram = Histogram::new();
        for value in 1..=100 {
            histogram.record(value, 1);
        }
        assert_eq!(
            (histogram.quantile(0.5), histogram.quantile(0.99), histogram.quantile(1.0)),
            (50, 99, 100)
        );
    }
}
