use alloc::sync::Arc;
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

/// What a client shows to be let in: bytes that mean something to the authorizer only. Not shown by `Debug`, so that
/// secrets do not reach a log.
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
