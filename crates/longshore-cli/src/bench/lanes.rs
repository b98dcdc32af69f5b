//! The lanes that do the work, and the once-a-second gathering of what they measured.
//!
//! A lane is a task. It shares nothing with other lanes while it works but the pace: its records, its chance and, where objects come
//! and go, its objects are its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_config::Requests;
use longshore_engine::Progress;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::chance::Chance;
use super::ground::Written;
use super::machine::Cpu;
use super::mix::Mix;
use super::pace::{Pace, Turn};
use super::record::{Record, Recorder, Trouble, Verb};
use super::tally::Tally;
use super::work::Work;

/// What is under way at the end may take so long; then it is cut off.
const GRACE: Duration = Duration::from_secs(30);
/// As long after an interruption: who waits at a terminal wants to see the end of it.
const SHORT_GRACE: Duration = Duration::from_secs(1);
/// Keeps the lanes' draws apart from others of the same seed.
const LANE: u64 = 3;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Complete,
    Interrupted,
    TooManyErrors,
}

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) tally: Tally,
    /// When measuring began.
    pub(crate) from: u64,
    /// When lanes began nothing any more, after `from`. Seconds before that are whole.
    pub(crate) until: u64,
    pub(crate) cpu: Cpu,
    /// Operations that were cut off.
    pub(crate) unfinished: u64,
    /// Operations that were due and never begun.
    pub(crate) missed: u64,
    /// How many objects each lane may have written.
    pub(crate) written: Vec<u64>,
}

/// Who watches a run while it goes on. Called once a second.
pub(crate) trait Watcher {
    /// What the last second brought; `tally` is everything so far, and `elapsed` the time measured.
    fn second(&mut self, records: &mut Vec<Record>, tally: &Tally, elapsed: Duration, cpu: Cpu);
}

/// Runs `count` lanes until there is nothing left to begin, `stop` says so, or more than `max_errors` have failed.
pub(crate) async fn drive(
    work: &Arc<Work>,
    mix: &Mix,
    pace: &Arc<Pace>,
    (count, seed, max_errors): (usize, u64, u64),
    watcher: &mut impl Watcher,
    mut stop: watch::Receiver<bool>,
) -> Outcome {
    let shared: Vec<Arc<Shared>> = (0..count).map(|_| Arc::default()).collect();
    let mut lanes = JoinSet::new();
    for (number, shared) in shared.iter().enumerate() {
        lanes.spawn(Lane::new(number, count, seed, work, mix, pace, shared).run());
    }
    let (clock, from) = (work.clock, pace.from());
    let mut gathering = Gathering { shared: &shared, tally: Tally::new(from), recorded: 0, records: Vec::new() };
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let warm = sleep_until(Instant::from_std(clock.instant(from)));
    let end = pace.deadline().map(|end| Instant::from_std(clock.instant(end)) + GRACE);
    let cut = sleep_until(end.unwrap_or_else(|| Instant::now() + FOREVER));
    tokio::pin!(warm, cut);
    let (mut cpu, mut is_warm, mut is_cut) = (Cpu::now(), false, false);
    let (mut ended, mut stopped_at) = (Ended::Complete, None);
    loop {
        tokio::select! {
            joined = lanes.join_next() => if joined.is_none() { break },
            () = &mut warm, if !is_warm => {
                is_warm = true;
                cpu = Cpu::now();
            }
            _ = ticks.tick() => {
                gathering.gather();
                let elapsed = Duration::from_nanos(clock.now().saturating_sub(from));
                watcher.second(&mut gathering.records, &gathering.tally, elapsed, Cpu::now().since(cpu));
                let failures: u64 = gathering.tally.troubles.values().map(|troubles| troubles.count).sum();
                if failures > max_errors && ended == Ended::Complete {
                    ended = Ended::TooManyErrors;
                    stopped_at = Some(clock.now());
                    pace.stop();
                    cut.as_mut().reset(Instant::now() + SHORT_GRACE);
                }
            }
            Ok(_) = stop.wait_for(|stop| *stop), if ended == Ended::Complete => {
                ended = Ended::Interrupted;
                stopped_at = Some(clock.now());
                pace.stop();
                cut.as_mut().reset(Instant::now() + SHORT_GRACE);
            }
            () = &mut cut, if !is_cut => {
                is_cut = true;
                lanes.abort_all();
            }
        }
    }
    let cpu = Cpu::now().since(cpu);
    pace.stop();
    gathering.gather();
    let elapsed = Duration::from_nanos(clock.now().saturating_sub(from));
    watcher.second(&mut gathering.records, &gathering.tally, elapsed, cpu);
    let begun: u64 = shared.iter().map(|lane| lane.begun.load(Ordering::Relaxed)).sum();
    let (tally, recorded) = (gathering.tally, gathering.recorded);
    let last_begun = from + tally.total().last_begun;
    let until = stopped_at.or(pace.deadline().filter(|deadline| clock.now() >= *deadline)).unwrap_or(last_begun);
    Outcome {
        ended,
        tally,
        from,
        until: until.saturating_sub(from),
        cpu,
        unfinished: begun - recorded,
        missed: pace.missed(),
        written: shared.iter().map(|lane| lane.puts.load(Ordering::Relaxed)).collect(),
    }
}

/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

struct Gathering<'a> {
    shared: &'a [Arc<Shared>],
    tally: Tally,
    recorded: u64,
    /// Of the last second.
    records: Vec<Record>,
}

impl Gathering<'_> {
    fn gather(&mut self) {
        self.records.clear();
        for lane in self.shared {
            lane.recorder.take(&mut self.records);
        }
        self.recorded += self.records.len() as u64;
        for record in &self.records {
            self.tally.add(record);
        }
        let tally = &self.tally;
        self.records.retain(|record| tally.counts(record));
    }
}

/// What a lane shares with who gathers.
#[derive(Debug, Default)]
struct Shared {
    recorder: Recorder,
    begun: AtomicU64,
    /// Objects that it began to write.
    puts: AtomicU64,
}

struct Lane {
    number: usize,
    lanes: usize,
    work: Arc<Work>,
    mix: Mix,
    pace: Arc<Pace>,
    shared: Arc<Shared>,
    chance: Chance,
    /// Its own objects, where objects come and go: nobody else deletes what it reads.
    own: Option<Vec<u64>>,
    progress: Progress,
}

impl Lane {
    fn new(
        number: usize,
        lanes: usize,
        seed: u64,
        work: &Arc<Work>,
        mix: &Mix,
        pace: &Arc<Pace>,
        shared: &Arc<Shared>,
    ) -> Self {
        let own = work.changes.then(|| (number as u64..work.ground.count()).step_by(lanes).collect());
        Self {
            number,
            lanes,
            work: Arc::clone(work),
            mix: mix.clone(),
            pace: Arc::clone(pace),
            shared: Arc::clone(shared),
            chance: Chance::new(seed, [LANE, number as u64]),
            own,
            progress: Progress::silent(),
        }
    }

    async fn run(mut self) {
        while let Some(turn) = self.pace.turn().await {
            self.shared.begun.fetch_add(1, Ordering::Relaxed);
            let record = self.operate(turn).await;
            self.shared.recorder.put(record);
            // A store in memory never makes anybody wait, and others want their turn.
            tokio::task::coop::consume_budget().await;
        }
    }

    async fn operate(&mut self, turn: Turn) -> Record {
        let mut verb = self.mix.draw(&mut self.chance);
        let has_none = self.own.as_ref().is_some_and(Vec::is_empty);
        if has_none && matches!(verb, Verb::Get | Verb::Head | Verb::Delete) {
            // Whoever has no object makes one.
            verb = Verb::Put;
        }
        let target = self.target(verb);
        let (work, requests) = (Arc::clone(&self.work), Requests::default());
        let done = match verb {
            Verb::Get => requests.scope(work.get(target, &mut self.chance, &self.progress)).await,
            Verb::Put => requests.scope(work.put(target, &self.progress)).await,
            Verb::Head => requests.scope(work.head(target)).await,
            Verb::Delete => requests.scope(work.delete(target)).await,
            Verb::List => requests.scope(work.list(target, &self.progress)).await,
        };
        let ended = work.clock.now();
        if let (Verb::Put, Some(own), true) = (verb, &mut self.own, done.is_ok()) {
            own.push(target);
        }
        let (done, trouble): (_, Option<Box<Trouble>>) = match done {
            Ok(done) => (done, None),
            Err(trouble) => (super::work::Done::default(), Some(trouble)),
        };
        Record {
            verb,
            lane: self.number as u16,
            target,
            due: turn.due,
            began: turn.now,
            first_byte: done.first_byte,
            ended,
            bytes: done.bytes,
            objects: done.objects,
            requests: requests.sent(),
            trouble,
        }
    }

    /// Chooses what the next operation is about.
    fn target(&mut self, verb: Verb) -> u64 {
        match (verb, &mut self.own) {
            (Verb::Put, _) => {
                let nth = self.shared.puts.fetch_add(1, Ordering::Relaxed);
                Written::number(self.work.ground.count(), self.lanes as u64, self.number as u64, nth)
            }
            (Verb::List, _) => self.chance.below(self.work.groups()),
            (Verb::Delete, Some(own)) => own.swap_remove(self.chance.below(own.len() as u64) as usize),
            (_, Some(own)) => own[self.chance.below(own.len() as u64) as usize],
            (_, None) => self.chance.below(self.work.ground.count()),
        }
    }
}
