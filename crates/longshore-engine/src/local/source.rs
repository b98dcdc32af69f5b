//! A file that is read in pieces, and must stay as it is meanwhile.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::walk::Seen;
use super::{Stop, blocking, require_regular, unreadable};
use crate::error::{Context, Error, ErrorKind};

/// Read before looking whether anybody still wants it.
const PIECE: usize = 4 << 20;

/// An open file, and what it was when it was opened.
#[derive(Clone)]
pub(crate) struct SourceFile {
    file: Arc<File>,
    seen: Seen,
}

impl SourceFile {
    pub(crate) async fn open(path: &Path, context: &Context) -> Result<Self, Error> {
        let (path, inner) = (path.to_owned(), context.clone());
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

    /// The bytes of `range`, and what `look` makes of them.
    ///
    /// # Errors
    ///
    /// Where they are not there, or not as they were.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        range: Range<u64>,
        look: impl FnOnce(&[u8]) -> T + Send + 'static,
        context: &Context,
    ) -> Result<(Bytes, T), Error> {
        let (source, inner) = (self.clone(), context.clone());
        blocking(context, move |stop| {
            let bytes = source.read_now(range, stop, &inner)?;
            source.require_unchanged(&inner)?;
            let looked = look(&bytes);
            Ok((bytes.into(), looked))
        })
        .await
    }

    fn read_now(&self, range: Range<u64>, stop: &Stop, context: &Context) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(range.end - range.start)
            .map_err(|_| context.error(ErrorKind::Generic, "too large for this machine"))?;
        let mut bytes = vec![0; length];
        let mut offset = range.start;
        for piece in bytes.chunks_mut(PIECE) {
            stop.check(context)?;
            match self.file.read_exact_at(piece, offset) {
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(changed(context)),
                outcome => outcome.map_err(|error| context.io_error(error))?,
            }
            offset += piece.len() as u64;
        }
        Ok(bytes)
    }

    /// The next bytes, for a file of which only reading tells its length. Empty at its end.
    pub(crate) fn read_some(&self, most: usize) -> std::io::Result<Bytes> {
        let mut bytes = Vec::with_capacity(most);
        (&*self.file).take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn require_unchanged(&self, context: &Context) -> Result<(), Error> {
        let now = Seen::of(&self.file.metadata().map_err(|error| context.io_error(error))?);
        if now == self.seen { Ok(()) } else { Err(changed(context)) }
    }
}

fn changed(context: &Context) -> Error {
    context.error(ErrorKind::Precondition, "the file was changed while it was read; transfer it again")
}
