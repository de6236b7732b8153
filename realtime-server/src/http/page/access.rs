use crate::gateway::Shared;
use crate::http::answer::Refusal;
use crate::http::bearer;
use crate::http::demo::Reach;
use crate::http::visitor::{self, Visitor};
use crate::served_app::ServedApp;
use crate::token::Token;
use hyper::StatusCode;
use hyper::http::request::Parts;
use std::sync::Arc;

/// For whom the page is.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// Nobody: there is none.
    Nobody,
    /// Anyone, in the demo: pages from elsewhere excepted.
    Anyone(Reach),
    /// Whoever sends the token.
    Bearer(Token),
}

impl Access {
    /// # Errors
    /// 404: there is no page.
    pub(super) fn exists(&self) -> Result<(), Refusal> {
        match self {
            Self::Nobody => Err(off()),
            Self::Anyone(_) | Self::Bearer(_) => Ok(()),
        }
    }

    /// Whether the page works if it is opened at `host`, by which pages from elsewhere can reach this machine too.
    pub(super) fn is_at(&self, host: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Anyone(Reach::Loopback) => visitor::is_of_this_machine(host),
            Self::Anyone(Reach::Network) | Self::Bearer(_) => true,
        }
    }

    /// Lets in whoever may know what is live, sign and publish.
    ///
    /// # Errors
    /// 404: there is no page; 403 or 401: it is not for whoever asks.
    pub(super) fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        match self {
            Self::Nobody => Err(off()),
            Self::Anyone(reach) => Visitor::admit_reader(head, *reach),
            // Where a request comes from says nothing then: no other page has the token.
            Self::Bearer(token) => bearer::admit(&head.headers, token, "the debug page is"),
        }
    }

    /// The apps that whoever is let in may look into: the demo is of the first one alone.
    pub(super) fn apps(&self, shared: &Shared) -> Vec<Arc<ServedApp>> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Anyone(_) => vec![shared.first.clone()],
            Self::Bearer(_) => shared.apps.all(),
        }
    }
}

fn off() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "the debug page is off; --demo and --debug-token turn it on")
}
