use crate::ClientId;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

/// What a driver keeps for each of its clients, found by the client's id.
///
/// An entry stays until it is removed, also if the hub has forgotten the client meanwhile and given its
/// [`index`](ClientId::index) to another one: what was ordered for the former may not be performed yet, nor all
/// be received that waits for it.
#[derive(Debug)]
pub struct ClientTable<T> {
    /// By [`ClientId::index`].
    places: Vec<Option<(ClientId, T)>>,
    /// Those whose place has been taken.
    displaced: BTreeMap<ClientId, T>,
}

impl<T> ClientTable<T> {
    /// No entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { places: Vec::new(), displaced: BTreeMap::new() }
    }

    /// Enters `client`; returns what was entered for it before.
    pub fn insert(&mut self, client: ClientId, entry: T) -> Option<T> {
        if let Some(entered) = self.get_mut(client) {
            return Some(mem::replace(entered, entry));
        }
        let index = client.index();
        if self.places.len() <= index {
            self.places.resize_with(index + 1, || None);
        }
        if let Some((earlier, entry)) = self.places[index].replace((client, entry)) {
            self.displaced.insert(earlier, entry);
        }
        None
    }

    /// The entry of `client`.
    #[must_use]
    pub fn get(&self, client: ClientId) -> Option<&T> {
        match self.places.get(client.index()) {
            Some(Some((id, entry))) if *id == client => Some(entry),
            Some(_) | None => self.displaced.get(&client),
        }
    }

    /// The entry of `client`.
    pub fn get_mut(&mut self, client: ClientId) -> Option<&mut T> {
        match self.places.get_mut(client.index()) {
            Some(Some((id, entry))) if *id == client => Some(entry),
            Some(_) | None => self.displaced.get_mut(&client),
        }
    }

    /// Takes out the entry of `client`.
    pub fn remove(&mut self, client: ClientId) -> Option<T> {
        let place = self.places.get_mut(client.index())?;
        match place.take_if(|(id, _)| *id == client) {
            Some((_, entry)) => Some(entry),
            None => self.displaced.remove(&client),
        }
    }
}

impl<T> Default for ClientTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroU32;

    fn client(index: u32, generation: u32) -> ClientId {
        ClientId { index, generation: NonZeroU32::new(generation).unwrap() }
    }

    #[test]
    fn an_entry_outlives_the_loss_of_its_place() {
        let mut table = ClientTable::default();
        table.insert(client(3, 1), "first");
        table.insert(client(3, 2), "second");
        table.insert(client(3, 3), "third");
        assert_eq!(table.get(client(3, 1)), Some(&"first"));
        assert_eq!(table.get_mut(client(3, 2)), Some(&mut "second"));
        assert_eq!(table.get(client(3, 3)), Some(&"third"));
        assert_eq!(table.remove(client(3, 3)), Some("third"));
        assert_eq!(table.remove(client(3, 1)), Some("first"));
        assert_eq!(table.remove(client(3, 1)), None);
        assert_eq!(table.get(client(3, 2)), Some(&"second"));
    }

    #[test]
    fn a_client_has_one_entry() {
        let mut table = ClientTable::new();
        for (generation, entry) in [(1, "first"), (2, "second")] {
            assert_eq!(table.insert(client(0, generation), entry), None);
            assert_eq!(table.insert(client(0, generation), "anew"), Some(entry));
        }
        assert_eq!(table.insert(client(0, 1), "displaced"), Some("anew"));
        assert_eq!(table.remove(client(0, 1)), Some("displaced"));
        assert_eq!(table.get(client(0, 1)), None);
    }

    #[test]
    fn a_stranger_finds_nothing() {
        let mut table = ClientTable::new();
        table.insert(client(0, 2), ());
        for stranger in [client(0, 1), client(0, 3), client(1, 2)] {
            assert_eq!(table.get(stranger), None);
            assert_eq!(table.remove(stranger), None);
        }
        assert_eq!(table.get(client(0, 2)), Some(&()));
    }
}
