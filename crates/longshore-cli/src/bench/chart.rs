//! The report as a picture: throughput by second, and how latencies are distributed. One file, nothing from elsewhere.

use std::fmt::Write;

use super::report::{Distribution, Measured, Rate, Report};
use super::svg::{Anchor, Area, Drawing, escape};
use super::table::{heading, number};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 84.0;
const PLOT: f64 = WIDTH - LEFT - 32.0;
/// Told apart by people who see colours differently, too (Okabe and Ito, 2008).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #374151 }
.title { font-size: 16px; font-weight: 600; fill: #111827 }
.unit, .note { fill: #6b7280 }
.grid { stroke: #e5e7eb } .axis { stroke: #6b7280 }
.area { fill: #0072b2; fill-opacity: .18 } .edge { fill: none; stroke: #0072b2; stroke-width: 1.75 }
.median { stroke: #111827; stroke-dasharray: 5 4 } .error { fill: #b91c1c }
.curve { fill: none; stroke-width: 2 }
";
const PAGE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; color: #111827; background: #fff; max-width: 960px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin-top: 2rem }
svg { max-width: 100%; height: auto; display: block; margin: 1.25rem 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } div { overflow-x: auto }
th, td { text-align: right; padding: .3rem .9rem; border-bottom: 1px solid #e5e7eb; white-space: nowrap }
th { font-weight: 600; color: #4b5563 } th:first-child, td:first-child { text-align: left; padding-left: 0 }
.wide td { white-space: normal; overflow-wrap: anywhere; text-align: left } p { color: #4b5563 }
";

/// A page.
pub(crate) fn html(report: &Report) -> String {
    let title = format!("longshore bench {} {}", report.benchmark, report.folder);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{0}</title>\n<style>\n{PAGE}{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escape(&title)
    );
    let about: Vec<String> = heading(report).lines().skip(1).map(|line| escape(line.trim())).collect();
    let _ = writeln!(page, "<p>{}</p>", about.join("<br>"));
    page.push_str(&numbers(report));
    for image in images(report) {
        page.push_str(&image);
    }
    page.push_str("<h2>Settings and machine</h2>\n");
    page.push_str(&settings(report));
    if !report.errors.is_empty() {
        page.push_str("<h2>Errors</h2>\n<table class=\"wide\">\n");
        for error in &report.errors {
            let (kind, example) = (escape(&error.kind), escape(&error.example));
            let _ = writeln!(page, "<tr><td>{}</td><td>{kind}</td><td>{example}</td></tr>", error.count);
        }
        page.push_str("</table>\n");
    }
    for note in &report.notes {
        let _ = writeln!(page, "<p>{}</p>", escape(note));
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// One image of all the charts.
pub(crate) fn svg(report: &Report) -> String {
    let (mut top, mut inner) = (96.0, String::new());
    for (image, height) in drawings(report) {
        // Each is an image within the image.
        let _ = writeln!(inner, "<svg y=\"{top}\" width=\"{WIDTH}\" height=\"{height}\">\n{}</svg>", shapes(&image));
        top += height + 16.0;
    }
    let mut drawing = Drawing::default();
    for (index, line) in heading(report).lines().enumerate() {
        let class = if index == 0 { "title" } else { "note" };
        drawing.text(class, (24.0, 32.0 + index as f64 * 22.0), Anchor::Start, line.trim());
    }
    let background =
        format!("<style>\n{STYLE}</style>\n<rect width=\"{WIDTH}\" height=\"{top}\" fill=\"#fff\"/>\n{inner}");
    drawing.finish((WIDTH, top), &format!("longshore bench {}", report.benchmark), &background)
}

/// What stands between the tags of an image.
fn shapes(image: &str) -> &str {
    let start = image.find(">\n").map_or(0, |at| at + 2);
    image[start..].trim_end().trim_end_matches("</svg>")
}

fn images(report: &Report) -> Vec<String> {
    drawings(report).into_iter().map(|(image, _)| image).collect()
}

/// Every chart with its height.
fn drawings(report: &Report) -> Vec<(String, f64)> {
    let mut drawings = Vec::new();
    if report.total.bytes > 0 {
        drawings.push((by_second(&report.total, "MiB/s", |rate| rate.mib_per_s), 300.0));
        drawings.push((by_second(&report.total, "objects/s", |rate| rate.objects_per_s), 300.0));
    } else {
        drawings.push((by_second(&report.total, "objects/s", |rate| rate.objects_per_s), 300.0));
    }
    drawings.push((latencies(report), 420.0));
    drawings
}

fn by_second(total: &Measured, unit: &str, value: fn(&Rate) -> f64) -> String {
    let area = Area { left: LEFT, top: 64.0, width: PLOT, height: 180.0 };
    let mut drawing = Drawing::default();
    drawing.text("title", (LEFT, 22.0), Anchor::Start, &format!("Throughput by second, {unit}"));
    let each = &total.seconds.each;
    if each.is_empty() {
        drawing.text("note", (LEFT, 90.0), Anchor::Start, "The run has less than one whole second.");
        return drawing.finish((WIDTH, 300.0), "no whole second", "");
    }
    let largest = each.iter().map(value).fold(0.0, f64::max);
    let end = drawing.values(area, largest, unit);
    let x = |second: f64| area.left + second / each.len() as f64 * area.width;
    let y = |value: f64| area.bottom() - value / end * area.height;
    // A step for each second: what is measured is a sum, and has no value in between.
    let edge: Vec<_> =
        each.iter().flat_map(|rate| [rate.second, rate.second + 1].map(|at| (x(at as f64), y(value(rate))))).collect();
    let mut outline = vec![(area.left, area.bottom())];
    outline.extend(&edge);
    outline.push((area.right(), area.bottom()));
    drawing.path("area", "", &outline);
    drawing.path("edge", "", &edge);
    let mut sorted: Vec<f64> = each.iter().map(value).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[(sorted.len() - 1) / 2];
    drawing.line("median", (area.left, y(median)), (area.right(), y(median)));
    let summary = format!(
        "median {}, slowest {}, fastest {}",
        number(median),
        number(sorted[0]),
        number(sorted[sorted.len() - 1])
    );
    drawing.text("note", (area.right(), area.top - 24.0), Anchor::End, &format!("{summary}; dashed: median"));
    for rate in each.iter().filter(|rate| rate.errors > 0) {
        let left = x(rate.second as f64);
        let width = (area.width / each.len() as f64 - 1.0).max(1.0);
        let mark = Area { left, top: area.bottom() - 5.0, width, height: 5.0 };
        drawing.rectangle("error", mark, &format!("{} errors", rate.errors));
    }
    if each.iter().any(|rate| rate.errors > 0) {
        drawing.text("note", (area.left, area.bottom() + 40.0), Anchor::Start, "Red marks: seconds with errors.");
    }
    let step = super::svg::scale(each.len() as f64).1.max(1.0).round();
    let mut at = 0.0;
    while at <= each.len() as f64 {
        drawing.line("axis", (x(at), area.bottom()), (x(at), area.bottom() + 4.0));
        drawing.text("label", (x(at), area.bottom() + 18.0), Anchor::Middle, &format!("{at:.0}"));
        at += step;
    }
    drawing.text("unit", (area.right(), area.bottom() + 40.0), Anchor::End, "seconds since measuring began");
    drawing.finish((WIDTH, 300.0), &format!("throughput by second in {unit}: {summary}"), "")
}

fn latencies(report: &Report) -> String {
    let area = Area { left: LEFT, top: 92.0, width: PLOT, height: 260.0 };
    let mut drawing = Drawing::default();
    drawing.text("title", (LEFT, 22.0), Anchor::Start, "Latency by percentile, milliseconds");
    let mut curves: Vec<(String, &Distribution, bool)> = Vec::new();
    for (name, measured) in &report.operations {
        curves.extend(measured.latency_ms.as_ref().map(|found| (name.clone(), found, false)));
        curves.extend(measured.first_byte_ms.as_ref().map(|found| (format!("{name}, first byte"), found, true)));
    }
    if curves.is_empty() {
        drawing.text("note", (LEFT, 90.0), Anchor::Start, "No operation succeeded.");
        return drawing.finish((WIDTH, 420.0), "no latencies", "");
    }
    let largest = curves.iter().map(|(_, found, _)| found.max).fold(0.0, f64::max);
    let end = drawing.values(area, largest, "ms");
    let most = curves.iter().map(|(_, found, _)| found.count).max().unwrap_or(1);
    // Each nine takes as much room as the one before. The largest of n samples stands at 1 - 1/n.
    let nines = (most.max(10) as f64).log10();
    let x = |nines_at: f64| area.left + (nines_at / nines).min(1.0) * area.width;
    for (percentile, label) in [
        (0.0, "0 %"),
        (50.0, "50 %"),
        (90.0, "90 %"),
        (99.0, "99 %"),
        (99.9, "99.9 %"),
        (99.99, "99.99 %"),
        (99.999, "99.999 %"),
        (99.9999, "99.9999 %"),
    ] {
        let at = -(1.0f64 - percentile / 100.0).log10();
        if at <= nines + 1e-6 {
            drawing.line("grid", (x(at), area.top), (x(at), area.bottom()));
            drawing.text("label", (x(at), area.bottom() + 18.0), Anchor::Middle, label);
        }
    }
    let mut left = LEFT;
    let mut colour = 0;
    let mut last = "";
    for (index, (name, found, is_first_byte)) in curves.iter().enumerate() {
        let operation = name.split(',').next().unwrap_or_default();
        if index > 0 && operation != last {
            colour += 1;
        }
        last = operation;
        let dashes = if *is_first_byte { "; stroke-dasharray: 6 4" } else { "" };
        let style = format!("stroke: {}{dashes}", COLOURS[colour % COLOURS.len()]);
        let own_end = (found.count.max(1) as f64).log10();
        let mut points = vec![(x(0.0), area.bottom() - found.min / end * area.height)];
        points.extend(found.curve.iter().map(|(percentile, value)| {
            let left = (1.0 - percentile / 100.0).max(0.0);
            let at = if left > 0.0 { (-left.log10()).min(own_end) } else { own_end };
            (x(at), area.bottom() - value / end * area.height)
        }));
        drawing.path("curve", &style, &points);
        drawing.path("curve", &style, &[(left, 46.0), (left + 28.0, 46.0)]);
        drawing.text("label", (left + 34.0, 50.0), Anchor::Start, name);
        left += 34.0 + name.chars().count() as f64 * 7.0 + 24.0;
    }
    drawing.text(
        "unit",
        (area.right(), area.bottom() + 44.0),
        Anchor::End,
        "share of operations that took no longer; the right end is the slowest one",
    );
    drawing.finish((WIDTH, 420.0), "latency by percentile", "")
}

fn numbers(report: &Report) -> String {
    let mut table = String::from(
        "<div><table>\n<tr><th>operation</th><th>objects/s</th><th>MiB/s</th><th>errors</th><th>mean ms</th><th>p50</th>\
         <th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>\n",
    );
    for (name, measured) in &report.operations {
        let rate = |value: f64| if measured.bytes > 0 { number(value) } else { "–".into() };
        let _ = write!(
            table,
            "<tr><td>{name}</td><td>{}</td><td>{}</td><td>{}</td>",
            number(measured.objects_per_s),
            rate(measured.mib_per_s),
            measured.errors
        );
        latency_cells(&mut table, measured.latency_ms.as_ref());
        if let Some(first_byte) = &measured.first_byte_ms {
            let _ = write!(table, "<tr><td>{name}, first byte</td><td></td><td></td><td></td>");
            latency_cells(&mut table, Some(first_byte));
        }
    }
    table.push_str("</table></div>\n");
    table
}

fn latency_cells(table: &mut String, found: Option<&Distribution>) {
    if let Some(found) = found {
        for value in [found.mean, found.p50, found.p90, found.p99, found.p999, found.max] {
            let _ = write!(table, "<td>{}</td>", number(value));
        }
    }
    table.push_str("</tr>\n");
}

fn settings(report: &Report) -> String {
    let (settings, machine, cpu) = (&report.settings, &report.machine, &report.cpu);
    let optional = |value: Option<String>| value.unwrap_or_else(|| "–".into());
    let rows = [
        ("URI", report.uri.clone()),
        ("endpoint", report.endpoint.clone()),
        ("started", report.started.clone()),
        ("ended", report.ended.clone()),
        ("duration", optional(settings.duration_s.map(|seconds| format!("{seconds} s")))),
        ("operations", optional(settings.operations.map(|count| count.to_string()))),
        ("warming up", format!("{} s", settings.warmup_s)),
        ("in flight", settings.max_in_flight.to_string()),
        (
            "loop",
            match settings.rate_per_s {
                Some(rate) => format!("{}, {rate} operations/s", settings.kind),
                None => settings.kind.clone(),
            },
        ),
        ("size", optional(settings.size.clone())),
        ("range", optional(settings.range_bytes.map(|bytes| format!("{bytes} bytes")))),
        ("objects", format!("{}{}", settings.objects, if settings.existing { ", found there" } else { "" })),
        ("mix", optional(settings.mix.clone())),
        ("contents verified", if settings.verify { "yes" } else { "no" }.into()),
        ("seed", settings.seed.to_string()),
        ("wall clock", format!("{} s", number(report.total.wall_s))),
        ("requests per object", optional(report.total.requests_per_object.map(number))),
        (
            "processor time",
            format!("{} s (user {}, system {})", number(cpu.seconds), number(cpu.user_s), number(cpu.system_s)),
        ),
        ("processor time per GiB", optional(cpu.s_per_gib.map(|seconds| format!("{} s", number(seconds))))),
        ("processor time per operation", optional(cpu.us_per_operation.map(|micros| format!("{} µs", number(micros))))),
        ("longshore", report.longshore.clone()),
        ("machine", format!("{} processors, {}, {}", machine.cpus, machine.architecture, machine.kernel)),
        ("processor", optional(machine.cpu_model.clone())),
    ];
    let mut table = String::from("<table class=\"wide\">\n");
    for (name, value) in rows {
        let _ = writeln!(table, "<tr><td>{name}</td><td>{}</td></tr>", escape(&value));
    }
    table.push_str("</table>\n");
    table
}
