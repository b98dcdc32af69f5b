//! A table as a store of `object_store` 0.14.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use object_store_014 as object_store;
use object_store_014::path::Path;
use object_store_014::{
    Attribute, CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode, Result,
};

use super::error::ForeignError;

#[path = "adapter.rs"]
mod adapter;

pub use self::adapter::ForeignStore;

/// How this version counts bytes.
type Size = u64;

fn size(bytes: u64) -> Size {
    bytes
}

fn number(bytes: Size) -> u64 {
    bytes
}

fn not_implemented(error: &ForeignError) -> Error {
    Error::NotImplemented {
        operation: error.message().to_owned(),
        implementer: error.store().unwrap_or("a foreign store").to_owned(),
    }
}

fn storage_class() -> Option<Attribute> {
    Some(Attribute::StorageClass)
}

#[async_trait]
impl ObjectStore for ForeignStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        adapter::put(self, location, &payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        adapter::put_multipart(self, location, &options.attributes, &options.tags).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        adapter::get(self, location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        adapter::get_ranges(self, location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        adapter::delete_stream(self, locations).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        adapter::list(self, prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        adapter::list(self, prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (objects, common_prefixes) = adapter::list_level(self, prefix).await?;
        Ok(ListResult { objects, common_prefixes, extensions: Default::default() })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        adapter::copy(self, from, to, false, options.mode == CopyMode::Create).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        adapter::copy(self, from, to, true, options.target_mode == RenameTargetMode::Create).await
    }
}

fn put_result(e_tag: Option<String>, version: Option<String>) -> PutResult {
    PutResult { e_tag, version, extensions: Default::default() }
}

fn get_result(
    payload: object_store::GetResultPayload,
    meta: ObjectMeta,
    range: Range<u64>,
    attributes: object_store::Attributes,
) -> GetResult {
    GetResult { payload, meta, range, attributes, extensions: Default::default() }
}
