//! The gateway over real sockets, as its clients, its app's backend and its user meet it.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

mod api;
mod apps;
mod caching;
mod channels;
mod command_line;
mod common;
mod compression;
mod configuration;
mod connecting;
mod counting;
mod demo;
mod draining;
mod events;
mod http_limits;
mod logs;
mod metrics;
mod page;
mod refusals;
mod reloading;
mod slow_clients;
mod stopping;
mod users;
mod webhooks;
