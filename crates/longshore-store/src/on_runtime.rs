//! A store that any executor may poll, or none: its I/O is done on longshore's runtime.
//!
//! What comes out of Python into somebody's Rust is polled by an executor that we know nothing about: another tokio, an
//! executor without a reactor, a thread that blocks. So each request is a task on our own runtime, and what the caller
//! polls only waits for it. A request that panics is an error, one that is dropped is aborted, and one that a forked child
//! inherited is an error: the threads that would answer it are in the parent. The next request of the child works, over
//! connections of its own.

use std::fmt;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt};
use longshore_config::{Context as Process, Scheme, Store as Handle};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// How many items of a stream wait for whoever polls it.
const READ_AHEAD: usize = 4;

/// The objects of a store, with all I/O on longshore's runtime.
///
/// A body that is a file stays a file ([`GetResultPayload::File`]): whoever reads it needs no reactor.
#[derive(Clone)]
pub struct OnRuntime(Arc<Handle>);

impl OnRuntime {
    /// Wraps `store`. Nothing is connected before the first request.
    pub fn new(store: Arc<Handle>) -> Self {
        Self(store)
    }

    /// The store itself.
    pub fn handle(&self) -> &Arc<Handle> {
        &self.0
    }

    /// The client of this process, which is another one after a fork.
    fn objects(&self) -> Result<Arc<dyn ObjectStore>> {
        self.0.live().map(|live| Arc::clone(&live.objects)).map_err(failed)
    }

    /// Does `request` with this process's client.
    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(Arc<dyn ObjectStore>) -> BoxFuture<'static, Result<T>>,
    ) -> BoxFuture<'static, Result<T>> {
        match self.objects() {
            Ok(objects) => start(request(objects)).boxed(),
            Err(error) => futures::future::ready(Err(error)).boxed(),
        }
    }

    /// As [`ask`](Self::ask), for a request that is answered by many items.
    fn ask_many<T: Send + 'static>(
        &self,
        request: impl FnOnce(Arc<dyn ObjectStore>) -> BoxStream<'static, Result<T>> + Send + 'static,
    ) -> BoxStream<'static, Result<T>> {
        match self.objects() {
            Ok(objects) => streamed(move || request(objects)),
            Err(error) => futures::stream::once(futures::future::ready(Err(error))).boxed(),
        }
    }
}

impl fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnRuntime({self})")
    }
}

impl fmt::Display for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, bucket) = (self.0.scheme().name(), self.0.bucket());
        if scheme == Scheme::Other.name()
            && let Ok(live) = self.0.live()
        {
            return live.objects.fmt(f);
        }
        if let Some(root) = self.0.root() {
            return write!(f, "{scheme}://{}", root.display());
        }
        // For the web the bucket is an origin, scheme and all.
        if bucket.contains("://") { f.write_str(bucket) } else { write!(f, "{scheme}://{bucket}") }
    }
}

#[async_trait]
impl ObjectStore for OnRuntime {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let location = location.clone();
        self.ask(|objects| async move { objects.put_opts(&location, payload, options).await }.boxed()).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let location = location.clone();
        let upload =
            self.ask(|objects| async move { objects.put_multipart_opts(&location, options).await }.boxed()).await?;
        Ok(Box::new(Upload(Ours::new(Arc::new(Mutex::new(upload))))))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let location = location.clone();
        let result = self.ask(|objects| async move { objects.get_opts(&location, options).await }.boxed()).await?;
        Ok(GetResult {
            payload: match result.payload {
                GetResultPayload::Stream(body) => GetResultPayload::Stream(streamed(move || body)),
                file => file,
            },
            ..result
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (location, ranges) = (location.clone(), ranges.to_vec());
        self.ask(|objects| async move { objects.get_ranges(&location, &ranges).await }.boxed()).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.ask_many(|objects| objects.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned();
        self.ask_many(move |objects| objects.list(prefix.as_ref()))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let (prefix, offset) = (prefix.cloned(), offset.clone());
        self.ask_many(move |objects| objects.list_with_offset(prefix.as_ref(), &offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned();
        self.ask(|objects| async move { objects.list_with_delimiter(prefix.as_ref()).await }.boxed()).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (from, to) = (from.clone(), to.clone());
        self.ask(|objects| async move { objects.copy_opts(&from, &to, options).await }.boxed()).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (from, to) = (from.clone(), to.clone());
        self.ask(|objects| async move { objects.rename_opts(&from, &to, options).await }.boxed()).await
    }
}

/// An upload in parts. Whoever completes it has it alone; a part that is added meanwhile is an error.
struct Upload(Ours<Arc<Mutex<Box<dyn MultipartUpload>>>>);

impl Upload {
    fn inner(&mut self) -> Result<Arc<Mutex<Box<dyn MultipartUpload>>>> {
        self.0.get().map(|inner| Arc::clone(inner)).ok_or_else(inherited)
    }

    fn part(&mut self, data: PutPayload) -> Result<UploadPart> {
        let inner = self.inner()?;
        let mut upload = inner.try_lock().map_err(|_| told("a part was added to an upload that is being completed"))?;
        let runtime = Process::process().runtime().map_err(failed)?;
        let _entered = runtime.enter();
        Ok(upload.put_part(data))
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // Parts are numbered in the order of these calls; nothing is sent before the part is polled.
        let part = self.part(data);
        async move { start(part?).await }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let inner = self.inner()?;
        start(async move { inner.lock().await.complete().await }).await
    }

    async fn abort(&mut self) -> Result<()> {
        let inner = self.inner()?;
        start(async move { inner.lock().await.abort().await }).await
    }
}

/// Starts `request` on the runtime.
fn start<T: Send + 'static>(request: impl Future<Output = Result<T>> + Send + 'static) -> Task<T> {
    Task(
        Process::process()
            .runtime()
            .map(|runtime| Ours::new(runtime.spawn(request)))
            .map_err(|error| Some(failed(error))),
    )
}

/// A request on the runtime, aborted when it is dropped; or why there is none.
struct Task<T>(std::result::Result<Ours<JoinHandle<Result<T>>>, Option<Error>>);

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(running) => match running.get() {
                None => Poll::Ready(Err(inherited())),
                Some(task) => Pin::new(task).poll(context).map(flat),
            },
            Err(error) => Poll::Ready(Err(error.take().unwrap_or_else(|| told("it was asked again after its end")))),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Ok(running) = &mut self.0
            && let Some(task) = running.get()
        {
            task.abort();
        }
    }
}

/// The items of the stream that `make` makes, read on the runtime from the first poll on.
fn streamed<T: Send + 'static>(
    make: impl FnOnce() -> BoxStream<'static, Result<T>> + Send + 'static,
) -> BoxStream<'static, Result<T>> {
    Items::Unread(Some(Box::new(make))).boxed()
}

/// What was read. The last item is `None`: without it the stream was cut off, which is never silent.
type Arriving<T> = mpsc::Receiver<Option<Result<T>>>;

enum Items<T> {
    Unread(Option<Box<dyn FnOnce() -> BoxStream<'static, Result<T>> + Send>>),
    Reading(Ours<(Arriving<T>, JoinHandle<()>)>),
    Ended,
}

impl<T: Send + 'static> Items<T> {
    fn begin(make: impl FnOnce() -> BoxStream<'static, Result<T>> + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(READ_AHEAD);
        let task = Process::process().runtime()?.spawn(async move {
            let mut items = make();
            while let Some(item) = items.next().await {
                if sender.send(Some(item)).await.is_err() {
                    return;
                }
            }
            // Nobody is left to be told, or they are told.
            let _ = sender.send(None).await;
        });
        Ok(Self::Reading(Ours::new((receiver, task))))
    }
}

impl<T: Send + 'static> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        if let Self::Unread(make) = &mut *self {
            let Some(make) = make.take() else { return Poll::Ready(None) };
            match Self::begin(make) {
                Ok(reading) => *self = reading,
                Err(error) => {
                    *self = Self::Ended;
                    return Poll::Ready(Some(Err(failed(error))));
                }
            }
        }
        let item = match &mut *self {
            Self::Reading(reading) => match reading.get() {
                None => Some(Err(inherited())),
                Some((receiver, task)) => match receiver.poll_recv(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(Some(item))) => return Poll::Ready(Some(item)),
                    Poll::Ready(Some(None)) => None,
                    Poll::Ready(None) => match Pin::new(task).poll(context) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Err(source)) => Some(Err(Error::JoinError { source })),
                        Poll::Ready(Ok(())) => Some(Err(told("the stream was cut off"))),
                    },
                },
            },
            _ => None,
        };
        *self = Self::Ended;
        Poll::Ready(item)
    }
}

impl<T> Drop for Items<T> {
    fn drop(&mut self) {
        if let Self::Reading(reading) = self
            && let Some((_, task)) = reading.get()
        {
            task.abort();
        }
    }
}

/// Something that belongs to the process that made it. A child can neither use it nor drop it, because a lock inside may
/// have been held by a thread of the parent.
struct Ours<T> {
    /// Always there, until it is dropped.
    value: Option<T>,
    generation: u64,
}

impl<T> Ours<T> {
    fn new(value: T) -> Self {
        Self { value: Some(value), generation: Process::process().generation() }
    }

    fn get(&mut self) -> Option<&mut T> {
        self.value.as_mut().filter(|_| self.generation == Process::process().generation())
    }
}

impl<T> Drop for Ours<T> {
    fn drop(&mut self) {
        if self.generation != Process::process().generation() {
            std::mem::forget(self.value.take());
        }
    }
}

fn flat<T>(outcome: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    outcome.unwrap_or_else(|source| Err(Error::JoinError { source }))
}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: "longshore", source: Box::new(source) }
}

fn told(reason: &'static str) -> Error {
    Error::Generic { store: "longshore", source: reason.into() }
}

fn inherited() -> Error {
    failed(Inherited)
}

/// A request that was begun before a fork, in the parent. A child cannot wait for it; a new request works.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this was begun in the parent process, before the fork; a child cannot go on with it, but can ask anew")]
pub struct Inherited;
