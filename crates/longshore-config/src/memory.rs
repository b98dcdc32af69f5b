//! A memory store that a forked child may go on using.
//!
//! `InMemory` guards its map with a lock, held only while one of its futures is being polled. Polling inside
//! [`fork::shared`] keeps forks out of those moments, so a child inherits the contents with the lock free.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::stream::{BoxStream, Stream, StreamExt};
use longshore_runtime::fork;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};

#[derive(Debug, Default)]
pub(crate) struct ForkSafeMemory(InMemory);

/// Polls what it holds with forks kept out.
struct Gated<T>(Pin<Box<T>>);

impl<T> Gated<T> {
    fn new(inner: T) -> Self {
        Self(Box::pin(inner))
    }
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _no_fork = fork::shared();
        self.0.as_mut().poll(context)
    }
}

impl<S: Stream> Stream for Gated<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let _no_fork = fork::shared();
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Display for ForkSafeMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

#[async_trait]
impl ObjectStore for ForkSafeMemory {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        Gated::new(self.0.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = Gated::new(self.0.put_multipart_opts(location, options)).await?;
        Ok(Box::new(GatedUpload(upload)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        Gated::new(self.0.get_opts(location, options)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        Gated::new(self.0.delete_stream(locations)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        // `InMemory` reads its map when it is called, not when the stream is polled.
        let _no_fork = fork::shared();
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        Gated::new(self.0.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        Gated::new(self.0.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct GatedUpload(Box<dyn MultipartUpload>);

#[async_trait]
impl MultipartUpload for GatedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        Box::pin(Gated::new(self.0.put_part(data)))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        Gated::new(self.0.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        Gated::new(self.0.abort()).await
    }
}
