use super::file::Document;
use super::flags::Flags;
use super::origin::Origin;
use super::overrides::{Overrides, Source};
use super::problem::{ConfigError, Problem, Problems};
use super::setting::{Entry, Name};
use super::settings::{AppSettings, Settings, all_entries};
use super::settle::settle;
use super::variables::Variables;
use super::webhook::{WEBHOOK, WebhookSettings};
use crate::options::Options;
use std::path::{Path, PathBuf};

/// What the sources say together, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// Where the file is, if there is one.
    file: Option<PathBuf>,
    pub(super) settings: Settings,
    pub(crate) options: Options,
}

impl Configuration {
    /// Where the file is, if there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What it is about, in a few words.
    pub(crate) fn summary(&self) -> String {
        let file = self.file.as_ref().map_or_else(|| "no file".into(), |file| file.display().to_string());
        let apps: Vec<&str> = self.options.apps.iter().map(|app| &*app.app.id).collect();
        let noun = if apps.len() == 1 { "app" } else { "apps" };
        format!("{file}, {} {noun} ({})", apps.len(), apps.join(", "))
    }
}

/// The variable that names the file, if no flag does.
const FILE_VARIABLE: &str = "REALTIME_CONFIG";

/// Reads the file, if there is one, and puts together what all sources say.
pub(super) fn load(flags: &Flags, variables: &Variables) -> Result<Configuration, ConfigError> {
    let path = flags.config.clone().or_else(|| variables.get(FILE_VARIABLE).map(PathBuf::from));
    let document = path.as_deref().map(Document::read).transpose()?;
    combine(document.as_ref(), flags, variables)
}

/// Puts together what all sources say, the later ones over the earlier ones.
pub(super) fn combine(
    document: Option<&Document>,
    flags: &Flags,
    variables: &Variables,
) -> Result<Configuration, ConfigError> {
    let (mut settings, mut problems) = (Settings::default(), Problems::default());
    if let Some(document) = document {
        document.apply(&mut settings, &mut problems);
    }
    variables.check(&known_variables(&settings), &mut problems);
    settings.visit(&mut Overrides { source: variables, problems: &mut problems });
    settings.visit(&mut Overrides { source: flags, problems: &mut problems });
    match document {
        Some(document) if !settings.apps.is_empty() => {
            override_one_app(&mut settings.apps, document.path(), flags, variables, &mut problems);
        }
        Some(_) | None => {
            let mut app = AppSettings::demo();
            override_app(&mut app, flags, variables, &mut problems);
            settings.apps.push(app);
        }
    }
    problems.none()?;
    let options = settle(&mut settings, variables)?;
    Ok(Configuration { file: document.map(|document| document.path().to_owned()), settings, options })
}

/// The variables of all settings, and those in which the file says that secrets are.
fn known_variables(settings: &Settings) -> Vec<String> {
    let names = all_entries().into_iter().filter_map(|entry| entry.name.variable());
    let of_file = settings.apps.iter().filter_map(|app| app.secret_env.value.clone());
    names.chain([FILE_VARIABLE.into()]).chain(of_file).collect()
}

fn override_app(app: &mut AppSettings, flags: &Flags, variables: &Variables, problems: &mut Problems) {
    app.visit(&mut Overrides { source: variables, problems });
    app.visit(&mut Overrides { source: flags, problems });
    let webhooks = webhooks(flags, variables);
    if !webhooks.is_empty() {
        app.webhooks.clear();
    }
    for (url, origin) in webhooks {
        match WebhookSettings::at(&url, origin) {
            Ok(webhook) => app.webhooks.push(webhook),
            Err(problem) => problems.push(problem),
        }
    }
}

/// The webhooks of flags, or else of the variable; in that they stand with spaces between, as no URL has.
fn webhooks(flags: &Flags, variables: &Variables) -> Vec<(String, Origin)> {
    let (urls, origin) = match (flags.given(WEBHOOK), variables.given(WEBHOOK)) {
        (Some((_, origin)), _) => (flags.texts(WEBHOOK).to_vec(), origin),
        (None, Some((raw, origin))) => {
            (raw.text().unwrap_or_default().split_whitespace().map(str::to_owned).collect(), origin)
        }
        (None, None) => return Vec::new(),
    };
    urls.into_iter().map(|url| (url, origin.clone())).collect()
}

/// Flags and variables describe one app: of those in the file, the one whose id they name, or the only one.
fn override_one_app(
    apps: &mut [AppSettings],
    file: &Path,
    flags: &Flags,
    variables: &Variables,
    problems: &mut Problems,
) {
    let given = |name: Name| flags.given(name).or_else(|| variables.given(name));
    let names =
        || AppSettings::default().entries().into_iter().map(|entry: Entry| entry.name).chain([WEBHOOK]);
    let Some(id_name) = names().find(|name| name.key == "id") else { return };
    let ids: Vec<&str> = apps.iter().map(|app| &*app.id.value).collect();
    let (ids, file) = (ids.join(", "), file.display());
    let app = match given(id_name) {
        Some((raw, origin)) => {
            let named = apps.iter_mut().find(|app| raw.text() == Some(&app.id.value));
            if named.is_none() {
                let text = format_args!("{origin} takes the id of an app in {file} ({ids}), not {raw}");
                problems.push(Problem::usage(text));
            }
            named
        }
        None => match (apps, names().find_map(given)) {
            ([app], _) => Some(app),
            (apps, Some((_, origin))) => {
                let id = id_name.at(&origin);
                problems.push(Problem::usage(format_args!(
                    "{origin} is for one app, and {file} has {}: name it with {id} ({ids})",
                    apps.len()
                )));
                None
            }
            (_, None) => None,
        },
    };
    if let Some(app) = app {
        override_app(app, flags, variables, problems);
    }
}
