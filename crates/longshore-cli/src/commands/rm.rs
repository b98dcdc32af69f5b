//! `rm`: deletes objects, in batches where the store has them.

use std::collections::HashMap;
use std::sync::Arc;

use clap::Args;
use futures::StreamExt;
use longshore_config::Store;
use longshore_engine::{Depth, ErrorKind, Failure, Object, Progress, delete_keys, delete_prefix};

use super::DoneLine;
use crate::arguments::Filters;
use crate::error::{Failed, Result};
use crate::exit::Code;
use crate::place::{Place, What};
use crate::presence;
use crate::select::Source;
use crate::session::Session;
use crate::walk::{self, Links};

/// So many keys are found before they are deleted together: eight full batches of S3.
const CHUNK: usize = 8000;

/// Delete objects
#[derive(Args, Debug)]
#[command(after_help = "\
An object that is not there is told, and the exit code is 3. A place that ends in / is everything in it. On local paths too, * \
stands for /; a pattern that reaches into folders below is refused there without --all, because an unquoted one comes to this \
program where the shell has found nothing. Objects of different buckets may be named together. What cannot be deleted is told \
object by object, and the rest is deleted all the same. With --dry-run all is looked for, and nothing is deleted.

Examples:
  longshore rm s3://bucket/key
  longshore --dry-run rm 's3://bucket/logs/2025-*'
  longshore rm s3://bucket/tmp/ s3://other/tmp/
  longshore rm --all './*.tmp'
  longshore rm --all s3://bucket")]
pub(crate) struct Arguments {
    /// Objects, folders, or patterns
    #[arg(required = true)]
    places: Vec<String>,
    /// Allow a bare bucket, which means every object in it (the bucket itself stays), and local patterns that reach into folders
    #[arg(long)]
    all: bool,
    /// Do not ask first, by a request for each, whether the objects that are named are there; one that is not counts as deleted
    #[arg(short, long)]
    force: bool,
    /// Take `*`, `?` and `\` in places as they stand
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filters: Filters,
}

/// Objects of one store that were named one by one, and are shown alike.
struct Named {
    store: Arc<Store>,
    place: Place,
    keys: Vec<String>,
}

/// What a folder or a pattern stands for.
enum Several {
    /// Objects, to be listed.
    Listed(Source, Place),
    /// Files, found already.
    Files(Place, Vec<String>),
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    // All are checked before anything is deleted.
    let places = arguments.places.iter().map(|typed| {
        let place = Place::parse(typed, arguments.raw)?;
        check(&place, arguments.all)?;
        place.require_writable().map(|()| place)
    });
    let (named, rest) = named(session, places.collect::<Result<Vec<_>>>()?)?;
    let mut several = Vec::new();
    for place in rest {
        let source = Source::new(session, &place, &arguments.filters)?;
        if !place.is_local() {
            several.push(Several::Listed(source, place));
            continue;
        }
        match files(session, &source, &place, arguments.all).await {
            Ok(keys) => several.push(Several::Files(place, keys)),
            Err(failed) if failed.code() == Code::Usage => return Err(failed),
            Err(failed) => session.failed(&failed),
        }
    }
    for named in named {
        if let Err(failed) = delete_named(session, named, arguments.force).await {
            session.failed(&failed);
        }
    }
    for several in several {
        let deleted = match several {
            Several::Listed(source, place) => delete_listed(session, &source, &place).await,
            Several::Files(place, keys) => delete_files(session, &place, keys, &arguments.filters).await,
        };
        if let Err(failed) = deleted {
            session.failed(&failed);
        }
    }
    Ok(())
}

/// Single objects together with those of the same store, and what stands for several objects apart.
fn named(session: &Session, places: Vec<Place>) -> Result<(Vec<Named>, Vec<Place>)> {
    let (mut all, mut rest): (Vec<Named>, _) = (Vec::new(), Vec::new());
    for place in places {
        let What::Object(key) = place.what.clone() else {
            rest.push(place);
            continue;
        };
        // Buckets of two accounts can have one name. One store is one account.
        let store = session.store(&place.location)?;
        match all.iter_mut().find(|named| Arc::ptr_eq(&named.store, &store) && named.place.is_shown_as(&place)) {
            Some(named) => named.keys.push(key),
            None => all.push(Named { store, place, keys: vec![key] }),
        }
    }
    Ok((all, rest))
}

async fn delete_named(session: &Session, Named { store, place, keys }: Named, force: bool) -> Result<()> {
    let keys = match (force, keys.first()) {
        (false, _) => presence::present(session, &store, &place, keys).await?,
        (true, Some(first)) if session.global().dry_run => {
            let uri = place.shown(first).into();
            presence::require_bucket(session, &Object { store: Arc::clone(&store), key: first.clone(), uri }).await?;
            keys
        }
        (true, _) => keys,
    };
    if keys.is_empty() { Ok(()) } else { delete(session, &store, &place, keys).await }
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

async fn delete_listed(session: &Session, source: &Source, place: &Place) -> Result<()> {
    let store = session.store(&place.location)?;
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

/// Files below a folder; at least one. Links are names here: what they lead to is left alone.
async fn files(session: &Session, source: &Source, place: &Place, all: bool) -> Result<Vec<String>> {
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
    // A shell hands on a pattern that matches nothing in the folder, and none of its own would look into folders.
    match keys.iter().find(|key| place.reaches_below(key)) {
        Some(key) if !all => Err(Failed::usage(format!(
            "{}: wildcards stand for / too, so this would delete {}, for one; add --all if it is meant; nothing was deleted",
            place.typed,
            place.shown(key)
        ))),
        _ => Ok(keys),
    }
}

async fn delete_files(session: &Session, place: &Place, keys: Vec<String>, filters: &Filters) -> Result<()> {
    let store = session.store(&place.location)?;
    match &place.what {
        // The folders in it go too.
        What::Folder(base) if filters.include.is_empty() && filters.exclude.is_empty() && !session.global().dry_run => {
            delete_prefix(&store, base, &session.context(&*place.typed), &Progress::silent()).await?;
            tell(session, place, &keys);
            Ok(())
        }
        _ => delete(session, &store, place, keys).await,
    }
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
        // Of what fails as a whole one line says as much as a thousand.
        Err(error) if error.attempts() > 0 && error.failures().len() == keys.len() => {
            return ended.map_err(Failed::from);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::CommandLine;
    use clap::Parser;

    #[test]
    fn containers_of_one_name_in_two_accounts_are_two() {
        let line = CommandLine::try_parse_from(["longshore", "ls"]).unwrap();
        let session = Session::new(line.global, "rm", "rm".into());
        let place = |account: &str, key: &str| {
            let uri = format!("https://{account}.blob.core.windows.net/c/{key}?sv=2026-01-01&sig=hunter2");
            Place::parse(&uri, false).unwrap()
        };
        let (named, rest) = named(&session, vec![place("one", "a"), place("two", "a"), place("one", "b")]).unwrap();
        let shown: Vec<Vec<String>> =
            named.iter().map(|named| named.keys.iter().map(|key| named.place.shown(key)).collect()).collect();
        let uri = |account: &str, key: &str| format!("https://{account}.blob.core.windows.net/c/{key}");
        assert_eq!(shown, [vec![uri("one", "a"), uri("one", "b")], vec![uri("two", "a")]]);
        assert!(rest.is_empty() && !Arc::ptr_eq(&named[0].store, &named[1].store));
    }
}
