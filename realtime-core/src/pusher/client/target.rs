use alloc::format;
use alloc::string::String;
use core::fmt;

/// What a client of the app `key` requests when it opens its WebSocket: path and query.
///
/// # Errors
/// [`InvalidKey`]: the caller's fault.
pub fn target(key: &str) -> Result<String, InvalidKey> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    if key.is_empty() || !key.bytes().all(is_plain) {
        return Err(InvalidKey);
    }
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!("/app/{key}?protocol=7&client=realtime-rust&version={version}"))
}

/// An app key that cannot stand in a URL as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an app key has at least one character, and none but A-Z a-z 0-9 - _ . ~")
    }
}

impl core::error::Error for InvalidKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pusher::ConnectRequest;
    use alloc::string::ToString;

    #[test]
    fn the_server_reads_what_the_client_requests() {
        let target = target("Key_1-~.").unwrap();
        let (path, query) = target.split_once('?').unwrap();
        let request = ConnectRequest::parse(path, query).unwrap();
        assert_eq!((&*request.key, request.protocol), ("Key_1-~.", 7));
        assert_eq!(request.client.as_deref(), Some("realtime-rust"));
    }

    #[test]
    fn a_key_that_would_change_the_path_is_refused() {
        for key in ["", "a/b", "a?b", "a#b", "a b", "%61", "é", "a\r\n"] {
            assert_eq!(target(key), Err(InvalidKey), "{key:?}");
        }
        assert!(InvalidKey.to_string().starts_with("an app key has at least one character"));
    }
}
