use futures_rustls::TlsConnector;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, Error, RootCertStore};
use std::sync::{Arc, OnceLock};
use tracing::warn;

/// Connects to servers whose certificates the system trusts; where it has none of its own, those that browsers trust.
/// What it knows of them is read when it is first asked, and then shared: some hundred kilobytes.
#[derive(Default)]
pub(super) struct Tls(OnceLock<Result<TlsConnector, Error>>);

impl Tls {
    /// # Errors
    /// The library cannot be set up.
    pub(super) fn connector(&self) -> Result<TlsConnector, Error> {
        self.0.get_or_init(connector).clone()
    }
}

fn connector() -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        warn!(%error, "certificates that the system trusts cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
