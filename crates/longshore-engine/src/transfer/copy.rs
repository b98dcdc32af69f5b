//! From store to store: by the server where it can, through this process where it must.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use longshore_config::{S3Access, Scheme};
use longshore_runtime::configuration::Configuration;
use object_store::CopyOptions;

use super::download::{from_file_to_file, open_first, to_file};
use super::gather::Gather;
use super::options::{Job, Outcome, TransferOptions};
use super::parts::{Upload, part_bytes};
use super::upload::{cut, from_file, from_stream};
use crate::body::{Body, pin};
use crate::cloud::Cloud;
use crate::error::{Context, Error, trace};
use crate::local;
use crate::manage::{Metadata, describe};
use crate::object::{Object, require_path, require_writable};
use crate::range::ByteRange;
use crate::s3;

/// Into so many parts a server's copy is divided, unless that makes them too small or too large.
const COPY_PARTS: u64 = 64;
/// What S3 copies in one request.
const LARGEST_COPY: u64 = 5 << 30;

/// One transfer, whatever its ends are. Counts bytes, and leaves counting the object to the caller.
pub(super) async fn one(source: &Object, target: &Object, job: Job<'_>) -> Result<Outcome, Error> {
    require_writable(&target.store, job.context)?;
    let path = |object: &Object| local::path_of(&object.key, &Context::new(job.context.operation, &*object.uri));
    match (source.store.scheme(), target.store.scheme()) {
        (Scheme::File, Scheme::File) => from_file_to_file(&path(source)?, &path(target)?, job).await,
        (Scheme::File, _) => from_file(&path(source)?, target, job).await,
        (_, Scheme::File) => to_file(source, &path(target)?, job).await,
        _ => {
            let live = target.live(job.context)?;
            let same_service = source.store.same_service(&target.store);
            match (&live.s3, Cloud::of(live)) {
                (Some(access), _) if same_service => within_service(source, target, access, job).await,
                (None, Some(cloud)) if same_service => within_cloud(source, target, cloud, job).await,
                (None, None) if Arc::ptr_eq(&source.store, &target.store) => within_store(source, target, job).await,
                _ => through(source, target, job).await,
            }
        }
    }
}

async fn within_cloud(source: &Object, target: &Object, cloud: Cloud<'_>, job: Job<'_>) -> Result<Outcome, Error> {
    let from = (source.store.bucket(), source.key.as_str());
    let version = version(source, job).await?;
    cloud.copy(&target.key, from, version.as_ref(), job.context).await?;
    Ok(copied(version))
}

/// What is going to be copied, where that is to be told.
async fn version(source: &Object, job: Job<'_>) -> Result<Option<Metadata>, Error> {
    if job.options.names_version { describe(source, job.context.clone()).await.map(Some) } else { Ok(None) }
}

/// A server has copied `version`.
fn copied(version: Option<Metadata>) -> Outcome {
    let (size, e_tag) = version.map_or((None, None), |version| (Some(version.size), version.e_tag));
    Outcome { size, moved: 0, e_tag }
}

async fn within_store(source: &Object, target: &Object, job: Job<'_>) -> Result<Outcome, Error> {
    let (from, to) = (require_path(&source.key, job.context)?, require_path(&target.key, job.context)?);
    let version = version(source, job).await?;
    let trace = trace();
    let outcome = trace.scope(target.live(job.context)?.objects.copy_opts(&from, &to, CopyOptions::default())).await;
    outcome.map_err(|error| job.context.store_error(error, &trace))?;
    Ok(copied(version))
}

async fn within_service(source: &Object, target: &Object, access: &S3Access, job: Job<'_>) -> Result<Outcome, Error> {
    let from = (source.store.bucket(), source.key.as_str());
    let version = version(source, job).await?;
    match s3::copy(access, &target.key, from, version.as_ref().and_then(pin), job.context).await {
        // Only the server knows whether it is too large, so it is asked first: most objects are not.
        Err(error) if is_too_large(&error) => in_parts(source, target, access, job).await,
        outcome => outcome.map(|()| copied(version)),
    }
}

/// AWS has one code for this and for much else, and says what it means in words.
fn is_too_large(error: &Error) -> bool {
    match error.code() {
        Some("EntityTooLarge") => true,
        Some("InvalidRequest") => error.to_string().contains("larger than the maximum allowable size"),
        _ => false,
    }
}

async fn in_parts(source: &Object, target: &Object, access: &S3Access, job: Job<'_>) -> Result<Outcome, Error> {
    let Some(from) = &source.live(job.context)?.s3 else { return through(source, target, job).await };
    let (meta, attributes) = s3::describe(from, &source.key, job.context).await?;
    let fleeting = TransferOptions { resume: false, ..job.options.clone() };
    let job = Job { options: &fleeting, ..job };
    // A whole copy takes along what is said of the content; one in parts begins with nothing.
    let upload = Upload::begin(target, &attributes, job).await?;
    let Some(id) = upload.id() else { return Ok(Outcome::default()) };
    let (meta, source_key) = (&meta, source.key.as_str());
    let copying = |(number, range): (u32, Range<u64>)| async move {
        let piece = (source.store.bucket(), source_key, range, pin(meta));
        let name = s3::copy_part(access, &target.key, (id, number), piece, job.context).await?;
        Ok::<_, Error>((number, name))
    };
    let part = meta.size.div_ceil(COPY_PARTS).max(part_bytes(meta.size, job.options)).min(LARGEST_COPY);
    let parts = stream::iter(cut(meta.size, part)).map(copying).buffered(job.options.parts_in_flight.max(1)).boxed();
    let parts: Vec<(u32, String)> = parts.try_collect().await?;
    upload.complete(&parts, meta.size).await?;
    Ok(copied(Some(meta.clone())))
}

/// The bytes pass through here, a few parts of them at a time.
async fn through(source: &Object, target: &Object, job: Job<'_>) -> Result<Outcome, Error> {
    let body = open(source, job).await?;
    let (size, attributes, e_tag) = (body.meta.size, body.attributes.clone(), body.meta.e_tag.clone());
    let part = part_bytes(size, job.options);
    let chunks = stream::try_unfold(body, |mut body| async move {
        loop {
            if let Some(chunk) = body.next().await? {
                return Ok::<_, Error>(Some((chunk, body)));
            }
            let range = body.range.end..size.min(body.range.end.saturating_add(part));
            if range.is_empty() {
                return Ok(None);
            }
            let (pin, bytes) = (pin(&body.meta).map(str::to_owned), ByteRange::Bounded(range.clone()));
            body = Body::open(source, Some(&bytes), pin.as_deref(), job.context).await?;
            body.require(&range)?;
        }
    });
    job.progress.announce(size);
    let outcome = from_stream(Gather::new(chunks.boxed()), Some(size), target, &attributes, job).await;
    if outcome.is_err() {
        // What was moved of it is moved again.
        job.progress.withdraw(size);
    }
    outcome.map(|outcome| Outcome { e_tag, ..outcome })
}

/// The body of all of `source`; or, where one connection is all there is, of its first part.
///
/// A body that waits until parts are sent keeps its connection. Where they have to go to the same host and there is no other
/// connection, they would wait for it in turn.
async fn open(source: &Object, job: Job<'_>) -> Result<Body, Error> {
    if Configuration::current().connections == Some(1) {
        let body = open_first(source, part_bytes(0, job.options), job).await?;
        if body.range == (0..body.meta.size) || (body.range.start == 0 && pin(&body.meta).is_some()) {
            return Ok(body);
        }
        // Parts of something without a name could be parts of different things.
    }
    let body = Body::open(source, None, None, job.context).await?;
    body.require(&(0..body.meta.size))?;
    Ok(body)
}
