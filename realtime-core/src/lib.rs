//! The realtime hub as a state machine.
#![no_std]
extern crate alloc;
mod action;
mod announcer;
mod channel;
mod client;
mod config;
mod error;
mod exchange;
mod hub;
mod input;
mod join_order;
mod json;
mod local;
mod outbox;
mod presence;
pub mod pusher;
mod recipients;
mod session;
mod undecided;
pub mod wire;

pub use action::{Action, AuthorizationRequest, Decision, RequestId};
pub use channel::{ChannelKind, ChannelName};
pub use client::{ClientId, Credentials, Home};
pub use config::{Authorization, Config};
pub use error::{Denial, HubError, InputError};
pub use exchange::{Exchange, MailboxLimits, Notice, Order, Outcome};
pub use hub::Hub;
pub use input::Input;
pub use local::{Ending, LocalClients, Loss, Received, TOO_SLOW};
pub use outbox::{Outbox, OutboxLimits, Pushed, SlowConsumer};
pub use presence::{Member, Roster};
pub use recipients::Recipients;
pub use session::{Outgoing, Session};
