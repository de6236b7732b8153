//! WebSocket connections, a hub and a server for programs that may block: each connection has a thread.
//!
//! Three things, each of use without the others:
//! - [`WebSocket`]: one connection, as a client or as a server.
//! - [`Hub`]: clients, channels, who is present in them, and broadcasts; used from any thread. A client needs no WebSocket.
//! - [`Server`]: accepts connections, hands their messages to a [`Handler`] that may block, and makes them clients of a hub.
//!
//! # A server with rooms
//! ```
//! use realtime_std::{CloseCode, Config, Credentials, Message, Peer, Server, WebSocket};
//!
//! let server = Server::bind("127.0.0.1:0")?; // any free port
//! let (address, stopper) = (server.local_addr()?, server.stopper());
//! let serving = std::thread::spawn(move || {
//!     server.serve(|peer: &mut Peer<'_>, message: Message<'_>| {
//!         let Ok(client) = peer.connect(Credentials::NONE) else { return };
//!         let Message::Text(text) = message else { return };
//!         // What one says, all in the room receive; who is in it already is not subscribed twice.
//!         let _ = client.subscribe("room");
//!         let _ = client.hub().broadcast("room", text);
//!     })
//! });
//!
//! let mut socket = WebSocket::connect(&format!("ws://{address}"), Config::default())?;
//! socket.send("hello")?;
//! assert_eq!(socket.read()?, Some("hello".into()));
//! socket.close(CloseCode::NORMAL, "")?;
//!
//! stopper.stop();
//! serving.join().expect("the server does not panic")?;
//! # Ok::<(), realtime_std::Error>(())
//! ```
//!
//! # A client without a WebSocket
//! ```
//! use realtime_std::{Credentials, Hub};
//!
//! let hub = Hub::new();
//! let (client, mut deliveries) = hub.connect(Credentials::NONE)?;
//! client.subscribe("orders")?;
//! hub.broadcast("orders", "order 42 is on its way")?;
//! assert_eq!(deliveries.next(), Some("order 42 is on its way".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who waits for whom
//! A broadcast hands a message over and returns; it waits for nobody. The server's driver, a thread of its own, puts it into the
//! outboxes of its clients and writes what each socket takes at once. For the others it waits all together, so
//! that one that is slow or dead delays nobody; when an outbox is full, [`OutboxLimits::policy`] decides. A handler or an
//! authorizer that blocks delays its own connection only.
//!
//! It is made for hundreds of connections up to a few thousand; for more, where a thread each is too much, there is
//! `realtime-smol`, with the same names. Linux and other Unix systems that know `MSG_NOSIGNAL`; TLS is for a proxy in front.

#![forbid(unsafe_code)]

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
pub use handler::{Handler, Peer, Takeover};
pub use hub::{Hub, HubBuilder};
pub use server::{Server, ServerBuilder, Stopper};
pub use websocket::{Reader, WebSocket, Writer};

pub use realtime_adapter::{Error, SubscribeError};
pub use realtime_core::wire;
pub use realtime_core::{
    Answer, AuthorizationRequest, ChannelKind, ChannelName, ClientId, Config as HubConfig, Credentials,
    Decision, Denial, Ending, HubError, MailboxLimits, Member, Notice, OutboxLimits, Pushed, SlowConsumer,
};
#[cfg(feature = "deflate")]
pub use realtime_ws::DeflateConfig;
pub use realtime_ws::handshake::{ClientRequest, OriginPolicy, Refusal, Upgrade};
pub use realtime_ws::{
    ApiMisuse, CheckedConfig, CloseCode, Closure, Config, Delivery, Event, InvalidConfig, Keepalive, Message,
    OwnedMessage, PeerMisbehaved, Piece, PreparedMessage,
};
