use super::nearest::nearest;
use super::origin::Origin;
use super::overrides::Source;
use super::problem::{Problem, Problems};
use super::raw::Raw;
use super::setting::Name;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What the names of all variables for the gateway begin with.
const PREFIX: &str = "REALTIME_";

/// The environment. A variable that is empty is as good as none, since that is what tools make of one that is not set.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(BTreeMap<OsString, OsString>);

impl Variables {
    pub(super) fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(name.as_ref() as &std::ffi::OsStr).filter(|value| !value.is_empty())
    }

    /// Finds the variables that cannot be meant as they are: those that are no text, and those whose name is almost one
    /// of `known`. Others begin with the same letters, and are none of the gateway's.
    pub(super) fn check(&self, known: &[String], problems: &mut Problems) {
        let known_rests = || known.iter().filter_map(|name| name.strip_prefix(PREFIX));
        for (name, value) in &self.0 {
            let Some(name) = name.to_str() else { continue };
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if known.iter().any(|known| known == name) {
                if value.to_str().is_none() {
                    problems.push(Problem::usage(format_args!("{name} is not UTF-8")));
                }
            } else if let Some(meant) = nearest(rest, known_rests()) {
                let text = format_args!("unknown variable {name}; did you mean {PREFIX}{meant}?");
                problems.push(Problem::usage(text));
            }
        }
    }
}

impl Source for Variables {
    fn given(&self, name: Name) -> Option<(Raw<'_>, Origin)> {
        let name = name.variable()?;
        let value = self.get(&name)?.to_str()?;
        Some((Raw::Untyped(value), Origin::Variable(name)))
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
