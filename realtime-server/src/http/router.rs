use super::answer::{Answer, Refusal, json};
use super::{api, auth, demo, page, publish, ready};
use crate::gateway::Shared;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, UPGRADE};
use hyper::{Method, Request, StatusCode};
use realtime_core::pusher::http::ApiError;

/// Answers a request, whatever it is.
pub(super) async fn answer(request: Request<Incoming>, shared: &Shared) -> Answer {
    route(request, shared).await.unwrap_or_else(Answer::from)
}

async fn route(request: Request<Incoming>, shared: &Shared) -> Result<Answer, Refusal> {
    let (head, body) = request.into_parts();
    match head.uri.path() {
        "/up" => match head.method {
            Method::GET | Method::HEAD => Ok(json(r#"{"status":"ok"}"#)),
            method => Err(Refusal::method(&method, "GET, HEAD")),
        },
        "/ready" => match head.method {
            Method::GET | Method::HEAD => ready::answer(&shared.stopping),
            method => Err(Refusal::method(&method, "GET, HEAD")),
        },
        "/" => page::answer(&head.method, demo::site(shared)?),
        "/broadcasting/auth" | "/pusher/auth" => demo::answer(&head, body, shared, auth::answer).await,
        "/broadcasting/user-auth" | "/pusher/user-auth" => {
            demo::answer(&head, body, shared, auth::sign_in).await
        }
        "/demo/publish" => demo::answer(&head, body, shared, publish::answer).await,
        path if path.starts_with("/apps/") => api::answer(&head, body, shared).await,
        path if path.starts_with("/app/") => Err(upgrade_required()),
        path => Err(ApiError::NoSuchPath { path: path.into() }.into()),
    }
}

fn upgrade_required() -> Refusal {
    let reason = "this is where WebSocket clients connect, each with a connection of its own";
    Refusal::new(StatusCode::UPGRADE_REQUIRED, reason).with(UPGRADE, HeaderValue::from_static("websocket"))
}
