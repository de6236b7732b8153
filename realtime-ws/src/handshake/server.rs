use super::head::HeadReader;
use super::{Refusal, Request, grammar};
use crate::{CheckedConfig, Timestamp};

/// The server's side of the opening handshake (RFC 6455 §4.2): takes in a request, however it is cut.
///
/// It ends with the first request or refusal: every later call gives the same refusal, or nothing.
#[derive(Debug)]
pub struct ServerHandshake {
    config: CheckedConfig,
    reader: HeadReader,
    deadline: Timestamp,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    Reading,
    Complete,
    Refused(Refusal),
}

impl ServerHandshake {
    /// A handshake that may take [`Config::handshake_timeout`](crate::Config::handshake_timeout) from `now`.
    #[must_use]
    pub fn new(config: CheckedConfig, now: Timestamp) -> Self {
        let deadline = now + config.handshake_timeout;
        Self { config, reader: HeadReader::default(), deadline, progress: Progress::Reading }
    }

    /// Takes the request's head off the front of `input`: all of `input` while it is incomplete (`None`),
    /// up to its empty line once it is complete. What follows is left: frames for the connection, or the
    /// body of an HTTP request.
    ///
    /// A head that lies in `input` as a whole is lent from there; nothing is copied or allocated.
    ///
    /// # Errors
    /// The peer's fault: [`Refusal`] has the response to send before the socket is closed.
    pub fn receive<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Request<'s>>, Refusal> {
        match self.progress {
            Progress::Reading => {}
            Progress::Complete => return Ok(None),
            Progress::Refused(refusal) => return Err(refusal),
        }
        // Who speaks TLS or some other protocol here waits for an answer, and should not until the deadline.
        if self.reader.is_at_start() && input.first().is_some_and(|first| !may_begin_a_request(*first)) {
            self.progress = Progress::Refused(Refusal::MalformedRequestLine);
            return Err(Refusal::MalformedRequestLine);
        }
        let received = self.reader.receive(input, &self.config).map_err(Refusal::from);
        let outcome = match received {
            Ok(None) => return Ok(None),
            Ok(Some(head)) => Request::parse(head, &self.config),
            Err(refusal) => Err(refusal),
        };
        self.progress = match outcome {
            Ok(_) => Progress::Complete,
            Err(refusal) => Progress::Refused(refusal),
        };
        outcome.map(Some)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once the handshake has ended.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.progress {
            Progress::Reading => Some(self.deadline),
            Progress::Complete | Progress::Refused(_) => None,
        }
    }

    /// Refuses a request that is still incomplete at its deadline; `None` before that, or when the
    /// handshake has ended already.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Option<Refusal> {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.progress = Progress::Refused(Refusal::TimedOut);
        Some(Refusal::TimedOut)
    }
}

/// A method's first byte, or that of an empty line before it.
const fn may_begin_a_request(byte: u8) -> bool {
    grammar::is_token_byte(byte) || matches!(byte, b'\r' | b'\n')
}
