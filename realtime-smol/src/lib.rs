//! Async WebSocket connections, hub and server on smol.
#![deny(unsafe_code)]

mod client;
mod clock;
mod connection;
mod driver;
mod error;
mod handler;
mod hub;
mod random;
mod server;
mod sockets;
mod tasks;
mod websocket;

pub use client::{Client, Deliveries, Subscribing};
pub use error::{Error, SubscribeError};
pub use handler::{Answer, Handler, Peer, Takeover};
pub use hub::{Hub, HubBuilder};
pub use server::{Server, ServerBuilder, Stopper};
pub use tasks::{Conversation, Tasks, ToTask};
pub use websocket::WebSocket;

pub use realtime_core::wire;
pub use realtime_core::{
    AuthorizationRequest, ChannelKind, ChannelName, ClientId, Config as HubConfig, Credentials, Decision,
    Denial, Ending, HubError, MailboxLimits, Member, Notice, OutboxLimits, Pushed, SlowConsumer,
};
pub use realtime_ws::handshake::{ClientRequest, OriginPolicy, Upgrade};
pub use realtime_ws::{
    ApiMisuse, CloseCode, Closure, Config, Delivery, InvalidConfig, Keepalive, Message, OwnedMessage,
    PeerMisbehaved, Piece, PreparedMessage, Timestamp,
};
