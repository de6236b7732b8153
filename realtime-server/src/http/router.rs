use super::answer::{Answer, Refusal, json};
use super::page::PagePart;
use super::{api, auth, demo, metrics, publish, ready};
use crate::complaints::Complaint;
use crate::gateway::Shared;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use realtime_core::pusher::http::{ApiCall, ApiError, ApiRequest};
use std::net::SocketAddr;
use tracing::{debug, info, warn};

/// Answers a request from `address`, whatever it is.
pub(super) async fn answer(request: Request<Incoming>, address: SocketAddr, shared: &Shared) -> Answer {
    let (head, body) = request.into_parts();
    let route = Route::of(&head);
    let (name, caller) = (route.name(), Caller { address, is_backend: matches!(route, Route::Api(_)) });
    let answer = match perform(route, &head, body, shared).await {
        Ok(answer) => {
            debug!(%address, route = name, status = answer.status().as_u16(), "answered");
            answer
        }
        Err(refusal) => {
            caller.log(name, &refusal, shared);
            refusal.into()
        }
    };
    shared.counters.http_answered(name, answer.status().as_u16());
    answer
}

/// Whoever sent a request.
struct Caller {
    address: SocketAddr,
    /// Whether it asks as a backend of an app does: an operator wants to know why that does not work.
    is_backend: bool,
}

impl Caller {
    fn log(&self, route: &str, refusal: &Refusal, shared: &Shared) {
        let (address, status, reason) = (self.address, refusal.status(), refusal.logged_reason());
        let (is_ours, status) = (status.is_server_error(), status.as_u16());
        if !is_ours && !self.is_backend {
            debug!(%address, route, status, "answered with an error"); // the reason may quote what was sent
        } else if shared.complaints.admit(Complaint::Http) {
            if is_ours {
                warn!(%address, route, status, reason, "answered with an error");
            } else {
                info!(%address, route, status, reason, "answered with an error");
            }
        }
    }
}

/// Where a request goes.
enum Route<'a> {
    Up,
    Ready,
    Metrics,
    Page(PagePart),
    ChannelAuth,
    UserAuth,
    DemoPublish,
    Api(Result<ApiCall<'a>, ApiError>),
    WebSocket,
    Nowhere,
}

impl<'a> Route<'a> {
    fn of(head: &'a Parts) -> Self {
        match head.uri.path() {
            "/up" => Self::Up,
            "/ready" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/broadcasting/auth" | "/pusher/auth" => Self::ChannelAuth,
            "/broadcasting/user-auth" | "/pusher/user-auth" => Self::UserAuth,
            "/demo/publish" => Self::DemoPublish,
            path if path.starts_with("/apps/") || path.starts_with("/users/") => {
                Self::Api(request(head).call())
            }
            path if path.starts_with("/app/") => Self::WebSocket,
            path => PagePart::at(path).map_or(Self::Nowhere, Self::Page),
        }
    }

    /// How requests that go there are counted: one name for many paths, and never what a client made up.
    fn name(&self) -> &'static str {
        match self {
            Self::Up => "/up",
            Self::Ready => "/ready",
            Self::Metrics => "/metrics",
            Self::Page(part) => part.route(),
            Self::ChannelAuth => "/pusher/auth",
            Self::UserAuth => "/pusher/user-auth",
            Self::DemoPublish => "/demo/publish",
            Self::Api(Ok(call)) => call.endpoint.route(),
            Self::Api(Err(_)) => "/apps",
            Self::WebSocket => "/app/{key}",
            Self::Nowhere => "other",
        }
    }
}

fn request(head: &Parts) -> ApiRequest<'_> {
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    ApiRequest { method: head.method.as_str(), path, query }
}

async fn perform(route: Route<'_>, head: &Parts, body: Incoming, shared: &Shared) -> Result<Answer, Refusal> {
    match route {
        Route::Up => get(head).map(|()| json(r#"{"status":"ok"}"#)),
        Route::Ready => get(head).and_then(|()| ready::answer(&shared.course)),
        Route::Metrics => get(head).and_then(|()| metrics::answer(&head.headers, shared)),
        Route::Page(part) => part.answer(head, body, shared).await,
        Route::ChannelAuth => demo::answer(head, body, shared, auth::answer).await,
        Route::UserAuth => demo::answer(head, body, shared, auth::sign_in).await,
        Route::DemoPublish => demo::answer(head, body, shared, publish::answer).await,
        Route::Api(call) => api::answer(call, &request(head), body, shared).await,
        Route::WebSocket => Err(upgrade_required()),
        Route::Nowhere => Err(ApiError::NoSuchPath { path: head.uri.path().into() }.into()),
    }
}

/// Whether something is only to be read.
fn get(head: &Parts) -> Result<(), Refusal> {
    match head.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Refusal::method(&head.method, "GET, HEAD")),
    }
}

fn upgrade_required() -> Refusal {
    let reason = "this is where WebSocket clients connect, each with a connection of its own";
    Refusal::new(StatusCode::UPGRADE_REQUIRED, reason).with(UPGRADE, HeaderValue::from_static("websocket"))
}
