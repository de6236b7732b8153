//! A realtime gateway that unmodified Pusher and Laravel Echo clients talk to.
//!
//! ```text
//! browser ─ WebSocket /app/{key} ──▶ ┌─────────┐ ─▶ the subscribers of each channel
//! backend ─ POST /apps/{id}/events ▶ │ Gateway │
//! anyone ── GET /up ───────────────▶ └─────────┘
//! ```
//!
//! The program `realtime-server` runs one by what its command line, its environment and a file say. To run one inside
//! a smol application:
//! ```no_run
//! use realtime_server::{App, Gateway, Secret};
//!
//! # fn main() -> std::io::Result<()> {
//! let app = App { id: "app".into(), key: "key".into(), secret: Secret::new("secret") };
//! let gateway = Gateway::builder(app).bind("127.0.0.1:8080")?;
//! let hub = gateway.hub().clone(); // publish from here, without HTTP
//! smol::block_on(gateway.serve())
//! # }
//! ```
//!
//! Several apps are served at one port, each with clients, channels, users and limits of its own; [`Apps`] changes them
//! while the gateway runs:
//! ```no_run
//! # use realtime_server::{App, AppConfig, Gateway, Secret};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let shop = App { id: "shop".into(), key: "shop-key".into(), secret: Secret::new("secret") };
//! # let chat = App { id: "chat".into(), key: "chat-key".into(), secret: Secret::new("secret") };
//! let gateway = Gateway::builder(shop.clone()).app(chat).bind("127.0.0.1:8080")?;
//! let apps = gateway.apps();
//! // At any time: of the two, only the shop is left, with fewer connections from now on.
//! apps.replace(vec![AppConfig { max_connections: Some(500), ..AppConfig::new(shop) }])?;
//! # Ok(())
//! # }
//! ```
//!
//! # Choices
//!
//! - **Who may connect.** Pages of any origin, unless an app [names](AppConfig::origins) those that may: a Pusher client
//!   is served by its application, not by the gateway, and is let into channels by its application's signature. Nothing
//!   here depends on cookies or on where a page comes from, except the demo's endpoints, which sign and publish for
//!   whoever asks (see [`Demo`]).
//! - **Apps** share threads and a port, and nothing else: a client, a signature or a socket id of one is worth nothing to
//!   another. Clients of an app that is removed are closed with 4001, on which they do not come back by themselves.
//! - **The demo** takes requests from pages of this machine only, as any page that a browser shows can post to a
//!   loopback address. Its well-known secret is no protection: a page from elsewhere could sign with it. Give the
//!   gateway a secret of its own as soon as anything but a try goes through it.
//! - **The debug page** at `/` is open in the demo, and elsewhere for whoever has its token ([`DebugPage::Token`]), who may then
//!   join and publish to every channel. The page asks for the token and keeps it in its tab: it is part of no address,
//!   which logs, histories and proxies would keep. The app's secret is shown only if it is the demo's well-known one.
//! - **Slow clients** are disconnected with 1013, and come back after a second. The protocol has no way to
//!   tell a client that it missed an event, but a reconnect it does notice. Up to 1,024 messages wait before
//!   that.
//! - **A user whose connections the application ends** ([`Users::terminate`]) is closed with 4009, on which Pusher
//!   clients do not come back by themselves. The application has to refuse its next sign-in itself.
//! - **Cache channels** keep the app's latest event for 30 minutes, of at most 10,000 channels and 32 MiB: beyond
//!   that the oldest is a miss. What clients send is not kept.
//! - **Encrypted channels** are relayed: their key never comes here, and so the demo, which has none, does not sign
//!   a `shared_secret`.
//! - **Silent clients** are pinged after 30 s, a pong being the browser's own business, and given up after
//!   60 s, which is 30 s after the moment at which a client would have spoken by itself.
//! - **Webhooks** hold back for 3 s what may not last: a page that is reloaded makes no noise. What its endpoint does not
//!   accept is repeated for 5 minutes, in order, and then given up and counted ([`WebhookConfig`]). Each request is a
//!   connection of its own; redirections are not followed.
//! - **Stopping** closes clients with 1001, on which they come back after a second: time enough to start again. 4200 would
//!   bring them back at once, and to nobody, whom pusher-js then asks again only after 15 s. Where there are other gateways,
//!   or a successor takes the address over, nobody need wait: [`Stopper::drain`], for which SIGTERM and Ctrl-C ask, closes
//!   clients with 4200 if its [`Drain`] has time for that. It closes them one after the other, or all would come back in the
//!   same moment. It does not listen meanwhile: who came now would have to go right after, and a balancer, or the system,
//!   that finds nobody here finds another one.
#![forbid(unsafe_code)]

mod app_config;
mod apps;
mod complaints;
mod config;
mod connection;
mod drain;
mod error;
mod gateway;
mod http;
mod logging;
mod metrics;
mod notify;
mod options;
mod program;
mod reload;
mod served_app;
mod shutdown;
mod sockets;
mod startup;
mod token;
mod users;
mod webhooks;

pub use app_config::AppConfig;
pub use apps::{Apps, InvalidApps};
pub use config::{Command, ConfigError, HELP, Sources};
pub use drain::Drain;
pub use error::Error;
pub use gateway::{Gateway, GatewayBuilder, Stopper};
pub use http::HttpLimits;
pub use logging::{BadLogFilter, LogFilter, LogFormat};
pub use metrics::Metrics;
pub use options::{Compression, DebugPage, Demo, SubscriptionCounts};
pub use program::run;
pub use realtime_core::pusher::webhooks::{
    Config as WebhookQueue, EventType as WebhookEvent, UnknownEventType as UnknownWebhookEvent,
};
pub use realtime_core::pusher::{App, Secret};
pub use token::Token;
pub use users::Users;
pub use webhooks::{InvalidWebhook, Webhook, WebhookConfig};
