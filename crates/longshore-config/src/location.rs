//! URIs: which store, and which key in it.
//!
//! A key is the text after the bucket, as it stands: nothing is percent-decoded, `?` and `#` are ordinary characters. The
//! one special character is `*`, a wildcard where a call expands wildcards; `\*` is a literal star everywhere.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::ConfigError;
use crate::azure::place::{self, Place, is_address, is_scheme, is_system_container, split_signature};
use crate::given::Secret;

/// The kind of store a URI names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `s3://bucket/key`
    S3,
    /// `az://container/key` and the other forms of Azure's URIs
    Azure,
    /// `file:///path`
    File,
    /// `memory:///key`, or `memory://name/key` for a store of its own.
    Memory,
}

impl Scheme {
    /// The scheme as it stands before `://`.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "az",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

/// A parsed URI. The key is as written: escapes are still in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    scheme: Scheme,
    /// What stands before the slash and the key.
    root: String,
    bucket: String,
    key: String,
    /// What the URI of an Azure container says besides.
    place: Place,
    /// A shared access signature from the URI.
    signature: Option<Secret>,
}

/// What a path must have encoded to stand in the address of a container; everything else is left for people to read.
const IN_ADDRESS: AsciiSet = CONTROLS.add(b'%').add(b'?').add(b'#');

impl Location {
    /// Parses `uri`.
    ///
    /// ```
    /// # use longshore_config::{Location, Scheme};
    /// let location = Location::parse("s3://bucket/a/b c?.bin").unwrap();
    /// assert_eq!((location.bucket(), location.raw_key()), ("bucket", "a/b c?.bin"));
    /// assert!(Location::parse("bucket/key").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidUri`] for an unknown scheme, a missing or malformed bucket, or a relative file path.
    pub fn parse(uri: &str) -> Result<Self, ConfigError> {
        let invalid = |reason: String| ConfigError::InvalidUri { uri: masked(uri).into_owned(), reason };
        let Some((scheme, rest)) = uri.split_once("://") else {
            return Err(invalid("not a URI; write s3://bucket/key, file:///path or memory:///key".into()));
        };
        let lower = scheme.to_ascii_lowercase();
        if is_scheme(&lower) || (lower == "https" && is_address(rest)) {
            return Self::azure(&lower, rest).map_err(invalid);
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let scheme = match lower.as_str() {
            "s3" | "s3a" => Scheme::S3,
            "file" => Scheme::File,
            "memory" => Scheme::Memory,
            other => {
                return Err(invalid(format!("no store for the scheme {other:?}; there are s3, az, file and memory")));
            }
        };
        if uri.contains('\0') {
            return Err(invalid("a key cannot contain a NUL character".into()));
        }
        let bucket = match scheme {
            Scheme::S3 if bucket.is_empty() => {
                return Err(invalid("the bucket is missing; write s3://bucket/key".into()));
            }
            Scheme::File if bucket == "localhost" => "",
            Scheme::File if !bucket.is_empty() => {
                return Err(invalid(format!(
                    "a file URI has three slashes; write file:///{rest} for an absolute path"
                )));
            }
            _ => bucket,
        };
        check_bucket(bucket).map_err(invalid)?;
        let key = if scheme == Scheme::File { normal_path(key) } else { key.to_owned() };
        let root = format!("{}://{bucket}", scheme.name());
        Ok(Self { scheme, root, bucket: bucket.to_owned(), key, place: Place::default(), signature: None })
    }

    fn azure(scheme: &str, rest: &str) -> Result<Self, String> {
        let (rest, signature) = split_signature(rest);
        let parts = place::parts(scheme, rest)?;
        if parts.key.contains('\0') {
            return Err("a key cannot contain a NUL character".into());
        }
        if !is_system_container(&parts.container) {
            check_bucket(&parts.container)?;
        }
        Ok(Self {
            scheme: Scheme::Azure,
            root: parts.root,
            bucket: parts.container,
            key: parts.key,
            place: parts.place,
            signature: signature.map(|signature| Secret(signature.to_owned())),
        })
    }

    /// The storage account of an Azure URI that names it.
    pub fn account(&self) -> Option<&str> {
        self.place.account.as_deref()
    }

    /// What the URI says that is a setting too, by the setting's name.
    pub(crate) fn said(&self) -> BTreeMap<&'static str, String> {
        let signature = self.signature.as_ref().map(|signature| &signature.0);
        let all = [
            ("account_name", self.place.account.as_ref()),
            ("endpoint", self.place.endpoint.as_ref()),
            ("sas_token", signature),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?.clone()))).collect()
    }

    /// What decides, besides the environment, which store this is in.
    pub(crate) fn origin(&self) -> (&str, Option<&Secret>) {
        (&self.root, self.signature.as_ref())
    }

    /// What stands before the slash and the key, for example `s3://bucket`. Equal roots name the same bucket.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket; empty for `file:///` and `memory:///`.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key as written, with its wildcards and escapes.
    pub fn raw_key(&self) -> &str {
        &self.key
    }

    /// Whether the key contains a wildcard that is not escaped.
    pub fn has_wildcard(&self) -> bool {
        unescape(&self.key).is_none()
    }

    /// Whether the URI names a bucket and nothing in it.
    pub fn is_bare_bucket(&self) -> bool {
        self.key.is_empty()
    }

    /// The key of exactly one object, escapes undone.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidUri`] where there is no key or an unescaped wildcard. `instead` ends the message of the
    /// latter: what takes wildcards.
    pub fn object_key(&self, instead: &str) -> Result<String, ConfigError> {
        let invalid = |reason: String| ConfigError::InvalidUri { uri: self.to_string(), reason };
        if self.key.is_empty() {
            return Err(invalid("the key is missing; this names a bucket, not an object".into()));
        }
        unescape(&self.key)
            .ok_or_else(|| invalid(format!(r"a wildcard names many objects; {instead}, or write \* for a star")))
    }

    /// The key as a plain prefix, escapes undone; it may be empty.
    ///
    /// # Errors
    ///
    /// As [`object_key`](Self::object_key), for a wildcard.
    pub fn prefix(&self, instead: &str) -> Result<String, ConfigError> {
        if self.key.is_empty() { Ok(String::new()) } else { self.object_key(instead) }
    }

    /// The URI of another key in the same bucket. Stars in `key` are escaped, so that the result names that object.
    pub fn uri_of(&self, key: &str) -> String {
        let key = key.replace('*', r"\*");
        if self.root.starts_with("https://") {
            return format!("{}/{}", self.root, utf8_percent_encode(&key, &IN_ADDRESS));
        }
        format!("{}/{key}", self.root)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.root, self.key)
    }
}

fn check_bucket(bucket: &str) -> Result<(), String> {
    if let Some(bad) = bucket.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._".contains(*c))) {
        return Err(format!("a bucket name cannot contain {bad:?}"));
    }
    if matches!(bucket, "." | "..") {
        return Err(format!("{bucket:?} is no bucket name; every HTTP client would fold it away"));
    }
    Ok(())
}

/// A URI as it may be shown: without the shared access signature that it may hold.
///
/// ```
/// # use longshore_config::masked;
/// assert_eq!(masked("az://c/k?sv=2023-11-03&sp=r&sig=abc"), "az://c/k?****");
/// assert_eq!(masked("s3://b/what?not"), "s3://b/what?not");
/// ```
pub fn masked(uri: &str) -> Cow<'_, str> {
    match split_signature(uri) {
        (shown, Some(_)) => format!("{shown}?****").into(),
        (_, None) => uri.into(),
    }
}

/// Undoes `\*`; `None` where a star stands unescaped.
fn unescape(key: &str) -> Option<String> {
    let mut plain = String::with_capacity(key.len());
    let mut rest = key;
    while let Some(star) = rest.find('*') {
        plain.push_str(rest[..star].strip_suffix('\\')?);
        plain.push('*');
        rest = &rest[star + 1..];
    }
    plain.push_str(rest);
    Some(plain)
}

/// A path with single slashes, as POSIX reads it. A trailing slash stays: it says "folder".
fn normal_path(path: &str) -> String {
    let mut normal = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !(normal.is_empty() || normal.ends_with('/')) {
            normal.push(c);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(uri: &str) -> String {
        Location::parse(uri).unwrap_err().to_string()
    }

    #[test]
    fn each_scheme_splits_into_bucket_and_key() {
        for (uri, scheme, bucket, key) in [
            ("s3://b/k", Scheme::S3, "b", "k"),
            ("S3://b", Scheme::S3, "b", ""),
            ("s3://b/a//b/", Scheme::S3, "b", "a//b/"),
            ("s3://b//lead", Scheme::S3, "b", "/lead"),
            ("s3://b/100%?#&+ é", Scheme::S3, "b", "100%?#&+ é"),
            ("file:///tmp//x/", Scheme::File, "", "tmp/x/"),
            ("file://localhost/tmp/x", Scheme::File, "", "tmp/x"),
            ("memory:///k", Scheme::Memory, "", "k"),
            ("az://c/k?", Scheme::Azure, "c", "k?"),
            ("AZURE://c", Scheme::Azure, "c", ""),
            ("az://$web/k", Scheme::Azure, "$web", "k"),
            ("abfss://c@acc.dfs.core.windows.net/a/b", Scheme::Azure, "c", "a/b"),
            ("https://acc.blob.core.windows.net/c/a%2520b", Scheme::Azure, "c", "a%20b"),
            ("az://c/k?sv=1&sig=hunter2", Scheme::Azure, "c", "k"),
            ("memory://name/k", Scheme::Memory, "name", "k"),
        ] {
            let location = Location::parse(uri).unwrap();
            assert_eq!((location.scheme(), location.bucket(), location.raw_key()), (scheme, bucket, key), "{uri}");
        }
    }

    #[test]
    fn a_bad_uri_says_what_to_write_instead() {
        assert!(reason("bucket/key").contains("s3://bucket/key"));
        assert!(reason("s3:///key").contains("bucket is missing"));
        assert!(reason("file://tmp/x").contains("file:///tmp/x"));
        assert!(reason("ftp://x/y").contains("s3, az, file and memory"));
        assert!(reason("s3://b:80/k").contains("':'"));
        assert!(reason("s3://./k").contains("no bucket name") && reason("s3://..").contains("no bucket name"));
    }

    #[test]
    fn a_uri_of_another_key_reads_that_key() {
        for uri in
            ["az://c/x", "abfs://c@acc.dfs.core.windows.net/x", "https://acc.blob.core.windows.net/c/x", "s3://b/x"]
        {
            for key in ["100%", "a b?c#d", "é/ü", "s*r", "%41"] {
                let there = Location::parse(&Location::parse(uri).unwrap().uri_of(key)).unwrap();
                assert_eq!(there.object_key("").unwrap(), key, "{uri}");
            }
        }
    }

    #[test]
    fn a_signature_is_a_setting_and_never_shown() {
        let location = Location::parse("https://acc.blob.core.windows.net/c/k?sv=1&sp=r&sig=hunter2").unwrap();
        assert_eq!(location.said()["sas_token"], "sv=1&sp=r&sig=hunter2");
        let shown = format!("{location} {location:?} {}", location.uri_of("k"));
        assert!(!shown.contains("hunter2"), "{shown}");
        let message = reason("az://c:d/k?sv=1&sp=r&sig=hunter2");
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_star_is_a_wildcard_unless_escaped() {
        let location = |key: &str| Location::parse(&format!("s3://b/{key}")).unwrap();
        assert!(location("a*").has_wildcard());
        assert!(!location(r"a\*").has_wildcard());
        assert_eq!(location(r"a\*b\\*").object_key("").unwrap(), r"a*b\*");
        assert_eq!(location(r"a\b").object_key("").unwrap(), r"a\b");
        let message = location("a*").object_key("use get_many").unwrap_err().to_string();
        assert!(message.contains("use get_many"), "{message}");
        assert_eq!(location("x").uri_of("a*b"), r"s3://b/a\*b");
    }
}
