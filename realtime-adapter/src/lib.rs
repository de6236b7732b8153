//! The part of an adapter that does not depend on how it waits: a [`Hub`] that any thread can use, clients without a connection,
//! the clock, randomness, and the errors.
//!
//! It is not for applications: they take `realtime-std` or `realtime-smol`, whose hubs lend the methods of this one. Whoever
//! writes an adapter for another way to wait begins here:
//!
//! - Its hub holds a [`Hub`] that [`HubParts`] make, and derefs to it.
//! - [`ForAdapters`] is what it does with that for its drivers and clients.
//! - A [`Question`] is what it has its authorizer answer, when and where it likes.
//! - An [`Inbox`] is what it waits for on behalf of a client in this process, through any [`Waker`](std::task::Waker).

#![forbid(unsafe_code)]

mod clock;
mod counts;
mod delays;
mod drivers;
mod error;
mod for_adapters;
mod hub;
mod inbox;
mod listening;
mod message_buffers;
mod panics;
mod question;
pub mod random;
mod shared;
mod traffic;

pub use clock::Clock;
pub use counts::HubCounts;
pub use delays::{DelayTally, Delays};
pub use drivers::Wake;
pub use error::{Error, SubscribeError};
pub use for_adapters::ForAdapters;
pub use hub::{Hub, HubId, HubParts, WeakHub};
pub use inbox::Inbox;
pub use listening::{WAITING_CONNECTIONS, default_max_connections, listen};
pub use message_buffers::MessageBuffers;
pub use panics::contain;
pub use question::Question;
pub use traffic::{Count, Highest, Tally, Traffic};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what no panic leaves half changed: the application's code runs outside the locks.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
