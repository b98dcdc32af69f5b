//! What a run is to do, checked before anything is sent.

use std::path::PathBuf;

use super::mix::Mix;
use super::pace::Length;
use super::record::Verb;
use super::sizes::Sizes;
use crate::error::{Failed, Result};
use crate::place::{Place, What};

/// More lanes than this do not fit into the operation log's column.
pub(crate) const MOST_LANES: usize = u16::MAX as usize;

/// A run, as it was asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What the run is called: `get`, `put`, `list`, `mixed`.
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) mix: Mix,
    pub(crate) length: Length,
    pub(crate) lanes: usize,
    /// Operations per second of an open loop.
    pub(crate) rate: Option<f64>,
    pub(crate) sizes: Sizes,
    /// Bytes that a get reads; `None` reads whole objects.
    pub(crate) range: Option<u64>,
    /// Objects to write before anything is measured; or, with `existing`, to read at most.
    pub(crate) objects: Option<u64>,
    pub(crate) existing: bool,
    pub(crate) verify: bool,
    pub(crate) keep: bool,
    pub(crate) seed: u64,
    /// Failed operations beyond which the run ends.
    pub(crate) max_errors: u64,
    pub(crate) files: Files,
}

/// Where results go besides standard output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) report: Option<PathBuf>,
    pub(crate) log: Option<PathBuf>,
    pub(crate) chart: Option<PathBuf>,
}

impl Plan {
    /// # Errors
    ///
    /// What does not fit together.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { mix, existing, place, .. } = self;
        if self.lanes > MOST_LANES {
            return Err(Failed::usage(format!("--max-in-flight: {MOST_LANES} at most")));
        }
        if *existing && mix.writes() {
            return Err(Failed::usage("--existing writes nothing, so there can be no put and no delete with it"));
        }
        if *existing && self.keep {
            return Err(Failed::usage("--keep keeps what this run writes, and with --existing it writes nothing"));
        }
        if matches!(place.what, What::Pattern(..)) && !existing {
            return Err(Failed::usage(format!(
                "{}: wildcards are for --existing; name a bucket or a folder",
                place.typed
            )));
        }
        if *existing && mix.has(Verb::List) && matches!(place.what, What::Pattern(..)) {
            return Err(Failed::usage(format!(
                "{}: what is listed has no wildcards; name a bucket or a folder",
                place.typed
            )));
        }
        if !existing && self.objects == Some(0) && self.mix.share(Verb::Put) < 1.0 - 1e-9 {
            return Err(Failed::usage("--objects: at least 1, or there is nothing to work on"));
        }
        if self.range.is_some() && !mix.has(Verb::Get) {
            return Err(Failed::usage("--range is for reading"));
        }
        if self.range == Some(0) {
            return Err(Failed::usage("--range: at least 1 byte"));
        }
        if self.verify && !mix.has(Verb::Get) {
            return Err(Failed::usage("--verify compares what is read, and this run reads nothing"));
        }
        self.files.check()
    }

    /// Objects that the run writes before it measures.
    pub(crate) fn prepared(&self) -> u64 {
        let only_puts = self.mix.share(Verb::Put) > 1.0 - 1e-9;
        if self.existing || only_puts { 0 } else { self.objects.unwrap_or(0) }
    }

    /// How long it lasts, in words.
    pub(crate) fn lasts(&self) -> String {
        let Length { warmup, duration, operations } = self.length;
        let mut text = match (duration, operations) {
            (Some(duration), Some(operations)) => format!("{duration:?} or {operations} operations"),
            (Some(duration), None) => format!("{duration:?}"),
            (None, operations) => format!("{} operations", operations.unwrap_or(0)),
        };
        if !warmup.is_zero() {
            text.push_str(&format!(" after {warmup:?} of warming up"));
        }
        text
    }
}

impl Files {
    /// Finds out now, rather than after the run, what cannot be written.
    fn check(&self) -> Result<()> {
        for (option, path) in [("--report", &self.report), ("--log", &self.log), ("--chart", &self.chart)] {
            let Some(path) = path else { continue };
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) || path.is_dir() {
                return Err(Failed::usage(format!(
                    "{option} {}: there is no such folder to write a file into",
                    path.display()
                )));
            }
        }
        let Some(chart) = &self.chart else { return Ok(()) };
        match chart.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "htm" | "svg") => Ok(()),
            // Pixels would take a renderer with fonts of its own, several times the size of what draws the chart.
            _ => Err(Failed::usage(format!(
                "--chart {}: a chart is written as .html or .svg; write --chart {}, which browsers and rsvg-convert read",
                chart.display(),
                chart.with_extension("svg").display()
            ))),
        }
    }
}
