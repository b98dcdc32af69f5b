//! What goes where: names of targets, and what must not be written.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use longshore_config::{Scheme, Store};
use longshore_engine::{ErrorKind, Object};
use percent_encoding::percent_decode_str;

use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::session::Session;

/// One object on its way.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) source: Object,
    pub(crate) target: Object,
    /// What a listing said of the source; unknown where nothing was listed.
    pub(crate) known: Option<Known>,
}

/// What is known of an object without asking for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) size: u64,
    pub(crate) modified: DateTime<Utc>,
    pub(crate) e_tag: Option<String>,
}

/// Where objects go.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) store: Arc<Store>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The object of this key, whatever the source is called.
    Object(String),
    /// Below this: empty, or with a slash at its end.
    Folder(String),
}

impl Target {
    /// Reads `typed` as the target of one object, or of several. Wildcards mean nothing here, unless `raw`.
    pub(crate) fn new(session: &Session, typed: &str, several: bool, raw: bool) -> Result<Self> {
        let place = Place::parse(typed, raw)?;
        place.require_writable()?;
        let typed = place.typed.as_str();
        let kind = match place.what.clone() {
            What::Pattern(..) => {
                return Err(Failed::usage(format!(
                    "{typed}: a target cannot have wildcards; --raw takes it as it stands"
                )));
            }
            What::Folder(prefix) => Kind::Folder(prefix),
            What::Object(key) if place.is_local() => {
                let path = Place::local_path(&key);
                match (path.is_dir(), several) {
                    (true, _) => Kind::Folder(format!("{key}/")),
                    (false, true) if path.exists() => {
                        return Err(Failed::usage(format!(
                            "{typed}: this is a file, and several objects need a folder"
                        )));
                    }
                    (false, true) => Kind::Folder(format!("{key}/")),
                    (false, false) => Kind::Object(key),
                }
            }
            What::Object(_) if several => {
                return Err(Failed::usage(format!(
                    "{typed}: several objects need a bucket or a folder; write {typed}/ for a folder"
                )));
            }
            What::Object(key) => Kind::Object(key),
        };
        Ok(Self { store: session.store(&place.location)?, place, kind })
    }

    /// As [`new`](Self::new), for a folder, with a slash at its end or without.
    pub(crate) fn folder(session: &Session, typed: &str, raw: bool) -> Result<Self> {
        let with_slash = if typed.ends_with('/') { typed.to_owned() } else { format!("{typed}/") };
        if Path::new(typed).is_file() {
            return Err(Failed::usage(format!("{typed}: this is a file, and a folder is wanted")));
        }
        Self::new(session, &with_slash, true, raw)
    }

    /// What keys of targets begin with, or are.
    pub(crate) fn prefix(&self) -> &str {
        match &self.kind {
            Kind::Object(key) | Kind::Folder(key) => key,
        }
    }

    /// The object for a source called `name`. Names with slashes make folders.
    pub(crate) fn object(&self, name: &str) -> Result<Object> {
        let key = match &self.kind {
            Kind::Object(key) => key.clone(),
            Kind::Folder(prefix) => {
                if self.place.is_local() {
                    require_inside(name)?;
                }
                format!("{prefix}{name}")
            }
        };
        Ok(Object { store: Arc::clone(&self.store), uri: self.place.shown(&key).into(), key })
    }
}

/// Refuses names that a file system would take for something outside of the folder, or for another name.
fn require_inside(name: &str) -> Result<()> {
    let reason = if name.starts_with('/') {
        "it begins with a slash"
    } else if name.split('/').any(|segment| segment == "..") {
        "it has a `..` segment, which would lead out of the folder"
    } else if name.split('/').any(|segment| matches!(segment, "" | ".")) {
        "it has an empty or `.` segment"
    } else if name.contains('\0') {
        "it has a NUL character"
    } else {
        return Ok(());
    };
    Err(Failed::new(ErrorKind::InvalidPath, format!("{name:?} cannot be the name of a file: {reason}")))
}

/// What an object is called away from its store. Keys of web servers are parts of URLs: elsewhere they have their own letters
/// and no query string.
pub(crate) fn plain_name(scheme: Scheme, name: &str) -> String {
    if scheme != Scheme::Http {
        return name.to_owned();
    }
    let path = name.split_once('?').map_or(name, |(path, _)| path);
    percent_decode_str(path).decode_utf8().map_or_else(|_| path.to_owned(), Cow::into_owned)
}

/// The last segment of a key or a name.
pub(crate) fn last_segment(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// Refuses a job that would replace its own source.
pub(crate) fn require_different(source: &Object, target: &Object) -> Result<()> {
    let same_name = source.key == target.key && source.store.same_bucket(&target.store);
    if same_name || is_same_file(source, target) {
        return Err(Failed::usage(format!("{} and {} are the same object", source.uri, target.uri)));
    }
    Ok(())
}

/// Whether one of two folders of keys is in the other, or is the other. What keys begin with is empty, or has a slash at its end.
/// Two paths can lead to one local folder.
pub(crate) fn overlap(one: (&Store, &str), other: (&Store, &str)) -> bool {
    if !one.0.same_bucket(other.0) {
        return false;
    }
    let within = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
    within(one.1, other.1) || (one.0.scheme() == Scheme::File && within(&real(one.1), &real(other.1)))
}

/// The local folder `key` without links on the way, as far as it is there.
pub(crate) fn real(key: &str) -> String {
    let path = Place::local_path(key);
    let found = path.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    let Some((there, found)) = found else { return key.to_owned() };
    let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
    let text = found.join(rest).to_string_lossy().trim_matches('/').to_owned();
    if text.is_empty() { text } else { text + "/" }
}

/// Two paths can lead to one file.
fn is_same_file(source: &Object, target: &Object) -> bool {
    use std::os::unix::fs::MetadataExt;

    if [source, target].iter().any(|object| object.store.scheme() != Scheme::File) {
        return false;
    }
    let identity = |object: &Object| {
        let status = std::fs::metadata(Place::local_path(&object.key)).ok()?;
        Some((status.dev(), status.ino()))
    };
    identity(source).is_some_and(|source| identity(target) == Some(source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::CommandLine;
    use clap::Parser;

    fn session() -> Session {
        let line = CommandLine::try_parse_from(["longshore", "--no-sign-request", "ls"]).unwrap();
        Session::new(line.global, "cp", "cp".into())
    }

    fn target(typed: &str, several: bool) -> Result<Target> {
        Target::new(&session(), typed, several, false)
    }

    #[test]
    fn what_comes_from_the_web_is_called_by_its_letters() {
        for (name, plain) in
            [("a%20b/%23hash", "a b/#hash"), ("%C3%BCn.txt?sig=x", "ün.txt"), ("100%25", "100%"), ("%FF", "%FF")]
        {
            assert_eq!(plain_name(Scheme::Http, name), plain);
        }
        assert_eq!(plain_name(Scheme::S3, "a%20b?c"), "a%20b?c");
    }

    #[test]
    fn a_folder_takes_names_and_an_object_is_the_name() {
        assert_eq!(target("s3://b/p/", true).unwrap().object("a/b").unwrap().key, "p/a/b");
        assert_eq!(target("s3://b", false).unwrap().object("a").unwrap().key, "a");
        assert_eq!(target("s3://b/k", false).unwrap().object("a").unwrap().key, "k");
        assert!(target("s3://b/k", true).unwrap_err().message.contains("s3://b/k/"));
        assert!(target("s3://b/*", false).unwrap_err().message.contains("wildcards"));
    }

    #[test]
    fn a_local_folder_is_one_with_or_without_a_slash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let key = path.trim_start_matches('/');
        assert_eq!(target(path, false).unwrap().object("a").unwrap().key, format!("{key}/a"));
        assert_eq!(target(&format!("{path}/new"), true).unwrap().object("a").unwrap().key, format!("{key}/new/a"));
        assert_eq!(target(&format!("{path}/new"), false).unwrap().object("a").unwrap().key, format!("{key}/new"));
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(target(&format!("{path}/file"), true).unwrap_err().message.contains("this is a file"));
    }

    #[test]
    fn no_name_leads_out_of_a_local_folder() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(&format!("{}/", folder.path().display()), true).unwrap();
        for name in ["../x", "a/../../x", "..", "/etc/passwd", "a//b", "./a", "a/.", "", "a/", "a\0b"] {
            assert_eq!(target.object(name).unwrap_err().kind, ErrorKind::InvalidPath, "{name:?}");
        }
        for name in ["a", "a/b", "..a", "a..", "a/...", "-", "*"] {
            assert!(target.object(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn an_object_is_not_copied_onto_itself_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "body").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
        let object =
            |path: &str| target(&format!("{}/{path}", folder.path().display()), false).unwrap().object("").unwrap();
        assert!(require_different(&object("a"), &object("a")).is_err());
        assert!(require_different(&object("a"), &object("link/a")).is_err());
        assert!(require_different(&object("a"), &object("b")).is_ok());
    }
}
