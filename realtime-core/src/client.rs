use crate::channel::ChannelIndex;
use crate::join_order::Ticket;
use crate::{ChannelName, RequestId};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

/// A client of the hub: one connected peer, whatever its transport. Never reused; the id of a
/// client that is gone finds nothing.
///
/// Written as `index-generation`, such as `3-1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    // The place in the hub's table: drivers may use it to index tables of their own.
    pub(crate) index: u32,
    pub(crate) generation: NonZeroU32,
}

impl ClientId {
    /// The client's place among the clients connected now: small, dense, and reused after the
    /// client is gone. For a driver's own tables; keep the whole id beside what is stored there.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.index, self.generation)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({self})")
    }
}

/// The event loop that a client's deliveries go to; see [`Recipients`](crate::Recipients). A driver with
/// one loop uses [`Home::default`] for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Home(pub u16);

/// What a client shows to be let in: bytes that mean something to the authorizer only. Not shown by `Debug`,
/// so that secrets do not reach a log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials(Option<Arc<[u8]>>);

impl Credentials {
    /// Nothing to show.
    pub const NONE: Self = Self(None);

    /// The bytes; empty for [`NONE`](Self::NONE).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<T: AsRef<[u8]> + ?Sized> From<&T> for Credentials {
    fn from(bytes: &T) -> Self {
        let bytes = bytes.as_ref();
        if bytes.is_empty() { Self::NONE } else { Self(Some(bytes.into())) }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} bytes)", self.as_bytes().len())
    }
}

/// What the hub knows of one client.
pub(crate) struct Client {
    pub(crate) home: Home,
    pub(crate) credentials: Credentials,
    // In the order in which it subscribed.
    subscriptions: Vec<Subscription>,
    // What the authorizer was asked for it and has not decided, in the order of asking.
    undecided: Vec<Asked>,
    // Counts connects: indices are reused and do not show who was first.
    connected_as: u64,
}

/// A channel that a client asked to be let into.
struct Asked {
    request: RequestId,
    // `None` if it does not want to be let in any more. The authorizer is at work on it all the same.
    channel: Option<ChannelName>,
}

/// A client's place in one channel.
#[derive(Clone, Copy)]
pub(crate) struct Subscription {
    pub(crate) channel: ChannelIndex,
    pub(crate) ticket: Ticket,
    // In presence channels.
    pub(crate) seat: Option<Ticket>,
}

impl Client {
    /// How many channels it is in or the authorizer is asked about.
    pub(crate) fn channel_count(&self) -> usize {
        self.subscriptions.len() + self.undecided.len()
    }

    pub(crate) fn subscription(&self, channel: ChannelIndex) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| subscription.channel == channel)
    }

    pub(crate) fn subscribe(&mut self, subscription: Subscription) {
        self.subscriptions.push(subscription);
    }

    pub(crate) fn unsubscribe(&mut self, channel: ChannelIndex) -> Option<Subscription> {
        let position = self.subscriptions.iter().position(|subscription| subscription.channel == channel)?;
        Some(self.subscriptions.remove(position))
    }

    pub(crate) fn into_subscriptions(self) -> Vec<Subscription> {
        self.subscriptions
    }

    pub(crate) fn asks_for(&self, channel: &ChannelName) -> bool {
        self.undecided.iter().any(|asked| asked.channel.as_ref() == Some(channel))
    }

    pub(crate) fn ask(&mut self, channel: ChannelName, request: RequestId) {
        self.undecided.push(Asked { request, channel: Some(channel) });
    }

    /// It does not want to be let in any more. What the authorizer is asked counts until it is decided: who
    /// asks and withdraws in turn must not keep it busy with more than who waits.
    pub(crate) fn withdraw(&mut self, channel: &ChannelName) {
        if let Some(asked) = self.undecided.iter_mut().find(|asked| asked.channel.as_ref() == Some(channel)) {
            asked.channel = None;
        }
    }

    /// The channel that `request` was about, which is decided now; `None` if it was withdrawn.
    pub(crate) fn settle(&mut self, request: RequestId) -> Option<ChannelName> {
        let position = self.undecided.iter().position(|asked| asked.request == request)?;
        self.undecided.remove(position).channel
    }

    pub(crate) fn requests(&self) -> impl Iterator<Item = RequestId> {
        self.undecided.iter().map(|asked| asked.request)
    }
}

/// All clients that are connected.
#[derive(Default)]
pub(crate) struct Clients {
    slots: Vec<Slot>,
    vacant: Vec<u32>,
    len: usize,
    connects: u64,
}

struct Slot {
    // Of the client that is here, or of the next one.
    generation: NonZeroU32,
    client: Option<Client>,
}

impl Clients {
    pub(crate) fn insert(&mut self, credentials: Credentials, home: Home) -> ClientId {
        let connected_as = self.connects;
        self.connects += 1;
        let client =
            Client { home, credentials, subscriptions: Vec::new(), undecided: Vec::new(), connected_as };
        self.len += 1;
        // The last to become vacant is the first to be reused, so that indices stay dense.
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: NonZeroU32::MIN, client: None });
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 clients fit into memory")
        });
        let slot = &mut self.slots[index as usize];
        slot.client = Some(client);
        ClientId { index, generation: slot.generation }
    }

    pub(crate) fn remove(&mut self, id: ClientId) -> Option<Client> {
        let slot = self.slots.get_mut(id.index()).filter(|slot| slot.generation == id.generation)?;
        let client = slot.client.take()?;
        self.len -= 1;
        // A slot that ran out of generations is never used again: ids must not repeat.
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            self.vacant.push(id.index);
        }
        Some(client)
    }

    pub(crate) fn get(&self, id: ClientId) -> Option<&Client> {
        self.slots.get(id.index()).filter(|slot| slot.generation == id.generation)?.client.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.slots.get_mut(id.index()).filter(|slot| slot.generation == id.generation)?.client.as_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Everyone, in the order in which they connected.
    pub(crate) fn by_connect(&self) -> Vec<ClientId> {
        let mut connected = Vec::with_capacity(self.len);
        for (index, slot) in (0..).zip(&self.slots) {
            if let Some(client) = &slot.client {
                connected.push((client.connected_as, ClientId { index, generation: slot.generation }));
            }
        }
        connected.sort_unstable();
        connected.into_iter().map(|(_, id)| id).collect()
    }
}

/// The first client of a place in the hub's table.
#[cfg(test)]
pub(crate) fn client_id(index: u32) -> ClientId {
    ClientId { index, generation: NonZeroU32::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(clients: &mut Clients) -> ClientId {
        clients.insert(Credentials::NONE, Home::default())
    }

    #[test]
    fn a_place_is_reused_but_an_id_never() {
        let mut clients = Clients::default();
        let [first, second] = [(); 2].map(|()| connect(&mut clients));
        assert!(clients.remove(first).is_some());
        let third = connect(&mut clients);

        assert_eq!(third.index(), first.index());
        assert_ne!(third, first);
        assert!(clients.get(first).is_none() && clients.remove(first).is_none());
        assert_eq!(clients.len(), 2);
        assert_eq!(clients.by_connect(), [second, third]);
    }

    #[test]
    fn a_place_without_further_generations_is_retired() {
        let mut clients = Clients::default();
        let id = connect(&mut clients);
        clients.slots[id.index()].generation = NonZeroU32::MAX;
        assert!(clients.remove(ClientId { generation: NonZeroU32::MAX, ..id }).is_some());
        assert_ne!(connect(&mut clients).index(), id.index());
    }

    #[test]
    fn an_id_is_written_as_index_and_generation() {
        use alloc::string::ToString;
        assert_eq!(ClientId { index: 3, generation: NonZeroU32::MIN }.to_string(), "3-1");
    }

    #[test]
    fn credentials_do_not_reach_a_log() {
        assert_eq!(alloc::format!("{:?}", Credentials::from("secret")), "Credentials(6 bytes)");
        assert_eq!(Credentials::from(""), Credentials::NONE);
    }
}
