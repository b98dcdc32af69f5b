//! Writes: one object, or many at once, in parts where an object is large.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use longshore_config::Scheme;
use longshore_formats::Generator;
use object_store::path::Path;
use object_store::{Attributes, MultipartUpload, PutMultipartOptions, PutOptions, PutPayload};

use crate::budget::{Budget, Limits};
use crate::error::{Context, Error, trace};
use crate::manage::head;
use crate::object::{Object, path, require_path, require_writable};
use crate::progress::Progress;
use crate::transfer::{Cleanup, Guard};
use crate::{local, s3, window};

/// Objects from this size on are sent in parts.
const MULTIPART_FROM: usize = 64 << 20;
/// The size of a part, unless that would make too many.
const PART: usize = 16 << 20;
/// S3 takes 10,000 parts at most.
const MOST_PARTS: usize = 10_000;
/// Parts of one object at once.
const PARTS_IN_FLIGHT: usize = 4;

/// Provides the bodies of a bulk write, each when its turn comes.
pub trait Source: Send + Sync + 'static {
    /// The size of body number `index`, known before it is made.
    fn size(&self, index: usize) -> u64;

    /// Body number `index`. May take its time: it is called off the runtime's workers if [`is_costly`](Self::is_costly).
    fn body(&self, index: usize) -> Bytes;

    /// Whether making a body is work, rather than handing out what is there.
    fn is_costly(&self) -> bool {
        false
    }
}

/// Bodies that are there already.
impl Source for Vec<Bytes> {
    fn size(&self, index: usize) -> u64 {
        self[index].len() as u64
    }

    fn body(&self, index: usize) -> Bytes {
        self[index].clone()
    }
}

/// Bodies that are made when their turn comes.
impl Source for Generator {
    fn size(&self, _index: usize) -> u64 {
        Self::size(self) as u64
    }

    fn body(&self, index: usize) -> Bytes {
        self.generate(index as u64)
    }

    fn is_costly(&self) -> bool {
        true
    }
}

/// Writes every object with its body from `source`, as many at once as `limits` allow.
///
/// # Errors
///
/// The first failure; it names its object, and cancels the rest. What was written by then stays; what was half done is gone, or
/// `cleanup` knows of it.
pub async fn put_many<S: Source>(
    objects: Vec<Object>,
    source: Arc<S>,
    limits: Limits,
    progress: &Progress,
    cleanup: &Cleanup,
) -> Result<(), Error> {
    for object in &objects {
        require_writable(&object.store, &object.context("put"))?;
    }
    progress.expect(objects.len() as u64);
    let budget = Budget::new(limits.memory);
    let context = Context::new("put", objects.first().map(|object| object.uri.to_string()).unwrap_or_default());
    let (count, progress_here, cleanup) = (objects.len(), progress.clone(), cleanup.within());
    // Lanes that are aborted end a little later, and could begin something until then.
    let objects = Arc::new((objects, cleanup.clone(), cleanup.guard()));
    let written = window::run(context, count, limits.in_flight, move |index| {
        let (call, source) = (Arc::clone(&objects), Arc::clone(&source));
        let (budget, progress) = (budget.clone(), progress_here.clone());
        async move {
            let (objects, cleanup, _) = &*call;
            let object = &objects[index];
            let _share = budget.take(source.size(index)).await;
            let body = if source.is_costly() {
                let making = tokio::task::spawn_blocking(move || source.body(index)).await;
                making.map_err(|error| window::lost(&object.context("put"), error))?
            } else {
                source.body(index)
            };
            write(object, body, &progress, cleanup).await
        }
    })
    .await;
    if written.is_err() {
        cleanup.settle().await;
    }
    written?;
    progress.finish();
    Ok(())
}

/// Writes one object.
///
/// # Errors
///
/// A missing bucket is [`ErrorKind::NotFound`](crate::ErrorKind::NotFound); and what else the store answers.
pub async fn put(object: &Object, body: Bytes, progress: &Progress) -> Result<(), Error> {
    progress.expect(1);
    let cleanup = Cleanup::default();
    let written = write(object, body, progress, &cleanup).await;
    if written.is_err() {
        cleanup.settle().await;
    }
    written?;
    progress.finish();
    Ok(())
}

async fn write(object: &Object, body: Bytes, progress: &Progress, cleanup: &Cleanup) -> Result<(), Error> {
    let context = object.context("put");
    require_writable(&object.store, &context)?;
    if object.store.scheme() == Scheme::File {
        return local::write(&object.key, body, cleanup, &context, progress).await;
    }
    let live = object.live(&context)?;
    let size = body.len() as u64;
    let path = match (path(&object.key), &live.s3) {
        (Some(path), _) => path,
        (None, Some(access)) => {
            s3::put(access, &object.key, body, &Attributes::new(), &context).await?;
            progress.add(1, size);
            return Ok(());
        }
        (None, None) => require_path(&object.key, &context)?,
    };
    if body.len() >= MULTIPART_FROM {
        write_parts(object, &path, body, &context, (progress, cleanup)).await?;
        progress.add(1, 0);
        return Ok(());
    }
    let trace = trace();
    let written = trace.scope(live.objects.put_opts(&path, PutPayload::from(body), PutOptions::default())).await;
    written.map_err(|error| context.store_error(error, &trace))?;
    progress.add(1, size);
    Ok(())
}

async fn write_parts(
    object: &Object,
    path: &Path,
    body: Bytes,
    context: &Context,
    (progress, cleanup): (&Progress, &Cleanup),
) -> Result<(), Error> {
    let all = trace();
    let fail = |error| context.store_error(error, &all);
    let beginning = object.live(context)?.objects.put_multipart_opts(path, PutMultipartOptions::default());
    let mut upload = Unfinished(Some(all.scope(beginning).await.map_err(fail)?), cleanup.guard());
    let part = PART.max(body.len().div_ceil(MOST_PARTS));
    if let Some(upload) = upload.0.as_mut() {
        let parts = (0..body.len()).step_by(part).map(|start| {
            let piece = body.slice(start..body.len().min(start + part));
            let (size, sending, trace) = (piece.len() as u64, upload.put_part(PutPayload::from(piece)), trace());
            async move {
                trace.scope(sending).await.map_err(|error| context.store_error(error, &trace))?;
                progress.add(0, size);
                Ok::<_, Error>(())
            }
        });
        // `put_part` must be called in order, and only when its turn comes: on a file it begins the write.
        stream::iter(parts).buffered(PARTS_IN_FLIGHT).try_collect::<()>().await?;
    }
    let Some(mut upload) = upload.0.take() else { return Ok(()) };
    let last = trace();
    let Err(error) = last.scope(upload.complete()).await else { return Ok(()) };
    let error = context.store_error(error, &last);
    // Where an answer was lost, the first request may have completed the upload, and the second finds none.
    if error.code() == Some("NoSuchUpload")
        && last.attempts() > 1
        && head(object).await.is_ok_and(|found| found.size == body.len() as u64)
    {
        return Ok(());
    }
    // The upload may still be there; take it away, and report why it was not completed.
    let _ = upload.abort().await;
    Err(error)
}

/// An upload that is taken back if nobody completes it: a failure or a cancelled call leaves no parts behind.
struct Unfinished(Option<Box<dyn MultipartUpload>>, Guard);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let (Some(mut upload), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            let guard = self.1.clone();
            runtime.spawn(async move {
                // Nothing can be done about a server that does not answer.
                let _ = upload.abort().await;
                drop(guard);
            });
        }
    }
}
