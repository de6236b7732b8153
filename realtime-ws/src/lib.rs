//! RFC 6455 WebSocket as state machines: bytes in, events out; messages in, bytes out. No socket, clock,
//! thread, lock or random source, no `unsafe`, and no `std` unless asked for.
//!
//! ```text
//!              ┌───────────── handshake ─────────────┐
//!  bytes in ─▶ │ ServerHandshake ─Upgrade─ accept()  │ ─▶ Connection
//!              │ ClientHandshake ─Response─          │
//!              └─────────────────────────────────────┘
//!
//!              ┌──────────── Connection ─────────────┐
//!  bytes in ─▶ │ Receiver   frames ▶ messages        │ ─Event─▶ the application
//!              │     │ pongs, close replies          │
//!  bytes out ◀─│ Sender     messages ▶ frames        │ ◀─send── the application
//!              └─────────────────────────────────────┘
//! ```
//!
//! A driver moves bytes, tells the time, and closes the socket in the end. It hands in what it read until
//! nothing comes out, **then writes what there is to write**:
//! ```
//! use realtime_ws::{CheckedConfig, Connection, Event, Timestamp};
//!
//! # fn read(buffer: &mut [u8]) -> usize { buffer[..9].copy_from_slice(b"\x81\x83\0\0\0\0abc"); 9 }
//! # fn write(slices: &[&[u8]]) -> usize { slices.iter().map(|slice| slice.len()).sum() }
//! # fn now() -> Timestamp { Timestamp::START }
//! let mut connection = Connection::server(CheckedConfig::default(), now());
//! let mut buffer = [0; 4096]; // may be shared by any number of connections
//! # let mut turns = 0;
//! while !connection.is_finished() {
//!     // Wait for bytes, or until `connection.poll_timeout()`, then `connection.handle_timeout(now())`.
//!     let bytes = read(&mut buffer);
//!     let mut input = &mut buffer[..bytes];
//!     // An error needs no handling: what the peer is told is queued, and the connection comes to its end.
//!     while let Ok(Some((event, sender))) = connection.receive(&mut input, now()) {
//!         if let Event::Text(text) = event {
//!             sender.send(text)?; // an echo
//!         }
//!     }
//!     loop {
//!         let mut slices = [&[][..]; 16];
//!         let filled = connection.poll_transmit(&mut slices);
//!         if filled == 0 {
//!             break;
//!         }
//!         let written = write(&slices[..filled]); // as much as the socket takes
//!         connection.transmitted(written);
//!     }
//! #   turns += 1;
//! #   if turns == 2 { break; }
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # What is promised
//! - No input makes it panic, allocate by a length that was merely declared, or hold more than [`Config`]
//!   allows.
//! - A frame that is whole in the caller's buffer is unmasked there and lent from there. An idle connection
//!   owns no heap memory, unless it agreed on context takeover.
//! - However the bytes are cut, the events are the same. Text is UTF-8, and fails at its first bad byte.
//! - Errors say whose fault it is: [`PeerMisbehaved`] comes from the network, [`ApiMisuse`] from the caller.
//!   A panic is a bug of this crate, or of a caller that reports more bytes than there were.
//!
//! # Features
//! None is on by default; the adapters turn on both.
//! - `deflate`: compressed messages ([RFC 7692]), for peers that agree to them and with `Config::deflate` set.
//!   Without `std` the compression library takes its memory from C's `malloc`.
//! - `std`: links `std`, so that UTF-8 checks, the parsing of heads and compression use the SIMD that the
//!   processor turns out to have at run time, rather than what was known when compiling. Behaviour stays the
//!   same.
//!
//! [RFC 7692]: https://www.rfc-editor.org/rfc/rfc7692
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod assembly;
mod close;
mod config;
mod connection;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "deflate/absent.rs"]
mod deflate;
mod error;
mod event;
pub mod frame;
pub mod handshake;
mod mask;
mod message;
mod opcode;
mod prepared;
mod receiver;
mod segment;
mod sender;
mod time;
mod transmit;
mod utf8;

pub use close::{CloseCode, Closure, MAX_CLOSE_REASON_BYTES};
pub use config::{CheckedConfig, Config, Delivery, InvalidConfig, Keepalive};
pub use connection::{Connection, MaskingKeys, Role};
#[cfg(feature = "deflate")]
pub use deflate::{DeflateConfig, NegotiatedDeflate};
pub use error::{ApiMisuse, PeerMisbehaved};
pub use event::{Event, Piece};
pub use message::{Message, OwnedMessage};
pub use opcode::{MessageKind, Opcode};
pub use prepared::{CompressionClass, PreparedMessage};
pub use receiver::{Receiver, Silence};
pub use segment::Segment;
pub use sender::Sender;
pub use time::Timestamp;
