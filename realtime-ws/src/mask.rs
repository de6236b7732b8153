/// From this length on, blocks of 64 bytes pay: they compile to the widest vectors of the target, but want a
/// key as long.
const BLOCKS_FROM_BYTES: usize = 1024;

/// Masks `payload`, or unmasks it: the two are one (RFC 6455 §5.3).
#[inline]
pub(crate) fn apply(key: [u8; 4], payload: &mut [u8]) {
    let rest = if payload.len() < BLOCKS_FROM_BYTES { payload } else { apply_to_blocks(key, payload) };
    let wide = u128::from_ne_bytes(core::array::from_fn(|i| key[i % 4]));
    let (words, tail) = rest.as_chunks_mut::<16>();
    for word in words {
        *word = (u128::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// Masks whole blocks, and returns what is left.
fn apply_to_blocks(key: [u8; 4], payload: &mut [u8]) -> &mut [u8] {
    let wide: [u8; 64] = core::array::from_fn(|i| key[i % 4]);
    let (blocks, rest) = payload.as_chunks_mut::<64>();
    for block in blocks {
        for (byte, key) in block.iter_mut().zip(&wide) {
            *byte ^= key;
        }
    }
    rest
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
