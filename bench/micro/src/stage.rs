use std::time::{Duration, Instant};

/// Runs subjects in turns and prints what each took.
pub(crate) struct Stage {
    rounds: usize,
    only: String,
}

/// How long a subject has in each round.
const TURN: Duration = Duration::from_millis(30);

/// What a subject is compared as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    Ours,
    /// A plain loop that does the least that has to be done.
    Limit,
    Peer,
}

/// One way to do a case's work.
pub(crate) struct Subject<'a> {
    name: &'static str,
    rank: Rank,
    /// Does a batch of the work, and says how many items it had and how long it took.
    turn: Box<dyn FnMut() -> (usize, Duration) + 'a>,
}

impl<'a> Subject<'a> {
    /// `prepare` is not timed; `work` says how many items it did.
    pub(crate) fn new<T>(
        name: &'static str,
        rank: Rank,
        mut state: T,
        mut prepare: impl FnMut(&mut T) + 'a,
        mut work: impl FnMut(&mut T) -> usize + 'a,
    ) -> Self
    where
        T: 'a,
    {
        let turn = move || {
            prepare(&mut state);
            let start = Instant::now();
            let items = work(&mut state);
            (items, start.elapsed())
        };
        Self { name, rank, turn: Box::new(turn) }
    }

    /// The median over the batches of one turn: a batch during which the system did something else does not count.
    fn nanoseconds(&mut self) -> f64 {
        let mut times = Vec::new();
        let end = Instant::now() + TURN;
        while Instant::now() < end {
            let (items, time) = (self.turn)();
            times.push(time.as_nanos() as f64 / items as f64);
        }
        median(&mut times)
    }
}

impl Stage {
    pub(crate) fn new(rounds: usize, only: String) -> Self {
        println!("case,subject,median_ns,min_ns,max_ns,per_second,of_limit,of_best_peer");
        Self { rounds, only }
    }

    pub(crate) fn plays(&self, case: &str) -> bool {
        case.starts_with(&self.only)
    }

    /// One row for each subject: nanoseconds per item, and speed as a ratio to the limit and to the best peer.
    pub(crate) fn play(&self, case: &str, mut subjects: Vec<Subject<'_>>) {
        // One turn each to warm up.
        for subject in &mut subjects {
            subject.nanoseconds();
        }
        let mut times = vec![Vec::new(); subjects.len()];
        for _ in 0..self.rounds {
            for (subject, times) in subjects.iter_mut().zip(&mut times) {
                times.push(subject.nanoseconds());
            }
        }
        let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        let best = |rank| {
            let of_rank = subjects.iter().zip(&medians).filter(|(subject, _)| subject.rank == rank);
            of_rank.map(|(_, median)| *median).min_by(f64::total_cmp)
        };
        let (limit, best_peer) = (best(Rank::Limit), best(Rank::Peer));
        for ((subject, times), median) in subjects.iter().zip(&times).zip(&medians) {
            let ratio = |to: Option<f64>| to.map(|to| format!("{:.2}", to / median)).unwrap_or_default();
            println!(
                "{case},{},{median:.2},{:.2},{:.2},{:.0},{},{}",
                subject.name,
                times[0],
                times[times.len() - 1],
                1e9 / median,
                ratio(limit),
                ratio(best_peer),
            );
        }
    }
}

/// Sorts `times` and takes the one in the middle.
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
