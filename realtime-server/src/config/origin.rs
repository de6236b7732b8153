use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value comes from. Later ones override earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nobody said anything.
    Default,
    /// It stands in the file.
    File(Place),
    /// An environment variable of this name.
    Variable(String),
    /// A flag, as it was written: `--demo`, `--no-demo`.
    Flag(String),
}

/// A place in a file, as editors and compilers write it: lines and columns, in characters, begin at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<Path>,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Origin {
    /// Of two sources, the one with the higher rank has the last word.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }

    pub(super) fn is_default(&self) -> bool {
        self.rank() == 0
    }

    /// Where in a file it is, if it is in one.
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::File(place) => Some(place),
            Self::Default | Self::Variable(_) | Self::Flag(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => place.fmt(f),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}
