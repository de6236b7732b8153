//! What each fuzz target does with its bytes, as ordinary functions: the fuzzer calls them with bytes of
//! its own making, `cargo test` with the seeds in `seeds/`, and `cargo run --bin TARGET FILE...` with
//! files.
#![forbid(unsafe_code)]

mod choices;
mod client;
mod connection;
mod differential;
mod frame;
mod frames;
mod handshake;
mod hub;
mod inflate;
mod mask;
mod naive;
mod pusher;
mod signature;
mod utf8;

pub use client::client;
pub use connection::connection;
pub use differential::differential;
pub use frame::frame;
pub use handshake::handshake;
pub use hub::hub;
pub use mask::mask;
pub use pusher::pusher;
pub use signature::signature;
pub use utf8::utf8;

/// What a target does with its bytes; it panics if something is wrong.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 10] = [
    ("client", client),
    ("connection", connection),
    ("differential", differential),
    ("frame", frame),
    ("handshake", handshake),
    ("hub", hub),
    ("mask", mask),
    ("pusher", pusher),
    ("signature", signature),
    ("utf8", utf8),
];

/// Runs `target` with the content of each file that the command line names.
///
/// # Errors
/// The file that could not be read.
pub fn replay(target: Target) -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).map_err(|error| std::io::Error::new(error.kind(), path))?;
        target(&bytes);
    }
    Ok(())
}
