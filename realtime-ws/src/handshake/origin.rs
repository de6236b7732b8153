use super::uri::split_authority;
use super::{Refusal, Upgrade};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Which pages may open connections (RFC 6455 §10.2).
///
/// A browser lets any page connect to any server and sends the user's cookies along; only the server can
/// tell its own pages from others, by their origin. A client that sends no origin is no browser and passes:
/// it could claim any.
///
/// ```
/// use realtime_ws::handshake::OriginPolicy;
///
/// let policy = OriginPolicy::list(["https://example.com", "http://localhost:3000"])?;
/// # Ok::<(), realtime_ws::handshake::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OriginPolicy {
    /// Pages whose host and port are those in the request's `Host`. The scheme is not compared, since a
    /// server behind a proxy that ends TLS cannot know its own; a missing port is the default one of the
    /// page's scheme.
    #[default]
    SameOrigin,
    /// Pages of these origins.
    List(Vec<Origin>),
    /// All pages: for a server that takes nothing from cookies or the network it stands in.
    Any,
}

impl OriginPolicy {
    /// Pages of `origins`, each as a browser writes it: `https://example.com:8443`.
    ///
    /// # Errors
    /// [`InvalidOrigin`] has the first text that is no origin.
    pub fn list<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidOrigin> {
        origins.into_iter().map(Origin::parse).collect::<Result<_, _>>().map(Self::List)
    }

    /// Passes a handshake whose page may connect.
    ///
    /// # Errors
    /// The peer's fault: [`Refusal::ForbiddenOrigin`].
    pub fn check(&self, upgrade: &Upgrade<'_>) -> Result<(), Refusal> {
        match upgrade.origin() {
            Some(origin) if !self.allows(origin, upgrade.host()) => Err(Refusal::ForbiddenOrigin),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether pages of `origin` may connect to `host`, given as in the headers of these names. An origin
    /// that is hidden (`null`) or malformed may only where any may.
    #[must_use]
    pub fn allows(&self, origin: &str, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::SameOrigin => Parts::of(origin).is_some_and(|origin| origin.is_at(host)),
            Self::List(allowed) => {
                Parts::of(origin).is_some_and(|origin| allowed.iter().any(|allowed| allowed.equals(&origin)))
            }
        }
    }
}

/// Scheme, host and port of a page (RFC 6454 §4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// The origin that `text` names: `scheme://host`, with `:port` unless it is the scheme's default. Case
    /// does not matter.
    ///
    /// # Errors
    /// [`InvalidOrigin`], for instance if there is a path, be it only a slash, or a pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        // No page has an asterisk in its host; whoever writes one hopes for a pattern.
        let parts = Parts::of(text).filter(|parts| !parts.host.contains('*'));
        let parts = parts.ok_or_else(|| InvalidOrigin(String::from(text)))?;
        Ok(Self {
            scheme: parts.scheme.to_ascii_lowercase(),
            host: parts.host.to_ascii_lowercase(),
            port: parts.port,
        })
    }

    fn equals(&self, other: &Parts<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }
}

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin(String);

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no origin: write scheme://host or scheme://host:port, without path or pattern",
            self.0
        )
    }
}

impl core::error::Error for InvalidOrigin {}

/// An origin taken apart; the port is the scheme's default where none is given, if it has one.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Parts<'a> {
    fn of(origin: &'a str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        let scheme_is_valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let (host, port) = split_authority(authority).ok()?;
        scheme_is_valid.then(|| Self { scheme, host, port: port.or(default_port(scheme)) })
    }

    fn is_at(&self, host: &str) -> bool {
        split_authority(host).is_ok_and(|(host, port)| {
            self.host.eq_ignore_ascii_case(host) && self.port == port.or(default_port(self.scheme))
        })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_origin_has_the_same_host_and_port() {
        for (origin, host) in [
            ("http://a.test", "a.test"),
            ("https://a.test", "a.test"),
            ("HTTP://A.TEST", "a.test"),
            ("http://a.test", "A.test:80"),
            ("https://a.test:443", "a.test"),
            ("http://a.test:3000", "a.test:3000"),
            ("http://[::1]:3000", "[::1]:3000"),
        ] {
            assert!(OriginPolicy::SameOrigin.allows(origin, host), "{origin} at {host}");
        }
        for (origin, host) in [
            ("http://a.test", "b.test"),
            ("http://a.test", "a.test:8080"),
            ("http://a.test:8080", "a.test"),
            ("https://a.test", "a.test:80"),
            ("http://a.test.evil", "a.test"),
            ("http://evil/http://a.test", "a.test"),
            ("http://a.test@evil", "a.test"),
            ("null", "null"),
            ("", "a.test"),
            ("a.test", "a.test"),
        ] {
            assert!(!OriginPolicy::SameOrigin.allows(origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn a_list_compares_scheme_host_and_port() {
        let policy = OriginPolicy::list(["https://a.test", "HTTP://B.test:80", "app://local"]).unwrap();
        for origin in ["https://a.test", "https://A.test:443", "http://b.test", "app://LOCAL"] {
            assert!(policy.allows(origin, "elsewhere"), "{origin}");
        }
        for origin in
            ["http://a.test", "https://a.test:444", "https://b.test", "app://local:1", "null", "elsewhere"]
        {
            assert!(!policy.allows(origin, "elsewhere"), "{origin}");
        }
    }

    #[test]
    fn a_list_of_what_no_browser_sends_is_refused() {
        for text in
            ["", "a.test", "https://a.test/", "https://", "https://*", "://a", "1s://a", "https://a:0"]
        {
            assert_eq!(Origin::parse(text), Err(InvalidOrigin(String::from(text))));
        }
    }

    #[test]
    fn any_allows_even_a_hidden_origin() {
        assert!(OriginPolicy::Any.allows("null", "a.test"));
    }
}
