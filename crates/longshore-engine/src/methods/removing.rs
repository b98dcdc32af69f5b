//! Deletes objects by key, and tells which could not be deleted.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use longshore_config::{Scheme, Trace};

use super::spot::{Place, Spot};
use crate::delete::{delete_keys, delete_object, summary};
use crate::error::{Context, Error, ErrorKind, Failure};
use crate::object::require_path;
use crate::progress::Progress;

/// Deletes the objects that `keys` name, in batches where the store has them. Missing ones are deleted already.
///
/// # Errors
///
/// One error for all keys that could not be deleted, listed in [`Error::failures`]; the others are gone by then.
pub async fn remove(
    place: &Place,
    keys: Vec<String>,
    uri: impl Fn(&str) -> String,
    context: &Context,
) -> Result<(), Error> {
    match place {
        Place::Own(store) => match <[String; 1]>::try_from(keys) {
            Ok([key]) => {
                let spot = Spot { place: place.clone(), uri: uri(&key).into(), key };
                match spot.object() {
                    Some(object) => delete_object(&object).await,
                    None => Ok(()),
                }
            }
            Err(keys) if keys.is_empty() => Ok(()),
            Err(keys) => delete_keys(&Arc::clone(store), keys, context, &Progress::silent()).await,
        },
        Place::Foreign(objects) => {
            let mut failures = Vec::new();
            let paths = keys.iter().map(|key| require_path(key, context)).collect::<Result<Vec<_>, _>>()?;
            let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
            let mut deleted = objects.delete_stream(paths).enumerate();
            while let Some((index, outcome)) = deleted.next().await {
                let Err(error) = outcome else { continue };
                let error = context.store_error(error, &Trace::default());
                let Some(key) = keys.get(index).filter(|_| error.kind() != ErrorKind::NotFound) else { continue };
                let (code, message) = (format!("{:?}", error.kind()), error.to_string());
                failures.push(Failure { key: key.clone(), uri: uri(key), code, message });
            }
            if failures.is_empty() { Ok(()) } else { Err(summary(failures, context)) }
        }
    }
}

/// Takes away the folders that the files of `keys` were in, where they are empty now, up to the folder `root`, which stays. For
/// a store of local files; elsewhere there are no folders.
pub async fn remove_empty_folders(place: &Place, root: &str, keys: Vec<String>) {
    if place.scheme() != Some(Scheme::File) {
        return;
    }
    let root = std::path::Path::new("/").join(root);
    let work = tokio::task::spawn_blocking(move || {
        for key in keys {
            let file = std::path::Path::new("/").join(key);
            let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(&root) && **folder != *root);
            for folder in folders {
                // One that is not empty ends it; so does one that is not ours. The objects are gone, and that was asked.
                if std::fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
    });
    // There is nothing to tell.
    let _ = work.await;
}
