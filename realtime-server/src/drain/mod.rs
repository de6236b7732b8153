//! How a gateway goes without all its clients coming back at once.

mod milestone;
mod pace;

pub(crate) use milestone::Milestone;

use crate::gateway::{Shared, Stopper};
use crate::served_app::ServedApp;
use pace::Pace;
use realtime_core::ClientId;
use realtime_core::pusher::ErrorCode;
use smol::{Timer, future};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::info;

/// How a gateway goes when it is asked to by [`Stopper::drain`](crate::Stopper::drain):
///
/// 1. For the time of [`notice`](Self::notice), `/ready` says 503, and that is all: whoever deals out connections has time
///    to send no more.
/// 2. It listens no more, so that a successor can at the same address. Who is in the midst of connecting is answered with
///    503.
/// 3. Over the time of [`duration`](Self::duration) its clients are closed with 4200, one after the other, those first
///    that came first: Pusher clients come back at once, to wherever they are sent now. Events reach those that are not
///    closed yet, and requests on open HTTP connections are answered.
/// 4. It stops, as by [`Stopper::stop`](crate::Stopper::stop). That is so without delay if nobody is connected, and
///    5 s after the time for closing at the latest, whatever held that up.
///
/// By default no time is given to any of it, as 4200 is for a gateway that is not the only one: pusher-js tries at once, and
/// if it finds nobody, again only after 15 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long connections are still taken after `/ready` has begun to say 503. Default 0.
    pub notice: Duration,
    /// Over how long clients are closed. Default 0: all at once, and then with 1001, on which they come back after a second.
    /// That is for a gateway whose successor listens only once this one has ended.
    pub duration: Duration,
    /// The longest time between one close and the next, so that few clients do not make it last. Default 50 ms.
    pub max_gap: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { notice: Duration::ZERO, duration: Duration::ZERO, max_gap: Duration::from_millis(50) }
    }
}

/// How much longer than planned it may take to close all clients: a machine too busy to keep the pace is not to keep the
/// process alive.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// How often, at the most, it is said how far it is.
const REPORTS: u32 = 4;

/// What clients are told.
const REASON: &str = "the server is going; reconnect";

/// What a gateway that goes passes one after the other. A gateway that is stopped without a drain passes all at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// It has been asked to go, and is not ready for more.
    pub(crate) leaving: Milestone,
    /// It takes no connections.
    pub(crate) closing: Milestone,
    /// It stops.
    pub(crate) stopping: Milestone,
}

impl Drain {
    /// Waits until the gateway is asked to go, and sees it off.
    pub(crate) async fn conduct(self, shared: &Shared, stopper: &Stopper) {
        let course = &shared.course;
        course.leaving.reached().await;
        future::or(course.stopping.reached(), self.proceed(shared, stopper)).await;
        stopper.stop();
    }

    async fn proceed(self, shared: &Shared, stopper: &Stopper) {
        if self.notice > Duration::ZERO {
            info!(seconds = self.notice.as_secs_f64(), "not ready any more, and about to go");
            Timer::after(self.notice).await;
        }
        shared.course.closing.reach();
        stopper.stop_accepting();
        if self.duration.is_zero() {
            return;
        }
        let too_late = async {
            Timer::after(self.duration.saturating_add(MAX_DELAY)).await;
        };
        future::or(self.close_clients(shared), too_late).await;
    }

    async fn close_clients(self, shared: &Shared) {
        // Whoever was let in while others were closed is closed after them.
        loop {
            let clients = shared.clients();
            if self.close_each(&clients).await == 0 {
                return;
            }
        }
    }

    /// How many there were to close; the others had left by themselves.
    async fn close_each(self, clients: &[(Arc<ServedApp>, ClientId)]) -> usize {
        let (begin, code) = (Instant::now(), ErrorCode::RECONNECT.close_code());
        let mut pace = Pace::new(clients.len(), self.duration, self.max_gap);
        let mut reported = Duration::ZERO;
        let mut closed = 0;
        for (app, client) in clients {
            while let Some(wait) = pace.wait(begin.elapsed()) {
                Timer::after(wait).await;
            }
            if app.hub.disconnect(*client, code, REASON).is_err() {
                continue;
            }
            let elapsed = begin.elapsed();
            pace.closed(elapsed);
            closed += 1;
            if closed == 1 || elapsed >= reported + self.duration / REPORTS {
                info!(closed, clients = clients.len(), "closing clients with {code}");
                reported = elapsed;
            }
        }
        if closed > 0 {
            info!(closed, seconds = begin.elapsed().as_secs_f64(), "closed all clients");
        }
        closed
    }
}
