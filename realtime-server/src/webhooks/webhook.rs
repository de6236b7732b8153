use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use realtime_core::pusher::webhooks::{EventType, Filter};
use std::fmt;

/// Where an app's own server is told what happens, and of what.
///
/// ```
/// use realtime_server::{Webhook, WebhookEvent};
///
/// # fn main() -> Result<(), realtime_server::InvalidWebhook> {
/// let webhook = Webhook::new("https://shop.example/pusher/webhook")?
///     .events([WebhookEvent::MemberAdded, WebhookEvent::MemberRemoved])
///     .channel_prefix("presence-support-")
///     .header("Authorization", "Bearer 123")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub(super) url: Url,
    pub(super) filter: Filter,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// An `http` or `https` URL, taken apart. Shown without its query, where secrets may be.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Scheme,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// What belongs into the `Host` header.
    pub(super) authority: HeaderValue,
    /// Path and query.
    pub(super) target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Webhook {
    /// The webhook that is told all events at `url`: `http` or `https`, a host, maybe a port, a path and a query.
    ///
    /// # Errors
    /// [`InvalidWebhook`] says what is wrong with the URL.
    pub fn new(url: &str) -> Result<Self, InvalidWebhook> {
        Ok(Self { url: Url::parse(url)?, filter: Filter::default(), headers: Vec::new() })
    }

    /// Sets of which events it is told. Default: all.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = EventType>) -> Self {
        self.filter.events = events.into_iter().collect();
        self
    }

    /// Sets how the names of the channels begin of which it is told. Default: all channels.
    #[must_use]
    pub fn channel_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.filter.channel_prefix);
        self
    }

    /// Adds a header to its requests, such as one by which a proxy knows the gateway. Its value is shown by no
    /// `Debug`.
    ///
    /// # Errors
    /// [`InvalidWebhook`]: a name or value that HTTP does not allow, or a name that the gateway sets itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, InvalidWebhook> {
        let invalid = |reason| InvalidWebhook::Header { name: name.into(), reason };
        let parsed: HeaderName = name.parse().map_err(|_| invalid("HTTP does not allow the name"))?;
        if OWN_HEADERS.contains(&parsed.as_str()) {
            return Err(invalid("the gateway sets it itself"));
        }
        let mut value: HeaderValue = value.parse().map_err(|_| invalid("HTTP does not allow the value"))?;
        value.set_sensitive(true);
        self.headers.push((parsed, value));
        Ok(self)
    }
}

/// The headers that a request has in any case, or that say where it ends.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "x-pusher-key",
    "x-pusher-signature",
];

impl Url {
    fn parse(text: &str) -> Result<Self, InvalidWebhook> {
        let invalid = |reason| InvalidWebhook::Url { url: without_secrets(text), reason };
        let uri: Uri = text.parse().map_err(|_| invalid("it is no URL"))?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(_) | None => return Err(invalid("it does not begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(invalid("it has a user or a password; send a header instead"));
        }
        let host = authority.host();
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            None => scheme.default_port(),
            Some(port) => {
                port.parse().ok().filter(|port| *port != 0).ok_or_else(|| invalid("the port is none"))?
            }
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(invalid("it has no host"));
        }
        let authority_value =
            authority.as_str().parse().map_err(|_| invalid("HTTP does not allow the host"))?;
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let slash = if target.starts_with('/') { "" } else { "/" };
        let target = format!("{slash}{target}");
        Ok(Self { scheme, host: host.into(), port, authority: authority_value, target })
    }
}

/// What may be shown of something that is meant to be a URL: neither its query nor a user and a password.
pub(crate) fn without_secrets(text: &str) -> String {
    let is_scheme =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let after_scheme = text.find("://").filter(|end| is_scheme(&text[..*end])).map_or(0, |end| end + 3);
    let (scheme, rest) = text.split_at(after_scheme);
    // A password that nobody encoded may have any character in it, and so may a query.
    match (rest.rfind('@'), rest.find('?')) {
        (None, None) => text.into(),
        (None, Some(query)) => format!("{scheme}{}", &rest[..query]),
        (Some(at), Some(query)) if query < at => format!("{scheme}***"),
        (Some(at), query) => format!("{scheme}***{}", &rest[at..query.unwrap_or(rest.len())]),
    }
}

impl Scheme {
    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.authority.to_str().unwrap_or_default();
        let path = self.target.split('?').next().unwrap_or_default();
        write!(f, "{}://{authority}{path}", self.scheme.name())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// A webhook that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidWebhook {
    /// Its URL cannot be posted to.
    Url {
        /// The URL, without what may be secret in it: a user, a password, and what it has after the path.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// A header cannot be sent.
    Header {
        /// Its name.
        name: String,
        /// Why.
        reason: &'static str,
    },
}

impl fmt::Display for InvalidWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, reason } => {
                write!(f, "a webhook takes a URL such as https://shop.example/webhook, not {url:?}: {reason}")
            }
            Self::Header { name, reason } => write!(f, "a webhook cannot send the header {name:?}: {reason}"),
        }
    }
}

impl std::error::Error for InvalidWebhook {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, scheme, host, port, target, shown) in [
            ("http://a", Scheme::Http, "a", 80, "/", "http://a/"),
            ("https://a.example/b?c=d#e", Scheme::Https, "a.example", 443, "/b?c=d", "https://a.example/b"),
            ("HTTP://127.0.0.1:8080?x", Scheme::Http, "127.0.0.1", 8080, "/?x", "http://127.0.0.1:8080/"),
            ("https://[::1]:9/", Scheme::Https, "::1", 9, "/", "https://[::1]:9/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(
                (url.scheme, &*url.host, url.port, &*url.target),
                (scheme, host, port, target),
                "{text}"
            );
            assert_eq!(url.to_string(), shown);
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        for (text, reason) in [
            ("", "it is no URL"),
            ("http://", "it is no URL"),
            ("http://a b/", "it is no URL"),
            ("shop.example", "it does not begin with http:// or https://"),
            ("/webhook", "it does not begin with http:// or https://"),
            ("ftp://a/", "it does not begin with http:// or https://"),
            ("https://ada:secret@a/", "it has a user or a password; send a header instead"),
            ("http://a:0/", "the port is none"),
            ("http://a:/", "the port is none"),
            ("http://a:99999/", "the port is none"),
            ("http://:80/", "it has no host"),
        ] {
            let error = Webhook::new(text).unwrap_err();
            assert_eq!(error, InvalidWebhook::Url { url: without_secrets(text), reason });
            assert!(error.to_string().contains(reason));
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_secrets() {
        for (text, shown) in [
            ("ftp://a/b", "ftp://a/b"),
            ("ftp://a/b?token=hidden", "ftp://a/b"),
            ("https://ada:hidden@a/b?token=hidden", "https://***@a/b"),
            ("https://hidden@a:80/", "https://***@a:80/"),
            ("ada:hidden@a/b", "***@a/b"),
            ("ada:hidden://hidden@a/b", "***@a/b"),
            // Whatever a password may have in it.
            ("https://ada:hid@den/hidden#hidden@a/b", "https://***@a/b"),
            ("https://ada:hidden?hidden@a/b", "https://***"),
            ("ftp://a/b?to=ada@hidden", "ftp://***"),
        ] {
            let error = Webhook::new(text).unwrap_err();
            for said in [error.to_string(), format!("{error:?}")] {
                assert!(said.contains(&format!("{shown:?}")) && !said.contains("hid"), "{text}: {said}");
            }
        }
    }

    #[test]
    fn headers_are_checked_and_neither_their_values_nor_the_query_are_shown() {
        let webhook = || Webhook::new("http://a/b?token=hidden").unwrap();
        for (name, value) in
            [("", "x"), ("a b", "x"), ("a", "x\ny"), ("Content-Type", "x"), ("x-pusher-key", "x")]
        {
            let error = webhook().header(name, value).unwrap_err();
            assert!(error.to_string().starts_with(&format!("a webhook cannot send the header {name:?}: ")));
        }
        let webhook = webhook().header("Authorization", "Bearer hidden").unwrap();
        let shown = format!("{webhook:?}");
        assert!(shown.contains("http://a/b") && !shown.contains("hidden"), "{shown}");
    }
}
