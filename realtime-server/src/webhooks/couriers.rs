use super::config::WebhookConfig;
use super::courier::Courier;
use super::inbox::Inbox;
use super::tls::Tls;
use super::webhook::Webhook;
use realtime_core::pusher::App;
use smol::Executor;
use smol::channel::{Receiver, bounded};
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tracing::warn;

/// Delivers the webhooks of all apps of a gateway, as tasks of its executor.
pub(crate) struct Couriers {
    // The executor's tasks know the apps, which know this.
    executor: Weak<Executor<'static>>,
    tls: Tls,
    at_work: Mutex<AtWork>,
}

#[derive(Default)]
struct AtWork {
    couriers: Vec<AtWorkFor>,
    has_ended: bool,
}

/// A courier: where its facts come from, and what is closed once it has ended.
struct AtWorkFor {
    inbox: Arc<Inbox>,
    ended: Receiver<Infallible>,
}

impl Couriers {
    pub(crate) fn new(executor: &Arc<Executor<'static>>) -> Self {
        Self { executor: Arc::downgrade(executor), tls: Tls::default(), at_work: Mutex::default() }
    }

    /// Where the facts of an app go in that are delivered from now on, signed by what `app` is then; `None` for an app
    /// without webhooks.
    pub(crate) fn start(
        &self,
        webhooks: Vec<Webhook>,
        config: WebhookConfig,
        app: impl Fn() -> App + Send + 'static,
    ) -> Option<Arc<Inbox>> {
        if webhooks.is_empty() {
            return None;
        }
        let (inbox, facts) = Inbox::new(&webhooks);
        let inbox = Arc::new(inbox);
        let mut at_work = self.at_work();
        // Without an executor the gateway has ended: then what comes is refused, and counted.
        if let Some(executor) = self.executor.upgrade().filter(|_| !at_work.has_ended) {
            let courier = Courier::new(webhooks, config, &self.tls, Box::new(app), inbox.clone(), facts);
            let (running, ended) = bounded(1);
            let deliver = async move {
                courier.run(|line| warn!("{line}")).await;
                drop(running);
            };
            executor.spawn(deliver).detach();
            at_work.couriers.retain(|courier| !courier.ended.is_closed());
            at_work.couriers.push(AtWorkFor { inbox: inbox.clone(), ended });
        }
        Some(inbox)
    }

    /// Waits until all that waits is delivered, or the time for that is over. Nothing is taken from then on.
    pub(crate) async fn end(&self) {
        let couriers = {
            let mut at_work = self.at_work();
            at_work.has_ended = true;
            std::mem::take(&mut at_work.couriers)
        };
        couriers.iter().for_each(|courier| courier.inbox.close());
        for courier in couriers {
            // Nothing is sent there: this returns when the courier has ended.
            let _ = courier.ended.recv().await;
        }
    }

    fn at_work(&self) -> MutexGuard<'_, AtWork> {
        // Each use leaves it whole, whatever panicked while it was locked.
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Couriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Couriers").field("at_work", &self.at_work().couriers.len()).finish_non_exhaustive()
    }
}
