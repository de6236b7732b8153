use super::accept_key::{accept_key, encode_nonce};
use super::answer::{SEC_WEBSOCKET_PROTOCOL, check_headers, push_header};
use super::extension::SEC_WEBSOCKET_EXTENSIONS;
use super::head::HeadReader;
use super::{HandshakeFailed, Response, Uri, deflate, grammar, response, uri};
use crate::{ApiMisuse, CheckedConfig, MaskingKeys, Timestamp};
use alloc::vec::Vec;
use core::ops::Range;

/// The client's side of the opening handshake (RFC 6455 §4.1): gives the request to send and takes in the
/// response, however it is cut.
///
/// It ends with the response or a failure: every later call gives the same failure, or nothing.
#[derive(Debug)]
pub struct ClientHandshake {
    config: CheckedConfig,
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
    fn encode(&self, key: &[u8], extensions: Option<&str>) -> (Vec<u8>, Range<usize>) {
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
        if let Some(extensions) = extensions {
            push_header(&mut request, SEC_WEBSOCKET_EXTENSIONS, extensions);
        }
        for (name, value) in self.headers {
            push_header(&mut request, name, value);
        }
        request.extend_from_slice(b"\r\n");
        (request, subprotocols)
    }
}

impl ClientHandshake {
    /// A handshake that may take [`Config::handshake_timeout`](crate::Config::handshake_timeout) from `now`.
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
        config: CheckedConfig,
        request: &ClientRequest<'_>,
        nonce: [u8; 16],
        keys: MaskingKeys,
        now: Timestamp,
    ) -> Result<Self, ApiMisuse> {
        request.check()?;
        let key = encode_nonce(nonce);
        let (request, subprotocols) = request.encode(&key, deflate::offer(&config).as_deref());
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

    /// Says that the first `bytes` bytes of what [`poll_transmit`](Self::poll_transmit) gave were written.
    ///
    /// # Panics
    /// If that is more than it gave.
    pub fn transmitted(&mut self, bytes: usize) {
        let unsent = self.request.len() - self.transmitted;
        assert!(bytes <= unsent, "{bytes} bytes said to be written of {unsent}");
        self.transmitted += bytes;
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
                response::judge(head, &self.accept_key, offered, &self.config)
            }
            Err(failed) => Err(failed),
        };
        self.progress = match outcome {
            Ok(_) => Progress::Complete,
            Err(failed) => Progress::Failed(failed),
        };
        let accepted = outcome?;
        // The keys are there: only this line takes them, and `Progress::Complete` comes with it.
        Ok(self.keys.take().map(|keys| Response { accepted, keys, config: &self.config }))
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
