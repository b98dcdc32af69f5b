//! Local files. A key is a path from the root of the file system, without its first slash.
//!
//! Why not `object_store`'s: its copy is a hard link, its deletes follow links, and one odd name makes a whole tree unlistable.
//! Here every call is a piece of plain `std::fs` on the blocking pool, where it looks between two steps whether its
//! caller is still there.
//!
//! What a key can name is a regular file, or a link to one. Reads follow links. Writes and deletes are about the name alone:
//! they replace or remove a link and leave its target be.

mod delete;
mod landing;
mod open;
mod partial;
mod put;
mod read;
mod source;
mod stage;
mod walk;
mod write;

use std::fs::{self, Metadata as Status};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_config::Pattern;
use nix::libc;
use tokio::sync::mpsc;

pub(crate) use delete::{delete, delete_folder, delete_prefix};
pub(crate) use landing::{Landing, land};
pub(crate) use open::OpenFile;
pub(crate) use put::{FileWriter, rename_paths};
pub(crate) use read::{read, read_range};
pub(crate) use source::SourceFile;
pub use stage::is_unfinished;
pub(crate) use write::{copy_paths, write};

use crate::error::{Context, Error, ErrorKind};
use crate::list::Entry;
use crate::listing::{Depth, Page};
use crate::manage::Metadata;
use crate::progress::Progress;
use crate::window::lost;

/// Describes the file that `key` names.
pub(crate) async fn head(key: &str, context: &Context) -> Result<Metadata, Error> {
    let path = path_of(key, context)?;
    let key = key.to_owned();
    let inner = context.clone();
    blocking(context, move |_| {
        let status = fs::metadata(&path).map_err(|error| unreadable(error, &inner))?;
        require_regular(&status, &inner)?;
        let seen = walk::Seen::of(&status);
        Ok(Metadata {
            key,
            size: seen.size,
            last_modified: seen.last_modified(),
            e_tag: Some(seen.e_tag()),
            version: None,
        })
    })
    .await
}

/// The files whose keys begin with `prefix` and match `pattern`, in key order.
pub(crate) async fn list(
    prefix: &str,
    pattern: Option<&Pattern>,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Entry>, Error> {
    require_prefix(prefix, context)?;
    let wanted = walk::Wanted { prefix: prefix.to_owned(), depth: Depth::Everything, pattern: pattern.cloned() };
    let (inner, progress) = (context.clone(), progress.clone());
    blocking(context, move |stop| walk::files(&wanted, &inner, stop, &progress)).await
}

/// The files and folders whose keys begin with `prefix`, page by page, in key order. Runs ahead as far as `pages` has room.
pub(crate) async fn list_pages(
    prefix: &str,
    depth: Depth,
    context: &Context,
    pages: mpsc::Sender<Page>,
) -> Result<(), Error> {
    require_prefix(prefix, context)?;
    let wanted = walk::Wanted { prefix: prefix.to_owned(), depth, pattern: None };
    let inner = context.clone();
    blocking(context, move |stop| {
        let send = |page: &mut Page| {
            let full = std::mem::take(page);
            pages.blocking_send(full).map_err(|_| inner.error(ErrorKind::Join, "cancelled"))
        };
        let mut page = Page::default();
        walk::visit(&wanted, &inner, stop, |found| {
            match found {
                walk::Found::File(key, seen) => page.objects.push(seen.listed(key)),
                walk::Found::Folder(key) => page.folders.push(key),
            }
            if page.len() < Page::FULL { Ok(()) } else { send(&mut page) }
        })?;
        if page.len() == 0 { Ok(()) } else { send(&mut page) }
    })
    .await
}

/// Tells work on the blocking pool that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Fails when the call was cancelled. Nobody sees the error.
    fn check(&self, context: &Context) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) { Err(context.error(ErrorKind::Join, "cancelled")) } else { Ok(()) }
    }
}

/// Runs `work` on the blocking pool. Where this future is dropped, `work` is told.
async fn blocking<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&Stop) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    struct StopWhenDropped(Stop);
    impl Drop for StopWhenDropped {
        fn drop(&mut self) {
            self.0.0.store(true, Ordering::Relaxed);
        }
    }

    let stop = Stop::default();
    let inner = (stop.clone(), context.clone());
    let _guard = StopWhenDropped(stop);
    let working = tokio::task::spawn_blocking(move || {
        // It may have waited in the pool's queue for longer than its caller did.
        inner.0.check(&inner.1)?;
        work(&inner.0)
    });
    working.await.unwrap_or_else(|error| Err(lost(context, error)))
}

/// The path that `key` stands for.
pub(crate) fn path_of(key: &str, context: &Context) -> Result<PathBuf, Error> {
    require_segments(key, context)?;
    Ok(Path::new("/").join(key))
}

/// A prefix is plain text: only what stands before its last slash names folders.
fn require_prefix(prefix: &str, context: &Context) -> Result<(), Error> {
    match prefix.rsplit_once('/') {
        Some((folder, _)) => require_segments(folder, context),
        None => Ok(()),
    }
}

/// The file system would read these segments as another path than the one that was named.
fn require_segments(path: &str, context: &Context) -> Result<(), Error> {
    if path.contains('\0') {
        return Err(context.error(ErrorKind::InvalidPath, "a path cannot contain a NUL character"));
    }
    if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        let reason = "this kind of store has no keys with an empty, `.` or `..` segment or a slash at the end";
        return Err(context.error(ErrorKind::InvalidPath, reason));
    }
    Ok(())
}

/// The same attempt, about `path` in particular.
fn about(path: &Path, context: &Context) -> Context {
    Context::new(context.operation, format!("file://{}", path.display()))
}

/// Devices, pipes and sockets are never opened: that alone can block, or do something.
fn require_regular(status: &Status, context: &Context) -> Result<(), Error> {
    let kind = status.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(context.error(ErrorKind::NotFound, "this is a folder, not an object"));
    }
    Err(context.error(ErrorKind::InvalidPath, format!("this is {}, not a file", name_of_special(status))))
}

fn name_of_special(status: &Status) -> &'static str {
    let kind = status.file_type();
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Why a file cannot be read. A path through a file, or a link to nothing, names no object.
pub(crate) fn unreadable(error: io::Error, context: &Context) -> Error {
    let missing = is_broken_link(&error);
    let error = context.io_error(error);
    if missing { error.with_kind(ErrorKind::NotFound) } else { error }
}

/// Whether what was there, or on the way there, is gone or was never there.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether links lead in a circle, or to nothing.
fn is_broken_link(error: &io::Error) -> bool {
    is_absent(error) || error.raw_os_error() == Some(libc::ELOOP)
}
