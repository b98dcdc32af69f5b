//! A file that is read in pieces, as it is when each is read.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use super::walk::Seen;
use super::{blocking, path_of, require_regular, unreadable};
use crate::error::{Context, Error, ErrorKind};
use crate::manage::Metadata;

/// Read before looking whether anybody still wants it.
const PIECE: usize = 4 << 20;

/// An open file, and what it was when it was opened. One that is replaced meanwhile stays as it was; one that is written to in
/// place is read as it is.
#[derive(Clone)]
pub(crate) struct OpenFile {
    file: Arc<File>,
    seen: Seen,
}

impl OpenFile {
    /// Opens the file that `key` names.
    pub(crate) async fn open(key: &str, context: &Context) -> Result<Self, Error> {
        let path = path_of(key, context)?;
        let inner = context.clone();
        blocking(context, move |_| {
            let fail = |error| unreadable(error, &inner);
            require_regular(&fs::metadata(&path).map_err(fail)?, &inner)?;
            let file = File::open(&path).map_err(fail)?;
            let status = file.metadata().map_err(fail)?;
            require_regular(&status, &inner)?;
            Ok(Self { file: Arc::new(file), seen: Seen::of(&status) })
        })
        .await
    }

    pub(crate) fn size(&self) -> u64 {
        self.seen.size
    }

    /// What is known of it without reading.
    pub(crate) fn describe(&self, key: &str) -> Metadata {
        Metadata {
            key: key.to_owned(),
            size: self.seen.size,
            last_modified: self.seen.last_modified(),
            e_tag: Some(self.seen.e_tag()),
            version: None,
        }
    }

    /// The bytes of `range`, all of them.
    ///
    /// # Errors
    ///
    /// Where the file has become shorter, and what the system says.
    pub(crate) async fn read(&self, range: Range<u64>, context: &Context) -> Result<Bytes, Error> {
        let mut read = self.read_many(vec![range], context).await?;
        Ok(read.pop().unwrap_or_default())
    }

    /// The bytes of each of `ranges`, in one go.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) async fn read_many(&self, ranges: Vec<Range<u64>>, context: &Context) -> Result<Vec<Bytes>, Error> {
        let (file, inner) = (Arc::clone(&self.file), context.clone());
        blocking(context, move |stop| {
            let mut read = Vec::with_capacity(ranges.len());
            for range in ranges {
                let length = usize::try_from(range.end - range.start)
                    .map_err(|_| inner.error(ErrorKind::Generic, "too large for this machine"))?;
                let mut bytes = zeroed(length).ok_or_else(|| {
                    inner.error(ErrorKind::Generic, format!("there is not enough memory for {length} bytes"))
                })?;
                let mut offset = range.start;
                for piece in bytes.chunks_mut(PIECE) {
                    stop.check(&inner)?;
                    match file.read_exact_at(piece, offset) {
                        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                            return Err(inner.error(ErrorKind::Generic, "the file shrank while it was read"));
                        }
                        outcome => outcome.map_err(|error| inner.io_error(error))?,
                    }
                    offset += piece.len() as u64;
                }
                read.push(Bytes::from(bytes));
            }
            Ok(read)
        })
        .await
    }
}

/// So many zeros, where there is room for them. The system has large ones ready: they are not written twice.
fn zeroed(length: usize) -> Option<Vec<u8>> {
    Vec::<u8>::new().try_reserve_exact(length).ok()?;
    Some(vec![0; length])
}
