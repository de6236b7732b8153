use super::effective::Configuration;
use super::kind::Written;
use super::setting::Entry;
use super::webhook::WebhookSettings;
use crate::options::Demo;
use crate::startup::is_well_known;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What cannot be changed while the gateway runs, as it was in the beginning: all that is not an app's, and the webhooks
/// of each app, as they were when that came.
#[derive(Debug)]
pub(crate) struct Running {
    settings: Vec<Entry>,
    webhooks_by_app: BTreeMap<String, Vec<Written>>,
    demo: Demo,
    /// Where it listens, if others than those for whom the demo is may reach that.
    public: Option<SocketAddr>,
}

impl Running {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let (listen, demo) = (configuration.options.listen, configuration.options.demo);
        let is_public = demo == Demo::Off && !listen.ip().to_canonical().is_loopback();
        Self {
            settings: configuration.settings.entries(),
            webhooks_by_app: webhooks_by_app(configuration),
            demo,
            public: is_public.then_some(listen),
        }
    }

    /// Whether the apps of `now` may be served by what runs, which keeps its address and its demo, whatever `now` says
    /// of them.
    ///
    /// # Errors
    /// An app has the secret that everybody knows, and others may reach the gateway.
    pub(crate) fn admits(&self, now: &Configuration) -> Result<(), String> {
        let Some(listen) = self.public else { return Ok(()) };
        match now.options.apps.iter().find(|app| is_well_known(&app.app.secret)) {
            Some(app) => {
                let (id, rule) = (&app.app.id, "give it one of its own, as others may reach");
                Err(format!("everybody knows the secret of the app {id}: {rule} {listen} until a restart"))
            }
            None => Ok(()),
        }
    }

    /// Has the apps be those of `now`, and tells, in a line each, what is set to something new that takes a restart.
    pub(crate) fn follow(&mut self, now: &Configuration) -> Vec<String> {
        let mut told = Vec::new();
        for (set, begun) in now.settings.entries().iter().zip(&self.settings) {
            if differ(&set.value, &begun.value) {
                let (key, now, before) = (set.name.key, &set.value, &begun.value);
                told.push(format!("{key} is set to {now} now, which takes a restart; it stays {before}"));
            } else if set.name.key == "demo" && (self.demo, now.options.demo) == (Demo::On, Demo::Off) {
                // An app has turned it off by having a secret of its own.
                told.push("demo is off now, which takes a restart; it stays on".into());
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
