use alloc::sync::Arc;

/// A member of a presence channel, as the others see it: one person, however many clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    id: Arc<str>,
    // JSON, valid by construction.
    info: Option<Arc<str>>,
}

impl Member {
    /// The member `id`, with `info` that the others are shown: kept as it is where it is valid JSON, as a JSON
    /// string where it is not, absent where empty.
    #[must_use]
    pub fn new(id: &str, info: &str) -> Self {
        todo!()
    }

    /// Stable over the person's clients.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the others are shown, as JSON text.
    #[must_use]
    pub fn info(&self) -> Option<&str> {
        self.info.as_deref()
    }
}

/// The members of a presence channel, in the order in which they joined.
#[derive(Debug, Default)]
pub struct Roster {}

impl Roster {
    /// The members, in the order in which they joined.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        core::iter::empty()
    }
    /// How many.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// none
    pub fn is_empty(&self) -> bool {
        todo!()
    }
}
