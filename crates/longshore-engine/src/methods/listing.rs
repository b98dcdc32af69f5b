//! Listings in chunks of a wanted size, from an offset, with the next pages on their way.

use std::sync::Arc;

use futures::stream::{BoxStream, Stream, StreamExt};
use longshore_config::Store;
use object_store::ObjectStore;
use object_store::path::Path;

use super::answer::metadata;
use super::spot::Place;
use crate::error::{Context, Error, ErrorKind, trace};
use crate::listing::{Depth, Listed, Page, list_pages, pages_after};
use crate::manage::Metadata;

/// A listing that is taken chunk by chunk.
pub struct Lister {
    pages: BoxStream<'static, Result<Vec<Metadata>, Error>>,
    ready: Vec<Metadata>,
    /// How many of `ready` were taken.
    taken: usize,
    offset: Option<String>,
    over: bool,
}

impl Lister {
    /// Lists what begins with `prefix`, which is plain text, and comes after `offset` in the order of bytes.
    pub fn new(place: &Place, prefix: &str, offset: Option<String>, context: &Context) -> Self {
        let pages = match place {
            Place::Own(store) => own(store, prefix, offset.as_deref(), context).boxed(),
            Place::Foreign(objects) => foreign(objects, prefix, offset.as_deref(), context),
        };
        Self { pages, ready: Vec::new(), taken: 0, offset, over: false }
    }

    /// The next `most` objects; fewer only at the end, and none after it.
    ///
    /// # Errors
    ///
    /// The first page that fails. What was found since the last chunk is not handed out: a chunk is never short without an end.
    pub async fn next(&mut self, most: usize) -> Result<Vec<Metadata>, Error> {
        while !self.over && self.ready.len() - self.taken < most {
            let Some(page) = self.pages.next().await else {
                self.over = true;
                break;
            };
            self.ready.drain(..std::mem::take(&mut self.taken));
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    self.over = true;
                    self.ready.clear();
                    return Err(error);
                }
            };
            let offset = self.offset.as_deref();
            // Servers differ in what they call sorted, so every key is looked at.
            self.ready.extend(page.into_iter().filter(|found| offset.is_none_or(|offset| found.key.as_str() > offset)));
        }
        let end = self.ready.len().min(self.taken.saturating_add(most));
        let chunk = self.ready[self.taken..end].iter_mut().map(std::mem::take).collect();
        self.taken = end;
        Ok(chunk)
    }
}

fn own(
    store: &Arc<Store>,
    prefix: &str,
    offset: Option<&str>,
    context: &Context,
) -> impl Stream<Item = Result<Vec<Metadata>, Error>> + use<> {
    // With a prefix beyond the offset there is nothing to leave out, and not every server takes one outside of the prefix.
    let after = offset.filter(|offset| *offset > prefix).unwrap_or_default();
    pages_after(store, (prefix, after), Depth::Everything, context)
        .map(|page| page.map(|page| page.objects.into_iter().map(described).collect()))
}

fn foreign(
    objects: &Arc<dyn ObjectStore>,
    prefix: &str,
    offset: Option<&str>,
    context: &Context,
) -> BoxStream<'static, Result<Vec<Metadata>, Error>> {
    let found = match crate::listing::below(objects, (prefix, offset), context) {
        Ok(found) => found,
        Err(error) => return futures::stream::iter([Err(error)]).boxed(),
    };
    let chunks = found.chunks(Page::FULL);
    chunks
        .map(|chunk| chunk.into_iter().map(|meta| meta.map(|meta| metadata(meta.location.as_ref(), &meta))).collect())
        .boxed()
}

fn described(found: Listed) -> Metadata {
    let Listed { key, size, last_modified, e_tag, version, .. } = found;
    Metadata { key, size, last_modified, e_tag, version }
}

/// One level of a listing: the objects that begin with `prefix`, and the folders, each with the slash at its end, that the
/// others are in.
///
/// # Errors
///
/// The first page that fails.
pub async fn list_level(place: &Place, prefix: &str, context: &Context) -> Result<(Vec<Metadata>, Vec<String>), Error> {
    let (mut found, mut folders) = (Vec::new(), Vec::new());
    match place {
        Place::Own(store) => {
            let mut pages = list_pages(store, prefix, Depth::Level, context);
            while let Some(page) = pages.next().await {
                let page = page?;
                found.extend(page.objects.into_iter().map(described));
                folders.extend(page.folders);
            }
        }
        Place::Foreign(objects) => {
            let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
            let folder =
                Path::parse(folder).map_err(|error| context.error(ErrorKind::InvalidPath, error.to_string()))?;
            let trace = trace();
            let level = objects.list_with_delimiter(Some(&folder)).await;
            let level = level.map_err(|error| context.store_error(error, &trace))?;
            let within = |key: &str| key.starts_with(prefix);
            found.extend(level.objects.iter().map(|meta| metadata(meta.location.as_ref(), meta)));
            found.retain(|meta| within(&meta.key));
            folders.extend(level.common_prefixes.into_iter().map(|path| format!("{path}/")));
            folders.retain(|folder| within(folder));
        }
    }
    Ok((found, folders))
}
