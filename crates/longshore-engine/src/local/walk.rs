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

use longshore_config::Pattern;

use super::{Stop, about, is_absent, is_broken_link, stage};
use crate::error::{Context, Error, ErrorKind};
use crate::list::Entry;
use crate::progress::Progress;

/// Progress is told after so many files.
const STEP: usize = 1000;

/// Which keys a listing is about.
pub(super) struct Wanted {
    pub(super) prefix: String,
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

/// Every wanted file. Links are followed, except to a folder that they are in: that would never end.
///
/// # Errors
///
/// The first folder or file that cannot be looked at, and a wanted file whose path is not text. A list is never short.
pub(super) fn files(wanted: &Wanted, context: &Context, stop: &Stop, progress: &Progress) -> Result<Vec<Entry>, Error> {
    let (key, path, stem) = split(&wanted.prefix);
    let Some(lineage) = Lineage::of(&path, context)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut folders = vec![Folder { path, key: key.to_owned(), has_key: true, stem: stem.to_owned(), lineage }];
    while let Some(folder) = folders.pop() {
        look_into(&folder.path, &folder.stem, context, stop, |entry| {
            let name = entry.file_name();
            if stage::is_staged(&name) {
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
            if status.is_dir() {
                let identity = identity(&status);
                if may_be_below && !folder.lineage.has(identity) {
                    let lineage = Rc::new(Lineage { identity, above: Some(Rc::clone(&folder.lineage)) });
                    folders.push(Folder { path, key: key + "/", has_key, stem: String::new(), lineage });
                }
            } else if status.is_file() && is_wanted {
                if !has_key {
                    let reason = format!("a file name is not UTF-8, so it is no key; rename {}", path.display());
                    return Err(about(&path, context).error(ErrorKind::InvalidPath, reason));
                }
                found.push(Entry { key, size: status.len() });
                if found.len() % STEP == 0 {
                    progress.add(STEP as u64, 0);
                }
            }
            Ok(())
        })?;
    }
    progress.add((found.len() % STEP) as u64, 0);
    Ok(found)
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
        let wanted = Wanted { prefix: format!("{base}{prefix}"), pattern };
        let context = Context::new("list", "file:///");
        let found = files(&wanted, &context, &Stop::default(), &Progress::silent()).unwrap();
        let mut names: Vec<_> = found.into_iter().map(|entry| entry.key[base.len()..].to_owned()).collect();
        names.sort();
        names
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
        let (wanted, context) = (Wanted { prefix: base.clone(), pattern: None }, Context::new("list", "file:///"));
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
