//! yawc without compression, on hyper as its documentation has it, with one flush for each batch.

use futures_util::StreamExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use servers::{MAX_MESSAGE_BYTES, Rooms, arguments, on_tokio, run, spawn_on_tokio};
use std::convert::Infallible;
use yawc::{Options, WebSocket};

fn main() {
    let (program, address) = arguments();
    let rooms = Rooms::default();
    on_tokio(address, |stream| {
        let rooms = rooms.clone();
        async move {
            let serve = service_fn(move |mut request| {
                let rooms = rooms.clone();
                async move {
                    let options = Options::default()
                        .without_compression()
                        .with_limits(MAX_MESSAGE_BYTES, 2 * MAX_MESSAGE_BYTES)
                        .with_utf8();
                    let (response, upgraded) = WebSocket::upgrade_with_options(&mut request, options)?;
                    tokio::spawn(tokio::task::unconstrained(async move {
                        if let Ok(socket) = upgraded.await {
                            run(program, rooms, socket.map(Ok::<_, Infallible>), spawn_on_tokio).await;
                        }
                    }));
                    Ok::<_, yawc::WebSocketError>(response)
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).with_upgrades().await;
        }
    });
}
