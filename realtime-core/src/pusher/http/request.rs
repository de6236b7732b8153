use super::call::ApiCall;
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

/// The head of a request as it came in, before anything in it is believed.
///
/// The body is not needed to know who sent it: what is signed is its digest. So a gateway takes a body only
/// from an app's own server.
#[derive(Clone, Copy, Debug)]
pub struct ApiRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path as it was sent, without what the gateway is mounted under.
    pub path: &'a str,
    /// What follows the `?`; empty if nothing does.
    pub query: &'a str,
}

impl<'a> ApiRequest<'a> {
    /// What the request asks for.
    ///
    /// # Errors
    /// [`ApiError`], such as [`NoSuchPath`](ApiError::NoSuchPath) and
    /// [`MethodNotAllowed`](ApiError::MethodNotAllowed): the client's fault.
    pub fn call(&self) -> Result<ApiCall<'a>, ApiError> {
        ApiCall::parse(self.method, self.path)
    }

    /// The key of the app that the request says it is from; for those that have the app's id in their path it is
    /// checked by [`verify`](Self::verify) alone.
    ///
    /// # Errors
    /// [`ApiError::Query`] and [`ApiError::Unsigned`]: the client's fault.
    pub fn auth_key(&self) -> Result<String, ApiError> {
        let query = Query::parse(self.query)?.in_lower_case()?;
        query.value("auth_key").map(str::to_string).ok_or(ApiError::Unsigned { missing: "auth_key" })
    }

    /// Checks that the app's own server signed this request, and lately.
    ///
    /// `unix_seconds` is the time now, since 1970. A wrong signature takes the same time wherever it is
    /// wrong. Names of parameters are the same in upper and lower case, since the signature takes them so.
    ///
    /// # Errors
    /// [`ApiError`]: the client's fault, with the status to answer and a text that says what the right thing
    /// would be.
    pub fn verify(&self, app: &App, unix_seconds: u64) -> Result<SignedRequest, ApiError> {
        let query = Query::parse(self.query)?.in_lower_case()?;
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
        let signature = needed("auth_signature")?;
        let signed = self.signed_string(&query);
        if !app.secret.verify(&*signed, signature) {
            return Err(ApiError::WrongSignature { signed });
        }
        Ok(SignedRequest { query })
    }

    /// What the signature is made of: method, path, and the other parameters, decoded and in the order of
    /// their names, which are in lower case.
    fn signed_string(&self, query: &Query) -> String {
        let mut parameters: Vec<(&str, &str)> =
            query.iter().filter(|(name, _)| *name != "auth_signature").collect();
        parameters.sort_unstable();
        let mut signed = [self.method, self.path, ""].join("\n");
        for (index, (name, value)) in parameters.into_iter().enumerate() {
            if index > 0 {
                signed.push('&');
            }
            signed.extend([name, "=", value]);
        }
        signed
    }
}

/// A request of which the head is known to be from an app's own server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    query: Query,
}

impl SignedRequest {
    /// The parameters, their names in lower case.
    #[must_use]
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// `body`, if it is the one that was signed; one that is empty need not be.
    ///
    /// # Errors
    /// [`ApiError::Unsigned`] and [`ApiError::WrongBodyMd5`]: the client's fault, or that of somebody who
    /// changed the body on its way.
    pub fn body<'b>(&self, body: &'b [u8]) -> Result<&'b [u8], ApiError> {
        match self.query.value("body_md5") {
            None if body.is_empty() => Ok(body),
            None => Err(ApiError::Unsigned { missing: "body_md5" }),
            Some(body_md5) => {
                let actual = hex::encode(&Md5::digest(body));
                if actual == body_md5 { Ok(body) } else { Err(ApiError::WrongBodyMd5 { actual }) }
            }
        }
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
