//! The settings of a webhook, and how they are written.

use super::kind::{Hidden, Kind, Optional, Text, Unfit, Written};
use super::origin::{Origin, Place};
use super::problem::Problem;
use super::raw::Raw;
use super::setting::{Entry, Listing, Name, Setting, Visitor};
use crate::webhooks::{InvalidWebhook, Webhook, without_secrets};
use realtime_core::pusher::webhooks::EventType;
use toml_writer::{ToTomlKey, ToTomlValue};

/// Where an app's own server is told what happens.
#[derive(Clone, Debug)]
pub(super) struct WebhookSettings {
    /// Where it begins in the file, if it is in one.
    pub(super) place: Option<Place>,
    url: Setting<Optional<Url>>,
    events: Setting<Events>,
    channel_prefix: Setting<Text>,
    headers: Setting<Headers>,
}

/// The flag and the variable of a webhook that is told all events.
pub(super) const WEBHOOK: Name = Name::or("url", "webhook");

impl WebhookSettings {
    /// The webhook at `url`, as a flag or a variable names it.
    ///
    /// # Errors
    /// It is no URL to post to.
    pub(super) fn at(url: &str, origin: Origin) -> Result<Self, Problem> {
        let mut webhook = Self::default();
        webhook.url.set(WEBHOOK, Raw::Untyped(url), origin)?;
        Ok(webhook)
    }

    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.visit(WEBHOOK, &mut self.url);
        visitor.visit(Name::in_file("events"), &mut self.events);
        visitor.visit(Name::in_file("channel_prefix"), &mut self.channel_prefix);
        visitor.visit(Name::in_file("headers"), &mut self.headers);
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut listing = Listing::default();
        self.clone().visit(&mut listing);
        listing.0
    }

    /// What it comes to.
    ///
    /// # Errors
    /// It has no URL.
    pub(super) fn settle(&self) -> Result<Webhook, Problem> {
        let Some(url) = &self.url.value else {
            let text = "this webhook has no url, such as https://shop.example/webhook";
            return Err(self
                .place
                .as_ref()
                .map_or_else(|| Problem::usage(text), |place| Problem::at(place, text)));
        };
        let webhook =
            Webhook::new(url.reveal()).and_then(|webhook| with_headers(webhook, &self.headers.value));
        // Each was tried when it was read.
        let webhook = webhook.map_err(|invalid| Problem::of(&self.url.origin, invalid))?;
        Ok(webhook.events(self.events.value.iter().copied()).channel_prefix(&self.channel_prefix.value))
    }
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            place: None,
            url: Setting::new(Optional { kind: Url, absent: "none" }, None),
            events: Setting::new(Events, EventType::ALL.to_vec()),
            channel_prefix: Setting::new(Text, String::new()),
            headers: Setting::new(Headers, Vec::new()),
        }
    }
}

fn with_headers(webhook: Webhook, headers: &[(String, Hidden)]) -> Result<Webhook, InvalidWebhook> {
    headers.iter().try_fold(webhook, |webhook, (name, value)| webhook.header(name, value.reveal()))
}

/// Where to post to. Its query is not shown: it may be what lets the gateway in. Nor is a password that it must not have.
#[derive(Clone, Debug)]
struct Url;

/// What is printed in place of a query.
const MASKED_QUERY: &str = "?***";

impl Kind for Url {
    type Value = Hidden;

    fn accepts(&self) -> String {
        "a URL such as https://shop.example/webhook".into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<Hidden, Unfit> {
        let url = raw.text().ok_or(Unfit::NotAccepted)?;
        if url.ends_with(MASKED_QUERY) {
            return Err(Unfit::masked(MASKED_QUERY));
        }
        match Webhook::new(url) {
            Ok(_) => Ok(Hidden::new(url)),
            Err(InvalidWebhook::Url { reason, .. } | InvalidWebhook::Header { reason, .. }) => {
                Err(Unfit::Because(format!("takes {}, not {}: {reason}", self.accepts(), self.show(raw))))
            }
        }
    }

    fn write(&self, value: &Hidden) -> Written {
        match value.reveal().split_once('?') {
            Some((rest, _)) => {
                let shown = format!("{rest}{MASKED_QUERY}").to_toml_value();
                Written::Masked { shown, whole: value.clone() }
            }
            None => Written::Value(value.reveal().to_toml_value()),
        }
    }

    fn show(&self, raw: Raw<'_>) -> String {
        raw.text().map_or_else(|| raw.to_string(), |url| format!("{:?}", without_secrets(url)))
    }
}

/// Of what to tell.
#[derive(Clone, Debug)]
struct Events;

impl Kind for Events {
    type Value = Vec<EventType>;

    fn accepts(&self) -> String {
        format!("a list of {}", EventType::ALL.map(EventType::name).join(", "))
    }

    fn read(&self, raw: Raw<'_>) -> Result<Vec<EventType>, Unfit> {
        let names = raw.texts().filter(|names| !names.is_empty()).ok_or(Unfit::NotAccepted)?;
        let events = names.into_iter().map(|name| name.parse().map_err(|_| Unfit::NotAccepted));
        events.collect()
    }

    fn write(&self, value: &Vec<EventType>) -> Written {
        let names: Vec<String> = value.iter().map(|event| event.name().to_toml_value()).collect();
        Written::Value(format!("[{}]", names.join(", ")))
    }
}

/// What else to send. The values are not shown.
#[derive(Clone, Debug)]
struct Headers;

impl Kind for Headers {
    type Value = Vec<(String, Hidden)>;

    fn accepts(&self) -> String {
        r#"a table of headers, such as { "Authorization" = "Bearer 123" }"#.into()
    }

    fn read(&self, raw: Raw<'_>) -> Result<Vec<(String, Hidden)>, Unfit> {
        let headers = raw.table().ok_or(Unfit::NotAccepted)?;
        let headers: Vec<_> =
            headers.into_iter().map(|(name, value)| (name.into(), Hidden::new(value))).collect();
        if headers.iter().any(|(_, value)| value.is_mask()) {
            return Err(Unfit::masked("***"));
        }
        let blank = Webhook::new("http://localhost").and_then(|webhook| with_headers(webhook, &headers));
        match blank {
            Ok(_) => Ok(headers),
            Err(
                InvalidWebhook::Url { url: what, reason } | InvalidWebhook::Header { name: what, reason },
            ) => Err(Unfit::Because(format!("cannot have {what:?}: {reason}"))),
        }
    }

    fn write(&self, value: &Vec<(String, Hidden)>) -> Written {
        let list = |show: fn(&Hidden) -> &str| {
            let header = |(name, value): &(String, Hidden)| {
                format!("{} = {}", name.to_toml_key(), show(value).to_toml_value())
            };
            format!("{{ {} }}", value.iter().map(header).collect::<Vec<_>>().join(", "))
        };
        match value.is_empty() {
            true => Written::Absent("none"),
            false => Written::Masked { shown: list(|_| "***"), whole: Hidden::new(&list(Hidden::reveal)) },
        }
    }

    fn show(&self, raw: Raw<'_>) -> String {
        raw.type_name().into()
    }
}
