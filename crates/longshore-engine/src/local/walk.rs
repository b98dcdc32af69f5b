//! Finds files: by key for listings, by path for deletes.
//!
//! Neither looks where the prefix, or the pattern, cannot match: an odd name or a closed folder there is none of their business.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata as Status};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use chrono::{DateTime, Utc};
use longshore_config::Pattern;

use super::{Stop, about, is_absent, is_broken_link, stage};
use crate::error::{Context, Error, ErrorKind};
use crate::list::Entry;
use crate::listing::{Depth, Listed};
use crate::progress::Progress;

/// Progress is told after so many files.
const STEP: usize = 1000;

/// Which keys a listing is about.
pub(super) struct Wanted {
    pub(super) prefix: String,
    pub(super) depth: Depth,
    pub(super) pattern: Option<Pattern>,
}

impl Wanted {
    fn has(&self, key: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches(key))
    }

    fn may_be_below(&self, folder: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.may_match_below(folder))
    }
}

/// A folder to look into.
struct Folder {
    path: PathBuf,
    /// What the keys in it begin with: empty, or with a slash at the end.
    key: String,
    /// Whether its path is text; nothing in it has a key otherwise.
    has_key: bool,
    /// What the names in it must begin with to be of interest.
    stem: String,
    lineage: Rc<Lineage>,
}

/// A folder's identity, and those above it on the way that was taken. A folder in its own lineage is the end of a loop.
struct Lineage {
    identity: (u64, u64),
    above: Option<Rc<Self>>,
}

impl Lineage {
    /// The lineage of the folder at `path`. `None` where there is none.
    fn of(path: &Path, context: &Context) -> Result<Option<Rc<Self>>, Error> {
        let mut lineage = None;
        let mut from_the_root: Vec<&Path> = path.ancestors().collect();
        from_the_root.reverse();
        for path in from_the_root {
            match fs::metadata(path) {
                Ok(status) => lineage = Some(Rc::new(Self { identity: identity(&status), above: lineage })),
                Err(error) if is_broken_link(&error) => return Ok(None),
                Err(error) => return Err(about(path, context).io_error(error)),
            }
        }
        Ok(lineage)
    }

    fn has(&self, identity: (u64, u64)) -> bool {
        let mut next = Some(self);
        while let Some(folder) = next {
            if folder.identity == identity {
                return true;
            }
            next = folder.above.as_deref();
        }
        false
    }
}

fn identity(status: &Status) -> (u64, u64) {
    (status.dev(), status.ino())
}

/// Something that a listing is about.
pub(super) enum Found {
    /// A file, by its key.
    File(String, Seen),
    /// A folder, by what the keys in it begin with. Only where a listing does not look below.
    Folder(String),
}

/// What is known of a file without opening it. A wide folder has many, so no more is kept than listings tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    pub(super) modified: (i64, u32),
    pub(super) inode: u64,
}

impl Seen {
    pub(super) fn of(status: &Status) -> Self {
        Self { size: status.len(), modified: (status.mtime(), status.mtime_nsec() as u32), inode: status.ino() }
    }

    pub(super) fn last_modified(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.modified.0, self.modified.1).unwrap_or_default()
    }

    /// As many HTTP servers make it, and `object_store`: it changes with the file, its size and its time.
    pub(super) fn e_tag(&self) -> String {
        let micros = i128::from(self.modified.0) * 1_000_000 + i128::from(self.modified.1) / 1000;
        format!("\"{:x}-{:x}-{:x}\"", self.inode, micros.max(0), self.size)
    }

    pub(super) fn listed(&self, key: String) -> Listed {
        let (last_modified, e_tag) = (self.last_modified(), Some(self.e_tag()));
        Listed { key, size: self.size, last_modified, e_tag, ..Listed::default() }
    }
}

/// Every wanted file, in key order.
///
/// # Errors
///
/// As [`visit`].
pub(super) fn files(wanted: &Wanted, context: &Context, stop: &Stop, progress: &Progress) -> Result<Vec<Entry>, Error> {
    let mut found = Vec::new();
    visit(wanted, context, stop, |thing| {
        if let Found::File(key, seen) = thing {
            found.push(Entry { key, size: seen.size });
            if found.len() % STEP == 0 {
                progress.add(STEP as u64, 0);
            }
        }
        Ok(())
    })?;
    progress.add((found.len() % STEP) as u64, 0);
    Ok(found)
}

/// Calls `each` for whatever is wanted, in key order. Links are followed, except to a folder that they are in: that would
/// never end. Holds the contents of one folder of each level.
///
/// # Errors
///
/// The first folder or file that cannot be looked at, a wanted file whose path is not text, and what `each` answers. A
/// list is never short.
pub(super) fn visit(
    wanted: &Wanted,
    context: &Context,
    stop: &Stop,
    mut each: impl FnMut(Found) -> Result<(), Error>,
) -> Result<(), Error> {
    let (key, path, stem) = split(&wanted.prefix);
    let Some(lineage) = Lineage::of(&path, context)? else { return Ok(()) };
    let top = Folder { path, key: key.to_owned(), has_key: true, stem: stem.to_owned(), lineage };
    let mut levels = vec![contents(&top, wanted, context, stop)?.into_iter()];
    while let Some(level) = levels.last_mut() {
        match level.next() {
            Some(Item::File(key, seen)) => each(Found::File(key, seen))?,
            Some(Item::Folder(folder)) if wanted.depth == Depth::Level => each(Found::Folder(folder.key))?,
            Some(Item::Folder(folder)) => levels.push(contents(&folder, wanted, context, stop)?.into_iter()),
            None => drop(levels.pop()),
        }
    }
    Ok(())
}

enum Item {
    File(String, Seen),
    Folder(Folder),
}

impl Item {
    fn key(&self) -> &str {
        match self {
            Self::File(key, _) => key,
            Self::Folder(folder) => &folder.key,
        }
    }
}

/// What is of interest in `folder`, sorted. With a slash behind the names of folders, that is the order of all keys below.
fn contents(folder: &Folder, wanted: &Wanted, context: &Context, stop: &Stop) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    look_into(&folder.path, &folder.stem, context, stop, |entry| {
        let name = entry.file_name();
        if stage::is_unfinished(&name) {
            return Ok(());
        }
        let key = format!("{}{}", folder.key, name.to_string_lossy());
        let (is_wanted, may_be_below) = (wanted.has(&key), wanted.may_be_below(&key));
        if !(is_wanted || may_be_below) {
            return Ok(());
        }
        let path = entry.path();
        let Some(status) =
            status_of(&entry, &path, is_wanted).map_err(|error| about(&path, context).io_error(error))?
        else {
            return Ok(());
        };
        let has_key = folder.has_key && name.to_str().is_some();
        let is_shown = (status.is_file() && is_wanted) || (status.is_dir() && wanted.depth == Depth::Level);
        if is_shown && !has_key {
            let reason = format!("a file name is not UTF-8, so it is no key; rename {}", path.display());
            return Err(about(&path, context).error(ErrorKind::InvalidPath, reason));
        }
        if status.is_dir() {
            let identity = identity(&status);
            if may_be_below && !folder.lineage.has(identity) {
                let lineage = Rc::new(Lineage { identity, above: Some(Rc::clone(&folder.lineage)) });
                items.push(Item::Folder(Folder { path, key: key + "/", has_key, stem: String::new(), lineage }));
            }
        } else if is_shown {
            items.push(Item::File(key, Seen::of(&status)));
        }
        Ok(())
    })?;
    items.sort_unstable_by(|one, other| one.key().cmp(other.key()));
    Ok(items)
}

/// What `entry` is, or leads to; `None` where that is nothing, or cannot be of interest.
fn status_of(entry: &DirEntry, path: &Path, is_wanted: bool) -> io::Result<Option<Status>> {
    let kind = match entry.file_type() {
        Err(error) if is_absent(&error) => return Ok(None),
        kind => kind?,
    };
    let status = if kind.is_symlink() {
        fs::metadata(path)
    } else if kind.is_dir() || (kind.is_file() && is_wanted) {
        entry.metadata()
    } else {
        return Ok(None);
    };
    match status {
        Err(error) if is_broken_link(&error) => Ok(None),
        status => status.map(Some),
    }
}

/// What a delete removes.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Whatever is not a folder, links to folders included.
    pub(super) files: Vec<PathBuf>,
    /// The folders below the one that the prefix names, each before those inside it.
    pub(super) folders: Vec<PathBuf>,
}

/// Everything whose path begins with `prefix`. Links are not followed.
///
/// # Errors
///
/// The first folder that cannot be looked into.
pub(super) fn tree(prefix: &str, context: &Context, stop: &Stop) -> Result<Tree, Error> {
    let (_, top, stem) = split(prefix);
    let mut tree = Tree::default();
    let mut looked_into = 0;
    let mut next = Some((top, stem));
    while let Some((folder, stem)) = next {
        look_into(&folder, stem, context, stop, |entry| {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => tree.folders.push(path),
                Ok(_) => tree.files.push(path),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(about(&path, context).io_error(error)),
            }
            Ok(())
        })?;
        next = tree.folders.get(looked_into).map(|folder| (folder.clone(), ""));
        looked_into += 1;
    }
    Ok(tree)
}

/// The key and the path of the folder that `prefix` points into, and what the names of interest in it begin with.
fn split(prefix: &str) -> (&str, PathBuf, &str) {
    let (key, stem) = prefix.split_at(prefix.rfind('/').map_or(0, |slash| slash + 1));
    (key, Path::new("/").join(key), stem)
}

/// Calls `each` for what is in `folder` and begins with `stem`. A folder that is not there, or vanishes, has nothing in it.
fn look_into(
    folder: &Path,
    stem: &str,
    context: &Context,
    stop: &Stop,
    mut each: impl FnMut(DirEntry) -> Result<(), Error>,
) -> Result<(), Error> {
    let fail = |error| if is_broken_link(&error) { Ok(()) } else { Err(about(folder, context).io_error(error)) };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return fail(error),
    };
    for entry in entries {
        stop.check(context)?;
        match entry {
            Ok(entry) if begins_with(&entry.file_name(), stem) => each(entry)?,
            Ok(_) => {}
            Err(error) => return fail(error),
        }
    }
    Ok(())
}

fn begins_with(name: &OsStr, stem: &str) -> bool {
    name.as_bytes().starts_with(stem.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn folder(files: &[&str]) -> (TempDir, String) {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let prefix = format!("{}/", root.path().to_str().unwrap().trim_start_matches('/'));
        (root, prefix)
    }

    fn find(base: &str, prefix: &str, pattern: Option<&str>) -> Vec<String> {
        let pattern = pattern.map(|pattern| Pattern::new(&format!("{base}{pattern}")));
        let wanted = Wanted { prefix: format!("{base}{prefix}"), depth: Depth::Everything, pattern };
        let context = Context::new("list", "file:///");
        let found = files(&wanted, &context, &Stop::default(), &Progress::silent()).unwrap();
        let mut names: Vec<_> = found.into_iter().map(|entry| entry.key[base.len()..].to_owned()).collect();
        assert!(names.is_sorted(), "{names:?}");
        names.dedup();
        names
    }

    #[test]
    fn keys_come_in_order_though_a_slash_sorts_after_other_characters() {
        let (_root, base) = folder(&["a/x", "a-b", "a.c/y", "a0", "a/0/z", "a/0.z"]);
        assert_eq!(find(&base, "", None), ["a-b", "a.c/y", "a/0.z", "a/0/z", "a/x", "a0"]);
    }

    #[test]
    fn one_level_has_its_files_and_its_folders() {
        let (root, base) = folder(&["a/x", "ab", "a/b/y", "b/z"]);
        fs::create_dir(root.path().join("a/empty")).unwrap();
        let find = |prefix: &str| {
            let wanted = Wanted { prefix: format!("{base}{prefix}"), depth: Depth::Level, pattern: None };
            let mut found = Vec::new();
            visit(&wanted, &Context::new("list", "file:///"), &Stop::default(), |thing| {
                found.push(match thing {
                    Found::File(key, seen) => format!("{} {}", &key[base.len()..], seen.size),
                    Found::Folder(key) => key[base.len()..].to_owned(),
                });
                Ok(())
            })
            .unwrap();
            found
        };
        assert_eq!(find(""), ["a/", "ab 2", "b/"]);
        assert_eq!(find("a"), ["a/", "ab 2"]);
        assert_eq!(find("a/"), ["a/b/", "a/empty/", "a/x 3"]);
        assert!(find("q/").is_empty());
    }

    #[test]
    fn a_prefix_finds_the_same_from_whatever_folder_the_walk_begins() {
        let (root, base) = folder(&["a/x", "a/b/y", "ab", "z"]);
        symlink(root.path().join("a"), root.path().join("a/b/up")).unwrap();
        symlink(root.path().join("a/b"), root.path().join("other")).unwrap();
        let all = find(&base, "", None);
        assert_eq!(all, ["a/b/y", "a/x", "ab", "other/up/x", "other/y", "z"]);
        for prefix in ["a", "a/", "a/b", "a/b/", "o", "other/", "z", "q", "z/"] {
            let expected: Vec<_> = all.iter().filter(|name| name.starts_with(prefix)).cloned().collect();
            assert_eq!(find(&base, prefix, None), expected, "{prefix}");
        }
    }

    #[test]
    fn a_pattern_finds_what_it_matches_and_nothing_else() {
        let (_root, base) = folder(&["a/x.npz", "a/b/y.npz", "a/b/z.raw", "top.npz"]);
        assert_eq!(find(&base, "", Some("*.npz")), ["top.npz"]);
        assert_eq!(find(&base, "", Some("*/*.npz")), ["a/x.npz"]);
        assert_eq!(find(&base, "a/", Some("a/**/*.npz")), ["a/b/y.npz", "a/x.npz"]);
    }

    #[test]
    fn a_walk_ends_when_nobody_waits_for_it() {
        let (_root, base) = folder(&["a/x", "b"]);
        let stop = Stop::default();
        stop.0.store(true, std::sync::atomic::Ordering::Relaxed);
        let wanted = Wanted { prefix: base.clone(), depth: Depth::Everything, pattern: None };
        let context = Context::new("list", "file:///");
        assert_eq!(files(&wanted, &context, &stop, &Progress::silent()).unwrap_err().kind(), ErrorKind::Join);
        assert_eq!(tree(&base, &context, &stop).unwrap_err().kind(), ErrorKind::Join);
    }

    #[test]
    fn a_tree_has_links_as_files_and_outer_folders_first() {
        let (root, base) = folder(&["a/b/c", "a/d"]);
        symlink("/", root.path().join("a/root")).unwrap();
        let tree = tree(&base, &Context::new("delete", "file:///"), &Stop::default()).unwrap();
        let mut files = tree.files;
        files.sort();
        assert_eq!(files, ["a/b/c", "a/d", "a/root"].map(|name| root.path().join(name)));
        assert_eq!(tree.folders, ["a", "a/b"].map(|name| root.path().join(name)));
    }
}
