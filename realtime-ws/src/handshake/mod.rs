//! The opening handshake (RFC 6455 §4).

mod grammar;
mod head;

pub use head::Headers;
