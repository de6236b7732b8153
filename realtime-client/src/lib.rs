//! A client of the Pusher protocol, for programs that listen to a gateway such as `realtime-server` or to any other
//! server of the protocol: it subscribes, sees who is present, sends client events, and comes back by itself.
//!
//! Twice the same, with the same names: [`blocking::Client`] waits in threads (feature `std`), [`smol::Client`] in a task
//! (feature `smol`); both features are on by default.
//!
//! ```no_run
//! use realtime_client::blocking::Client;
//! use realtime_client::{App, Event, Member, Secret};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = App { id: "demo".into(), key: "demo-key".into(), secret: Secret::new("demo-secret") };
//! let ada = Member::new("7", r#"{"name":"Ada"}"#);
//! let client = Client::builder("ws://127.0.0.1:8080", "demo-key")
//!     .authorizer(move |question| Ok::<_, String>(question.sign_as(&app, &ada)))
//!     .connect()?;
//!
//! let chat = client.channel("presence-chat");
//! chat.subscribe()?;
//! while let Some(event) = client.next_event() {
//!     match event {
//!         Event::Subscribed { presence: Some(presence), .. } => println!("{} are here", presence.members.len()),
//!         Event::MemberJoined { member, .. } => println!("{} joined", member.id()),
//!         Event::Message { event, data, .. } => println!("{event}: {data}"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **This one signs by itself, and so holds the app's secret: that is for a backend or a test.** Whoever has the secret may
//! be anyone in every channel of the app. A program that is given to users asks the app's server for each signature
//! ([below](#authorization)).
//!
//! # What it does by itself
//!
//! - **It comes back** after each end of its connection, as the server's close code says, after a time that doubles
//!   up to 30 s and is drawn at random; then it signs in and subscribes again, in order, with fresh authorizations.
//!   [`Event::StateChanged`] tells of it. It gives up only where the server says that it is not wanted
//!   ([`State::Failed`]).
//! - **It asks whether a silent server lives**, and leaves one that does not answer.
//! - **What is subscribed to while there is no connection** is done on the next. Client events are refused then
//!   ([`TriggerError::NotConnected`]): nothing is sent later than it was meant.
//! - **Events wait** for [`next_event`](blocking::Client::next_event), 1,024 of them and 4 MiB; what comes beyond
//!   that is counted ([`Event::Missed`]).
//!
//! The [rules](realtime_core::pusher::client) are a state machine without I/O, for event loops of one's own.
//!
//! # Authorization
//!
//! Private and presence channels and the sign-in need a signature of the app's server, for this connection alone. The
//! *authorizer* gets it: it asks an HTTP endpoint of the application, with whatever HTTP client that has, and reads the
//! answer with [`Authorization::parse`]; or, in a backend or a test that has the app's secret, it signs by itself
//! ([`Question::sign_as`]). It may take its time: nothing else waits for it, and after 10 s its answer is not awaited any
//! more.
//!
//! TLS is not there yet: `wss://` is refused. Encrypted channels are received as they are sent, encrypted.

#![forbid(unsafe_code)]

#[cfg(not(any(feature = "std", feature = "smol")))]
compile_error!("a client waits in threads or in a task: feature `std`, `smol` or both");

#[cfg(feature = "std")]
pub mod blocking;
mod endpoint;
mod error;
mod handle;
mod shared;
#[cfg(feature = "smol")]
pub mod smol;

pub use error::ConnectError;
pub use handle::{Channel, Handle};

pub use realtime_core::pusher::client::{
    About, Authorization, Config, Event, InvalidAuthorization, InvalidKey, Presence, Question, QuestionId,
    State, SubscribeError, SubscriptionFailure, TriggerError,
};
pub use realtime_core::pusher::{App, InvalidChannelName, Secret, SigningString, SocketId};
pub use realtime_core::{ChannelKind, ChannelName, Member};
pub use realtime_ws::CloseCode;
pub use realtime_ws::Config as WebSocketConfig;

/// The programs in the project's README, compiled: this crate has all that they need.
#[cfg(all(doctest, feature = "std", feature = "smol"))]
#[doc = include_str!("../../README.md")]
struct Readme;
