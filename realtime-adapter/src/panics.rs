use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the application's code gives, or `None` if it panicked, of which the panic hook has told.
///
/// A panic in code that concerns one client must not end the thread that serves them all.
pub fn contain<T>(call: impl FnOnce() -> T) -> Option<T> {
    // None of our locks is held meanwhile, and nothing of ours is half changed; what may be is the application's own.
    catch_unwind(AssertUnwindSafe(call)).ok()
}
