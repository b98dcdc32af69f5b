//! What is about a service as a whole rather than one of its buckets.

use chrono::{DateTime, Utc};
use longshore_config::Store;

use crate::error::{Context, Error, ErrorKind};
use crate::s3;

/// One of the caller's buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// When it was made, where the server says so.
    pub created: Option<DateTime<Utc>>,
}

/// The caller's own buckets in the service that `store` is of, whatever its bucket; in the server's order.
///
/// # Errors
///
/// [`ErrorKind::NotSupported`] for a store that is not S3's, and what else the server answers.
pub async fn list_buckets(store: &Store, context: &Context) -> Result<Vec<Bucket>, Error> {
    let live = store.live().map_err(|error| context.config_error(error))?;
    match &live.s3 {
        Some(access) => s3::list_buckets(access, context).await,
        None => Err(context.error(ErrorKind::NotSupported, "this kind of store has no list of buckets")),
    }
}
