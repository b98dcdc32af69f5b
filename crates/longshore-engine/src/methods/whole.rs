//! Whole bodies in one piece of memory: without a copy where they come in one piece, and with one where they do not.
//!
//! A large one comes over several connections. The first goes on reading from the front, in the answer that is there already,
//! while others take parts from the back, pinned to the same version; they meet somewhere in between.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use object_store::{GetOptions, GetRange};
use tokio::task::JoinSet;

use super::answer::{Answer, open, open_as};
use super::spot::{Place, Spot};
use crate::body::pin;
use crate::budget::Limits;
use crate::error::{Context, Error, ErrorKind};
use crate::progress::Progress;
use crate::window;

/// A body from this size on comes over several connections.
const SHARED_FROM: u64 = 32 << 20;
/// What one request brings of such a body.
const PART: u64 = 8 << 20;
/// Connections beside the first.
const HELPERS: usize = 3;

/// Reads one object.
///
/// # Errors
///
/// As [`open`]; a body that is not as long as announced is an error.
pub async fn read_buffer(spot: &Spot, progress: &Progress) -> Result<Bytes, Error> {
    progress.expect(1);
    let body = open(spot, GetOptions::default()).await?.collect().await?;
    progress.add(1, body.len() as u64);
    progress.finish();
    Ok(body)
}

/// Reads all `spots`, as many at once as `limits` allow. Results come in the order of `spots`, repeats included.
///
/// # Errors
///
/// The first failure; it names its object, and cancels the rest.
pub async fn read_buffers(spots: Vec<Spot>, limits: Limits, progress: &Progress) -> Result<Vec<Bytes>, Error> {
    progress.expect(spots.len() as u64);
    let context = Context::new("get", spots.first().map(|spot| spot.uri.to_string()).unwrap_or_default());
    let (count, spots, shared) = (spots.len(), Arc::new(spots), progress.clone());
    let bodies = window::run(context, count, limits.in_flight, move |index| {
        let (spots, progress) = (Arc::clone(&spots), shared.clone());
        async move {
            let body = open(&spots[index], GetOptions::default()).await?.collect().await?;
            progress.add(1, body.len() as u64);
            Ok(body)
        }
    })
    .await?;
    progress.finish();
    Ok(bodies)
}

/// All that still comes of `answer`.
pub(super) async fn gather(answer: &mut Answer) -> Result<Bytes, Error> {
    let size = answer.remaining();
    let Some(first) = answer.next().await? else { return Ok(Bytes::new()) };
    if first.len() as u64 == size {
        // What comes after the end is an error all the same.
        return answer.next().await.map(|_| first);
    }
    let length = usize::try_from(size).map_err(|_| answer.fail(ErrorKind::Generic, "too large for this machine"))?;
    let mut whole = Vec::new();
    whole.try_reserve_exact(length).map_err(|_| {
        answer.fail(ErrorKind::Generic, format!("there is not enough memory for an object of {size} bytes"))
    })?;
    let tag = pin(&answer.meta).map(str::to_owned);
    if let (Some(tag), true, Place::Own(_)) = (tag, answer.is_remote() && size >= SHARED_FROM, &answer.spot.place) {
        drop(whole);
        return gather_shared(answer, first, length, tag).await;
    }
    whole.extend_from_slice(&first);
    drop(first);
    while let Some(chunk) = answer.next().await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.into())
}

/// Parts that nobody has taken yet, in order.
#[derive(Clone)]
struct Parts(Arc<Mutex<VecDeque<Part>>>);

/// The memory of a part, and the offset in the object that it begins at.
struct Part {
    start: u64,
    memory: BytesMut,
}

impl Parts {
    fn open(&self) -> MutexGuard<'_, VecDeque<Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn gather_shared(answer: &mut Answer, first: Bytes, length: usize, tag: String) -> Result<Bytes, Error> {
    let mut memory = BytesMut::zeroed(length);
    let mut start = answer.at - first.len() as u64;
    let mut parts = VecDeque::new();
    while !memory.is_empty() {
        let part = memory.split_to(memory.len().min(PART as usize));
        let next = start + part.len() as u64;
        parts.push_back(Part { start, memory: part });
        start = next;
    }
    let parts = Parts(Arc::new(Mutex::new(parts)));
    let mut helpers = JoinSet::new();
    for _ in 0..HELPERS {
        let (parts, spot, tag, version) = (parts.clone(), answer.spot.clone(), tag.clone(), answer.version.clone());
        helpers.spawn(async move {
            let filled = help(&parts, &spot, &tag, version).await;
            if filled.is_err() {
                // Nobody need go on.
                parts.open().clear();
            }
            filled
        });
    }
    let mut filled = Vec::new();
    let mut rest = first;
    loop {
        let taken = parts.open().pop_front();
        let Some(mut part) = taken else { break };
        let mut done = 0;
        while done < part.memory.len() {
            if rest.is_empty() {
                rest =
                    answer.next().await?.ok_or_else(|| answer.fail(ErrorKind::Connection, "the body ended early"))?;
            }
            let piece = rest.split_to(rest.len().min(part.memory.len() - done));
            part.memory[done..done + piece.len()].copy_from_slice(&piece);
            done += piece.len();
        }
        filled.push(part);
    }
    while let Some(ended) = helpers.join_next().await {
        let context = answer.spot.context("get");
        filled.extend(ended.unwrap_or_else(|error| Err(window::lost(&context, error)))?);
    }
    filled.sort_unstable_by_key(|part| part.start);
    let mut whole = BytesMut::new();
    for part in filled {
        // They were cut from one piece, and become one again without a copy.
        if whole.is_empty() { whole = part.memory } else { whole.unsplit(part.memory) }
    }
    Ok(whole.freeze())
}

/// Takes parts from the back until there are none.
async fn help(parts: &Parts, spot: &Spot, tag: &str, version: Option<String>) -> Result<Vec<Part>, Error> {
    let mut filled = Vec::new();
    loop {
        let taken = parts.open().pop_back();
        let Some(mut part) = taken else { return Ok(filled) };
        let range = part.start..part.start + part.memory.len() as u64;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            if_match: Some(tag.to_owned()),
            version: version.clone(),
            ..GetOptions::default()
        };
        let mut answer = open_as(spot, options, spot.context("get")).await?;
        if answer.range != range || pin(&answer.meta).is_some_and(|found| found != tag) {
            return Err(answer.fail(ErrorKind::Precondition, "the object was replaced while it was read; begin again"));
        }
        let mut done = 0;
        while let Some(chunk) = answer.next().await? {
            // `Answer` lets through no more than the range.
            part.memory[done..done + chunk.len()].copy_from_slice(&chunk);
            done += chunk.len();
        }
        filled.push(part);
    }
}
