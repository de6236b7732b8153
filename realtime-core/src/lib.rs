//! Clients, channels, presence, authorization and fan-out as state machines that own no socket, clock,
//! thread, lock or random source.
//!
//! ```text
//!                        ┌─────────┐ ─ Deliver ────▶ an Outbox for each client ─▶ its transport
//!  what happened ─Input─▶│   Hub   │ ─ Authorize ──▶ the application's authorizer ─▶ Input::Decided
//!                        └─────────┘ ─ Joined, Left, Denied, … ─▶ the application
//! ```
//!
//! # The contract
//!
//! **After every [`Hub::handle_input`], call [`Hub::poll_action`] until it returns `None`**, and perform each
//! action in turn. Whoever does that is a *driver*. It has three more duties:
//!
//! 1. It tells the time: `now` accompanies every input, and [`Input::TimePassed`] comes at the moment that
//!    [`Hub::poll_timeout`] names, unless another input comes first.
//! 2. It keeps an [`Outbox`] for each client, puts what is delivered into it, and transmits from there
//!    whenever the transport takes it. What an outbox could not hold is its answer to [`Outbox::push`].
//! 3. It says when a transport ended ([`Input::Gone`]), and closes those of [`Action::Disconnect`].
//!
//! ```
//! use realtime_core::wire::Plain;
//! use realtime_core::{Action, ClientId, Config, Credentials, Home, Hub, Input, InputError};
//! use realtime_core::{Outbox, OutboxLimits};
//! use realtime_ws::Timestamp;
//! use std::collections::HashMap;
//!
//! struct Driver {
//!     hub: Hub,
//!     outboxes: HashMap<ClientId, Outbox>,
//! }
//!
//! impl Driver {
//!     fn handle_input(&mut self, input: Input, now: Timestamp) -> Result<(), InputError> {
//!         self.hub.handle_input(input, now)?;
//!         while let Some(action) = self.hub.poll_action() {
//!             self.perform(action);
//!         }
//!         Ok(())
//!     }
//!
//!     fn perform(&mut self, action: Action) {
//!         match action {
//!             Action::Connected { client } => {
//!                 self.outboxes.insert(client, Outbox::new(OutboxLimits::default()));
//!             }
//!             Action::Deliver { to, message } => {
//!                 for client in to.iter() {
//!                     if let Some(outbox) = self.outboxes.get_mut(&client) {
//!                         outbox.push(message.clone()); // a reference, not a copy
//!                     }
//!                 }
//!             }
//!             Action::Disconnect { client, .. } => {
//!                 self.outboxes.remove(&client); // and close its transport
//!             }
//!             Action::Authorize(_) => unreachable!("this hub has no authorizer"),
//!             Action::Subscribed { .. } | Action::Denied { .. } | Action::Unsubscribed { .. } => {}
//!             Action::NothingRetained { .. } => {}
//!             Action::Joined { .. } | Action::Left { .. } | Action::Closed => {}
//!         }
//!     }
//! }
//!
//! let seed = [0; 16]; // drawn at random by a server
//! let hub = Hub::new(Config::default(), Plain, seed);
//! let mut driver = Driver { hub, outboxes: HashMap::new() };
//! let now = Timestamp::START;
//!
//! driver.handle_input(Input::Connect { credentials: Credentials::NONE, home: Home::default() }, now)?;
//! let client = *driver.outboxes.keys().next().expect("one client is connected");
//! let channel = "orders".into();
//! driver.handle_input(Input::Subscribe { client, channel, credentials: None }, now)?;
//! let (channel, message) = ("orders".into(), "order 42 is on its way".into());
//! driver.handle_input(Input::Broadcast { channel, message, except: None }, now)?;
//!
//! let message = driver.outboxes.get_mut(&client).and_then(Outbox::pop);
//! assert_eq!(message, Some("order 42 is on its way".into()));
//! # Ok::<(), InputError>(())
//! ```
//!
//! # What the hub promises
//!
//! 1. Every subscriber of a channel sees its messages and presence changes in one and the same order.
//! 2. A newcomer's roster and the joins that follow fit together without gap or overlap; so do a retained
//!    message and those that follow.
//! 3. A member with several clients joins once and leaves once: with its first and its last.
//! 4. After a client is gone, no channel, roster or count still holds it; its leaving was announced exactly
//!    once.
//! 5. Nothing that one client does or fails to do delays another. Memory is bounded by [`Config`] and
//!    [`OutboxLimits`].
//! 6. A message is delivered, or its loss is counted: never silent.
//!
//! The same inputs lead to the same actions, byte for byte: a transcript, a replay and a bug report are each
//! a list of inputs. A broadcast costs the hub the same however many clients are subscribed; what grows with
//! them is delivery, which needs nothing of the hub and can be shared by several loops (see [`Recipients`]).
//!
//! # Authorization
//!
//! Public channels let anyone in. About others the authorizer is asked, and it may take its time: nothing
//! waits for it but the client that asked. Whatever happens in between has one outcome:
//!
//! | meanwhile | outcome |
//! |---|---|
//! | the client subscribes again | nothing: it has asked already |
//! | the client unsubscribes | the question is withdrawn, and its answer ignored |
//! | it subscribes again after that | a new question; the answer to the old one is ignored |
//! | the client is gone or disconnected | its questions are withdrawn |
//! | [`Config::authorization_timeout`] passes | denied; a later answer is ignored |
//! | the channel filled up with members | denied, though the authorizer allowed it |
//! | the hub closes | all questions are withdrawn, and an answer is refused like every input |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod action;
mod announcer;
mod answer;
mod channel;
mod channel_walk;
mod client;
mod client_table;
mod config;
mod counts;
mod deadlines;
mod error;
mod exchange;
mod hub;
mod input;
mod join_order;
mod json;
mod local;
mod outbox;
mod parcel;
mod presence;
pub mod pusher;
mod recipients;
pub mod responses;
mod retained;
mod session;
mod subscriber_counts;
mod undecided;
pub mod wire;

pub use action::{Action, AuthorizationRequest, Decision, RequestId};
pub use answer::{Answer, Answered};
pub use channel::{ChannelKind, ChannelName};
pub use channel_walk::ChannelWalk;
pub use client::{ClientId, Credentials, Home};
pub use client_table::ClientTable;
pub use config::{Authorization, Config};
pub use counts::Counts;
pub use deadlines::Deadlines;
pub use error::{Denial, HubError, InputError};
pub use exchange::{Exchange, MailboxLimits, Notice, Order, Outcome};
pub use hub::Hub;
pub use input::Input;
pub use local::{Ending, LocalClients, Received, TOO_SLOW};
pub use outbox::{Outbox, OutboxLimits, Pushed, SlowConsumer};
pub use parcel::Parcel;
pub use presence::{Member, Roster};
pub use recipients::Recipients;
pub use retained::Retained;
pub use session::{Outgoing, Session};
