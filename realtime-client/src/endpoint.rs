use crate::error::ConnectError;
use realtime_core::pusher::client::target;
use realtime_ws::handshake::{Scheme, Uri};
use realtime_ws::{Config, Keepalive};
use std::time::Duration;

/// Where a client connects to, and how.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) uri: String,
    pub(crate) config: Config,
}

impl Endpoint {
    pub(crate) fn new(address: &str, key: &str, config: Config) -> Result<Self, ConnectError> {
        if address.contains('?') {
            return Err(ConnectError::UrlWithQuery);
        }
        let target = target(key).map_err(ConnectError::Key)?;
        let uri = format!("{}{target}", address.trim_end_matches('/'));
        if Uri::parse(&uri).map_err(ConnectError::Url)?.scheme() == Scheme::Wss {
            return Err(ConnectError::Tls);
        }
        config.clone().checked().map_err(ConnectError::WebSocket)?;
        Ok(Self { uri, config })
    }
}

/// The WebSocket of a client, unless the application wants another.
///
/// Whether the server lives is asked in the protocol of the channels. Below it, silence is borne for as long as bytes may
/// wait to be taken.
pub(crate) fn default_config() -> Config {
    let keepalive = Keepalive { ping_after: Duration::from_secs(45), close_after: Duration::from_secs(60) };
    Config { keepalive: Some(keepalive), ..Config::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(address: &str, key: &str) -> Result<String, String> {
        let endpoint = Endpoint::new(address, key, default_config());
        endpoint.map(|endpoint| endpoint.uri).map_err(|error| error.to_string())
    }

    #[test]
    fn the_app_is_found_below_the_address() {
        for (address, expected) in [
            ("ws://localhost:8080", "ws://localhost:8080/app/key?protocol=7&client=realtime-rust&version="),
            ("ws://[::1]/", "ws://[::1]/app/key?"),
            ("ws://localhost/ws/", "ws://localhost/ws/app/key?"),
        ] {
            let uri = uri(address, "key").unwrap();
            assert!(uri.starts_with(expected), "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_connected_to_is_refused_with_what_is_accepted() {
        for (address, key, expected) in [
            ("wss://localhost", "key", "wss:// is not supported"),
            ("http://localhost", "key", "a WebSocket URL begins with ws:// or wss://"),
            ("localhost:8080", "key", "a WebSocket URL begins with ws:// or wss://"),
            ("ws://localhost?a=b", "key", "the address must be ws://host[:port][/path], without a query"),
            ("ws://localhost", "a/b", "an app key has at least one character, and none but"),
        ] {
            let error = uri(address, key).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let config = Config { max_fragments: 0, ..default_config() };
        let error = Endpoint::new("ws://localhost", "key", config).unwrap_err();
        assert_eq!(error.to_string(), "max_fragments must be at least 1");
    }
}
