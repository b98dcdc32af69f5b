//! Listings: every key that begins with a text, or matches a pattern.

use std::sync::Arc;

use futures::TryStreamExt;
use longshore_config::{Live, Location, Pattern, Scheme, Store, Trace};
use object_store::path::Path;

use crate::error::{Context, Error, ErrorKind};
use crate::object::Object;
use crate::progress::Progress;
use crate::{local, s3};

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its key in the store.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
}

/// Every object whose key begins with `prefix`, in key order. `prefix` is plain text: `a/b` finds `a/bc`.
///
/// # Errors
///
/// The first page that fails, after retries. A listing is never cut short silently.
pub async fn list(
    store: &Arc<Store>,
    prefix: &str,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Entry>, Error> {
    list_where(store, prefix, None, context, progress).await
}

/// As [`list`]. What does not match `pattern` may be left out, where that saves looking into a folder.
async fn list_where(
    store: &Arc<Store>,
    prefix: &str,
    pattern: Option<&Pattern>,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Entry>, Error> {
    let live = store.live().map_err(|error| context.config_error(error))?;
    let mut entries = match &live.s3 {
        _ if store.scheme() == Scheme::File => local::list(prefix, pattern, context, progress).await?,
        Some(access) => {
            let mut entries = Vec::new();
            let mut token = None;
            loop {
                let page = s3::list_page(access, prefix, token.as_deref(), context).await?;
                progress.add(page.entries.len() as u64, 0);
                entries.extend(page.entries);
                match page.next {
                    // A server that repeats its token would keep us here for ever.
                    Some(next) if token.as_ref() == Some(&next) => {
                        return Err(context.error(ErrorKind::Generic, "the server repeats a continuation token"));
                    }
                    Some(next) => token = Some(next),
                    None => break entries,
                }
            }
        }
        None => list_by_folder(live, prefix, context, progress).await?,
    };
    // Servers differ in what they call sorted.
    entries.sort_unstable();
    Ok(entries)
}

/// The objects that a URI with wildcards names, in key order.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] where nothing matches, and as [`list`].
pub async fn expand(
    store: &Arc<Store>,
    location: &Location,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Object>, Error> {
    let pattern = Pattern::new(location.raw_key());
    let entries = list_where(store, pattern.prefix(), Some(&pattern), context, progress).await?;
    let objects: Vec<Object> = entries
        .into_iter()
        .filter(|entry| pattern.matches(&entry.key))
        .map(|entry| Object { store: Arc::clone(store), uri: location.uri_of(&entry.key).into(), key: entry.key })
        .collect();
    if objects.is_empty() { Err(context.error(ErrorKind::NotFound, "no object matches")) } else { Ok(objects) }
}

/// For stores that list by whole path segments: only the last segment of the prefix is a text, so one level is filtered
/// and what remains is listed whole.
async fn list_by_folder(
    live: &Live,
    prefix: &str,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Entry>, Error> {
    let (folder, stem) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    let folder = Path::parse(folder).map_err(|error| context.error(ErrorKind::InvalidPath, error.to_string()))?;
    let trace = Trace::default();
    let missing_is_empty = |error| match context.store_error(error, &trace) {
        error if error.kind() == ErrorKind::NotFound => Ok(()),
        error => Err(error),
    };
    let mut entries = Vec::new();
    let mut roots = Vec::new();
    if stem.is_empty() {
        roots.push(folder);
    } else {
        match live.objects.list_with_delimiter(Some(&folder)).await {
            Ok(level) => {
                let matches = |path: &Path| path.as_ref().starts_with(prefix);
                entries.extend(level.objects.into_iter().filter(|meta| matches(&meta.location)).map(entry));
                roots.extend(level.common_prefixes.into_iter().filter(matches));
            }
            Err(error) => missing_is_empty(error)?,
        }
    }
    for root in roots {
        let mut found = live.objects.list(Some(&root));
        loop {
            match found.try_next().await {
                Ok(Some(meta)) => {
                    entries.push(entry(meta));
                    if entries.len() % 1000 == 0 {
                        progress.add(1000, 0);
                        tokio::task::yield_now().await;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    missing_is_empty(error)?;
                    break;
                }
            }
        }
    }
    progress.add(entries.len() as u64 % 1000, 0);
    Ok(entries)
}

fn entry(meta: object_store::ObjectMeta) -> Entry {
    Entry { key: meta.location.into(), size: meta.size }
}
