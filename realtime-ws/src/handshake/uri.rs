use super::grammar;
use alloc::string::String;
use core::fmt;

/// Where a client connects to: a `ws` or `wss` URL (RFC 6455 §3), taken apart.
///
/// ```
/// use realtime_ws::handshake::{Scheme, Uri};
///
/// let uri = Uri::parse("ws://[::1]:9001/chat?room=1")?;
/// assert_eq!((uri.scheme(), uri.host(), uri.port()), (Scheme::Ws, "::1", 9001));
/// assert_eq!((uri.authority(), uri.target()), ("[::1]:9001", "/chat?room=1"));
/// # Ok::<(), realtime_ws::handshake::InvalidUri>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    scheme: Scheme,
    authority: String,
    host: core::ops::Range<usize>,
    port: u16,
    target: String,
}

/// Whether a connection runs over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `ws`: plain TCP, port 80 unless another is given.
    Ws,
    /// `wss`: TLS, port 443 unless another is given.
    Wss,
}

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidUri {
    /// It begins with neither `ws://` nor `wss://`.
    Scheme,
    /// It has a user name or password before the host; send a header instead.
    UserInfo,
    /// The host is empty, or has a character that no host name, IPv4 or bracketed IPv6 address has.
    Host,
    /// The port is not 1 to 65535.
    Port,
    /// It has a fragment, which §3 forbids: write `%23` for a `#` that is meant literally.
    Fragment,
    /// Path or query have a character that must be percent-encoded: a space, a control or a non-ASCII one.
    Character,
}

impl Uri {
    /// The parts of `uri`; an empty path becomes `/`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(uri: &str) -> Result<Self, InvalidUri> {
        let (scheme, rest) = uri.split_once("://").ok_or(InvalidUri::Scheme)?;
        let scheme = Scheme::named(scheme).ok_or(InvalidUri::Scheme)?;
        if rest.contains('#') {
            return Err(InvalidUri::Fragment);
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(InvalidUri::UserInfo);
        }
        if !grammar::is_visible_ascii(target.as_bytes()) {
            return Err(InvalidUri::Character);
        }
        let (host, port) = split_authority(authority)?;
        let port_is_default = port.is_none_or(|port| port == scheme.default_port());
        let bare_host = host.trim_start_matches('[').trim_end_matches(']');
        let bare_start = (host.len() - bare_host.len()) / 2;
        let mut with_slash = String::with_capacity(target.len() + 1);
        if !target.starts_with('/') {
            with_slash.push('/');
        }
        with_slash.push_str(target);
        Ok(Self {
            scheme,
            authority: String::from(if port_is_default { host } else { authority }),
            host: bare_start..bare_start + bare_host.len(),
            port: port.unwrap_or(scheme.default_port()),
            target: with_slash,
        })
    }

    /// Whether TLS comes first.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name or address to connect to; an IPv6 address is without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.authority[self.host.clone()]
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What belongs into the `Host` header: the host, and the port unless it is the scheme's default.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query; begins with `/`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl Scheme {
    fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("ws") {
            Some(Self::Ws)
        } else if name.eq_ignore_ascii_case("wss") {
            Some(Self::Wss)
        } else {
            None
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for InvalidUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "a WebSocket URL begins with ws:// or wss://",
            Self::UserInfo => "a WebSocket URL has no user name or password: send a header instead",
            Self::Host => "the host must be a name, an IPv4 address or an IPv6 address in brackets",
            Self::Port => "the port must be 1 to 65535",
            Self::Fragment => "a WebSocket URL has no fragment: write %23 for a literal #",
            Self::Character => "path and query must be ASCII without spaces: percent-encode them",
        })
    }
}

impl core::error::Error for InvalidUri {}

/// Host and port of `host[:port]`; the host keeps its brackets.
pub(super) fn split_authority(authority: &str) -> Result<(&str, Option<u16>), InvalidUri> {
    let host_bytes = if authority.starts_with('[') {
        authority.find(']').ok_or(InvalidUri::Host)? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(host_bytes);
    let host_is_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_host_byte),
    };
    if !host_is_valid {
        return Err(InvalidUri::Host);
    }
    match port.strip_prefix(':') {
        // RFC 3986 §3.2.3 lets the colon stand without digits.
        Some("") => Ok((host, None)),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => match digits.parse() {
            Ok(0) | Err(_) => Err(InvalidUri::Port),
            Ok(port) => Ok((host, Some(port))),
        },
        Some(_) => Err(InvalidUri::Port),
        None if port.is_empty() => Ok((host, None)),
        None => Err(InvalidUri::Host),
    }
}

/// RFC 3986 §3.2.2, `reg-name`; whether a name can be resolved is for others to find out.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

/// The authority in a request's target; `None` in the usual one, which is a path.
pub(super) fn authority(target: &str) -> Result<Option<&str>, InvalidUri> {
    if target.contains('#') {
        return Err(InvalidUri::Fragment);
    }
    if target.starts_with('/') {
        return Ok(None);
    }
    let (scheme, rest) = target.split_once("://").ok_or(InvalidUri::Scheme)?;
    if !["http", "https", "ws", "wss"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return Err(InvalidUri::Scheme);
    }
    Ok(Some(&rest[..rest.find(['/', '?']).unwrap_or(rest.len())]))
}

/// Path and query of a request's target, be it a path or a URL.
pub(super) fn path_and_query(target: &str) -> (&str, Option<&str>) {
    let target = match authority(target) {
        Ok(Some(authority)) => {
            // The authority is part of the target and ends where path and query begin.
            let end = target.find("://").map_or(0, |scheme_bytes| scheme_bytes + 3 + authority.len());
            &target[end..]
        }
        Ok(None) | Err(_) => target,
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    (if path.is_empty() { "/" } else { path }, query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_are_taken_apart() {
        for (text, scheme, host, port, authority, target) in [
            ("ws://a", Scheme::Ws, "a", 80, "a", "/"),
            ("WSS://a/", Scheme::Wss, "a", 443, "a", "/"),
            ("ws://a:80/b", Scheme::Ws, "a", 80, "a", "/b"),
            ("wss://a:80/b", Scheme::Wss, "a", 80, "a:80", "/b"),
            ("ws://a:/b", Scheme::Ws, "a", 80, "a", "/b"),
            ("ws://a?q=/", Scheme::Ws, "a", 80, "a", "/?q=/"),
            ("ws://[::1]/", Scheme::Ws, "::1", 80, "[::1]", "/"),
            ("ws://[2001:db8::7]:443", Scheme::Ws, "2001:db8::7", 443, "[2001:db8::7]:443", "/"),
        ] {
            let uri = Uri::parse(text).unwrap();
            assert_eq!(
                (uri.scheme(), uri.host(), uri.port(), uri.authority(), uri.target()),
                (scheme, host, port, authority, target)
            );
        }
    }

    #[test]
    fn each_fault_of_a_url_is_named() {
        for (text, fault) in [
            ("", InvalidUri::Scheme),
            ("a:80", InvalidUri::Scheme),
            ("http://a", InvalidUri::Scheme),
            ("ws://", InvalidUri::Host),
            ("ws://:80", InvalidUri::Host),
            ("ws:///b", InvalidUri::Host),
            ("ws://a b", InvalidUri::Host),
            ("ws://ä", InvalidUri::Host),
            ("ws://a\r\nb", InvalidUri::Host),
            ("ws://[::1", InvalidUri::Host),
            ("ws://[a]", InvalidUri::Host),
            ("ws://[::1]80", InvalidUri::Host),
            ("ws://a:0", InvalidUri::Port),
            ("ws://a:65536", InvalidUri::Port),
            ("ws://a:+1", InvalidUri::Port),
            ("ws://::1", InvalidUri::Host),
            ("ws://a::1", InvalidUri::Port),
            ("ws://user@a", InvalidUri::UserInfo),
            ("ws://a/#b", InvalidUri::Fragment),
            ("ws://a/b c", InvalidUri::Character),
            ("ws://a/\r\nb", InvalidUri::Character),
            ("ws://a/ä", InvalidUri::Character),
        ] {
            assert_eq!(Uri::parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn a_target_may_be_a_path_or_a_url() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/a?b?c", "/a", Some("b?c")),
            ("/a?", "/a", Some("")),
            ("/http://a/b", "/http://a/b", None),
            ("http://a:1/b?c", "/b", Some("c")),
            ("WS://a", "/", None),
            ("ws://a?c", "/", Some("c")),
            ("*", "*", None),
        ] {
            assert_eq!(path_and_query(target), (path, query), "{target}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(wss?://)?[ab:\\[\\]/?#@1-9ä%. ]{0,20}") {
            if let Ok(uri) = Uri::parse(&text) {
                prop_assert!(uri.target().starts_with('/'));
                prop_assert!(!uri.host().is_empty());
            }
        }
    }
}
