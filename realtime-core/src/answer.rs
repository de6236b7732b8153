use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use realtime_ws::handshake::{Accept, Upgrade};
use realtime_ws::{ApiMisuse, CheckedConfig, Connection, Timestamp};

/// An application's answer to a client that wants to connect.
#[derive(Debug)]
pub struct Answer<S> {
    verdict: Verdict<S>,
    headers: Vec<(String, String)>,
}

#[derive(Debug)]
enum Verdict<S> {
    Accept { state: S, subprotocol: Option<String>, config: Option<CheckedConfig> },
    Reject { status: u16, body: String },
}

impl<S> Answer<S> {
    /// Lets the client connect; `state` is kept for the connection.
    #[must_use]
    pub fn accept(state: S) -> Self {
        Self { verdict: Verdict::Accept { state, subprotocol: None, config: None }, headers: Vec::new() }
    }

    /// Refuses with an HTTP status of 200 to 599, and a text that says why.
    #[must_use]
    pub fn reject(status: u16, body: impl Into<String>) -> Self {
        Self { verdict: Verdict::Reject { status, body: body.into() }, headers: Vec::new() }
    }

    /// Chooses a subprotocol, which must be one that the client offered. Nothing to choose when rejecting.
    #[must_use]
    pub fn subprotocol(mut self, chosen: impl Into<String>) -> Self {
        if let Verdict::Accept { subprotocol, .. } = &mut self.verdict {
            *subprotocol = Some(chosen.into());
        }
        self
    }

    /// Gives the connection limits of its own in place of the server's. Nothing to limit when rejecting.
    #[must_use]
    pub fn config(mut self, limits: CheckedConfig) -> Self {
        if let Verdict::Accept { config, .. } = &mut self.verdict {
            *config = Some(limits);
        }
        self
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What follows from an [`Answer`], for the driver.
#[allow(
    clippy::large_enum_variant,
    reason = "most are accepted, and it goes no further than the driver's stack"
)]
pub enum Answered<S> {
    /// A connection begins; the first that it transmits is the response.
    Accepted {
        /// The connection.
        connection: Connection,
        /// What the application keeps for it.
        state: S,
    },
    /// The client gets `response`, and its connection is closed.
    Rejected {
        /// A whole HTTP response.
        response: Vec<u8>,
    },
    /// The application's answer cannot be sent. The client, whose fault it is not, gets `response`, and its connection is closed.
    Unsendable {
        /// A whole HTTP response, with status 500.
        response: Vec<u8>,
        /// What is wrong with the answer.
        misuse: ApiMisuse,
    },
}

impl<S> Answered<S> {
    /// What follows from `answer` to `upgrade`.
    #[must_use]
    pub fn new(upgrade: &Upgrade<'_>, answer: Answer<S>, now: Timestamp) -> Self {
        let headers: Vec<(&str, &str)> =
            answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answered = match answer.verdict {
            Verdict::Accept { state, subprotocol, config } => {
                let (subprotocol, config) = (subprotocol.as_deref(), config.as_ref());
                let accept = Accept { subprotocol, headers: &headers, config };
                upgrade.accept(&accept, now).map(|connection| Self::Accepted { connection, state })
            }
            Verdict::Reject { status, body } => {
                upgrade.reject(status, &headers, body.as_bytes()).map(|response| Self::Rejected { response })
            }
        };
        answered.unwrap_or_else(|misuse| {
            let body = format!("the server's answer cannot be sent: {misuse}");
            // Such a response can always be sent.
            let response = upgrade.reject(500, &[], body.as_bytes()).unwrap_or_default();
            Self::Unsendable { response, misuse }
        })
    }
}

impl<S> fmt::Debug for Answered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { .. } => f.write_str("Accepted"),
            Self::Rejected { response } => {
                write!(f, "Rejected({:?})", String::from_utf8_lossy(response))
            }
            Self::Unsendable { misuse, .. } => write!(f, "Unsendable({misuse:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use realtime_ws::Config;
    use realtime_ws::handshake::{Request, ServerHandshake};

    const NOW: Timestamp = Timestamp::START;

    fn answered(answer: Answer<&'static str>) -> Answered<&'static str> {
        let mut handshake = ServerHandshake::new(CheckedConfig::default(), NOW);
        let mut request =
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Protocol: v1, v2\r\n\r\n"
                .to_owned();
        match handshake.receive(&mut &mut request[..]) {
            Ok(Some(Request::Upgrade(upgrade))) => Answered::new(&upgrade, answer, NOW),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_is_accepted_is_told_the_subprotocol_and_the_headers() {
        let answer = Answer::accept("state").subprotocol("v2").header("X-Served-By", "me");
        let Answered::Accepted { connection, state } = answered(answer) else {
            panic!("the client is let in")
        };
        assert_eq!(state, "state");
        let mut slices = [&[][..]];
        assert_eq!(connection.poll_transmit(&mut slices), 1);
        let response = String::from_utf8_lossy(slices[0]);
        assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
        assert!(response.contains("Sec-WebSocket-Protocol: v2\r\n"), "{response}");
        assert!(response.contains("X-Served-By: me\r\n"), "{response}");
    }

    #[test]
    fn a_connection_may_have_limits_of_its_own() {
        let keepalive = |answer| {
            let Answered::Accepted { connection, .. } = answered(answer) else {
                panic!("the client is let in")
            };
            connection.poll_timeout()
        };
        let config = Config { keepalive: None, ..Config::default() }.checked().unwrap();
        assert!(keepalive(Answer::accept("")).is_some());
        assert_eq!(keepalive(Answer::accept("").config(config.clone())), None);
        let Answered::Rejected { .. } = answered(Answer::reject(404, "").config(config)) else {
            panic!("the client is turned away")
        };
    }

    #[test]
    fn who_is_rejected_is_told_why() {
        let answer = Answer::reject(404, "no such place").header("X-Served-By", "me");
        let Answered::Rejected { response } = answered(answer) else { panic!("the client is turned away") };
        let response = String::from_utf8(response).unwrap();
        assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
        assert!(response.contains("X-Served-By: me\r\n"), "{response}");
        assert!(response.ends_with("\r\n\r\nno such place"), "{response}");
    }

    #[test]
    fn an_answer_that_cannot_be_sent_is_the_servers_fault() {
        for (answer, expected) in [
            (Answer::accept("").subprotocol("v3"), ApiMisuse::SubprotocolNotOffered),
            (
                Answer::accept("").header("X", "two\r\nlines"),
                ApiMisuse::InvalidHeader("the value of a header"),
            ),
            (Answer::reject(99, ""), ApiMisuse::InvalidStatus(99)),
        ] {
            let Answered::Unsendable { response, misuse } = answered(answer) else {
                panic!("{expected} is found")
            };
            assert_eq!(misuse, expected);
            let response = String::from_utf8(response).unwrap();
            assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
            assert!(response.ends_with(&format!("cannot be sent: {expected}")), "{response}");
        }
    }
}
