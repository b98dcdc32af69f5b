//! When the next operation begins, and when none does any more.
//!
//! In a **closed loop** a lane begins its next operation when it is done with one. A store that is slow is asked less often then,
//! so its bad moments are seen by few operations: what is called coordinated omission. In an **open loop** operations are due at
//! fixed times. One that finds all lanes busy begins late, and its latency counts from when it was due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::record::Clock;

/// The pacemaker of an open loop looks at least so often whether it is still needed.
const LOOK: Duration = Duration::from_millis(20);

/// Tells lanes when to begin what.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Clock,
    begin: u64,
    /// Where warming up ends.
    from: u64,
    deadline: Option<u64>,
    /// Operations in all, without those that warm up.
    limit: Option<u64>,
    begun: AtomicU64,
    stopped: AtomicBool,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    per_second: f64,
    /// One for each operation that is due.
    due: Semaphore,
    given: AtomicU64,
    taken: AtomicU64,
}

/// An operation's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// When it was to begin.
    pub(crate) due: u64,
    pub(crate) now: u64,
}

/// How long a run lasts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Length {
    pub(crate) warmup: Duration,
    pub(crate) duration: Option<Duration>,
    pub(crate) operations: Option<u64>,
}

impl Pace {
    /// Begins now. `per_second` makes it an open loop for `lanes`.
    pub(crate) fn begin(
        clock: Clock,
        length: Length,
        per_second: Option<f64>,
        lanes: usize,
    ) -> std::io::Result<Arc<Self>> {
        let begin = clock.now();
        let from = begin + length.warmup.as_nanos() as u64;
        let pace = Arc::new(Self {
            clock,
            begin,
            from,
            deadline: length.duration.map(|duration| from + duration.as_nanos() as u64),
            limit: length.operations,
            begun: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            open: per_second.map(|per_second| Open {
                per_second,
                due: Semaphore::new(0),
                given: AtomicU64::new(0),
                taken: AtomicU64::new(0),
            }),
        });
        if pace.open.is_some() {
            // A thread: timers of the runtime are a millisecond coarse.
            let inner = Arc::clone(&pace);
            std::thread::Builder::new().name("longshore-pace".into()).spawn(move || inner.beat(lanes))?;
        }
        Ok(pace)
    }

    /// Where warming up ends.
    pub(crate) fn from(&self) -> u64 {
        self.from
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// No lane begins anything any more.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(open) = &self.open {
            open.due.close();
        }
    }

    /// Operations that were due and that nobody has begun.
    pub(crate) fn missed(&self) -> u64 {
        self.open
            .as_ref()
            .map_or(0, |open| open.given.load(Ordering::Relaxed).saturating_sub(open.taken.load(Ordering::Relaxed)))
    }

    /// Waits for the next operation's time. `None` when there is no next.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        match &self.open {
            None => {
                let now = self.clock.now();
                self.allows(now).then_some(Turn { due: now, now })
            }
            Some(open) => {
                open.due.acquire().await.ok()?.forget();
                let number = open.taken.fetch_add(1, Ordering::Relaxed);
                let due = self.time_of(open, number);
                if self.allows(due) {
                    return Some(Turn { due, now: self.clock.now() });
                }
                open.taken.fetch_sub(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Whether an operation that is due then may begin. Counts it.
    fn allows(&self, due: u64) -> bool {
        if self.stopped.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| deadline <= due) {
            return false;
        }
        due < self.from || self.limit.is_none_or(|limit| self.begun.fetch_add(1, Ordering::Relaxed) < limit)
    }

    fn time_of(&self, open: &Open, number: u64) -> u64 {
        self.begin + (number as f64 / open.per_second * 1e9) as u64
    }

    /// Gives out what is due, until nothing is any more.
    fn beat(&self, lanes: usize) {
        let Some(open) = &self.open else { return };
        let warming = self.limit.map(|limit| limit + self.operations_before(open, self.from));
        let mut given = 0;
        while !self.stopped.load(Ordering::Relaxed) {
            let now = self.clock.now();
            let end = self.deadline.map_or(u64::MAX, |deadline| self.operations_before(open, deadline));
            let end = end.min(warming.unwrap_or(u64::MAX));
            let until_now = self.operations_before(open, now + 1).min(end);
            if until_now > given {
                open.given.fetch_add(until_now - given, Ordering::Relaxed);
                open.due.add_permits((until_now - given) as usize);
                given = until_now;
            }
            if given == end {
                break;
            }
            let next = Duration::from_nanos(self.time_of(open, given).saturating_sub(self.clock.now()));
            std::thread::sleep(next.min(LOOK));
        }
        if self.deadline.is_none() {
            // Each lane comes once more, and finds that there is nothing left.
            open.due.add_permits(lanes);
            return;
        }
        while !self.stopped.load(Ordering::Relaxed) && self.deadline.is_some_and(|deadline| self.clock.now() < deadline)
        {
            std::thread::sleep(LOOK.min(Duration::from_millis(1)));
        }
        // What is late by now is not begun any more.
        open.due.close();
    }

    /// How many operations are due before `time`.
    fn operations_before(&self, open: &Open, time: u64) -> u64 {
        let seconds = time.saturating_sub(self.begin) as f64 / 1e9;
        let count = (seconds * open.per_second).ceil() as u64;
        // Rounding must not disagree with `time_of`.
        if count > 0 && self.time_of(open, count - 1) >= time { count - 1 } else { count }
    }
}

/// A rate as it is written: `500/s`, `500`, `30/m`.
pub(crate) fn parse_rate(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is not a rate; write operations per second, as in 500/s, or 30/m per minute");
    let (number, scale) = match text.trim().split_once('/') {
        None => (text.trim(), 1.0),
        Some((number, "s")) => (number, 1.0),
        Some((number, "m" | "min")) => (number, 60.0),
        Some(_) => return Err(wrong()),
    };
    let rate = number.trim().parse::<f64>().map_err(|_| wrong())? / scale;
    if rate.is_finite() && rate > 0.0 && rate <= 1e6 { Ok(rate) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(length: Length, per_second: Option<f64>) -> Arc<Pace> {
        Pace::begin(Clock::start(), length, per_second, 3).unwrap()
    }

    #[tokio::test]
    async fn a_limit_is_kept_by_all_lanes_together_and_warming_up_is_free() {
        let length = Length { operations: Some(5), ..Length::default() };
        let closed = pace(length, None);
        let mut begun = 0;
        while let Some(turn) = closed.turn().await {
            assert_eq!(turn.due, turn.now);
            begun += 1;
        }
        assert_eq!(begun, 5);
        let warming = pace(Length { warmup: Duration::from_secs(600), ..length }, None);
        for _ in 0..20 {
            assert!(warming.turn().await.is_some());
        }
        warming.stop();
        assert_eq!(warming.turn().await, None);
    }

    #[tokio::test]
    async fn an_open_loop_gives_each_operation_its_time_and_ends_every_lane() {
        let open = pace(Length { operations: Some(20), ..Length::default() }, Some(1000.0));
        let mut times = Vec::new();
        while let Some(turn) = open.turn().await {
            assert!(turn.now >= turn.due);
            times.push(turn.due);
        }
        assert_eq!(times.len(), 20);
        assert!(times.windows(2).all(|pair| (999_000..=1_001_000).contains(&(pair[1] - pair[0]))), "{times:?}");
        for _ in 0..2 {
            assert_eq!(open.turn().await, None, "another lane");
        }
        assert_eq!(open.missed(), 0);
    }

    #[tokio::test]
    async fn what_nobody_began_before_the_deadline_is_missed() {
        let open = pace(Length { duration: Some(Duration::from_millis(100)), ..Length::default() }, Some(100.0));
        assert!(open.turn().await.is_some());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(open.turn().await, None);
        assert_eq!(open.missed(), 9);
    }

    #[test]
    fn rates_are_per_second_unless_they_say_otherwise() {
        assert_eq!(parse_rate("500/s"), Ok(500.0));
        assert_eq!(parse_rate("2.5"), Ok(2.5));
        assert_eq!(parse_rate("30/m"), Ok(0.5));
        for text in ["", "0", "-1", "fast", "5/h", "inf", "1e9"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }
}
