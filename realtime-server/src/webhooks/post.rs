use super::config::WebhookConfig;
use super::tls::Tls;
use super::webhook::{Scheme, Url, Webhook};
use futures_rustls::TlsConnector;
use futures_rustls::rustls;
use futures_rustls::rustls::pki_types::ServerName;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use realtime_core::pusher::webhooks::Request;
use smol::io::{AsyncRead, AsyncWrite};
use smol::net::TcpStream;
use smol::{Timer, future};
use smol_hyper::rt::FuturesIo;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use std::{fmt, io};

/// Posts requests, each over a connection of its own: those to one endpoint are far between, and one that a server has
/// closed meanwhile could not be told from one that failed.
pub(super) struct Poster {
    // There if an endpoint wants it.
    tls: Option<Result<TlsConnector, rustls::Error>>,
    connect_timeout: Duration,
    request_timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    Connect(io::Error),
    ConnectTimeout(Duration),
    Exchange(hyper::Error),
    Request(hyper::http::Error),
    RequestTimeout(Duration),
}

const AGENT: &str = concat!("realtime-server/", env!("CARGO_PKG_VERSION"));

/// What of an answer's body is read, so that its sender need not wonder.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

impl Poster {
    pub(super) fn new(webhooks: &[Webhook], config: &WebhookConfig, tls: &Tls) -> Self {
        let wants_tls = webhooks.iter().any(|webhook| webhook.url.scheme == Scheme::Https);
        let WebhookConfig { connect_timeout, request_timeout, .. } = *config;
        Self { tls: wants_tls.then(|| tls.connector()), connect_timeout, request_timeout }
    }

    /// Posts `request` to `webhook`; the status that answers it. A redirection is not followed.
    pub(super) async fn post(&self, webhook: &Webhook, request: &Request) -> Result<u16, Failure> {
        let posted = async {
            match webhook.url.scheme {
                Scheme::Http => exchange(self.connect(&webhook.url).await?, webhook, request).await,
                Scheme::Https => exchange(self.connect_tls(&webhook.url).await?, webhook, request).await,
            }
        };
        let timeout = self.request_timeout;
        within(timeout, posted).await.unwrap_or(Err(Failure::RequestTimeout(timeout)))
    }

    async fn connect(&self, url: &Url) -> Result<TcpStream, Failure> {
        self.in_time(TcpStream::connect((&*url.host, url.port))).await
    }

    async fn connect_tls(
        &self,
        url: &Url,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, Failure> {
        self.in_time(async {
            let connector = match &self.tls {
                Some(Ok(connector)) => connector,
                Some(Err(error)) => return Err(io::Error::other(error.clone())),
                None => return Err(io::ErrorKind::Unsupported.into()),
            };
            let name = ServerName::try_from(url.host.clone()).map_err(io::Error::other)?;
            connector.connect(name, TcpStream::connect((&*url.host, url.port)).await?).await
        })
        .await
    }

    async fn in_time<T>(&self, connecting: impl Future<Output = io::Result<T>>) -> Result<T, Failure> {
        let timeout = self.connect_timeout;
        match within(timeout, connecting).await {
            Some(connected) => connected.map_err(Failure::Connect),
            None => Err(Failure::ConnectTimeout(timeout)),
        }
    }
}

async fn exchange<S>(stream: S, webhook: &Webhook, request: &Request) -> Result<u16, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = http_request(webhook, request).map_err(Failure::Request)?;
    let (mut sender, connection) =
        http1::handshake(FuturesIo::new(stream)).await.map_err(Failure::Exchange)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(Failure::Exchange)?;
        let status = response.status().as_u16();
        discard(response.into_body()).await;
        Ok(status)
    };
    // The connection moves the bytes; what ends it, the exchange learns of.
    let moved = async {
        let _ = connection.await;
        future::pending().await
    };
    future::or(answered, moved).await
}

fn http_request(
    webhook: &Webhook,
    request: &Request,
) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    let mut http = hyper::Request::post(&*webhook.url.target)
        .header(HOST, webhook.url.authority.clone())
        .header(CONNECTION, "close")
        .header(USER_AGENT, AGENT);
    for (name, value) in request.headers() {
        http = http.header(name, value);
    }
    for (name, value) in &webhook.headers {
        http = http.header(name, value);
    }
    http.body(Full::new(request.to_bytes()))
}

/// Reads a body to its end, if that is near: the status has said all that matters.
async fn discard(body: Incoming) {
    let (mut body, mut bytes) = (pin!(body), 0);
    while bytes < MAX_ANSWER_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
}

async fn within<T>(timeout: Duration, future: impl Future<Output = T>) -> Option<T> {
    let given_up = async {
        Timer::after(timeout).await;
        None
    };
    future::or(async { Some(future.await) }, given_up).await
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot be connected to ({error})"),
            Self::ConnectTimeout(limit) => write!(f, "could not be connected to within {limit:?}"),
            Self::Exchange(error) => write!(f, "gave no answer ({error})"),
            Self::Request(error) => write!(f, "cannot be asked ({error})"),
            Self::RequestTimeout(limit) => write!(f, "gave no answer within {limit:?}"),
        }
    }
}
