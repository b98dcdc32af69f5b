//! A table as a store of `object_store` 0.11.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use object_store_011 as object_store;
use object_store_011::path::Path;
use object_store_011::{
    Attribute, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOpts,
    PutOptions, PutPayload, PutResult, Result,
};

use super::error::ForeignError;

#[path = "adapter.rs"]
mod adapter;

pub use self::adapter::ForeignStore;

/// How this version counts bytes.
type Size = usize;

fn size(bytes: u64) -> Size {
    // On machines of less than 64 bits this version cannot say more.
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn number(bytes: Size) -> u64 {
    bytes as u64
}

fn not_implemented(_: &ForeignError) -> Error {
    Error::NotImplemented
}

fn storage_class() -> Option<Attribute> {
    None
}

#[async_trait]
impl ObjectStore for ForeignStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        adapter::put(self, location, &payload, options).await
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOpts) -> Result<Box<dyn MultipartUpload>> {
        adapter::put_multipart(self, location, &options.attributes, &options.tags).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        adapter::get(self, location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<usize>]) -> Result<Vec<Bytes>> {
        adapter::get_ranges(self, location, ranges).await
    }

    async fn delete(&self, location: &Path) -> Result<()> {
        adapter::delete(self, location).await
    }

    fn delete_stream<'a>(&'a self, locations: BoxStream<'a, Result<Path>>) -> BoxStream<'a, Result<Path>> {
        adapter::delete_stream(self, locations).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'_, Result<ObjectMeta>> {
        adapter::list(self, prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'_, Result<ObjectMeta>> {
        adapter::list(self, prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (objects, common_prefixes) = adapter::list_level(self, prefix).await?;
        Ok(ListResult { objects, common_prefixes })
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        adapter::copy(self, from, to, false, false).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        adapter::copy(self, from, to, true, false).await
    }

    async fn copy_if_not_exists(&self, from: &Path, to: &Path) -> Result<()> {
        adapter::copy(self, from, to, false, true).await
    }

    async fn rename_if_not_exists(&self, from: &Path, to: &Path) -> Result<()> {
        adapter::copy(self, from, to, true, true).await
    }
}

fn put_result(e_tag: Option<String>, version: Option<String>) -> PutResult {
    PutResult { e_tag, version }
}

fn get_result(
    payload: object_store::GetResultPayload,
    meta: ObjectMeta,
    range: Range<usize>,
    attributes: object_store::Attributes,
) -> GetResult {
    GetResult { payload, meta, range, attributes }
}
