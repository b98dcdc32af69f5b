//! What each operation does: futures over the exported store, which run on the exporter's runtime.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use futures_util::stream;
use futures_util::{StreamExt, TryFutureExt};
use longshore_abi::raw::{self, ERROR_GENERIC};
use object_store_014::path::Path;
use object_store_014::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    RenameOptions, RenameTargetMode, Result, TagSet, UploadPart,
};

use super::failure::Failure;
use super::parcel::Outcome;
use super::request::Wanted;
use super::state::{Body, Held, Next, StreamState, Turn, UploadState};
use super::submit::Work;
use super::{Export, SignRequest};
use crate::unwind::Panicked;

/// As work whose errors are taken apart.
fn work(export: &Arc<Export>, future: impl Future<Output = Result<Outcome>> + Send + 'static) -> Work {
    let settings = export.shared.settings;
    // Not as an async block, which would have room for `future` twice, and move it there.
    Box::pin(future.map_err(move |error| Failure::of(&error, &settings)))
}

/// Called through `as_ref`: an `Arc` of a store is a store, too, and would put each future into another box.
fn store(export: &Arc<Export>) -> Arc<dyn ObjectStore> {
    Arc::clone(&export.exported.store)
}

pub(super) fn get(export: &Arc<Export>, path: Wanted, options: GetOptions, prefetch_bytes: u64) -> Work {
    let held = Arc::clone(export);
    let is_head = options.head;
    work(export, async move {
        let result = held.exported.store.as_ref().get_opts(&path?, options).await?;
        let length = result.range.end.saturating_sub(result.range.start);
        let (range, object, attributes, mut body) = Body::of(result);
        let (mut chunks, mut stream) = (Vec::new(), None);
        if !is_head && length <= prefetch_bytes {
            chunks = body.all().await?;
        } else if !is_head {
            stream = Some(StreamState::of_body(held, body));
        }
        Ok(Outcome::Got { object, range, attributes, chunks, stream })
    })
}

pub(super) fn get_ranges(export: &Arc<Export>, path: Wanted, ranges: Vec<Range<u64>>) -> Work {
    let store = store(export);
    work(export, async move {
        let chunks = store.as_ref().get_ranges(&path?, &ranges).await?;
        Ok(Outcome::Bytes { chunks, is_end: true })
    })
}

pub(super) fn put(export: &Arc<Export>, path: Wanted, payload: PutPayload, options: PutOptions) -> Work {
    let store = store(export);
    work(export, async move { Ok(Outcome::Put(store.as_ref().put_opts(&path?, payload, options).await?)) })
}

pub(super) fn upload_start(export: &Arc<Export>, path: Wanted, attributes: Attributes, tags: TagSet) -> Work {
    let (held, store) = (Arc::clone(export), store(export));
    work(export, async move {
        let options = PutMultipartOptions { tags, attributes, ..Default::default() };
        let upload = store.as_ref().put_multipart_opts(&path?, options).await?;
        Ok(Outcome::Upload(UploadState::new(held, upload)))
    })
}

/// `part` was begun by the call itself, since the order of the calls is the order of the parts.
pub(super) fn upload_part(export: &Arc<Export>, part: Result<Option<UploadPart>, Panicked>) -> Work {
    match part {
        Ok(None) => work(export, std::future::ready(Err(gone()))),
        Ok(Some(part)) => work(export, async move { part.await.map(|()| Outcome::Nothing) }),
        Err(panicked) => Box::pin(std::future::ready(Err(Failure::panicked(&panicked)))),
    }
}

pub(super) fn upload_complete(export: &Arc<Export>, mut held: Held) -> Work {
    work(export, async move {
        let Some(upload) = held.as_mut() else { return Err(gone()) };
        let put = upload.complete().await?;
        *held = None;
        Ok(Outcome::Put(put))
    })
}

pub(super) fn upload_abort(export: &Arc<Export>, mut held: Held) -> Work {
    work(export, async move {
        let Some(upload) = held.as_mut() else { return Err(gone()) };
        upload.abort().await?;
        *held = None;
        Ok(Outcome::Nothing)
    })
}

fn gone() -> Error {
    Error::Generic { store: "upload", source: "it was completed or aborted before".into() }
}

pub(super) fn stream_next(export: &Arc<Export>, turn: Turn, target_bytes: u64, max_items: u64) -> Work {
    let held = Arc::clone(export);
    work(export, async move {
        Ok(match turn.next(&held, target_bytes, max_items).await? {
            (Next::Bytes(chunks), is_end) => Outcome::Bytes { chunks, is_end },
            (Next::Objects(page), is_end) => Outcome::Listed { page, is_end },
        })
    })
}

pub(super) fn delete(export: &Arc<Export>, paths: Vec<Wanted>) -> Work {
    let (held, store) = (Arc::clone(export), store(export));
    Box::pin(async move {
        let settings = &held.shared.settings;
        let mut failures: Vec<Option<Failure>> = Vec::with_capacity(paths.len());
        let mut wanted = Vec::with_capacity(paths.len());
        for path in paths {
            match path {
                Ok(path) => {
                    failures.push(None);
                    wanted.push(path);
                }
                Err(error) => failures.push(Some(Failure::of(&error.into(), settings))),
            }
        }
        let answers: Vec<_> =
            store.as_ref().delete_stream(stream::iter(wanted.clone()).map(Ok).boxed()).collect().await;
        let mut outcomes = matched(&wanted, &answers, settings).into_iter();
        for failure in &mut failures {
            if failure.is_none() {
                *failure = outcomes.next().flatten();
            }
        }
        Ok(Outcome::Deleted(failures))
    })
}

/// For each of `wanted`, why it was not deleted.
///
/// A store answers in order; but where a whole batch failed, it may answer once for all of it, and then the places say nothing.
fn matched(wanted: &[Path], answers: &[Result<Path>], settings: &super::Settings) -> Vec<Option<Failure>> {
    let failure = |error: &Error| Failure::of(error, settings);
    if answers.len() == wanted.len() {
        return answers.iter().map(|answer| answer.as_ref().err().map(failure)).collect();
    }
    let error = answers.iter().find_map(|answer| answer.as_ref().err());
    let is_deleted = |path: &Path| answers.iter().any(|answer| answer.as_ref().is_ok_and(|deleted| deleted == path));
    let silent = || Failure::new(ERROR_GENERIC, "the store did not say whether this was deleted");
    wanted.iter().map(|path| (!is_deleted(path)).then(|| error.map_or_else(silent, failure))).collect()
}

pub(super) fn copy(export: &Arc<Export>, from: Wanted, to: Wanted, flags: u32) -> Work {
    let store = store(export);
    let (is_rename, is_careful) = (flags & raw::COPY_RENAME != 0, flags & raw::COPY_IF_ABSENT != 0);
    work(export, async move {
        let (from, to) = (from?, to?);
        if is_rename {
            let mode = if is_careful { RenameTargetMode::Create } else { RenameTargetMode::Overwrite };
            store.as_ref().rename_opts(&from, &to, RenameOptions::new().with_target_mode(mode)).await?;
        } else {
            let mode = if is_careful { CopyMode::Create } else { CopyMode::Overwrite };
            store.as_ref().copy_opts(&from, &to, CopyOptions::new().with_mode(mode)).await?;
        }
        Ok(Outcome::Nothing)
    })
}

pub(super) fn sign(export: &Arc<Export>, paths: Vec<Wanted>, request: SignRequest) -> Option<Work> {
    let signer = Arc::clone(export.exported.signer.as_ref()?);
    Some(work(export, async move {
        let mut urls = Vec::with_capacity(paths.len());
        for path in paths {
            urls.push(signer.sign(&path?, &request).await?);
        }
        Ok(Outcome::Signed(urls))
    }))
}
