#[cfg(feature = "std")]
use fearless_simd::{Level, Simd, SimdBase, u8x64};

/// From this length on it pays to look for blocks that each fill one line of the cache: a store across two
/// lines costs as much as two stores.
const BLOCKS_FROM_BYTES: usize = 1024;

const BLOCK_BYTES: usize = 64;

/// Masks `payload`, or unmasks it: the two are one (RFC 6455 §5.3).
#[inline]
pub(crate) fn apply(key: [u8; 4], payload: &mut [u8]) {
    if payload.len() < BLOCKS_FROM_BYTES { apply_to_short(key, payload) } else { apply_to_long(key, payload) }
}

fn apply_to_short(key: [u8; 4], payload: &mut [u8]) {
    let (vectors, rest) = payload.as_chunks_mut::<16>();
    for vector in vectors {
        apply_to_words(key, vector);
    }
    let (words, tail) = rest.split_at_mut(rest.len() & !3);
    apply_to_words(key, words);
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

fn apply_to_long(key: [u8; 4], payload: &mut [u8]) {
    let before_blocks = payload.as_ptr().align_offset(BLOCK_BYTES).min(payload.len());
    let (front, rest) = payload.split_at_mut(before_blocks);
    apply_to_short(key, front);
    let key = rotate(key, before_blocks);
    let (blocks, tail) = rest.as_chunks_mut::<BLOCK_BYTES>();
    apply_to_blocks(key, blocks);
    apply_to_short(key, tail);
}

/// With the widest vectors that the processor turns out to have.
#[cfg(feature = "std")]
fn apply_to_blocks(key: [u8; 4], blocks: &mut [[u8; BLOCK_BYTES]]) {
    fearless_simd::dispatch!(Level::new(), simd => apply_with(simd, key, blocks));
}

#[cfg(feature = "std")]
#[inline(always)] // into what is compiled for each kind of vectors
fn apply_with<S: Simd>(simd: S, key: [u8; 4], blocks: &mut [[u8; BLOCK_BYTES]]) {
    let mut keys = [0; BLOCK_BYTES];
    keys.as_chunks_mut().0.fill(key);
    let keys = u8x64::from_slice(simd, &keys);
    for block in blocks {
        (u8x64::from_slice(simd, block) ^ keys).store_slice(block);
    }
}

/// With the widest vectors of the target.
#[cfg(not(feature = "std"))]
fn apply_to_blocks(key: [u8; 4], blocks: &mut [[u8; BLOCK_BYTES]]) {
    for block in blocks {
        apply_to_words(key, block);
    }
}

#[inline(always)] // for a known number of words it compiles to the widest vectors of the target
fn apply_to_words(key: [u8; 4], words: &mut [u8]) {
    for word in words.as_chunks_mut::<4>().0 {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
}

/// The key that continues after `bytes` bytes of a payload.
#[inline]
pub(crate) const fn rotate(key: [u8; 4], bytes: usize) -> [u8; 4] {
    let turn = bytes % 4;
    [key[turn], key[(turn + 1) % 4], key[(turn + 2) % 4], key[(turn + 3) % 4]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// RFC 6455 §5.3 taken literally: what `apply` must equal at every length and offset.
    fn mask_naively(key: [u8; 4], payload: &mut [u8]) {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
    }

    #[test]
    fn every_short_length_equals_the_naive_mask() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in (0..300).chain(1000..1100) {
            let mut masked: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut expected = masked.clone();
            apply(key, &mut masked);
            mask_naively(key, &mut expected);
            assert_eq!(masked, expected, "length {len}");
        }
    }

    #[test]
    fn a_payload_anywhere_in_memory_equals_the_naive_mask() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let bytes: Vec<u8> = (0..1300).map(|i| i as u8).collect();
        for start in 0..=BLOCK_BYTES {
            for len in [BLOCKS_FROM_BYTES - 1, BLOCKS_FROM_BYTES, BLOCKS_FROM_BYTES + 77] {
                let (mut masked, mut expected) = (bytes.clone(), bytes.clone());
                apply(key, &mut masked[start..start + len]);
                mask_naively(key, &mut expected[start..start + len]);
                assert_eq!(masked, expected, "{len} bytes from {start}");
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_with_a_rotated_key_equal_the_whole(key: [u8; 4], payload: Vec<u8>, cut: prop::sample::Index) {
            let mut expected = payload.clone();
            mask_naively(key, &mut expected);
            let mut masked = payload;
            let cut = if masked.is_empty() { 0 } else { cut.index(masked.len()) };
            apply(key, &mut masked[..cut]);
            apply(rotate(key, cut), &mut masked[cut..]);
            prop_assert_eq!(masked, expected);
        }
    }
}
