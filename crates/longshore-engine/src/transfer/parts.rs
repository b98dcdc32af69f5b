//! An object that is written in parts, on any store that is reached through a client.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use longshore_config::{Live, Trace};
use object_store::{Attributes, MultipartUpload, PutMultipartOptions, PutOptions, PutPayload};

use super::cleanup::Guard;
use super::options::{Job, TransferOptions};
use crate::budget::Share;
use crate::error::{Context, Error, trace};
use crate::manage::head;
use crate::object::{Object, require_path};
use crate::s3::{self, MOST_PARTS, Part, SMALLEST_PART};
use crate::window::lost;

/// The size of the parts of an object of `size` bytes. All but the last have it, so that it can be found again.
pub(super) fn part_bytes(size: u64, options: &TransferOptions) -> u64 {
    options.part_bytes.max(SMALLEST_PART).max(size.div_ceil(MOST_PARTS))
}

/// Objects from this size on are sent in parts.
pub(super) fn parts_from(options: &TransferOptions) -> u64 {
    options.part_bytes.max(SMALLEST_PART).saturating_mul(4)
}

/// Writes an object that is in memory.
pub(super) async fn put_whole(
    object: &Object,
    body: Bytes,
    attributes: &Attributes,
    job: Job<'_>,
) -> Result<(), Error> {
    let (live, size) = (object.live(job.context)?, body.len() as u64);
    if let Some(access) = &live.s3 {
        s3::put(access, &object.key, body, attributes, job.context).await?;
    } else {
        let path = require_path(&object.key, job.context)?;
        // A store that keeps what it is given would keep whatever else the body was cut from.
        let body = if object.store.keeps_bodies() { Bytes::copy_from_slice(&body) } else { body };
        let trace = trace();
        let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
        let written = trace.scope(live.objects.put_opts(&path, PutPayload::from(body), options)).await;
        written.map_err(|error| job.context.store_error(error, &trace))?;
    }
    job.progress.add(0, size);
    Ok(())
}

/// A part on its way to the store, and the share of the budget that its bytes take.
pub(super) struct Piece {
    pub(super) number: u32,
    pub(super) bytes: u64,
    pub(super) content: Content,
    pub(super) share: Option<Share>,
}

/// What a part consists of.
pub(super) enum Content {
    /// These bytes.
    Bytes(Bytes),
    /// What the server has already, under this name.
    There(String),
}

/// An upload that is called off when it is dropped before it is complete; or left, where it is to be continued.
pub(super) struct Upload {
    object: Object,
    context: Context,
    target: Option<Target>,
    lasts: bool,
    guard: Guard,
}

enum Target {
    S3 { id: String },
    Other(Mutex<Box<dyn MultipartUpload>>),
}

impl Target {
    async fn begin(object: &Object, attributes: &Attributes, context: &Context) -> Result<Self, Error> {
        let live = object.live(context)?;
        if let Some(access) = &live.s3 {
            return Ok(Self::S3 { id: s3::begin_upload(access, &object.key, attributes, context).await? });
        }
        let path = require_path(&object.key, context)?;
        let trace = trace();
        let options = PutMultipartOptions { attributes: attributes.clone(), ..PutMultipartOptions::default() };
        let begun = trace.scope(live.objects.put_multipart_opts(&path, options)).await;
        Ok(Self::Other(Mutex::new(begun.map_err(|error| context.store_error(error, &trace))?)))
    }
}

impl Upload {
    /// Begins one. Where this future is dropped before the server has answered, what the server has begun is called off.
    pub(super) async fn begin(object: &Object, attributes: &Attributes, job: Job<'_>) -> Result<Self, Error> {
        let mut upload = Self::new(object, None, job);
        let attributes = attributes.clone();
        // A task of its own goes on to its end, and drops an upload that nobody takes.
        let beginning = tokio::spawn(async move {
            upload.target = Some(Target::begin(&upload.object, &attributes, &upload.context).await?);
            upload.lasts &= upload.id().is_some();
            Ok(upload)
        });
        beginning.await.unwrap_or_else(|error| Err(lost(job.context, error)))
    }

    /// The upload that an earlier call has left, and the parts that it has sent.
    pub(super) async fn find(object: &Object, job: Job<'_>) -> Result<Option<(Self, Vec<Part>)>, Error> {
        let Some(access) = &object.live(job.context)?.s3 else { return Ok(None) };
        let Some(id) = s3::latest_upload(access, &object.key, job.context).await? else { return Ok(None) };
        let parts = s3::list_parts(access, &object.key, &id, job.context).await?;
        Ok(Some((Self::new(object, Some(Target::S3 { id }), job), parts)))
    }

    fn new(object: &Object, target: Option<Target>, job: Job<'_>) -> Self {
        Self {
            object: object.clone(),
            context: job.context.clone(),
            lasts: job.options.resume,
            target,
            guard: job.shared.cleanup.guard(),
        }
    }

    /// The upload's name, on S3.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.target {
            Some(Target::S3 { id }) => Some(id),
            _ => None,
        }
    }

    /// Sends `pieces`, which come in order, several at once. Returns their names, and how many bytes were sent.
    pub(super) async fn send(
        &self,
        pieces: BoxStream<'_, Result<Piece, Error>>,
        job: Job<'_>,
    ) -> Result<(Vec<(u32, String)>, u64), Error> {
        let sending = pieces.map_ok(|Piece { number, bytes, content, share }| {
            // Called when its turn comes, and not later: some stores number parts in the order of these calls.
            let part = match content {
                Content::There(name) => Err(name),
                Content::Bytes(body) => Ok(self.put(number, body)),
            };
            async move {
                let (name, sent) = match part {
                    Err(name) => (name, 0),
                    Ok(sending) => (sending.await?, bytes),
                };
                drop(share);
                job.progress.add(0, sent);
                Ok::<_, Error>(((number, name), sent))
            }
        });
        let mut parts = Vec::new();
        let mut moved = 0;
        let mut sending = sending.try_buffered(job.options.parts_in_flight.max(1)).boxed();
        while let Some((part, sent)) = sending.try_next().await? {
            parts.push(part);
            moved += sent;
        }
        Ok((parts, moved))
    }

    fn put(&self, number: u32, body: Bytes) -> BoxFuture<'_, Result<String, Error>> {
        match &self.target {
            Some(Target::S3 { id }) => async move {
                let Some(access) = &self.object.live(&self.context)?.s3 else { return Ok(String::new()) };
                s3::put_part(access, &self.object.key, (id, number), body, &self.context).await
            }
            .boxed(),
            Some(Target::Other(upload)) => {
                let sending = upload.lock().unwrap_or_else(PoisonError::into_inner).put_part(PutPayload::from(body));
                let trace = trace();
                async move {
                    let sent = trace.scope(sending).await;
                    sent.map(|()| String::new()).map_err(|error| self.context.store_error(error, &trace))
                }
                .boxed()
            }
            None => std::future::ready(Ok(String::new())).boxed(),
        }
    }

    /// Makes the object of its parts.
    pub(super) async fn complete(mut self, parts: &[(u32, String)], size: u64) -> Result<(), Error> {
        let error = match &mut self.target {
            Some(Target::S3 { id }) => {
                let Some(access) = &self.object.live(&self.context)?.s3 else { return Ok(()) };
                match s3::complete_upload(access, &self.object.key, id, parts, &self.context).await {
                    Ok(()) => {
                        self.target = None;
                        return Ok(());
                    }
                    Err(error) => error,
                }
            }
            Some(Target::Other(upload)) => {
                let trace = trace();
                let upload = upload.get_mut().unwrap_or_else(PoisonError::into_inner);
                match trace.scope(upload.complete()).await {
                    Ok(_) => {
                        self.target = None;
                        return Ok(());
                    }
                    Err(error) => self.context.store_error(error, &trace),
                }
            }
            None => return Ok(()),
        };
        // Where an answer was lost, the first request may have completed the upload, and the second finds none.
        let lost = error.code() == Some("NoSuchUpload") && error.attempts() > 1;
        if lost && head(&self.object).await.is_ok_and(|found| found.size == size) {
            self.target = None;
            return Ok(());
        }
        Err(error)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.lasts {
            return;
        }
        let (Some(target), Ok(runtime)) = (self.target.take(), tokio::runtime::Handle::try_current()) else { return };
        let (object, context, guard) = (self.object.clone(), self.context.clone(), self.guard.clone());
        runtime.spawn(async move {
            // Nobody waits for this, and nothing can be done about a server that does not answer.
            let _ = match target {
                Target::S3 { id } => match object.live(&context) {
                    Ok(Live { s3: Some(access), .. }) => s3::abort_upload(access, &object.key, &id, &context).await,
                    _ => Ok(()),
                },
                Target::Other(upload) => {
                    let mut upload = upload.into_inner().unwrap_or_else(PoisonError::into_inner);
                    upload.abort().await.map_err(|error| context.store_error(error, &Trace::default()))
                }
            };
            drop(guard);
        });
    }
}
