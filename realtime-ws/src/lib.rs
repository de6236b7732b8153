//! RFC 6455 WebSocket as state machines.
#![no_std]
extern crate alloc;
mod assembly;
mod close;
mod config;
mod connection;
mod error;
mod event;
pub mod frame;
pub mod handshake;
mod mask;
mod message;
mod opcode;
mod prepared;
mod receiver;
mod sender;
mod time;
mod transmit;
mod utf8;

pub use close::{CloseCode, Closure, MAX_CLOSE_REASON_BYTES};
pub use config::{Config, Delivery, InvalidConfig, Keepalive};
pub use connection::{Connection, MaskingKeys, Role};
pub use error::{ApiMisuse, PeerMisbehaved};
pub use event::{Event, Piece};
pub use message::{Message, OwnedMessage};
pub use opcode::{MessageKind, Opcode};
pub use prepared::PreparedMessage;
pub use receiver::{Receiver, Silence};
pub use sender::Sender;
pub use time::Timestamp;
