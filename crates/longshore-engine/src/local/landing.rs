//! A file that bodies are written into, at any offset, before it gets its name.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::partial::{self, Note};
use super::stage::{self, Leftover, Staged, require_replaceable};
use super::{Stop, blocking};
use crate::error::{Context, Error, ErrorKind};
use crate::transfer::{Cleanup, Guard, Spans};

/// Written before looking whether anybody still wants it.
const PIECE: usize = 4 << 20;
/// A note is written each time that so much more has come, for runs that end without a word.
const NOTED: u64 = 16 << 20;

/// The file of one transfer. Dropping it removes the file, or leaves it with a note where it is to be continued.
pub(crate) struct Landing {
    target: PathBuf,
    state: Arc<State>,
    fate: Fate,
}

/// What becomes of a file that is not published.
enum Fate {
    /// The guard goes after the file.
    Remove(Leftover, Guard),
    Keep(PathBuf, Keeper),
}

/// Leaves a note of how far the file has come.
struct Keeper(Arc<State>);

impl Drop for Keeper {
    fn drop(&mut self) {
        // A note that cannot be written costs the next run its head start, and no more.
        let _ = self.0.write_note(&mut self.0.progress());
    }
}

struct State {
    file: Arc<File>,
    size: u64,
    progress: Mutex<Progress>,
    guard: Option<Guard>,
}

impl Drop for State {
    /// When nobody writes any more, what is noted is brought to the disk: not before, because it takes its time.
    fn drop(&mut self) {
        let guard = self.guard.take();
        let progress = self.progress.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(note) = State::noted(progress).cloned() else { return };
        // As for `Keeper`, with what was written since.
        if partial::write_note(&self.file, &note).is_err() || self.file.unlock().is_err() {
            return;
        }
        let file = Arc::clone(&self.file);
        let confirm = move || {
            // Then the note is good for as long as the machine runs.
            let _ = partial::confirm(&file, &note);
            drop((file, guard));
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(confirm)),
            Err(_) => confirm(),
        }
    }
}

struct Progress {
    done: Spans,
    unnoted: u64,
    /// For a file that outlives the transfer.
    note: Option<Note>,
}

impl State {
    fn new(file: File, size: u64) -> Arc<Self> {
        let progress = Progress { done: Spans::default(), unnoted: 0, note: None };
        Arc::new(Self { file: Arc::new(file), size, progress: Mutex::new(progress), guard: None })
    }

    fn noted_in(file: File, note: Note, guard: Guard) -> Arc<Self> {
        // What is added from now on is not on the disk.
        let (size, done, note) = (note.size, note.done.clone(), note.of_this_boot());
        let progress = Progress { done, unnoted: 0, note: Some(note) };
        Arc::new(Self { file: Arc::new(file), size, progress: Mutex::new(progress), guard: Some(guard) })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut offset: u64, chunks: &[Bytes], stop: &Stop, context: &Context) -> Result<(), Error> {
        for piece in chunks.iter().flat_map(|chunk| chunk.chunks(PIECE)) {
            stop.check(context)?;
            self.file.write_all_at(piece, offset).map_err(|error| context.io_error(error))?;
            let end = offset + piece.len() as u64;
            let mut progress = self.progress();
            progress.done.add(offset..end);
            progress.unnoted += piece.len() as u64;
            if progress.unnoted >= NOTED {
                self.write_note(&mut progress).map_err(|error| context.io_error(error))?;
            }
            offset = end;
        }
        Ok(())
    }

    /// Network file systems report here what they could not write.
    fn close(self: Arc<Self>, modified: DateTime<Utc>) -> io::Result<()> {
        set_modified(&self.file, modified);
        let file = Arc::clone(&self.file);
        drop(self);
        match Arc::into_inner(file) {
            Some(file) => Ok(nix::unistd::close(file)?),
            None => Err(io::Error::other("the file is still being written")),
        }
    }

    fn write_note(&self, progress: &mut Progress) -> io::Result<()> {
        Self::noted(progress).map_or(Ok(()), |note| partial::write_note(&self.file, note))
    }

    /// The note, as it has to be now.
    fn noted(progress: &mut Progress) -> Option<&Note> {
        progress.unnoted = 0;
        let Progress { done, note: Some(note), .. } = progress else { return None };
        note.done.clone_from(done);
        Some(note)
    }
}

impl Landing {
    /// A file for `size` bytes that is removed unless it is published.
    pub(crate) async fn begin(target: &Path, size: u64, cleanup: &Cleanup, context: &Context) -> Result<Self, Error> {
        let (target, inner, guard) = (target.to_owned(), context.clone(), cleanup.guard());
        blocking(context, move |_| {
            require_replaceable(&target, &inner)?;
            let folder = target.parent().unwrap_or(Path::new("/"));
            let Staged { file, path } = Staged::new(folder).map_err(|error| inner.io_error(error))?;
            let state = State::new(file, size);
            Ok(Self { target, state, fate: Fate::Remove(path, guard) })
        })
        .await
    }

    /// A file that stays when it is dropped, and can be found by [`resume`](Self::resume).
    pub(crate) async fn begin_lasting(
        target: &Path,
        uri: &str,
        (e_tag, size): (&str, u64),
        cleanup: &Cleanup,
        context: &Context,
    ) -> Result<Self, Error> {
        let (target, inner, uri, guard) = (target.to_owned(), context.clone(), uri.to_owned(), cleanup.guard());
        let note = Note::new(&uri, e_tag, size);
        blocking(context, move |_| {
            require_replaceable(&target, &inner)?;
            let file = partial::create(&target, &note, &uri, &inner)?;
            Ok(Self::lasting(target, &uri, file, (note, guard)))
        })
        .await
    }

    /// The file that an earlier transfer of the object called `uri` has left.
    pub(crate) async fn resume(
        target: &Path,
        uri: &str,
        cleanup: &Cleanup,
        context: &Context,
    ) -> Result<Option<Self>, Error> {
        let (target, inner, uri, guard) = (target.to_owned(), context.clone(), uri.to_owned(), cleanup.guard());
        blocking(context, move |_| {
            require_replaceable(&target, &inner)?;
            let Some((file, note)) = partial::find(&target, &uri, &inner)? else { return Ok(None) };
            Ok(Some(Self::lasting(target, &uri, file, (note, guard))))
        })
        .await
    }

    fn lasting(target: PathBuf, uri: &str, file: File, (note, guard): (Note, Guard)) -> Self {
        let path = partial::path_for(&target, uri);
        let state = State::noted_in(file, note, guard);
        Self { target, fate: Fate::Keep(path, Keeper(Arc::clone(&state))), state }
    }

    /// The version that a resumed file belongs to.
    pub(crate) fn e_tag(&self) -> Option<String> {
        self.state.progress().note.as_ref().map(|note| note.e_tag.clone())
    }

    /// Whether the file belongs to this version of the object.
    pub(crate) fn is_about(&self, uri: &str, e_tag: &str, size: u64) -> bool {
        self.state.progress().note.as_ref().is_some_and(|note| note.is_about(uri, e_tag, size))
    }

    /// What is still to come.
    pub(crate) fn missing(&self) -> Vec<Range<u64>> {
        self.state.progress().done.missing(self.state.size)
    }

    /// Writes `chunks` one after the other, from `offset` on.
    pub(crate) async fn write(&self, offset: u64, chunks: Vec<Bytes>, context: &Context) -> Result<(), Error> {
        let (state, inner) = (Arc::clone(&self.state), context.clone());
        blocking(context, move |stop| state.write(offset, &chunks, stop, &inner)).await
    }

    /// Removes the file, though it was to last.
    pub(crate) async fn discard(self, context: &Context) -> Result<(), Error> {
        let inner = context.clone();
        blocking(context, move |_| {
            // Nothing to note of a file that is gone.
            self.state.progress().note = None;
            match &self.fate {
                Fate::Remove(..) => Ok(()),
                Fate::Keep(path, _) => fs::remove_file(path).map_err(|error| inner.io_error(error)),
            }
        })
        .await
    }

    /// Gives the file its name, once everything is there.
    pub(crate) async fn publish(
        self,
        modified: DateTime<Utc>,
        cleanup: &Cleanup,
        context: &Context,
    ) -> Result<(), Error> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(context.error(ErrorKind::Generic, format!("these bytes did not arrive: {missing:?}")));
        }
        let (inner, guard) = (context.clone(), cleanup.guard());
        blocking(context, move |stop| {
            let _guard = guard;
            stop.check(&inner)?;
            let fail = |error| inner.io_error(error);
            let Self { target, state, fate } = self;
            match fate {
                Fate::Remove(mut path, _guard) => {
                    state.close(modified).map_err(fail)?;
                    path.publish(&target).map_err(fail)
                }
                Fate::Keep(path, keeper) => {
                    state.file.set_len(state.size).map_err(fail)?;
                    state.progress().note = None;
                    drop(keeper);
                    // The lock lasts until the file has its name.
                    let held = state.file.try_clone().map_err(fail)?;
                    state.close(modified).map_err(fail)?;
                    if !partial::is_still(&held, &path) {
                        let reason = format!("another transfer has taken {} away; begin again", path.display());
                        return Err(inner.error(ErrorKind::Precondition, reason));
                    }
                    fs::rename(path, target).map_err(fail)
                }
            }
        })
        .await
    }
}

/// Makes `target` a file of `chunks`, in one go. For what is small enough to be in memory.
pub(crate) async fn land(
    target: &Path,
    chunks: Vec<Bytes>,
    modified: DateTime<Utc>,
    cleanup: &Cleanup,
    context: &Context,
) -> Result<(), Error> {
    let (target, inner, guard) = (target.to_owned(), context.clone(), cleanup.guard());
    blocking(context, move |stop| {
        let _guard = guard;
        stage::replace(&target, &inner, |file| {
            for chunk in &chunks {
                file.write_all(chunk).map_err(|error| inner.io_error(error))?;
            }
            set_modified(file, modified);
            stop.check(&inner)
        })
    })
    .await
}

/// Best effort: not every file system keeps times, and a server need not say one.
fn set_modified(file: &File, modified: DateTime<Utc>) {
    if modified != DateTime::UNIX_EPOCH {
        let _ = file.set_modified(SystemTime::from(modified));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::new("copy", "s3://b/k")
    }

    /// What a run that is killed would leave.
    fn noted(folder: &Path) -> Note {
        let path = folder.read_dir().unwrap().next().unwrap().unwrap().path();
        partial::read_note(&File::open(path).unwrap()).unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_lasting_file_is_noted_now_and_then_for_a_run_that_ends_without_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let (target, size) = (folder.path().join("k"), 3 * NOTED);
        let cleanup = Cleanup::default();
        let begun = Landing::begin_lasting(&target, "s3://b/k", ("\"x\"", size), &cleanup, &context()).await;
        let landing = begun.unwrap();
        assert_eq!(noted(folder.path()).done, Spans::default());
        let chunk = Bytes::from(vec![7; NOTED as usize / 4]);
        landing.write(NOTED, vec![chunk.clone(); 5], &context()).await.unwrap();
        assert_eq!(noted(folder.path()).done.missing(size), [0..NOTED, 2 * NOTED..size]);
        assert!(noted(folder.path()).boot.is_some(), "it may be in memory only");
        drop(landing);
        assert_eq!(noted(folder.path()).done.missing(size), [0..NOTED, 2 * NOTED + NOTED / 4..size]);
        cleanup.wait().await;
        assert_eq!(noted(folder.path()).done.missing(size), [0..NOTED, 2 * NOTED + NOTED / 4..size]);
        assert_eq!(noted(folder.path()).boot, None, "it is on the disk");
        let resumed = Landing::resume(&target, "s3://b/k", &cleanup, &context()).await.unwrap().unwrap();
        resumed.write(0, vec![chunk; 5], &context()).await.unwrap();
        assert!(noted(folder.path()).boot.is_some(), "what came since may be in memory only");
    }

    #[tokio::test]
    async fn two_that_begin_at_once_do_not_publish_each_others_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("k");
        let cleanup = Cleanup::default();
        let about = context();
        let begin = || Landing::begin_lasting(&target, "s3://b/k", ("\"x\"", 4), &cleanup, &about);
        let (first, second) = (begin().await.unwrap(), begin().await);
        assert!(second.is_err_and(|error| error.to_string().contains("another transfer is filling")));
        first.write(0, vec![Bytes::from_static(b"0123")], &context()).await.unwrap();
        // Where there are no locks, a second one could have replaced it.
        let path = partial::path_for(&target, "s3://b/k");
        fs::rename(&path, folder.path().join("aside")).unwrap();
        fs::write(&path, "half").unwrap();
        let error = first.publish(DateTime::UNIX_EPOCH, &Cleanup::default(), &context()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
        assert!(!target.exists() && fs::read(path).unwrap() == b"half");
    }

    #[tokio::test]
    async fn a_file_with_a_gap_gets_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("k");
        let landing = Landing::begin(&target, 10, &Cleanup::default(), &context()).await.unwrap();
        landing.write(0, vec![Bytes::from_static(b"0123")], &context()).await.unwrap();
        landing.write(5, vec![Bytes::from_static(b"56789")], &context()).await.unwrap();
        let error = landing.publish(DateTime::UNIX_EPOCH, &Cleanup::default(), &context()).await.unwrap_err();
        assert!(error.to_string().contains("[4..5]"), "{error}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
