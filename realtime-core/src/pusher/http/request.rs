use super::error::ApiError;
use crate::pusher::app::App;
use crate::pusher::hex;
use crate::pusher::query::Query;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use md5::{Digest, Md5};

/// How far a request's clock may be from the server's, in seconds: as long as a request that was overheard
/// can be sent again.
pub const MAX_CLOCK_DIFFERENCE_SECONDS: u64 = 600;

/// A request as it came in, before anything in it is believed.
#[derive(Clone, Copy, Debug)]
pub struct ApiRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path as it was sent, without what the gateway is mounted under.
    pub path: &'a str,
    /// What follows the `?`; empty if nothing does.
    pub query: &'a str,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiCall<'a> {
    /// `POST /apps/{id}/events`: an event for one or more channels.
    PublishEvent {
        /// The app.
        app_id: &'a str,
    },
}

impl<'a> ApiRequest<'a> {
    /// What the request asks for.
    ///
    /// # Errors
    /// [`ApiError::NoSuchPath`] and [`ApiError::MethodNotAllowed`]: the client's fault.
    pub fn call(&self) -> Result<ApiCall<'a>, ApiError> {
        let no_such_path = || ApiError::NoSuchPath { path: self.path.to_string() };
        let path = self.path.strip_prefix("/apps/").ok_or_else(no_such_path)?;
        match path.split_once('/') {
            Some((app_id, "events")) if !app_id.is_empty() => match self.method {
                "POST" => Ok(ApiCall::PublishEvent { app_id }),
                other => Err(ApiError::MethodNotAllowed { method: other.to_string(), allowed: "POST" }),
            },
            _ => Err(no_such_path()),
        }
    }

    /// Checks that the app's own server signed this request, body included, and lately.
    ///
    /// `unix_seconds` is the time now, since 1970. A wrong signature takes the same time wherever it is
    /// wrong. Gives the query's parameters.
    ///
    /// # Errors
    /// [`ApiError`]: the client's fault, with the status to answer and a text that says what the right thing
    /// would be.
    pub fn verify(&self, app: &App, unix_seconds: u64) -> Result<Query, ApiError> {
        let query = Query::parse(self.query)?;
        let needed = |name| query.value(name).ok_or(ApiError::Unsigned { missing: name });

        let key = needed("auth_key")?;
        if key != app.key {
            return Err(ApiError::WrongKey { key: key.to_string() });
        }
        let version = needed("auth_version")?;
        if version != "1.0" {
            return Err(ApiError::WrongAuthVersion { version: version.to_string() });
        }
        verify_time(needed("auth_timestamp")?, unix_seconds)?;
        if !self.body.is_empty() || query.value("body_md5").is_some() {
            verify_body(self.body, needed("body_md5")?)?;
        }
        let signature = needed("auth_signature")?;
        let signed = self.signed_string(&query);
        if !app.secret.verify(&*signed, signature) {
            return Err(ApiError::WrongSignature { signed });
        }
        Ok(query)
    }

    /// What the signature is made of: method, path, and the other parameters, decoded and in the order of
    /// their names.
    fn signed_string(&self, query: &Query) -> String {
        let mut parameters: Vec<(String, &str)> = query
            .iter()
            .filter(|(name, _)| *name != "auth_signature")
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        parameters.sort();
        let parameters: Vec<String> =
            parameters.into_iter().map(|(name, value)| name + "=" + value).collect();
        [self.method, self.path, &*parameters.join("&")].join("\n")
    }
}

fn verify_time(timestamp: &str, unix_seconds: u64) -> Result<(), ApiError> {
    let sent_at: u64 =
        timestamp.parse().map_err(|_| ApiError::InvalidTimestamp { timestamp: timestamp.to_string() })?;
    if sent_at.abs_diff(unix_seconds) > MAX_CLOCK_DIFFERENCE_SECONDS {
        return Err(ApiError::WrongTime { sent_at, server: unix_seconds });
    }
    Ok(())
}

fn verify_body(body: &[u8], body_md5: &str) -> Result<(), ApiError> {
    let actual = hex::encode(&Md5::digest(body));
    if actual == body_md5 { Ok(()) } else { Err(ApiError::WrongBodyMd5 { actual }) }
}
