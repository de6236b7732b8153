use crate::join_order::{JoinOrder, Ticket};
use crate::{ClientId, Home};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A set of clients that a message goes to. Cheap to clone: a channel's subscribers are shared.
///
/// Grouped by [`Home`], so that a driver with several loops hands each of [`homes`](Self::homes) one clone,
/// and each loop delivers to its own part with [`at`](Self::at). A driver with one loop takes
/// [`iter`](Self::iter).
#[derive(Clone)]
pub struct Recipients(Set);

#[derive(Clone)]
enum Set {
    One { client: ClientId, home: Home },
    // `except` is among them.
    Many { subscribers: Arc<Grouped>, except: Option<ClientId> },
}

static NOBODY: JoinOrder<ClientId> = JoinOrder::new();

impl Recipients {
    pub(crate) fn one(client: ClientId, home: Home) -> Self {
        Self(Set::One { client, home })
    }

    /// All recipients: home by home, in each in the order in which they subscribed.
    pub fn iter(&self) -> impl Iterator<Item = ClientId> {
        let Parts { one, many, except } = self.parts();
        let clients = many.iter().flat_map(|(_, clients)| clients.iter().copied());
        one.map(|(client, _)| client).into_iter().chain(clients.filter(move |client| Some(*client) != except))
    }

    /// The homes with at least one recipient, ascending.
    pub fn homes(&self) -> impl Iterator<Item = Home> {
        let Parts { one, many, except } = self.parts();
        let homes = many.iter().filter(move |(_, clients)| {
            clients.len() > 1 || clients.iter().any(|client| Some(*client) != except)
        });
        one.map(|(_, home)| home).into_iter().chain(homes.map(|(home, _)| *home))
    }

    /// The recipients of one home, in the order in which they subscribed.
    pub fn at(&self, home: Home) -> impl Iterator<Item = ClientId> {
        let Parts { one, many, except } = self.parts();
        let one = one.filter(|(_, its)| *its == home).map(|(client, _)| client);
        let here = many.binary_search_by_key(&home, |(home, _)| *home);
        let clients = here.map_or(&NOBODY, |position| &many[position].1).iter().copied();
        // The many come first, as their iterator is the one that has to be quick.
        clients.filter(move |client| Some(*client) != except).chain(one)
    }

    /// How many recipients there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Set::One { .. } => 1,
            Set::Many { subscribers, except } => subscribers.len - usize::from(except.is_some()),
        }
    }

    /// Whether nobody is among the recipients.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether these are the same clients because both came of one channel while nobody came or went. Costs the
    /// same however many they are, and may miss that others are the same.
    pub(crate) fn shares_with(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Set::Many { subscribers, except }, Set::Many { subscribers: others, except: other_except }) => {
                Arc::ptr_eq(subscribers, others) && except == other_except
            }
            (Set::One { .. }, _) | (_, Set::One { .. }) => false,
        }
    }

    fn parts(&self) -> Parts<'_> {
        match &self.0 {
            Set::One { client, home } => Parts { one: Some((*client, *home)), many: &[], except: None },
            Set::Many { subscribers, except } => {
                Parts { one: None, many: &subscribers.by_home, except: *except }
            }
        }
    }
}

/// Either one, or many and who is left out of them.
struct Parts<'a> {
    one: Option<(ClientId, Home)>,
    many: &'a [(Home, JoinOrder<ClientId>)],
    except: Option<ClientId>,
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

/// The subscribers of one channel.
#[derive(Default)]
pub(crate) struct Subscribers {
    // Shared with the recipients of messages that are on their way: whoever comes or goes meanwhile changes a
    // copy.
    grouped: Arc<Grouped>,
}

#[derive(Clone, Default)]
struct Grouped {
    // Ascending by home, none empty.
    by_home: Vec<(Home, JoinOrder<ClientId>)>,
    len: usize,
}

impl Subscribers {
    pub(crate) fn push(&mut self, client: ClientId, home: Home) -> Ticket {
        let grouped = Arc::make_mut(&mut self.grouped);
        grouped.len += 1;
        let position = match grouped.position(home) {
            Ok(position) => position,
            Err(position) => {
                grouped.by_home.insert(position, (home, JoinOrder::default()));
                position
            }
        };
        grouped.by_home[position].1.push(client)
    }

    pub(crate) fn remove(&mut self, ticket: Ticket, home: Home) {
        let grouped = Arc::make_mut(&mut self.grouped);
        let Ok(position) = grouped.position(home) else { return };
        let clients = &mut grouped.by_home[position].1;
        if clients.remove(ticket).is_none() {
            return;
        }
        grouped.len -= 1;
        if clients.is_empty() {
            grouped.by_home.remove(position);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.grouped.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one of them lives at `home`.
    pub(crate) fn are_at(&self, home: Home) -> bool {
        self.grouped.position(home).is_ok()
    }

    /// All subscribers but `except`, who must be one of them.
    pub(crate) fn recipients(&self, except: Option<ClientId>) -> Recipients {
        Recipients(Set::Many { subscribers: Arc::clone(&self.grouped), except })
    }
}

impl Grouped {
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
    fn recipients_stay_as_they_were_when_someone_comes_or_goes() {
        let mut subscribers = Subscribers::default();
        let first = subscribers.push(client_id(0), LEFT);
        let before = subscribers.recipients(None);
        subscribers.push(client_id(1), RIGHT);
        let between = subscribers.recipients(None);
        subscribers.remove(first, LEFT);
        assert!(before.iter().eq([client_id(0)]));
        assert!(between.iter().eq([0, 1].map(client_id)));
        assert!(subscribers.recipients(None).iter().eq([client_id(1)]));
    }

    #[test]
    fn subscribers_are_copied_only_while_a_message_is_on_its_way_to_them() {
        let mut subscribers = Subscribers::default();
        subscribers.push(client_id(0), LEFT);
        let place = Arc::as_ptr(&subscribers.grouped);
        drop(subscribers.recipients(None));
        subscribers.push(client_id(1), LEFT);
        assert_eq!(Arc::as_ptr(&subscribers.grouped), place);
        let message = subscribers.recipients(None);
        subscribers.push(client_id(2), LEFT);
        assert_ne!(Arc::as_ptr(&subscribers.grouped), place);
        assert_eq!((message.len(), subscribers.len()), (2, 3));
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
