//! URIs: which store, and which key in it.
//!
//! A key is the text after the bucket, as it stands: nothing is percent-decoded, `?` and `#` are ordinary characters. The
//! one special character is `*`, a wildcard where a call expands wildcards; `\*` is a literal star everywhere.
//!
//! URLs of the web are the exception: see [`url`].

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::azure::place::{self, is_address, is_scheme, is_system_container, split_signature};
use crate::given::Secret;
use crate::web::url;
use crate::{ConfigError, masked};

/// The kind of store a URI names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `s3://bucket/key`
    S3,
    /// `gs://bucket/key`
    Gcs,
    /// `az://container/key` and the other forms of Azure's URIs
    Azure,
    /// `file:///path`
    File,
    /// `memory:///key`, or `memory://name/key` for a store of its own.
    Memory,
    /// `http://host/path` and `https://host/path`: read-only.
    Http,
    /// What somebody else made; no URI names it.
    Other,
}

impl Scheme {
    /// The scheme as it stands before `://`.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
            Self::File => "file",
            Self::Memory => "memory",
            Self::Http => "http",
            Self::Other => "other",
        }
    }
}

/// A parsed URI. The key is as written: escapes are still in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Location {
    scheme: Scheme,
    /// What stands before the slash and the key.
    root: String,
    bucket: String,
    key: String,
    /// Settings that the URI brings along.
    said: BTreeMap<&'static str, Secret>,
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
            return Err(invalid(
                "not a URI; write s3://bucket/key, gs://bucket/key, az://container/key, https://host/path, file:///path \
                 or memory:///key"
                    .into(),
            ));
        };
        let lower = scheme.to_ascii_lowercase();
        if is_scheme(&lower) || (lower == "https" && is_address(rest)) {
            return Self::azure(&lower, rest).map_err(invalid);
        }
        let scheme = match lower.as_str() {
            "s3" | "s3a" => Scheme::S3,
            "gs" | "gcs" => Scheme::Gcs,
            "file" => Scheme::File,
            "memory" => Scheme::Memory,
            name @ ("http" | "https") => {
                let parts = url::parse(name, rest).map_err(invalid)?;
                let (root, bucket) = (parts.origin.clone(), parts.origin);
                return Ok(Self { scheme: Scheme::Http, root, bucket, key: parts.key, said: parts.said });
            }
            other => {
                let there = "there are s3, gs, az, file, memory, http and https";
                return Err(invalid(format!("no store for the scheme {other:?}; {there}")));
            }
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if uri.contains('\0') {
            return Err(invalid("a key cannot contain a NUL character".into()));
        }
        let bucket = match scheme {
            Scheme::S3 | Scheme::Gcs if bucket.is_empty() => {
                return Err(invalid(format!("the bucket is missing; write {}://bucket/key", scheme.name())));
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
        Ok(Self { scheme, root, bucket: bucket.to_owned(), key, said: BTreeMap::new() })
    }

    fn azure(scheme: &str, rest: &str) -> Result<Self, String> {
        let (rest, signature) = split_signature(rest);
        let place::Parts { root, container, key, account, endpoint } = place::parts(scheme, rest)?;
        if key.contains('\0') {
            return Err("a key cannot contain a NUL character".into());
        }
        if !is_system_container(&container) {
            check_bucket(&container)?;
        }
        let signature = signature.map(str::to_owned);
        let said = [("account_name", account), ("endpoint", endpoint), ("sas_token", signature)];
        let said = said.into_iter().filter_map(|(name, value)| Some((name, Secret(value?)))).collect();
        Ok(Self { scheme: Scheme::Azure, root, bucket: container, key, said })
    }

    /// The storage account of an Azure URI that names it.
    pub fn account(&self) -> Option<&str> {
        self.said.get("account_name").map(|account| &*account.0)
    }

    /// What stands before the slash and the key, for example `s3://bucket`. Equal roots name the same bucket.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Settings that the URI brings along, such as a user and a password. They are not in [`root`](Self::root).
    pub(crate) fn said(&self) -> &BTreeMap<&'static str, Secret> {
        &self.said
    }

    /// The bucket; empty for `file:///` and `memory:///`, and for the web what [`root`](Self::root) says.
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

    /// Whether the URI names a bucket and nothing in it. `https://host/` is an object, as any page.
    pub fn is_bare_bucket(&self) -> bool {
        self.key.is_empty() && self.scheme != Scheme::Http
    }

    /// The key of exactly one object, escapes undone.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidUri`] where there is no key or an unescaped wildcard. `instead` ends the message of the
    /// latter: what takes wildcards.
    pub fn object_key(&self, instead: &str) -> Result<String, ConfigError> {
        let invalid = |reason: String| ConfigError::InvalidUri { uri: self.to_string(), reason };
        if self.is_bare_bucket() {
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
        // Keys of the web are in URL form already.
        if self.scheme == Scheme::Azure && self.root.starts_with("https://") {
            return format!("{}/{}", self.root, utf8_percent_encode(&key, &IN_ADDRESS));
        }
        format!("{}/{key}", self.root)
    }
}

/// The URI as it may be shown: see [`masked`].
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&format!("{}/{}", self.root, self.key)))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({:?})", self.to_string())
    }
}

/// Whether this can be the name of a bucket or a container.
pub(crate) fn check_bucket(bucket: &str) -> Result<(), String> {
    if is_system_container(bucket) {
        return Ok(());
    }
    if let Some(bad) = bucket.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._".contains(*c))) {
        return Err(format!("a bucket name cannot contain {bad:?}"));
    }
    if matches!(bucket, "." | "..") {
        return Err(format!("{bucket:?} is no bucket name; every HTTP client would fold it away"));
    }
    Ok(())
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
            ("gs://my.bucket_1/k", Scheme::Gcs, "my.bucket_1", "k"),
            ("gcs://b/k?sv=1&sig=2", Scheme::Gcs, "b", "k?sv=1&sig=2"),
            ("az://c/k?", Scheme::Azure, "c", "k?"),
            ("AZURE://c", Scheme::Azure, "c", ""),
            ("az://$web/k", Scheme::Azure, "$web", "k"),
            ("abfss://c@acc.dfs.core.windows.net/a/b", Scheme::Azure, "c", "a/b"),
            ("https://acc.blob.core.windows.net/c/a%2520b", Scheme::Azure, "c", "a%20b"),
            ("az://c/k?sv=1&sig=hunter2", Scheme::Azure, "c", "k"),
            ("memory://name/k", Scheme::Memory, "name", "k"),
            ("https://h:443/a b?c=d#e", Scheme::Http, "https://h", "a%20b?c=d"),
            ("http://h:8080", Scheme::Http, "http://h:8080", ""),
        ] {
            let location = Location::parse(uri).unwrap();
            assert_eq!((location.scheme(), location.bucket(), location.raw_key()), (scheme, bucket, key), "{uri}");
        }
    }

    #[test]
    fn a_bad_uri_says_what_to_write_instead() {
        for form in ["s3://bucket/key", "gs://", "az://", "https://", "file:///", "memory:///"] {
            assert!(reason("bucket/key").contains(form), "{}", reason("bucket/key"));
        }
        assert!(reason("s3:///key").contains("bucket is missing"));
        assert!(reason("file://tmp/x").contains("file:///tmp/x"));
        assert!(reason("ftp://x/y").contains("s3, gs, az, file, memory, http"));
        assert!(reason("http:///x").contains("not an address"));
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
    fn what_is_shown_of_a_url_holds_no_secret() {
        let location = Location::parse("https://me:hunter2@h/k?sig=hunter2").unwrap();
        assert_eq!(location.to_string(), "https://h/k?sig=****");
        assert!(!format!("{location:?}").contains("hunter2"), "{location:?}");
        assert_eq!(location.uri_of("a%20b"), "https://h/a%20b");
        assert_eq!(location.object_key("").unwrap(), "k?sig=hunter2");
        let options = crate::Options::from_iter([("secret", "hunter2")]);
        let environment = crate::Environment::from_iter([("AWS_SECRET_ACCESS_KEY".to_owned(), "hunter2".to_owned())]);
        let refused = Location::parse("https://me:hunter2@h:x/?hunter2").unwrap_err();
        let debug = format!("{options:?} {environment:?} {refused:?}");
        assert!(debug.contains("secret") && !debug.contains("hunter2"), "{debug}");
        for bad in ["https://me:hunter2@h:x/?hunter2", "htp://me:hunter2@h/", "https://hunter2@[::1/"] {
            assert!(!reason(bad).contains("hunter2"), "{}", reason(bad));
        }
    }

    #[test]
    fn a_signature_is_a_setting_and_never_shown() {
        for uri in ["az://c/k", "https://acc.blob.core.windows.net/c/k", "abfss://c@acc.dfs.core.windows.net/k"] {
            let location = Location::parse(&format!("{uri}?sv=1&sp=r&sig=hunter2")).unwrap();
            assert_eq!((location.raw_key(), &*location.said()["sas_token"].0), ("k", "sv=1&sp=r&sig=hunter2"));
            let shown = format!("{location} {location:?} {}", location.uri_of("k"));
            assert!(shown.starts_with(uri) && !shown.contains("hunter2"), "{shown}");
        }
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
