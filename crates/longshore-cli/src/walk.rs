//! Local files below a folder, with what is wrong there told file by file.
//!
//! The engine's listing is of a store: what is no object is not in it. Here a person has named a folder to be copied, and
//! wants to hear of a link that leads nowhere.

use std::fs::Metadata;
use std::path::Path;

use chrono::{DateTime, Utc};
use longshore_engine::{ErrorKind, is_unfinished};
use tokio::sync::mpsc;
use walkdir::{DirEntry, WalkDir};

use crate::error::Failed;
use crate::place::{Place, What};

/// Files are handed over in pieces of this many.
const PIECE: usize = 1000;

/// One file, or one thing that is wrong.
pub(crate) type Step = Result<File, Failed>;

/// A file that was found.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) modified: DateTime<Utc>,
    /// Whether the way there is through a link to a folder. Such a file is not the walked folder's own.
    pub(crate) is_elsewhere: bool,
}

/// What to do about links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// They are what they lead to. One that leads nowhere, or in a circle, is an error.
    Follow,
    /// As `Follow`, but one that leads nowhere is not there.
    FollowIfWhole,
    /// They are names: a link is found as a file, whatever it leads to.
    Keep,
    /// They are left out.
    Skip,
}

/// Walks the folder of `place`, in the order of names, on a thread of its own. Nothing where there is no such folder.
///
/// Folders that cannot hold a match of the place's pattern are not looked into. Dropping the receiver ends the walk.
pub(crate) fn walk(place: &Place, links: Links) -> mpsc::Receiver<Vec<Step>> {
    let (pieces, found) = mpsc::channel(2);
    let place = place.clone();
    tokio::task::spawn_blocking(move || {
        let mut piece = Vec::new();
        let finished = steps(&place, links, |step| {
            piece.push(step);
            piece.len() < PIECE || pieces.blocking_send(std::mem::take(&mut piece)).is_ok()
        });
        if finished && !piece.is_empty() {
            // Nobody waits any more where this fails.
            let _ = pieces.blocking_send(piece);
        }
    });
    found
}

/// Calls `each` for every step until it says no. Whether it never did.
fn steps(place: &Place, links: Links, mut each: impl FnMut(Step) -> bool) -> bool {
    let (base, pattern) = match &place.what {
        What::Pattern(pattern, base) => (base, Some(pattern)),
        What::Folder(base) | What::Object(base) => (base, None),
    };
    let show = |path: &Path| {
        path.to_str().map_or_else(|| path.display().to_string(), |path| place.shown(path.trim_start_matches('/')))
    };
    let root = Place::local_path(base.trim_end_matches('/'));
    if !root.is_dir() {
        return true;
    }
    let follow = matches!(links, Links::Follow | Links::FollowIfWhole);
    let mut walker = WalkDir::new(&root).follow_links(follow).follow_root_links(true).sort_by_file_name().into_iter();
    // The depth of the link to a folder that the walk is below of.
    let mut linked: Option<usize> = None;
    while let Some(entry) = walker.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if links == Links::FollowIfWhole && is_dangling(&error) => continue,
            Err(error) => {
                if !each(Err(explain(&error, show))) {
                    return false;
                }
                continue;
            }
        };
        if linked.is_some_and(|depth| entry.depth() <= depth) {
            linked = None;
        }
        if entry.depth() == 0 || is_unfinished(entry.file_name()) {
            continue;
        }
        if entry.file_type().is_dir() {
            if linked.is_none() && entry.path_is_symlink() {
                linked = Some(entry.depth());
            }
            let may_hold = |pattern: &longshore_config::Pattern| {
                entry.path().to_str().is_none_or(|path| pattern.may_match_below(path.trim_start_matches('/')))
            };
            if !pattern.is_none_or(may_hold) {
                walker.skip_current_dir();
            }
            continue;
        }
        let Some(step) = file(&entry, links, linked.is_some(), show) else { continue };
        if !each(step) {
            return false;
        }
    }
    true
}

fn file(entry: &DirEntry, links: Links, is_elsewhere: bool, show: impl Fn(&Path) -> String) -> Option<Step> {
    let path = entry.path();
    if entry.file_type().is_symlink() && links == Links::Skip {
        return None;
    }
    let Some(text) = path.to_str() else {
        let reason = "the file's name is not UTF-8, so it is no key; rename it";
        return Some(Err(Failed::new(ErrorKind::InvalidPath, format!("{}: {reason}", show(path)))));
    };
    let status = match entry.metadata() {
        Ok(status) => status,
        Err(error) => return Some(Err(explain(&error, show))),
    };
    if !(status.is_file() || links == Links::Keep) {
        let reason = "this is a pipe, a socket or a device, not a file";
        return Some(Err(Failed::new(ErrorKind::InvalidPath, format!("{}: {reason}", show(path)))));
    }
    let key = text.trim_start_matches('/').to_owned();
    Some(Ok(File { key, size: status.len(), modified: modified(&status), is_elsewhere }))
}

/// When a file was last written; the epoch where the system does not know.
pub(crate) fn modified(status: &Metadata) -> DateTime<Utc> {
    status.modified().map(DateTime::from).unwrap_or_default()
}

fn is_dangling(error: &walkdir::Error) -> bool {
    let is_absent = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    error.loop_ancestor().is_some() || error.io_error().is_some_and(is_absent)
}

fn explain(error: &walkdir::Error, show: impl Fn(&Path) -> String) -> Failed {
    let path = show(error.path().unwrap_or(Path::new("")));
    if let Some(above) = error.loop_ancestor() {
        let above = show(above);
        return Failed::new(ErrorKind::InvalidPath, format!("{path}: this link leads in a circle, back to {above}"));
    }
    match error.io_error() {
        Some(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            Failed::not_found(format!("{path}: this link leads to nothing"))
        }
        Some(cause) => {
            let kind = match cause.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                _ => ErrorKind::Generic,
            };
            Failed::new(kind, format!("{path}: {cause}"))
        }
        None => Failed::new(ErrorKind::Generic, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn tree() -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for name in ["a/x", "a/b/y", "z", "other/o"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        symlink("x", root.path().join("a/to-x")).unwrap();
        symlink("../other", root.path().join("a/to-other")).unwrap();
        symlink("nowhere", root.path().join("a/dangling")).unwrap();
        symlink("..", root.path().join("a/b/up")).unwrap();
        root
    }

    fn walk_all(root: &TempDir, pattern: Option<&str>, links: Links) -> (Vec<String>, Vec<String>) {
        let base = format!("{}/", root.path().to_str().unwrap().trim_start_matches('/'));
        let place = Place::parse(&format!("/{base}{}", pattern.unwrap_or_default()), false).unwrap();
        let (mut found, mut wrong) = (Vec::new(), Vec::new());
        steps(&place, links, |step| {
            match step {
                Ok(file) => {
                    found.push(file.key[base.len()..].to_owned() + if file.is_elsewhere { " elsewhere" } else { "" })
                }
                Err(failed) => wrong.push(failed.message),
            }
            true
        });
        (found, wrong)
    }

    #[test]
    fn links_are_followed_and_those_that_lead_nowhere_are_told() {
        let root = tree();
        let (found, wrong) = walk_all(&root, None, Links::Follow);
        assert_eq!(found, ["a/b/y", "a/to-other/o elsewhere", "a/to-x", "a/x", "other/o", "z"]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains("a/b/up: this link leads in a circle"), "{wrong:?}");
        assert!(wrong[1].contains("a/dangling: this link leads to nothing"), "{wrong:?}");
    }

    #[test]
    fn links_can_be_left_out_or_taken_as_names() {
        let root = tree();
        assert_eq!(
            walk_all(&root, None, Links::Skip),
            (["a/b/y", "a/x", "other/o", "z"].map(String::from).to_vec(), vec![])
        );
        let (found, wrong) = walk_all(&root, None, Links::Keep);
        assert_eq!(found, ["a/b/up", "a/b/y", "a/dangling", "a/to-other", "a/to-x", "a/x", "other/o", "z"]);
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn folders_that_cannot_match_are_not_looked_into() {
        let root = tree();
        let (_, wrong) = walk_all(&root, Some("o*"), Links::Follow);
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn what_is_no_folder_has_nothing_in_it() {
        let root = tree();
        let place = Place::parse(&format!("{}/none/", root.path().display()), false).unwrap();
        assert!(steps(&place, Links::Follow, |_| panic!("something was found")));
    }
}
