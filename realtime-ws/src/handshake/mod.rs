//! The opening handshake (RFC 6455 §4).

mod accept_key;
mod client;
mod extension;
mod grammar;
mod head;
mod origin;
mod refusal;
mod request;
mod response;
mod server;
mod uri;

pub use client::{ClientHandshake, ClientRequest, HandshakeFailed, Response};
pub use extension::Extension;
pub use head::Headers;
pub use origin::{InvalidOrigin, Origin, OriginPolicy};
pub use refusal::Refusal;
pub use request::{Accept, HttpRequest, Request, Upgrade};
pub use server::ServerHandshake;
pub use uri::{InvalidUri, Scheme, Uri};
