//! Buckets: made and taken away.

use http::Method;
use http::header::CONTENT_TYPE;
use longshore_config::GcsAccess;
use serde_json::json;

use super::listing::list_page;
use super::request::Request;
use crate::error::{Context, Error, ErrorKind};

/// Creates the bucket in the store's project. One that is the caller's already is fine.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] without a project, [`ErrorKind::AlreadyExists`] where the name belongs to somebody else, and
/// what else the server answers.
pub(crate) async fn create_bucket(access: &GcsAccess, context: &Context) -> Result<(), Error> {
    let Some(project) = &access.project else {
        let reason = "a new bucket belongs to a project; pass project to store_for, or set GOOGLE_CLOUD_PROJECT";
        return Err(context.error(ErrorKind::InvalidArgument, reason));
    };
    let mut bucket = json!({ "name": access.bucket });
    if let Some(location) = &access.location {
        bucket["location"] = json!(location);
    }
    let request = Request::json(access, Method::POST, "b", context)
        .query("project", project)
        .header(CONTENT_TYPE, "application/json")?
        .body(bucket.to_string());
    match request.send().await {
        // One code says "yours" and "somebody's"; the message tells which.
        Err(error) if error.status() == Some(409) && error.to_string().contains("already own") => Ok(()),
        Err(error) if error.status() == Some(409) => Err(error.with_kind(ErrorKind::AlreadyExists)),
        // Who may use a bucket need not be allowed to make it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            match list_page(access, ("", "/", ""), None, context).await {
                Ok(_) => Ok(()),
                Err(_) => Err(error),
            }
        }
        outcome => outcome.map(drop),
    }
}

/// Deletes the bucket, where it is empty.
///
/// # Errors
///
/// [`ErrorKind::BucketNotEmpty`] for one that is not empty, and what else the server answers.
pub(crate) async fn delete_bucket(access: &GcsAccess, context: &Context) -> Result<(), Error> {
    match Request::bucket(access, Method::DELETE, context).send().await {
        Err(error) if error.status() == Some(409) => Err(error.with_kind(ErrorKind::BucketNotEmpty)),
        Err(error) if error.is_gone_on_repeat() => Ok(()),
        outcome => outcome.map(drop),
    }
}
