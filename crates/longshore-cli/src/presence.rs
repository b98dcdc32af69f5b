//! Whether what a command names is there: asked before single objects are deleted, which no listing has found, and by dry runs,
//! which promise what the server would do.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, stream};
use longshore_config::{Scheme, Store};
use longshore_engine::{Depth, ErrorKind, Object, Page, head, list_pages};

use crate::error::{Failed, Result};
use crate::place::Place;
use crate::session::Session;

/// Those of `keys` that are there. The others are told as failures.
///
/// A server says of a deleted object only that there is none now, so a misspelt name would look deleted. So each object is asked
/// for first, as rclone does, in parallel: a HEAD is the cheapest question, and needs no permission to list. Whoever may delete
/// and not look is not kept from it: then the delete's own answer counts, as it does with s5cmd and the AWS command line.
///
/// # Errors
///
/// A server that does not answer, which is said once.
pub(crate) async fn present(
    session: &Session,
    store: &Arc<Store>,
    place: &Place,
    keys: Vec<String>,
) -> Result<Vec<String>> {
    let mut asked = stream::iter(keys)
        .map(|key| async move {
            let object = Object { store: Arc::clone(store), uri: place.shown(&key).into(), key };
            let outcome = require_present(session, &object).await;
            (object, outcome)
        })
        .buffered(session.in_flight());
    let mut present = Vec::new();
    while let Some((object, outcome)) = asked.next().await {
        match outcome {
            Ok(()) => present.push(object.key),
            Err(failed) if is_silence(failed.kind) => return Err(failed),
            Err(failed) => session.failed_on(&format!("rm {}", object.uri), &failed),
        }
    }
    Ok(present)
}

/// Fails where there is no such `object`, or where nothing answers. In a dry run also where nobody may look.
pub(crate) async fn require_present(session: &Session, object: &Object) -> Result<()> {
    if object.store.scheme() == Scheme::File {
        return match Place::local_path(&object.key).symlink_metadata() {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(Failed::not_found(format!("{}: there is no such file", object.uri)))
            }
            // What else is wrong, the delete says.
            _ => Ok(()),
        };
    }
    match head(object).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(absent(session, object).await),
        Err(error) if is_silence(error.kind()) => Err(error.into()),
        // An answer to a HEAD has no words. The delete's has, and in its place a listing's.
        Err(_) if session.global().dry_run => first_page(session, object, Depth::Level).await.map(drop),
        Err(_) => Ok(()),
    }
}

/// Why there is no `object`: it is what other keys begin with, or its bucket is missing, or neither.
async fn absent(session: &Session, object: &Object) -> Failed {
    let below = Object { key: format!("{}/", object.key), ..object.clone() };
    let uri = &object.uri;
    match first_page(session, &below, Depth::Level).await {
        Err(failed) if failed.kind == ErrorKind::NotFound => failed,
        Ok(page) if !(page.objects.is_empty() && page.folders.is_empty()) => {
            Failed::not_found(format!("{uri}: there is no such object; write {uri}/ for everything below it"))
        }
        _ => Failed::not_found(format!("{uri}: there is no such object")),
    }
}

/// Fails where the bucket of `object` is missing. Whoever may not list it is believed.
pub(crate) async fn require_bucket(session: &Session, object: &Object) -> Result<()> {
    if object.store.scheme() == Scheme::File {
        return Ok(());
    }
    match first_page(session, object, Depth::Level).await {
        Err(failed) if failed.kind != ErrorKind::PermissionDenied => Err(failed),
        _ => Ok(()),
    }
}

/// Fails where `object`, a bucket or a local folder, could not be removed because it is missing or not empty.
pub(crate) async fn require_empty(session: &Session, object: &Object) -> Result<()> {
    let held = if object.store.scheme() == Scheme::File {
        let found = first_entry(&Place::local_path(&object.key));
        found.map_err(|error| session.context(&*object.uri).io_error(error))?
    } else {
        first_page(session, object, Depth::Everything).await?.objects.into_iter().next().map(|found| found.key)
    };
    match held {
        None => Ok(()),
        Some(name) => {
            let reason = format!("it is not empty; delete what is in it first (there is {name:?}, for one)");
            Err(Failed::new(ErrorKind::BucketNotEmpty, format!("{} {}: {reason}", session.operation, object.uri)))
        }
    }
}

fn first_entry(folder: &Path) -> io::Result<Option<String>> {
    // A link to a folder is no folder to be removed.
    if folder.symlink_metadata()?.is_symlink() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(fs::read_dir(folder)?.next().transpose()?.map(|entry| entry.file_name().to_string_lossy().into_owned()))
}

/// The first that begins with the key of `object`: one request, whatever there is.
async fn first_page(session: &Session, object: &Object, depth: Depth) -> Result<Page> {
    let context = session.context(&*object.uri);
    let first = list_pages(&object.store, &object.key, depth, &context).next().await;
    Ok(first.transpose()?.unwrap_or_default())
}

/// Whether nothing was answered, so that the next question would wait as long.
fn is_silence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Timeout | ErrorKind::Connection)
}
