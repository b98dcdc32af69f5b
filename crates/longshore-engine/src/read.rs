//! Reads: one object, or many at once.

use std::sync::Arc;

use futures::TryStreamExt;
use longshore_config::{Live, Scheme, Trace};
use object_store::GetOptions;
use object_store::path::Path;

use crate::body::Body;
use crate::budget::{Budget, Limits};
use crate::error::{Context, Error, ErrorKind, trace};
use crate::object::{Object, path, require_path};
use crate::progress::Progress;
use crate::sink::{Buffer, Sink};
use crate::{local, window};

/// Reads `object` into memory from `sink`.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] and whatever else the store answers. A body shorter than announced is an error.
pub async fn get<S: Sink>(object: Object, sink: &S, progress: &Progress) -> Result<S::Output, Error> {
    progress.expect(1);
    let result = read(&object, 0, sink, &Budget::new(u64::MAX), progress).await?;
    progress.finish();
    Ok(result)
}

/// Reads all `objects`, as many at once as `limits` allow. Results come in the order of `objects`, repeats included.
///
/// # Errors
///
/// The first failure; it names its object, and cancels the rest.
pub async fn get_many<S: Sink>(
    objects: Vec<Object>,
    limits: Limits,
    sink: Arc<S>,
    progress: &Progress,
) -> Result<Vec<S::Output>, Error> {
    progress.expect(objects.len() as u64);
    let budget = Budget::new(limits.memory);
    let context = Context::new("get", objects.first().map(|object| object.uri.to_string()).unwrap_or_default());
    let (count, objects) = (objects.len(), Arc::new(objects));
    let shared = (sink, progress.clone());
    let results = window::run(context, count, limits.in_flight, move |index| {
        let (objects, budget, (sink, progress)) = (Arc::clone(&objects), budget.clone(), shared.clone());
        async move { read(&objects[index], index, &*sink, &budget, &progress).await }
    })
    .await?;
    progress.finish();
    Ok(results)
}

async fn read<S: Sink>(
    object: &Object,
    index: usize,
    sink: &S,
    budget: &Budget,
    progress: &Progress,
) -> Result<S::Output, Error> {
    let context = object.context("get");
    if object.store.scheme() == Scheme::File {
        return local::read(&object.key, &context, (index, sink, budget, progress)).await;
    }
    let live = object.live(&context)?;
    let path = match (path(&object.key), &live.s3) {
        (Some(path), _) => path,
        (None, Some(_)) => return read_body(object, &context, (index, sink, budget, progress)).await,
        (None, None) => require_path(&object.key, &context)?,
    };
    let trace = trace();
    trace.scope(read_path(live, &path, &context, &trace, (index, sink, budget, progress))).await
}

/// What one read of a bulk call brings along: its index, and what it shares with the others.
type Shared<'a, S> = (usize, &'a S, &'a Budget, &'a Progress);

/// Reads through the store's ordinary path. A body that breaks off is continued by the store's client.
async fn read_path<S: Sink>(
    live: &Live,
    path: &Path,
    context: &Context,
    trace: &Trace,
    (index, sink, budget, progress): Shared<'_, S>,
) -> Result<S::Output, Error> {
    let fail = |error| context.store_error(error, trace);
    // Taken before the request is sent: an answer that waits unread for its turn may be cut off by the server.
    let share = budget.take(sink.footprint(budget.usual())).await;
    let result = live.objects.get_opts(path, GetOptions::default()).await.map_err(fail)?;
    let size = result.meta.size;
    budget.note(size);
    let _share = budget.adjust(share, sink.footprint(size)).await;
    let length = usize::try_from(size).map_err(|_| context.error(ErrorKind::Generic, "too large for this machine"))?;
    let mut buffer = sink.reserve(index, length).await.map_err(|refusal| refusal.error(context, size))?;
    let mut fill = Fill { context, size, written: 0, progress, trace };
    let mut chunks = result.into_stream();
    while let Some(chunk) = chunks.try_next().await.map_err(fail)? {
        fill.append(&mut buffer, &chunk)?;
    }
    fill.complete()?;
    Ok(sink.finish(index, buffer))
}

/// Reads through our own requests.
async fn read_body<S: Sink>(
    object: &Object,
    context: &Context,
    (index, sink, budget, progress): Shared<'_, S>,
) -> Result<S::Output, Error> {
    let share = budget.take(sink.footprint(budget.usual())).await;
    let mut body = Body::open(object, None, None, context).await?;
    let size = body.meta.size;
    budget.note(size);
    let _share = budget.adjust(share, sink.footprint(size)).await;
    let length = usize::try_from(size).map_err(|_| context.error(ErrorKind::Generic, "too large for this machine"))?;
    let mut buffer = sink.reserve(index, length).await.map_err(|refusal| refusal.error(context, size))?;
    while let Some(chunk) = body.next().await? {
        buffer.append(&chunk);
        progress.add(0, chunk.len() as u64);
    }
    progress.add(1, 0);
    Ok(sink.finish(index, buffer))
}

/// Counts what arrives against what was announced.
struct Fill<'a> {
    context: &'a Context,
    size: u64,
    written: u64,
    progress: &'a Progress,
    trace: &'a Trace,
}

impl Fill<'_> {
    fn append(&mut self, buffer: &mut impl Buffer, chunk: &[u8]) -> Result<(), Error> {
        self.written += chunk.len() as u64;
        if self.written > self.size {
            return Err(self.short("more"));
        }
        buffer.append(chunk);
        self.progress.add(0, chunk.len() as u64);
        Ok(())
    }

    fn complete(&self) -> Result<(), Error> {
        if self.written < self.size {
            return Err(self.short("less"));
        }
        self.progress.add(1, 0);
        Ok(())
    }

    fn short(&self, how: &str) -> Error {
        let reason = format!("{how} arrived than was announced: {} of {} bytes", self.written, self.size);
        let source = object_store::Error::Generic { store: "longshore", source: reason.into() };
        self.context.store_error(source, self.trace).with_kind(ErrorKind::Connection)
    }
}
