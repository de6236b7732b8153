//! Async WebSocket connections, hub and server on [smol].
//!
//! | for | take |
//! |---|---|
//! | many connections: chat, presence, fan-out | [`Server`] with a [`Handler`], or with [`Tasks`] where handlers wait |
//! | one connection in ordinary async code, server or client | [`WebSocket`] |
//! | subscribers in this process, or behind another transport | [`Hub::connect`] |
//!
//! ```
//! use realtime_smol::{Message, Peer, Server};
//!
//! # fn main() -> std::io::Result<()> {
//! let server = Server::bind("127.0.0.1:0")?;
//! println!("ws://{}", server.local_addr()?);
//! # server.stopper().stop();
//! smol::block_on(server.serve(|peer: &mut Peer<'_>, message: Message<'_>| {
//!     let _ = peer.send(message); // an echo; refused only while the connection is closing
//! }))
//! # }
//! ```
//!
//! The protocol, the hub and all limits are those of `realtime-ws` and `realtime-core`; this crate moves
//! bytes, tells the time, draws random seeds and performs what the hub asks for. It runs on Unix. There is no
//! TLS in it: [`WebSocket`] takes any stream of bytes, a [`Server`] wants something in front of it.
#![cfg_attr(target_os = "linux", forbid(unsafe_code))]
#![deny(unsafe_code)] // elsewhere one block, in `sockets`

mod client;
mod connection;
mod driver;
mod handler;
mod homes;
mod hub;
mod panics;
mod server;
mod sockets;
mod tasks;
mod websocket;

pub use client::{Client, Deliveries, Subscribing};
pub use handler::{Handler, Peer, Permit, Takeover};
pub use hub::{Hub, HubBuilder};
pub use server::{Meter, Server, ServerBuilder, Stopper};
pub use tasks::{Conversation, Tasks, ToTask};
pub use websocket::WebSocket;

pub use realtime_adapter::{Delays, Error, HubCounts, SubscribeError, Traffic};
pub use realtime_core::wire;
pub use realtime_core::{
    Answer, AuthorizationRequest, ChannelKind, ChannelName, ClientId, Config as HubConfig, Credentials,
    Decision, Denial, Ending, HubError, MailboxLimits, Member, Notice, OutboxLimits, Pushed, SlowConsumer,
};
#[cfg(feature = "deflate")]
pub use realtime_ws::DeflateConfig;
pub use realtime_ws::handshake::{ClientRequest, OriginPolicy, Refusal, Upgrade, Uri};
pub use realtime_ws::{
    ApiMisuse, CheckedConfig, CloseCode, Closure, Config, Delivery, InvalidConfig, Keepalive, Message,
    OwnedMessage, PeerMisbehaved, Piece, PreparedMessage, Timestamp,
};
