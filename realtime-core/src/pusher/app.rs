use super::hex;
use super::shown::Shown;
use super::signature::SigningString;
use alloc::string::{String, ToString};
use core::fmt::{self, Write};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// An application that the gateway serves: its id in the HTTP API, its public key, and the secret that
/// its own server signs with.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id: the `{id}` of `/apps/{id}/events`.
    pub id: String,
    /// Its public key: the `{key}` of `/app/{key}`.
    pub key: String,
    /// What it signs with.
    pub secret: Secret,
}

impl App {
    /// What the app's own server answers a client that wants to be let in: `key:signature`.
    #[must_use]
    pub fn auth(&self, string: &SigningString<'_>) -> String {
        let mut auth = self.key.clone();
        auth.push(':');
        auth.push_str(&self.secret.sign(string));
        auth
    }

    /// Checks an `auth` that a client brought against what it must have signed. Takes the same time for every
    /// wrong signature.
    ///
    /// # Errors
    /// [`InvalidAuth`]: the client's fault, and says what the right thing would be.
    pub fn verify_auth(&self, auth: &str, string: &SigningString<'_>) -> Result<(), InvalidAuth> {
        if auth.is_empty() {
            return Err(InvalidAuth::Missing);
        }
        let (key, signature) = auth.split_once(':').ok_or(InvalidAuth::Malformed)?;
        if key != self.key {
            return Err(InvalidAuth::WrongKey { key: key.to_string() });
        }
        if self.secret.verify(string, signature) {
            Ok(())
        } else {
            Err(InvalidAuth::WrongSignature { signed: string.to_string() })
        }
    }
}

/// An app's secret, ready to sign with. Not shown by `Debug`.
#[derive(Clone)]
pub struct Secret {
    // Keyed once: a clone saves each signature two of its four rounds of SHA-256.
    mac: Hmac<Sha256>,
}

impl Secret {
    /// The secret `secret`.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length (RFC 2104 §3).
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self { mac: Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length") }
    }

    /// The HMAC-SHA256 of `text` in lower-case hexadecimal.
    #[must_use]
    pub fn sign(&self, text: &(impl fmt::Display + ?Sized)) -> String {
        hex::encode(&self.mac_of(text).finalize().into_bytes())
    }

    /// Whether `signature` is what [`sign`](Self::sign) gives; in constant time.
    #[must_use]
    pub fn verify(&self, text: &(impl fmt::Display + ?Sized), signature: &str) -> bool {
        hex::decode::<32>(signature)
            .is_some_and(|signature| self.mac_of(text).verify_slice(&signature).is_ok())
    }

    fn mac_of(&self, text: &(impl fmt::Display + ?Sized)) -> Hmac<Sha256> {
        struct Feed(Hmac<Sha256>);

        impl Write for Feed {
            fn write_str(&mut self, piece: &str) -> fmt::Result {
                self.0.update(piece.as_bytes());
                Ok(())
            }
        }

        let mut feed = Feed(self.mac.clone());
        // Only a `Display` that breaks its contract fails here; what it wrote is then signed, and fits
        // nothing.
        let _ = write!(feed, "{text}");
        feed.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// All that is signed for a channel, and as much of what is signed for a user.
const MAX_SIGNED_BYTES_SHOWN: usize = 1280;

/// An `auth` that does not let its client in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidAuth {
    /// There is none.
    Missing,
    /// It is not `key:signature`.
    Malformed,
    /// It is of another app.
    WrongKey {
        /// The key in it.
        key: String,
    },
    /// The signature is not the app's for this string.
    WrongSignature {
        /// The string that had to be signed.
        signed: String,
    },
}

impl fmt::Display for InvalidAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => {
                f.write_str("auth is missing; it must be \"key:signature\", signed by the app's server")
            }
            Self::Malformed => f.write_str("auth has no colon; it must be \"key:signature\""),
            Self::WrongKey { key } => {
                write!(
                    f,
                    "auth is signed for the app key {}, which is not the one of this connection",
                    Shown(key)
                )
            }
            Self::WrongSignature { signed } => {
                let shown = &signed[..signed.floor_char_boundary(MAX_SIGNED_BYTES_SHOWN)];
                let cut = if shown.len() < signed.len() { "…" } else { "" };
                write!(
                    f,
                    "the signature in auth is not the HMAC-SHA256 of {shown}{cut} with the app's secret, in \
                     lower-case hex"
                )
            }
        }
    }
}

impl core::error::Error for InvalidAuth {}
