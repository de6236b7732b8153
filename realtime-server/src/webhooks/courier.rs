use super::config::WebhookConfig;
use super::inbox::Inbox;
use super::post::{Failure, Poster};
use super::tls::Tls;
use super::webhook::Webhook;
use realtime_core::pusher::App;
use realtime_core::pusher::webhooks::{Fact, Request, Response, Webhooks};
use realtime_ws::Timestamp;
use smol::channel::Receiver;
use smol::{Timer, future};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fmt, mem};

/// Delivers the webhooks of one app.
pub(crate) struct Courier {
    machine: Webhooks,
    app: Box<dyn Fn() -> App + Send>,
    inbox: Arc<Inbox>,
    facts: Receiver<Fact>,
    posts: Posts,
    start: Instant,
    drain_timeout: Duration,
}

/// The requests that are under way.
struct Posts {
    poster: Arc<Poster>,
    endpoints: Vec<Endpoint>,
}

struct Endpoint {
    webhook: Arc<Webhook>,
    post: Option<Post>,
    condition: Condition,
}

type Post = Pin<Box<dyn Future<Output = Result<u16, Failure>> + Send>>;

/// Whether an endpoint accepted the latest request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Accepting,
    Failing,
}

/// What a courier waits for.
enum Happened {
    Fact(Fact),
    Answered {
        endpoint: usize,
        answer: Result<u16, Failure>,
    },
    /// Something is due.
    Time,
    /// No further fact will come.
    Closed,
}

/// How many facts are taken before requests get their turn.
const FACTS_AT_ONCE: usize = 256;

impl Courier {
    pub(super) fn new(
        webhooks: Vec<Webhook>,
        config: WebhookConfig,
        tls: &Tls,
        app: Box<dyn Fn() -> App + Send>,
        inbox: Arc<Inbox>,
        facts: Receiver<Fact>,
    ) -> Self {
        let poster = Arc::new(Poster::new(&webhooks, &config, tls));
        let filters = webhooks.iter().map(|webhook| webhook.filter.clone());
        let machine = Webhooks::new(filters, config.queue);
        let endpoint =
            |webhook| Endpoint { webhook: Arc::new(webhook), post: None, condition: Condition::Accepting };
        let posts = Posts { poster, endpoints: webhooks.into_iter().map(endpoint).collect() };
        let (start, drain_timeout) = (Instant::now(), config.drain_timeout);
        Self { machine, app, inbox, facts, posts, start, drain_timeout }
    }

    /// Delivers until the inbox is closed, and then what waits for as long as the configuration says. `log` is told
    /// what an operator may want to know.
    pub(crate) async fn run(mut self, log: impl Fn(fmt::Arguments<'_>)) {
        loop {
            self.make_requests();
            match self.next().await {
                Happened::Fact(fact) => self.take_facts(fact),
                Happened::Answered { endpoint, answer } => self.take_answer(endpoint, answer, &log),
                Happened::Time => {}
                Happened::Closed => break,
            }
        }
        self.drain(&log).await;
    }

    async fn drain(&mut self, log: &impl Fn(fmt::Arguments<'_>)) {
        self.machine.stop(self.now());
        let given_up_at = self.now() + self.drain_timeout;
        self.make_requests();
        while self.machine.queued_events() > 0 && self.now() < given_up_at {
            let due = self.machine.poll_timeout().map_or(given_up_at, |due| due.min(given_up_at));
            match future::or(self.posts.next(), wait_until(self.start, due)).await {
                Happened::Answered { endpoint, answer } => self.take_answer(endpoint, answer, log),
                Happened::Fact(_) | Happened::Time | Happened::Closed => {}
            }
            self.make_requests();
        }
        let given_up = self.machine.give_up();
        self.inbox.tally.update(&self.machine);
        if given_up > 0 {
            log(format_args!("{given_up} webhook events were given up, as the gateway stops"));
        }
    }

    fn make_requests(&mut self) {
        while self.machine.poll_timeout().is_some_and(|due| due <= self.now()) {
            let (app, now) = ((self.app)(), self.now());
            if let Some(request) = self.machine.poll_request(&app, now, unix_milliseconds()) {
                self.posts.begin(request);
            }
        }
        self.inbox.tally.update(&self.machine);
    }

    async fn next(&mut self) -> Happened {
        let fact = async { self.facts.recv().await.map_or(Happened::Closed, Happened::Fact) };
        let time = async {
            match self.machine.poll_timeout() {
                Some(due) => wait_until(self.start, due).await,
                None => future::pending().await,
            }
        };
        // In this order, so that facts that come without end do not hide that something is due.
        future::or(time, future::or(self.posts.next(), fact)).await
    }

    fn take_facts(&mut self, first: Fact) {
        let mut next = Some(first);
        for _ in 0..FACTS_AT_ONCE {
            let Some(fact) = next else { return };
            self.inbox.took(&fact);
            self.machine.handle_fact(fact, self.now());
            next = self.facts.try_recv().ok();
        }
        if let Some(fact) = next {
            self.inbox.took(&fact);
            self.machine.handle_fact(fact, self.now());
        }
    }

    fn take_answer(
        &mut self,
        endpoint: usize,
        answer: Result<u16, Failure>,
        log: &impl Fn(fmt::Arguments<'_>),
    ) {
        let response = answer.as_ref().map_or(Response::None, |status| Response::Status(*status));
        let given_up = self.machine.counts().given_up_after_retries;
        self.machine.handle_response(endpoint, response, random(), self.now());
        self.inbox.tally.count_request(response);

        let condition = if response.accepts() { Condition::Accepting } else { Condition::Failing };
        let before = mem::replace(&mut self.posts.endpoints[endpoint].condition, condition);
        let url = &self.posts.endpoints[endpoint].webhook.url;
        match (before, condition, answer) {
            (Condition::Accepting, Condition::Failing, Ok(status)) => {
                log(format_args!("the webhook {url} answers {status}; what it is sent is repeated"));
            }
            (Condition::Accepting, Condition::Failing, Err(failure)) => {
                log(format_args!("the webhook {url} {failure}; what it is sent is repeated"));
            }
            (Condition::Failing, Condition::Accepting, _) => {
                log(format_args!("the webhook {url} accepts what it is sent again"));
            }
            (Condition::Accepting, Condition::Accepting, _) | (Condition::Failing, Condition::Failing, _) => {
            }
        }
        let given_up = self.machine.counts().given_up_after_retries - given_up;
        if given_up > 0 {
            log(format_args!(
                "{given_up} events were given up, which the webhook {url} did not accept in time"
            ));
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::after_start(self.start.elapsed())
    }
}

impl Posts {
    fn begin(&mut self, request: Request) {
        let endpoint = &mut self.endpoints[request.endpoint()];
        let (poster, webhook) = (self.poster.clone(), endpoint.webhook.clone());
        endpoint.post = Some(Box::pin(async move { poster.post(&webhook, &request).await }));
    }

    /// The next that is answered, or fails. Safe to cancel.
    async fn next(&mut self) -> Happened {
        poll_fn(|context| {
            for (endpoint, Endpoint { post, .. }) in self.endpoints.iter_mut().enumerate() {
                if let Some(under_way) = post
                    && let Poll::Ready(answer) = under_way.as_mut().poll(context)
                {
                    *post = None;
                    return Poll::Ready(Happened::Answered { endpoint, answer });
                }
            }
            Poll::Pending
        })
        .await
    }
}

async fn wait_until(start: Instant, due: Timestamp) -> Happened {
    Timer::at(start + due.since(Timestamp::START)).await;
    Happened::Time
}

/// Spreads repetitions; without a source of randomness they are just not spread.
fn random() -> u32 {
    let mut bytes = [0; 4];
    let _ = getrandom::fill(&mut bytes);
    u32::from_ne_bytes(bytes)
}

fn unix_milliseconds() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("machine", &self.machine).finish_non_exhaustive()
    }
}
