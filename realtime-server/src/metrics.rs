use crate::token::Token;
use crate::webhooks::Latest;
use realtime_smol::{Delays, HubCounts, Meter, Traffic};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// Who is told, at `/metrics`, what the gateway counts.
#[derive(Clone, Debug, Default)]
pub enum Metrics {
    /// Nobody. The default: whoever reaches the gateway's port may be anyone.
    #[default]
    Off,
    /// Anyone.
    Open,
    /// Whoever sends the token, as `Authorization: Bearer TOKEN`.
    Token(Token),
}

/// What the gateway counts by itself. What passes through connections is counted by their drivers, and what happens in
/// the hub by the hub.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    // Both are bounded: the gateway has so many codes, routes and statuses.
    handshake_failures: Tallies<HandshakeFailure>,
    http_requests: Tallies<(&'static str, u16)>,
}

/// Why a client that wanted a WebSocket got none to talk on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HandshakeFailure {
    /// It was told by an HTTP status.
    Refused(u16),
    /// It was told by a close code of the protocol.
    TurnedAway(u16),
}

/// Whether the gateway takes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It does.
    Ready,
    /// It is to go.
    Leaving,
}

impl Counters {
    pub(crate) fn handshake_failed(&self, failure: HandshakeFailure) {
        self.handshake_failures.count(failure);
    }

    pub(crate) fn http_answered(&self, route: &'static str, status: u16) {
        self.http_requests.count((route, status));
    }

    /// All that is counted, in the text format of Prometheus.
    pub(crate) fn render(
        &self,
        apps: &[(String, HubCounts)],
        webhooks: &[(String, Latest)],
        meter: &Meter,
        readiness: Readiness,
    ) -> String {
        let traffic = meter.traffic();
        let mut page = Page::default();
        page.apps(apps);
        page.webhooks(webhooks);
        page.traffic(&traffic);
        self.handshakes(&mut page, &traffic);
        let help = "Whether the gateway takes connections: 1 until it is to go, 0 from then on.";
        page.gauge("realtime_ready", help, u64::from(readiness == Readiness::Ready));
        page.family("realtime_build_info", "gauge", "The version that runs.");
        page.labelled(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
        page.family("realtime_http_requests_total", "counter", "HTTP requests answered.");
        self.http_requests.each(|(route, status), count| {
            page.labelled(&format!(r#"route="{route}",status="{status}""#), count);
        });
        page.text
    }

    fn handshakes(&self, page: &mut Page, traffic: &Traffic) {
        let help = "Clients that got no WebSocket: an HTTP status, or a close code of the Pusher protocol.";
        page.family("realtime_handshake_failures_total", "counter", help);
        self.handshake_failures.each(|failure, count| {
            let reason = match failure {
                HandshakeFailure::Refused(status) => format!(r#"reason="http_{status}""#),
                HandshakeFailure::TurnedAway(code) => format!(r#"reason="pusher_{code}""#),
            };
            page.labelled(&reason, count);
        });
        page.labelled(r#"reason="too_many_connections""#, traffic.refused);
    }
}

/// How often each of a few things happened.
#[derive(Debug)]
struct Tallies<K>(Mutex<BTreeMap<K, u64>>);

impl<K: Ord + Copy> Tallies<K> {
    fn count(&self, key: K) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    fn each(&self, mut tell: impl FnMut(K, u64)) {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.iter().for_each(|(key, count)| tell(*key, *count));
    }
}

impl<K> Default for Tallies<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// The text format of Prometheus, version 0.0.4.
#[derive(Default)]
struct Page {
    text: String,
    family: &'static str,
}

impl Page {
    fn gauge(&mut self, name: &'static str, help: &str, value: u64) {
        self.family(name, "gauge", help);
        self.value(value);
    }

    fn apps(&mut self, apps: &[(String, HubCounts)]) {
        let mut app = EachApp { page: self, apps };
        app.gauge("realtime_connections", "Clients that are connected.", |hub| hub.clients as u64);
        app.gauge("realtime_channels", "Channels with a subscriber.", |hub| hub.channels as u64);
        app.gauge("realtime_subscriptions", "Subscriptions of all clients.", |hub| {
            hub.events.subscriptions()
        });
        app.gauge("realtime_members", "Members of all presence channels.", |hub| hub.events.members());
        app.counter("realtime_connections_opened_total", "Clients that have connected.", |hub| {
            hub.events.connected
        });
        app.counter("realtime_subscriptions_opened_total", "Subscriptions that have begun.", |hub| {
            hub.events.subscribed
        });
        app.counter("realtime_denials_total", "Subscribes that were denied.", |hub| hub.events.denied);
        let help = "Requests of clients and publishers that the hub refused, since too much waited.";
        app.counter("realtime_overloaded_total", help, |hub| hub.overloaded);
        let help = "Messages that slow clients lost, by what happens to such clients.";
        app.family("realtime_messages_dropped_total", "counter", help, r#",policy="drop""#, |hub| {
            hub.dropped
        });
        let help = "Slow clients that were disconnected, with all that waited for them.";
        app.counter("realtime_slow_clients_disconnected_total", help, |hub| hub.too_slow);
        let help = "Messages for clients that were disconnected or left before they got them.";
        app.counter("realtime_messages_undelivered_total", help, |hub| hub.undelivered);
    }

    fn webhooks(&mut self, apps: &[(String, Latest)]) {
        self.family("realtime_webhook_queue", "gauge", "Webhook events that wait to be accepted.");
        for (app, Latest { queued_events, .. }) in apps {
            self.labelled(&format!(r#"app="{}""#, escaped(app)), *queued_events);
        }
        let help = "Webhook events by what became of them, each counted for each endpoint that wanted it.";
        self.family("realtime_webhook_events_total", "counter", help);
        for (app, Latest { counts, overlooked, .. }) in apps {
            for (outcome, events) in [
                ("delivered", counts.delivered),
                ("cancelled", counts.cancelled),
                ("given_up_after_retries", counts.given_up_after_retries),
                ("given_up_queue_full", counts.given_up_queue_full),
                ("given_up_overloaded", *overlooked),
                ("given_up_stopped", counts.given_up_stopped),
            ] {
                self.labelled(&format!(r#"app="{}",outcome="{outcome}""#, escaped(app)), events);
            }
        }
        let help = "Webhook requests by the status that answered them.";
        self.family("realtime_webhook_requests_total", "counter", help);
        for (app, Latest { requests, .. }) in apps {
            for (status, count) in requests {
                let status = status.map_or_else(|| "none".into(), |status| status.to_string());
                self.labelled(&format!(r#"app="{}",status="{status}""#, escaped(app)), *count);
            }
        }
    }

    fn traffic(&mut self, traffic: &Traffic) {
        let help = "WebSocket messages from clients.";
        self.counter("realtime_messages_received_total", help, traffic.messages_in);
        let help = "WebSocket messages for clients, each counted for each client.";
        self.counter("realtime_messages_sent_total", help, traffic.messages_out);
        self.counter("realtime_bytes_received_total", "Bytes from WebSocket clients.", traffic.bytes_in);
        self.counter("realtime_bytes_sent_total", "Bytes to WebSocket clients.", traffic.bytes_out);
        let help = "The most messages that ever waited for one client, once its socket took no more.";
        self.gauge("realtime_outbox_high_water_messages", help, traffic.most_waiting_messages);
        let help =
            "The most bytes of messages that ever waited for one client, once its socket took no more.";
        self.gauge("realtime_outbox_high_water_bytes", help, traffic.most_waiting_bytes);
        let help = "From when the gateway had an event until it was offered to the sockets of all the clients of one \
            thread. Measured once for all that a thread delivers at once, by what waited longest.";
        self.histogram("realtime_publish_to_write_seconds", help, &traffic.delays);
    }

    fn histogram(&mut self, name: &'static str, help: &str, delays: &Delays) {
        self.family(name, "histogram", help);
        let mut count = 0;
        let bounds = Delays::BOUNDS.iter().map(|bound| bound.as_secs_f64().to_string());
        for (bound, more) in bounds.chain(["+Inf".into()]).zip(delays.counts) {
            count += more;
            let _ = writeln!(self.text, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let total = delays.total.as_secs_f64();
        let _ = writeln!(self.text, "{name}_sum {total}\n{name}_count {count}");
    }

    fn counter(&mut self, name: &'static str, help: &str, value: u64) {
        self.family(name, "counter", help);
        self.value(value);
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        // To write to a `String` does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, value: u64) {
        let _ = writeln!(self.text, "{} {value}", self.family);
    }

    fn labelled(&mut self, labels: &str, value: u64) {
        let _ = writeln!(self.text, "{}{{{labels}}} {value}", self.family);
    }
}

/// The figures that each app has, labelled with its id.
struct EachApp<'p> {
    page: &'p mut Page,
    apps: &'p [(String, HubCounts)],
}

impl EachApp<'_> {
    fn gauge(&mut self, name: &'static str, help: &str, value: impl Fn(&HubCounts) -> u64) {
        self.family(name, "gauge", help, "", value);
    }

    fn counter(&mut self, name: &'static str, help: &str, value: impl Fn(&HubCounts) -> u64) {
        self.family(name, "counter", help, "", value);
    }

    fn family(
        &mut self,
        name: &'static str,
        kind: &str,
        help: &str,
        further_labels: &str,
        value: impl Fn(&HubCounts) -> u64,
    ) {
        self.page.family(name, kind, help);
        for (app, hub) in self.apps {
            self.page.labelled(&format!(r#"app="{}"{further_labels}"#, escaped(app)), value(hub));
        }
    }
}

/// `text` as it stands in a label.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_histogram_counts_what_is_below_each_bound() {
        let mut delays = Delays { total: Duration::from_millis(1500), ..Delays::default() };
        (delays.counts[0], delays.counts[3], delays.counts[12]) = (3, 2, 1);
        let mut page = Page::default();
        page.histogram("x_seconds", "How long.", &delays);
        assert_eq!(
            page.text,
            r#"# HELP x_seconds How long.
# TYPE x_seconds histogram
x_seconds_bucket{le="0.0001"} 3
x_seconds_bucket{le="0.00025"} 3
x_seconds_bucket{le="0.0005"} 3
x_seconds_bucket{le="0.001"} 5
x_seconds_bucket{le="0.0025"} 5
x_seconds_bucket{le="0.005"} 5
x_seconds_bucket{le="0.01"} 5
x_seconds_bucket{le="0.025"} 5
x_seconds_bucket{le="0.05"} 5
x_seconds_bucket{le="0.1"} 5
x_seconds_bucket{le="0.25"} 5
x_seconds_bucket{le="1"} 5
x_seconds_bucket{le="+Inf"} 6
x_seconds_sum 1.5
x_seconds_count 6
"#
        );
    }

    #[test]
    fn each_line_is_a_comment_or_a_name_and_a_number() {
        let (counters, mut page) = (Counters::default(), Page::default());
        for status in [200, 404, 200] {
            counters.http_answered("/up", status);
        }
        counters.handshake_failed(HandshakeFailure::TurnedAway(4001));
        let counts = |clients, dropped| HubCounts { clients, dropped, ..HubCounts::default() };
        page.apps(&[("shop".into(), counts(3, 7)), (r#"a"b\"#.into(), counts(4, 0))]);
        counters.handshakes(&mut page, &Traffic { refused: 2, ..Traffic::default() });
        let mut webhooks = Latest { queued_events: 5, overlooked: 6, ..Latest::default() };
        webhooks.requests.extend([(Some(503), 8), (None, 9)]);
        page.webhooks(&[("shop".into(), webhooks)]);
        for line in [
            "# TYPE realtime_connections gauge",
            r#"realtime_connections{app="shop"} 3"#,
            r#"realtime_connections{app="a\"b\\"} 4"#,
            r#"realtime_messages_dropped_total{app="shop",policy="drop"} 7"#,
            r#"realtime_handshake_failures_total{reason="pusher_4001"} 1"#,
            r#"realtime_webhook_queue{app="shop"} 5"#,
            r#"realtime_webhook_events_total{app="shop",outcome="given_up_overloaded"} 6"#,
            r#"realtime_webhook_requests_total{app="shop",status="503"} 8"#,
            r#"realtime_webhook_requests_total{app="shop",status="none"} 9"#,
            r#"realtime_handshake_failures_total{reason="too_many_connections"} 2"#,
        ] {
            assert!(page.text.lines().any(|printed| printed == line), "{line} in {}", page.text);
        }
        for line in page.text.lines().filter(|line| !line.starts_with("# ")) {
            let (name, value) = line.rsplit_once(' ').unwrap_or_default();
            assert!(name.starts_with("realtime_") && value.parse::<u64>().is_ok(), "{line}");
        }
        let mut seen = Vec::new();
        counters.http_requests.each(|key, count| seen.push((key, count)));
        assert_eq!(seen, [(("/up", 200), 2), (("/up", 404), 1)]);
    }
}
