use super::nearest::nearest;
use super::origin::Origin;
use super::overrides::Source;
use super::problem::Problem;
use super::raw::Raw;
use super::setting::{Entry, Name};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the command line says of settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    /// The file that `--config` names.
    pub(super) config: Option<PathBuf>,
    // By flag, without dashes and without `no-`.
    texts: BTreeMap<String, Vec<String>>,
    switches: BTreeMap<String, bool>,
}

/// A flag of a setting.
#[derive(Debug)]
pub(super) enum Flag {
    /// It is followed by a value.
    Value(String),
    /// It turns something on, or off.
    Switch(String, bool),
}

impl Flag {
    /// The flag with this name, without dashes, for one of these settings.
    pub(super) fn find(written: &str, settings: &[Entry]) -> Option<Self> {
        settings.iter().find_map(|setting| {
            let flag = setting.name.flag()?;
            match (setting.is_switch, written == flag, written.strip_prefix("no-") == Some(&flag)) {
                (false, true, _) => Some(Self::Value(flag)),
                (true, true, _) => Some(Self::Switch(flag, true)),
                (true, _, true) => Some(Self::Switch(flag, false)),
                (_, false, _) => None,
            }
        })
    }
}

/// What to say of a flag that there is not.
pub(super) fn unknown(written: &str, settings: &[Entry]) -> Problem {
    let flags: Vec<String> = settings.iter().filter_map(|setting| setting.name.flag()).collect();
    let others = ["config", "check", "print-config", "help", "version"];
    let hint = nearest(written, flags.iter().map(String::as_str).chain(others))
        .map_or_else(String::new, |meant| format!("; did you mean '--{meant}'?"));
    Problem::usage(format_args!("invalid option '--{written}'{hint}"))
}

impl Flags {
    pub(super) fn add_text(&mut self, flag: String, text: String) {
        self.texts.entry(flag).or_default().push(text);
    }

    /// # Errors
    /// The opposite was said before.
    pub(super) fn set_switch(&mut self, flag: String, on: bool) -> Result<(), Problem> {
        if self.switches.get(&flag) == Some(&!on) {
            return Err(Problem::usage(format_args!("--{flag} and --no-{flag} contradict each other")));
        }
        self.switches.insert(flag, on);
        Ok(())
    }

    /// All that was given with this flag.
    pub(super) fn texts(&self, name: Name) -> &[String] {
        name.flag().and_then(|flag| self.texts.get(&flag)).map_or(&[], Vec::as_slice)
    }
}

impl Source for Flags {
    fn given(&self, name: Name) -> Option<(Raw<'_>, Origin)> {
        let flag = name.flag()?;
        // Of a flag that is given again, the last one counts.
        let text = self.texts.get(&flag).and_then(|texts| texts.last()).map(|text| (Raw::Untyped(text), ""));
        let switch = self.switches.get(&flag).map(|on| (Raw::Switch(*on), if *on { "" } else { "no-" }));
        text.or(switch).map(|(raw, no)| (raw, Origin::Flag(format!("--{no}{flag}"))))
    }
}
