//! Randomness from the system.

use realtime_ws::MaskingKeys;

/// Keys are drawn from the system in lots: a system call for each would cost more than the frame.
const KEYS_PER_LOT: usize = 64;

/// Unpredictable masking keys for one client connection.
///
/// # Panics
/// Where they are drawn, as [`seed`] does.
#[must_use]
pub fn masking_keys() -> MaskingKeys {
    let mut lot = [[0; 4]; KEYS_PER_LOT];
    let mut left = 0;
    MaskingKeys::new(move || {
        if left == 0 {
            fill(lot.as_flattened_mut());
            left = KEYS_PER_LOT;
        }
        left -= 1;
        lot[left]
    })
}

/// 16 unpredictable bytes: a handshake's nonce, or the seed of a hub's hashes.
///
/// # Panics
/// If the system has no random source: nothing here is safe without one.
#[must_use]
pub fn seed() -> [u8; 16] {
    let mut seed = [0; 16];
    fill(&mut seed);
    seed
}

fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        panic!("the system's random source failed: {error}");
    }
}
