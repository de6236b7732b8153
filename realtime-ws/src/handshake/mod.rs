//! The opening handshake (RFC 6455 §4): how an HTTP/1.1 connection becomes a WebSocket.
//!
//! ```text
//!  ServerHandshake                                   ClientHandshake
//!
//!  Reading ──────────▶ Refused                       Reading ──────────▶ Failed
//!     │     bad head, limit or deadline:                │     bad head, limit or deadline;
//!     │     send Refusal::response, close               │     the server declines or breaks a rule:
//!     │                                                 │     close
//!     ├──▶ Request::Http                                ▼
//!     │    no upgrade: answer it here                Response
//!     │    or replay its head to an HTTP server         │ into_connection
//!     ▼                                                 ▼
//!  Request::Upgrade ──reject──▶ a response, close    Connection
//!     │ accept
//!     ▼
//!  Connection, whose first bytes are the response
//! ```
//!
//! Both take the head off the front of the input and leave what follows it, since a first frame may come
//! together with the head. Nothing is kept of a head that arrives whole: what the application sees of it is
//! lent from the input. Of one that arrives in pieces, at most
//! [`max_head_bytes`](crate::Config::max_head_bytes) are kept.
//!
//! # As a server
//! ```
//! use realtime_ws::handshake::{Accept, OriginPolicy, Request, ServerHandshake};
//! use realtime_ws::{CheckedConfig, Timestamp};
//!
//! let config = CheckedConfig::default();
//! let now = Timestamp::START; // the time since the driver's start, on each call
//! let mut handshake = ServerHandshake::new(config, now);
//!
//! let mut received = *b"GET /chat HTTP/1.1\r\n\
//!     Host: example.com\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Version: 13\r\n\
//!     Sec-WebSocket-Protocol: v2, v1\r\n\r\n";
//! let mut input = &mut received[..];
//!
//! let connection = match handshake.receive(&mut input)? {
//!     None => panic!("read more, until handshake.poll_timeout()"),
//!     Some(Request::Http(request)) => panic!("answer {} with request.answer()", request.target()),
//!     Some(Request::Upgrade(upgrade)) => {
//!         OriginPolicy::SameOrigin.check(&upgrade)?;
//!         assert_eq!(upgrade.path(), "/chat");
//!         let subprotocol = upgrade.choose_subprotocol(&["v1", "v2"]);
//!         upgrade.accept(&Accept { subprotocol, ..Accept::default() }, now)?
//!     }
//! };
//!
//! let mut slices = [&[][..]];
//! connection.poll_transmit(&mut slices);
//! let response = core::str::from_utf8(slices[0])?;
//! assert!(response.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
//! assert!(response.contains("Sec-WebSocket-Protocol: v1\r\n"));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # As a client
//! ```
//! use realtime_ws::handshake::{ClientHandshake, ClientRequest, Uri};
//! use realtime_ws::{CheckedConfig, MaskingKeys, Timestamp};
//!
//! # fn random<const N: usize>() -> [u8; N] { [b'n'; N] }
//! let config = CheckedConfig::default();
//! let now = Timestamp::START; // the time since the driver's start, on each call
//! let uri = Uri::parse("ws://example.com/chat")?;
//! let request = ClientRequest { subprotocols: &["v1"], ..ClientRequest::to(&uri) };
//! let mut handshake = ClientHandshake::new(config, &request, random(), MaskingKeys::new(random), now)?;
//!
//! let mut slices = [&[][..]];
//! handshake.poll_transmit(&mut slices);
//! let written = slices[0].len(); // what the socket took
//! handshake.transmitted(written);
//!
//! let mut received = *b"HTTP/1.1 101 Switching Protocols\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Accept: XE05NksojCRHeW4gQmUfvuZtlcs=\r\n\
//!     Sec-WebSocket-Protocol: v1\r\n\r\n";
//! let mut input = &mut received[..];
//! let response = handshake.receive(&mut input)?.expect("else read more, until handshake.poll_timeout()");
//! assert_eq!(response.subprotocol(), Some("v1"));
//! let connection = response.into_connection(now);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod accept_key;
mod answer;
mod client;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "no_deflate.rs"]
mod deflate;
mod extension;
mod failure;
mod grammar;
mod head;
mod origin;
mod refusal;
mod request;
mod response;
mod server;
mod upgrade;
mod uri;

pub use client::{ClientHandshake, ClientRequest};
pub use extension::Extension;
pub use failure::HandshakeFailed;
pub use head::Headers;
pub use origin::{InvalidOrigin, Origin, OriginPolicy};
pub use refusal::Refusal;
pub use request::{HttpRequest, Request};
pub use response::Response;
pub use server::ServerHandshake;
pub use upgrade::{Accept, Upgrade};
pub use uri::{InvalidUri, Scheme, Uri};
