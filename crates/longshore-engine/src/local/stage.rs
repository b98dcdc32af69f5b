//! Files that appear whole: written under a hidden name beside their target, then renamed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::libc;

use super::name_of_special;
use super::partial::is_partial;
use crate::error::{Context, Error, ErrorKind};

/// A hidden name of fixed length, so that the longest names can be staged too.
const START: &str = ".longshore-";
const END: &str = ".tmp";
const DIGITS: usize = 16;

/// How often a write begins anew because somebody removed its folder meanwhile, as our own deletes do with emptied ones.
const ATTEMPTS: usize = 10;

/// Whether a file of that name is half of a write.
fn is_staged(name: &OsStr) -> bool {
    let middle = name.to_str().and_then(|name| name.strip_prefix(START)?.strip_suffix(END));
    middle.is_some_and(|middle| middle.len() == DIGITS && middle.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a local file of that name is no object, but on its way to become one. No listing has it.
pub fn is_unfinished(name: &OsStr) -> bool {
    is_staged(name) || is_partial(name)
}

/// Makes `target` a new file with what `fill` writes. Its folders are made too.
///
/// A failure, a cancelled call included, leaves `target` as it was.
pub(super) fn replace(
    target: &Path,
    context: &Context,
    mut fill: impl FnMut(&mut File) -> Result<(), Error>,
) -> Result<(), Error> {
    require_replaceable(target, context)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let mut attempt = 1;
    loop {
        let mut staged = Staged::new(folder).map_err(|error| context.io_error(error))?;
        fill(&mut staged.file)?;
        match staged.publish(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome.map_err(|error| context.io_error(error)),
        }
    }
}

/// Renaming would replace whatever is there. Only files may be, and links, but not one that stands for a folder.
pub(super) fn require_replaceable(target: &Path, context: &Context) -> Result<(), Error> {
    if target.file_name().is_some_and(is_unfinished) {
        return Err(context.error(ErrorKind::InvalidPath, "such names are for files that are being written"));
    }
    match fs::metadata(target) {
        Ok(status) if status.is_file() => Ok(()),
        Ok(status) if status.is_dir() => Err(context.io_error(io::Error::from_raw_os_error(libc::EISDIR))),
        Ok(status) => {
            Err(context.error(ErrorKind::InvalidPath, format!("there is {} of that name", name_of_special(&status))))
        }
        // What is in the way for a better reason is found when the file is made.
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => Err(context.io_error(error)),
        Err(_) => Ok(()),
    }
}

/// A file under its hidden name. Removed when dropped, unless it was published.
pub(super) struct Staged {
    pub(super) file: File,
    pub(super) path: Leftover,
}

/// A file that is removed when this is dropped, unless it was published.
pub(super) struct Leftover(Option<PathBuf>);

impl Staged {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        // A forked child may draw the same numbers as its parent; then the next ones are tried.
        let (file, path) = create_in(folder, || folder.join(format!("{START}{:0DIGITS$x}{END}", fastrand::u64(..))))?;
        Ok(Self { file, path: Leftover(Some(path)) })
    }

    fn publish(self, target: &Path) -> io::Result<()> {
        let Self { file, mut path } = self;
        // Network file systems report here what they could not write.
        nix::unistd::close(file)?;
        path.publish(target)
    }
}

impl Leftover {
    /// Gives the file its name.
    pub(super) fn publish(&mut self, target: &Path) -> io::Result<()> {
        if let Some(staged) = &self.0 {
            fs::rename(staged, target)?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Leftover {
    /// Gives the file its name, if nothing else has it.
    pub(super) fn publish_new(&mut self, target: &Path) -> io::Result<()> {
        if let Some(staged) = &self.0 {
            // Unlike a rename, a link never takes the place of what is there. Dropping this removes the hidden name.
            fs::hard_link(staged, target)?;
        }
        Ok(())
    }
}

/// Makes a new file at one of the paths that `path` gives, and `folder` too where it is missing.
pub(super) fn create_in(folder: &Path, mut path: impl FnMut() -> PathBuf) -> io::Result<(File, PathBuf)> {
    let mut attempt = 1;
    loop {
        let path = path();
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {
                match fs::create_dir_all(folder) {
                    // Both mean that another call made or removed a folder at this moment; the next attempt tells.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    outcome => outcome?,
                }
            }
            Err(error) => return Err(error),
        }
        attempt += 1;
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // It may have been removed with its folder.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_that_very_form_are_staged() {
        for (name, staged) in [
            (".longshore-0123456789abcdef.tmp", true),
            (".longshore-0123456789abcdeg.tmp", false),
            (".longshore-0123456789abcde.tmp", false),
            (".longshore-notes.tmp", false),
            ("track#1", false),
        ] {
            assert_eq!(is_staged(OsStr::new(name)), staged, "{name}");
        }
    }

    #[test]
    fn a_write_begins_anew_when_its_folder_is_removed_meanwhile() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        let context = Context::new("put", "file:///x");
        let mut removals = 0;
        let written = replace(&folder.join("c"), &context, |_| {
            if removals < 3 {
                removals += 1;
                fs::remove_dir_all(root.path().join("a")).unwrap();
            }
            Ok(())
        });
        written.unwrap();
        assert!(folder.join("c").is_file());
        assert_eq!(folder.read_dir().unwrap().count(), 1);
    }
}
