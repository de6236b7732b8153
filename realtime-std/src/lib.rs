//! x

mod client;
mod connection;
mod driver;
mod handler;
mod hub;
mod link;
mod opening;
mod server;
mod waker;
mod websocket;

pub use client::{Client, Deliveries};
pub use handler::{Answer, Handler, Peer, Takeover};
pub use hub::{Hub, HubBuilder};
pub use server::{Server, ServerBuilder, Stopper};
pub use websocket::{Reader, WebSocket, Writer};

pub use realtime_adapter::{Error, SubscribeError};
pub use realtime_core::wire;
pub use realtime_core::{
    AuthorizationRequest, ChannelKind, ChannelName, ClientId, Config as HubConfig, Credentials, Decision,
    Denial, Ending, HubError, MailboxLimits, Member, Notice, OutboxLimits, Pushed, SlowConsumer,
};
pub use realtime_ws::handshake::{ClientRequest, OriginPolicy, Upgrade};
pub use realtime_ws::{
    ApiMisuse, CloseCode, Closure, Config, Delivery, Event, InvalidConfig, Keepalive, Message, OwnedMessage,
    PeerMisbehaved, Piece, PreparedMessage,
};
