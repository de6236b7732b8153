//! A client that waits in threads.

mod authorizer;
mod client;
mod driver;
mod waiting;

pub use client::{Client, ClientBuilder, TimedOut};
