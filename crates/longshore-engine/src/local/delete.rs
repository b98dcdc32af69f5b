//! Deletes files: like `rm`, about names. What a link leads to is left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Stop, about, blocking, is_absent, path_of, require_prefix, walk};
use crate::delete::summary;
use crate::error::{Context, Error, ErrorKind, Failure};
use crate::progress::Progress;
use crate::window;

/// Names that one task removes in a row.
const BATCH: usize = 256;
/// Such tasks at once: network file systems answer slowly, but many.
const BATCHES_IN_FLIGHT: usize = 8;

/// Removes the file or link that `key` names. One that does not exist is deleted already.
pub(crate) async fn delete(key: &str, context: &Context) -> Result<(), Error> {
    let path = path_of(key, context)?;
    let inner = context.clone();
    blocking(context, move |_| remove(&path, &inner)).await
}

/// Removes everything under `prefix`, like `rm -r`: whatever kind of file it is, links themselves and never through them.
/// Then the folders beneath that are empty. The folder that the prefix names stays. Returns the number of files.
pub(crate) async fn delete_prefix(prefix: &str, context: &Context, progress: &Progress) -> Result<u64, Error> {
    require_prefix(prefix, context)?;
    if prefix.is_empty() {
        return Err(context.error(ErrorKind::InvalidArgument, "this would delete every file of this machine"));
    }
    let (inner, prefix) = (context.clone(), prefix.to_owned());
    let walk::Tree { files, folders } = blocking(context, move |stop| walk::tree(&prefix, &inner, stop)).await?;
    let count = files.len();
    progress.expect(count as u64);
    let shared = Arc::new((files, context.clone(), progress.clone()));
    let failures = window::run(context.clone(), count.div_ceil(BATCH), BATCHES_IN_FLIGHT, move |index| {
        let shared = Arc::clone(&shared);
        async move {
            let context = shared.1.clone();
            blocking(&context, move |stop| remove_batch(index, &shared, stop)).await
        }
    })
    .await?
    .concat();
    blocking(context, move |_| {
        for folder in folders.iter().rev() {
            // One that is not empty any more, or not ours, is left as it is: the objects are gone, and that was asked.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    })
    .await?;
    if failures.is_empty() {
        progress.finish();
        return Ok(count as u64);
    }
    Err(summary(failures, context))
}

/// Removes the folder that `key` names, if it is empty.
pub(crate) async fn delete_folder(key: &str, context: &Context) -> Result<(), Error> {
    let path = path_of(key.trim_end_matches('/'), context)?;
    let inner = context.clone();
    blocking(context, move |_| fs::remove_dir(path).map_err(|error| inner.io_error(error))).await
}

fn remove_batch(
    index: usize,
    (files, context, progress): &(Vec<PathBuf>, Context, Progress),
    stop: &Stop,
) -> Result<Vec<Failure>, Error> {
    let mut failures = Vec::new();
    for path in &files[index * BATCH..files.len().min((index + 1) * BATCH)] {
        stop.check(context)?;
        let context = about(path, context);
        match remove(path, &context) {
            Ok(()) => progress.add(1, 0),
            Err(error) => failures.push(Failure {
                key: path.to_string_lossy().trim_start_matches('/').to_owned(),
                uri: context.uri,
                code: format!("{:?}", error.kind()),
                message: error.to_string(),
            }),
        }
    }
    Ok(failures)
}

fn remove(path: &Path, context: &Context) -> Result<(), Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if is_absent(&error) => Ok(()),
        // A folder is no object: as in any other store, there is none of that name. Systems differ in how they say so.
        Err(_) if fs::symlink_metadata(path).is_ok_and(|status| status.is_dir()) => Ok(()),
        Err(error) => Err(context.io_error(error)),
    }
}
