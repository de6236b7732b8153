//! Webhooks: an app's own server is told what happens, by HTTP requests.
//!
//! What to tell, when, and how often to try is decided by [`realtime_core::pusher::webhooks`]; here it is posted. Drivers
//! and the hub only ever put a fact into the [`Inbox`], which neither waits nor grows without bound.

mod config;
mod courier;
mod couriers;
mod inbox;
mod post;
mod tally;
mod tls;
mod webhook;

pub use config::WebhookConfig;
pub(crate) use couriers::Couriers;
pub(crate) use inbox::Inbox;
pub(crate) use tally::Latest;
pub(crate) use webhook::without_secrets;
pub use webhook::{InvalidWebhook, Webhook};
