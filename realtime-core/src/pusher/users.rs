use super::frames;
use super::user::User;
use crate::ClientId;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use realtime_ws::PreparedMessage;

/// Who is signed in, with which clients, and who watches whom.
///
/// Bounded by the clients: each has one user with at most [`MAX_WATCHED_USERS`](super::MAX_WATCHED_USERS) on its
/// watchlist. What is to be told must be sent in the order in which it comes out of here.
#[derive(Debug, Default)]
pub struct Users {
    by_id: BTreeMap<Arc<str>, Status>,
    by_client: BTreeMap<ClientId, Arc<User>>,
}

/// A user that has clients, watchers, or both.
#[derive(Debug, Default)]
struct Status {
    // It is online as long as there are any.
    clients: BTreeSet<ClientId>,
    watchers: BTreeSet<ClientId>,
}

/// What clients are to be told of users that they watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Who is told.
    pub to: Vec<ClientId>,
    /// What.
    pub message: PreparedMessage,
}

impl Users {
    /// Nobody is signed in.
    #[must_use]
    pub const fn new() -> Self {
        Self { by_id: BTreeMap::new(), by_client: BTreeMap::new() }
    }

    /// Takes note that `client` is signed in as `user`; until it is forgotten, or signed in with other data.
    ///
    /// Whoever watches the user is told that it is online, if this is its first client; and the client, how
    /// each user on its watchlist is.
    #[must_use]
    pub fn sign_in(&mut self, client: ClientId, user: Arc<User>) -> Vec<StatusChange> {
        let mut changes = Vec::new();
        let is_known = match self.by_client.get(&client) {
            Some(earlier) if earlier.id() == user.id() => {
                self.unwatch(client);
                true
            }
            Some(_) => {
                changes = self.forget(client);
                false
            }
            None => false,
        };
        if !is_known {
            let status = self.by_id.entry(user.id().into()).or_default();
            status.clients.insert(client);
            if status.clients.len() == 1 {
                changes.extend(status.told_to_watchers(frames::watchlist_events([user.id()], [])));
            }
        }
        for id in user.watchlist() {
            self.by_id.entry(id.clone()).or_default().watchers.insert(client);
        }
        let (online, offline): (Vec<_>, Vec<_>) =
            user.watchlist().map(|id| &**id).partition(|id| self.is_online(id));
        if user.watchlist().next().is_some() {
            let message = PreparedMessage::new(&frames::watchlist_events(online, offline));
            changes.push(StatusChange { to: Vec::from([client]), message });
        }
        self.by_client.insert(client, user);
        changes
    }

    /// Takes note that `client` is gone. Idempotent, and nothing to one that never signed in.
    ///
    /// Whoever watches its user is told that it is offline, if this was its last client.
    #[must_use]
    pub fn forget(&mut self, client: ClientId) -> Vec<StatusChange> {
        self.unwatch(client);
        let Some(user) = self.by_client.remove(&client) else { return Vec::new() };
        let Some(status) = self.by_id.get_mut(user.id()) else { return Vec::new() };
        status.clients.remove(&client);
        let mut changes = Vec::new();
        if status.clients.is_empty() {
            changes.extend(status.told_to_watchers(frames::watchlist_events([], [user.id()])));
        }
        self.drop_if_unused(user.id());
        changes
    }

    /// The clients that are signed in as the user `id`, in the order of their ids.
    pub fn clients(&self, id: &str) -> impl Iterator<Item = ClientId> {
        self.by_id.get(id).into_iter().flat_map(|status| status.clients.iter().copied())
    }

    /// As whom a client is signed in; `None` if it is not.
    #[must_use]
    pub fn user(&self, client: ClientId) -> Option<&Arc<User>> {
        self.by_client.get(&client)
    }

    fn is_online(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|status| !status.clients.is_empty())
    }

    fn unwatch(&mut self, client: ClientId) {
        let Some(user) = self.by_client.get(&client).cloned() else { return };
        for id in user.watchlist() {
            if let Some(status) = self.by_id.get_mut(id) {
                status.watchers.remove(&client);
            }
            self.drop_if_unused(id);
        }
    }

    fn drop_if_unused(&mut self, id: &str) {
        if self.by_id.get(id).is_some_and(|status| status.clients.is_empty() && status.watchers.is_empty()) {
            self.by_id.remove(id);
        }
    }
}

impl Status {
    fn told_to_watchers(&self, frame: String) -> Option<StatusChange> {
        let to = Vec::from_iter(self.watchers.iter().copied());
        (!to.is_empty()).then(|| StatusChange { to, message: PreparedMessage::new(&frame) })
    }
}
