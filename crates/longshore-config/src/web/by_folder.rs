//! Listings of a WebDAV server for whoever asks through `ObjectStore`: folder by folder.
//!
//! `object_store` asks for everything below a folder with one request, of infinite depth. Servers refuse that, as RFC 4918 lets
//! them, or put the whole answer together in memory. So each folder is asked about by itself.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt, TryStreamExt};
use object_store::http::HttpStore;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// Folders that are asked about at once.
const AHEAD: usize = 16;
/// A link that leads to a folder above it makes folders without end. Real ones do not nest like that.
const DEEPEST: usize = 100;

#[derive(Clone, Debug)]
pub(super) struct ByFolder(Arc<HttpStore>);

impl ByFolder {
    pub(super) fn new(store: HttpStore) -> Self {
        Self(Arc::new(store))
    }

    async fn look(self, folder: Path) -> Result<ListResult> {
        if folder.parts_count() > DEEPEST {
            let reason = format!("folders nest more than {DEEPEST} deep; does a link there lead to a folder above it?");
            return Err(Error::Generic { store: "HTTP", source: reason.into() });
        }
        self.0.list_with_delimiter(Some(&folder)).await
    }
}

impl fmt::Display for ByFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for ByFolder {
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, root) = (self.clone(), prefix.cloned().unwrap_or_default());
        let beginning = (vec![root], FuturesUnordered::new());
        let levels = stream::try_unfold(beginning, move |(mut folders, mut asked)| {
            let store = store.clone();
            async move {
                while asked.len() < AHEAD
                    && let Some(folder) = folders.pop()
                {
                    asked.push(store.clone().look(folder));
                }
                let Some(level) = asked.try_next().await? else { return Ok(None) };
                folders.extend(level.common_prefixes);
                let objects = stream::iter(level.objects.into_iter().map(Ok));
                Ok::<_, Error>(Some((objects, (folders, asked))))
            }
        });
        levels.try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await
    }
}
