//! RFC 6455 WebSocket as state machines.
#![no_std]
extern crate alloc;
mod close;
mod config;
mod connection;
mod error;
mod event;
mod frame;
pub mod handshake;
mod message;
mod opcode;
mod prepared;
mod time;

pub use close::{CloseCode, Closure, MAX_CLOSE_REASON_BYTES};
pub use config::{Config, Delivery, InvalidConfig, Keepalive};
pub use connection::{Connection, MaskingKeys, Receiver, Role, Sender};
pub use error::{ApiMisuse, PeerMisbehaved};
pub use event::{Event, Piece};
pub use message::Message;
pub use opcode::{MessageKind, Opcode};
pub use prepared::PreparedMessage;
pub use time::Timestamp;
