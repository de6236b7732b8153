//! Webhooks: what an app's own server is told of its channels, their members and what clients say in them.
//!
//! ```text
//! Fact ─▶ Webhooks ─ held back, or queued for each endpoint that wants it ─▶ Request ─▶ HTTP
//!                  ◀─────────────────── Response ◀────────────────────────────────────┘
//! ```
//!
//! [`Webhooks`] takes [`Fact`]s and gives [`Request`]s, signed and ready to be posted; the driver posts them and says
//! what came of each. Each endpoint has one request under way at a time, so that it is told all in order: at least
//! once, or it is [counted](Counts) why not.
//!
//! ```
//! use realtime_core::pusher::webhooks::{Config, Fact, Filter, Response, Webhooks};
//! use realtime_core::pusher::{App, Secret};
//! use realtime_ws::Timestamp;
//!
//! let app = App { id: "shop".into(), key: "key".into(), secret: Secret::new("secret") };
//! let mut webhooks = Webhooks::new([Filter::default()], Config::default());
//! webhooks.handle_fact(Fact::Subscribed { channel: "orders".into(), subscribers: 1 }, Timestamp::START);
//!
//! let due = webhooks.poll_timeout().expect("a batch is due");
//! let time_ms = 1327078148132; // of the wall clock
//! let request = webhooks.poll_request(&app, due, time_ms).expect("a batch is due");
//! assert_eq!(
//!     request.body(),
//!     br#"{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"orders"}]}"#,
//! );
//! webhooks.handle_response(request.endpoint(), Response::Status(200), 0, due);
//! assert_eq!(webhooks.counts().delivered, 1);
//! ```

mod config;
mod counts;
mod event_type;
mod fact;
mod held;
mod machine;
mod queue;
mod request;

pub use config::{Config, Filter};
pub use counts::Counts;
pub use event_type::{EventType, EventTypes, UnknownEventType};
pub use fact::Fact;
pub use machine::Webhooks;
pub use request::{Request, Response};
