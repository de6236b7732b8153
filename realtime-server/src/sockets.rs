use realtime_core::ClientId;
use realtime_core::pusher::SocketId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which client of the hub each connection is: applications know only socket ids.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    clients: Mutex<HashMap<SocketId, ClientId>>,
}

impl Sockets {
    pub(crate) fn insert(&self, socket_id: SocketId, client: ClientId) {
        self.by_id().insert(socket_id, client);
    }

    pub(crate) fn remove(&self, socket_id: SocketId) {
        self.by_id().remove(&socket_id);
    }

    /// `None` if that connection has ended, or was never here.
    pub(crate) fn client(&self, socket_id: SocketId) -> Option<ClientId> {
        self.by_id().get(&socket_id).copied()
    }

    /// All clients there are, in the order of their ids.
    pub(crate) fn clients(&self) -> Vec<ClientId> {
        let mut clients: Vec<_> = self.by_id().values().copied().collect();
        clients.sort_unstable();
        clients
    }

    fn by_id(&self) -> MutexGuard<'_, HashMap<SocketId, ClientId>> {
        // Each use leaves the map whole, whatever panicked while it was locked.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
