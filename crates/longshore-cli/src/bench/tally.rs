//! What all records come to: histograms, sums, and the throughput of each second.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::record::{Record, Trouble, Verb};
use crate::exit::Code;

const SECOND: u64 = 1_000_000_000;
/// Latencies are kept to three digits.
const DIGITS: u8 = 3;

/// Everything that was measured from a moment on.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    from: u64,
    kinds: [Sums; Verb::ALL.len()],
    /// By kind.
    pub(crate) troubles: BTreeMap<String, Troubles>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Troubles {
    pub(crate) count: u64,
    /// What the first one means for the exit code.
    pub(crate) code: Code,
    /// The first one.
    pub(crate) example: String,
}

/// What the operations of one kind, or of all kinds, come to. Times are in nanoseconds, after the moment from which on it counts.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    pub(crate) latency: Histogram<u64>,
    pub(crate) first_byte: Histogram<u64>,
    /// Without those that failed.
    pub(crate) operations: u64,
    pub(crate) failures: u64,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    /// With those of operations that failed.
    pub(crate) requests: u64,
    pub(crate) first_done: Option<u64>,
    pub(crate) last_done: Option<u64>,
    /// When the last operation began, failed or not.
    pub(crate) last_begun: u64,
    seconds: Vec<Second>,
}

/// What was moved in one second. An operation counts in every second that it ran in, by the time that it ran there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Second {
    pub(crate) objects: f64,
    pub(crate) bytes: f64,
    /// Operations that failed in it.
    pub(crate) failures: u64,
}

impl Tally {
    /// Counts from `from` on. What began earlier was warming up: it counts in the seconds that it reaches into, nowhere else.
    pub(crate) fn new(from: u64) -> Self {
        Self { from, kinds: std::array::from_fn(|_| Sums::new()), troubles: BTreeMap::new() }
    }

    pub(crate) fn counts(&self, record: &Record) -> bool {
        record.due >= self.from
    }

    pub(crate) fn add(&mut self, record: &Record) {
        let counts = self.counts(record);
        let sums = &mut self.kinds[record.verb as usize];
        match &record.trouble {
            None => sums.spread(record, self.from),
            Some(_) if counts => sums.second(record.ended - self.from).failures += 1,
            Some(_) => {}
        }
        if !counts {
            return;
        }
        sums.count(record, self.from);
        if let Some(trouble) = &record.trouble {
            let Trouble { kind, message, code } = &**trouble;
            match self.troubles.get_mut(kind) {
                Some(known) => known.count += 1,
                None => {
                    let first = Troubles { count: 1, code: *code, example: message.clone() };
                    self.troubles.insert(kind.clone(), first);
                }
            }
        }
    }

    /// The operations of one kind, where there were any.
    pub(crate) fn of(&self, verb: Verb) -> Option<&Sums> {
        Some(&self.kinds[verb as usize]).filter(|sums| sums.operations + sums.failures > 0)
    }

    /// All operations together.
    pub(crate) fn total(&self) -> Sums {
        let mut total = Sums::new();
        self.kinds.iter().for_each(|sums| total.merge(sums));
        total
    }
}

impl Sums {
    fn new() -> Self {
        Self {
            latency: histogram(),
            first_byte: histogram(),
            operations: 0,
            failures: 0,
            objects: 0,
            bytes: 0,
            requests: 0,
            first_done: None,
            last_done: None,
            last_begun: 0,
            seconds: Vec::new(),
        }
    }

    fn count(&mut self, record: &Record, from: u64) {
        self.requests += u64::from(record.requests);
        self.last_begun = self.last_begun.max(record.began.saturating_sub(from));
        if record.trouble.is_some() {
            self.failures += 1;
            return;
        }
        self.operations += 1;
        self.objects += u64::from(record.objects);
        self.bytes += record.bytes;
        let done = record.ended - from;
        self.first_done = Some(self.first_done.map_or(done, |first| first.min(done)));
        self.last_done = Some(self.last_done.map_or(done, |last| last.max(done)));
        // The histograms grow as they must, so there is nothing to refuse.
        let _ = self.latency.record(record.ended.saturating_sub(record.due).max(1));
        if let Some(first_byte) = record.first_byte {
            let _ = self.first_byte.record(first_byte.saturating_sub(record.due).max(1));
        }
    }

    fn spread(&mut self, record: &Record, from: u64) {
        if record.ended <= from {
            return;
        }
        let ran = record.ended.saturating_sub(record.began).max(1);
        let end = record.ended - from;
        let mut at = record.began.saturating_sub(from).min(end - 1);
        while at < end {
            let next = end.min((at / SECOND + 1) * SECOND);
            let share = ((next - at) as f64 / ran as f64).min(1.0);
            let second = self.second(at);
            second.objects += f64::from(record.objects) * share;
            second.bytes += record.bytes as f64 * share;
            at = next;
        }
    }

    fn second(&mut self, at: u64) -> &mut Second {
        let index = (at / SECOND) as usize;
        if index >= self.seconds.len() {
            self.seconds.resize(index + 1, Second::default());
        }
        &mut self.seconds[index]
    }

    fn merge(&mut self, other: &Self) {
        // Both grow as they must, so there is nothing to refuse.
        let _ = self.latency.add(&other.latency);
        let _ = self.first_byte.add(&other.first_byte);
        self.operations += other.operations;
        self.failures += other.failures;
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.requests += other.requests;
        self.first_done = [self.first_done, other.first_done].into_iter().flatten().min();
        self.last_done = self.last_done.max(other.last_done);
        self.last_begun = self.last_begun.max(other.last_begun);
        for (index, second) in other.seconds.iter().enumerate() {
            let mine = self.second(index as u64 * SECOND);
            mine.objects += second.objects;
            mine.bytes += second.bytes;
            mine.failures += second.failures;
        }
    }

    /// The seconds that were over when `until` had come. A second in which nothing moved is one of them.
    pub(crate) fn whole_seconds(&self, until: u64) -> Vec<Second> {
        let mut whole = self.seconds.clone();
        whole.resize((until / SECOND) as usize, Second::default());
        whole
    }
}

fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(DIGITS).unwrap_or_else(|_| unreachable!("up to five digits are possible"));
    histogram.auto(true);
    histogram
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(verb: Verb, began_ms: u64, ended_ms: u64, bytes: u64) -> Record {
        let (began, ended) = (began_ms * 1_000_000, ended_ms * 1_000_000);
        Record {
            verb,
            lane: 0,
            target: 0,
            due: began,
            began,
            first_byte: Some((began + ended) / 2),
            ended,
            bytes,
            objects: 1,
            requests: 1,
            trouble: None,
        }
    }

    fn failed(began_ms: u64, ended_ms: u64) -> Record {
        let trouble =
            Trouble { kind: "SlowDown (HTTP 503)".into(), message: format!("at {began_ms}"), code: Code::Failed };
        Record { trouble: Some(Box::new(trouble)), ..record(Verb::Get, began_ms, ended_ms, 0) }
    }

    fn tally(from_ms: u64, records: &[Record]) -> Tally {
        let mut tally = Tally::new(from_ms * 1_000_000);
        records.iter().for_each(|record| tally.add(record));
        tally
    }

    #[test]
    fn an_operation_counts_in_each_second_by_its_time_there() {
        // Half a second of the first, all of the second, half of the third.
        let sums = tally(0, &[record(Verb::Get, 500, 2500, 800)]).total();
        let bytes: Vec<f64> = sums.whole_seconds(3 * SECOND).iter().map(|second| second.bytes).collect();
        assert_eq!(bytes, [200.0, 400.0, 200.0]);
        assert_eq!(sums.bytes, 800);
    }

    #[test]
    fn only_whole_seconds_are_shown_and_idle_ones_are_among_them() {
        let sums = tally(0, &[record(Verb::Get, 100, 200, 10), record(Verb::Get, 3500, 3900, 10)]).total();
        let objects = |until| sums.whole_seconds(until).iter().map(|second| second.objects).collect::<Vec<_>>();
        assert_eq!(objects(3_900_000_000), [1.0, 0.0, 0.0]);
        assert_eq!(objects(4_000_000_000), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(objects(5_999_999_999), [1.0, 0.0, 0.0, 1.0, 0.0]);
        assert!(objects(999_999_999).is_empty());
    }

    #[test]
    fn what_began_while_warming_up_counts_in_the_seconds_it_reaches_and_nowhere_else() {
        let sums = tally(1000, &[record(Verb::Get, 500, 900, 7), record(Verb::Get, 500, 1500, 100)]).total();
        assert_eq!((sums.operations, sums.bytes, sums.latency.len(), sums.first_done), (0, 0, 0, None));
        assert_eq!(sums.whole_seconds(SECOND)[0].bytes, 50.0);
    }

    #[test]
    fn latencies_count_from_when_an_operation_was_due_and_seconds_from_when_it_ran() {
        let late = Record { due: 0, ..record(Verb::Get, 2000, 3000, 100) };
        let sums = tally(0, &[late]).total();
        assert!(sums.latency.equivalent(sums.latency.max(), 3_000_000_000), "{}", sums.latency.max());
        assert!(sums.first_byte.equivalent(sums.first_byte.max(), 2_500_000_000));
        let bytes: Vec<f64> = sums.whole_seconds(3 * SECOND).iter().map(|second| second.bytes).collect();
        assert_eq!(bytes, [0.0, 0.0, 100.0]);
    }

    #[test]
    fn a_failure_is_an_error_and_never_throughput() {
        let tally = tally(0, &[failed(100, 1200), failed(300, 400), record(Verb::Get, 0, 500, 10)]);
        let sums = tally.total();
        assert_eq!((sums.operations, sums.failures, sums.objects, sums.requests), (1, 2, 1, 3));
        assert_eq!(sums.latency.len(), 1);
        let known = &tally.troubles["SlowDown (HTTP 503)"];
        assert_eq!((known.count, known.example.as_str()), (2, "at 100"));
        let seconds = sums.whole_seconds(2 * SECOND);
        assert_eq!((seconds[0].failures, seconds[1].failures, seconds[1].objects), (1, 1, 0.0));
    }

    #[test]
    fn the_total_is_as_if_all_had_been_recorded_in_one() {
        let gets: Vec<Record> = (1..=500).map(|n| record(Verb::Get, n, n + n, n)).collect();
        let puts: Vec<Record> = (1..=500).map(|n| record(Verb::Put, n, n + 2000 + n, n)).collect();
        let apart = tally(0, &[gets.clone(), puts.clone()].concat());
        let as_gets: Vec<Record> = puts.into_iter().map(|record| Record { verb: Verb::Get, ..record }).collect();
        let (together, total) = (tally(0, &[gets, as_gets].concat()).total(), apart.total());
        for quantile in [0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let of =
                |sums: &Sums| (sums.latency.value_at_quantile(quantile), sums.first_byte.value_at_quantile(quantile));
            assert_eq!(of(&total), of(&together), "{quantile}");
        }
        assert_eq!((total.operations, total.bytes, total.latency.len()), (1000, 250_500, 1000));
        assert_eq!((total.first_done, total.last_done), (together.first_done, together.last_done));
        let sum = |sums: &Sums| sums.whole_seconds(4 * SECOND).iter().map(|second| second.bytes).sum::<f64>();
        assert!((sum(&total) - 250_500.0).abs() < 1e-6 && (sum(&together) - 250_500.0).abs() < 1e-6);
        assert!(apart.of(Verb::List).is_none() && apart.of(Verb::Put).is_some_and(|sums| sums.operations == 500));
    }
}
