//! Many ranges of one object at once, all of the same version.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::{GetOptions, GetRange};

use super::answer::open;
use super::spot::{Spot, Way};
use crate::body::same_version;
use crate::error::{Context, Error, ErrorKind};
use crate::local::OpenFile;
use crate::range::ByteRange;
use crate::window;

/// How ranges are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangesOptions {
    /// Ranges that are no further apart come with one request. With 0 only those that overlap or touch do.
    pub coalesce: u64,
    /// Requests at once.
    pub in_flight: usize,
}

impl Default for RangesOptions {
    fn default() -> Self {
        Self { coalesce: 1 << 20, in_flight: 10 }
    }
}

/// Reads `ranges` of the object at `spot`; results come in their order. One that goes on after the object's end is cut there.
///
/// A local file is opened once. Elsewhere each request says which version it was answered from, and all must be the same.
///
/// # Errors
///
/// [`ErrorKind::OutOfRange`] where a range begins after the object's end, [`ErrorKind::InvalidArgument`] for an empty one,
/// [`ErrorKind::Precondition`] where the object was replaced in between, and what else the store answers.
pub async fn read_ranges(spot: &Spot, ranges: Vec<Range<u64>>, options: RangesOptions) -> Result<Vec<Bytes>, Error> {
    let context = spot.context("get");
    for range in &ranges {
        ByteRange::Bounded(range.clone()).require(&context)?;
    }
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    if let Way::File = spot.way(&context)? {
        let file = OpenFile::open(&spot.key, &context).await?;
        let within = |range: &Range<u64>| cut(range, file.size(), &context);
        let ranges = ranges.iter().map(within).collect::<Result<_, _>>()?;
        return file.read_many(ranges, &context).await;
    }
    let requests = Arc::new(merged(&ranges, options.coalesce));
    let (shared, spot) = (Arc::clone(&requests), spot.clone());
    let answers = window::run(context.clone(), requests.len(), options.in_flight.max(1), move |index| {
        let (spot, range) = (spot.clone(), shared[index].clone());
        async move {
            let range = GetRange::Bounded(range);
            let answer = open(&spot, GetOptions { range: Some(range), ..GetOptions::default() }).await?;
            let meta = answer.meta.clone();
            Ok((answer.range.start, meta, answer.collect().await?))
        }
    })
    .await?;
    if answers.windows(2).any(|pair| !same_version(&pair[0].1, &pair[1].1)) {
        let reason = "the object was replaced while its ranges were read; begin again";
        return Err(context.error(ErrorKind::Precondition, reason));
    }
    let piece = |range: &Range<u64>| {
        // Each range lies in the request that begins last before it.
        let index = requests.partition_point(|request| request.start <= range.start).saturating_sub(1);
        let (start, meta, body) = &answers[index];
        let range = cut(range, meta.size, &context)?;
        // Both lie within a body that is in memory.
        let (from, to) = ((range.start - start) as usize, (range.end - start) as usize);
        if to > body.len() {
            return Err(context.error(ErrorKind::Connection, "less arrived than was asked for"));
        }
        Ok(body.slice(from..to))
    };
    ranges.iter().map(piece).collect()
}

fn cut(range: &Range<u64>, size: u64, context: &Context) -> Result<Range<u64>, Error> {
    let asked = ByteRange::Bounded(range.clone());
    asked.within(size).ok_or_else(|| asked.beyond(size, context))
}

/// The requests that bring `ranges`: in order, and more than `gap` apart.
fn merged(ranges: &[Range<u64>], gap: u64) -> Vec<Range<u64>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_near_come_together() {
        assert_eq!(merged(&[10..20, 0..5, 4..8], 0), [0..8, 10..20]);
        assert_eq!(merged(&[10..20, 0..5, 4..8], 2), [Range { start: 0, end: 20 }]);
        assert_eq!(merged(&[0..5, 5..6], 0), [Range { start: 0, end: 6 }]);
        assert_eq!(merged(&[0..9, 2..3, 9..10], 0), [Range { start: 0, end: 10 }]);
        assert_eq!(merged(&[u64::MAX - 2..u64::MAX, 1..2], u64::MAX).len(), 1);
    }
}
