//! `GET /page/state`: what is live, as the page asks once a second.

use super::Question;
use crate::config::WELL_KNOWN_SECRET;
use crate::gateway::Shared;
use crate::http::answer::{Answer, Refusal, json};
use crate::startup::is_well_known;
use hyper::StatusCode;
use realtime_core::pusher::App;
use realtime_core::{ChannelName, ChannelWalk, Hub, Roster};
use serde::Serialize;
use serde_json::value::RawValue;
use smol::future;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The most channels, and the most members of one, that the page is told of.
const MAX_LISTED: usize = 200;

/// Answers with what is live. The query may have a `filter`, which the names of the channels contain, and the `channel`
/// whose members are wanted.
///
/// # Errors
/// None but what cannot be: that the answer is no JSON.
pub(super) async fn answer(question: &Question, shared: &Shared) -> Result<Answer, Refusal> {
    let Question { app, apps, query } = question;
    let mut busiest =
        Busiest::new(query.value("filter").unwrap_or_default(), shared.http.max_listed_channels);
    while app.hub.look(|hub| busiest.look(hub)) == Look::Goes {
        future::yield_now().await; // to the other requests; clients need not wait anyway
    }
    let channel = query.value("channel").filter(|name| !name.is_empty()).map(ChannelName::from);
    let (channels, roster) = app.hub.look(|hub| {
        (busiest.describe(hub), channel.as_ref().and_then(|channel| RosterView::of(channel, hub)))
    });
    let (counts, traffic) = (app.hub.counts(), shared.meter.traffic());
    let (is_demo, terms) = (shared.demo.is_some(), app.terms());
    let state = State {
        version: env!("CARGO_PKG_VERSION"),
        uptime_ms: shared.page.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        apps: apps.iter().map(|app| app.terms().config.app.id.clone()).collect(),
        app: AppView::of(&terms.config.app, is_demo),
        is_demo,
        connections: counts.clients,
        subscriptions: counts.events.subscriptions(),
        members: counts.events.members(),
        connected: counts.events.connected,
        messages_in: traffic.messages_in,
        messages_out: traffic.messages_out,
        bytes_in: traffic.bytes_in,
        bytes_out: traffic.bytes_out,
        channel_count: counts.channels,
        matching: busiest.matching,
        channels,
        roster,
    };
    serde_json::to_string(&state)
        .map(json)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error))
}

/// What the page is told: of one app, but for messages and bytes, which are those of all apps together. Counters count
/// since the gateway started; what they do in a second is for the page to say.
#[derive(Serialize)]
struct State<'a> {
    version: &'static str,
    uptime_ms: u64,
    apps: Vec<String>,
    app: AppView<'a>,
    #[serde(rename = "demo")]
    is_demo: bool,
    connections: usize,
    subscriptions: u64,
    members: u64,
    connected: u64,
    messages_in: u64,
    messages_out: u64,
    bytes_in: u64,
    bytes_out: u64,
    channel_count: usize,
    matching: usize,
    channels: Vec<ChannelView>,
    roster: Option<RosterView>,
}

#[derive(Serialize)]
struct AppView<'a> {
    id: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'static str>,
}

impl<'a> AppView<'a> {
    /// The app as the page may know it: with its secret in the demo only, and only if everybody knows it anyway.
    fn of(app: &'a App, is_demo: bool) -> Self {
        let secret = (is_demo && is_well_known(&app.secret)).then_some(WELL_KNOWN_SECRET);
        Self { id: &app.id, key: &app.key, secret }
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct ChannelView {
    name: String,
    subscribers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
}

/// The members of a presence channel, in the order in which they joined.
#[derive(Serialize)]
struct RosterView {
    channel: String,
    count: usize,
    listed: Vec<Box<RawValue>>,
}

impl RosterView {
    fn of(channel: &ChannelName, hub: &Hub) -> Option<Self> {
        let roster = hub.presence(channel)?;
        let as_json = |json: &str| RawValue::from_string(json.to_owned()).ok();
        let listed =
            roster.members().take(MAX_LISTED).filter_map(|member| as_json(member.to_json())).collect();
        Some(Self { channel: channel.as_str().to_owned(), count: roster.len(), listed })
    }
}

/// The channels with the most subscribers, of those that have been looked at.
struct Busiest {
    filter: String,
    may_look_at: usize,
    walk: ChannelWalk,
    matching: usize,
    kept: BTreeSet<(Reverse<usize>, ChannelName)>,
}

/// Whether there is more to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Goes,
    Done,
}

impl Busiest {
    fn new(filter: &str, may_look_at: usize) -> Self {
        Self {
            filter: filter.to_owned(),
            may_look_at,
            walk: ChannelWalk::default(),
            matching: 0,
            kept: BTreeSet::new(),
        }
    }

    /// Looks at some more channels, so few that it takes no time worth speaking of.
    fn look(&mut self, hub: &Hub) -> Look {
        let Some(channels) = self.walk.step(hub) else { return Look::Done };
        for channel in channels {
            let Some(rest) = self.may_look_at.checked_sub(1) else { return Look::Done };
            self.may_look_at = rest;
            if !channel.as_str().contains(&self.filter) {
                continue;
            }
            self.matching += 1;
            self.kept.insert((Reverse(hub.subscriber_count(channel)), channel.clone()));
            if self.kept.len() > MAX_LISTED {
                self.kept.pop_last();
            }
        }
        Look::Goes
    }

    /// What they are like now, those left out that are gone.
    fn describe(&self, hub: &Hub) -> Vec<ChannelView> {
        let mut described = BTreeSet::new(); // one that went and came was met twice
        let views =
            self.kept.iter().filter(|(_, name)| described.insert(name)).map(|(_, name)| ChannelView {
                name: name.as_str().to_owned(),
                subscribers: hub.subscriber_count(name),
                members: hub.presence(name).map(Roster::len),
            });
        views.filter(|view| view.subscribers > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realtime_core::pusher::Secret;
    use realtime_core::{Action, Config, Credentials, Home, Input, wire};
    use realtime_ws::Timestamp;

    /// A hub in which `room-n` has `n % 3 + 1` subscribers.
    fn hub(rooms: usize) -> Hub {
        let config = Config { max_channels_per_client: rooms, ..Config::default() };
        let mut hub = Hub::new(config, wire::Pusher, [0; 16]);
        for least in 0..3 {
            let connect = Input::Connect { credentials: Credentials::NONE, home: Home(0) };
            hub.handle_input(connect, Timestamp::START).expect("an open hub");
            let Some(Action::Connected { client }) = hub.poll_action() else { panic!("no client") };
            for room in (0..rooms).filter(|room| room % 3 >= least) {
                let channel = ChannelName::from(&format!("room-{room}"));
                let subscribe = Input::Subscribe { client, channel, credentials: None };
                hub.handle_input(subscribe, Timestamp::START).expect("a client of this hub");
                while hub.poll_action().is_some() {}
            }
        }
        hub
    }

    fn looked_at(hub: &Hub, filter: &str, may_look_at: usize) -> Busiest {
        let mut busiest = Busiest::new(filter, may_look_at);
        while busiest.look(hub) == Look::Goes {}
        busiest
    }

    #[test]
    fn the_channels_with_the_most_subscribers_are_listed_first_and_alone() {
        let hub = hub(1_000);
        let busiest = looked_at(&hub, "", 10_000);
        let views = busiest.describe(&hub);
        assert_eq!((busiest.matching, views.len()), (1_000, MAX_LISTED));
        assert!(views.iter().all(|view| view.subscribers == 3));

        let busiest = looked_at(&hub, "room-99", 10_000);
        let names: Vec<_> =
            busiest.describe(&hub).into_iter().map(|view| (view.name, view.subscribers)).collect();
        assert_eq!(busiest.matching, 11);
        assert_eq!(names[..2], [("room-992".into(), 3), ("room-995".into(), 3)]);
        assert_eq!(names[10], ("room-999".into(), 1));
    }

    #[test]
    fn no_more_channels_are_looked_at_than_allowed() {
        let hub = hub(1_000);
        assert_eq!(looked_at(&hub, "", 300).matching, 300);
        assert!(looked_at(&hub, "", 0).describe(&hub).is_empty());
    }

    #[test]
    fn only_a_secret_that_everybody_knows_is_told_and_only_in_the_demo() {
        let app = |secret| App { id: "a".into(), key: "k".into(), secret: Secret::new(secret) };
        let told = |app, is_demo| AppView::of(&app, is_demo).secret;
        assert_eq!(told(app(WELL_KNOWN_SECRET), true), Some(WELL_KNOWN_SECRET));
        assert_eq!(told(app(WELL_KNOWN_SECRET), false), None);
        assert_eq!(told(app("its own"), true), None);
    }
}
