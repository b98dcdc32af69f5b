//! Listings: every key that begins with a text, or matches a pattern.

use std::pin::pin;
use std::sync::Arc;

use futures::TryStreamExt;
use longshore_config::{Live, Location, Pattern, Scheme, Store};

use crate::cloud::Cloud;
use crate::error::{Context, Error, ErrorKind};
use crate::listing::{Listed, below};
use crate::object::Object;
use crate::progress::Progress;
use crate::tokens::Tokens;
use crate::{local, s3, web};

/// One object of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its key in the store.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
}

impl From<Listed> for Entry {
    fn from(listed: Listed) -> Self {
        Self { key: listed.key, size: listed.size }
    }
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
            let (mut token, mut tokens) = (None, Tokens::default());
            loop {
                let page = s3::list_page(access, (prefix, "", ""), token.as_deref(), context).await?;
                progress.add(page.entries.len() as u64, 0);
                entries.extend(page.entries);
                match page.next {
                    Some(next) => token = Some(tokens.require_new(next, context)?),
                    None => break entries,
                }
            }
        }
        None if live.web.is_some() => web::list(store, prefix, pattern, context, progress).await?,
        None => match Cloud::of(live) {
            Some(cloud) => list_in_cloud(cloud, prefix, context, progress).await?,
            None => list_by_folder(live, prefix, context, progress).await?,
        },
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

async fn list_in_cloud(
    cloud: Cloud<'_>,
    prefix: &str,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let (mut token, mut tokens) = (None, Tokens::default());
    loop {
        let page = cloud.list_page((prefix, "", ""), token.as_deref(), context).await?;
        progress.add(page.entries.len() as u64, 0);
        entries.extend(page.entries.into_iter().map(Entry::from));
        match page.next {
            Some(next) => token = Some(tokens.require_new(next, context)?),
            None => return Ok(entries),
        }
    }
}

async fn list_by_folder(
    live: &Live,
    prefix: &str,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let mut found = pin!(below(&live.objects, (prefix, None), context)?);
    while let Some(meta) = found.try_next().await? {
        entries.push(Entry { key: meta.location.into(), size: meta.size });
        if entries.len() % 1000 == 0 {
            progress.add(1000, 0);
            tokio::task::yield_now().await;
        }
    }
    progress.add(entries.len() as u64 % 1000, 0);
    Ok(entries)
}
