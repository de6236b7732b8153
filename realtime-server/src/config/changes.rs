use super::effective::Configuration;
use super::kind::Written;
use super::setting::Entry;
use super::webhook::WebhookSettings;
use std::collections::BTreeMap;

/// What cannot be changed while the gateway runs, as it was in the beginning: all that is not an app's, and the webhooks
/// of each app, as they were when that came.
#[derive(Debug)]
pub(crate) struct Running {
    settings: Vec<Entry>,
    webhooks_by_app: BTreeMap<String, Vec<Written>>,
}

impl Running {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        Self { settings: configuration.settings.entries(), webhooks_by_app: webhooks_by_app(configuration) }
    }

    /// Has the apps be those of `now`, and tells, in a line each, what is set to something new that takes a restart.
    pub(crate) fn follow(&mut self, now: &Configuration) -> Vec<String> {
        let mut told = Vec::new();
        for (set, begun) in now.settings.entries().iter().zip(&self.settings) {
            if differ(&set.value, &begun.value) {
                let (key, now, before) = (set.name.key, &set.value, &begun.value);
                told.push(format!("{key} is set to {now} now, which takes a restart; it stays {before}"));
            }
        }
        let mut before = std::mem::replace(&mut self.webhooks_by_app, webhooks_by_app(now));
        for (id, webhooks) in &mut self.webhooks_by_app {
            let Some(begun) = before.remove(id) else { continue };
            if *webhooks != begun {
                let text = "webhooks are others now, which takes a restart; they stay as they were";
                told.push(format!("app {id}: {text}"));
            }
            *webhooks = begun;
        }
        told
    }
}

fn webhooks_by_app(configuration: &Configuration) -> BTreeMap<String, Vec<Written>> {
    let apps = configuration.settings.apps.iter();
    let written = apps.map(|app| {
        let entries = app.webhooks.iter().flat_map(WebhookSettings::entries);
        (app.id.value.clone(), entries.map(|entry| entry.value).collect())
    });
    written.collect()
}

/// Whether something else is said. What nothing is said of may have come to mean something else by itself.
fn differ(set: &Written, begun: &Written) -> bool {
    match (set, begun) {
        (Written::Absent(_), Written::Absent(_)) => false,
        (Written::Value(_) | Written::Masked { .. } | Written::Absent(_), _) => set != begun,
    }
}
