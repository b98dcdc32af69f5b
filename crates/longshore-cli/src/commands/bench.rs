//! `bench`: measures a store. The measuring is in [`crate::bench`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::bench::{self, Files, Length, Mix, Plan, Sizes, Verb, parse_rate};
use crate::error::{Failed, Result};
use crate::place::Place;
use crate::session::Session;
use crate::size;

/// How long a run lasts unless told otherwise.
const DURATION: Duration = Duration::from_secs(60);
const MIX: &str = "get=70,put=20,head=5,delete=5";

/// Measure a store: throughput, latencies, requests, processor time
///
/// A run writes what it needs below URI/longshore-bench-ID/, deletes it at the end, and touches nothing else. `compare` shows two
/// reports side by side.
#[derive(Args, Debug)]
#[command(
    override_usage = "longshore bench get|put|list|mixed [OPTIONS] URI\n       longshore bench compare FIRST.json SECOND.json",
    after_help = "\
Sizes: one size (4KiB), a range (1MiB..64MiB, log-uniform: each doubling is as likely), a log-normal law \
(lognormal:mean=1MiB,sigma=1, cut off at max=, by default 64 means), or a weighted list of sizes and ranges \
(4KiB:70,1MiB..8MiB:30). The seed decides them, and the contents.

Bodies are incompressible, and made before the clock runs. An \
operation that fails is counted as an error and never as throughput, and the exit code is not 0 then.

Without --rate it is a closed loop: a lane sends its next request when it has its answer. A store that stalls is then \
asked less often, and the percentiles flatter it. With --rate it is an open loop: requests are due at fixed times, and latencies \
count from there.

Ctrl-C stops, prints what was measured and cleans up; a second one ends at once and says where the objects are. With --json the \
report goes to standard output instead of the table.

Examples:
  longshore bench get s3://bucket --size 1MiB --duration 30s
  longshore bench get s3://bucket --size 64MiB --range 128KiB --objects 100 --verify
  longshore bench get s3://bucket/data/ --existing -j 128
  longshore bench put s3://bucket --size 4KiB:70,1MiB:30 --operations 20000
  longshore bench mixed s3://bucket --mix get=70,put=20,head=5,delete=5 --rate 500/s --chart run.html
  longshore bench list s3://bucket --objects 50000 --log run.csv.zst
  longshore bench compare before.json after.json"
)]
pub(crate) struct Arguments {
    /// Which operations to measure, or `compare`
    #[arg(value_enum, hide_possible_values = true)]
    what: What,
    /// A bucket or a folder of one; with --existing also a place with wildcards; two reports for `compare`
    #[arg(required = true, num_args = 1..=2, value_name = "URI")]
    places: Vec<String>,
    /// How long to measure, as in 90s or 5m [default: 60s, or until --operations are done]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    duration: Option<Duration>,
    /// How many operations to measure [default: as many as the duration has time for]
    #[arg(long, value_name = "COUNT")]
    operations: Option<u64>,
    /// How long to work before measuring begins
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "0s")]
    warmup: Duration,
    /// Sizes of the objects that are written, in the ways below [default: 1MiB, for `list` 1KiB]
    #[arg(long, value_name = "SIZES")]
    size: Option<Sizes>,
    /// Read so many bytes of an object, from an offset that is a random multiple of it
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    range: Option<u64>,
    /// Objects to write before measuring [default: 1000, for `list` 10000]; for `put` the same as --operations; with --existing,
    /// the most to use
    #[arg(long, value_name = "COUNT")]
    objects: Option<u64>,
    /// Use the objects that are there, and write nothing
    #[arg(long)]
    existing: bool,
    /// Operations of `mixed` with their weights: get, put, head, delete, list [default: get=70,put=20,head=5,delete=5]
    #[arg(long, value_name = "MIX")]
    mix: Option<Mix>,
    /// Begin operations at fixed times, as in 500/s; the most in flight are still --max-in-flight
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Compare every byte that is read with what was written, not only the length
    #[arg(long)]
    verify: bool,
    /// What sizes, contents and the choice of objects are made from; equal seeds make equal objects
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Leave the objects there, for another run with --existing
    #[arg(long)]
    keep: bool,
    /// Stop when more operations than this have failed
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    max_errors: u64,
    /// Write the report to this file, as JSON; `bench compare` reads it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write a line for each operation to this file, in the columns of MinIO's warp; .csv.zst is compressed
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Draw throughput and latencies into this file, .html or .svg
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Get,
    Put,
    List,
    Mixed,
    Compare,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let mut places = arguments.places.iter();
    match (arguments.what, places.next(), places.next()) {
        (What::Compare, Some(first), Some(second)) => {
            let compared = bench::compare(Path::new(first), Path::new(second))?;
            session.output().line(|| compared.text(), &compared);
            session.succeeded(1);
            Ok(())
        }
        (What::Compare, ..) => Err(Failed::usage("compare takes two files that --report has written")),
        (_, Some(place), None) => bench::run(arguments.plan(place, session)?, session).await,
        _ => Err(Failed::usage("one URI is wanted")),
    }
}

impl Arguments {
    fn plan(&self, place: &str, session: &Session) -> Result<Plan> {
        let what = self.what;
        let (name, mix) = match what {
            What::Get => ("get", Mix::only(Verb::Get)),
            What::Put => ("put", Mix::only(Verb::Put)),
            What::List => ("list", Mix::only(Verb::List)),
            What::Mixed | What::Compare => {
                let mix = self.mix.clone().map_or_else(|| MIX.parse(), Ok);
                ("mixed", mix.map_err(Failed::usage)?)
            }
        };
        if self.mix.is_some() && what != What::Mixed {
            return Err(Failed::usage("--mix is for `mixed`"));
        }
        if self.size.is_some() && self.existing {
            return Err(Failed::usage("--size is for objects that are written, and with --existing none are"));
        }
        let operations = match (what, self.operations, self.objects) {
            (What::Put, Some(_), Some(_)) => {
                return Err(Failed::usage("--objects and --operations are the same for `put`; give one of them"));
            }
            (What::Put, None, objects) => objects,
            (_, operations, _) => operations,
        };
        let duration = self.duration.or_else(|| operations.is_none().then_some(DURATION));
        if duration.is_some_and(|duration| duration.is_zero()) || operations == Some(0) {
            return Err(Failed::usage("a run lasts longer than nothing; give --duration or --operations more than 0"));
        }
        let (size, objects) = if what == What::List { ("1KiB", 10_000) } else { ("1MiB", 1000) };
        Ok(Plan {
            name,
            place: Place::parse(place, false)?,
            mix,
            length: Length { warmup: self.warmup, duration, operations },
            lanes: session.in_flight(),
            rate: self.rate,
            sizes: self.size.clone().map_or_else(|| size.parse(), Ok).map_err(Failed::usage)?,
            range: self.range,
            objects: self.objects.or_else(|| (!self.existing).then_some(objects)),
            existing: self.existing,
            verify: self.verify,
            keep: self.keep,
            seed: self.seed,
            max_errors: self.max_errors,
            files: Files { report: self.report.clone(), log: self.log.clone(), chart: self.chart.clone() },
        })
    }
}

/// Reads `30s`, `1.5`, `250ms`, `5m`, `1h`.
fn parse_time(text: &str) -> std::result::Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let scale = match text[digits..].trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => f64::NAN,
    };
    let seconds = text[..digits].parse::<f64>().map(|number| number * scale).unwrap_or(f64::NAN);
    // A year is longer than any run.
    if (0.0..=31_536_000.0).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(format!("{text:?} is not a length of time; write seconds, or 250ms, 30s, 5m, 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_unless_they_say_otherwise() {
        for (text, millis) in
            [("30", 30_000), ("1.5s", 1500), ("250ms", 250), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1", "soon", "1d", "1e9h", "99999999h"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
