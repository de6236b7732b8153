use smol::Timer;
use smol::channel::{Receiver, Sender, bounded};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::info;

/// How many lines of one kind are logged in one second, so that whoever misbehaves a lot does not fill the log.
const LINES_PER_SECOND: u32 = 10;

/// How long after a line was left out it is said how many there were.
const PAUSE: Duration = Duration::from_secs(1);

/// What others do wrong, as far as it is logged: of each kind ten lines a second. What is more is counted, and the count
/// logged a second later.
#[derive(Debug)]
pub(crate) struct Complaints {
    start: Instant,
    refused: Gate,
    failed: Gate,
    turned_away: Gate,
    too_slow: Gate,
    http: Gate,
    // Has something in it while a line was left out that nothing was said of.
    unsaid: (Sender<()>, Receiver<()>),
}

/// What is complained of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// An opening handshake that cannot be accepted.
    Refused,
    /// A client that broke the WebSocket protocol or a limit of it.
    Failed,
    /// A client that got a WebSocket, to be told by it that it cannot stay.
    TurnedAway,
    /// A client that was disconnected because it does not read.
    TooSlow,
    /// An HTTP request that was answered with an error.
    Http,
}

impl Complaint {
    const ALL: [Self; 5] = [Self::Refused, Self::Failed, Self::TurnedAway, Self::TooSlow, Self::Http];

    const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TurnedAway => "turned_away",
            Self::TooSlow => "too_slow",
            Self::Http => "http",
        }
    }
}

impl Complaints {
    /// Whether there is room in the log for one more line; if not, it is counted.
    pub(crate) fn admit(&self, complaint: Complaint) -> bool {
        let is_admitted = self.gate(complaint).admit(self.start.elapsed().as_secs());
        if !is_admitted {
            // If something is in it already, that is enough.
            let _ = self.unsaid.0.try_send(());
        }
        is_admitted
    }

    /// Logs what was left out, whenever something was.
    pub(crate) async fn tell_left_out(&self) {
        while self.unsaid.1.recv().await.is_ok() {
            Timer::after(PAUSE).await;
            self.tell_left_out_now();
        }
    }

    pub(crate) fn tell_left_out_now(&self) {
        for complaint in Complaint::ALL {
            let left_out = self.gate(complaint).take_left_out();
            if left_out > 0 {
                info!(complaint = complaint.name(), left_out, "more lines like the last ones were left out");
            }
        }
    }

    fn gate(&self, complaint: Complaint) -> &Gate {
        match complaint {
            Complaint::Refused => &self.refused,
            Complaint::Failed => &self.failed,
            Complaint::TurnedAway => &self.turned_away,
            Complaint::TooSlow => &self.too_slow,
            Complaint::Http => &self.http,
        }
    }
}

impl Default for Complaints {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            refused: Gate::default(),
            failed: Gate::default(),
            turned_away: Gate::default(),
            too_slow: Gate::default(),
            http: Gate::default(),
            unsaid: bounded(1),
        }
    }
}

/// Lets so many lines through in a second.
#[derive(Debug, Default)]
struct Gate(Mutex<Passed>);

#[derive(Debug, Default)]
struct Passed {
    second: u64,
    lines: u32,
    left_out: u64,
}

impl Gate {
    fn admit(&self, second: u64) -> bool {
        // The numbers fit together, whatever panicked while they were locked.
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Threads look at the clock before they wait for each other: a second that is over does not come back.
        if passed.second < second {
            (passed.second, passed.lines) = (second, 0);
        }
        if passed.lines == LINES_PER_SECOND {
            passed.left_out += 1;
            return false;
        }
        passed.lines += 1;
        true
    }

    fn take_left_out(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_a_second_is_counted() {
        let gate = Gate::default();
        assert_eq!((0..15).filter(|_| gate.admit(5)).count(), 10);
        assert!(gate.admit(6));
        assert_eq!((gate.take_left_out(), gate.take_left_out()), (5, 0));
    }

    #[test]
    fn a_thread_that_is_late_with_its_line_makes_no_room_for_more() {
        let gate = Gate::default();
        assert_eq!((0..30).filter(|n| gate.admit(6 - n % 2)).count(), 10);
    }

    #[test]
    fn one_kind_leaves_the_others_their_room() {
        let complaints = Complaints::default();
        while complaints.admit(Complaint::Refused) {}
        assert!(complaints.admit(Complaint::Http));
        assert_eq!(complaints.unsaid.1.len(), 1, "that something was left out is to be said");
    }
}
