//! HTTP on the gateway's port: all requests that are no upgrade to WebSocket.

mod answer;
mod api;
mod auth;
mod bearer;
mod body;
mod demo;
mod limits;
mod metrics;
mod page;
mod publish;
mod publishing;
mod ready;
mod router;
mod stream;
mod visitor;

pub(crate) use demo::Reach;
pub use limits::HttpLimits;
pub(crate) use page::{Access, Page};

use crate::gateway::Shared;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use realtime_smol::Takeover;
use smol::channel::{Receiver, Sender, bounded};
use smol::lock::Semaphore;
use smol::{Executor, Timer, future};
use smol_hyper::rt::{FuturesIo, SmolTimer};
use std::convert::Infallible;
use std::io::{self, Write};
use std::net::TcpStream;
use std::pin::pin;
use std::sync::Arc;
use stream::HttpStream;

/// The most bytes of a request's head, and the most headers, as for a WebSocket handshake.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// Serves HTTP connections as tasks of an executor.
#[derive(Debug)]
pub(crate) struct HttpServer {
    executor: Arc<Executor<'static>>,
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    serving: Sender<Infallible>,
}

/// Resolves when an [`HttpServer`] and all its connections have ended.
#[derive(Debug)]
pub(crate) struct HttpEnd(Receiver<Infallible>);

impl HttpEnd {
    pub(crate) async fn reached(&self) {
        // Nothing is sent there: this returns when the last one that could has ended.
        let _ = self.0.recv().await;
    }
}

impl HttpServer {
    pub(crate) fn new(executor: Arc<Executor<'static>>, shared: Arc<Shared>) -> (Self, HttpEnd) {
        let places = Arc::new(Semaphore::new(shared.http.max_connections));
        let (serving, ended) = bounded(1);
        (Self { executor, shared, places, serving }, HttpEnd(ended))
    }

    /// Serves a connection on which an HTTP request came, to its end; does not wait for that.
    pub(crate) fn serve(&self, takeover: Takeover) {
        let Some(place) = self.places.try_acquire_arc() else {
            self.shared.counters.http_answered("any", 503);
            refuse(takeover.stream, self.shared.http.max_connections);
            return;
        };
        let connection = serve(takeover, self.shared.clone());
        let serving = self.serving.clone();
        let serve = async move {
            connection.await;
            drop((place, serving));
        };
        self.executor.spawn(serve).detach();
    }
}

async fn serve(takeover: Takeover, shared: Arc<Shared>) {
    let limits = shared.http;
    let Takeover { stream, received, address, permit: _permit } = takeover;
    let stream = HttpStream::new(stream, received, limits.write_timeout);
    // A socket that cannot be watched is closed, and so its client learns of it.
    let Ok(stream) = stream else { return };
    let answer =
        service_fn(async |request| Ok::<_, Infallible>(router::answer(request, address, &shared).await));
    let connection = http1::Builder::new()
        .timer(SmolTimer::new())
        .header_read_timeout(limits.keep_alive_timeout)
        .max_header_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(FuturesIo::new(stream), answer);
    let mut connection = pin!(connection);

    // What ends a connection early has been told to its client, or is its client's own doing.
    let ended = async {
        let _ = connection.as_mut().await;
        true
    };
    let has_ended = future::or(ended, async {
        shared.course.stopping.reached().await;
        false
    });
    if !has_ended.await {
        connection.as_mut().graceful_shutdown();
        let finished = async {
            let _ = connection.await;
        };
        let given_up = async {
            Timer::after(limits.stop_timeout).await;
        };
        future::or(finished, given_up).await;
    }
}

/// Tells a client that there are too many. A fresh socket has room for that; if not, the client learns of it
/// by the connection's end.
fn refuse(mut stream: TcpStream, max_connections: usize) {
    let reason = format!(
        r#"{{"error":"all {max_connections} places for HTTP connections are taken; try again later"}}"#
    );
    let _: io::Result<()> = write!(
        stream,
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Retry-After: 1\r\nConnection: close\r\n\r\n{reason}",
        reason.len()
    );
}
