//! `rm`: deletes objects, in batches where the store has them.

use std::collections::HashMap;
use std::sync::Arc;

use clap::Args;
use futures::StreamExt;
use longshore_config::Store;
use longshore_engine::{Depth, ErrorKind, Failure, Progress, delete_keys, delete_prefix};

use super::DoneLine;
use crate::arguments::Filters;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::select::Source;
use crate::session::Session;
use crate::walk::{self, Links};

/// So many keys are found before they are deleted together: eight full batches of S3.
const CHUNK: usize = 8000;

/// Delete objects
#[derive(Args, Debug)]
#[command(after_help = "\
An object that does not exist counts as deleted. A place that ends in / is everything in it. Objects of different buckets may \
be named together. What cannot be deleted is told object by object, and the rest is deleted all the same.

Examples:
  longshore rm s3://bucket/key
  longshore --dry-run rm 's3://bucket/logs/2025-*'
  longshore rm s3://bucket/tmp/ s3://other/tmp/
  longshore rm --all s3://bucket")]
pub(crate) struct Arguments {
    /// Objects, folders, or patterns
    #[arg(required = true)]
    places: Vec<String>,
    /// Allow a bare bucket, which means every object in it; the bucket itself stays
    #[arg(long)]
    all: bool,
    /// Take `*`, `?` and `\` in places as they stand
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filters: Filters,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    // All are checked before anything is deleted.
    let mut several = Vec::new();
    let mut single: Vec<(Arc<Store>, Place, Vec<String>)> = Vec::new();
    for typed in &arguments.places {
        let place = Place::parse(typed, arguments.raw)?;
        check(&place, arguments.all)?;
        place.require_writable()?;
        match place.what.clone() {
            What::Object(key) => {
                // Buckets of two accounts can have one name. One store is one account.
                let store = session.store(&place.location)?;
                let is_beside =
                    |other: &Arc<Store>, beside: &Place| Arc::ptr_eq(other, &store) && beside.is_shown_as(&place);
                match single.iter_mut().find(|(other, beside, _)| is_beside(other, beside)) {
                    Some((.., keys)) => keys.push(key),
                    None => single.push((store, place, vec![key])),
                }
            }
            _ => several.push((Source::new(session, &place, &arguments.filters)?, place)),
        }
    }
    for (store, place, keys) in single {
        delete(session, &store, &place, keys).await?;
    }
    for (source, place) in several {
        if let Err(failed) = delete_all(session, &source, &place, &arguments).await {
            session.failed(&failed);
        }
    }
    Ok(())
}

fn check(place: &Place, all: bool) -> Result<()> {
    let typed = &place.typed;
    match &place.what {
        What::Folder(_) if place.is_bucket() && !all => Err(Failed::usage(format!(
            "{typed}: this would delete every object in the bucket; add --all, or write '{}/*'",
            place.bucket()
        ))),
        What::Folder(key) if key.is_empty() && place.is_local() => {
            Err(Failed::usage(format!("{typed}: everything on this machine is not deleted")))
        }
        // A star stands for slashes too.
        What::Pattern(pattern, _) if place.is_local() && pattern.matches("") => {
            Err(Failed::usage(format!("{typed}: everything on this machine is not deleted")))
        }
        // Some shells find both for `.*`.
        What::Folder(_) if place.is_local() && matches!(typed.rsplit('/').next(), Some("." | "..")) => {
            Err(Failed::usage(format!("{typed}: this is a folder; write {typed}/ for everything in it")))
        }
        What::Object(key) if place.is_local() && Place::local_path(key).is_dir() => {
            Err(Failed::usage(format!("{typed}: this is a folder; write {typed}/ for everything in it")))
        }
        _ => Ok(()),
    }
}

async fn delete_all(session: &Session, source: &Source, place: &Place, arguments: &Arguments) -> Result<()> {
    let store = session.store(&place.location)?;
    if place.is_local() {
        return delete_files(session, source, place, &store, arguments).await;
    }
    let mut pages = source.pages(session, Depth::Everything);
    let (mut keys, mut found) = (Vec::new(), false);
    loop {
        let page = pages.next().await.transpose()?;
        let is_last = page.is_none();
        keys.extend(page.unwrap_or_default().objects.into_iter().map(|object| object.key));
        found |= !keys.is_empty();
        if keys.len() >= CHUNK || (is_last && !keys.is_empty()) {
            delete(session, &store, place, std::mem::take(&mut keys)).await?;
        }
        if is_last {
            break;
        }
    }
    // A bucket may be emptied twice.
    if found || place.is_bucket() { Ok(()) } else { Err(source.nothing()) }
}

/// Files below a folder. Links are names here: what they lead to is left alone.
async fn delete_files(
    session: &Session,
    source: &Source,
    place: &Place,
    store: &Arc<Store>,
    arguments: &Arguments,
) -> Result<()> {
    let (What::Folder(base) | What::Pattern(_, base) | What::Object(base)) = &place.what;
    let mut pieces = walk::walk(place, Links::Keep);
    let mut keys = Vec::new();
    while let Some(piece) = pieces.recv().await {
        for step in piece {
            match step {
                Ok(file) if source.has(&file.key) => keys.push(file.key),
                Ok(_) => {}
                Err(failed) => session.failed(&failed),
            }
        }
    }
    if keys.is_empty() {
        return Err(source.nothing());
    }
    let filters = &arguments.filters;
    let is_whole = matches!(place.what, What::Folder(_)) && filters.include.is_empty() && filters.exclude.is_empty();
    if is_whole && !session.global().dry_run {
        // The folders in it go too.
        delete_prefix(store, base, &session.context(&*place.typed), &Progress::silent()).await?;
        tell(session, place, &keys);
        return Ok(());
    }
    delete(session, store, place, keys).await
}

/// Deletes `keys`, and tells for each how that went.
pub(crate) async fn delete(session: &Session, store: &Arc<Store>, place: &Place, keys: Vec<String>) -> Result<()> {
    if session.global().dry_run {
        tell(session, place, &keys);
        return Ok(());
    }
    let ended = delete_keys(store, keys.clone(), &session.context(&*place.typed), &Progress::silent()).await;
    let failures: HashMap<String, Failure> = match &ended {
        Ok(()) => HashMap::new(),
        Err(error) if error.failures().is_empty() => return ended.map_err(Failed::from),
        Err(error) => error.failures().iter().map(|failure| (failure.key.clone(), failure.clone())).collect(),
    };
    let (kept, gone): (Vec<String>, Vec<String>) = keys.into_iter().partition(|key| failures.contains_key(key));
    let mut rest = failures;
    let known: Vec<_> = kept.iter().filter_map(|key| Some((place.shown(key), rest.remove(key)?))).collect();
    // What the server calls otherwise than it was asked could be any of the others, so of none it is said that it is gone.
    if rest.is_empty() {
        tell(session, place, &gone);
    }
    let rest = rest.into_values().map(|failure| (failure.uri.clone(), failure));
    for (shown, Failure { code, message, .. }) in known.into_iter().chain(rest) {
        session.failed_on(&format!("rm {shown}"), &Failed::new(kind_of(&code), format!("{shown}: {code}: {message}")));
    }
    Ok(())
}

fn tell(session: &Session, place: &Place, keys: &[String]) {
    for key in keys {
        let shown = place.shown(key);
        let json = DoneLine { operation: "rm", success: true, source: &shown, destination: None, object: None };
        session.output().done(|| format!("rm {shown}"), &json);
    }
    session.succeeded(keys.len() as u64);
}

/// What a server's code for one key of a batch means, as far as exit codes tell it.
fn kind_of(code: &str) -> ErrorKind {
    match code {
        "AccessDenied" | "PermissionDenied" => ErrorKind::PermissionDenied,
        _ => ErrorKind::Generic,
    }
}
