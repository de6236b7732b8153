use super::kind::{Hidden, Kind, Optional};
use super::origin::Origin;
use super::problem::Problem;
use super::setting::{Name, Setting};
use super::settings::AppSettings;
use super::variables::Variables;
use std::fs::File;
use std::io::{self, Read};
use std::path::{self, Path};

/// Finds what says what the secret is, and gives it; `None` if nothing does.
pub(super) fn settle_secret(app: &mut AppSettings, variables: &Variables) -> Result<Option<Hidden>, Problem> {
    let origin = secret_origin(app);
    let AppSettings { secret, secret_file, secret_env, .. } = app;
    forget_older(secret, &origin);
    forget_older(secret_file, &origin);
    forget_older(secret_env, &origin);
    match (&secret.value, &secret_file.value, &secret_env.value) {
        (secret, None, None) => Ok(secret.clone()),
        (None, Some(path), None) => {
            let base = origin.place().and_then(|place| place.file.parent());
            let path = base.unwrap_or(Path::new("")).join(path);
            let called = Name::or("secret_file", "app_secret_file").at(&origin);
            let secret = read_secret(&path).map_err(|error| {
                let path = path.display();
                Problem::of(&origin, format_args!("{called}: cannot read {path}: {error}"))
            })?;
            // As what is printed may become a file elsewhere.
            secret_file.value = Some(path::absolute(&path).unwrap_or(path));
            Ok(Some(secret))
        }
        (None, None, Some(name)) => {
            let value = variables.get(name).and_then(|value| value.to_str());
            let text = format_args!("secret_env names the variable {name}, which is not set, or no text");
            value.map(|value| Some(Hidden::new(value))).ok_or_else(|| Problem::of(&origin, text))
        }
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            let text =
                "this says more than once what the secret is: give one of secret, secret_file and secret_env";
            Err(Problem::of(&origin, text))
        }
    }
}

/// Where it was said last what the secret is.
pub(super) fn secret_origin(app: &AppSettings) -> Origin {
    let origins = [&app.secret.origin, &app.secret_file.origin, &app.secret_env.origin];
    origins.into_iter().max_by_key(|origin| origin.rank()).cloned().unwrap_or(Origin::Default)
}

fn forget_older<K: Kind>(setting: &mut Setting<Optional<K>>, origin: &Origin) {
    if setting.origin.rank() < origin.rank() {
        (setting.value, setting.origin) = (None, Origin::Default);
    }
}

/// More than any secret is long.
const MAX_SECRET_BYTES: u64 = 4096;

/// A secret that is alone in a file; the end of its line is not part of it.
fn read_secret(path: &Path) -> io::Result<Hidden> {
    let mut text = String::new();
    File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    match secret.len() as u64 {
        0 => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
        1..=MAX_SECRET_BYTES => Ok(Hidden::new(secret)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 4096 bytes")),
    }
}
