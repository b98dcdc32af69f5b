//! A file that is filled in several runs: beside its target, under a name that a person recognises, with a note at its end that
//! says what it is and how far it has come.
//!
//! The bytes of the object stand at their own offsets, the note behind the last of them. When all is there, the note is cut
//! off and the file gets its name.
//!
//! While a run is under way its notes claim bytes that may be in the machine's memory only. They name the machine's run, so that
//! nobody trusts them after a power cut. When a run gives up, it brings its bytes to the disk, and then says so.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use nix::libc;
use percent_encoding::{CONTROLS, utf8_percent_encode};

use super::stage;
use crate::error::{Context, Error, ErrorKind};
use crate::transfer::Spans;

const END: &str = ".longshore-part";
const DIGITS: usize = 16;
/// What most file systems allow.
const LONGEST_NAME: usize = 255;
const HEADING: &str = "longshore-part 2\n";
/// Stands for whatever run of the machine.
const ANY_BOOT: &str = "any";
/// Far more than a note takes.
const LONGEST_NOTE: u64 = 1 << 20;
/// A run that was stopped a moment ago may still be writing its last bytes.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a partial file is, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) uri: String,
    pub(crate) e_tag: String,
    pub(crate) size: u64,
    pub(crate) done: Spans,
    /// The run of the machine that the note is good for; `None` where the bytes are on the disk.
    pub(crate) boot: Option<String>,
}

impl Note {
    /// Of an object of which nothing is there yet.
    pub(crate) fn new(uri: &str, e_tag: &str, size: u64) -> Self {
        Self { uri: line(uri), e_tag: line(e_tag), size, done: Spans::default(), boot: Some(boot()) }
    }

    /// The same, for bytes that may not be on the disk.
    pub(crate) fn of_this_boot(self) -> Self {
        Self { boot: Some(boot()), ..self }
    }

    fn text(&self) -> Vec<u8> {
        let ranges: Vec<String> = self.done.iter().map(|span| format!("{}-{}", span.start, span.end)).collect();
        let (uri, e_tag) = (line(&self.uri), line(&self.e_tag));
        let boot = self.boot.as_deref().unwrap_or(ANY_BOOT);
        let (size, ranges) = (self.size, ranges.join(" "));
        let mut text = format!("{HEADING}uri {uri}\ne_tag {e_tag}\nsize {size}\nranges {ranges}\nboot {boot}\n");
        // A run may have been killed while it wrote this.
        let digest = hex(&Md5::digest(text.as_bytes()));
        text.push_str(&format!("md5 {digest}\n"));
        text.into_bytes()
    }

    /// The note that `text` begins with, whole or not at all.
    fn parse(text: &[u8]) -> Option<Self> {
        let end = text.windows(5).position(|window| window == b"\nmd5 ")? + 1;
        let digest = text.get(end + 4..end + 36)?;
        if digest != hex(&Md5::digest(&text[..end])).as_bytes() {
            return None;
        }
        let mut lines = std::str::from_utf8(&text[..end]).ok()?.strip_prefix(HEADING)?.lines();
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
        let (uri, e_tag, size) = (field("uri")?, field("e_tag")?, field("size")?.parse().ok()?);
        let mut done = Spans::default();
        for range in field("ranges")?.split_whitespace() {
            let (start, end) = range.split_once('-')?;
            let range: Range<u64> = start.parse().ok()?..end.parse().ok()?;
            done.add(range.start..range.end.min(size));
        }
        let boot = field("boot")?;
        Some(Self { uri, e_tag, size, done, boot: (boot != ANY_BOOT).then_some(boot) })
    }

    /// Whether it is about this object.
    pub(crate) fn is_about(&self, uri: &str, e_tag: &str, size: u64) -> bool {
        self.uri == line(uri) && self.e_tag == line(e_tag) && self.size == size
    }
}

/// What names the run of this machine.
///
/// Where the system does not say, notes are trusted as if it had never been switched off.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(|_| "unknown".into(), |id| line(id.trim()))
}

/// Brings what `note` claims to the disk and says so, unless another run has gone on with the file meanwhile.
pub(super) fn confirm(file: &File, note: &Note) -> io::Result<()> {
    file.sync_data()?;
    if file.try_lock().is_err() || read_note(file)?.as_ref() != Some(note) {
        return Ok(());
    }
    write_note(file, &Note { boot: None, ..note.clone() })
}

/// Text on one line.
pub(super) fn line(text: &str) -> String {
    utf8_percent_encode(text, CONTROLS).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the object called `uri` is gathered for `target`.
pub(super) fn path_for(target: &Path, uri: &str) -> PathBuf {
    let digest = hex(&Md5::digest(uri.as_bytes()));
    let name = target.file_name().unwrap_or_default().as_bytes();
    let mut room = name.len().min(LONGEST_NAME - END.len() - DIGITS - 2);
    // Not in the middle of a character: some file systems take nothing but UTF-8.
    while room < name.len() && room > 0 && name[room] & 0xc0 == 0x80 {
        room -= 1;
    }
    let name = [b".", &name[..room], b".", &digest.as_bytes()[..DIGITS], END.as_bytes()].concat();
    target.with_file_name(OsStr::from_bytes(&name))
}

/// Whether a file of that name is part of an object.
pub(super) fn is_partial(name: &OsStr) -> bool {
    let digits = name.as_bytes().strip_prefix(b".").and_then(|name| name.strip_suffix(END.as_bytes()));
    let digits =
        digits.and_then(|name| name.rsplit(|byte| *byte == b'.').next().filter(|last| last.len() < name.len()));
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
}

/// Opens what an earlier run has left of the object called `uri`. `None` where there is nothing, or nothing of use.
pub(super) fn find(target: &Path, uri: &str, context: &Context) -> Result<Option<(File, Note)>, Error> {
    let path = path_for(target, uri);
    let Some(file) = open(&path, context)? else { return Ok(None) };
    lock(&file, &path, context)?;
    if !is_still(&file, &path) {
        // Its run ended while this one waited, and gave it its name.
        return Ok(None);
    }
    let note = read_note(&file).map_err(|error| context.io_error(error))?;
    let is_good = |note: &Note| note.boot.as_ref().is_none_or(|then| *then == boot());
    match note.filter(|note| note.uri == line(uri) && is_good(note)) {
        Some(note) => Ok(Some((file, note))),
        None => {
            fs::remove_file(&path).map_err(|error| context.io_error(error))?;
            Ok(None)
        }
    }
}

fn open(path: &Path, context: &Context) -> Result<Option<File>, Error> {
    match OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if super::is_absent(&error) => Ok(None),
        Err(error) => Err(context.io_error(error)),
    }
}

/// Whether `path` leads to `file`, and not to one that another run has made since.
pub(super) fn is_still(file: &File, path: &Path) -> bool {
    let identity = |status: fs::Metadata| (status.dev(), status.ino());
    let (opened, there) = (file.metadata().map(identity), fs::symlink_metadata(path).map(identity));
    matches!((opened, there), (Ok(opened), Ok(there)) if opened == there)
}

/// Makes a new one, instead of one that is there.
pub(super) fn create(target: &Path, note: &Note, uri: &str, context: &Context) -> Result<File, Error> {
    let path = path_for(target, uri);
    // One that is there belongs to a run that ended, or to one that has begun a moment ago.
    if let Some(earlier) = open(&path, context)? {
        lock(&earlier, &path, context)?;
        if is_still(&earlier, &path) {
            fs::remove_file(&path).map_err(|error| context.io_error(error))?;
        }
    }
    let folder = target.parent().unwrap_or(Path::new("/"));
    let (file, _) = stage::create_in(folder, || path.clone()).map_err(|error| context.io_error(error))?;
    lock(&file, &path, context)?;
    write_note(&file, note).map_err(|error| context.io_error(error))?;
    Ok(file)
}

/// Two runs that fill one file would each trust the other's note.
fn lock(file: &File, path: &Path, context: &Context) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let reason = format!("another transfer is filling {}; wait until it has ended", path.display());
                return Err(context.error(ErrorKind::AlreadyExists, reason));
            }
            // Not every file system has locks.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(context.io_error(error)),
        }
    }
}

/// Writes the note behind where the object ends.
pub(super) fn write_note(file: &File, note: &Note) -> io::Result<()> {
    let text = note.text();
    file.write_all_at(&text, note.size)?;
    file.set_len(note.size + text.len() as u64)
}

/// The note at the end of a file. Where it begins it says itself, so the object may hold the like of it.
pub(super) fn read_note(file: &File) -> io::Result<Option<Note>> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LONGEST_NOTE);
    let mut tail = vec![0; (length - start) as usize];
    file.read_exact_at(&mut tail, start)?;
    let heading = HEADING.as_bytes();
    let mut headings =
        (0..tail.len().saturating_sub(heading.len())).rev().filter(|&at| tail[at..].starts_with(heading));
    Ok(headings.find_map(|at| Note::parse(&tail[at..]).filter(|note| note.size == start + at as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(size: u64) -> Note {
        let mut done = Spans::default();
        done.add(0..3);
        done.add(7..size);
        Note { done, ..Note::new("s3://b/odd\nkey", "\"x\"", size) }
    }

    #[test]
    fn a_note_is_read_back_and_a_damaged_one_is_none() {
        let text = note(10).text();
        assert_eq!(Note::parse(&text), Some(note(10)));
        assert_eq!(Note::parse(&[&text[..], b"rest of a longer one"].concat()), Some(note(10)));
        for at in 0..text.len() - 1 {
            let mut damaged = text.clone();
            damaged[at] ^= 1;
            assert_eq!(Note::parse(&damaged), None, "byte {at}");
            assert_eq!(Note::parse(&text[..at]), None, "cut at {at}");
        }
        assert!(note(10).is_about("s3://b/odd\nkey", "\"x\"", 10));
        assert!(!note(10).is_about("s3://b/odd\nkey", "\"y\"", 10));
    }

    #[test]
    fn the_note_of_an_object_that_holds_a_note_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let context = Context::new("copy", "s3://b/k");
        let inner = note(10).text();
        let outer = Note { size: inner.len() as u64, ..note(10) };
        let target = folder.path().join("k");
        let file = create(&target, &outer, "s3://b/odd\nkey", &context).unwrap();
        file.write_all_at(&inner, 0).unwrap();
        drop(file);
        let (_, found) = find(&target, "s3://b/odd\nkey", &context).unwrap().unwrap();
        assert_eq!(found, outer);
    }

    #[test]
    fn what_may_have_been_in_memory_only_is_not_trusted_after_the_machine_was_switched_off() {
        let folder = tempfile::tempdir().unwrap();
        let (target, context) = (folder.path().join("k"), Context::new("copy", "s3://b/k"));
        for (boot, trusted) in [(Some("another".to_owned()), false), (Some(boot()), true), (None, true)] {
            let note = Note { boot, ..note(10) };
            drop(create(&target, &note, "s3://b/odd\nkey", &context).unwrap());
            let found = find(&target, "s3://b/odd\nkey", &context).unwrap().map(|(_, note)| note);
            assert_eq!(found, trusted.then_some(note));
        }
    }

    #[test]
    fn what_is_on_the_disk_is_noted_so_unless_another_run_has_gone_on() {
        let folder = tempfile::tempdir().unwrap();
        let (target, context) = (folder.path().join("k"), Context::new("copy", "s3://b/odd\nkey"));
        let file = create(&target, &note(10), "s3://b/odd\nkey", &context).unwrap();
        file.unlock().unwrap();
        let (other, _) = find(&target, "s3://b/odd\nkey", &context).unwrap().unwrap();
        confirm(&file, &note(10)).unwrap();
        assert_eq!(read_note(&file).unwrap(), Some(note(10)), "another run has the file");
        drop(other);
        confirm(&file, &note(11)).unwrap();
        assert_eq!(read_note(&file).unwrap(), Some(note(10)), "another run has noted something else");
        confirm(&file, &note(10)).unwrap();
        assert_eq!(read_note(&file).unwrap(), Some(Note { boot: None, ..note(10) }));
    }

    #[test]
    fn what_has_no_note_is_removed_and_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("k");
        fs::write(path_for(&target, "s3://b/k"), "half of something").unwrap();
        assert!(find(&target, "s3://b/k", &Context::new("copy", "s3://b/k")).unwrap().is_none());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_another_run_fills_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (target, context) = (folder.path().join("k"), Context::new("copy", "s3://b/odd\nkey"));
        let _file = create(&target, &note(10), "s3://b/odd\nkey", &context).unwrap();
        let error = find(&target, "s3://b/odd\nkey", &context).unwrap_err();
        assert!(error.to_string().contains("another transfer is filling"), "{error}");
    }

    #[test]
    fn names_are_recognised_and_never_too_long() {
        for name in ["data.npz", &"ü".repeat(127), &"x".repeat(255)] {
            let path = path_for(&Path::new("/tmp").join(name), "s3://b/k");
            let name = path.file_name().unwrap();
            assert!(name.len() <= 255 && name.to_str().is_some() && is_partial(name), "{name:?}");
        }
        for name in [".longshore-part", "x.0123456789abcdef.longshore-part", ".x.0123.longshore-part", "x"] {
            assert!(!is_partial(OsStr::new(name)), "{name}");
        }
    }
}
