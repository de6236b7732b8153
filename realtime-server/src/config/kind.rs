//! How values are written: what is accepted, and how it is read and printed.

use super::raw::Raw;
use super::settings::WELL_KNOWN_SECRET;
use realtime_core::pusher::Secret;
use realtime_smol::OriginPolicy;
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use toml_writer::ToTomlValue;

/// A way to write values, the same in a file, in a variable and after a flag.
pub(super) trait Kind: Clone {
    type Value: Clone;

    /// Whether it is given by a flag alone, without a value.
    const IS_SWITCH: bool = false;

    /// What can be given, as it stands after "takes".
    fn accepts(&self) -> String;

    fn read(&self, raw: Raw<'_>) -> Result<Self::Value, Unfit>;

    fn write(&self, value: &Self::Value) -> Written;

    /// What was given instead, as it stands after "not".
    fn show(&self, raw: Raw<'_>) -> String {
        raw.to_string()
    }
}

/// Why a value is not taken.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It is none of what the kind accepts.
    NotAccepted,
    /// It is, but for a reason that follows the setting's name.
    Because(String),
}

impl Unfit {
    /// It is, or has in it, what is printed in place of something else.
    pub(super) fn masked(mask: &str) -> Self {
        let reason = "which --print-config prints in place of what it does not show: put the real one here";
        Self::Because(format!("has {mask:?}, {reason}"))
    }
}

/// A value as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// In TOML.
    Value(String),
    /// In TOML, without what is not shown of it.
    Masked { shown: String, whole: Hidden },
    /// There is none; what that means.
    Absent(&'static str),
}

impl Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(shown) | Self::Masked { shown, .. } => f.write_str(shown),
            Self::Absent(meaning) => f.write_str(meaning),
        }
    }
}

/// What `--print-config` prints in place of a secret.
const MASK: &str = "***";

/// An IP address and a port.
#[derive(Clone, Debug)]
pub(super) struct Address;

impl Kind for Address {
    type Value = SocketAddr;

    fn accepts(&self) -> String {
        "an IP address and a port, such as 127.0.0.1:8080".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<SocketAddr, Unfit> {
        raw.text().and_then(|text| text.parse().ok()).ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &SocketAddr) -> Written {
        Written::Value(value.to_string().to_toml_value())
    }
}

/// A whole number within limits.
#[derive(Clone, Debug)]
pub(super) struct Number<T> {
    pub(super) least: T,
    pub(super) most: T,
}

impl<T: Copy + PartialOrd + FromStr + Display> Kind for Number<T> {
    type Value = T;

    fn accepts(&self) -> String {
        format!("a number from {} to {}", self.least, self.most)
    }

    fn read(&self, raw: Raw<'_>) -> Result<T, Unfit> {
        let number = raw.number().and_then(|digits| digits.parse().ok());
        number.filter(|number| (self.least..=self.most).contains(number)).ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &T) -> Written {
        Written::Value(value.to_string())
    }
}

/// Something that is on or off.
#[derive(Clone, Debug)]
pub(super) struct Switch;

impl Kind for Switch {
    type Value = bool;

    const IS_SWITCH: bool = true;

    fn accepts(&self) -> String {
        "true or false".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<bool, Unfit> {
        raw.switch().ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &bool) -> Written {
        Written::Value(value.to_string())
    }
}

/// An id or a key: a part of paths.
#[derive(Clone, Debug)]
pub(super) struct PathPart;

impl Kind for PathPart {
    type Value = String;

    fn accepts(&self) -> String {
        "letters, digits, '-', '_' and '.', at least one".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<String, Unfit> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let part = raw.text().filter(|text| !text.is_empty() && text.bytes().all(is_allowed));
        part.map(str::to_owned).ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &String) -> Written {
        Written::Value(value.to_toml_value())
    }
}

/// What must not be shown.
#[derive(Clone, Debug)]
pub(super) struct Confidential;

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hidden(String);

impl Hidden {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn is_mask(&self) -> bool {
        self.0 == MASK
    }

    pub(super) fn to_secret(&self) -> Secret {
        Secret::new(&self.0)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Kind for Confidential {
    type Value = Hidden;

    fn accepts(&self) -> String {
        "text".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<Hidden, Unfit> {
        match raw.text().ok_or(Unfit::NotAccepted)? {
            "" => Err(Unfit::Because("must not be empty".into())),
            MASK => Err(Unfit::masked(MASK)),
            text => Ok(Hidden::new(text)),
        }
    }

    fn write(&self, value: &Hidden) -> Written {
        if value.reveal() == WELL_KNOWN_SECRET {
            Written::Value(WELL_KNOWN_SECRET.to_toml_value())
        } else {
            Written::Masked { shown: MASK.to_toml_value(), whole: value.clone() }
        }
    }

    fn show(&self, raw: Raw<'_>) -> String {
        raw.type_name().into()
    }
}

/// A token that is sent in a header, and not shown.
#[derive(Clone, Debug)]
pub(super) struct BearerToken;

impl Kind for BearerToken {
    type Value = Hidden;

    fn accepts(&self) -> String {
        Confidential.accepts()
    }

    fn read(&self, raw: Raw<'_>) -> Result<Hidden, Unfit> {
        let token = Confidential.read(raw)?;
        if token.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(token);
        }
        let rule =
            "must be of visible ASCII characters, without spaces: nothing else can be sent in a header";
        Err(Unfit::Because(rule.into()))
    }

    fn write(&self, value: &Hidden) -> Written {
        Written::Masked { shown: MASK.to_toml_value(), whole: value.clone() }
    }

    fn show(&self, raw: Raw<'_>) -> String {
        Confidential.show(raw)
    }
}

/// The path of a file.
#[derive(Clone, Debug)]
pub(super) struct FilePath;

impl Kind for FilePath {
    type Value = PathBuf;

    fn accepts(&self) -> String {
        "the path of a file".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<PathBuf, Unfit> {
        let path = raw.text().filter(|path| !path.is_empty());
        path.map(PathBuf::from).ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &PathBuf) -> Written {
        Written::Value(value.to_string_lossy().to_toml_value())
    }
}

/// The name of an environment variable.
#[derive(Clone, Debug)]
pub(super) struct VariableName;

impl Kind for VariableName {
    type Value = String;

    fn accepts(&self) -> String {
        "the name of an environment variable".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<String, Unfit> {
        let name = raw.text().filter(|name| !name.is_empty() && !name.contains(['=', '\0']));
        name.map(str::to_owned).ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &String) -> Written {
        Written::Value(value.to_toml_value())
    }
}

/// The origins of pages; `*` alone for those of all.
#[derive(Clone, Debug)]
pub(super) struct Origins;

/// The pages that may connect.
#[derive(Clone, Debug)]
pub(super) struct AllowedOrigins {
    written: Vec<String>,
    pub(super) policy: OriginPolicy,
}

impl AllowedOrigins {
    pub(super) fn any() -> Self {
        Self { written: vec!["*".into()], policy: OriginPolicy::Any }
    }
}

impl Kind for Origins {
    type Value = AllowedOrigins;

    fn accepts(&self) -> String {
        r#"a list of origins, such as ["https://example.com", "http://localhost:3000"], or ["*"] for all"#
            .into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<AllowedOrigins, Unfit> {
        let origins = raw.texts().filter(|origins| !origins.is_empty()).ok_or(Unfit::NotAccepted)?;
        if origins == ["*"] {
            return Ok(AllowedOrigins::any());
        }
        let policy = OriginPolicy::list(origins.iter().copied()).map_err(|_| Unfit::NotAccepted)?;
        Ok(AllowedOrigins { written: origins.into_iter().map(str::to_owned).collect(), policy })
    }

    fn write(&self, value: &AllowedOrigins) -> Written {
        let origins: Vec<String> = value.written.iter().map(ToTomlValue::to_toml_value).collect();
        Written::Value(format!("[{}]", origins.join(", ")))
    }
}

/// Any text.
#[derive(Clone, Debug)]
pub(super) struct Text;

impl Kind for Text {
    type Value = String;

    fn accepts(&self) -> String {
        "text".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<String, Unfit> {
        raw.text().map(str::to_owned).ok_or(Unfit::NotAccepted)
    }

    fn write(&self, value: &String) -> Written {
        Written::Value(value.to_toml_value())
    }
}

/// A value that there may or may not be.
#[derive(Clone, Debug)]
pub(super) struct Optional<K> {
    pub(super) kind: K,
    /// What it means that there is none.
    pub(super) absent: &'static str,
}

impl<K: Kind> Kind for Optional<K> {
    type Value = Option<K::Value>;

    const IS_SWITCH: bool = K::IS_SWITCH;

    fn accepts(&self) -> String {
        self.kind.accepts()
    }

    fn read(&self, raw: Raw<'_>) -> Result<Option<K::Value>, Unfit> {
        self.kind.read(raw).map(Some)
    }

    fn write(&self, value: &Option<K::Value>) -> Written {
        value.as_ref().map_or(Written::Absent(self.absent), |value| self.kind.write(value))
    }

    fn show(&self, raw: Raw<'_>) -> String {
        self.kind.show(raw)
    }
}
