//! Moves what was planned: many objects at once, a line for each that is done, and each failure told.

use std::pin::pin;
use std::time::Duration;

use chrono::DateTime;
use futures::{StreamExt, stream};
use longshore_config::Scheme;
use longshore_engine::{Cleanup, Depth, Error, ErrorKind, Progress, TransferOptions, head, list_pages, transfer_many};
use tokio::sync::mpsc;

use crate::commands::{DoneLine, ObjectLine};
use crate::error::{Failed, Result};
use crate::plan::{Job, Known};
use crate::progress::ProgressLine;
use crate::session::Session;

/// How jobs are carried out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// Continue what an interrupted run has left, and leave what this one has done.
    pub(crate) resume: bool,
    /// Write no line for each object.
    pub(crate) is_silent: bool,
    /// Begin nothing after the first failure.
    pub(crate) stops_at_failure: bool,
}

/// How many seconds the jobs of a lost server wait for it, between rounds; a minute in all.
const PATIENCE: [u64; 6] = [1, 2, 4, 8, 15, 30];

/// Carries out `jobs`. Returns those that succeeded; the others are told and counted.
///
/// The engine repeats a request for some seconds, which is right for a server that is not there. One that was there and goes
/// away is most likely being started again: what failed for that reason is begun anew until it is back.
pub(crate) async fn transfer(session: &Session, jobs: Vec<Job>, how: How) -> Vec<Job> {
    if session.global().dry_run {
        jobs.iter().for_each(|job| tell(session, job, job.known.as_ref().map(|known| known.size), how));
        session.succeeded(jobs.len() as u64);
        return jobs;
    }
    let bytes = jobs.iter().filter_map(|job| job.known.as_ref()).map(|known| known.size).sum();
    let line = ProgressLine::begin(session, jobs.len() as u64, bytes);
    let progress = line.counters(jobs.len() as u64);
    let (mut done, mut waiting) = (Vec::new(), jobs);
    let mut patience = PATIENCE.iter();
    loop {
        let cleanup = session.cleanup.within();
        let lost = round(session, waiting, (how, &cleanup), &progress, &mut done).await;
        // A round that was ended early has dropped transfers, and the program may be about to end.
        cleanup.settle().await;
        if lost.is_empty() {
            return done;
        }
        let was_there = !done.is_empty() || progress.bytes() > 0;
        let wait = patience.next().filter(|_| was_there && session.global().retry_count != Some(0));
        let Some(seconds) = wait else {
            tell_lost(session, lost);
            return done;
        };
        let count = lost.len();
        session.output().note(&format!("the server is lost or in trouble; trying again in {seconds} s, {count} to go"));
        tokio::time::sleep(Duration::from_secs(*seconds)).await;
        waiting = lost.into_iter().map(|(job, _)| job).collect();
    }
}

/// A job whose server is lost, and how it failed; `None` where it was not tried any more.
type Lost = (Job, Option<Failed>);

/// Tells what the loss of a server has cost: a line for each job that was tried, and one for all the others.
fn tell_lost(session: &Session, lost: Vec<Lost>) {
    let mut untried = 0_u64;
    for (job, failed) in lost {
        match failed {
            Some(failed) => fail(session, &job, &failed),
            None => untried += 1,
        }
    }
    if untried > 0 {
        let objects = if untried == 1 { "1 more object was" } else { &format!("{untried} more objects were") };
        let reason = format!("{objects} not tried, because the server is lost");
        session.failed_on(verb(session), &Failed::new(ErrorKind::Connection, reason));
    }
}

/// Carries out `jobs` once. Adds those that succeeded to `done`, tells those that failed, and returns those whose server is lost.
async fn round(
    session: &Session,
    jobs: Vec<Job>,
    (how, cleanup): (How, &Cleanup),
    progress: &Progress,
    done: &mut Vec<Job>,
) -> Vec<Lost> {
    let options = TransferOptions { resume: how.resume, cleanup: cleanup.clone(), ..Default::default() };
    let options = TransferOptions { names_version: verb(session) == "mv", ..options };
    let limits = session.limits();
    let pairs = jobs.iter().map(|job| (job.source.clone(), job.target.clone())).collect();
    // What the engine tells is passed on here, so that writing a line holds up no transfer.
    let (teller, mut told) = mpsc::unbounded_channel();
    let mut moving = pin!(transfer_many(pairs, limits, &options, progress, move |index, outcome| {
        // Nobody listens any more where the first failure has ended it all.
        let _ = teller.send((index, outcome));
    }));
    let (mut jobs, mut lost, mut ended) = (jobs.into_iter().map(Some).collect::<Vec<_>>(), Vec::new(), None);
    // How many in a row have found no server.
    let mut in_vain = 0;
    loop {
        let (index, outcome) = tokio::select! {
            biased;
            next = told.recv() => match next {
                Some(next) => next,
                None => break,
            },
            outcome = &mut moving, if ended.is_none() => {
                ended = Some(outcome);
                continue;
            }
        };
        let Some(mut job) = jobs[index].take() else { continue };
        match outcome {
            Ok(outcome) => {
                tell(session, &job, outcome.size.or(job.known.as_ref().map(|known| known.size)), how);
                session.succeeded(1);
                if let Some(e_tag) = outcome.e_tag {
                    let size = outcome.size.unwrap_or_default();
                    let known = job.known.get_or_insert(Known { size, modified: DateTime::UNIX_EPOCH, e_tag: None });
                    known.e_tag = Some(e_tag);
                }
                done.push(job);
                in_vain = 0;
            }
            Err(error) if is_about_the_server(&error) => {
                in_vain += 1;
                lost.push((job, Some(Failed::from(error))));
                if in_vain >= session.in_flight().max(2) {
                    // The others would find none either, one after the other.
                    lost.extend(jobs.iter_mut().filter_map(Option::take).map(|job| (job, None)));
                    break;
                }
            }
            Err(error) => {
                fail(session, &job, &explain(session, &job, error).await);
                if how.stops_at_failure {
                    break;
                }
            }
        }
    }
    if let Some(Err(error)) = ended {
        session.failed(&error.into());
    }
    lost
}

/// Of jobs whose sources were copied, those whose sources are still what was copied, and may be deleted. What is gone already is
/// left out; what has changed, or cannot be looked at, is told as a failure.
///
/// It costs a request for each. No interface deletes many objects on a condition, so what is written between the answer and the
/// deletion that follows at once is deleted unseen. Where an object has no ETag there is nothing to compare.
pub(crate) async fn unchanged(session: &Session, jobs: Vec<Job>) -> Vec<Job> {
    let mut asked =
        stream::iter(jobs).map(|job| async { (is_unchanged(&job).await, job) }).buffered(session.in_flight());
    let mut same = Vec::new();
    while let Some((answer, job)) = asked.next().await {
        match answer {
            Ok(true) => same.push(job),
            Ok(false) => {
                let reason =
                    format!("{}: it was changed after it was copied, so it is kept; move it again", job.source.uri);
                fail(session, &job, &Failed::new(ErrorKind::Precondition, reason));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let reason = format!("it was copied and is kept, because it cannot be compared with its copy: {error}");
                fail(session, &job, &Failed::new(error.kind(), reason));
            }
        }
    }
    same
}

async fn is_unchanged(job: &Job) -> std::result::Result<bool, Error> {
    let copied = job.known.as_ref().and_then(|known| known.e_tag.as_deref());
    match copied.filter(|_| job.source.store.scheme() != Scheme::File) {
        Some(copied) => Ok(head(&job.source).await?.e_tag.is_none_or(|now| now == copied)),
        None => Ok(true),
    }
}

/// Whether it may pass, because the server and not the object is the matter.
fn is_about_the_server(error: &Error) -> bool {
    // One that is being started answers before all of it is there.
    let is_in_trouble = |status| matches!(status, 500 | 502 | 503 | 504);
    matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout) || error.status().is_some_and(is_in_trouble)
}

/// What to say of a transfer that failed. Where there is no such object, it may be that a folder was meant.
async fn explain(session: &Session, job: &Job, error: Error) -> Failed {
    let mut failed = Failed::from(error);
    if failed.kind != ErrorKind::NotFound || job.known.is_some() {
        return failed;
    }
    let (source, folder) = (&job.source, format!("{}/", job.source.key));
    let first = list_pages(&source.store, &folder, Depth::Level, &session.context(&*source.uri)).next().await;
    if let Some(Ok(page)) = first
        && !(page.objects.is_empty() && page.folders.is_empty())
    {
        failed.message += &format!("; there is a folder of that name, write {}/ for what is in it", source.uri);
    }
    failed
}

/// Tells that `job` failed.
pub(crate) fn fail(session: &Session, job: &Job, failed: &Failed) {
    session.failed_on(&format!("{} {} {}", verb(session), job.source.uri, job.target.uri), failed);
}

fn tell(session: &Session, job: &Job, size: Option<u64>, how: How) {
    if how.is_silent {
        return;
    }
    let object = ObjectLine { key: &job.target.uri, kind: "file", size, ..ObjectLine::default() };
    let operation = verb(session);
    let json = DoneLine {
        operation,
        success: true,
        source: &job.source.uri,
        destination: Some(&job.target.uri),
        object: Some(object),
    };
    session.output().done(|| format!("{operation} {} {}", job.source.uri, job.target.uri), &json);
}

/// What is done to one object: `sync` copies.
fn verb(session: &Session) -> &'static str {
    if session.operation == "mv" { "mv" } else { "cp" }
}

/// When something that is there already is replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) no_clobber: bool,
    pub(crate) if_size_differ: bool,
    pub(crate) if_source_newer: bool,
}

impl Conditions {
    pub(crate) fn is_none(self) -> bool {
        !(self.no_clobber || self.if_size_differ || self.if_source_newer)
    }

    /// Whether what is there as `target` is replaced by `source`.
    fn replaces(self, source: &Known, target: &Known) -> bool {
        (self.if_size_differ && source.size != target.size)
            || (self.if_source_newer && source.modified > target.modified)
    }

    /// Leaves out the jobs whose target is there and stays. What cannot be found out is told and counted as a failure.
    pub(crate) async fn select(self, session: &Session, jobs: Vec<Job>) -> Vec<Job> {
        if self.is_none() {
            return jobs;
        }
        let mut asked =
            stream::iter(jobs).map(|job| async { (self.wants(&job).await, job) }).buffered(session.in_flight());
        let mut wanted = Vec::new();
        while let Some((answer, job)) = asked.next().await {
            match answer {
                Ok(true) => wanted.push(job),
                Ok(false) => {}
                Err(failed) => fail(session, &job, &failed),
            }
        }
        wanted
    }

    async fn wants(self, job: &Job) -> Result<bool> {
        let target = match head(&job.target).await {
            Ok(found) => known(found),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        if !(self.if_size_differ || self.if_source_newer) {
            return Ok(false);
        }
        let source = match &job.known {
            Some(known) => known.clone(),
            None => known(head(&job.source).await?),
        };
        Ok(self.replaces(&source, &target))
    }
}

fn known(found: longshore_engine::Metadata) -> Known {
    Known { size: found.size, modified: found.last_modified, e_tag: found.e_tag }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_replaced_where_one_of_the_conditions_says_so() {
        let known = |size, second| Known { size, modified: DateTime::from_timestamp(second, 0).unwrap(), e_tag: None };
        let conditions = |size, newer| Conditions { no_clobber: true, if_size_differ: size, if_source_newer: newer };
        let (old, new, large) = (known(1, 100), known(1, 200), known(2, 100));
        assert!(!conditions(false, false).replaces(&new, &old));
        assert!(conditions(true, false).replaces(&large, &old) && !conditions(true, false).replaces(&new, &old));
        assert!(conditions(false, true).replaces(&new, &old) && !conditions(false, true).replaces(&old, &new));
        assert!(conditions(true, true).replaces(&large, &new) && !conditions(true, true).replaces(&old, &old));
    }
}
