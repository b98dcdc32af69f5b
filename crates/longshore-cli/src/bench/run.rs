//! One run from its beginning to its end: prepare, measure, report, clean up.

use std::path::Path;
use std::sync::Arc;

use longshore_config::Scheme;
use longshore_engine::{ErrorKind, Limits};
use serde_json::json;
use tokio::sync::watch;

use super::chart;
use super::content::Content;
use super::ground::{Ground, Objects, Written};
use super::journal::Journal;
use super::lanes::{Outcome, drive};
use super::live::Live;
use super::pace::Pace;
use super::plan::Plan;
use super::record::{Clock, Verb};
use super::report::Report;
use super::table;
use super::work::Work;
use crate::error::{Failed, Result};
use crate::progress::ProgressLine;
use crate::session::Session;
use crate::size;

/// Runs `plan`, writes the results, and deletes what it wrote.
///
/// # Errors
///
/// What keeps it from measuring. Operations that fail are part of the result, and count as failures of the session.
pub(crate) async fn run(plan: Plan, session: &Session) -> Result<()> {
    plan.check()?;
    if !plan.existing {
        plan.place.require_writable()?;
    }
    if session.is_one_of_several {
        return Err(Failed::usage("bench measures alone, not among the commands of `run`"));
    }
    let id = format!("{:08x}", getrandom::u32().map_err(|error| failed(format!("no random numbers: {error}")))?);
    let mut ground = Ground::new(&plan, &id, session)?;
    if session.global().dry_run {
        say_plan(&plan, &ground, session);
        return Ok(());
    }
    if plan.existing {
        ground.find(plan.objects, session).await?;
    }
    let content = content(&plan, &ground).await?;
    let endpoint = endpoint(&ground);
    let journal = plan.files.log.as_deref().map(|path| {
        Journal::begin(path, &id, &endpoint).map_err(|error| cannot_write("--log", path, &error.to_string()))
    });
    let journal = journal.transpose()?;
    let last_words = (!plan.existing).then(|| format!("what was written is left below {}", ground.shown()));
    let stop = session.interruption().orderly(last_words);
    measure(plan, ground, content, (journal, endpoint), stop, session).await
}

/// Prepares, measures, shows the results and cleans up.
async fn measure(
    plan: Plan,
    ground: Ground,
    content: Option<Content>,
    (journal, endpoint): (Option<Journal>, String),
    stop: watch::Receiver<bool>,
    session: &Session,
) -> Result<()> {
    let prepared = prepare(&plan, &ground, content.as_ref(), session, stop.clone()).await;
    if !matches!(prepared, Ok(true)) {
        match prepared {
            Ok(_) => session.output().note("interrupted before anything was measured"),
            Err(failed) => session.failed(&failed),
        }
        clean(&plan, &ground, (&[], true), session).await;
        return Ok(());
    }
    let objects = ground.count();
    let clock = Clock::start();
    let work = Arc::new(Work {
        ground,
        clock,
        content,
        verify: plan.verify,
        range: plan.range,
        changes: plan.mix.writes(),
        session: session.clone(),
    });
    let pace = Pace::begin(clock, plan.length, plan.rate, plan.lanes).map_err(refused)?;
    let mut live = Live::begin(session, &work, journal).map_err(refused)?;
    let outcome = drive(&work, &plan.mix, &pace, (plan.lanes, plan.seed, plan.max_errors), &mut live, stop).await;
    if let Err(failed) = live.finish() {
        session.failed(&failed);
    }
    let report = Report::new(&plan, (work.ground.shown(), endpoint), objects, &clock, &outcome);
    show(&plan, &report, session);
    count(&outcome, session);
    clean(&plan, &work.ground, (&outcome.written, outcome.unfinished > 0), session).await;
    Ok(())
}

/// Says what would happen.
fn say_plan(plan: &Plan, ground: &Ground, session: &Session) {
    let (count, mean) = (plan.prepared(), plan.sizes.mean());
    let bytes = (count as f64 * mean) as u64;
    let mut lines = Vec::new();
    if plan.existing {
        lines.push(format!("would read what is there below {}, and write nothing", ground.shown()));
    } else if count > 0 {
        let sizes = &plan.sizes;
        lines.push(format!(
            "would write {count} objects of {sizes}, about {} in all, below {}",
            size::human(bytes),
            ground.shown()
        ));
    }
    let rate = plan.rate.map_or_else(String::new, |rate| format!(" at {rate} operations/s"));
    lines.push(format!("would measure {} for {}, {} in flight{rate}", plan.mix, plan.lasts(), plan.lanes));
    if plan.mix.has(Verb::Put) {
        lines.push(format!("would write objects of {} there meanwhile, below {}", plan.sizes, ground.shown()));
    }
    if !plan.existing {
        let end = if plan.keep {
            "would leave what it wrote there"
        } else {
            "would then delete what it wrote, and nothing else"
        };
        lines.push(end.into());
    }
    let json = json!({
        "operation": "bench", "dry_run": true, "benchmark": plan.name, "folder": ground.shown(),
        "prepared_objects": count, "prepared_bytes": bytes, "keep": plan.keep, "existing": plan.existing,
    });
    session.output().line(|| lines.join("\n"), &json);
}

/// The bodies to write, or to compare with.
async fn content(plan: &Plan, ground: &Ground) -> Result<Option<Content>> {
    let largest = match &ground.objects {
        Objects::Own(_) => plan.sizes.largest(),
        Objects::Existing(found) if plan.verify => {
            if let Some(foreign) = found.iter().find(|found| found.number.is_none()) {
                return Err(Failed::usage(format!(
                    "--verify needs objects that `longshore bench --keep` has written with the same --seed, and {} is none",
                    foreign.key
                )));
            }
            found.iter().map(|found| found.size).max().unwrap_or(0)
        }
        Objects::Existing(_) => return Ok(None),
    };
    let seed = plan.seed;
    let made = tokio::task::spawn_blocking(move || Content::new(seed, largest)).await;
    match made.map_err(|error| failed(format!("a task was lost: {error}")))? {
        Some(content) => Ok(Some(content)),
        None => Err(failed(format!(
            "there is not enough memory for an object of {largest} bytes; bodies are held in memory, so give --size a smaller end"
        ))),
    }
}

/// The service's address, or what stands for it.
fn endpoint(ground: &Ground) -> String {
    let live = ground.store.live().ok();
    let service = live.and_then(|live| live.s3.as_ref()).map(|access| access.service_url.clone());
    service
        .or_else(|| ground.store.route().map(|route| route.url))
        .unwrap_or_else(|| ground.store.scheme().name().to_owned())
}

/// Writes what there is to be. False where it was interrupted.
async fn prepare(
    plan: &Plan,
    ground: &Ground,
    content: Option<&Content>,
    session: &Session,
    mut stop: watch::Receiver<bool>,
) -> Result<bool> {
    let count = plan.prepared();
    let Some(content) = content.filter(|_| count > 0) else { return Ok(true) };
    let bytes = (0..count).map(|number| ground.size(number)).sum();
    session.output().note(&format!("writing {count} objects, {} in all, below {}", size::human(bytes), ground.shown()));
    let line = ProgressLine::begin(session, count, bytes);
    let progress = line.counters(count);
    let limits = Limits { in_flight: plan.lanes, ..Limits::default() };
    tokio::select! {
        prepared = ground.prepare(content, limits, &progress) => prepared.map(|()| true),
        Ok(_) = stop.wait_for(|stop| *stop) => Ok(false),
    }
}

/// Writes the results where they are wanted.
fn show(plan: &Plan, report: &Report, session: &Session) {
    session.output().line(|| table::table(report).trim_end().to_owned(), report);
    session.output().flush();
    let write = |option: &str, path: &Path, text: String| {
        if let Err(error) = std::fs::write(path, text) {
            session.failed(&cannot_write(option, path, &error.to_string()));
        }
    };
    if let Some(path) = &plan.files.report {
        // A report is numbers, texts and lists of them.
        write("--report", path, serde_json::to_string_pretty(report).unwrap_or_default() + "\n");
    }
    if let Some(path) = &plan.files.chart {
        let is_svg = path.extension().is_some_and(|extension| extension == "svg");
        write("--chart", path, if is_svg { chart::svg(report) } else { chart::html(report) });
    }
}

/// Makes what failed decide the exit code.
fn count(outcome: &Outcome, session: &Session) {
    let total = outcome.tally.total();
    session.succeeded(total.operations);
    for troubles in outcome.tally.troubles.values() {
        session.count_failure(troubles.code);
    }
    if total.operations + total.failures == 0 {
        session.failed(&failed("no operation came to an end while it was measured; let it run longer".into()));
    }
}

/// Deletes what the run wrote: what was prepared, and so many objects of each lane.
async fn clean(plan: &Plan, ground: &Ground, (by_lane, in_doubt): (&[u64], bool), session: &Session) {
    if plan.existing {
        return;
    }
    if plan.keep {
        // A store in memory ends with this process, whatever is kept.
        if ground.store.scheme() != Scheme::Memory {
            session.output().note(&format!("kept below {}", ground.shown()));
        }
        return;
    }
    let written = Written { prepared: ground.count(), by_lane, in_doubt };
    match ground.clean(written, session).await {
        Ok(0) => {}
        Ok(left) => session
            .output()
            .note(&format!("{left} objects below {} are not of this run, and were left there", ground.shown())),
        // Where there is no bucket, there is nothing left in it.
        Err(failed) if failed.kind == ErrorKind::NotFound => {}
        Err(failed) => session.failed(&failed),
    }
}

fn failed(message: String) -> Failed {
    Failed::new(ErrorKind::Generic, message)
}

fn refused(error: std::io::Error) -> Failed {
    failed(format!("the operating system refuses a thread: {error}"))
}

fn cannot_write(option: &str, path: &Path, reason: &str) -> Failed {
    failed(format!("{option} {}: cannot be written: {reason}", path.display()))
}
