//! The opening handshake (RFC 6455 §4).

mod grammar;
mod head;
mod uri;

pub use head::Headers;
pub use uri::{InvalidUri, Scheme, Uri};
