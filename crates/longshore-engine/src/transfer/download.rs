//! From a store to a file.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use chrono::DateTime;
use futures::future::try_join_all;
use futures::stream::BoxStream;
use longshore_config::{Scheme, masked};
use tokio::sync::Semaphore;

use super::gather::Gather;
use super::options::{Job, Outcome, Shared, TransferOptions};
use crate::body::{Body, pin};
use crate::budget::{Limits, Share};
use crate::error::{Error, ErrorKind};
use crate::local::{self, Landing};
use crate::manage::{Metadata, head};
use crate::object::Object;
use crate::progress::Progress;
use crate::range::ByteRange;

/// Gathered before it is written: a hand-over to the blocking pool costs as much as writing some hundred kilobytes.
const BATCH: usize = 1 << 20;
/// What one lane holds: a batch that is being written, and the next that is being read.
const LANE: u64 = 2 * BATCH as u64;

/// Writes `object` into the file `target`, which appears when it is whole; its folders are made. The file's time is the
/// object's.
///
/// A small object takes one request. A large one comes in parallel ranges of one version, straight to their offsets. A body that
/// breaks off is continued, as long as the store's settings have patience.
///
/// # Errors
///
/// [`ErrorKind::Precondition`] where the object is replaced meanwhile, what the store answers, and what the file system says.
/// Then nothing is left behind; with [`resume`](TransferOptions::resume) a hidden file stays, `.name.<digits>.longshore-part`,
/// and a later call continues it if the object is the same.
pub async fn download(
    object: &Object,
    target: &Path,
    options: &TransferOptions,
    progress: &Progress,
) -> Result<Outcome, Error> {
    let target = std::path::absolute(target).map_err(|error| object.context("copy").io_error(error))?;
    let context = object.context("copy").to(format!("file://{}", target.display()));
    let shared = Shared::new(Limits::default(), options);
    let job = Job { context: &context, options, shared: &shared, progress };
    progress.expect(1);
    let outcome = if object.store.scheme() == Scheme::File {
        from_file_to_file(&local::path_of(&object.key, &context)?, &target, job).await
    } else {
        to_file(object, &target, job).await
    };
    job.finish(outcome).await
}

/// As [`download`], for one of many. Counts bytes, and leaves counting the object to the caller.
pub(super) async fn to_file(object: &Object, target: &Path, job: Job<'_>) -> Result<Outcome, Error> {
    let share = job.shared.budget.take(LANE).await;
    let earlier = if job.options.resume { go_on(object, target, job).await? } else { None };
    let (landing, first) = match earlier {
        Some(Earlier::Whole(outcome)) => return Ok(outcome),
        Some(Earlier::Part(part)) => *part,
        None => {
            let mut body = open_first(object, job.options.whole_download(), job).await?;
            if body.range == (0..body.meta.size) && body.meta.size <= BATCH as u64 {
                let chunks = batch(&mut body).await?;
                let size = body.meta.size;
                job.progress.announce(size);
                local::land(target, chunks, body.meta.last_modified, &job.shared.cleanup, job.context).await?;
                job.progress.add(0, size);
                return Ok(Outcome { size: Some(size), moved: size, e_tag: body.meta.e_tag });
            }
            let size = body.meta.size;
            let landing = match pin(&body.meta) {
                Some(pin) if job.options.resume => {
                    let version = (pin, size);
                    Landing::begin_lasting(target, &masked(&object.uri), version, &job.shared.cleanup, job.context)
                        .await?
                }
                _ => Landing::begin(target, size, &job.shared.cleanup, job.context).await?,
            };
            (landing, body)
        }
    };
    let (size, modified, e_tag) = (first.meta.size, first.meta.last_modified, first.meta.e_tag.clone());
    let missing = landing.missing();
    let moved = length(&missing);
    job.progress.announce(moved);
    if let Err(error) = fill(object, &landing, missing, (first, share), job).await {
        job.progress.withdraw(length(&landing.missing()));
        return Err(error);
    }
    landing.publish(modified, &job.shared.cleanup, job.context).await?;
    Ok(Outcome { size: Some(size), moved, e_tag })
}

fn length(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}

/// From whatever gives bytes to a file.
pub(super) async fn from_stream(
    mut chunks: Gather<BoxStream<'_, Result<Bytes, Error>>>,
    object: &Object,
    job: Job<'_>,
) -> Result<Outcome, Error> {
    let target = local::path_of(&object.key, job.context)?;
    // The length is whatever comes.
    let landing = Landing::begin(&target, 0, &job.shared.cleanup, job.context).await?;
    let mut size = 0;
    while !chunks.is_over().await? {
        let batch = chunks.next(BATCH as u64, job.context).await?;
        let length = batch.len() as u64;
        landing.write(size, vec![batch], job.context).await?;
        job.progress.add(0, length);
        size += length;
    }
    landing.publish(DateTime::UNIX_EPOCH, &job.shared.cleanup, job.context).await?;
    Ok(Outcome { size: Some(size), moved: size, e_tag: None })
}

/// From one name to another on this machine.
pub(super) async fn from_file_to_file(source: &Path, target: &Path, job: Job<'_>) -> Result<Outcome, Error> {
    let size = local::copy_paths(source, target, &job.shared.cleanup, job.context).await?;
    job.progress.add(0, size);
    Ok(Outcome { size: Some(size), moved: size, e_tag: None })
}

/// The first request, when nothing is known of the object: for `bytes` of it.
pub(super) async fn open_first(object: &Object, bytes: u64, job: Job<'_>) -> Result<Body, Error> {
    let range = ByteRange::Bounded(0..bytes);
    match Body::open(object, Some(&range), None, job.context).await {
        // An empty object has no range to give, and then some servers say nonsense (`bytes 0--1/0`, gcp-storage-emulator, seen
        // 2026-11). Some know no ranges at all.
        Err(error) if matches!(error.kind(), ErrorKind::OutOfRange | ErrorKind::NotSupported) => {}
        outcome => return outcome,
    }
    Body::open(object, None, None, job.context).await
}

/// What an earlier transfer has left.
enum Earlier {
    /// Everything; it has its name now.
    Whole(Outcome),
    /// A part, and the body of the first range that is missing.
    Part(Box<(Landing, Body)>),
}

async fn go_on(object: &Object, target: &Path, job: Job<'_>) -> Result<Option<Earlier>, Error> {
    // The file keeps no secret of a URL. Its version tells objects apart that differ in nothing else.
    let uri = &*masked(&object.uri);
    let Some(landing) = Landing::resume(target, uri, &job.shared.cleanup, job.context).await? else { return Ok(None) };
    let is_same = |meta: &Metadata| pin(meta).is_some_and(|pin| landing.is_about(uri, pin, meta.size));
    let Some(first) = landing.missing().into_iter().next() else {
        let meta = head(object).await?;
        if !is_same(&meta) {
            landing.discard(job.context).await?;
            return Ok(None);
        }
        landing.publish(meta.last_modified, &job.shared.cleanup, job.context).await?;
        return Ok(Some(Earlier::Whole(Outcome { size: Some(meta.size), moved: 0, e_tag: meta.e_tag })));
    };
    let range = ByteRange::Bounded(first.start..first.end.min(first.start + job.options.whole_download()));
    match Body::open(object, Some(&range), landing.e_tag().as_deref(), job.context).await {
        Ok(body) if is_same(&body.meta) && body.range.start == first.start && body.range.end <= first.end => {
            return Ok(Some(Earlier::Part(Box::new((landing, body)))));
        }
        Ok(_) => {}
        // Another version, or a server that does not know ranges.
        Err(error) if begins_anew(error.kind()) => {}
        Err(error) => return Err(error),
    }
    landing.discard(job.context).await?;
    Ok(None)
}

fn begins_anew(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Precondition | ErrorKind::OutOfRange | ErrorKind::NotSupported)
}

/// Fetches `missing`, of which `first` is already coming, with several requests where that is more than one's worth.
async fn fill(
    object: &Object,
    landing: &Landing,
    missing: Vec<Range<u64>>,
    (first, share): (Body, Share),
    job: Job<'_>,
) -> Result<(), Error> {
    let part = job.options.part_bytes.max(1);
    let mut rest = VecDeque::new();
    for range in missing {
        let start = if range.contains(&first.range.start) { first.range.end } else { range.start };
        let cuts = (start..range.end).step_by(usize::try_from(part).unwrap_or(usize::MAX));
        rest.extend(cuts.map(|start| start..range.end.min(start.saturating_add(part))));
    }
    let Some(pin) = pin(&first.meta).map(str::to_owned) else {
        if rest.is_empty() {
            return receive(first, landing, job).await;
        }
        // Parts of something without a name could be parts of different things.
        drop(first);
        return receive(Body::open(object, None, None, job.context).await?, landing, job).await;
    };
    let more = job.options.parts_in_flight.saturating_sub(1).min(rest.len());
    let rest = Mutex::new(rest);
    // Closed when there is no range left to begin with.
    let open = Semaphore::new(0);
    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let lane = async |first: Option<(Body, Share)>| {
        // The first lane has its share, and no permit to wait for: every object goes on with at least one request. The others
        // give up their places when they are not needed any more.
        let _held = match first {
            Some((body, share)) => {
                receive(body, landing, job).await?;
                (None, share)
            }
            None => {
                let held = async { (job.shared.lanes.acquire().await.ok(), job.shared.budget.take(LANE).await) };
                tokio::select! {
                    biased;
                    _ = open.acquire() => return Ok(()),
                    held = held => held,
                }
            }
        };
        while let Some(range) = next() {
            let body = Body::open(object, Some(&ByteRange::Bounded(range.clone())), Some(&pin), job.context).await?;
            body.require(&range)?;
            receive(body, landing, job).await?;
        }
        open.close();
        Ok::<_, Error>(())
    };
    let lanes = std::iter::once(Some((first, share))).chain((0..more).map(|_| None));
    try_join_all(lanes.map(lane)).await.map(drop)
}

/// Writes a body where it belongs. One batch is written while the next is read.
async fn receive(mut body: Body, landing: &Landing, job: Job<'_>) -> Result<(), Error> {
    let mut offset = body.range.start;
    let mut full = batch(&mut body).await?;
    while !full.is_empty() {
        let length = full.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        // Both to their ends: what has arrived is kept even where nothing follows.
        let (written, next) = futures::join!(landing.write(offset, full, job.context), batch(&mut body));
        written?;
        job.progress.add(0, length);
        offset += length;
        full = next?;
    }
    Ok(())
}

/// The next bytes of a body; none at its end.
async fn batch(body: &mut Body) -> Result<Vec<Bytes>, Error> {
    let (mut chunks, mut length) = (Vec::new(), 0);
    while length < BATCH {
        let Some(chunk) = body.next().await? else { break };
        length += chunk.len();
        chunks.push(chunk);
    }
    Ok(chunks)
}
