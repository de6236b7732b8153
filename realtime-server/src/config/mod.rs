//! The configuration of the program: what can be said, by whom, and what is in effect in the end.
//!
//! ```text
//! defaults ─▶ file ─▶ environment ─▶ flags ─▶ Settings ─settle─▶ Options
//!             each overrides what stands before
//! ```
//!
//! `settings.rs` has all settings, with their names, limits and defaults, once. Whoever has something to say of them
//! visits them (`file.rs`; `overrides.rs` for the environment and flags), and so does whoever tells what they are.

mod changes;
mod command;
mod effective;
mod file;
mod flags;
mod help;
mod kind;
mod log;
mod nearest;
mod origin;
mod overrides;
mod print;
mod problem;
mod raw;
mod secret;
mod setting;
mod settings;
mod settle;
#[cfg(test)]
mod tests;
mod variables;
mod webhook;

pub(crate) use changes::Running;
pub use command::{Command, Sources};
pub(crate) use effective::Configuration;
pub use help::HELP;
pub use problem::ConfigError;
pub(crate) use settings::WELL_KNOWN_SECRET;
