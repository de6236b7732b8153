//! The Pusher protocol from the side of a client: transcripts with a server that the test plays.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

mod authorizing;
mod client_events;
mod common;
mod connecting;
mod model;
mod presence;
mod receiving;
mod reconnecting;
mod signing_in;
mod subscribing;
