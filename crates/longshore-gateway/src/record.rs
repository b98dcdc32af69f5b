//! What S3 knows about an object beyond its bytes: ETag, headers, user metadata, checksums.
//!
//! Stores differ in what they keep beside the bytes (a folder keeps nothing, memory keeps attributes, none keeps an MD5),
//! so the gateway keeps a small JSON record of its own in the hidden area, the same for every store. A record names the
//! store's own tag of the bytes it describes. When the two disagree the object was written by somebody else; then the
//! record is ignored and the facts are derived from what the store says.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use object_store::{Attribute, Attributes, ObjectMeta};
use s3s::dto::{ETag, Timestamp};
use serde::{Deserialize, Serialize};

use crate::digest::Checksums;

/// Records kept in memory; beyond that the cache starts over.
const CACHED: usize = 200_000;

/// The facts of one object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The store's tag of the bytes this describes.
    pub(crate) store_tag: String,
    /// The S3 ETag, without quotes.
    pub(crate) etag: String,
    /// Length in bytes.
    pub(crate) size: u64,
    /// Whole seconds since 1970; S3 shows no finer time.
    pub(crate) modified: u64,
    #[serde(default)]
    pub(crate) headers: Headers,
    #[serde(default, skip_serializing_if = "Checksums::is_empty")]
    pub(crate) checksums: Checksums,
    /// Part sizes of an object that was uploaded in parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<u64>,
}

/// The headers a writer gave and a reader gets back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    /// Whole seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Record {
    /// The facts of bytes that no record describes, from the store alone.
    pub(crate) fn derived(meta: &ObjectMeta, attributes: &Attributes) -> Self {
        let store_tag = store_tag(meta);
        let etag: String = store_tag.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let text = |name: Attribute| attributes.get(&name).map(|value| value.as_ref().to_owned());
        let headers = Headers {
            content_type: text(Attribute::ContentType),
            cache_control: text(Attribute::CacheControl),
            content_disposition: text(Attribute::ContentDisposition),
            content_encoding: text(Attribute::ContentEncoding),
            content_language: text(Attribute::ContentLanguage),
            expires: None,
            storage_class: None,
            metadata: attributes
                .iter()
                .filter_map(|(name, value)| match name {
                    Attribute::Metadata(name) => Some((name.to_string(), value.as_ref().to_owned())),
                    _ => None,
                })
                .collect(),
        };
        Self {
            etag,
            store_tag,
            size: meta.size,
            modified: u64::try_from(meta.last_modified.timestamp()).unwrap_or(0),
            headers,
            ..Self::default()
        }
    }

    /// The ETag as S3 writes it.
    pub(crate) fn e_tag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    /// Last modification, as S3 writes it.
    pub(crate) fn last_modified(&self) -> Timestamp {
        timestamp(self.modified)
    }
}

/// A tag that changes whenever the stored bytes do.
pub(crate) fn store_tag(meta: &ObjectMeta) -> String {
    match &meta.e_tag {
        Some(tag) => tag.clone(),
        None => format!("{:x}-{:x}", meta.last_modified.timestamp_micros(), meta.size),
    }
}

/// Whole seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// A number of seconds since 1970 as S3's own type.
pub(crate) fn timestamp(seconds: u64) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// S3's own type as a number of seconds since 1970.
pub(crate) fn seconds(timestamp: &Timestamp) -> u64 {
    let mut text = Vec::new();
    if timestamp.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text).is_err() {
        return 0;
    }
    let text = String::from_utf8_lossy(&text);
    text.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0)
}

/// Records already read, found by bucket and key and believed only for the store tag they name.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<String, HashMap<String, Arc<Record>>>>);

impl Cache {
    /// The record of these bytes, if it is at hand.
    pub(crate) fn find(&self, bucket: &str, key: &str, store_tag: &str) -> Option<Arc<Record>> {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let record = buckets.get(bucket)?.get(key)?;
        (record.store_tag == store_tag).then(|| Arc::clone(record))
    }

    /// Remembers a record.
    pub(crate) fn keep(&self, bucket: &str, key: &str, record: Arc<Record>) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = match buckets.get_mut(bucket) {
            Some(keys) => keys,
            None => buckets.entry(bucket.to_owned()).or_default(),
        };
        if keys.len() >= CACHED {
            keys.clear();
        }
        keys.insert(key.to_owned(), record);
    }

    /// Forgets a key that was removed.
    pub(crate) fn forget(&self, bucket: &str, key: &str) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = buckets.get_mut(bucket) {
            keys.remove(key);
        }
    }

    /// Forgets a bucket that was removed.
    pub(crate) fn forget_bucket(&self, bucket: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(bucket);
    }
}
