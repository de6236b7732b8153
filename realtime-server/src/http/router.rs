use super::answer::{Answer, Refusal, json};
use super::page::PagePart;
use super::{api, auth, demo, metrics, publish, ready};
use crate::gateway::Shared;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use realtime_core::pusher::http::{ApiCall, ApiError, ApiRequest};

/// Answers a request, whatever it is.
pub(super) async fn answer(request: Request<Incoming>, shared: &Shared) -> Answer {
    let (head, body) = request.into_parts();
    let route = Route::of(&head);
    let name = route.name();
    let answer = perform(route, &head, body, shared).await.unwrap_or_else(Answer::from);
    shared.counters.http_answered(name, answer.status().as_u16());
    answer
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
        Route::Ready => get(head).and_then(|()| ready::answer(&shared.stopping)),
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
