//! Copies and renames inside one store.

use std::sync::Arc;

use object_store::{CopyMode, CopyOptions};

use super::lost::{doubted, is_doubtful};
use super::s3_copy::copy_in_s3;
use super::spot::{Place, Spot, Way};
use super::stat;
use crate::delete::delete_object;
use crate::error::{Context, Error, ErrorKind, trace};
use crate::local::{FileWriter, OpenFile, rename_paths};
use crate::manage::copy;
use crate::object::{require_path, require_writable};

/// What is copied of a file at once.
const FILE_PIECE: u64 = 8 << 20;

/// Copies `source` to `target`, which is in the same store. With `is_new`, only where there is nothing at `target`: atomically,
/// where the store can do that.
///
/// # Errors
///
/// [`ErrorKind::AlreadyExists`], [`ErrorKind::NotFound`] where there is no source, and what else the store answers.
pub async fn copy_to(source: &Spot, target: &Spot, is_new: bool) -> Result<(), Error> {
    copy_as(source, target, is_new, &source.context("copy").to(&*target.uri)).await
}

async fn copy_as(source: &Spot, target: &Spot, is_new: bool, context: &Context) -> Result<(), Error> {
    if let Place::Own(store) = &target.place {
        require_writable(store, context)?;
    }
    if let (false, Some(from), Some(to)) = (is_new, source.object(), target.object()) {
        return copy(&from, &to).await;
    }
    match target.way_to_write(context)? {
        Way::File => copy_file(source, target, context).await,
        Way::S3(access) => copy_in_s3(source, target, access, context).await,
        Way::Path(objects, to, _) => {
            if let (true, Place::Own(store)) = (is_new, &target.place)
                && let Some(access) = &store.live().map_err(|error| context.config_error(error))?.s3
            {
                return copy_in_s3(source, target, access, context).await;
            }
            let from = require_path(&source.key, context)?;
            let mode = if is_new { CopyMode::Create } else { CopyMode::Overwrite };
            let trace = trace();
            let copied =
                trace.scope(objects.copy_opts(&from, &to, CopyOptions { mode, ..CopyOptions::default() })).await;
            copied.map_err(|error| {
                let error = match context.store_error(error, &trace) {
                    error if is_new && error.kind() == ErrorKind::Precondition => {
                        error.with_kind(ErrorKind::AlreadyExists)
                    }
                    error => error,
                };
                if is_new && is_doubtful(&error) { doubted(error) } else { error }
            })
        }
        Way::Web => Err(context.error(ErrorKind::NotSupported, "web servers are read-only")),
    }
}

async fn copy_file(source: &Spot, target: &Spot, context: &Context) -> Result<(), Error> {
    let file = OpenFile::open(&source.key, context).await?;
    let mut copy = FileWriter::begin(&target.key, context).await?;
    let mut at = 0;
    while at < file.size() {
        let end = file.size().min(at + FILE_PIECE);
        copy.write(vec![file.read(at..end, context).await?], context).await?;
        at = end;
    }
    copy.finish(true, context).await.map(drop)
}

/// Gives the object at `source` the key of `target`. With `is_new`, only where there is nothing at `target`.
///
/// A file is renamed. Elsewhere it is a copy and a delete; if the delete fails, the object is there twice, and the error says so.
///
/// # Errors
///
/// As [`copy_to`].
pub async fn rename(source: &Spot, target: &Spot, is_new: bool) -> Result<(), Error> {
    let context = source.context("rename").to(&*target.uri);
    if let Way::File = target.way_to_write(&context)? {
        match rename_paths(&source.key, &target.key, is_new, &context).await {
            // Another file system.
            Err(error) if error.os_error() == Some(nix::libc::EXDEV) => {}
            outcome => return outcome,
        }
    }
    if source.key == target.key {
        // A copy to itself, and then it would be deleted.
        stat(source).await?;
        let there = || context.error(ErrorKind::AlreadyExists, "it is there already");
        return if is_new { Err(there()) } else { Ok(()) };
    }
    copy_as(source, target, is_new, &context).await?;
    let deleted = match (&source.place, source.object()) {
        (_, Some(object)) => delete_object(&object).await,
        (Place::Foreign(objects), None) => {
            use object_store::ObjectStoreExt;
            let path = require_path(&source.key, &context)?;
            let objects = Arc::clone(objects);
            objects.delete(&path).await.map_err(|error| context.store_error(error, &trace()))
        }
        (Place::Own(_), None) => Ok(()),
    };
    deleted.map_err(|error| error.with_advice("the object was copied, but its old name could not be taken away"))
}
