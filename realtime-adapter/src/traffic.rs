use crate::delays::{DelayTally, Delays};
use std::iter::Sum;
use std::sync::atomic::{AtomicU64, Ordering};

/// What passed through the connections of a server since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages that came from clients, whole.
    pub messages_in: u64,
    /// Bytes that came after the opening handshakes.
    pub bytes_in: u64,
    /// Messages that were taken for clients, replies included, less those that were dropped.
    pub messages_out: u64,
    /// Bytes that clients' sockets took, answers to opening handshakes included.
    pub bytes_out: u64,
    /// Connections beyond those that the server takes.
    pub refused: u64,
    /// The most messages of the hub that ever waited for one client, once its socket took no more.
    pub most_waiting_messages: u64,
    /// The most bytes of such messages.
    pub most_waiting_bytes: u64,
    /// How long it took from when the hub had a message for clients until it was offered to the sockets of all of them
    /// that one driver has. Of messages that a driver delivers at once, the one that waited longest counts, for all of
    /// them: none took longer.
    pub delays: Delays,
}

impl Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            messages_in: sum.messages_in + part.messages_in,
            bytes_in: sum.bytes_in + part.bytes_in,
            messages_out: sum.messages_out + part.messages_out,
            bytes_out: sum.bytes_out + part.bytes_out,
            refused: sum.refused + part.refused,
            most_waiting_messages: sum.most_waiting_messages.max(part.most_waiting_messages),
            most_waiting_bytes: sum.most_waiting_bytes.max(part.most_waiting_bytes),
            delays: sum.delays + part.delays,
        })
    }
}

/// One driver's part of a server's [`Traffic`], in cache lines of its own: no other thread writes there, so to
/// count takes no more than to add.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Tally {
    /// Of [`Traffic::messages_in`].
    pub messages_in: Count,
    /// Of [`Traffic::bytes_in`].
    pub bytes_in: Count,
    /// Of [`Traffic::messages_out`].
    pub messages_out: Count,
    /// Of [`Traffic::bytes_out`].
    pub bytes_out: Count,
    /// Of [`Traffic::refused`].
    pub refused: Count,
    /// Of [`Traffic::most_waiting_messages`].
    pub most_waiting_messages: Highest,
    /// Of [`Traffic::most_waiting_bytes`].
    pub most_waiting_bytes: Highest,
    /// Of [`Traffic::delays`].
    pub delays: DelayTally,
}

impl Tally {
    /// What was counted, from any thread.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic {
            messages_in: self.messages_in.get(),
            bytes_in: self.bytes_in.get(),
            messages_out: self.messages_out.get(),
            bytes_out: self.bytes_out.get(),
            refused: self.refused.get(),
            most_waiting_messages: self.most_waiting_messages.0.get(),
            most_waiting_bytes: self.most_waiting_bytes.0.get(),
            delays: self.delays.delays(),
        }
    }
}

/// A number that one thread raises and every thread can read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `more`. If two threads do so, something may be lost.
    pub fn add(&self, more: usize) {
        // Not `fetch_add`, which would lock the cache line.
        self.0.store(self.get().wrapping_add(more as u64), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The highest of the numbers that one thread has seen; every thread can read it.
#[derive(Debug, Default)]
pub struct Highest(Count);

impl Highest {
    /// Takes note of a number.
    pub fn raise(&self, seen: usize) {
        let highest = self.0.get();
        if highest < seen as u64 {
            self.0.add(seen - highest as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_stays() {
        let tally = Tally::default();
        for seen in [3, 7, 5] {
            tally.most_waiting_bytes.raise(seen);
        }
        let lower = Traffic { most_waiting_bytes: 6, ..Traffic::default() };
        let all: Traffic = [lower, tally.traffic(), lower].into_iter().sum();
        assert_eq!(all.most_waiting_bytes, 7);
    }
}
