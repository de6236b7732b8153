use super::kind::Kind;
use super::origin::Origin;
use super::problem::Problems;
use super::raw::Raw;
use super::setting::{Name, Setting, Visitor};

/// Something that says what settings are, by name.
pub(super) trait Source {
    /// What it says of the setting, and as whose saying.
    fn given(&self, name: Name) -> Option<(Raw<'_>, Origin)>;
}

/// Changes what it visits to what a source says.
pub(super) struct Overrides<'a, S> {
    pub(super) source: &'a S,
    pub(super) problems: &'a mut Problems,
}

impl<S: Source> Visitor for Overrides<'_, S> {
    fn visit<K: Kind>(&mut self, name: Name, setting: &mut Setting<K>) {
        if let Some((raw, origin)) = self.source.given(name)
            && let Err(problem) = setting.set(name, raw, origin)
        {
            self.problems.push(problem);
        }
    }
}
