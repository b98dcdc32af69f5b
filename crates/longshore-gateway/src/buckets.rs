//! Where buckets live, over a store of any kind or over a folder.
//!
//! Over any store, a bucket is a first-level prefix: the object `key` of `bucket` is at `bucket/key`. A bucket exists when
//! its marker object does (`.longshore/bucket/marker`, written by CreateBucket), or when an object lies under its prefix.
//!
//! Over a folder, a bucket is a sub-folder, and nothing else: creating one makes the folder, deleting one removes it.
//! Each has a [`LocalFileSystem`] of its own, so that tidying empty folders after a delete stops at the bucket.
//!
//! Beside the buckets there is a hidden area, `.longshore/bucket/`, for records, parts in upload, and keys that a folder
//! cannot hold under their own name. No bucket name starts with a dot, so no request reaches it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use s3s::{S3Result, s3_error};

use crate::failure::{from_io, from_store};
use crate::names;

/// The hidden area, beside the buckets.
const HIDDEN: &str = ".longshore";

/// A store and the path in it that something is relative to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) store: Arc<dyn ObjectStore>,
    root: String,
}

impl Place {
    /// The store path of an encoded, relative path.
    pub(crate) fn path(&self, encoded: &str) -> S3Result<Path> {
        if self.root.is_empty() {
            names::path(encoded)
        } else if encoded.is_empty() {
            names::path(&self.root)
        } else {
            names::path(&format!("{}/{encoded}", self.root))
        }
    }

    /// The encoded, relative path of a store path in this place.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> Option<&'a str> {
        let path = path.as_ref();
        if self.root.is_empty() { Some(path) } else { path.strip_prefix(&self.root)?.strip_prefix('/') }
    }
}

/// The buckets of one gateway.
#[derive(Debug)]
pub(crate) struct Buckets {
    layout: Layout,
    /// Buckets seen to exist in a plain store.
    known: Mutex<HashSet<String>>,
    /// The stores of a folder, by sub-folder.
    folders: Mutex<HashMap<PathBuf, Arc<LocalFileSystem>>>,
}

#[derive(Debug)]
enum Layout {
    Store(Arc<dyn ObjectStore>),
    Folder(PathBuf),
}

impl Buckets {
    /// Buckets as first-level prefixes of a store.
    pub(crate) fn in_store(store: Arc<dyn ObjectStore>) -> Self {
        Self { layout: Layout::Store(store), known: Mutex::default(), folders: Mutex::default() }
    }

    /// Buckets as sub-folders; the folder is made if missing.
    pub(crate) fn in_folder(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let layout = Layout::Folder(folder.canonicalize()?);
        Ok(Self { layout, known: Mutex::default(), folders: Mutex::default() })
    }

    /// Whether the bucket exists.
    pub(crate) async fn exists(&self, bucket: &str) -> S3Result<bool> {
        let store = match &self.layout {
            Layout::Folder(folder) => return Ok(folder.join(bucket).is_dir()),
            Layout::Store(store) => store,
        };
        if self.known().contains(bucket) {
            return Ok(true);
        }
        let marked = match store.head(&marker(bucket)?).await {
            Ok(_) => true,
            Err(object_store::Error::NotFound { .. }) => false,
            Err(error) => return Err(from_store(error)),
        };
        let exists = marked || !self.is_empty(bucket).await?;
        if exists {
            self.known().insert(bucket.to_owned());
        }
        Ok(exists)
    }

    /// Fails with NoSuchBucket unless the bucket exists.
    pub(crate) async fn require(&self, bucket: &str) -> S3Result<()> {
        if self.exists(bucket).await? {
            return Ok(());
        }
        Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// Makes a bucket; one that exists already is the caller's own.
    pub(crate) async fn create(&self, bucket: &str) -> S3Result<()> {
        let owned = || s3_error!(BucketAlreadyOwnedByYou, "Your previous request to create the named bucket succeeded");
        match &self.layout {
            Layout::Folder(folder) => std::fs::create_dir(folder.join(bucket)).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => owned(),
                _ => from_io(error),
            }),
            Layout::Store(store) => {
                if self.exists(bucket).await? {
                    return Err(owned());
                }
                store.put(&marker(bucket)?, PutPayload::new()).await.map_err(from_store)?;
                self.known().insert(bucket.to_owned());
                Ok(())
            }
        }
    }

    /// Removes an empty bucket with everything hidden that belongs to it.
    pub(crate) async fn delete(&self, bucket: &str) -> S3Result<()> {
        self.require(bucket).await?;
        let full = || s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty");
        if !self.is_empty(bucket).await? {
            return Err(full());
        }
        match &self.layout {
            Layout::Folder(folder) => {
                remove_empty_folders(&folder.join(bucket)).map_err(|error| match error.kind() {
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => full(),
                    _ => from_io(error),
                })?;
                self.folders().clear();
                match std::fs::remove_dir_all(folder.join(HIDDEN).join(bucket)) {
                    Err(error) if error.kind() != ErrorKind::NotFound => Err(from_io(error)),
                    _ => Ok(()),
                }
            }
            Layout::Store(store) => {
                self.known().remove(bucket);
                let hidden = names::path(&format!("{HIDDEN}/{bucket}"))?;
                let leftovers = store.list(Some(&hidden)).map_ok(|meta| meta.location);
                store.delete_stream(Box::pin(leftovers)).try_collect::<Vec<_>>().await.map_err(from_store)?;
                Ok(())
            }
        }
    }

    /// Every bucket with its creation time, by name.
    pub(crate) async fn list(&self) -> S3Result<Vec<(String, SystemTime)>> {
        let mut found = BTreeMap::new();
        match &self.layout {
            Layout::Folder(folder) => {
                for entry in std::fs::read_dir(folder).map_err(from_io)? {
                    let entry = entry.map_err(from_io)?;
                    let Ok(name) = entry.file_name().into_string() else { continue };
                    let Ok(facts) = std::fs::metadata(entry.path()) else { continue };
                    if facts.is_dir() && s3s::path::check_bucket_name(&name) {
                        found.insert(
                            name,
                            facts.created().or_else(|_| facts.modified()).unwrap_or(SystemTime::UNIX_EPOCH),
                        );
                    }
                }
            }
            Layout::Store(store) => {
                let listing = store.list_with_delimiter(None).await.map_err(from_store)?;
                for prefix in listing.common_prefixes {
                    found.insert(prefix.as_ref().to_owned(), SystemTime::UNIX_EPOCH);
                }
                let hidden = names::path(HIDDEN)?;
                let listing = store.list_with_delimiter(Some(&hidden)).await.map_err(from_store)?;
                for prefix in listing.common_prefixes {
                    let Some(name) = prefix.filename() else { continue };
                    if let Ok(meta) = store.head(&marker(name)?).await {
                        found.insert(name.to_owned(), meta.last_modified.into());
                    }
                }
                found.retain(|name, _| s3s::path::check_bucket_name(name));
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Where the objects of a bucket are.
    pub(crate) fn objects(&self, bucket: &str) -> S3Result<Place> {
        match &self.layout {
            Layout::Store(store) => Ok(Place { store: Arc::clone(store), root: bucket.to_owned() }),
            Layout::Folder(folder) => Ok(Place { store: self.folder(folder.join(bucket))?, root: String::new() }),
        }
    }

    /// Where the gateway keeps its own things about a bucket.
    pub(crate) fn hidden(&self, bucket: &str) -> S3Result<Place> {
        match &self.layout {
            Layout::Store(store) => Ok(Place { store: Arc::clone(store), root: format!("{HIDDEN}/{bucket}") }),
            Layout::Folder(folder) => {
                let path = folder.join(HIDDEN).join(bucket);
                let place = |store| Place { store, root: String::new() };
                if let Some(store) = self.folders().get(&path) {
                    return Ok(place(Arc::clone(store) as _));
                }
                std::fs::create_dir_all(&path).map_err(from_io)?;
                Ok(place(self.folder(path)?))
            }
        }
    }

    /// The sub-folder of a bucket, when it has one.
    pub(crate) fn folder_of(&self, bucket: &str) -> Option<PathBuf> {
        match &self.layout {
            Layout::Folder(folder) => Some(folder.join(bucket)),
            Layout::Store(_) => None,
        }
    }

    /// The hidden sub-folder of a bucket, when it has one.
    pub(crate) fn hidden_folder_of(&self, bucket: &str) -> Option<PathBuf> {
        match &self.layout {
            Layout::Folder(folder) => Some(folder.join(HIDDEN).join(bucket)),
            Layout::Store(_) => None,
        }
    }

    async fn is_empty(&self, bucket: &str) -> S3Result<bool> {
        let objects = self.objects(bucket)?;
        let root = objects.path("").ok();
        if objects.store.list(root.as_ref()).try_next().await.map_err(from_store)?.is_some() {
            return Ok(false);
        }
        if self.folder_of(bucket).is_none() {
            return Ok(true);
        }
        let hidden = self.hidden(bucket)?;
        let aside = hidden.path("aside")?;
        Ok(hidden.store.list(Some(&aside)).try_next().await.map_err(from_store)?.is_none())
    }

    fn folder(&self, path: PathBuf) -> S3Result<Arc<LocalFileSystem>> {
        let mut folders = self.folders();
        if let Some(store) = folders.get(&path) {
            return Ok(Arc::clone(store));
        }
        let store = LocalFileSystem::new_with_prefix(&path).map_err(from_store)?.with_automatic_cleanup(true);
        let store = Arc::new(store);
        folders.insert(path, Arc::clone(&store));
        Ok(store)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<LocalFileSystem>>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn marker(bucket: &str) -> S3Result<Path> {
    names::path(&format!("{HIDDEN}/{bucket}/marker"))
}

/// Removes a folder that holds folders only; a file anywhere in it stops that.
fn remove_empty_folders(folder: &std::path::Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_empty_folders(&entry.path())?;
        } else {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
    }
    std::fs::remove_dir(folder)
}
