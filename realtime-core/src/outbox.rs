use realtime_ws::PreparedMessage;

/// The bounds of one client's outbox and what happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// The most messages that wait. Default 64.
    pub max_messages: usize,
    /// The most bytes that wait, headers included. Default 1 MiB. A message longer than that still fits into an empty outbox?? (no: refuse)
    pub max_bytes: usize,
    /// What happens to a message that does not fit.
    pub policy: SlowConsumer,
}

/// What happens when an outbox is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlowConsumer {
    /// The new message is dropped and counted; the client lives.
    #[default]
    DropNewest,
    /// The oldest waiting messages are dropped and counted to make room.
    DropOldest,
    /// The client is disconnected
    Disconnect,
}

/// One client's bounded queue of references to messages.
#[derive(Debug)]
pub struct Outbox {}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// waits, nothing lost
    Queued,
    /// n messages dropped by policy (new one, or oldest ones)
    Dropped { messages: u64 },
    /// does not fit and the policy is to disconnect
    Overflowed,
}
