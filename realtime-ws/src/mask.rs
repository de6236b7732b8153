/// Masks `payload`, or unmasks it: the two are one (RFC 6455 §5.3).
#[inline]
pub(crate) fn apply(key: [u8; 4], payload: &mut [u8]) {
    // Blocks of a fixed size compile to the widest vectors of the target. Most messages in this field are
    // short, so what is left of them goes by words rather than by bytes.
    let (blocks, rest) = payload.as_chunks_mut::<64>();
    if !blocks.is_empty() {
        let wide: [u8; 64] = core::array::from_fn(|i| key[i % 4]);
        for block in blocks {
            for (byte, key) in block.iter_mut().zip(&wide) {
                *byte ^= key;
            }
        }
    }
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let (words, tail) = rest.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
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
        for len in 0..300 {
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
