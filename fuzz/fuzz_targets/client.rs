//! See `realtime_fuzz::client`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| realtime_fuzz::client(bytes));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    realtime_fuzz::replay(realtime_fuzz::client)
}
