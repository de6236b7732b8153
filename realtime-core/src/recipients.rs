use crate::join_order::{JoinOrder, Ticket};
use crate::{ClientId, Home};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{fmt, slice};

/// A set of clients that a message goes to. Cheap to clone: a channel's subscribers are a shared snapshot.
///
/// Grouped by [`Home`], so that a driver with several loops hands each of [`homes`](Self::homes) one clone,
/// and each loop delivers to its own part with [`at`](Self::at). A driver with one loop takes
/// [`iter`](Self::iter).
#[derive(Clone)]
pub struct Recipients(Set);

#[derive(Clone)]
enum Set {
    One { client: ClientId, home: Home },
    // `except` is among the snapshot's clients.
    Many { snapshot: Arc<Snapshot>, except: Option<ClientId> },
}

impl Recipients {
    pub(crate) fn one(client: ClientId, home: Home) -> Self {
        Self(Set::One { client, home })
    }

    /// All recipients: home by home, in each in the order in which they subscribed.
    pub fn iter(&self) -> impl Iterator<Item = ClientId> {
        let (clients, except) = match &self.0 {
            Set::One { client, .. } => (slice::from_ref(client), None),
            Set::Many { snapshot, except } => (&*snapshot.clients, *except),
        };
        without(clients, except)
    }

    /// The homes with at least one recipient, ascending.
    pub fn homes(&self) -> impl Iterator<Item = Home> {
        let (one, parts) = match &self.0 {
            Set::One { home, .. } => (Some(*home), Default::default()),
            Set::Many { snapshot, .. } => (None, &*snapshot.parts),
        };
        let homes_of_parts = parts.iter().map(|part| part.home);
        one.into_iter().chain(homes_of_parts.filter(|home| self.at(*home).next().is_some()))
    }

    /// The recipients of one home, in the order in which they subscribed.
    pub fn at(&self, home: Home) -> impl Iterator<Item = ClientId> {
        let (clients, except) = match &self.0 {
            Set::One { client, home: its } if *its == home => (slice::from_ref(client), None),
            Set::One { .. } => (Default::default(), None),
            Set::Many { snapshot, except } => (snapshot.at(home), *except),
        };
        without(clients, except)
    }

    /// How many recipients there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Set::One { .. } => 1,
            Set::Many { snapshot, except } => snapshot.clients.len() - usize::from(except.is_some()),
        }
    }

    /// Whether nobody is among the recipients.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn without(clients: &[ClientId], except: Option<ClientId>) -> impl Iterator<Item = ClientId> {
    clients.iter().copied().filter(move |client| Some(*client) != except)
}

/// Equal if the same clients, at the same homes, are reached in the same order.
impl PartialEq for Recipients {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
            && self.homes().eq(other.homes())
            && self.homes().all(|home| self.at(home).eq(other.at(home)))
    }
}

impl Eq for Recipients {}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.homes().map(|home| (home, self.at(home).collect::<Vec<_>>()))).finish()
    }
}

struct Snapshot {
    clients: Vec<ClientId>,
    // Ascending by home; together they cover `clients`.
    parts: Vec<Part>,
}

struct Part {
    home: Home,
    start: usize,
    end: usize,
}

impl Snapshot {
    fn at(&self, home: Home) -> &[ClientId] {
        match self.parts.binary_search_by_key(&home, |part| part.home) {
            Ok(position) => {
                let part = &self.parts[position];
                &self.clients[part.start..part.end]
            }
            Err(_) => &[],
        }
    }
}

/// The subscribers of one channel.
#[derive(Default)]
pub(crate) struct Subscribers {
    // Ascending by home, none empty: a snapshot is their concatenation.
    by_home: Vec<(Home, JoinOrder<ClientId>)>,
    len: usize,
    // Taken when someone asks, and good until someone comes or goes: broadcasts share it.
    snapshot: Option<Arc<Snapshot>>,
}

impl Subscribers {
    pub(crate) fn push(&mut self, client: ClientId, home: Home) -> Ticket {
        self.snapshot = None;
        self.len += 1;
        let position = match self.position(home) {
            Ok(position) => position,
            Err(position) => {
                self.by_home.insert(position, (home, JoinOrder::default()));
                position
            }
        };
        self.by_home[position].1.push(client)
    }

    pub(crate) fn remove(&mut self, ticket: Ticket, home: Home) {
        let Ok(position) = self.position(home) else { return };
        let clients = &mut self.by_home[position].1;
        if clients.remove(ticket).is_none() {
            return;
        }
        if clients.is_empty() {
            self.by_home.remove(position);
        }
        self.snapshot = None;
        self.len -= 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether one of them lives at `home`.
    pub(crate) fn are_at(&self, home: Home) -> bool {
        self.position(home).is_ok()
    }

    /// All subscribers but `except`, who must be one of them.
    pub(crate) fn recipients(&mut self, except: Option<ClientId>) -> Recipients {
        let snapshot = match self.snapshot.take() {
            Some(snapshot) => snapshot,
            None => Arc::new(self.take_snapshot()),
        };
        self.snapshot = Some(Arc::clone(&snapshot));
        Recipients(Set::Many { snapshot, except })
    }

    fn take_snapshot(&self) -> Snapshot {
        let mut clients = Vec::with_capacity(self.len);
        let mut parts = Vec::with_capacity(self.by_home.len());
        for (home, here) in &self.by_home {
            let start = clients.len();
            clients.extend(here.iter().copied());
            parts.push(Part { home: *home, start, end: clients.len() });
        }
        Snapshot { clients, parts }
    }

    fn position(&self, home: Home) -> Result<usize, usize> {
        self.by_home.binary_search_by_key(&home, |(home, _)| *home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::client_id;

    const LEFT: Home = Home(1);
    const RIGHT: Home = Home(7);

    #[test]
    fn subscribers_are_grouped_by_home_and_in_order_within_it() {
        let mut subscribers = Subscribers::default();
        for (index, home) in [(0, RIGHT), (1, LEFT), (2, RIGHT), (3, LEFT)] {
            subscribers.push(client_id(index), home);
        }
        let all = subscribers.recipients(None);
        assert!(all.iter().eq([1, 3, 0, 2].map(client_id)));
        assert!(all.homes().eq([LEFT, RIGHT]));
        assert!(all.at(LEFT).eq([1, 3].map(client_id)));
        assert!(all.at(RIGHT).eq([0, 2].map(client_id)));
        assert_eq!(all.at(Home(3)).count(), 0);
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_home_whose_only_subscriber_is_excepted_is_not_visited() {
        let mut subscribers = Subscribers::default();
        subscribers.push(client_id(0), LEFT);
        subscribers.push(client_id(1), RIGHT);
        let others = subscribers.recipients(Some(client_id(0)));
        assert!(others.homes().eq([RIGHT]));
        assert!(others.iter().eq([client_id(1)]));
        assert_eq!(others.len(), 1);
    }

    #[test]
    fn a_snapshot_is_shared_until_someone_comes_or_goes() {
        let snapshot_of = |recipients: &Recipients| match &recipients.0 {
            Set::One { .. } => panic!("a channel's recipients are a snapshot"),
            Set::Many { snapshot, .. } => Arc::clone(snapshot),
        };
        let mut subscribers = Subscribers::default();
        subscribers.push(client_id(0), LEFT);
        let before = snapshot_of(&subscribers.recipients(None));
        let again = snapshot_of(&subscribers.recipients(Some(client_id(0))));
        assert!(Arc::ptr_eq(&before, &again));

        let ticket = subscribers.push(client_id(1), LEFT);
        let after = snapshot_of(&subscribers.recipients(None));
        assert_eq!((before.clients.len(), after.clients.len()), (1, 2));
        subscribers.remove(ticket, LEFT);
        assert_eq!(subscribers.recipients(None).len(), 1);
    }

    #[test]
    fn recipients_are_equal_if_they_reach_the_same_clients_at_the_same_homes() {
        let mut subscribers = Subscribers::default();
        subscribers.push(client_id(0), LEFT);
        assert_eq!(subscribers.recipients(None), Recipients::one(client_id(0), LEFT));
        assert_ne!(subscribers.recipients(None), Recipients::one(client_id(0), RIGHT));
        assert_ne!(subscribers.recipients(None), Recipients::one(client_id(1), LEFT));
    }
}
