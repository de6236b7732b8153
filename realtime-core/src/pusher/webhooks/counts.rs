/// What became of events so far, each counted once for each endpoint that wanted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They were accepted.
    pub delivered: u64,
    /// They told of a change that did not last, or that a later one took the place of.
    pub cancelled: u64,
    /// They were given up, since requests with them failed for too long.
    pub given_up_after_retries: u64,
    /// They were given up, since too much waited.
    pub given_up_queue_full: u64,
    /// They were given up when the webhooks stopped.
    pub given_up_stopped: u64,
}
