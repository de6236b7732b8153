use super::answer::SEC_WEBSOCKET_PROTOCOL;
use super::extension::{self, SEC_WEBSOCKET_EXTENSIONS};
use super::head::{Head, Headers, Once};
use super::{HandshakeFailed, deflate, grammar};
use crate::deflate::NegotiatedDeflate;
use crate::{CheckedConfig, Config, Connection, MaskingKeys, Timestamp};
use core::mem::MaybeUninit;

/// A server's response that accepts the handshake and keeps all rules of RFC 6455 §4.1.
#[derive(Debug)]
pub struct Response<'a> {
    pub(super) accepted: Accepted<'a>,
    pub(super) keys: MaskingKeys,
    pub(super) config: &'a CheckedConfig,
}

/// What a response that keeps all rules says.
#[derive(Debug)]
pub(super) struct Accepted<'a> {
    head: Head<'a>,
    subprotocol: Option<&'a str>,
    deflate: Option<NegotiatedDeflate>,
}

impl<'a> Response<'a> {
    /// The subprotocol that the server chose, one of those that were offered.
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&'a str> {
        self.accepted.subprotocol
    }

    /// The compression that the server agreed to, if any.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate(&self) -> Option<NegotiatedDeflate> {
        self.accepted.deflate
    }

    /// All headers, in the order they came.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        self.accepted.head.headers()
    }

    /// The value of the first header called `name`, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().value(name)
    }

    /// The connection that begins here.
    #[must_use]
    pub fn into_connection(self, now: Timestamp) -> Connection {
        let connection = Connection::client(self.config.clone(), self.keys, now);
        connection.after_agreeing_on(self.accepted.deflate)
    }
}

/// Checks a response against what was asked.
pub(super) fn judge<'a>(
    head: Head<'a>,
    expected_accept_key: &[u8],
    offered_subprotocols: &[u8],
    config: &Config,
) -> Result<Accepted<'a>, HandshakeFailed> {
    let mut headers = [const { MaybeUninit::uninit() }; Config::MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let outcome = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut parsed,
        head.bytes,
        &mut headers,
    );
    let (Ok(httparse::Status::Complete(_)), Some(1), Some(status)) = (outcome, parsed.version, parsed.code)
    else {
        return Err(HandshakeFailed::MalformedResponse);
    };
    if status != 101 {
        return Err(HandshakeFailed::Status(status));
    }
    let fields = Fields::collect(parsed.headers);
    match fields.upgrade {
        Once::Found(protocol) if protocol.eq_ignore_ascii_case(b"websocket") => {}
        Once::Found(_) | Once::Missing | Once::Repeated => return Err(HandshakeFailed::NotUpgraded),
    }
    if !fields.connection_lists_upgrade {
        return Err(HandshakeFailed::ConnectionWithoutUpgrade);
    }
    match fields.accept_key {
        Once::Found(key) if key == expected_accept_key => {}
        Once::Found(_) | Once::Missing | Once::Repeated => return Err(HandshakeFailed::WrongAcceptKey),
    }
    if fields.has_malformed_extensions {
        return Err(HandshakeFailed::UnacceptableExtension);
    }
    let deflate = deflate::judge(extension::extensions(head.headers()), config)?;
    let subprotocol = match fields.subprotocol {
        Once::Missing => None,
        Once::Found(chosen) if grammar::list(offered_subprotocols).any(|offered| offered == chosen) => {
            core::str::from_utf8(chosen).ok()
        }
        Once::Found(_) | Once::Repeated => return Err(HandshakeFailed::SubprotocolNotOffered),
    };
    Ok(Accepted { head, subprotocol, deflate })
}

/// The headers that decide about a response, gathered in one pass.
#[derive(Default)]
struct Fields<'a> {
    upgrade: Once<'a>,
    connection_lists_upgrade: bool,
    accept_key: Once<'a>,
    subprotocol: Once<'a>,
    has_malformed_extensions: bool,
}

impl<'a> Fields<'a> {
    fn collect(headers: &[httparse::Header<'a>]) -> Self {
        let mut fields = Self::default();
        for header in headers {
            let is = |known: &str| header.name.eq_ignore_ascii_case(known);
            if is("Upgrade") {
                fields.upgrade.take_in(header.value);
            } else if is("Connection") {
                fields.connection_lists_upgrade |= grammar::list_contains(header.value, "Upgrade");
            } else if is("Sec-WebSocket-Accept") {
                fields.accept_key.take_in(header.value);
            } else if is(SEC_WEBSOCKET_PROTOCOL) {
                fields.subprotocol.take_in(header.value);
            } else if is(SEC_WEBSOCKET_EXTENSIONS) {
                fields.has_malformed_extensions |= !extension::is_well_formed(header.value);
            }
        }
        fields
    }
}
