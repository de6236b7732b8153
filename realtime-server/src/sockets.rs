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
        self.clients().insert(socket_id, client);
    }

    pub(crate) fn remove(&self, socket_id: SocketId) {
        self.clients().remove(&socket_id);
    }

    /// `None` if that connection has ended, or was never here.
    pub(crate) fn client(&self, socket_id: SocketId) -> Option<ClientId> {
        self.clients().get(&socket_id).copied()
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<SocketId, ClientId>> {
        // Each use leaves the map whole, whatever panicked while it was locked.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
