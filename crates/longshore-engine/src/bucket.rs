//! Takes buckets away.

use std::sync::Arc;

use longshore_config::{S3Access, Scheme, Store};

use crate::cloud::Cloud;
use crate::error::{Context, Error, ErrorKind};
use crate::list::Entry;
use crate::object::require_writable;
use crate::{local, s3};

/// Deletes the store's bucket, which must be empty. For a local store that is the folder that `key` names; a memory store has
/// nothing to delete.
///
/// # Errors
///
/// [`ErrorKind::BucketNotEmpty`], [`ErrorKind::NotFound`], [`ErrorKind::NotSupported`] where this kind of store has no such
/// request, and what else the server answers.
pub async fn delete_bucket(store: &Arc<Store>, key: &str, context: &Context) -> Result<(), Error> {
    require_writable(store, context)?;
    let outcome = match store.scheme() {
        Scheme::File => local::delete_folder(key, context).await,
        Scheme::Memory => Ok(()),
        _ => {
            let live = store.live().map_err(|error| context.config_error(error))?;
            match (&live.s3, Cloud::of(live)) {
                (Some(access), _) => delete_if_empty(access, context).await,
                (None, Some(cloud)) => cloud.delete_bucket(context).await,
                (None, None) => {
                    let reason = "this kind of store does not delete buckets; use the provider's own tools";
                    Err(context.error(ErrorKind::NotSupported, reason))
                }
            }
        }
    };
    match outcome {
        Err(error) if error.kind() == ErrorKind::BucketNotEmpty => {
            Err(error.with_advice("it is not empty; delete what is in it first"))
        }
        outcome => outcome,
    }
}

/// Looks first: there are servers that delete a bucket with everything in it, unless they were told not to (SeaweedFS 4.48,
/// seen 2026-11).
async fn delete_if_empty(access: &S3Access, context: &Context) -> Result<(), Error> {
    let page = s3::list_page::<Entry>(access, ("", "", ""), None, context).await?;
    match page.entries.first() {
        Some(entry) => Err(context.error(ErrorKind::BucketNotEmpty, format!("there is {:?}, for one", entry.key))),
        None => s3::delete_bucket(access, context).await,
    }
}
