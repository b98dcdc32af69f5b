//! A store with a prefix before every key, or without one.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// A store whose keys all begin with a prefix, which callers neither write nor see.
///
/// Without a prefix it is the store itself; that is what sets it apart from `object_store`'s own `PrefixStore`.
#[derive(Clone, Debug)]
pub struct MaybePrefixedStore<T: ObjectStore> {
    prefix: Option<Path>,
    inner: T,
}

impl<T: ObjectStore> MaybePrefixedStore<T> {
    /// `store` with `prefix` before every key. An empty prefix is none.
    pub fn new(store: T, prefix: Option<impl Into<Path>>) -> Self {
        Self { prefix: prefix.map(Into::into).filter(|prefix| !prefix.as_ref().is_empty()), inner: store }
    }

    /// The store without the prefix.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// The prefix.
    pub fn prefix(&self) -> Option<&Path> {
        self.prefix.as_ref()
    }

    fn full(&self, key: &Path) -> Path {
        join(self.prefix.as_ref(), key)
    }

    /// What to list for `key`: all that is under the prefix, where there is no key.
    fn full_prefix(&self, key: Option<&Path>) -> Option<Path> {
        match key {
            Some(key) => Some(self.full(key)),
            None => self.prefix.clone(),
        }
    }

    /// Shows what was found as callers see it. It does not borrow, because listings outlive the store they came from.
    fn shown(&self) -> impl Fn(ObjectMeta) -> ObjectMeta + Send + 'static {
        let prefix = self.prefix.clone();
        move |found| ObjectMeta { location: strip(prefix.as_ref(), found.location), ..found }
    }
}

impl<T: ObjectStore> fmt::Display for MaybePrefixedStore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.prefix {
            Some(prefix) => write!(f, "{}/{prefix}", self.inner),
            None => write!(f, "{}", self.inner),
        }
    }
}

#[async_trait]
impl<T: ObjectStore> ObjectStore for MaybePrefixedStore<T> {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(&self.full(location), payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(&self.full(location), options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut result = self.inner.get_opts(&self.full(location), options).await?;
        result.meta.location = strip(self.prefix.as_ref(), result.meta.location);
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(&self.full(location), ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (into, out_of) = (self.prefix.clone(), self.prefix.clone());
        let locations = locations.map_ok(move |location| join(into.as_ref(), &location)).boxed();
        self.inner.delete_stream(locations).map_ok(move |location| strip(out_of.as_ref(), location)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(self.full_prefix(prefix).as_ref()).map_ok(self.shown()).boxed()
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let found = self.inner.list_with_offset(self.full_prefix(prefix).as_ref(), &self.full(offset));
        found.map_ok(self.shown()).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let result = self.inner.list_with_delimiter(self.full_prefix(prefix).as_ref()).await?;
        let prefix = self.prefix.as_ref();
        Ok(ListResult {
            common_prefixes: result.common_prefixes.into_iter().map(|path| strip(prefix, path)).collect(),
            objects: result.objects.into_iter().map(self.shown()).collect(),
            extensions: result.extensions,
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(&self.full(from), &self.full(to), options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(&self.full(from), &self.full(to), options).await
    }
}

/// The whole key.
pub(crate) fn join(prefix: Option<&Path>, key: &Path) -> Path {
    match prefix {
        Some(prefix) => prefix.parts().chain(key.parts()).collect(),
        None => key.clone(),
    }
}

/// A store only tells of keys that were asked for, so the prefix is there.
fn strip(prefix: Option<&Path>, key: Path) -> Path {
    let stripped = prefix.and_then(|prefix| Some(key.prefix_match(prefix)?.collect()));
    stripped.unwrap_or(key)
}
