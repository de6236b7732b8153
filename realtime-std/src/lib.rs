//! x

mod client;
mod clock;
mod connection;
mod driver;
mod error;
mod handler;
mod hub;
mod link;
mod opening;
mod random;
mod server;
mod waker;
mod websocket;

pub use client::{Client, Deliveries};
pub use error::{Error, SubscribeError};
pub use handler::{Answer, Handler, Peer, Takeover};
pub use hub::{Hub, HubBuilder};
pub use server::{Server, ServerBuilder, Stopper};
pub use websocket::{Reader, WebSocket, Writer};

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

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic in the application's code happens outside all locks, so that what they guard is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
