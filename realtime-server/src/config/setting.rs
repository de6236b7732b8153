use super::kind::{Kind, Unfit, Written};
use super::origin::Origin;
use super::problem::Problem;
use super::raw::Raw;

/// A value, how it is written, and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Setting<K: Kind> {
    pub(super) kind: K,
    pub(super) value: K::Value,
    pub(super) origin: Origin,
}

/// What a setting is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// In a file.
    pub(super) key: &'static str,
    /// Everywhere else, as it would be in a file; `None`: nowhere else.
    elsewhere: Option<&'static str>,
}

/// Goes through settings, one after the other.
pub(super) trait Visitor {
    fn visit<K: Kind>(&mut self, name: Name, setting: &mut Setting<K>);
}

/// A setting as it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) value: Written,
    pub(super) origin: Origin,
    pub(super) is_switch: bool,
}

/// Lists what it visits.
#[derive(Default)]
pub(super) struct Listing(pub(super) Vec<Entry>);

impl<K: Kind> Setting<K> {
    pub(super) fn new(kind: K, default: K::Value) -> Self {
        Self { kind, value: default, origin: Origin::Default }
    }

    /// Takes the value that comes from `origin`.
    ///
    /// # Errors
    /// It is not accepted; the setting has the value that it had.
    pub(super) fn set(&mut self, name: Name, raw: Raw<'_>, origin: Origin) -> Result<(), Problem> {
        match self.kind.read(raw) {
            Ok(value) => {
                (self.value, self.origin) = (value, origin);
                Ok(())
            }
            Err(unfit) => {
                let called = name.at(&origin);
                Err(match unfit {
                    Unfit::NotAccepted => {
                        let (accepts, given) = (self.kind.accepts(), self.kind.show(raw));
                        Problem::of(&origin, format_args!("{called} takes {accepts}, not {given}"))
                    }
                    Unfit::Because(reason) => Problem::of(&origin, format_args!("{called} {reason}")),
                })
            }
        }
    }
}

impl Name {
    /// `key` in a file, `--key` and `REALTIME_KEY`.
    pub(super) const fn new(key: &'static str) -> Self {
        Self::or(key, key)
    }

    /// `key` in a file's app, `--app-key` and `REALTIME_APP_KEY`, if `elsewhere` is `app_key`.
    pub(super) const fn or(key: &'static str, elsewhere: &'static str) -> Self {
        Self { key, elsewhere: Some(elsewhere) }
    }

    /// `key` in a file, and only there.
    pub(super) const fn in_file(key: &'static str) -> Self {
        Self { key, elsewhere: None }
    }

    /// The flag, without its dashes.
    pub(super) fn flag(self) -> Option<String> {
        self.elsewhere.map(|key| key.replace('_', "-"))
    }

    pub(super) fn variable(self) -> Option<String> {
        self.elsewhere.map(|key| format!("REALTIME_{}", key.to_ascii_uppercase()))
    }

    /// What whoever gave a value there calls it.
    pub(super) fn at(self, origin: &Origin) -> String {
        match origin {
            Origin::Default | Origin::File(_) => self.key.into(),
            Origin::Variable(variable) => self.variable().unwrap_or_else(|| variable.clone()),
            Origin::Flag(flag) => self.flag().map_or_else(|| flag.clone(), |flag| format!("--{flag}")),
        }
    }
}

impl Visitor for Listing {
    fn visit<K: Kind>(&mut self, name: Name, setting: &mut Setting<K>) {
        let (value, origin) = (setting.kind.write(&setting.value), setting.origin.clone());
        self.0.push(Entry { name, value, origin, is_switch: K::IS_SWITCH });
    }
}
