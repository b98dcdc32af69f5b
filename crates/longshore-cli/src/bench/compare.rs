//! Two reports side by side.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use super::report::{FORMAT, Measured, Report};
use super::table::number;
use crate::error::{Failed, Result};

/// How the second of two reports relates to the first.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    rows: Vec<Row>,
    /// Settings that differ.
    differences: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    operation: String,
    measure: &'static str,
    first: f64,
    second: f64,
    /// Second over first.
    ratio: Option<f64>,
}

/// Compares the reports in two files.
///
/// # Errors
///
/// A file that cannot be read, or is no report.
pub(crate) fn compare(first: &Path, second: &Path) -> Result<Comparison> {
    let (first, second) = (read(first)?, read(second)?);
    let mut rows = Vec::new();
    for (name, one) in &first.operations {
        if let Some(other) = second.operations.get(name) {
            add(&mut rows, name, one, other);
        }
    }
    for (measure, one, other) in [
        ("processor s per GiB", first.cpu.s_per_gib, second.cpu.s_per_gib),
        ("processor µs per operation", first.cpu.us_per_operation, second.cpu.us_per_operation),
    ] {
        if let (Some(one), Some(other)) = (one, other) {
            rows.push(row("all", measure, one, other));
        }
    }
    Ok(Comparison { rows, differences: differences(&first, &second)? })
}

fn read(path: &Path) -> Result<Report> {
    let wrong = |reason: String| {
        Failed::usage(format!("{}: {reason}; compare takes two files that --report has written", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let report: Report = serde_json::from_str(&text).map_err(|error| wrong(format!("not a report: {error}")))?;
    if report.format == FORMAT { Ok(report) } else { Err(wrong(format!("a report of the format {:?}", report.format))) }
}

fn add(rows: &mut Vec<Row>, name: &str, one: &Measured, other: &Measured) {
    rows.push(row(name, "objects/s", one.objects_per_s, other.objects_per_s));
    if one.bytes > 0 && other.bytes > 0 {
        rows.push(row(name, "MiB/s", one.mib_per_s, other.mib_per_s));
    }
    for (measures, one, other) in [
        (["mean ms", "p50 ms", "p99 ms", "max ms"], &one.latency_ms, &other.latency_ms),
        (
            ["mean ms to first byte", "p50 ms to first byte", "p99 ms to first byte", "max ms to first byte"],
            &one.first_byte_ms,
            &other.first_byte_ms,
        ),
    ] {
        let (Some(one), Some(other)) = (one, other) else { continue };
        let values = |of: &super::report::Distribution| [of.mean, of.p50, of.p99, of.max];
        for ((measure, one), other) in measures.into_iter().zip(values(one)).zip(values(other)) {
            rows.push(row(name, measure, one, other));
        }
    }
    if let (Some(one), Some(other)) = (one.requests_per_object, other.requests_per_object) {
        rows.push(row(name, "requests/object", one, other));
    }
    if one.errors + other.errors > 0 {
        rows.push(row(name, "errors", one.errors as f64, other.errors as f64));
    }
}

fn row(operation: &str, measure: &'static str, first: f64, second: f64) -> Row {
    let ratio = (first > 0.0).then(|| second / first);
    Row { operation: operation.to_owned(), measure, first, second, ratio }
}

/// What else is not the same, so that ratios may mean something else than they seem to.
fn differences(first: &Report, second: &Report) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (what, one, other) in [
        ("benchmark", &first.benchmark, &second.benchmark),
        ("endpoint", &first.endpoint, &second.endpoint),
        ("longshore", &first.longshore, &second.longshore),
        ("ended", &first.ended, &second.ended),
    ] {
        if one != other {
            found.push(format!("{what}: {one} and {other}"));
        }
    }
    for (one, other) in [
        (serde_json::to_value(&first.settings), serde_json::to_value(&second.settings)),
        (serde_json::to_value(&first.machine), serde_json::to_value(&second.machine)),
    ] {
        let wrong = |error: serde_json::Error| Failed::usage(error.to_string());
        let (one, other) = (one.map_err(wrong)?, other.map_err(wrong)?);
        for (name, value) in one.as_object().into_iter().flatten() {
            if other[name] != *value {
                found.push(format!("{name}: {value} and {}", other[name]));
            }
        }
    }
    Ok(found)
}

impl Comparison {
    /// As a table.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{:<8}{:<28}{:>14}{:>14}{:>10}\n", "", "", "first", "second", "ratio");
        for row in &self.rows {
            let ratio = row.ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"));
            let (one, other) = (number(row.first), number(row.second));
            let _ = writeln!(text, "{:<8}{:<28}{one:>14}{other:>14}{ratio:>10}", row.operation, row.measure);
        }
        if self.rows.is_empty() {
            text.push_str("The two have no operation in common.\n");
        }
        if !self.differences.is_empty() {
            text.push_str("\nNot the same in both, so a ratio may have other reasons than the store:\n");
            for difference in &self.differences {
                let _ = writeln!(text, "  {difference}");
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}
