//! What a server sends: the switch to WebSocket, or an HTTP response that ends the connection.

use super::extension::SEC_WEBSOCKET_EXTENSIONS;
use super::grammar;
use crate::ApiMisuse;
use alloc::format;
use alloc::vec::Vec;

/// The header that offers subprotocols, and answers the offer.
pub(super) const SEC_WEBSOCKET_PROTOCOL: &str = "Sec-WebSocket-Protocol";

const SWITCHING_PROTOCOLS: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";

/// The response that accepts an upgrade (RFC 6455 §4.2.2); all parts are checked already.
pub(super) fn switching_protocols(
    accept_key: &[u8],
    subprotocol: Option<&str>,
    extensions: Option<&str>,
    headers: &[(&str, &str)],
) -> Vec<u8> {
    let subprotocol = subprotocol.map(|chosen| (SEC_WEBSOCKET_PROTOCOL, chosen));
    let extensions = extensions.map(|chosen| (SEC_WEBSOCKET_EXTENSIONS, chosen));
    let all_headers = || subprotocol.iter().chain(&extensions).chain(headers);
    let headers_bytes: usize = all_headers().map(|(name, value)| name.len() + value.len() + 4).sum();
    let mut response =
        Vec::with_capacity(SWITCHING_PROTOCOLS.len() + accept_key.len() + 2 + headers_bytes + 2);
    response.extend_from_slice(SWITCHING_PROTOCOLS.as_bytes());
    response.extend_from_slice(accept_key);
    response.extend_from_slice(b"\r\n");
    for (name, value) in all_headers() {
        push_header(&mut response, name, value);
    }
    response.extend_from_slice(b"\r\n");
    response
}

/// [`final_response`] of parts that the application chose.
pub(super) fn checked_final_response(
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Vec<u8>, ApiMisuse> {
    if !(200..=599).contains(&status) || matches!(status, 204 | 205 | 304) {
        return Err(ApiMisuse::InvalidStatus(status));
    }
    check_headers(headers, &["Connection", "Content-Length", "Transfer-Encoding"])?;
    Ok(final_response(status, headers, body))
}

/// A response after which the connection is closed. The body is plain text unless `headers` say otherwise.
pub(super) fn final_response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut response = Vec::with_capacity(256 + body.len());
    response.extend_from_slice(format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status)).as_bytes());
    // RFC 9110 §7.8: who sends `Upgrade` must list it in `Connection`.
    let offers_upgrade = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Upgrade"));
    push_header(&mut response, "Connection", if offers_upgrade { "Upgrade, close" } else { "close" });
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Content-Type")) {
        push_header(&mut response, "Content-Type", "text/plain; charset=utf-8");
    }
    push_header(&mut response, "Content-Length", &format!("{}", body.len()));
    for (name, value) in headers {
        push_header(&mut response, name, value);
    }
    response.extend_from_slice(b"\r\n");
    response.extend_from_slice(body);
    response
}

/// Refuses headers that would not arrive as one header each, and those that the handshake itself writes:
/// all that begin with `Sec-WebSocket-`, and `reserved`.
pub(super) fn check_headers(headers: &[(&str, &str)], reserved: &[&str]) -> Result<(), ApiMisuse> {
    for (name, value) in headers {
        if !grammar::is_token(name.as_bytes()) {
            return Err(ApiMisuse::InvalidHeader("the name of a header"));
        }
        if !grammar::is_field_value(value) {
            return Err(ApiMisuse::InvalidHeader("the value of a header"));
        }
        let is_websocket = name.get(..14).is_some_and(|prefix| prefix.eq_ignore_ascii_case("Sec-WebSocket-"));
        if is_websocket || reserved.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(ApiMisuse::ReservedHeader);
        }
    }
    Ok(())
}

/// Appends one line; name and value are checked already.
pub(super) fn push_header(head: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
}

/// The usual words for a status that a handshake is answered with; none for the others, which is valid.
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
