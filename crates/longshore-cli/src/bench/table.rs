//! The report as a table for people, at most 100 columns wide.

use std::fmt::Write;

use super::report::{Distribution, Measured, Rate, Report};

const WIDTH: usize = 100;

/// The whole report.
pub(crate) fn table(report: &Report) -> String {
    let mut text = format!("{}\n\n", heading(report));
    operations(&mut text, report);
    latencies(&mut text, report);
    seconds(&mut text, &report.total);
    costs(&mut text, report);
    errors(&mut text, report);
    for note in &report.notes {
        wrap(&mut text, note);
    }
    text
}

/// What was measured, in a few lines.
pub(crate) fn heading(report: &Report) -> String {
    let settings = &report.settings;
    let mut text = format!("bench {} {}\n", report.benchmark, report.folder);
    let mut parts = vec![format!("{} in flight", settings.max_in_flight)];
    match settings.rate_per_s {
        Some(rate) => parts.push(format!("open loop at {} operations/s", number(rate))),
        None => parts.push("closed loop".into()),
    }
    parts.extend(settings.duration_s.map(|duration| format!("{duration} s")));
    parts.extend(settings.operations.map(|operations| format!("{operations} operations")));
    if settings.warmup_s > 0.0 {
        parts.push(format!("after {} s of warming up", settings.warmup_s));
    }
    if report.ended != "complete" {
        parts.push(report.ended.to_uppercase());
    }
    let _ = writeln!(text, "  {}", parts.join(", "));
    let mut parts = Vec::new();
    parts.extend(settings.mix.as_ref().map(|mix| format!("mix {mix}")));
    parts.extend(settings.size.as_ref().map(|size| format!("size {size}")));
    if settings.objects > 0 {
        parts.push(format!("{} {}objects", settings.objects, if settings.existing { "existing " } else { "" }));
    }
    parts.extend(settings.range_bytes.map(|bytes| format!("ranges of {bytes} bytes")));
    parts.push(format!("seed {}", settings.seed));
    if settings.verify {
        parts.push("contents verified".into());
    }
    let _ = write!(text, "  {}", parts.join(", "));
    text
}

fn operations(text: &mut String, report: &Report) {
    let columns = ["operations", "errors", "objects", "objects/s", "MiB/s", "requests/object"];
    let _ = writeln!(
        text,
        "  {:<8}{:>12}{:>10}{:>13}{:>13}{:>13}{:>18}",
        "", columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]
    );
    for (name, measured) in rows(report) {
        let _ = writeln!(
            text,
            "  {:<8}{:>12}{:>10}{:>13}{:>13}{:>13}{:>18}",
            name,
            measured.operations,
            measured.errors,
            measured.objects,
            number(measured.objects_per_s),
            if measured.bytes > 0 { number(measured.mib_per_s) } else { "-".into() },
            measured.requests_per_object.map_or_else(|| "-".into(), number),
        );
    }
}

fn latencies(text: &mut String, report: &Report) {
    if report.total.latency_ms.is_none() {
        return;
    }
    let _ = writeln!(
        text,
        "\n  {:<18}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}",
        "milliseconds", "mean", "p50", "p90", "p99", "p99.9", "max"
    );
    let mut row = |name: String, distribution: &Option<Distribution>| {
        let Some(found) = distribution else { return };
        let _ = write!(text, "  {name:<18}");
        for value in [found.mean, found.p50, found.p90, found.p99, found.p999, found.max] {
            let _ = write!(text, "{:>11}", number(value));
        }
        text.push('\n');
    };
    for (name, measured) in rows(report) {
        if name != "all" {
            row(format!("{name} first byte"), &measured.first_byte_ms);
        }
        row(name.to_owned(), &measured.latency_ms);
    }
}

fn seconds(text: &mut String, total: &Measured) {
    let seconds = &total.seconds;
    if seconds.whole == 0 {
        text.push_str("\n  by second         less than one whole second\n");
        return;
    }
    let title = format!("{} whole seconds", seconds.whole);
    let _ = writeln!(text, "\n  {title:<18}{:>11}{:>11}{:>11}", "fastest", "median", "slowest");
    let mut row = |name: &str, value: fn(Rate) -> f64| {
        let _ = write!(text, "  {name:<18}");
        for rate in [seconds.fastest, seconds.median, seconds.slowest] {
            let _ = write!(text, "{:>11}", rate.map_or_else(|| "-".into(), |rate| number(value(rate))));
        }
        text.push('\n');
    };
    row("objects/s", |rate| rate.objects_per_s);
    if total.bytes > 0 {
        row("MiB/s", |rate| rate.mib_per_s);
    }
}

fn costs(text: &mut String, report: &Report) {
    let (total, cpu) = (&report.total, &report.cpu);
    let done = |at: Option<f64>| at.map_or_else(|| "-".into(), |at| format!("{} s", number(at)));
    let _ = writeln!(
        text,
        "\n  {:<18}{} s; first done after {}, last after {}",
        "wall clock",
        number(total.wall_s),
        done(total.first_done_s),
        done(total.last_done_s)
    );
    let _ = write!(
        text,
        "  {:<18}{} s of this process (user {}, system {})",
        "processor",
        number(cpu.seconds),
        number(cpu.user_s),
        number(cpu.system_s)
    );
    if let Some(per_operation) = cpu.us_per_operation {
        let _ = write!(text, "; {} µs per operation", number(per_operation));
    }
    if let Some(per_gib) = cpu.s_per_gib {
        let _ = write!(text, ", {} s per GiB", number(per_gib));
    }
    text.push('\n');
}

fn errors(text: &mut String, report: &Report) {
    if report.total.errors > 0 {
        let _ = writeln!(
            text,
            "  {:<18}{} of {} operations, {} %",
            "errors",
            report.total.errors,
            report.total.errors + report.total.operations,
            number(report.total.error_rate * 100.0)
        );
        for error in &report.errors {
            let line = format!("{} x {}: {}", error.count, error.kind, error.example);
            wrap(text, &line);
        }
    }
    text.push('\n');
}

/// Each kind of operation, and all of them where there are several kinds.
fn rows(report: &Report) -> Vec<(&str, &Measured)> {
    let mut rows: Vec<_> = report.operations.iter().map(|(name, measured)| (name.as_str(), measured)).collect();
    if rows.len() != 1 {
        rows.push(("all", &report.total));
    }
    rows
}

/// Adds a paragraph, folded at the table's width.
fn wrap(text: &mut String, paragraph: &str) {
    let mut line = String::from(" ");
    for word in paragraph.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && !line.trim().is_empty() {
            let _ = writeln!(text, "{line}");
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

/// Four digits that matter, at most three of them after the point; whole from a thousand on.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if size >= 1000.0 => 0,
        _ if size >= 100.0 => 1,
        _ if size >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let shown: Vec<String> = [0.0, 0.0123, 1.2345, 12.345, 123.45, 1234.5, 123_456.7].map(number).into();
        assert_eq!(shown, ["0.000", "0.012", "1.234", "12.35", "123.5", "1234", "123457"]);
    }

    #[test]
    fn long_lines_are_folded() {
        let mut text = String::new();
        wrap(&mut text, &"word ".repeat(50));
        let lengths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [96, 98, 63], "{text}");
        assert!(text.starts_with("  word word") && text.contains("\n    word"));
        let mut text = String::new();
        wrap(&mut text, &"x".repeat(200));
        assert_eq!(text.lines().count(), 1);
    }
}
