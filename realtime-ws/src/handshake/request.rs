use super::answer::checked_final_response;
use super::head::{Head, Headers};
use super::upgrade::Fields;
use super::{Refusal, Upgrade, uri};
use crate::{ApiMisuse, CheckedConfig, Config};
use alloc::vec::Vec;
use core::mem::MaybeUninit;

/// A complete request, lent from the bytes it came in.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// A valid opening handshake: accept it or reject it.
    Upgrade(Upgrade<'a>),
    /// A request without `websocket` in its `Upgrade` header, for an HTTP server on the same port.
    Http(HttpRequest<'a>),
}

impl<'a> Request<'a> {
    /// Tells handshakes from other requests, and judges the former.
    pub(super) fn parse(head: Head<'a>, config: &'a CheckedConfig) -> Result<Self, Refusal> {
        // Few requests have more headers than this; the larger array costs 8 KiB of stack.
        if head.header_count <= 64 {
            Self::parse_with_room_for::<64>(head, config)
        } else {
            Self::parse_with_room_for::<{ Config::MAX_HEADERS }>(head, config)
        }
    }

    #[inline(never)] // so that the smaller array does not come with the stack of the larger one
    fn parse_with_room_for<const N: usize>(
        head: Head<'a>,
        config: &'a CheckedConfig,
    ) -> Result<Self, Refusal> {
        let mut headers = [const { MaybeUninit::uninit() }; N];
        let mut parsed = httparse::Request::new(&mut []);
        let outcome = parsed.parse_with_uninit_headers(head.bytes, &mut headers);
        let (Ok(httparse::Status::Complete(_)), Some(method), Some(target), Some(version)) =
            (outcome, parsed.method, parsed.path, parsed.version)
        else {
            return Err(match outcome {
                Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => Refusal::MalformedHeader,
                Ok(_) | Err(_) => Refusal::MalformedRequestLine,
            });
        };
        let fields = Fields::collect(parsed.headers);
        let request = HttpRequest { head, method, target, is_version_1_0: version == 0 };
        if fields.upgrades_to_websocket {
            Upgrade::judge(request, &fields, config).map(Self::Upgrade)
        } else {
            Ok(Self::Http(request))
        }
    }
}

/// A valid HTTP/1 request that is no WebSocket handshake.
///
/// Only its syntax was checked; whether it makes sense, a missing `Host` for instance, is for the HTTP
/// server to say. A body, if there is one, was left in the input.
#[derive(Clone, Debug)]
pub struct HttpRequest<'a> {
    head: Head<'a>,
    method: &'a str,
    target: &'a str,
    is_version_1_0: bool,
}

impl<'a> HttpRequest<'a> {
    /// The bytes from the request line up to and including the empty line, to be replayed to an HTTP server.
    #[must_use]
    pub const fn head(&self) -> &'a [u8] {
        self.head.bytes
    }

    /// The method, such as `GET`, as it was written.
    #[must_use]
    pub const fn method(&self) -> &'a str {
        self.method
    }

    /// Whether it comes in HTTP/1.0 rather than HTTP/1.1.
    #[must_use]
    pub const fn is_version_1_0(&self) -> bool {
        self.is_version_1_0
    }

    /// The target as it was written: path and query, as a rule.
    #[must_use]
    pub const fn target(&self) -> &'a str {
        self.target
    }

    /// The target's path, still percent-encoded.
    #[must_use]
    pub fn path(&self) -> &'a str {
        uri::path_and_query(self.target).0
    }

    /// What follows the `?` in the target, still percent-encoded.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        uri::path_and_query(self.target).1
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

    /// A complete response with `body`, after which the connection is to be closed. Without the body if
    /// the method is `HEAD`. It is plain text unless `headers` have a `Content-Type`.
    ///
    /// # Errors
    /// As [`Upgrade::reject`].
    pub fn answer(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>, ApiMisuse> {
        let mut response = checked_final_response(status, headers, body)?;
        if self.method == "HEAD" {
            response.truncate(response.len() - body.len());
        }
        Ok(response)
    }
}
