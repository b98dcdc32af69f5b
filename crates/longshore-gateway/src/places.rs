//! Where each object is, and how it gets there.
//!
//! In a plain store an object is under its encoded key. A folder cannot hold every key that way: `a` and `a/b` are both
//! keys, but a folder's `a` is either a file or a folder, and names longer than 255 bytes are nothing at all. Such a key is
//! set *aside*, in the hidden area, under a name that always fits. Which of two such keys has its own name is decided by
//! which came first, and the file system itself is the judge: bodies land in the hidden area and are moved in place, and
//! where the move meets a folder or a file in its way, the key goes aside. So no two writers can race for a name.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::TryStreamExt;
use object_store::ObjectMeta;
use object_store::path::Path;
use s3s::{S3Error, S3Result, s3_error};

use crate::buckets::{Buckets, Place};
use crate::failure::{from_io, from_store};
use crate::listing::Entry;
use crate::names;
use crate::unique::Unique;

/// Keys that a folder cannot hold under their own name, in the hidden area.
const ASIDE: &str = "aside";

/// Attempts to move a file whose folder others keep tidying away.
const ATTEMPTS: usize = 8;

/// Where one object is, or is being written.
pub(crate) struct Spot {
    pub(crate) place: Place,
    pub(crate) path: Path,
}

/// The places of all objects.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) buckets: Buckets,
    /// By bucket, the keys that are aside.
    aside: Mutex<HashMap<String, HashSet<String>>>,
    unique: Unique,
}

impl Places {
    /// Places in these buckets.
    pub(crate) fn new(buckets: Buckets) -> Self {
        Self { buckets, aside: Mutex::default(), unique: Unique::default() }
    }

    /// Where the object is, if it is.
    pub(crate) async fn spot(&self, bucket: &str, key: &str) -> S3Result<Spot> {
        let encoded = names::encode(key);
        if self.buckets.folder_of(bucket).is_some() && self.is_aside(bucket, key, &encoded).await? {
            let place = self.buckets.hidden(bucket)?;
            let path = place.path(&format!("{ASIDE}/{}", names::flat(key)))?;
            return Ok(Spot { place, path });
        }
        let place = self.buckets.objects(bucket)?;
        let path = place.path(&encoded)?;
        Ok(Spot { place, path })
    }

    /// Where a body is written before it becomes the object.
    pub(crate) async fn landing(&self, bucket: &str, key: &str) -> S3Result<Spot> {
        if self.buckets.folder_of(bucket).is_none() {
            return self.spot(bucket, key).await;
        }
        let place = self.buckets.hidden(bucket)?;
        let path = place.path(&format!("incoming/{}", self.unique.next()))?;
        Ok(Spot { place, path })
    }

    /// Makes a landed body the object.
    pub(crate) async fn settle(&self, bucket: &str, key: &str, landing: &Spot) -> S3Result<()> {
        let (Some(bucket_folder), Some(hidden)) =
            (self.buckets.folder_of(bucket), self.buckets.hidden_folder_of(bucket))
        else {
            return Ok(());
        };
        let landed = hidden.join(landing.path.as_ref());
        let settled = self.settle_file(bucket, key, &landed, &bucket_folder, &hidden).await;
        if settled.is_err() {
            // What could not be put in place is nobody's; the error says what matters.
            let _ = std::fs::remove_file(&landed);
        }
        settled
    }

    /// A removed key is no longer aside.
    pub(crate) fn forget(&self, bucket: &str, key: &str) {
        if let Some(keys) = self.aside().get_mut(bucket) {
            keys.remove(key);
        }
    }

    /// A removed bucket has nothing aside.
    pub(crate) fn forget_bucket(&self, bucket: &str) {
        self.aside().remove(bucket);
    }

    /// Every object of a bucket whose key begins with `folder`, which is empty or ends in `/`. Unsorted.
    pub(crate) async fn scan(&self, bucket: &str, folder: &str) -> S3Result<Vec<Entry>> {
        let place = self.buckets.objects(bucket)?;
        let encoded = folder.strip_suffix('/').map(names::encode);
        let walkable = match (self.buckets.folder_of(bucket), &encoded) {
            (Some(root), Some(encoded)) => root.join(encoded).is_dir(),
            _ => true,
        };
        let mut entries = Vec::new();
        if walkable {
            let root = place.path(encoded.as_deref().unwrap_or_default())?;
            let mut listing = place.store.list(Some(&root));
            while let Some(meta) = listing.try_next().await.map_err(from_store)? {
                if let Some(key) = place.relative(&meta.location).and_then(names::decode) {
                    entries.push(Entry { key, meta });
                }
            }
        }
        if self.buckets.folder_of(bucket).is_some() {
            let aside = self.list_aside(bucket).await?;
            entries.extend(aside.into_iter().filter(|entry| entry.key.starts_with(folder)));
        }
        Ok(entries)
    }

    /// A store's error about an object, where a folder may say "not found" in other words.
    pub(crate) fn explain(&self, bucket: &str, key: &str, error: object_store::Error) -> S3Error {
        let is_aside = || self.aside().get(bucket).is_some_and(|keys| keys.contains(key));
        if let Some(folder) = self.buckets.folder_of(bucket).filter(|_| !is_aside()) {
            let absent = match std::fs::metadata(folder.join(names::encode(key))) {
                Ok(facts) => facts.is_dir(),
                Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
            };
            if absent {
                return s3_error!(error, NoSuchKey, "The specified key does not exist.");
            }
        }
        from_store(error)
    }

    async fn settle_file(
        &self,
        bucket: &str,
        key: &str,
        landed: &FilePath,
        folder: &FilePath,
        hidden: &FilePath,
    ) -> S3Result<()> {
        let encoded = names::encode(key);
        if !self.is_aside(bucket, key, &encoded).await? {
            match move_file(landed, folder, &encoded).await {
                Err(error) if in_the_way(&error) => {}
                result => return result.map_err(from_io),
            }
        }
        move_file(landed, hidden, &format!("{ASIDE}/{}", names::flat(key))).await.map_err(from_io)?;
        // A bucket whose keys aside have not been listed yet needs no note of this one: it will be listed.
        if let Some(keys) = self.aside().get_mut(bucket) {
            keys.insert(key.to_owned());
        }
        Ok(())
    }

    async fn is_aside(&self, bucket: &str, key: &str, encoded: &str) -> S3Result<bool> {
        if !names::fits_a_folder(encoded) {
            return Ok(true);
        }
        if let Some(keys) = self.aside().get(bucket) {
            return Ok(keys.contains(key));
        }
        let keys: HashSet<String> = self.list_aside(bucket).await?.into_iter().map(|entry| entry.key).collect();
        Ok(self.aside().entry(bucket.to_owned()).or_insert(keys).contains(key))
    }

    async fn list_aside(&self, bucket: &str) -> S3Result<Vec<Entry>> {
        let hidden = self.buckets.hidden(bucket)?;
        let root = hidden.path(ASIDE)?;
        let listed: Vec<ObjectMeta> = hidden.store.list(Some(&root)).try_collect().await.map_err(from_store)?;
        let key =
            |meta: &ObjectMeta| names::unflat(hidden.relative(&meta.location)?.strip_prefix(ASIDE)?.strip_prefix('/')?);
        Ok(listed.into_iter().filter_map(|meta| Some(Entry { key: key(&meta)?, meta })).collect())
    }

    fn aside(&self) -> MutexGuard<'_, HashMap<String, HashSet<String>>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves a file to `root/encoded`, making the folders in between but never `root`.
async fn move_file(from: &FilePath, root: &FilePath, encoded: &str) -> io::Result<()> {
    let (from, root, target): (PathBuf, PathBuf, PathBuf) = (from.into(), root.into(), root.join(encoded));
    let moved = tokio::task::spawn_blocking(move || {
        let mut last = io::Error::from(ErrorKind::NotFound);
        for _ in 0..ATTEMPTS {
            match std::fs::rename(&from, &target) {
                Err(error) if error.kind() == ErrorKind::NotFound => last = error,
                result => return result,
            }
            if !root.is_dir() {
                break;
            }
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)?;
            }
        }
        Err(last)
    });
    moved.await?
}

/// Whether a file or a folder of that name stands where a folder or a file should be.
fn in_the_way(error: &io::Error) -> bool {
    use ErrorKind::{AlreadyExists, DirectoryNotEmpty, IsADirectory, NotADirectory};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | IsADirectory | NotADirectory)
}
