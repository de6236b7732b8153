//! Webhooks over real sockets: what the app's own server is told, and what of it fails.

use crate::common::{PATIENCE, PusherClient, Receiver, Reply, Running, app, app_called, get, log, until};
use futures_rustls::rustls::ServerConfig;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use realtime_server::{
    App, AppConfig, Gateway, Metrics, Secret, Webhook, WebhookConfig, WebhookEvent, WebhookQueue,
};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Longer than any test runs.
const NEVER: Duration = Duration::from_secs(3600);

/// Everything as soon as it happens, or never.
fn prompt() -> WebhookConfig {
    let queue = WebhookQueue {
        hold_back: Duration::ZERO,
        batch_window: Duration::ZERO,
        first_retry_delay: MILLISECOND,
        ..WebhookQueue::default()
    };
    WebhookConfig { queue, drain_timeout: NEVER, ..WebhookConfig::default() }
}

fn holding_back() -> WebhookConfig {
    let queue = WebhookQueue { hold_back: NEVER, ..prompt().queue };
    WebhookConfig { queue, ..prompt() }
}

fn configured<const N: usize>(webhook_config: WebhookConfig, webhooks: [Webhook; N]) -> AppConfig {
    AppConfig { webhooks: webhooks.into(), webhook_config, ..AppConfig::new(app()) }
}

fn gateway<const N: usize>(config: WebhookConfig, webhooks: [Webhook; N]) -> Running {
    Running::with(|_| Gateway::builder(configured(config, webhooks)).metrics(Metrics::Open))
}

fn told_all(receiver: &Receiver) -> Webhook {
    Webhook::new(&receiver.url()).unwrap()
}

/// Waits until the gateway counts so much.
fn expect_count(gateway: &Running, sample: &str, count: u64) {
    let begin = Instant::now();
    loop {
        let page = get(gateway.address, "/metrics").body;
        let value = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        if value.map(|value| value.parse().unwrap()) == Some(count) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{sample} is {value:?}, not {count}");
        thread::yield_now();
    }
}

/// Comes into a cache channel that has nothing, which is told at once.
fn miss(client: &mut PusherClient, channel: &str) {
    client.subscribe(channel);
    client.expect("pusher:cache_miss");
}

fn cache_misses(events: &[Value]) -> Vec<&str> {
    let misses = events.iter().filter(|event| event["name"] == "cache_miss");
    misses.map(|event| event["channel"].as_str().unwrap()).collect()
}

#[test]
fn a_receiver_that_fails_twice_first_gets_everything_once_and_in_order() {
    let receiver = Receiver::start([Reply::status(500), Reply::HangUp]);
    let gateway = gateway(prompt(), [told_all(&receiver)]);
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    client.close();
    let failed = [receiver.next(), receiver.next()];
    let first = receiver.next();
    assert!(failed.iter().all(|failed| failed.body == first.body), "{failed:?} {first:?}");
    let mut events = first.events();
    events.extend(receiver.events(4 - events.len()));
    let event = |name: &str| json!({ "name": name, "channel": "presence-room" });
    let member = |name: &str| json!({ "name": name, "channel": "presence-room", "user_id": "ada" });
    assert_eq!(
        events,
        [
            event("channel_occupied"),
            member("member_added"),
            member("member_removed"),
            event("channel_vacated")
        ]
    );
    expect_count(&gateway, "realtime_webhook_events_total{app=\"7\",outcome=\"delivered\"}", 4);
    expect_count(&gateway, "realtime_webhook_queue{app=\"7\"}", 0);
    expect_count(&gateway, "realtime_webhook_requests_total{app=\"7\",status=\"500\"}", 1);
    expect_count(&gateway, "realtime_webhook_requests_total{app=\"7\",status=\"none\"}", 1);
    assert!(receiver.rest().is_empty());
}

#[test]
fn a_page_that_is_reloaded_makes_no_event() {
    let receiver = Receiver::start([]);
    let gateway = gateway(holding_back(), [told_all(&receiver)]);
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    client.subscribe("news");
    assert_eq!(receiver.events(3).len(), 3, "two channels and a member");
    client.close();
    until("it is gone", || gateway.hub.client_count() == 0);
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    client.subscribe("news");
    miss(&mut client, "cache-afterwards");
    assert_eq!(cache_misses(&receiver.events(2)), ["cache-afterwards"]);
    // The going and the coming of a member and of two channels, and that the count of `news` rose and fell.
    expect_count(&gateway, "realtime_webhook_events_total{app=\"7\",outcome=\"cancelled\"}", 6 + 2);
    assert!(receiver.rest().is_empty());
}

#[test]
fn a_client_event_is_told_with_its_data_its_connection_and_its_user() {
    let receiver = Receiver::start([]);
    let webhook = told_all(&receiver).events([WebhookEvent::ClientEvent]);
    let gateway = gateway(prompt(), [webhook]);
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    client.say(&json!({ "event": "client-hi", "channel": "presence-room", "data": { "text": "grün" } }));
    let socket_id = client.socket_id.to_string();
    let events = receiver.events(1);
    assert_eq!(
        events,
        [json!({ "name": "client_event", "channel": "presence-room", "event": "client-hi",
            "data": r#"{"text":"grün"}"#, "socket_id": socket_id, "user_id": "ada" })]
    );
}

#[test]
fn each_endpoint_is_told_what_it_wants_with_the_headers_that_it_wants() {
    let (misses, counts) = (Receiver::start([]), Receiver::start([]));
    let gateway = gateway(
        prompt(),
        [
            told_all(&misses).events([WebhookEvent::CacheMiss]).channel_prefix("private-"),
            told_all(&counts)
                .events([WebhookEvent::SubscriptionCount])
                .header("Authorization", "Bearer 123")
                .unwrap(),
        ],
    );
    let [mut first, mut second] = [(); 2].map(|()| gateway.client());
    miss(&mut first, "cache-a");
    miss(&mut second, "private-cache-b");
    second.subscribe("cache-a");
    assert_eq!(misses.events(1), [json!({ "name": "cache_miss", "channel": "private-cache-b" })]);
    let count = |channel: &str, subscribers: u64| json!({ "name": "subscription_count", "channel": channel, "subscription_count": subscribers });
    let first = counts.next();
    let head = &first.head;
    assert!(head.starts_with("POST /hook?from=gateway HTTP/1.1\r\n"), "{head}");
    let head = head.to_lowercase();
    for line in ["authorization: bearer 123", "x-pusher-key: test-key", "user-agent: realtime-server/"] {
        assert!(head.contains(&format!("\r\n{line}")), "{line} in {head}");
    }
    let mut events = first.events();
    events.extend(counts.events(3 - events.len()));
    assert_eq!(events, [count("cache-a", 1), count("private-cache-b", 1), count("cache-a", 2)]);
}

#[test]
fn what_is_no_acceptance_is_repeated_and_redirections_are_not_followed() {
    let elsewhere = Receiver::start([]);
    let location = elsewhere.url();
    let redirection = format!("HTTP/1.1 307 Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1024 * 1024));
    let replies =
        [Reply::Answer(redirection), Reply::Answer("this is no HTTP\r\n\r\n".into()), Reply::Answer(endless)];
    let receiver = Receiver::start(replies);
    let gateway = gateway(prompt(), [told_all(&receiver).events([WebhookEvent::CacheMiss])]);
    let mut client = gateway.client();
    miss(&mut client, "cache-a");
    let bodies = [(); 3].map(|()| receiver.next().body);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    miss(&mut client, "cache-b");
    assert_eq!(cache_misses(&receiver.events(1)), ["cache-b"]);
    expect_count(&gateway, "realtime_webhook_requests_total{app=\"7\",status=\"307\"}", 1);
    expect_count(&gateway, "realtime_webhook_requests_total{app=\"7\",status=\"none\"}", 1);
    expect_count(&gateway, "realtime_webhook_requests_total{app=\"7\",status=\"200\"}", 2);
    assert!(elsewhere.rest().is_empty());
}

#[test]
fn what_is_not_answered_in_time_is_repeated() {
    let receiver = Receiver::start([Reply::Silence]);
    let config = WebhookConfig { request_timeout: 200 * MILLISECOND, ..prompt() };
    let gateway = gateway(config, [told_all(&receiver).events([WebhookEvent::CacheMiss])]);
    miss(&mut gateway.client(), "cache-a");
    // How many there are is not asked: on a busy machine an answer may be late too.
    assert_eq!(receiver.next().body, receiver.next().body);
}

#[test]
fn a_gateway_that_stops_delivers_what_waits() {
    let receiver = Receiver::start([]);
    let mut gateway = gateway(holding_back(), [told_all(&receiver)]);
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    assert_eq!(receiver.events(2).len(), 2);
    gateway.stopper.stop();
    client.closure();
    drop(client);
    gateway.join().unwrap();
    let names: Vec<Value> = receiver.events(2).iter().map(|event| event["name"].clone()).collect();
    assert_eq!(names, ["member_removed", "channel_vacated"]);
}

#[test]
fn a_gateway_that_stops_says_what_it_gave_up() {
    let receiver = Receiver::start([Reply::status(503), Reply::Silence]);
    let log = log();
    let webhook = told_all(&receiver).events([WebhookEvent::CacheMiss]);
    let config = WebhookConfig { drain_timeout: 10 * MILLISECOND, ..prompt() };
    let mut gateway = Running::with(|_| Gateway::builder(configured(config, [webhook])));
    let mut client = gateway.client();
    miss(&mut client, "cache-a");
    receiver.next();
    receiver.next();
    gateway.stopper.stop();
    client.closure();
    drop(client);
    gateway.join().unwrap();
    let url = format!("http://{}/hook", receiver.address);
    log.line(&["WARN", &format!("the webhook {url} answers 503; what it is sent is repeated")]);
    log.line(&["WARN", "1 webhook events were given up, as the gateway stops"]);
}

#[test]
fn a_receiver_that_is_slow_or_gone_delays_nobody() {
    let receiver = Receiver::start([Reply::Silence]);
    // At an address that no other test uses, so that nobody else listens there next.
    let gone = TcpListener::bind("127.9.9.10:0").unwrap().local_addr().unwrap();
    let webhooks = [told_all(&receiver), Webhook::new(&format!("http://{gone}/")).unwrap()];
    let config = WebhookConfig { drain_timeout: Duration::ZERO, ..prompt() };
    let gateway = gateway(config, webhooks);
    let mut client = gateway.client();
    for n in 0..100 {
        client.subscribe(&format!("channel-{n}"));
    }
    client.is_alive();
    assert_eq!(receiver.next().events()[0]["name"], "channel_occupied");
    expect_count(&gateway, "realtime_webhook_events_total{app=\"7\",outcome=\"delivered\"}", 0);
    expect_count(&gateway, "realtime_webhook_queue{app=\"7\"}", 2 * 2 * 100);
}

#[test]
fn an_app_that_ends_has_its_clients_going_told_and_one_that_begins_is_told_of() {
    let [first, second] = [(); 2].map(|()| Receiver::start([]));
    let gateway = gateway(holding_back(), [told_all(&first)]);
    let mut client = gateway.client();
    client.join("presence-room", "ada");
    assert_eq!(first.events(2).len(), 2);

    // The receivers know the secret of all tests, and this app signs with it.
    let other = App { secret: app().secret, ..app_called("other") };
    let webhooks = vec![told_all(&second)];
    let other_config = AppConfig { webhooks, webhook_config: prompt(), ..AppConfig::new(other.clone()) };
    gateway.apps.replace(vec![other_config]).unwrap();
    client.closure();
    let names: Vec<Value> = first.events(2).iter().map(|event| event["name"].clone()).collect();
    assert_eq!(names, ["member_removed", "channel_vacated"]);
    let mut client = gateway.client_of(&other);
    client.subscribe("news");
    assert_eq!(second.events(1)[0], json!({ "name": "channel_occupied", "channel": "news" }));
    assert!(second.rest().iter().all(|request| request.head.contains("other-key")));
}

#[test]
fn webhooks_are_signed_with_the_secret_that_holds() {
    let receiver = Receiver::start([]);
    let config = || configured(prompt(), [told_all(&receiver)]);
    let gateway = Running::with(|_| {
        let old = App { secret: Secret::new("old"), ..app() };
        Gateway::builder(AppConfig { app: old, ..config() })
    });
    gateway.apps.replace(vec![config()]).unwrap();
    gateway.client().subscribe("news");
    assert_eq!(receiver.events(1)[0]["name"], "channel_occupied", "the receiver has checked the signature");
}

/// What a receiver speaks TLS with, and its certificate, which nobody has signed but itself.
fn tls() -> (Arc<ServerConfig>, String) {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".into()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), own.cert.pem())
}

#[test]
fn a_certificate_that_the_system_does_not_trust_is_refused() {
    let (config, _) = tls();
    let receiver = Receiver::start_with(Some(config), []);
    let log = log();
    let url = receiver.url().replace("http://", "https://");
    let config = WebhookConfig { drain_timeout: Duration::ZERO, ..prompt() };
    let gateway = Running::with(|_| Gateway::builder(configured(config, [Webhook::new(&url).unwrap()])));
    gateway.client().subscribe("news");
    log.line(&[&receiver.address.to_string(), "cannot be connected to (invalid peer certificate"]);
    assert!(receiver.rest().is_empty());
}

/// For the program, whose environment says whom to trust.
pub(crate) fn tls_receiver() -> (Receiver, String) {
    let (config, certificate) = tls();
    (Receiver::start_with(Some(config), []), certificate)
}
