use crate::driver::{Bell, Mail};
use crate::hub::Hub;
use realtime_adapter::{ForAdapters, HubId};
use realtime_core::{ClientId, ClientTable, Credentials, Home, HubError, Order};
use slab::Slab;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

/// Where a driver's clients live: it has a home at the server's hub, and one at each other hub for as long as a client
/// of that is among its connections.
///
/// Two hubs have clients of the same ids, so whatever is found by a client's id is found within one home.
pub(crate) struct Homes {
    all: Slab<HomeAt>,
    by_hub: BTreeMap<HubId, HomeKey>,
}

/// A driver's home at one hub.
pub(crate) struct HomeAt {
    pub(crate) hub: Hub,
    pub(crate) home: Home,
    /// The driver's keys of the connections that are clients of the hub, until these end.
    pub(crate) keys: ClientTable<usize>,
    /// How many connections are, or were until they end.
    clients: usize,
}

/// Finds a [`HomeAt`]. Once that is given up it finds nothing, or its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HomeKey(u32);

impl HomeKey {
    /// At the server's hub.
    pub(crate) const OWN: Self = Self(0);

    fn index(self) -> usize {
        self.0 as usize
    }
}

impl Homes {
    /// # Errors
    /// The server's hub has as many drivers as it can.
    pub(crate) fn new(own: &Hub, mail: &Arc<Mail>) -> io::Result<Self> {
        let mut homes = Self { all: Slab::new(), by_hub: BTreeMap::new() };
        let home = own.add_driver(mail.clone())?;
        homes.all.insert(HomeAt::new(own, home)); // at `HomeKey::OWN`, as the first
        homes.by_hub.insert(own.id(), HomeKey::OWN);
        Ok(homes)
    }

    pub(crate) fn get(&mut self, key: HomeKey) -> Option<&mut HomeAt> {
        self.all.get_mut(key.index())
    }

    /// Connects a client of `hub`, which counts until [`forget`](Self::forget) is told of it.
    pub(crate) fn connect(
        &mut self,
        hub: &Hub,
        credentials: Credentials,
        mail: &Arc<Mail>,
    ) -> Result<(HomeKey, ClientId), HubError> {
        let key = match self.by_hub.get(&hub.id()) {
            Some(key) => *key,
            None => self.move_in(hub, mail)?,
        };
        let at = &mut self.all[key.index()];
        let connected = hub.connect_at(at.home, credentials);
        at.clients += usize::from(connected.is_ok());
        hub.settle();
        self.leave_if_deserted(key);
        connected.map(|client| (key, client))
    }

    fn move_in(&mut self, hub: &Hub, mail: &Arc<Mail>) -> Result<HomeKey, HubError> {
        let place = self.all.vacant_entry();
        let key = HomeKey(u32::try_from(place.key()).map_err(|_| HubError::Overloaded)?);
        let bell = Arc::new(Bell::new(mail.clone(), key));
        let home = hub.add_driver(bell).map_err(|_| HubError::Overloaded)?;
        place.insert(HomeAt::new(hub, home));
        self.by_hub.insert(hub.id(), key);
        Ok(key)
    }

    /// Takes note of the connection that a client has.
    pub(crate) fn register(&mut self, key: HomeKey, client: ClientId, connection: usize) {
        if let Some(at) = self.get(key) {
            at.keys.insert(client, connection);
        }
    }

    /// Takes note that the connection of a client has ended.
    pub(crate) fn forget(&mut self, key: HomeKey, client: ClientId) {
        if let Some(at) = self.get(key) {
            at.keys.remove(client);
            at.clients -= 1;
        }
        self.leave_if_deserted(key);
    }

    /// Gives a home up that has neither clients nor orders. Orders that wait for clients who have left are performed
    /// before, so that what these lose is told.
    pub(crate) fn leave_if_deserted(&mut self, key: HomeKey) {
        if key == HomeKey::OWN {
            return;
        }
        let is_given_up =
            self.all.get(key.index()).is_some_and(|at| at.clients == 0 && at.hub.leave(at.home));
        if is_given_up {
            let at = self.all.remove(key.index());
            self.by_hub.remove(&at.hub.id());
        }
    }

    /// Performs none of what waits for the clients of a home.
    pub(crate) fn discard_orders(&mut self, key: HomeKey, orders: &mut VecDeque<Order>) {
        if let Some(at) = self.get(key) {
            at.hub.take_orders(at.home, orders);
        }
    }

    /// Gives all homes up, whatever waits there.
    pub(crate) fn leave_all(&mut self) {
        self.by_hub.clear();
        for at in self.all.drain() {
            at.hub.remove_driver(at.home);
        }
    }
}

impl HomeAt {
    fn new(hub: &Hub, home: Home) -> Self {
        Self { hub: hub.clone(), home, keys: ClientTable::new(), clients: 0 }
    }
}
