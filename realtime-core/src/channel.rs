use alloc::sync::Arc;
use core::fmt;

/// The name of a channel. Cheap to clone; any text is one, the hub refuses what is too long or empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

/// Who may subscribe to a channel; its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Anyone; the authorizer is not asked.
    Public,
    /// `private-*`: whom the authorizer allows.
    Private,
    /// `presence-*`: whom the authorizer allows, and its subscribers see each other.
    Presence,
}

impl ChannelName {
    /// The channel's kind, from the name's prefix.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        if self.0.starts_with("presence-") {
            ChannelKind::Presence
        } else if self.0.starts_with("private-") {
            ChannelKind::Private
        } else {
            ChannelKind::Public
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for ChannelName {
    fn from(name: &T) -> Self {
        Self(name.as_ref().into())
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
