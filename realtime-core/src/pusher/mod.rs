//! The Pusher protocol, version 7, as a server speaks it; [`client`] is the other side.
//!
//! ```text
//! path ─▶ ConnectRequest
//! text ─▶ Conversation ─Reaction─▶ Hub ─AuthorizationRequest─▶ authorize ─Decision─▶ Hub ─▶ wire::Pusher ─▶ clients
//! HTTP ─▶ http::ApiRequest ─▶ http::Publish ─▶ Hub
//! ```
//!
//! What a client does wrong with one message is told with an [`error`](frames::error) event, a subscribe that is
//! denied with a [`subscription_error`](frames::subscription_error), and the connection lives; pusher-js stops for
//! good when it is *closed* with most [codes](ErrorCode).
//!
//! Pure, like all of this crate: a gateway hands in what came and does what comes out.
//! - A connection is let in if [`ConnectRequest::parse`] accepts its path and there is an [`App`] with that key. Whoever
//!   is not let in is told by a WebSocket that is accepted, gets [`ConnectError::frame`] and is closed.
//! - [`Conversation`] greets and then gives a [`Reaction`] to each message. It knows as whom its client is
//!   signed in.
//! - [`Users`] knows that of all clients: it finds those of a user, and tells whoever watches one.
//! - [`authorize()`] answers what the hub asks of private and presence channels.
//! - [`wire::Pusher`](crate::wire::Pusher) tells clients of their subscriptions, of each other, how many they
//!   are, and what they missed in [cache channels](is_cache_channel()).
//! - [`http`] is how the app's own server publishes, asks who is there, and ends connections; [`webhooks`] is how it is
//!   told what happens.
//!
//! Facts about the protocol are from its public documents and from what its clients do.

mod app;
mod auth_endpoint;
mod authorize;
mod channel_data;
mod channel_name;
pub mod client;
mod connect;
mod conversation;
mod credentials;
mod error;
mod error_code;
pub mod frames;
mod hex;
pub mod http;
mod message;
mod query;
mod rate;
mod settings;
mod shown;
mod signature;
mod socket_id;
mod user;
mod users;
pub mod webhooks;

pub use app::{App, InvalidAuth, Secret};
pub use auth_endpoint::{ChannelAuthRequest, InvalidChannelAuthRequest, UserAuthRequest};
pub use authorize::authorize;
pub use channel_data::{InvalidChannelData, MAX_USER_ID_CHARS, parse_channel_data};
pub use channel_name::{InvalidChannelName, MAX_CHANNEL_NAME_BYTES, is_cache_channel, parse_channel_name};
pub use connect::{ConnectError, ConnectRequest};
pub use conversation::{Conversation, Reaction, Standing};
pub use error::ClientError;
pub use error_code::ErrorCode;
pub use message::{ClientMessage, MAX_CHANNEL_DATA_BYTES, MAX_EVENT_NAME_BYTES};
pub use query::{InvalidQuery, Query};
pub use settings::{ClientEvents, Settings};
pub use signature::SigningString;
pub use socket_id::{InvalidSocketId, SocketId};
pub use user::{InvalidUserData, MAX_USER_CHANNEL_BYTES, MAX_USER_DATA_BYTES, MAX_WATCHED_USERS, User};
pub use users::{StatusChange, Users};
