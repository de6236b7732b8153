use super::accept_key::{accept_key, is_key};
use super::answer::{SEC_WEBSOCKET_PROTOCOL, check_headers, checked_final_response, switching_protocols};
use super::extension::{self, Extension, SEC_WEBSOCKET_EXTENSIONS};
use super::head::{Headers, Once};
use super::{HttpRequest, Refusal, deflate, grammar, uri};
use crate::{ApiMisuse, CheckedConfig, Connection, Timestamp};
use alloc::vec::Vec;

/// A client's opening handshake that keeps all rules of RFC 6455 §4.2.1.
#[derive(Clone, Debug)]
pub struct Upgrade<'a> {
    request: HttpRequest<'a>,
    host: &'a str,
    origin: Option<&'a str>,
    key: &'a [u8],
    offers_extensions: bool,
    config: &'a CheckedConfig,
}

/// What a server adds when it accepts a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept<'a> {
    /// The subprotocol that both sides will speak, one of those that were offered. Default none.
    pub subprotocol: Option<&'a str>,
    /// Further headers, such as cookies. Default none.
    pub headers: &'a [(&'a str, &'a str)],
    /// The limits of the connection. Default `None`: those of the handshake.
    pub config: Option<&'a CheckedConfig>,
}

impl<'a> Upgrade<'a> {
    /// The target as it was written: path and query, as a rule.
    #[must_use]
    pub const fn target(&self) -> &'a str {
        self.request.target()
    }

    /// The target's path, still percent-encoded.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.request.path()
    }

    /// What follows the `?` in the target, still percent-encoded.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.request.query()
    }

    /// The host that the client meant to reach, with its port unless that is the scheme's default.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The origin of the page that opens the connection. Every browser sends it; other clients need not
    /// (§10.2). See [`OriginPolicy`](super::OriginPolicy).
    #[must_use]
    pub const fn origin(&self) -> Option<&'a str> {
        self.origin
    }

    /// All headers, in the order they came.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        self.request.headers()
    }

    /// The value of the first header called `name`, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.request.header(name)
    }

    /// The subprotocols that the client offers, the preferred one first (§11.3.4).
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.headers()
            .values(SEC_WEBSOCKET_PROTOCOL)
            .flat_map(grammar::list)
            .filter_map(|offered| core::str::from_utf8(offered).ok())
    }

    /// The first of `supported` that the client offers, to be put into [`Accept::subprotocol`].
    #[must_use]
    pub fn choose_subprotocol<'p>(&self, supported: &[&'p str]) -> Option<&'p str> {
        supported.iter().copied().find(|supported| self.offers_subprotocol(supported))
    }

    fn offers_subprotocol(&self, wanted: &str) -> bool {
        self.subprotocols().any(|offered| offered == wanted)
    }

    /// The extensions that the client offers, the preferred one first (§9.1).
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        extension::extensions(self.headers())
    }

    /// The connection that begins here. The first bytes it transmits are the response. Whether its
    /// messages are compressed is decided by what the client offers and the configuration says.
    ///
    /// # Errors
    /// The caller's fault; the handshake can still be accepted or rejected:
    /// - [`ApiMisuse::SubprotocolNotOffered`].
    /// - [`ApiMisuse::InvalidHeader`]: a header cannot be written as one line.
    /// - [`ApiMisuse::ReservedHeader`]: a header is one that the handshake itself writes, or that would
    ///   give the response a body.
    pub fn accept(&self, answer: &Accept<'_>, now: Timestamp) -> Result<Connection, ApiMisuse> {
        let config = answer.config.unwrap_or(self.config);
        let negotiate = || deflate::accept(self.extensions(), config);
        let (agreed, extensions) = self.offers_extensions.then(negotiate).flatten().unzip();
        let response = self.response(answer, extensions.as_deref())?;
        Ok(Connection::server_after(config.clone(), &response, agreed, now))
    }

    fn response(&self, answer: &Accept<'_>, extensions: Option<&str>) -> Result<Vec<u8>, ApiMisuse> {
        // What was offered are tokens, so a choice among them cannot end its line.
        if answer.subprotocol.is_some_and(|chosen| !self.offers_subprotocol(chosen)) {
            return Err(ApiMisuse::SubprotocolNotOffered);
        }
        check_headers(answer.headers, &["Connection", "Upgrade", "Content-Length", "Transfer-Encoding"])?;
        Ok(switching_protocols(&accept_key(self.key), answer.subprotocol, extensions, answer.headers))
    }

    /// A complete response that turns the client away, after which the connection is to be closed. The
    /// body is plain text unless `headers` have a `Content-Type`.
    ///
    /// # Errors
    /// The caller's fault; the handshake can still be accepted or rejected:
    /// - [`ApiMisuse::InvalidStatus`]: not 200 to 599, or one that has no body: 204, 205, 304.
    /// - [`ApiMisuse::InvalidHeader`]: a header cannot be written as one line.
    /// - [`ApiMisuse::ReservedHeader`]: a header is one that is written here.
    pub fn reject(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>, ApiMisuse> {
        checked_final_response(status, headers, body)
    }

    pub(super) fn judge(
        request: HttpRequest<'a>,
        fields: &Fields<'a>,
        config: &'a CheckedConfig,
    ) -> Result<Self, Refusal> {
        if request.method() != "GET" {
            return Err(Refusal::MethodNotGet);
        }
        if request.is_version_1_0() {
            return Err(Refusal::HttpVersion);
        }
        if fields.has_body {
            return Err(Refusal::UnexpectedBody);
        }
        let Once::Found(host_header) = fields.host else { return Err(Refusal::InvalidHost) };
        // RFC 9112 §3.2.2: the host in a URL counts, not the header.
        let host = match uri::authority(request.target()).map_err(|_| Refusal::InvalidTarget)? {
            Some(authority) => authority,
            None => core::str::from_utf8(host_header).map_err(|_| Refusal::InvalidHost)?,
        };
        uri::split_authority(host).map_err(|_| Refusal::InvalidHost)?;
        if !fields.connection_lists_upgrade {
            return Err(Refusal::ConnectionWithoutUpgrade);
        }
        let Once::Found(b"13") = fields.version else { return Err(Refusal::UnsupportedVersion) };
        let Once::Found(key) = fields.key else { return Err(Refusal::InvalidKey) };
        if !is_key(key) {
            return Err(Refusal::InvalidKey);
        }
        if fields.has_malformed_subprotocols {
            return Err(Refusal::MalformedSubprotocols);
        }
        if fields.has_malformed_extensions {
            return Err(Refusal::MalformedExtensions);
        }
        let origin = match fields.origin {
            Once::Missing => None,
            Once::Found(origin) if grammar::is_visible_ascii(origin) => core::str::from_utf8(origin).ok(),
            Once::Found(_) | Once::Repeated => return Err(Refusal::MalformedOrigin),
        };
        Ok(Self { request, host, origin, key, offers_extensions: fields.has_extensions, config })
    }
}

/// The headers that decide about an upgrade, gathered in one pass.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) upgrades_to_websocket: bool,
    connection_lists_upgrade: bool,
    host: Once<'a>,
    origin: Once<'a>,
    key: Once<'a>,
    version: Once<'a>,
    /// `Content-Length: 0` is none, and some proxies add it.
    has_body: bool,
    has_malformed_subprotocols: bool,
    has_extensions: bool,
    has_malformed_extensions: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn collect(headers: &[httparse::Header<'a>]) -> Self {
        let mut fields = Self::default();
        for header in headers {
            fields.take_in(header.name, header.value);
        }
        fields
    }

    fn take_in(&mut self, name: &str, value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("Host") {
            self.host.take_in(value);
        } else if is("Origin") {
            self.origin.take_in(value);
        } else if is("Upgrade") {
            self.upgrades_to_websocket |= grammar::list_contains(value, "websocket");
        } else if is("Connection") {
            self.connection_lists_upgrade |= grammar::list_contains(value, "Upgrade");
        } else if is("Sec-WebSocket-Key") {
            self.key.take_in(value);
        } else if is("Sec-WebSocket-Version") {
            self.version.take_in(value);
        } else if is(SEC_WEBSOCKET_PROTOCOL) {
            self.has_malformed_subprotocols |= !grammar::list(value).all(grammar::is_token);
        } else if is(SEC_WEBSOCKET_EXTENSIONS) {
            self.has_extensions = true;
            self.has_malformed_extensions |= !extension::is_well_formed(value);
        } else if is("Content-Length") {
            self.has_body |= value != b"0";
        } else if is("Transfer-Encoding") {
            self.has_body = true;
        }
    }
}
