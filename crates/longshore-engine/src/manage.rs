//! What is neither a read nor a write: describing, copying, making buckets.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use longshore_config::{Scheme, Store};
use object_store::GetOptions;

use crate::cloud::Cloud;
use crate::error::{Context, Error, ErrorKind, trace};
use crate::local;
use crate::object::{Object, path, require_path, require_writable};
use crate::progress::Progress;
use crate::s3;
use crate::transfer::{TransferOptions, transfer};
use crate::web;

/// What a store knows of an object without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Its key in the store.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written.
    pub last_modified: DateTime<Utc>,
    /// The store's name for this content.
    pub e_tag: Option<String>,
    /// The version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// Describes `object`.
///
/// # Errors
///
/// [`ErrorKind::NotFound`], and what else the store answers.
pub async fn head(object: &Object) -> Result<Metadata, Error> {
    describe(object, object.context("head")).await
}

async fn describe(object: &Object, context: Context) -> Result<Metadata, Error> {
    if object.store.scheme() == Scheme::File {
        return local::head(&object.key, &context).await;
    }
    let live = object.live(&context)?;
    if let Some(access) = &live.web {
        return web::head(access, &object.key, &context).await;
    }
    let path = match (path(&object.key), &live.s3) {
        (Some(path), _) => path,
        (None, Some(access)) => return s3::head(access, &object.key, &context).await,
        (None, None) => require_path(&object.key, &context)?,
    };
    let trace = trace();
    let options = GetOptions { head: true, ..GetOptions::default() };
    let described = trace.scope(live.objects.get_opts(&path, options)).await;
    let result = described.map_err(|error| context.store_error(error, &trace))?;
    Ok(Metadata {
        key: object.key.clone(),
        size: result.meta.size,
        last_modified: result.meta.last_modified,
        e_tag: result.meta.e_tag,
        version: result.meta.version,
    })
}

/// Whether there is such an object.
///
/// # Errors
///
/// What the store answers, if it is neither yes nor no.
pub async fn exists(object: &Object) -> Result<bool, Error> {
    let context = object.context("exists");
    let described = match &object.live(&context)?.web {
        Some(access) => web::exists(access, &object.key, &context).await,
        None => describe(object, context).await.map(drop),
    };
    match described {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Copies `source` to `target`, replacing it. Inside one service the bytes do not pass through this process; between services
/// they do, a few parts of them at a time.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] where there is no source, and what else the stores answer.
pub async fn copy(source: &Object, target: &Object) -> Result<(), Error> {
    transfer(source, target, &TransferOptions::default(), &Progress::silent()).await.map(drop)
}

/// Makes the store's bucket. One that is the caller's already is fine.
///
/// A folder is made for a local store whose `key` names one; a memory store has nothing to make.
///
/// # Errors
///
/// [`ErrorKind::AlreadyExists`] where the name belongs to somebody else, and what else the server answers.
pub async fn create_bucket(store: &Arc<Store>, key: &str, context: &Context) -> Result<(), Error> {
    require_writable(store, context)?;
    match store.scheme() {
        Scheme::File => {
            let folder = format!("/{key}");
            let made = tokio::task::spawn_blocking(move || std::fs::create_dir_all(folder)).await;
            let made = made.map_err(|error| context.error(ErrorKind::Join, error.to_string()))?;
            return made.map_err(|error| context.io_error(error));
        }
        Scheme::Memory => return Ok(()),
        _ => {}
    }
    let live = store.live().map_err(|error| context.config_error(error))?;
    if let Some(cloud) = Cloud::of(live) {
        return cloud.create_bucket(context).await;
    }
    let Some(access) = &live.s3 else { return Ok(()) };
    match s3::create_bucket(access, context).await {
        Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
        // Who may use a bucket need not be allowed to make it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => match s3::bucket_answers(access, context).await {
            true => Ok(()),
            false => Err(error),
        },
        // Some servers have one code for "yours" and "somebody's". The list of one's own buckets tells.
        Err(error) if error.code() == Some("BucketAlreadyExists") => {
            match s3::owns_bucket(access, store.bucket(), context).await {
                Ok(true) => Ok(()),
                _ => Err(error),
            }
        }
        outcome => outcome,
    }
}
