//! The debug page at `/`, and what it asks for: `/page/…`.
//!
//! Its files tell nothing of the gateway and are for anyone, as a page that asks for a token has to be. What is live, and
//! what signs and publishes, is for those whom [`Access`] lets in.

mod access;
mod files;
mod state;

pub(crate) use access::Access;
pub(super) use files::PageFile;

use super::answer::{Answer, Refusal};
use super::{auth, body, publish};
use crate::gateway::Shared;
use crate::served_app::ServedApp;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use realtime_core::pusher::Query;
use realtime_smol::{OriginPolicy, Upgrade};
use std::sync::Arc;
use std::time::Instant;

/// The debug page of a gateway.
#[derive(Debug)]
pub(crate) struct Page {
    access: Access,
    started: Instant,
}

/// What of the page a request is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum PagePart {
    /// One of its files.
    File(&'static PageFile),
    /// `/page/state`: what is live.
    State,
    /// `/page/auth`: a signature for its console.
    Auth,
    /// `/page/publish`: an event from its console.
    Publish,
}

impl Page {
    pub(crate) fn new(access: Access) -> Self {
        Self { access, started: Instant::now() }
    }

    /// Whether the page may be what opens this connection: it has the gateway's own origin.
    pub(crate) fn opens(&self, upgrade: &Upgrade<'_>) -> bool {
        self.access.is_at(upgrade.host()) && OriginPolicy::SameOrigin.check(upgrade).is_ok()
    }
}

impl PagePart {
    /// The part of the page at `path`, if there is one.
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/page/state" => Some(Self::State),
            "/page/auth" => Some(Self::Auth),
            "/page/publish" => Some(Self::Publish),
            path => PageFile::at(path).map(Self::File),
        }
    }

    /// How requests for it are counted.
    pub(super) const fn route(self) -> &'static str {
        match self {
            Self::File(file) => file.path,
            Self::State => "/page/state",
            Self::Auth => "/page/auth",
            Self::Publish => "/page/publish",
        }
    }

    /// Answers a request for it.
    ///
    /// # Errors
    /// 404 where there is no page, 401 or 403 for whom it is not.
    pub(super) async fn answer(
        self,
        head: &Parts,
        body: Incoming,
        shared: &Shared,
    ) -> Result<Answer, Refusal> {
        let access = &shared.page.access;
        let admitted = || access.admit(head).and_then(|()| Question::parse(head, access.apps(shared)));
        match self {
            Self::File(file) => access.exists().and_then(|()| read_only(head)).map(|()| file.answer()),
            Self::State => {
                let question = admitted()?;
                read_only(head)?;
                state::answer(&question, shared).await
            }
            Self::Auth => {
                let Question { app, .. } = admitted()?;
                auth::answer(&posted(head, body, shared).await?, &app)
            }
            Self::Publish => {
                let Question { app, .. } = admitted()?;
                publish::answer(&posted(head, body, shared).await?, &app)
            }
        }
    }
}

/// What a query asks for.
struct Question {
    /// The app that it is about: of `app`, its id, or else the first.
    app: Arc<ServedApp>,
    /// All apps that there are to ask about.
    apps: Vec<Arc<ServedApp>>,
    query: Query,
}

impl Question {
    /// # Errors
    /// 400 or 404: the query cannot be read, or there is no such app.
    fn parse(head: &Parts, apps: Vec<Arc<ServedApp>>) -> Result<Self, Refusal> {
        let query = Query::parse(head.uri.query().unwrap_or_default())
            .map_err(|invalid| Refusal::new(StatusCode::BAD_REQUEST, invalid))?;
        let wanted = query.value("app").filter(|id| !id.is_empty());
        let is_wanted = |app: &&Arc<ServedApp>| wanted.is_none_or(|id| app.terms().config.app.id == id);
        match apps.iter().find(is_wanted).cloned() {
            Some(app) => Ok(Self { app, apps, query }),
            None => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such app")),
        }
    }
}

/// What the console posts.
async fn posted(head: &Parts, body: Incoming, shared: &Shared) -> Result<Vec<u8>, Refusal> {
    match head.method {
        Method::POST => body::read(body, &shared.http).await,
        _ => Err(Refusal::method(&head.method, "POST")),
    }
}

fn read_only(head: &Parts) -> Result<(), Refusal> {
    match head.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Refusal::method(&head.method, "GET, HEAD")),
    }
}
