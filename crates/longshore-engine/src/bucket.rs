//! Takes buckets away.

use std::sync::Arc;

use longshore_config::{Scheme, Store};

use crate::error::{Context, Error, ErrorKind};
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
            match &live.s3 {
                Some(access) => s3::delete_bucket(access, context).await,
                None => {
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
