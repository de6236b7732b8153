//! A realtime gateway that unmodified Pusher and Laravel Echo clients talk to.

mod options;
mod startup;

pub use options::{AppName, AppSecret, Command, Demo, HELP, Options, UsageError};
