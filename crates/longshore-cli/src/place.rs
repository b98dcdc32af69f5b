//! What an argument names: objects in a store, files, or a standard stream.
//!
//! `s3://bucket/key` and its like are URIs. Anything else is a path, relative to the current folder. Both become a
//! [`Location`], so that commands treat all stores alike; what they print looks as it was typed.

use std::path::{Component, Path, PathBuf};

use longshore_config::{Location, Pattern, Scheme, masked};
use longshore_engine::ErrorKind;

use crate::error::{Failed, Result};

/// A place in a store.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// As it was typed, but for what is secret.
    pub(crate) typed: String,
    /// The store it is in. Its key is not to be used: [`what`](Self::what) is.
    pub(crate) location: Location,
    /// What in the store it names.
    pub(crate) what: What,
    /// What stands before a key where it is shown.
    shown: Shown,
    /// How many slashes its key has as it was written.
    slashes: usize,
}

/// What a place names in its store.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// The key of one object. Whether there is one is not known.
    Object(String),
    /// Everything whose key begins with this: empty, or with a slash at the end.
    Folder(String),
    /// Every key that matches. The text is what matching keys have in common, up to its last slash.
    Pattern(Pattern, String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    /// As URIs.
    Uri,
    /// As absolute paths.
    Absolute,
    /// As paths that begin in this folder, whose key ends with a slash or is empty.
    Below(String),
}

impl Place {
    /// Reads `text`. With `raw`, wildcards and backslashes are ordinary characters.
    pub(crate) fn parse(text: &str, raw: bool) -> Result<Self> {
        if text.is_empty() {
            return Err(Failed::usage("an empty text names no place; write . for the current folder"));
        }
        if is_uri(text) { Self::uri(text, raw) } else { Self::path(text, raw) }
    }

    fn uri(text: &str, raw: bool) -> Result<Self> {
        // Stars are escaped, because a location has a dialect of its own. Which ones are wildcards is decided here.
        let location = Location::parse(&text.replace('*', r"\*")).map_err(|error| {
            let reason = error.to_string();
            Failed::usage(reason.replace(r"\\*", "*"))
        })?;
        let mut key = location.raw_key().replace(r"\*", "*");
        if location.scheme().name().starts_with("http") && !raw {
            // There it begins a query.
            key = key.replace('?', r"\?");
        }
        let slashes = slashes(&key);
        Ok(Self { typed: masked(text).into(), what: What::of(key, raw), location, shown: Shown::Uri, slashes })
    }

    fn path(text: &str, raw: bool) -> Result<Self> {
        if let Some(advice) = looks_wrong(text) {
            return Err(Failed::usage(advice));
        }
        let here = std::env::current_dir()
            .map_err(|error| Failed::usage(format!("{text}: the current folder cannot be found: {error}")))?;
        let here_key = key_of(&here, text)?;
        let key = key_of(&absolute(&here, Path::new(text)), text)?;
        let names_folder = text.ends_with('/')
            || matches!(Path::new(text).components().next_back(), Some(Component::CurDir | Component::ParentDir))
            || key.is_empty();
        let slashes = slashes(&key);
        let what = if names_folder && (raw || !has_wildcard(&key)) {
            What::Folder(if key.is_empty() { key } else { key + "/" })
        } else if Path::new(text).symlink_metadata().is_ok() {
            // What is there is meant as it stands: a shell has expanded wildcards by now.
            What::Object(key)
        } else {
            What::of(if names_folder { key + "/" } else { key }, raw)
        };
        let below = if here_key.is_empty() { here_key } else { here_key + "/" };
        let shown = if text.starts_with('/') { Shown::Absolute } else { Shown::Below(below) };
        // Any location of that store will do.
        let location = Location::parse("file:///").map_err(|error| Failed::usage(error.to_string()))?;
        Ok(Self { typed: text.into(), location, what, shown, slashes })
    }

    /// As something to list or to sum up: a local folder is meant as one, with a slash at its end or without.
    pub(crate) fn into_listed(mut self) -> Self {
        if let What::Object(key) = &self.what
            && self.is_local()
            && Self::local_path(key).is_dir()
        {
            self.what = What::Folder(format!("{key}/"));
        }
        self
    }

    pub(crate) fn is_local(&self) -> bool {
        self.location.scheme() == Scheme::File
    }

    /// The file or folder of a local key.
    pub(crate) fn local_path(key: &str) -> PathBuf {
        Path::new("/").join(key)
    }

    /// How `key` of this place's store is shown.
    pub(crate) fn shown(&self, key: &str) -> String {
        match &self.shown {
            Shown::Uri => masked(&self.location.uri_of(key).replace(r"\*", "*")).into_owned(),
            Shown::Absolute => format!("/{key}"),
            Shown::Below(folder) => match key.strip_prefix(folder.as_str()) {
                Some("") => "./".into(),
                Some(relative) => relative.into(),
                None => format!("/{key}"),
            },
        }
    }

    /// The bucket, as it is shown.
    pub(crate) fn bucket(&self) -> String {
        self.location.root().to_owned()
    }

    /// Refuses what can only be read, before anything is done that would be for nothing.
    pub(crate) fn require_writable(&self) -> Result<()> {
        if self.location.scheme() != Scheme::Http {
            return Ok(());
        }
        let reason = format!("{}: http:// and https:// are read-only; nothing was done", masked(&self.typed));
        Err(Failed::new(ErrorKind::NotSupported, reason))
    }

    /// The key of the one object that this names. `instead` says what to write, or to use, for several.
    pub(crate) fn object_key(&self, instead: &str) -> Result<&str> {
        let typed = &self.typed;
        match &self.what {
            What::Object(key) => Ok(key),
            What::Pattern(..) => Err(Failed::usage(format!(
                "{typed}: a wildcard names many objects, and one is wanted; {instead}; --raw takes it as it stands"
            ))),
            What::Folder(key) if key.is_empty() && !self.is_local() => {
                Err(Failed::usage(format!("{typed}: this is a bucket, and an object is wanted; {instead}")))
            }
            What::Folder(_) => {
                Err(Failed::usage(format!("{typed}: this is a folder, and an object is wanted; {instead}")))
            }
        }
    }

    /// Whether keys of both are shown in the same way.
    pub(crate) fn is_shown_as(&self, other: &Self) -> bool {
        self.location.root() == other.location.root() && self.shown == other.shown
    }

    /// Whether `key` matches this place's pattern only because a wildcard stands for a slash.
    pub(crate) fn reaches_below(&self, key: &str) -> bool {
        matches!(self.what, What::Pattern(..)) && slashes(key) > self.slashes
    }

    /// Whether this is a bucket and nothing in it.
    pub(crate) fn is_bucket(&self) -> bool {
        !self.is_local() && matches!(&self.what, What::Folder(key) if key.is_empty())
    }
}

impl What {
    fn of(key: String, raw: bool) -> Self {
        let folder =
            |key: String| if key.is_empty() || key.ends_with('/') { Self::Folder(key) } else { Self::Object(key) };
        if raw {
            return folder(key);
        }
        let pattern = Pattern::shell(&key);
        match pattern.literal().map(str::to_owned) {
            Some(key) => folder(key),
            None => {
                let prefix = pattern.prefix();
                let base = prefix[..prefix.rfind('/').map_or(0, |slash| slash + 1)].to_owned();
                Self::Pattern(pattern, base)
            }
        }
    }
}

fn slashes(key: &str) -> usize {
    key.bytes().filter(|&byte| byte == b'/').count()
}

fn has_wildcard(key: &str) -> bool {
    Pattern::shell(key).literal().is_none()
}

/// Whether `text` begins as a URI does.
pub(crate) fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// What to write instead of something that is a path to this program, and most likely meant to be something else.
fn looks_wrong(text: &str) -> Option<String> {
    if Path::new(text).symlink_metadata().is_ok() {
        return None;
    }
    let mut start = text.chars();
    if let (Some(drive), Some(':'), Some('\\' | '/')) = (start.next(), start.next(), start.next())
        && drive.is_ascii_alphabetic()
    {
        return Some(format!(
            "{text}: this looks like a Windows path; write it as this system has it, with / and no drive"
        ));
    }
    for scheme in ["s3", "file", "memory", "gs", "az", "http", "https"] {
        if let Some(rest) = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':')) {
            let rest = rest.trim_start_matches('/');
            let slashes = if scheme == "file" { "///" } else { "//" };
            return Some(format!("{text}: not a URI, and no such file; write {scheme}:{slashes}{rest}"));
        }
    }
    None
}

/// `path` from the root, with `.` and `..` resolved as the file system would.
fn absolute(here: &Path, path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for component in here.join(path).components() {
        match component {
            Component::CurDir => {}
            // A link's parent is where the link leads.
            Component::ParentDir => {
                found = found.canonicalize().unwrap_or(found);
                found.pop();
            }
            other => found.push(other),
        }
    }
    found
}

fn key_of(path: &Path, typed: &str) -> Result<String> {
    let text = path
        .to_str()
        .ok_or_else(|| Failed::usage(format!("{typed}: the path is not UTF-8, so it cannot be named here")))?;
    Ok(text.trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::parse(text, false).unwrap()
    }

    fn reason(text: &str) -> String {
        Place::parse(text, false).unwrap_err().message
    }

    fn here() -> String {
        std::env::current_dir().unwrap().to_str().unwrap().trim_start_matches('/').to_owned()
    }

    #[test]
    fn a_uri_is_an_object_a_folder_or_a_pattern() {
        assert!(matches!(place("s3://b/k").what, What::Object(key) if key == "k"));
        assert!(matches!(place("s3://b").what, What::Folder(key) if key.is_empty()));
        assert!(matches!(place("s3://b/p/").what, What::Folder(key) if key == "p/"));
        assert!(matches!(place("s3://b/p/a*").what, What::Pattern(_, base) if base == "p/"));
        assert!(matches!(place("s3://b/a*").what, What::Pattern(_, base) if base.is_empty()));
        assert!(matches!(place("s3://b/a?c").what, What::Pattern(..)));
        assert!(matches!(place(r"s3://b/a\*b\?").what, What::Object(key) if key == "a*b?"));
        assert!(matches!(Place::parse("s3://b/a*b?", true).unwrap().what, What::Object(key) if key == "a*b?"));
        assert!(matches!(Place::parse(r"s3://b/a\*", true).unwrap().what, What::Object(key) if key == r"a\*"));
    }

    #[test]
    fn a_path_is_taken_from_the_current_folder_and_shown_from_there() {
        let place = place("no/such/file");
        assert!(place.is_local());
        let key = format!("{}/no/such/file", here());
        assert!(matches!(&place.what, What::Object(found) if *found == key));
        assert_eq!(place.shown(&key), "no/such/file");
        assert_eq!(place.shown("etc/passwd"), "/etc/passwd");
        assert!(matches!(super::Place::parse(".", false).unwrap().what, What::Folder(key) if key == here() + "/"));
        assert!(matches!(super::Place::parse("/", false).unwrap().what, What::Folder(key) if key.is_empty()));
        assert!(
            matches!(super::Place::parse("no/../x", false).unwrap().what, What::Object(key) if key == here() + "/x")
        );
    }

    #[test]
    fn a_local_name_that_exists_is_no_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a*b");
        std::fs::write(&path, "").unwrap();
        assert!(matches!(place(path.to_str().unwrap()).what, What::Object(key) if key.ends_with("a*b")));
        assert!(matches!(place(folder.path().join("a*").to_str().unwrap()).what, What::Pattern(..)));
    }

    #[test]
    fn what_is_most_likely_a_mistake_says_what_to_write() {
        assert!(reason(r"C:\data\x").contains("Windows"));
        assert!(reason("s3:/bucket/key").contains("s3://bucket/key"));
        assert!(reason("s3:///key").contains("bucket is missing"));
        assert!(reason("ftp://x/a*").contains("no store"));
        assert!(reason("").contains("current folder"));
    }

    #[test]
    fn one_object_is_told_from_many() {
        for (text, word) in [("s3://b/*", "wildcard"), ("s3://b/", "bucket"), ("s3://b/f/", "folder"), ("./", "folder")]
        {
            let message = place(text).object_key("write more").unwrap_err().message;
            assert!(message.contains(word) && message.contains("write more"), "{message}");
        }
        assert_eq!(place("s3://b/k").object_key("").unwrap(), "k");
    }

    #[test]
    fn keys_are_shown_without_escapes() {
        assert_eq!(place("s3://b/x").shown("a*b"), "s3://b/a*b");
    }
}
