use crate::for_adapters::ForAdapters;
use crate::hub::Hub;
use crate::lock;
use realtime_core::{ClientId, Notice, Received};
use std::task::Waker;

/// What waits for a client without a connection. Dropping it makes the client gone.
#[derive(Debug)]
pub struct Inbox {
    hub: Hub,
    client: ClientId,
}

impl Inbox {
    pub(crate) fn new(hub: Hub, client: ClientId) -> Self {
        Self { hub, client }
    }

    /// What is there.
    pub fn receive(&mut self) -> Received {
        lock(&self.hub.shared.locals).receive(self.client)
    }

    /// What is there; if it is nothing, `waker`, and no earlier one, is woken once there is something.
    pub fn receive_or_wake(&mut self, waker: &Waker) -> Received {
        let mut locals = lock(&self.hub.shared.locals);
        let received = locals.receive(self.client);
        let place = locals.waker(self.client).filter(|_| received == Received::Nothing);
        let former = place.and_then(|place| place.replace(waker.clone()));
        drop(locals);
        drop(former); // outside the lock: it may be the last that holds a task
        received
    }

    /// How many messages were dropped so far because they were received too slowly.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        lock(&self.hub.shared.locals).dropped(self.client)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut locals = lock(&self.hub.shared.locals);
        let waker = locals.waker(self.client).and_then(Option::take);
        let messages = locals.remove(self.client);
        drop(locals);
        drop(waker); // outside the lock, as above
        self.hub.gone(self.client);
        self.hub.note(Notice::Undelivered { client: self.client, messages });
    }
}
