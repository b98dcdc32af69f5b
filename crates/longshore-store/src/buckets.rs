//! All buckets of a service as one store: the first part of a key is the bucket.
//!
//! That is how file systems of `fsspec` see a service. Each bucket is a store of its own, opened when it is first named.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use longshore_config::{ConfigError, Context, Environment, Options, Scheme, open_bucket};
use object_store::path::{Path, PathPart};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use crate::OnRuntime;

/// How many objects are deleted at once.
const DELETIONS: usize = 16;

/// The buckets of a service that were named so far, and how further ones are opened.
pub(crate) struct Buckets {
    scheme: Scheme,
    options: Options,
    environment: Environment,
    opened: Arc<Mutex<HashMap<String, OnRuntime>>>,
}

impl Buckets {
    /// `options` are those of each bucket's store.
    pub(crate) fn new(scheme: Scheme, options: Options, environment: Environment) -> Self {
        Self { scheme, options, environment, opened: Arc::default() }
    }

    /// The same, for a stream that outlives the borrow.
    fn another(&self) -> Self {
        let (options, environment, opened) = (self.options.clone(), self.environment.clone(), Arc::clone(&self.opened));
        Self { scheme: self.scheme, options, environment, opened }
    }

    fn open(&self, bucket: &str) -> std::result::Result<OnRuntime, ConfigError> {
        let _no_fork = Context::process().without_forks();
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = opened.get(bucket) {
            return Ok(store.clone());
        }
        let store = OnRuntime::new(open_bucket(self.scheme, Some(bucket), self.options.clone(), &self.environment)?);
        opened.insert(bucket.to_owned(), store.clone());
        Ok(store)
    }

    /// The bucket's store, the bucket, and the key in it, which is empty for the bucket itself.
    fn split(&self, path: &Path) -> Result<(OnRuntime, PathPart<'static>, Path)> {
        let mut parts = path.parts();
        let Some(bucket) = parts.next() else {
            let reason = "the first part of a key is the bucket, and there is none";
            return Err(Error::NotSupported { source: reason.into() });
        };
        let store = self
            .open(bucket.as_ref())
            .map_err(|source| Error::Generic { store: "longshore", source: Box::new(source) })?;
        let key = parts.collect();
        Ok((store, PathPart::from(bucket.as_ref().to_owned()), key))
    }

    fn under(&self, prefix: Option<&Path>) -> Result<(OnRuntime, PathPart<'static>, Option<Path>)> {
        let (store, bucket, key) = self.split(prefix.unwrap_or(&Path::default()))?;
        Ok((store, bucket, Some(key).filter(|key| !key.as_ref().is_empty())))
    }

    fn two(&self, from: &Path, to: &Path) -> Result<(OnRuntime, Path, Path)> {
        let ((store, one, from), (_, two, to)) = (self.split(from)?, self.split(to)?);
        if one != two {
            let reason = "an object is copied inside one bucket; read it from the one and write it to the other";
            return Err(Error::NotSupported { source: reason.into() });
        }
        Ok((store, from, to))
    }
}

fn join(bucket: &PathPart<'_>, key: &Path) -> Path {
    std::iter::once(bucket.clone()).chain(key.parts()).collect()
}

fn shown(bucket: PathPart<'static>) -> impl Fn(ObjectMeta) -> ObjectMeta + Send + 'static {
    move |found| ObjectMeta { location: join(&bucket, &found.location), ..found }
}

fn refused<T: Send + 'static>(error: Error) -> BoxStream<'static, Result<T>> {
    futures::stream::once(futures::future::ready(Err(error))).boxed()
}

impl fmt::Display for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name())
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buckets({self})")
    }
}

#[async_trait]
impl ObjectStore for Buckets {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (store, _, key) = self.split(location)?;
        store.put_opts(&key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let (store, _, key) = self.split(location)?;
        store.put_multipart_opts(&key, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (store, bucket, key) = self.split(location)?;
        let mut result = store.get_opts(&key, options).await?;
        result.meta.location = join(&bucket, &result.meta.location);
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (store, _, key) = self.split(location)?;
        store.get_ranges(&key, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        // Which buckets there will be is not known ahead, so that each object is a request of its own.
        let own = self.another();
        let delete = move |location: Result<Path>| {
            let found = location.and_then(|location| Ok((own.split(&location)?, location)));
            async move {
                let ((store, _, key), location) = found?;
                let one = futures::stream::once(futures::future::ready(Ok(key))).boxed();
                store.delete_stream(one).try_collect::<Vec<_>>().await.map(|_| location)
            }
        };
        locations.map(delete).buffered(DELETIONS).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.under(prefix) {
            Ok((store, bucket, key)) => store.list(key.as_ref()).map_ok(shown(bucket)).boxed(),
            Err(error) => refused(error),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.under(prefix).and_then(|under| Ok((under, self.split(offset)?))) {
            Ok(((store, bucket, key), (_, other, offset))) if bucket == other => {
                store.list_with_offset(key.as_ref(), &offset).map_ok(shown(bucket)).boxed()
            }
            Ok(_) => refused(Error::NotSupported { source: "prefix and offset are in two buckets".into() }),
            Err(error) => refused(error),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (store, bucket, key) = self.under(prefix)?;
        let result = store.list_with_delimiter(key.as_ref()).await?;
        Ok(ListResult {
            common_prefixes: result.common_prefixes.iter().map(|path| join(&bucket, path)).collect(),
            objects: result.objects.into_iter().map(shown(bucket)).collect(),
            extensions: result.extensions,
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (store, from, to) = self.two(from, to)?;
        store.copy_opts(&from, &to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (store, from, to) = self.two(from, to)?;
        store.rename_opts(&from, &to, options).await
    }
}
