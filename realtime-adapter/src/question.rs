use crate::error::SubscribeError;
use crate::for_adapters::ForAdapters;
use crate::hub::Hub;
use crate::panics::contain;
use realtime_core::{AuthorizationRequest, Decision, Denial, HubError, Input, Outcome};
use realtime_ws::Timestamp;
use std::time::Duration;

/// A subscribe that the authorizer is to decide.
#[derive(Debug)]
pub struct Question {
    hub: Hub,
    request: AuthorizationRequest,
    due: Timestamp,
}

impl Question {
    pub(crate) fn new(hub: Hub, request: AuthorizationRequest, due: Timestamp) -> Self {
        Self { hub, request, due }
    }

    /// What the authorizer is shown.
    #[must_use]
    pub fn request(&self) -> &AuthorizationRequest {
        &self.request
    }

    /// How long an answer is waited for.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.hub.clock().until(self.due)
    }

    /// Asks an authorizer that answers in this call; one that panics has denied.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn ask(
        self,
        authorize: impl FnOnce(&AuthorizationRequest) -> Decision,
    ) -> Result<(), SubscribeError> {
        let decision = contain(|| authorize(&self.request));
        self.answer(decision)
    }

    /// Hands the authorizer's answer in, `None` if it panicked.
    ///
    /// # Errors
    /// [`SubscribeError`]: the client is not subscribed.
    pub fn answer(self, decision: Option<Decision>) -> Result<(), SubscribeError> {
        let decision = decision.unwrap_or_else(|| Decision::Deny { reason: "the authorizer failed".into() });
        match self.hub.shared.input(Input::Decided { request: self.request.request, decision }) {
            Ok(Outcome::Taken) if self.time_left().is_zero() => {
                Err(SubscribeError::Denied(Denial::AuthorizerTimedOut))
            }
            Ok(Outcome::Taken) => Err(SubscribeError::NoLongerWanted),
            outcome => subscribed(outcome),
        }
    }

    /// Takes note that no answer came in time.
    ///
    /// # Errors
    /// [`SubscribeError`] in any case: the client is not subscribed.
    pub fn expire(self) -> Result<(), SubscribeError> {
        self.hub.shared.input(Input::TimePassed)?;
        Err(SubscribeError::Denied(Denial::AuthorizerTimedOut))
    }
}

/// What came of a subscribe for which nobody has to be asked any more.
pub(crate) fn subscribed(outcome: Result<Outcome, HubError>) -> Result<(), SubscribeError> {
    match outcome? {
        Outcome::Subscribed | Outcome::Taken => Ok(()),
        Outcome::Denied(denial) => Err(SubscribeError::Denied(denial)),
        Outcome::Connected(_) | Outcome::Authorize(_) => {
            unreachable!("neither connects, nor asks what was decided")
        }
    }
}
