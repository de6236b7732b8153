use super::effective::Configuration;
use super::kind::Written;
use super::setting::Entry;
use std::fmt;

/// Where what a value comes from stands, so that it does not hang at the value.
const COLUMN: usize = 36;

/// What is in effect, as a file that says the same; what must not be shown is masked.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        writeln!(
            f,
            "# The configuration of realtime-server {version} as it is in effect, and where it comes from."
        )?;
        writeln!(f, "# What stands as \"***\" is not shown; it has to be put in before this can be used.")?;
        entries(f, self.settings.entries())?;
        for app in &self.settings.apps {
            writeln!(f, "\n[[apps]]")?;
            entries(f, app.entries())?;
            for webhook in &app.webhooks {
                writeln!(f, "\n[[apps.webhooks]]")?;
                entries(f, webhook.entries())?;
            }
        }
        Ok(())
    }
}

fn entries(f: &mut fmt::Formatter<'_>, entries: Vec<Entry>) -> fmt::Result {
    for Entry { name, value, origin, .. } in entries {
        match value {
            Written::Value(_) | Written::Masked { .. } => {
                let line = format!("{} = {value}", name.key);
                writeln!(f, "{line:COLUMN$} # {origin}")?;
            }
            Written::Absent(meaning) => writeln!(f, "# {}: {meaning}", name.key)?,
        }
    }
    Ok(())
}
