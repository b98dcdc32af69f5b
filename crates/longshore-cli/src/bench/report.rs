//! What a run came to, in numbers with stable names. Docs: `docs/guides/bench-command.md`.
//!
//! A field is never renamed, and never changes its meaning; [`FORMAT`] would change with it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::lanes::{Ended, Outcome};
use super::machine::Machine;
use super::plan::Plan;
use super::record::{Clock, Verb};
use super::tally::{Second, Sums};

/// The first field of every report.
pub(crate) const FORMAT: &str = "longshore-bench/1";
const MEBIBYTE: f64 = 1048576.0;
const GIBIBYTE: f64 = 1073741824.0;
/// Percentiles of a distribution: so many steps to each halving of what is left.
const STEPS_TO_HALF: u32 = 4;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) format: String,
    /// Version of longshore.
    pub(crate) longshore: String,
    /// `get`, `put`, `list`, `mixed`.
    pub(crate) benchmark: String,
    /// As it was typed.
    pub(crate) uri: String,
    /// Where the run worked.
    pub(crate) folder: String,
    pub(crate) endpoint: String,
    /// When measuring began, after warming up. UTC.
    pub(crate) started: String,
    /// `complete`, `interrupted`, `too many errors`.
    pub(crate) ended: String,
    pub(crate) settings: Settings,
    pub(crate) machine: Machine,
    /// All operations together.
    pub(crate) total: Measured,
    pub(crate) cpu: CpuReport,
    /// By operation.
    pub(crate) operations: BTreeMap<String, Measured>,
    pub(crate) errors: Vec<ErrorReport>,
    /// What one should know when reading the numbers.
    pub(crate) notes: Vec<String>,
}

/// What the run was asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) duration_s: Option<f64>,
    pub(crate) operations: Option<u64>,
    pub(crate) warmup_s: f64,
    pub(crate) max_in_flight: u64,
    /// `closed` or `open`.
    #[serde(rename = "loop")]
    pub(crate) kind: String,
    pub(crate) rate_per_s: Option<f64>,
    pub(crate) size: Option<String>,
    pub(crate) range_bytes: Option<u64>,
    pub(crate) objects: u64,
    pub(crate) existing: bool,
    pub(crate) mix: Option<String>,
    pub(crate) verify: bool,
    pub(crate) seed: u64,
}

/// What some operations came to. Rates are over `wall_s` of the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Those that succeeded.
    pub(crate) operations: u64,
    pub(crate) errors: u64,
    /// Failed operations of all operations, from 0 to 1.
    pub(crate) error_rate: f64,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    /// Requests, with their repetitions; 0 where a store has none.
    pub(crate) requests: u64,
    pub(crate) requests_per_object: Option<f64>,
    /// From when measuring began until its time was up and the last operation was done.
    pub(crate) wall_s: f64,
    pub(crate) first_done_s: Option<f64>,
    pub(crate) last_done_s: Option<f64>,
    pub(crate) operations_per_s: f64,
    pub(crate) objects_per_s: f64,
    pub(crate) mib_per_s: f64,
    pub(crate) latency_ms: Option<Distribution>,
    pub(crate) first_byte_ms: Option<Distribution>,
    pub(crate) seconds: Seconds,
}

/// Latencies in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Distribution {
    pub(crate) count: u64,
    pub(crate) min: f64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// Percentile and latency, denser towards 100.
    pub(crate) curve: Vec<(f64, f64)>,
}

/// Throughput by second, of whole seconds only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seconds {
    /// How many there are.
    pub(crate) whole: u64,
    pub(crate) fastest: Option<Rate>,
    pub(crate) median: Option<Rate>,
    pub(crate) slowest: Option<Rate>,
    pub(crate) each: Vec<Rate>,
}

/// One second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rate {
    /// Which one, from 0.
    pub(crate) second: u64,
    pub(crate) objects_per_s: f64,
    pub(crate) mib_per_s: f64,
    pub(crate) errors: u64,
}

/// Processor time of this process while it measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CpuReport {
    pub(crate) seconds: f64,
    pub(crate) user_s: f64,
    pub(crate) system_s: f64,
    pub(crate) s_per_gib: Option<f64>,
    pub(crate) us_per_operation: Option<f64>,
}

/// Errors of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErrorReport {
    /// The server's code and status, or our own word.
    pub(crate) kind: String,
    pub(crate) count: u64,
    /// The first one's message.
    pub(crate) example: String,
}

impl Report {
    pub(crate) fn new(
        plan: &Plan,
        (folder, endpoint): (String, String),
        objects: u64,
        clock: &Clock,
        outcome: &Outcome,
    ) -> Self {
        let total = outcome.tally.total();
        // Where a store goes away and nothing is done any more, the clock runs on all the same.
        let wall = outcome.until.max(total.last_done.unwrap_or(0));
        let measured = |sums: &Sums| Measured::new(sums, wall, outcome.until);
        let operations = Verb::ALL
            .into_iter()
            .filter_map(|verb| Some((verb.name().to_owned(), measured(outcome.tally.of(verb)?))))
            .collect();
        let started: DateTime<Utc> = clock.wall(outcome.from).into();
        Self {
            format: FORMAT.into(),
            longshore: env!("CARGO_PKG_VERSION").into(),
            benchmark: plan.name.into(),
            uri: plan.place.typed.clone(),
            folder,
            endpoint,
            started: started.to_rfc3339_opts(SecondsFormat::Millis, true),
            ended: match outcome.ended {
                Ended::Complete => "complete",
                Ended::Interrupted => "interrupted",
                Ended::TooManyErrors => "too many errors",
            }
            .into(),
            settings: Settings::new(plan, objects),
            machine: Machine::here(),
            total: measured(&total),
            cpu: CpuReport::new(outcome, &total),
            operations,
            errors: errors(outcome),
            notes: notes(plan, outcome),
        }
    }
}

impl Settings {
    fn new(plan: &Plan, objects: u64) -> Self {
        let length = plan.length;
        Self {
            duration_s: length.duration.map(|duration| duration.as_secs_f64()),
            operations: length.operations,
            warmup_s: length.warmup.as_secs_f64(),
            max_in_flight: plan.lanes as u64,
            kind: if plan.rate.is_some() { "open" } else { "closed" }.into(),
            rate_per_s: plan.rate,
            size: (!plan.existing).then(|| plan.sizes.to_string()),
            range_bytes: plan.range,
            objects,
            existing: plan.existing,
            mix: (plan.name == "mixed").then(|| plan.mix.to_string()),
            verify: plan.verify,
            seed: plan.seed,
        }
    }
}

impl Measured {
    fn new(sums: &Sums, wall: u64, until: u64) -> Self {
        let wall_s = seconds(wall);
        let per_second = |amount: f64| if wall == 0 { 0.0 } else { amount / wall_s };
        let all = sums.operations + sums.failures;
        Self {
            operations: sums.operations,
            errors: sums.failures,
            error_rate: if all == 0 { 0.0 } else { sums.failures as f64 / all as f64 },
            objects: sums.objects,
            bytes: sums.bytes,
            requests: sums.requests,
            requests_per_object: (sums.requests > 0 && sums.objects > 0)
                .then(|| sums.requests as f64 / sums.objects as f64),
            wall_s,
            first_done_s: sums.first_done.map(seconds),
            last_done_s: sums.last_done.map(seconds),
            operations_per_s: per_second(sums.operations as f64),
            objects_per_s: per_second(sums.objects as f64),
            mib_per_s: per_second(sums.bytes as f64 / MEBIBYTE),
            latency_ms: Distribution::new(&sums.latency),
            first_byte_ms: Distribution::new(&sums.first_byte),
            seconds: Seconds::new(&sums.whole_seconds(until)),
        }
    }
}

impl Distribution {
    /// `None` of nothing.
    fn new(histogram: &Histogram<u64>) -> Option<Self> {
        if histogram.is_empty() {
            return None;
        }
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        let curve = histogram
            .iter_quantiles(STEPS_TO_HALF)
            .map(|step| {
                (step.quantile_iterated_to() * 100.0, milliseconds(step.value_iterated_to().min(histogram.max())))
            })
            .collect();
        Some(Self {
            count: histogram.len(),
            min: milliseconds(histogram.min()),
            mean: histogram.mean() / 1e6,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: milliseconds(histogram.max()),
            curve,
        })
    }
}

impl Seconds {
    fn new(whole: &[Second]) -> Self {
        let each: Vec<Rate> = whole
            .iter()
            .enumerate()
            .map(|(index, second)| Rate {
                second: index as u64,
                objects_per_s: second.objects,
                mib_per_s: second.bytes / MEBIBYTE,
                errors: second.failures,
            })
            .collect();
        let mut sorted = each.clone();
        // By bytes, or where there are none by objects.
        sorted.sort_by(|a, b| a.mib_per_s.total_cmp(&b.mib_per_s).then(a.objects_per_s.total_cmp(&b.objects_per_s)));
        Self {
            whole: each.len() as u64,
            fastest: sorted.last().copied(),
            median: sorted.get(sorted.len().saturating_sub(1) / 2).copied(),
            slowest: sorted.first().copied(),
            each,
        }
    }
}

impl CpuReport {
    fn new(outcome: &Outcome, total: &Sums) -> Self {
        let cpu = outcome.cpu;
        let all = total.operations + total.failures;
        Self {
            seconds: cpu.seconds(),
            user_s: cpu.user.as_secs_f64(),
            system_s: cpu.system.as_secs_f64(),
            s_per_gib: (total.bytes > 0).then(|| cpu.seconds() / (total.bytes as f64 / GIBIBYTE)),
            us_per_operation: (all > 0).then(|| cpu.seconds() * 1e6 / all as f64),
        }
    }
}

fn errors(outcome: &Outcome) -> Vec<ErrorReport> {
    let mut errors: Vec<ErrorReport> = outcome
        .tally
        .troubles
        .iter()
        .map(|(kind, troubles)| ErrorReport {
            kind: kind.clone(),
            count: troubles.count,
            example: troubles.example.clone(),
        })
        .collect();
    errors.sort_by(|a, b| b.count.cmp(&a.count).then(a.kind.cmp(&b.kind)));
    errors
}

fn notes(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    notes.push(match plan.rate {
        None => "Closed loop: a lane asks again when it has its answer, so a store that stalls is asked less often, and its \
                 stalls are under-counted (coordinated omission). --rate makes it an open loop."
            .to_owned(),
        Some(_) => "Open loop: latencies count from when an operation was due, waiting for a lane included.".to_owned(),
    });
    if plan.mix.has(Verb::Put) {
        notes
            .push("Bodies are slices of an incompressible buffer made beforehand; making them is not measured.".into());
    }
    if plan.files.log.is_some() {
        notes.push("Processor time includes the writing of the operation log.".into());
    }
    if outcome.missed > 0 {
        notes.push(format!(
            "{} operations were due and never begun: the rate was not reached, and the percentiles do not know them.",
            outcome.missed
        ));
    }
    if outcome.unfinished > 0 {
        notes.push(format!(
            "{} operations were under way when the run ended, and are in no number.",
            outcome.unfinished
        ));
    }
    notes
}

fn seconds(time: u64) -> f64 {
    time as f64 / 1e9
}

fn milliseconds(time: u64) -> f64 {
    time as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fastest_median_and_slowest_are_seconds_that_were() {
        let second = |objects: f64, bytes: f64| Second { objects, bytes, failures: 0 };
        let whole = [second(1.0, 3e6), second(9.0, 1e6), second(5.0, 2e6)];
        let seconds = Seconds::new(&whole);
        let which = [seconds.fastest, seconds.median, seconds.slowest].map(|rate| rate.map(|rate| rate.second));
        assert_eq!(which, [Some(0), Some(2), Some(1)]);
        // Without bytes, objects decide.
        let whole = [second(1.0, 0.0), second(9.0, 0.0)];
        assert_eq!(Seconds::new(&whole).fastest.map(|rate| rate.objects_per_s), Some(9.0));
        let none = Seconds::new(&[]);
        assert_eq!((none.whole, none.fastest), (0, None));
    }

    #[test]
    fn percentiles_are_those_of_the_samples() {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        (1..=10_000u64).for_each(|n| histogram.record(n * 100_000).unwrap());
        let found = Distribution::new(&histogram).unwrap();
        for (value, expected) in
            [(found.p50, 500.0), (found.p90, 900.0), (found.p99, 990.0), (found.p999, 999.0), (found.max, 1000.0)]
        {
            assert!((value / expected - 1.0f64).abs() < 0.002, "{value} {expected}");
        }
        assert!((found.mean / 500.05 - 1.0).abs() < 0.002, "{}", found.mean);
        assert!(found.curve.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        assert_eq!(found.curve.last().map(|(percentile, _)| *percentile), Some(100.0));
    }
}
