//! A client that waits in a task of smol's global executor.

mod client;
mod driver;

pub use client::{Client, ClientBuilder};
