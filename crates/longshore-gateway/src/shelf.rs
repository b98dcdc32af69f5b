//! The objects of all buckets: bytes in the store, a [`Record`] beside them, and one writer per key at a time.
//!
//! Bytes and record are two writes. They stay together because a writer holds its key's lock over both, and because a
//! record is believed only for the bytes it names: a reader that finds them apart waits for the lock and looks again.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Range;
use std::sync::Arc;

use object_store::{Attributes, GetOptions, GetRange, GetResultPayload, ObjectMeta, ObjectStoreExt, PutPayload};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::buckets::Buckets;
use crate::conditions::WriteConditions;
use crate::failure::from_store;
use crate::intake::Staged;
use crate::listing::{Entry, Listings};
use crate::names;
use crate::places::{Places, Spot};
use crate::record::{Cache, Record, store_tag};

/// Locks that keys share by hash.
const LOCKS: usize = 256;

/// Attempts to read bytes and record together while writers keep replacing both.
const ATTEMPTS: usize = 8;

/// The objects behind one gateway.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) places: Places,
    pub(crate) listings: Listings,
    cache: Cache,
    locks: Vec<tokio::sync::Mutex<()>>,
}

/// An object opened for reading.
pub(crate) struct Opened {
    pub(crate) record: Arc<Record>,
    pub(crate) payload: GetResultPayload,
    pub(crate) range: Range<u64>,
}

/// Why an object could not be opened.
pub(crate) enum OpenError {
    /// The object is there, the range is not in it.
    Unsatisfiable(Arc<Record>),
    /// Anything else.
    Failed(S3Error),
}

impl From<S3Error> for OpenError {
    fn from(error: S3Error) -> Self {
        Self::Failed(error)
    }
}

impl Shelf {
    /// Serves these buckets.
    pub(crate) fn new(buckets: Buckets) -> Self {
        Self {
            places: Places::new(buckets),
            listings: Listings::default(),
            cache: Cache::default(),
            locks: (0..LOCKS).map(|_| tokio::sync::Mutex::new(())).collect(),
        }
    }

    /// Opens an object, or a range of it.
    pub(crate) async fn open(&self, bucket: &str, key: &str, range: Option<GetRange>) -> Result<Opened, OpenError> {
        for _ in 0..ATTEMPTS {
            let spot = self.places.spot(bucket, key).await?;
            let options = GetOptions { range: range.clone(), ..GetOptions::default() };
            let result = match spot.place.store.get_opts(&spot.path, options).await {
                Ok(result) => result,
                Err(error) => {
                    let Some(range) = range.filter(|_| !matches!(error, object_store::Error::NotFound { .. })) else {
                        return Err(self.places.explain(bucket, key, error).into());
                    };
                    let record = self.head(bucket, key).await?;
                    return Err(match range.as_range(record.size) {
                        Err(_) => OpenError::Unsatisfiable(record),
                        Ok(_) => self.places.explain(bucket, key, error).into(),
                    });
                }
            };
            if let Some(record) = self.record(bucket, key, &result.meta, Some(&result.attributes)).await? {
                return Ok(Opened { record, payload: result.payload, range: result.range });
            }
        }
        Err(busy().into())
    }

    /// The record of an object.
    pub(crate) async fn head(&self, bucket: &str, key: &str) -> S3Result<Arc<Record>> {
        for _ in 0..ATTEMPTS {
            let spot = self.places.spot(bucket, key).await?;
            let options = GetOptions { head: true, ..GetOptions::default() };
            let result = spot.place.store.get_opts(&spot.path, options).await;
            let result = result.map_err(|error| self.places.explain(bucket, key, error))?;
            if let Some(record) = self.record(bucket, key, &result.meta, Some(&result.attributes)).await? {
                return Ok(record);
            }
        }
        Err(busy())
    }

    /// The record of a listed object; `None` when it has gone since.
    pub(crate) async fn listed(&self, bucket: &str, entry: &Entry) -> S3Result<Option<Arc<Record>>> {
        if let Some(record) = self.record(bucket, &entry.key, &entry.meta, None).await? {
            return Ok(Some(record));
        }
        match self.head(bucket, &entry.key).await {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.code() == &S3ErrorCode::NoSuchKey => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Publishes a staged body with its record. Runs to its end even when the client goes away.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        bucket: &str,
        key: &str,
        staged: Staged,
        record: Record,
        conditions: WriteConditions,
    ) -> S3Result<Arc<Record>> {
        let shelf = Arc::clone(self);
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let task = tokio::spawn(async move { shelf.commit_now(&bucket, &key, staged, record, &conditions).await });
        task.await.map_err(|error| s3_error!(error, InternalError, "the write was interrupted"))?
    }

    /// Gives an object other headers and leaves its bytes alone. The record is one that was just read.
    pub(crate) async fn amend(&self, bucket: &str, key: &str, record: Record) -> S3Result<Arc<Record>> {
        let _lock = self.lock(bucket, key).await;
        let spot = self.places.spot(bucket, key).await?;
        let meta = spot.place.store.head(&spot.path).await.map_err(|error| self.places.explain(bucket, key, error))?;
        if store_tag(&meta) != record.store_tag {
            return Err(s3_error!(ConditionalRequestConflict, "The object was replaced during this request"));
        }
        let record = Arc::new(record);
        self.save(bucket, key, &record).await?;
        Ok(record)
    }

    /// Removes an object; one that is not there is no failure.
    pub(crate) async fn remove(&self, bucket: &str, key: &str, conditions: &WriteConditions) -> S3Result<()> {
        let _lock = self.lock(bucket, key).await;
        let spot = self.places.spot(bucket, key).await?;
        if conditions.any() {
            let existing = self.existing(bucket, key, &spot).await?;
            conditions.check(existing.as_deref())?;
        }
        if let Err(error) = spot.place.store.delete(&spot.path).await {
            let error = self.places.explain(bucket, key, error);
            if error.code() != &S3ErrorCode::NoSuchKey {
                return Err(error);
            }
        }
        let hidden = self.places.buckets.hidden(bucket)?;
        match hidden.store.delete(&hidden.path(&record_path(key))?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(from_store(error)),
        }
        self.cache.forget(bucket, key);
        self.places.forget(bucket, key);
        self.listings.removed(bucket, key);
        Ok(())
    }

    /// Removes an empty bucket.
    pub(crate) async fn remove_bucket(&self, bucket: &str) -> S3Result<()> {
        self.places.buckets.delete(bucket).await?;
        self.cache.forget_bucket(bucket);
        self.places.forget_bucket(bucket);
        self.listings.changed(bucket);
        Ok(())
    }

    async fn commit_now(
        &self,
        bucket: &str,
        key: &str,
        staged: Staged,
        mut record: Record,
        conditions: &WriteConditions,
    ) -> S3Result<Arc<Record>> {
        let _lock = self.lock(bucket, key).await;
        if conditions.any() {
            let spot = self.places.spot(bucket, key).await?;
            let existing = self.existing(bucket, key, &spot).await?;
            if let Err(error) = conditions.check(existing.as_deref()) {
                staged.discard().await;
                return Err(error);
            }
        }
        let (landing, result) = staged.publish(conditions.create_only()).await?;
        record.store_tag = match result.e_tag {
            Some(tag) => tag,
            None => store_tag(&landing.place.store.head(&landing.path).await.map_err(from_store)?),
        };
        self.places.settle(bucket, key, &landing).await?;
        let record = Arc::new(record);
        self.save(bucket, key, &record).await?;
        Ok(record)
    }

    async fn save(&self, bucket: &str, key: &str, record: &Arc<Record>) -> S3Result<()> {
        let hidden = self.places.buckets.hidden(bucket)?;
        let text = serde_json::to_vec(record.as_ref()).map_err(|error| s3_error!(error, InternalError))?;
        let saved = hidden.store.put(&hidden.path(&record_path(key))?, PutPayload::from(text)).await;
        self.cache.keep(bucket, key, Arc::clone(record));
        self.listings.changed(bucket);
        saved.map(drop).map_err(from_store)
    }

    /// The record of these bytes; `None` when a writer has replaced them meanwhile.
    async fn record(
        &self,
        bucket: &str,
        key: &str,
        meta: &ObjectMeta,
        attributes: Option<&Attributes>,
    ) -> S3Result<Option<Arc<Record>>> {
        let tag = store_tag(meta);
        if let Some(record) = self.cache.find(bucket, key, &tag) {
            return Ok(Some(record));
        }
        if let Some(record) = self.load(bucket, key, &tag).await? {
            return Ok(Some(record));
        }
        // Either a writer is between bytes and record, or nobody wrote a record.
        let _lock = self.lock(bucket, key).await;
        let spot = self.places.spot(bucket, key).await?;
        match spot.place.store.head(&spot.path).await {
            Ok(now) if store_tag(&now) == tag => self.known(bucket, key, meta, attributes).await.map(Some),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.places.explain(bucket, key, error)),
        }
    }

    /// The record of an object while its lock is held.
    async fn existing(&self, bucket: &str, key: &str, spot: &Spot) -> S3Result<Option<Arc<Record>>> {
        match spot.place.store.head(&spot.path).await.map_err(|error| self.places.explain(bucket, key, error)) {
            Ok(meta) => self.known(bucket, key, &meta, None).await.map(Some),
            Err(error) if error.code() == &S3ErrorCode::NoSuchKey => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The record of bytes that no writer is replacing: cached, saved or derived.
    async fn known(
        &self,
        bucket: &str,
        key: &str,
        meta: &ObjectMeta,
        attributes: Option<&Attributes>,
    ) -> S3Result<Arc<Record>> {
        let tag = store_tag(meta);
        if let Some(record) = self.cache.find(bucket, key, &tag) {
            return Ok(record);
        }
        if let Some(record) = self.load(bucket, key, &tag).await? {
            return Ok(record);
        }
        let record = Arc::new(Record::derived(meta, attributes.unwrap_or(&Attributes::new())));
        if attributes.is_some() || self.places.buckets.folder_of(bucket).is_some() {
            self.cache.keep(bucket, key, Arc::clone(&record));
        }
        Ok(record)
    }

    async fn load(&self, bucket: &str, key: &str, tag: &str) -> S3Result<Option<Arc<Record>>> {
        let hidden = self.places.buckets.hidden(bucket)?;
        let bytes = match hidden.store.get(&hidden.path(&record_path(key))?).await {
            Ok(result) => result.bytes().await.map_err(from_store)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(from_store(error)),
        };
        let Ok(record) = serde_json::from_slice::<Record>(&bytes) else { return Ok(None) };
        if record.store_tag != tag {
            return Ok(None);
        }
        let record = Arc::new(record);
        self.cache.keep(bucket, key, Arc::clone(&record));
        Ok(Some(record))
    }

    async fn lock(&self, bucket: &str, key: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((bucket, key));
        let index = usize::try_from(hash % LOCKS as u64).unwrap_or(0);
        self.locks[index].lock().await
    }
}

fn record_path(key: &str) -> String {
    format!("records/{}", names::flat(key))
}

fn busy() -> S3Error {
    s3_error!(SlowDown, "the object is being replaced again and again")
}
