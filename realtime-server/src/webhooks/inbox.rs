use super::tally::{Latest, Tally};
use super::webhook::Webhook;
use realtime_core::pusher::SocketId;
use realtime_core::pusher::webhooks::{EventTypes, Fact};
use realtime_smol::{ChannelName, Notice, PreparedMessage};
use smol::channel::{Receiver, Sender, unbounded};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most bytes of facts that have happened and were not yet looked at. Some ten thousand, which takes a courier
/// some tens of milliseconds.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Where the facts of one app wait for their courier. To put one here takes no lock for longer than that.
#[derive(Debug)]
pub(crate) struct Inbox {
    wanted: EventTypes,
    // Bounded by the bytes.
    facts: Sender<Fact>,
    bytes: AtomicUsize,
    pub(super) tally: Tally,
}

impl Inbox {
    pub(super) fn new(webhooks: &[Webhook]) -> (Self, Receiver<Fact>) {
        let (facts, taken) = unbounded();
        let wanted = webhooks.iter().fold(EventTypes::NONE, |all, webhook| all.union(webhook.filter.events));
        (Self { wanted, facts, bytes: AtomicUsize::new(0), tally: Tally::default() }, taken)
    }

    /// Takes what the hub tells, until that is closed.
    pub(crate) fn notice(&self, notice: &Notice) {
        if *notice == Notice::Closed {
            self.close();
        }
        if let Some(fact) = Fact::of(notice) {
            self.put(fact);
        }
    }

    /// Takes an event that the client `sender` has sent to the others in `channel`.
    pub(crate) fn client_event(&self, sender: SocketId, channel: ChannelName, message: PreparedMessage) {
        self.put(Fact::ClientEvent { channel, sender, message });
    }

    /// How its webhooks stand.
    pub(crate) fn latest(&self) -> Latest {
        self.tally.latest()
    }

    /// Takes no more facts: the courier delivers what it has, and ends.
    pub(super) fn close(&self) {
        self.facts.close();
    }

    /// Makes room for others after `fact` was taken.
    pub(super) fn took(&self, fact: &Fact) {
        self.bytes.fetch_sub(fact.bytes(), Ordering::Relaxed);
    }

    fn put(&self, fact: Fact) {
        if !fact.concerns(self.wanted) {
            return;
        }
        let bytes = fact.bytes();
        let has_room = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= MAX_BYTES;
        if !has_room || self.facts.try_send(fact).is_err() {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.tally.count_overlooked();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_wants_is_not_kept_and_what_is_too_much_is_counted() {
        let webhook = Webhook::new("http://a/").unwrap().events(["client_event".parse().unwrap()]);
        let (inbox, facts) = Inbox::new(&[webhook]);
        let (sender, channel) = (SocketId::from_random([0; 16]), ChannelName::from("private-a"));
        inbox.put(Fact::CacheMissed { channel: channel.clone() });
        assert!(facts.is_empty());

        let message = PreparedMessage::new(&"x".repeat(MAX_BYTES / 4));
        for _ in 0..5 {
            inbox.client_event(sender, channel.clone(), message.clone());
        }
        assert_eq!((facts.len(), inbox.latest().overlooked), (3, 2));
        inbox.took(&facts.try_recv().unwrap());
        inbox.client_event(sender, channel.clone(), message.clone());
        assert_eq!((facts.len(), inbox.latest().overlooked), (3, 2));
        while let Ok(fact) = facts.try_recv() {
            inbox.took(&fact);
        }
        assert_eq!(inbox.bytes.load(Ordering::Relaxed), 0);
        inbox.close();
        inbox.client_event(sender, channel, message);
        assert_eq!((inbox.bytes.load(Ordering::Relaxed), inbox.latest().overlooked), (0, 3));
    }
}
