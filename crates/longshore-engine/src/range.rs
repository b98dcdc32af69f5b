//! Reads of a part of an object.

use std::ops::Range;

use longshore_config::Scheme;
use object_store::GetRange;

use crate::body::Body;
use crate::error::{Context, Error, ErrorKind};
use crate::local;
use crate::object::Object;
use crate::progress::Progress;
use crate::sink::{Buffer, Sink};

/// Some of an object's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first offset up to, but not including, the second.
    Bounded(Range<u64>),
    /// From an offset to the end.
    From(u64),
    /// So many at the end, or all there are.
    Last(u64),
}

impl ByteRange {
    /// What of an object of `size` bytes lies in this range. `None` where nothing does; no server can answer that.
    pub(crate) fn within(&self, size: u64) -> Option<Range<u64>> {
        let found = match self {
            Self::Bounded(range) => range.start..range.end.min(size),
            Self::From(start) => *start..size,
            Self::Last(count) => size.saturating_sub(*count)..size,
        };
        (found.start < found.end).then_some(found)
    }

    /// As HTTP writes it.
    pub(crate) fn header(&self) -> String {
        match self {
            Self::Bounded(range) => format!("bytes={}-{}", range.start, range.end.saturating_sub(1)),
            Self::From(start) => format!("bytes={start}-"),
            Self::Last(count) => format!("bytes=-{count}"),
        }
    }

    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a range that has no bytes, whatever the object.
    pub(crate) fn require(&self, context: &Context) -> Result<(), Error> {
        let empty = match self {
            Self::Bounded(range) => range.is_empty(),
            Self::From(_) => false,
            Self::Last(count) => *count == 0,
        };
        if empty { Err(context.error(ErrorKind::InvalidArgument, "the range has no bytes in it")) } else { Ok(()) }
    }

    /// What is read of an object of `size` bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfRange`] where the object ends before the range does.
    pub(crate) fn exactly(&self, size: u64, context: &Context) -> Result<Range<u64>, Error> {
        let found = self.within(size).filter(|found| match self {
            Self::Bounded(range) => range == found,
            Self::From(_) | Self::Last(_) => true,
        });
        found.ok_or_else(|| self.beyond(size, context))
    }

    pub(crate) fn beyond(&self, size: u64, context: &Context) -> Error {
        let asked = self.header();
        context.error(ErrorKind::OutOfRange, format!("{asked} was asked for, and the object has {size} bytes"))
    }
}

impl From<&ByteRange> for GetRange {
    fn from(range: &ByteRange) -> Self {
        match range {
            ByteRange::Bounded(range) => Self::Bounded(range.clone()),
            ByteRange::From(start) => Self::Offset(*start),
            ByteRange::Last(count) => Self::Suffix(*count),
        }
    }
}

/// Reads `range` of `object` into memory from `sink`. A body that breaks off is continued, from the same version.
///
/// # Errors
///
/// [`ErrorKind::OutOfRange`] where the object ends before a bounded range does, or before the range begins; and whatever
/// else the store answers. What arrives is exactly what was asked for, or an error.
pub async fn read_range<S: Sink>(
    object: Object,
    range: ByteRange,
    sink: &S,
    progress: &Progress,
) -> Result<S::Output, Error> {
    let context = object.context("get");
    range.require(&context)?;
    progress.expect(1);
    let output = if object.store.scheme() == Scheme::File {
        local::read_range(&object.key, &range, &context, (sink, progress)).await?
    } else {
        let mut body = Body::open(&object, Some(&range), None, &context).await?;
        body.narrow(&range.exactly(body.meta.size, &context)?)?;
        let length = body.range.end - body.range.start;
        let capacity = usize::try_from(length).unwrap_or(usize::MAX);
        let mut buffer = sink.reserve(0, capacity).await.map_err(|refusal| refusal.error(&context, length))?;
        while let Some(chunk) = body.next().await? {
            buffer.append(&chunk);
            progress.add(0, chunk.len() as u64);
        }
        sink.finish(0, buffer)
    };
    progress.add(1, 0);
    progress.finish();
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_of_it_the_object_has() {
        let context = Context::new("get", "s3://b/k");
        for (range, within, exactly) in [
            (ByteRange::Bounded(2..5), Some(2..5), true),
            (ByteRange::Bounded(2..11), Some(2..10), false),
            (ByteRange::Bounded(10..11), None, false),
            (ByteRange::From(9), Some(9..10), true),
            (ByteRange::From(10), None, false),
            (ByteRange::Last(3), Some(7..10), true),
            (ByteRange::Last(30), Some(0..10), true),
        ] {
            assert_eq!(range.within(10), within, "{range:?}");
            assert_eq!(range.exactly(10, &context).is_ok(), exactly, "{range:?}");
        }
        assert_eq!(ByteRange::Last(3).within(0), None);
        assert_eq!(ByteRange::Bounded(2..5).header(), "bytes=2-4");
        assert!(ByteRange::Bounded(5..5).require(&context).is_err() && ByteRange::Last(0).require(&context).is_err());
    }
}
