use super::accept_key::{accept_key, encode_nonce};
use super::head::{BadHead, Head, HeadReader, Headers};
use super::request::{Once, SEC_WEBSOCKET_PROTOCOL};
use super::response::{check_headers, push_header};
use super::{Uri, extension::SEC_WEBSOCKET_EXTENSIONS, grammar, uri};
use crate::{ApiMisuse, Config, Connection, MaskingKeys, Timestamp};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

/// The client's side of the opening handshake (RFC 6455 §4.1): gives the request to send and takes in the
/// response, however it is cut.
///
/// It ends with the response or a failure: every later call gives the same failure, or nothing.
#[derive(Debug)]
pub struct ClientHandshake {
    config: Arc<Config>,
    request: Vec<u8>,
    transmitted: usize,
    /// Where the offered subprotocols stand in `request`; empty if there are none.
    subprotocols: Range<usize>,
    accept_key: [u8; 28],
    /// For the connection; there until the response is.
    keys: Option<MaskingKeys>,
    reader: HeadReader,
    deadline: Timestamp,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    Reading,
    Complete,
    Failed(HandshakeFailed),
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientRequest<'a> {
    /// Host and, unless it is the scheme's default, port: [`Uri::authority`].
    pub host: &'a str,
    /// Path and query: [`Uri::target`].
    pub target: &'a str,
    /// The subprotocols to offer, the preferred one first. Default none.
    pub subprotocols: &'a [&'a str],
    /// The origin of the page, if the client is a browser or poses as one. Default none.
    pub origin: Option<&'a str>,
    /// Further headers, such as cookies or credentials. Default none.
    pub headers: &'a [(&'a str, &'a str)],
}

impl<'a> ClientRequest<'a> {
    /// A request for `uri` and nothing else.
    #[must_use]
    pub fn to(uri: &'a Uri) -> Self {
        Self { host: uri.authority(), target: uri.target(), ..Self::default() }
    }

    fn check(&self) -> Result<(), ApiMisuse> {
        if uri::split_authority(self.host).is_err() {
            return Err(ApiMisuse::InvalidHeader("the host"));
        }
        let is_path = self.target.starts_with('/') && !self.target.contains('#');
        if !is_path || !grammar::is_visible_ascii(self.target.as_bytes()) {
            return Err(ApiMisuse::InvalidHeader("the target"));
        }
        if self
            .origin
            .is_some_and(|origin| origin.is_empty() || !grammar::is_visible_ascii(origin.as_bytes()))
        {
            return Err(ApiMisuse::InvalidHeader("the origin"));
        }
        for (i, subprotocol) in self.subprotocols.iter().enumerate() {
            if !grammar::is_token(subprotocol.as_bytes()) {
                return Err(ApiMisuse::InvalidHeader("a subprotocol"));
            }
            if self.subprotocols[..i].contains(subprotocol) {
                return Err(ApiMisuse::RepeatedSubprotocol);
            }
        }
        let reserved = ["Host", "Upgrade", "Connection", "Origin", "Content-Length", "Transfer-Encoding"];
        check_headers(self.headers, &reserved)
    }

    /// The request's bytes, and where the offered subprotocols stand among them; all parts are checked.
    fn encode(&self, key: &[u8]) -> (Vec<u8>, Range<usize>) {
        let mut request = Vec::with_capacity(512);
        for part in ["GET ", self.target, " HTTP/1.1\r\n"] {
            request.extend_from_slice(part.as_bytes());
        }
        push_header(&mut request, "Host", self.host);
        request.extend_from_slice(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
        request.extend_from_slice(key);
        request.extend_from_slice(b"\r\nSec-WebSocket-Version: 13\r\n");
        if let Some(origin) = self.origin {
            push_header(&mut request, "Origin", origin);
        }
        let mut subprotocols = 0..0;
        if !self.subprotocols.is_empty() {
            let offered = self.subprotocols.join(", ");
            push_header(&mut request, SEC_WEBSOCKET_PROTOCOL, &offered);
            let end = request.len() - "\r\n".len();
            subprotocols = end - offered.len()..end;
        }
        for (name, value) in self.headers {
            push_header(&mut request, name, value);
        }
        request.extend_from_slice(b"\r\n");
        (request, subprotocols)
    }
}

impl ClientHandshake {
    /// A handshake that may take [`Config::handshake_timeout`] from `now`.
    ///
    /// `nonce` must be random and new for each connection (§4.1); `keys` is handed on to the connection.
    ///
    /// # Errors
    /// The caller's fault:
    /// - [`ApiMisuse::InvalidHeader`]: a part of the request cannot be written as part of one line.
    /// - [`ApiMisuse::ReservedHeader`]: a header is one that the handshake itself writes, or that announces
    ///   a body.
    /// - [`ApiMisuse::RepeatedSubprotocol`].
    pub fn new(
        config: Arc<Config>,
        request: &ClientRequest<'_>,
        nonce: [u8; 16],
        keys: MaskingKeys,
        now: Timestamp,
    ) -> Result<Self, ApiMisuse> {
        request.check()?;
        let key = encode_nonce(nonce);
        let (request, subprotocols) = request.encode(&key);
        Ok(Self {
            deadline: now + config.handshake_timeout,
            config,
            request,
            transmitted: 0,
            subprotocols,
            accept_key: accept_key(&key),
            keys: Some(keys),
            reader: HeadReader::default(),
            progress: Progress::Reading,
        })
    }

    /// Puts what is to be written now into the first of `slices`; returns how many it filled: one, or none
    /// once the request is sent.
    pub fn poll_transmit<'s>(&'s self, slices: &mut [&'s [u8]]) -> usize {
        match (&self.request[self.transmitted..], slices) {
            ([], _) | (_, []) => 0,
            (unsent, [slice, ..]) => {
                *slice = unsent;
                1
            }
        }
    }

    /// Notes that `bytes` bytes of what [`poll_transmit`](Self::poll_transmit) gave were written.
    pub fn transmitted(&mut self, bytes: usize) {
        self.transmitted = self.transmitted.saturating_add(bytes).min(self.request.len());
    }

    /// Takes the response's head off the front of `input`: all of `input` while it is incomplete (`None`),
    /// up to its empty line once it is complete. What follows is left: frames for the connection, or the
    /// body of an HTTP response.
    ///
    /// # Errors
    /// The peer's fault: close the socket.
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Response<'s>>, HandshakeFailed> {
        match &self.progress {
            Progress::Reading => {}
            Progress::Complete => return Ok(None),
            Progress::Failed(failed) => return Err(*failed),
        }
        let received = self.reader.receive(input, &self.config).map_err(HandshakeFailed::from);
        let outcome = match received {
            Ok(None) => return Ok(None),
            Ok(Some(head)) => {
                let offered = &self.request[self.subprotocols.clone()];
                judge(head, &self.accept_key, offered).map(|subprotocol| (head, subprotocol))
            }
            Err(failed) => Err(failed),
        };
        self.progress = match outcome {
            Ok(_) => Progress::Complete,
            Err(failed) => Progress::Failed(failed),
        };
        let (head, subprotocol) = outcome?;
        // The keys are there: only this line takes them, and `Progress::Complete` comes with it.
        Ok(self.keys.take().map(|keys| Response { head, subprotocol, keys, config: &self.config }))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once the handshake has ended.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.progress {
            Progress::Reading => Some(self.deadline),
            Progress::Complete | Progress::Failed(_) => None,
        }
    }

    /// Gives up a response that is still incomplete at its deadline; `None` before that, or when the
    /// handshake has ended already.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Option<HandshakeFailed> {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.progress = Progress::Failed(HandshakeFailed::TimedOut);
        Some(HandshakeFailed::TimedOut)
    }
}

/// A server's response that accepts the handshake and keeps all rules of RFC 6455 §4.1.
#[derive(Debug)]
pub struct Response<'a> {
    head: Head<'a>,
    subprotocol: Option<&'a str>,
    keys: MaskingKeys,
    config: &'a Arc<Config>,
}

impl<'a> Response<'a> {
    /// The subprotocol that the server chose, one of those that were offered.
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&'a str> {
        self.subprotocol
    }

    /// All headers, in the order they came.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        self.head.headers()
    }

    /// The value of the first header called `name`, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().value(name)
    }

    /// The connection that begins here.
    #[must_use]
    pub fn into_connection(self, now: Timestamp) -> Connection {
        Connection::client(Arc::clone(self.config), self.keys, now)
    }
}

/// Why a client gives up the opening handshake: the server's fault, or a limit it met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailed {
    /// The server does not switch to WebSocket, but answers with this status.
    Status(u16),
    /// What came is no head of an HTTP/1.1 response.
    MalformedResponse,
    /// A line ends without a carriage return.
    BareLineFeed,
    /// The head is longer than [`Config::max_head_bytes`](crate::Config::max_head_bytes).
    HeadTooLong {
        /// That limit, in bytes.
        limit: usize,
    },
    /// The head has more lines than [`Config::max_headers`](crate::Config::max_headers).
    TooManyHeaders {
        /// That limit.
        limit: usize,
    },
    /// The head was not complete after
    /// [`Config::handshake_timeout`](crate::Config::handshake_timeout).
    TimedOut,
    /// `Upgrade` is not `websocket`.
    NotUpgraded,
    /// `Connection` does not list `Upgrade`.
    ConnectionWithoutUpgrade,
    /// `Sec-WebSocket-Accept` does not answer this handshake's key.
    WrongAcceptKey,
    /// The server chose a subprotocol that was not offered, or several.
    SubprotocolNotOffered,
    /// The server chose an extension that was not offered.
    ExtensionNotOffered,
}

impl fmt::Display for HandshakeFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answered with status {status} instead of 101"),
            Self::MalformedResponse => f.write_str("the server did not answer in HTTP/1.1"),
            Self::BareLineFeed => f.write_str("a line of the response ends without carriage return"),
            Self::HeadTooLong { limit } => write!(f, "response head longer than {limit} bytes"),
            Self::TooManyHeaders { limit } => write!(f, "more than {limit} headers in the response"),
            Self::TimedOut => f.write_str("the response did not arrive in time"),
            Self::NotUpgraded => f.write_str("the response's Upgrade header is not websocket"),
            Self::ConnectionWithoutUpgrade => {
                f.write_str("the response's Connection header does not list Upgrade")
            }
            Self::WrongAcceptKey => f.write_str("the response's Sec-WebSocket-Accept does not match the key"),
            Self::SubprotocolNotOffered => f.write_str("the server chose a subprotocol that was not offered"),
            Self::ExtensionNotOffered => f.write_str("the server chose an extension that was not offered"),
        }
    }
}

impl core::error::Error for HandshakeFailed {}

impl From<BadHead> for HandshakeFailed {
    fn from(bad: BadHead) -> Self {
        match bad {
            BadHead::BareLineFeed => Self::BareLineFeed,
            BadHead::TooLong { limit } => Self::HeadTooLong { limit },
            BadHead::TooManyHeaders { limit } => Self::TooManyHeaders { limit },
        }
    }
}

/// Checks a response against what was asked; returns the subprotocol that the server chose.
fn judge<'a>(
    head: Head<'a>,
    expected_accept_key: &[u8],
    offered_subprotocols: &[u8],
) -> Result<Option<&'a str>, HandshakeFailed> {
    let mut headers = [const { MaybeUninit::uninit() }; Config::MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let outcome = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut parsed,
        head.bytes,
        &mut headers,
    );
    let (Ok(_), Some(1), Some(status)) = (outcome, parsed.version, parsed.code) else {
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
    if fields.has_extensions {
        return Err(HandshakeFailed::ExtensionNotOffered);
    }
    match fields.subprotocol {
        Once::Missing => Ok(None),
        Once::Found(chosen) if grammar::list(offered_subprotocols).any(|offered| offered == chosen) => {
            Ok(core::str::from_utf8(chosen).ok())
        }
        Once::Found(_) | Once::Repeated => Err(HandshakeFailed::SubprotocolNotOffered),
    }
}

/// The headers that decide about a response, gathered in one pass.
#[derive(Default)]
struct Fields<'a> {
    upgrade: Once<'a>,
    connection_lists_upgrade: bool,
    accept_key: Once<'a>,
    subprotocol: Once<'a>,
    has_extensions: bool,
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
                fields.has_extensions |= grammar::list(header.value).next().is_some();
            }
        }
        fields
    }
}
