use super::kind::Kind;
use super::nearest::nearest;
use super::origin::{Origin, Place};
use super::problem::{Problem, Problems};
use super::raw::Raw;
use super::setting::{Entry, Name, Setting, Visitor};
use super::settings::{AppSettings, Settings};
use super::webhook::WebhookSettings;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Far more than a thousand apps take.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A file with settings, in TOML.
pub(super) struct Document {
    path: Arc<Path>,
    text: String,
}

impl Document {
    /// # Errors
    /// It cannot be read, is too long or is not UTF-8.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let shown = path.display();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| Problem::named(format_args!("cannot read {shown}: {error}")))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            let text = format_args!("{shown} is longer than {MAX_FILE_BYTES} bytes, the most that are read");
            return Err(Problem::named(text));
        }
        let path = Arc::from(path);
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Err(Problem::at(&Self { path, text }.place(good), "this is not UTF-8"))
            }
        }
    }

    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: Path::new(path).into(), text: text.into() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Changes settings to what the file says, and adds its apps.
    pub(super) fn apply(&self, settings: &mut Settings, problems: &mut Problems) {
        let root = match DeTable::parse(&self.text) {
            Ok(root) => root.into_inner(),
            Err(error) => return problems.push(self.not_toml(&error)),
        };
        let mut table = Table::new(self, Section::Top, root, problems);
        settings.visit(&mut table);
        let apps = table.tables("apps");
        table.finish();
        for app in apps {
            let app = self.app(app, problems);
            settings.apps.push(app);
        }
    }

    fn app(&self, app: Spanned<DeTable<'_>>, problems: &mut Problems) -> AppSettings {
        let place = Some(self.place(app.span().start));
        let mut settings = AppSettings { place, ..AppSettings::default() };
        let mut table = Table::new(self, Section::App, app.into_inner(), problems);
        settings.visit(&mut table);
        let webhooks = table.tables("webhooks");
        table.finish();
        for webhook in webhooks {
            let mut webhook_settings = WebhookSettings::default();
            webhook_settings.place = Some(self.place(webhook.span().start));
            let mut table = Table::new(self, Section::Webhook, webhook.into_inner(), problems);
            webhook_settings.visit(&mut table);
            table.finish();
            settings.webhooks.push(webhook_settings);
        }
        settings
    }

    fn not_toml(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or_default();
        let place = self.place(span.start);
        if error.message() == "duplicate key"
            && let Some(key) = self.text.get(span.clone())
            && let Some(first) = self.last_before(span.start, key)
        {
            let text = format_args!("{key} stands here again; it was given in line {}", first.line);
            return Problem::at(&place, text);
        }
        Problem::at(&place, format_args!("this is not TOML: {}", error.message()))
    }

    /// Where a key of this name stands last before `end`.
    fn last_before(&self, end: usize, key: &str) -> Option<Place> {
        let (root, _) = DeTable::parse_recoverable(&self.text);
        let mut found = None;
        starts_of(key, root.get_ref(), &mut |start| {
            if start < end {
                found = found.max(Some(start));
            }
        });
        found.map(|start| self.place(start))
    }

    /// The line and column of a byte.
    fn place(&self, offset: usize) -> Place {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place { file: self.path.clone(), line, column }
    }
}

/// Tells where keys of this name begin, in a table and in all that are in it.
fn starts_of(name: &str, table: &DeTable<'_>, tell: &mut impl FnMut(usize)) {
    for (key, value) in table {
        if key.get_ref() == name {
            tell(key.span().start);
        }
        if let Some(table) = value.get_ref().as_table() {
            starts_of(name, table, tell);
        }
        for item in value.get_ref().as_array().into_iter().flatten() {
            if let Some(table) = item.get_ref().as_table() {
                starts_of(name, table, tell);
            }
        }
    }
}

/// What a table of the file describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Top,
    App,
    Webhook,
}

impl Section {
    const ALL: [Self; 3] = [Self::Top, Self::App, Self::Webhook];

    /// As it stands at its beginning in the file.
    fn header(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::App => "apps",
            Self::Webhook => "apps.webhooks",
        }
    }

    /// The keys that it takes.
    fn keys(self) -> Vec<&'static str> {
        let keys = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.name.key);
        match self {
            Self::Top => keys(Settings::default().entries()).chain(["apps"]).collect(),
            Self::App => keys(AppSettings::default().entries()).chain(["webhooks"]).collect(),
            Self::Webhook => keys(WebhookSettings::default().entries()).collect(),
        }
    }

    /// What is said of a key that belongs there.
    fn place_of_its_keys(self) -> String {
        match self {
            Self::Top => "it belongs at the top, before the first [[apps]]".into(),
            Self::App | Self::Webhook => format!("it belongs in [[{}]]", self.header()),
        }
    }
}

/// A table of the file, of which is taken what is known.
struct Table<'a, 't> {
    document: &'a Document,
    section: Section,
    rest: DeTable<'t>,
    problems: &'a mut Problems,
}

impl<'a, 't> Table<'a, 't> {
    fn new(document: &'a Document, section: Section, table: DeTable<'t>, problems: &'a mut Problems) -> Self {
        Self { document, section, rest: table, problems }
    }

    /// Takes the tables that are begun with `[[key]]` each.
    fn tables(&mut self, key: &str) -> Vec<Spanned<DeTable<'t>>> {
        let Some(value) = self.rest.remove(key) else { return Vec::new() };
        let span = value.span();
        let DeValue::Array(items) = value.into_inner() else {
            self.no_table(key, span.start);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            let span = item.span();
            if let DeValue::Table(table) = item.into_inner() {
                tables.push(Spanned::new(span, table));
            } else {
                self.no_table(key, span.start);
            }
        }
        tables
    }

    fn no_table(&mut self, key: &str, offset: usize) {
        let header = match self.section {
            Section::Top => key.to_owned(),
            Section::App | Section::Webhook => format!("{}.{key}", self.section.header()),
        };
        let text = format_args!("{key} takes tables, each begun with [[{header}]]");
        self.problems.push(Problem::at(&self.document.place(offset), text));
    }

    /// Finds what was not taken.
    fn finish(self) {
        for (key, _) in &self.rest {
            let place = self.document.place(key.span().start);
            let text = format!("unknown key {:?}{}", key.get_ref(), self.hint(key.get_ref()));
            self.problems.push(Problem::at(&place, text));
        }
    }

    fn hint(&self, key: &str) -> String {
        let keys = self.section.keys();
        if let Some(other) = Section::ALL.into_iter().find(|other| other.keys().contains(&key)) {
            return format!(": {}", other.place_of_its_keys());
        }
        match nearest(key, keys.iter().copied()) {
            Some(meant) => format!("; did you mean {meant:?}?"),
            None => format!("; accepted are {}", keys.join(", ")),
        }
    }
}

impl Visitor for Table<'_, '_> {
    fn visit<K: Kind>(&mut self, name: Name, setting: &mut Setting<K>) {
        let Some(value) = self.rest.remove(name.key) else { return };
        let origin = Origin::File(self.document.place(value.span().start));
        if let Err(problem) = setting.set(name, Raw::Toml(value.get_ref()), origin) {
            self.problems.push(problem);
        }
    }
}
