//! Deletes: one object, many, or everything under a prefix.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_config::{Scheme, Store, Trace};
use object_store::ObjectStoreExt;

use crate::cloud::Cloud;
use crate::codes::kind_of_code;
use crate::error::{Context, Error, ErrorKind, Failure};
use crate::list::list;
use crate::object::{Object, path, require_path, require_writable};
use crate::progress::Progress;
use crate::{azure, local, s3, window};

/// S3's own limit for one request.
const BATCH: usize = 1000;
/// Batches, or single deletes where a store has no batches, at once.
const BATCHES_IN_FLIGHT: usize = 8;
const DELETES_IN_FLIGHT: usize = 32;

/// Deletes `object`. One that does not exist is deleted already.
///
/// # Errors
///
/// What the store answers; a missing bucket is [`ErrorKind::NotFound`].
pub async fn delete_object(object: &Object) -> Result<(), Error> {
    delete_one(&object.store, &object.key, &object.context("delete")).await
}

async fn delete_one(store: &Store, key: &str, context: &Context) -> Result<(), Error> {
    require_writable(store, context)?;
    if store.scheme() == Scheme::File {
        return local::delete(key, context).await;
    }
    let live = store.live().map_err(|error| context.config_error(error))?;
    if let Some(access) = &live.s3 {
        return s3::delete(access, key, context).await;
    }
    if let Some(cloud) = Cloud::of(live) {
        return cloud.delete(key, context).await;
    }
    let Some(path) = path(key) else {
        // No such key can exist here.
        return require_path(key, context).map(drop);
    };
    match live.objects.delete(&path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(context.store_error(error, &Trace::default())),
    }
}

/// Deletes everything whose key begins with `prefix`. Returns how many objects that were.
///
/// # Errors
///
/// As [`delete_keys`], and as [`list`](crate::list()).
pub async fn delete_prefix(
    store: &Arc<Store>,
    prefix: &str,
    context: &Context,
    progress: &Progress,
) -> Result<u64, Error> {
    require_writable(store, context)?;
    if store.scheme() == Scheme::File {
        return local::delete_prefix(prefix, context, progress).await;
    }
    let entries = list(store, prefix, context, &Progress::silent()).await?;
    let keys: Vec<String> = entries.into_iter().map(|entry| entry.key).collect();
    let count = keys.len() as u64;
    delete_keys(store, keys, context, progress).await?;
    Ok(count)
}

/// Deletes `keys`, on S3 in batches of up to 1000, on Azure of up to 256. Missing ones are deleted already.
///
/// # Errors
///
/// One error for all keys that could not be deleted, listed in [`Error::failures`]; the others are gone by then. Of a batch that
/// fails as a whole every key is among them, and so is every key that was not tried any more because no request can succeed: there
/// is no bucket, or no server.
pub async fn delete_keys(
    store: &Arc<Store>,
    keys: Vec<String>,
    context: &Context,
    progress: &Progress,
) -> Result<(), Error> {
    require_writable(store, context)?;
    progress.expect(keys.len() as u64);
    let live = store.live().map_err(|error| context.config_error(error))?;
    let size = match &live.s3 {
        Some(access) if access.single_deletes => 1,
        Some(_) => BATCH,
        None => live.azure.as_ref().map_or(1, |_| azure::BATCH),
    };
    let in_flight = if size > 1 { BATCHES_IN_FLIGHT } else { DELETES_IN_FLIGHT };
    let batches = keys.len().div_ceil(size);
    let shared = Arc::new((Arc::clone(store), keys, context.clone(), progress.clone()));
    let refused = Arc::new(Refused::default());
    let in_batches = Arc::clone(&refused);
    let failures = window::run(context.clone(), batches, in_flight, move |index| {
        let (shared, refused) = (Arc::clone(&shared), Arc::clone(&in_batches));
        async move {
            let (store, keys, context, progress) = &*shared;
            let batch = &keys[index * size..keys.len().min((index + 1) * size)];
            let failures = match refused.untried(store, batch) {
                Some(failures) => failures,
                None => match delete_batch(store, batch, context).await {
                    Ok(failures) => failures,
                    Err(error) => refused.note(error, store, batch),
                },
            };
            progress.add((batch.len() - failures.len()) as u64, 0);
            Ok(failures)
        }
    })
    .await?
    .concat();
    if failures.is_empty() {
        progress.finish();
        return Ok(());
    }
    let refused = refused.lock().take();
    Err(match refused {
        // Nothing else went wrong, and the server's words say more than a summary.
        Some(Refusal { error, keys, .. }) if keys == failures.len() => error.with_failures(failures),
        _ => summary(failures, context),
    })
}

/// Batches that failed as a whole.
#[derive(Default)]
struct Refused(Mutex<Option<Refusal>>);

struct Refusal {
    /// The first error.
    error: Error,
    /// How many keys failed like this.
    keys: usize,
    /// Whether no other batch can do better.
    hopeless: bool,
}

impl Refused {
    fn lock(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, error: Error, store: &Store, batch: &[String]) -> Vec<Failure> {
        let no_answer = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Connection | ErrorKind::Timeout);
        let no_bucket = error.kind() == ErrorKind::NotFound;
        let (code, message) = (code_of(&error), error.to_string());
        let mut refused = self.lock();
        let first = refused.get_or_insert(Refusal { error, keys: 0, hopeless: false });
        first.keys += batch.len();
        first.hopeless |= no_answer || no_bucket;
        drop(refused);
        batch.iter().map(|key| failure(store, key.clone(), code.clone(), message.clone())).collect()
    }

    /// The failures of a batch that need not be tried, because no batch can do better than the one that failed.
    fn untried(&self, store: &Store, batch: &[String]) -> Option<Vec<Failure>> {
        let mut refused = self.lock();
        let first = refused.as_mut().filter(|first| first.hopeless)?;
        first.keys += batch.len();
        let (code, message) = (code_of(&first.error), format!("not tried any more after: {}", first.error));
        drop(refused);
        Some(batch.iter().map(|key| failure(store, key.clone(), code.clone(), message.clone())).collect())
    }
}

fn code_of(error: &Error) -> String {
    error.code().map_or_else(|| format!("{:?}", error.kind()), str::to_owned)
}

fn failure(store: &Store, key: String, code: String, message: String) -> Failure {
    Failure { uri: format!("{}://{}/{key}", store.scheme().name(), store.bucket()), key, code, message }
}

async fn delete_batch(store: &Arc<Store>, keys: &[String], context: &Context) -> Result<Vec<Failure>, Error> {
    let live = store.live().map_err(|error| context.config_error(error))?;
    let uri = |key: &str| format!("{}://{}/{key}", store.scheme().name(), store.bucket());
    if let Some(access) = live.s3.as_ref().filter(|access| !access.single_deletes) {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        match s3::delete_batch(access, &names, context).await {
            Ok(Some(failures)) => {
                let failure = |(key, code, message)| failure(store, key, code, message);
                return Ok(failures.into_iter().map(failure).collect());
            }
            // Neither these keys nor this server will do for a batch.
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::NotSupported => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(access) = &live.azure {
        let failures = azure::delete_batch(access, keys, &uri, context).await?;
        let failure = |(key, code, message)| failure(store, key, code, message);
        return Ok(failures.into_iter().map(failure).collect());
    }
    let mut failures = Vec::new();
    for key in keys {
        let object = Context::new(context.operation, uri(key));
        if let Err(error) = delete_one(store, key, &object).await {
            failures.push(failure(store, key.clone(), code_of(&error), error.to_string()));
        }
    }
    Ok(failures)
}

pub(crate) fn summary(failures: Vec<Failure>, context: &Context) -> Error {
    const SHOWN: usize = 3;
    let mut reason = format!("{} of the objects could not be deleted: ", failures.len());
    let shown: Vec<String> = failures
        .iter()
        .take(SHOWN)
        .map(|failure| format!("{} ({}: {})", failure.uri, failure.code, failure.message))
        .collect();
    reason.push_str(&shown.join(", "));
    if failures.len() > SHOWN {
        reason.push_str(", …");
    }
    let denied = |failure: &Failure| {
        failure.code == "PermissionDenied" || kind_of_code(&failure.code) == Some(ErrorKind::PermissionDenied)
    };
    let denied = failures.iter().all(denied);
    let kind = if denied { ErrorKind::PermissionDenied } else { ErrorKind::Generic };
    context.error(kind, reason).with_failures(failures)
}
