//! Names that a target takes for one: a file system that knows no capitals has `A` and `a` as one file, and SeaweedFS takes `\`
//! for `/` (4.48, seen 2026-11). The one that a listing shows is then not the one that was written, and looks superfluous.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;

use crate::place::Place;
use crate::plan::Target;

/// What was written to a target, or would be, by names that its listing did not have.
pub(crate) struct Written {
    /// The files behind them: device and number.
    files: HashSet<(u64, u64)>,
    /// Their keys as a server has them that takes one slash for the other.
    slashed: HashSet<String>,
}

impl Written {
    pub(crate) fn new<'a>(target: &Target, names: impl Iterator<Item = &'a String>) -> Self {
        let keys = names.filter_map(|name| Some(target.object(name).ok()?.key));
        if target.place.is_local() {
            return Self { files: keys.filter_map(|key| identity(&key)).collect(), slashed: HashSet::new() };
        }
        let slashed = keys.filter(|key| key.contains('\\')).map(|key| key.replace('\\', "/")).collect();
        Self { files: HashSet::new(), slashed }
    }

    /// Whether `key` of the target may be what was written. Asks the file system, and no server.
    pub(crate) fn may_be(&self, key: &str) -> bool {
        self.slashed.contains(key)
            || (!self.files.is_empty() && identity(key).is_some_and(|file| self.files.contains(&file)))
    }
}

fn identity(key: &str) -> Option<(u64, u64)> {
    let status = Place::local_path(key).symlink_metadata().ok()?;
    Some((status.dev(), status.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::CommandLine;
    use crate::session::Session;
    use clap::Parser;

    fn target(typed: &str) -> Target {
        let line = CommandLine::try_parse_from(["longshore", "--no-sign-request", "ls"]).unwrap();
        Target::folder(&Session::new(line.global, "sync", "sync".into()), typed, false).unwrap()
    }

    #[test]
    fn two_names_of_one_file_are_one_and_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path().to_str().unwrap());
        for name in ["a", "b"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        // As a file system has it that knows no capitals.
        std::fs::hard_link(folder.path().join("a"), folder.path().join("A")).unwrap();
        let written = Written::new(&target, ["a".to_owned(), "missing".to_owned()].iter());
        let may_be = |name: &str| written.may_be(&format!("{}{name}", target.prefix()));
        assert!(may_be("A") && !may_be("b") && !may_be("missing") && !may_be("none"));
        assert!(!Written::new(&target, [].iter()).may_be(&format!("{}A", target.prefix())));
    }

    #[test]
    fn a_key_with_the_other_slash_may_be_the_one_that_was_written() {
        let written = Written::new(&target("s3://bucket/p"), [r"a\b\c".to_owned(), "d/e".to_owned()].iter());
        assert!(written.may_be("p/a/b/c"));
        assert!(!written.may_be(r"p/a\b\c") && !written.may_be("p/d/e") && !written.may_be("p/a/b"));
    }
}
