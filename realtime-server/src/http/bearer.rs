//! What is for whoever brings a token (RFC 6750 §2.1).

use super::answer::Refusal;
use crate::token::Token;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};

/// Lets in whoever brings `token` to something; `subject` is that and its verb, such as "metrics are".
///
/// # Errors
/// 401: another token, or none.
pub(super) fn admit(headers: &HeaderMap, token: &Token, subject: &str) -> Result<(), Refusal> {
    if sent(headers).is_some_and(|sent| token.is(sent)) {
        return Ok(());
    }
    let reason = format!("{subject} for whoever sends the token, as Authorization: Bearer TOKEN");
    Err(Refusal::new(StatusCode::UNAUTHORIZED, reason)
        .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
}

fn sent(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_start())
}
