//! HTTP responses that need nothing of the request. The connection is closed after each.

/// To a client that asked for a WebSocket server's pages: it has none.
pub const UPGRADE_REQUIRED: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\n\
    Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 36\r\n\r\n\
    only WebSocket connections are taken";

/// To a client beyond those that a server can take, whatever it asks.
pub const OVER_CAPACITY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Connection: close\r\nRetry-After: 1\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 42\r\n\r\n\
    the server has all connections it can take";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announced_length_is_that_of_the_body() {
        for response in [UPGRADE_REQUIRED, OVER_CAPACITY] {
            let response = core::str::from_utf8(response).unwrap();
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            assert_eq!(length.parse(), Ok(body.len()));
        }
    }
}
