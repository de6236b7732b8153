use realtime_core::pusher;
use realtime_core::pusher::{ErrorCode, StatusChange, User, frames};
use realtime_smol::{ClientId, Hub, HubError, PreparedMessage};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The users as whom clients of a gateway are signed in. A handle that is cheap to clone and can be used from any
/// thread.
#[derive(Clone, Debug)]
pub struct Users {
    hub: Hub,
    // Held while what comes of a change is handed to the hub, so that all changes are told in their order.
    signed_in: Arc<Mutex<pusher::Users>>,
}

impl Users {
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub, signed_in: Arc::default() }
    }

    /// The clients that are signed in as the user `id`, in the order of their ids; none for an unknown one.
    #[must_use]
    pub fn clients(&self, id: &str) -> Vec<ClientId> {
        self.signed_in().clients(id).collect()
    }

    /// Sends an event to all clients that are signed in as the user `id`; no error if there are none. `data` is
    /// what its listeners get: usually, but not always, JSON.
    ///
    /// # Errors
    /// [`HubError::Closed`] or [`HubError::Overloaded`]; then nobody gets it.
    pub fn send(&self, id: &str, event: &str, data: &str) -> Result<(), HubError> {
        let channel = User::channel(id);
        let message = PreparedMessage::new(&frames::event(&channel, event, data));
        self.hub.broadcast(channel, message)
    }

    /// Closes all connections of the user `id` with 4009: Pusher clients do not come back by themselves. How many
    /// there were.
    ///
    /// What keeps the user out is the application, which is asked again by whoever connects anew.
    pub fn terminate(&self, id: &str) -> usize {
        let clients = self.clients(id);
        let code = ErrorCode::UNAUTHORIZED.close_code();
        for client in &clients {
            // If it is gone meanwhile, or the hub closed, its connection ends all the same.
            let _ = self.hub.disconnect(*client, code, "the application ended all connections of this user");
        }
        clients.len()
    }

    pub(crate) fn sign_in(&self, client: ClientId, user: Arc<User>) {
        let mut signed_in = self.signed_in();
        let changes = signed_in.sign_in(client, user);
        self.tell(changes);
    }

    pub(crate) fn forget(&self, client: ClientId) {
        let mut signed_in = self.signed_in();
        let changes = signed_in.forget(client);
        self.tell(changes);
    }

    fn tell(&self, changes: Vec<StatusChange>) {
        for StatusChange { to, message } in changes {
            for client in to {
                match self.hub.send(client, message.clone()) {
                    // Whoever is gone need not be told.
                    Ok(()) | Err(HubError::UnknownClient | HubError::UnknownHome | HubError::Closed) => {}
                    // The hub counts it. To end the connection would make its user's watchers be told in turn, of
                    // which none would be for want of room either.
                    Err(HubError::Overloaded) => {}
                }
            }
        }
    }

    fn signed_in(&self) -> MutexGuard<'_, pusher::Users> {
        // Each use leaves it whole, whatever panicked while it was locked.
        self.signed_in.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
