//! Exporters and stores for tests.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use longshore_abi::StoreRef;
use longshore_ffi::{Exported, Exporter, Settings};
use object_store_014::memory::InMemory;
use object_store_014::path::Path;
use object_store_014::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use tokio::runtime::Runtime;

/// Keeps a value for ever, where whoever looks for leaks sees that it is meant to stay.
pub(crate) fn kept<T>(value: T) -> &'static mut T {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let kept = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push(std::ptr::from_ref(kept).addr());
    kept
}

/// A runtime of two threads and its exporter.
pub(crate) struct World {
    pub(crate) exporter: Exporter,
    pub(crate) runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { exporter: Exporter::new(runtime.handle().clone(), settings), runtime }
    }

    /// Waits until no more than `most` operations are under way: an operation leaves a moment after it has called back.
    pub(crate) fn settles(&self, most: usize) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while self.exporter.in_flight() > most {
            assert!(std::time::Instant::now() < deadline, "{} are still under way", self.exporter.in_flight());
            std::thread::yield_now();
        }
    }

    pub(crate) fn export(&self, store: impl ObjectStore) -> StoreRef {
        self.exporter.export(Exported::new(Arc::new(store)))
    }
}

/// What a [`Moody`] store does instead of what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Does it.
    Good,
    /// Never ends.
    Hangs,
    /// Panics, in the call itself.
    Panics,
    /// Panics when it is polled for the second time.
    PanicsLater,
    /// Does it, after a moment.
    Slow,
}

/// A store in memory with moods.
#[derive(Debug)]
pub(crate) struct Moody {
    pub(crate) inner: Arc<InMemory>,
    pub(crate) mood: Mood,
    /// How many of its operations are between their beginning and their end.
    pub(crate) busy: Arc<AtomicUsize>,
}

impl Moody {
    pub(crate) fn new(mood: Mood) -> Self {
        Self { inner: Arc::default(), mood, busy: Arc::default() }
    }

    async fn brood(&self) {
        struct Busy(Arc<AtomicUsize>);
        impl Drop for Busy {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.busy.fetch_add(1, Ordering::SeqCst);
        let _busy = Busy(Arc::clone(&self.busy));
        match self.mood {
            Mood::Good => {}
            Mood::Hangs => std::future::pending().await,
            Mood::Panics => panic!("in a bad mood"),
            Mood::PanicsLater => {
                tokio::task::yield_now().await;
                panic!("in a bad mood, later");
            }
            Mood::Slow => tokio::time::sleep(std::time::Duration::from_millis(2)).await,
        }
    }
}

impl fmt::Display for Moody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert_ne!(self.mood, Mood::Panics, "in a bad mood");
        write!(formatter, "Moody")
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        assert!(self.mood != Mood::Panics || std::thread::panicking(), "in a bad mood to the end");
    }
}

/// An upload with a mood.
#[derive(Debug)]
struct MoodyUpload(Mood, Box<dyn MultipartUpload>);

#[async_trait::async_trait]
impl MultipartUpload for MoodyUpload {
    fn put_part(&mut self, data: PutPayload) -> BoxFuture<'static, Result<()>> {
        assert_ne!(self.0, Mood::Panics, "in a bad mood");
        self.1.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        assert_ne!(self.0, Mood::Panics, "in a bad mood");
        self.1.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        assert_ne!(self.0, Mood::Panics, "in a bad mood");
        self.1.abort().await
    }
}

#[async_trait::async_trait]
impl ObjectStore for Moody {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.brood().await;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // The upload itself is in a mood, so that it can be reached.
        Ok(Box::new(MoodyUpload(self.mood, self.inner.put_multipart_opts(location, options).await?)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.brood().await;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.brood().await;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        assert_ne!(self.mood, Mood::Panics, "in a bad mood");
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        assert_ne!(self.mood, Mood::Panics, "in a bad mood");
        if self.mood == Mood::Hangs { futures_util::stream::pending().boxed() } else { self.inner.list(prefix) }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.brood().await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.brood().await;
        self.inner.copy_opts(from, to, options).await
    }
}
