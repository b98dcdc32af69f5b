//! A file that is written piece by piece and appears whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::stage::{Staged, require_replaceable};
use super::walk::Seen;
use super::{blocking, path_of};
use crate::error::{Context, Error, ErrorKind};

/// Written at once, before looking whether anybody still wants it.
const PIECE: usize = 4 << 20;

/// A file under its hidden name. It is removed when this is dropped.
pub(crate) struct FileWriter {
    target: PathBuf,
    /// Absent while a thread writes to it.
    staged: Option<Staged>,
}

impl FileWriter {
    /// Begins the file that `key` will name; its folders are made too.
    pub(crate) async fn begin(key: &str, context: &Context) -> Result<Self, Error> {
        let target = path_of(key, context)?;
        let (path, inner) = (target.clone(), context.clone());
        let staged = blocking(context, move |_| {
            require_replaceable(&path, &inner)?;
            let folder = path.parent().unwrap_or(Path::new("/"));
            Staged::new(folder).map_err(|error| inner.io_error(error))
        })
        .await?;
        Ok(Self { target, staged: Some(staged) })
    }

    /// Appends `chunks`.
    pub(crate) async fn write(&mut self, chunks: Vec<Bytes>, context: &Context) -> Result<(), Error> {
        let (mut staged, inner) = (self.take(context)?, context.clone());
        // Where this future is dropped, the thread goes on to its end and drops the file there.
        let staged = blocking(context, move |stop| {
            for piece in chunks.iter().flat_map(|chunk| chunk.chunks(PIECE)) {
                stop.check(&inner)?;
                staged.file.write_all(piece).map_err(|error| inner.io_error(error))?;
            }
            Ok(staged)
        })
        .await?;
        self.staged = Some(staged);
        Ok(())
    }

    /// Gives the file its name, and returns its tag. With `is_new`, only where there is none of that name.
    pub(crate) async fn finish(mut self, is_new: bool, context: &Context) -> Result<String, Error> {
        let (staged, inner) = (self.take(context)?, context.clone());
        let target = self.target.clone();
        blocking(context, move |stop| {
            stop.check(&inner)?;
            let fail = |error| inner.io_error(error);
            let Staged { file, mut path } = staged;
            let seen = Seen::of(&file.metadata().map_err(fail)?);
            // Network file systems report here what they could not write.
            nix::unistd::close(file).map_err(io::Error::from).map_err(fail)?;
            if is_new {
                path.publish_new(&target).map_err(|error| refused(error, &inner))?;
            } else {
                require_replaceable(&target, &inner)?;
                path.publish(&target).map_err(fail)?;
            }
            Ok(seen.e_tag())
        })
        .await
    }

    /// Removes the file.
    pub(crate) async fn abort(mut self, context: &Context) -> Result<(), Error> {
        let staged = self.take(context)?;
        blocking(context, move |_| {
            drop(staged);
            Ok(())
        })
        .await
    }

    fn take(&mut self, context: &Context) -> Result<Staged, Error> {
        self.staged.take().ok_or_else(|| context.error(ErrorKind::Generic, "an earlier write to this file has failed"))
    }
}

/// Renames or replaces nothing: only where there is nothing at `to`.
pub(crate) async fn rename_paths(from: &str, to: &str, is_new: bool, context: &Context) -> Result<(), Error> {
    let (from, to) = (path_of(from, context)?, path_of(to, context)?);
    let inner = context.clone();
    blocking(context, move |_| {
        let fail = |error| super::unreadable(error, &inner);
        super::require_regular(&fs::metadata(&from).map_err(fail)?, &inner)?;
        require_replaceable(&to, &inner)?;
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|error| inner.io_error(error))?;
        }
        if from == to {
            return if is_new { Err(inner.error(ErrorKind::AlreadyExists, "it is there already")) } else { Ok(()) };
        }
        if !is_new {
            return fs::rename(&from, &to).map_err(fail);
        }
        // A second name, which is never given where there is one, and then the first is taken away.
        fs::hard_link(&from, &to).map_err(|error| refused(error, &inner))?;
        fs::remove_file(&from).map_err(fail)
    })
    .await
}

fn refused(error: io::Error, context: &Context) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => context.error(ErrorKind::AlreadyExists, "there is a file of that name"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => {
            context.io_error(error).with_advice("this file system may have no way to make a file only if it is new")
        }
        _ => context.io_error(error),
    }
}
