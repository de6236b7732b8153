//! The demo's auth endpoints: let anyone into any channel, and sign anyone in as anybody. A real application asks
//! who its user is.

use super::answer::{Answer, Refusal, json};
use crate::served_app::ServedApp;
use hyper::StatusCode;
use realtime_core::ChannelKind;
use realtime_core::pusher::{ChannelAuthRequest, Query, SocketId, User, UserAuthRequest, parse_channel_data};
use serde::Deserialize;
use std::fmt::Display;

pub(super) fn answer(body: &[u8], app: &ServedApp) -> Result<Answer, Refusal> {
    let question = Question::parse(body)?;
    let request = question.request()?;
    let channel_data = match request.channel.kind() {
        ChannelKind::Public | ChannelKind::Private => None,
        ChannelKind::Presence => Some(question.channel_data(request.socket_id, app)?),
    };
    Ok(json(request.allow(&app.terms().config.app, channel_data.as_deref())))
}

pub(super) fn sign_in(body: &[u8], app: &ServedApp) -> Result<Answer, Refusal> {
    let question = Question::parse(body)?;
    let request = UserAuthRequest { socket_id: question.socket_id()?.parse().map_err(bad_request)? };
    let (id, name) = question.person(request.socket_id, app);
    let user_data = serde_json::json!({ "id": id, "user_info": { "name": name } }).to_string();
    User::parse(&user_data).map_err(bad_request)?;
    Ok(json(request.allow(&app.terms().config.app, &user_data)))
}

/// What a client asks. Clients of Pusher send the first two, of which a sign-in needs one; the others say who it
/// wants to be.
#[derive(Default, Deserialize)]
struct Question {
    socket_id: Option<String>,
    channel_name: Option<String>,
    user_id: Option<String>,
    user_name: Option<String>,
}

impl Question {
    /// Parses a form, or a JSON object.
    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.trim_ascii_start().starts_with(b"{") {
            return serde_json::from_slice(body).map_err(bad_request);
        }
        let form = Query::parse(str::from_utf8(body).map_err(bad_request)?).map_err(bad_request)?;
        let field = |name| form.value(name).map(str::to_owned);
        Ok(Self {
            socket_id: field("socket_id"),
            channel_name: field("channel_name"),
            user_id: field("user_id"),
            user_name: field("user_name"),
        })
    }

    fn request(&self) -> Result<ChannelAuthRequest, Refusal> {
        let socket_id = self.socket_id()?;
        let channel = self.channel_name.as_deref().ok_or_else(|| missing("channel_name"))?;
        ChannelAuthRequest::new(socket_id, channel).map_err(bad_request)
    }

    fn socket_id(&self) -> Result<&str, Refusal> {
        self.socket_id.as_deref().ok_or_else(|| missing("socket_id"))
    }

    /// The id and name of the client: whoever it says it is, or a guest.
    fn person(&self, socket_id: SocketId, app: &ServedApp) -> (String, String) {
        let (id, name) = match self.user_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => (id.to_owned(), id.to_owned()),
            None => guest(socket_id, app),
        };
        let name = self.user_name.clone().filter(|name| !name.is_empty()).unwrap_or(name);
        (id, name)
    }

    /// Who the client is in a presence channel.
    fn channel_data(&self, socket_id: SocketId, app: &ServedApp) -> Result<String, Refusal> {
        let (id, name) = self.person(socket_id, app);
        let data = serde_json::json!({ "user_id": id, "user_info": { "name": name } }).to_string();
        parse_channel_data(&data).map_err(bad_request)?;
        Ok(data)
    }
}

/// The id and name of a guest. The others learn them, and must not learn the socket id: signatures bind to
/// it.
fn guest(socket_id: SocketId, app: &ServedApp) -> (String, String) {
    let mut digest = app.terms().config.app.secret.sign(&format_args!("guest:{socket_id}"));
    digest.truncate(8);
    (format!("guest-{digest}"), format!("Guest {}", &digest[..4]))
}

fn missing(field: &str) -> Refusal {
    let accepted =
        "accepted are a form and a JSON object with socket_id, channel_name, user_id and user_name";
    bad_request(format!("{field} is missing; {accepted}"))
}

fn bad_request(reason: impl Display) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, reason)
}
