use super::origin::{Origin, Place};
use std::fmt;

/// Why a configuration cannot be followed: all that is wrong with it, each in a line that says where it is, what it is
/// and what would be accepted.
#[derive(Debug)]
pub struct ConfigError {
    // Never empty.
    problems: Vec<Problem>,
}

/// One thing that is wrong. A text, as in a compiler: only people read it.
#[derive(Debug)]
pub(super) struct Problem {
    location: Location,
    text: String,
}

/// Where something is wrong.
#[derive(Debug)]
enum Location {
    /// On the command line or in the environment.
    Usage,
    /// In a file.
    Place(Place),
    /// In something else, which the text names.
    Named,
}

/// The most lines that are told at a time: who has more begins at the top.
const MAX_TOLD: usize = 20;

/// What is found on the way; nobody is told of one problem at a time.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problem {
    /// Something that is wrong on the command line or in the environment.
    pub(super) fn usage(text: impl fmt::Display) -> Self {
        Self { location: Location::Usage, text: text.to_string() }
    }

    /// Something that is wrong at a place in a file.
    pub(super) fn at(place: &Place, text: impl fmt::Display) -> Self {
        Self { location: Location::Place(place.clone()), text: text.to_string() }
    }

    /// Something that is wrong with what came from `origin`.
    pub(super) fn of(origin: &Origin, text: impl fmt::Display) -> Self {
        origin.place().map_or_else(|| Self::usage(&text), |place| Self::at(place, &text))
    }

    /// Something that is wrong with what the text names.
    pub(super) fn named(text: impl fmt::Display) -> Self {
        Self { location: Location::Named, text: text.to_string() }
    }

    fn place(&self) -> Option<&Place> {
        match &self.location {
            Location::Place(place) => Some(place),
            Location::Usage | Location::Named => None,
        }
    }
}

impl Problems {
    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// # Errors
    /// There is at least one, in the order in which they stand in the file.
    pub(super) fn none(self) -> Result<(), ConfigError> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl From<Problems> for ConfigError {
    fn from(Problems(mut problems): Problems) -> Self {
        problems.sort_by_key(|problem| problem.place().map(|place| (place.line, place.column)));
        Self { problems }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().take(MAX_TOLD).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.problems.len().saturating_sub(MAX_TOLD) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Usage => write!(f, "{}; see --help", self.text),
            Location::Place(place) => write!(f, "{place}: {}", self.text),
            Location::Named => f.write_str(&self.text),
        }
    }
}

impl std::error::Error for ConfigError {}
