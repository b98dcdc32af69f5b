//! Listings page by page, with what the store says of each object: for bucketfuls that no memory need hold.

use std::pin::pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use longshore_config::{S3Access, Scheme, Store, Trace, WebAccess};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cloud::Cloud;
use crate::error::{Context, Error, ErrorKind};
use crate::object::path;
use crate::tokens::Tokens;
use crate::window::lost;
use crate::{local, s3, web};

/// One object of a listing, described as well as the store's listing does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its key in the store.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written.
    pub last_modified: DateTime<Utc>,
    /// The store's name for this content, as the listing gives it; usually in quotes.
    pub e_tag: Option<String>,
    /// S3's storage class, where the server says one.
    pub storage_class: Option<String>,
    /// The version, where the listing says one: Google's generation.
    pub version: Option<String>,
}

/// How far down a listing looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every object whose key begins with the prefix.
    Everything,
    /// What goes on beyond the next `/` after the prefix is folded into one folder.
    Level,
}

/// A piece of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Objects, in order among themselves.
    pub objects: Vec<Listed>,
    /// Folders of a [`Depth::Level`], each with the slash at its end; in order among themselves.
    pub folders: Vec<String>,
}

impl Page {
    /// Where this side decides, a page has so many objects and folders. It is S3's own number.
    pub(crate) const FULL: usize = 1000;

    pub(crate) fn len(&self) -> usize {
        self.objects.len() + self.folders.len()
    }
}

/// Lists what begins with `prefix`, page by page. `prefix` is plain text: `a/b` finds `a/bc`. Dropping the stream ends
/// the work behind it.
///
/// One or two pages are made while another is consumed, and no more, so memory is bounded on S3 and on other servers. For local
/// files it is bounded by the folders on the way down, for a memory store by its contents. Order: on S3 what the server gives,
/// and servers differ; elsewhere by key. A local folder is there even when it is empty.
///
/// # Errors
///
/// The first page that fails, after retries, is the stream's last item. A listing is never cut short silently.
pub fn list_pages(
    store: &Arc<Store>,
    prefix: &str,
    depth: Depth,
    context: &Context,
) -> impl Stream<Item = Result<Page, Error>> + Send + Unpin + use<> {
    pages_after(store, (prefix, ""), depth, context)
}

/// As [`list_pages`]. A server that can leaves out what comes before `after`; others do not, so every key is to be looked at.
pub(crate) fn pages_after(
    store: &Arc<Store>,
    (prefix, after): (&str, &str),
    depth: Depth,
    context: &Context,
) -> impl Stream<Item = Result<Page, Error>> + Send + Unpin + use<> {
    let (prefix, after) = (prefix.to_owned(), after.to_owned());
    let beginning = State::Begin { store: Arc::clone(store), prefix, after, depth, context: context.clone() };
    stream::unfold(beginning, next_page).boxed()
}

enum State {
    Begin { store: Arc<Store>, prefix: String, after: String, depth: Depth, context: Context },
    Running { pages: mpsc::Receiver<Page>, work: JoinSet<Result<(), Error>>, context: Context },
    Over,
}

async fn next_page(state: State) -> Option<(Result<Page, Error>, State)> {
    let (mut pages, mut work, context) = match state {
        State::Begin { store, prefix, after, depth, context } => {
            let (sender, pages) = mpsc::channel(1);
            let mut work = JoinSet::new();
            let inner = context.clone();
            work.spawn(async move { make_pages(&store, (&prefix, &after), depth, &inner, sender).await });
            (pages, work, context)
        }
        State::Running { pages, work, context } => (pages, work, context),
        State::Over => return None,
    };
    if let Some(page) = pages.recv().await {
        return Some((Ok(page), State::Running { pages, work, context }));
    }
    // The sender is gone, so the work is over; how it ended decides whether that was all.
    let ended = work.join_next().await?;
    let error = ended.unwrap_or_else(|error| Err(lost(&context, error))).err()?;
    Some((Err(error), State::Over))
}

async fn make_pages(
    store: &Store,
    (prefix, after): (&str, &str),
    depth: Depth,
    context: &Context,
    pages: mpsc::Sender<Page>,
) -> Result<(), Error> {
    if store.scheme() == Scheme::File {
        return local::list_pages(prefix, depth, context, pages).await;
    }
    let live = store.live().map_err(|error| context.config_error(error))?;
    if let Some(access) = &live.web {
        return web_pages(access, prefix, depth, context, &pages).await;
    }
    if let Some(cloud) = Cloud::of(live) {
        return cloud_pages(cloud, (prefix, after), depth, context, &pages).await;
    }
    match (&live.s3, depth) {
        (Some(access), _) => s3_pages(access, (prefix, after), depth, context, &pages).await,
        (None, Depth::Everything) => everything(&live.objects, prefix, context, &pages).await,
        (None, Depth::Level) => level(&live.objects, prefix, context, &pages).await,
    }
}

async fn s3_pages(
    access: &S3Access,
    (prefix, after): (&str, &str),
    depth: Depth,
    context: &Context,
    pages: &mpsc::Sender<Page>,
) -> Result<(), Error> {
    let delimiter = if depth == Depth::Level { "/" } else { "" };
    let (mut token, mut tokens) = (None, Tokens::default());
    loop {
        let page = s3::list_page(access, (prefix, delimiter, after), token.as_deref(), context).await?;
        send(pages, Page { objects: page.entries, folders: page.folders }, context).await?;
        match page.next {
            Some(next) => token = Some(tokens.require_new(next, context)?),
            None => return Ok(()),
        }
    }
}

async fn web_pages(
    access: &Arc<WebAccess>,
    prefix: &str,
    depth: Depth,
    context: &Context,
    pages: &mpsc::Sender<Page>,
) -> Result<(), Error> {
    let mut walk = web::Walk::begin(access, prefix, (depth, None), context).await?;
    while let Some(page) = walk.next().await? {
        send(pages, page, context).await?;
    }
    Ok(())
}

async fn cloud_pages(
    cloud: Cloud<'_>,
    (prefix, after): (&str, &str),
    depth: Depth,
    context: &Context,
    pages: &mpsc::Sender<Page>,
) -> Result<(), Error> {
    let delimiter = if depth == Depth::Level { "/" } else { "" };
    let (mut token, mut tokens) = (None, Tokens::default());
    loop {
        let page = cloud.list_page((prefix, delimiter, after), token.as_deref(), context).await?;
        send(pages, Page { objects: page.entries, folders: page.folders }, context).await?;
        match page.next {
            Some(next) => token = Some(tokens.require_new(next, context)?),
            None => return Ok(()),
        }
    }
}

async fn send(pages: &mpsc::Sender<Page>, page: Page, context: &Context) -> Result<(), Error> {
    pages.send(page).await.map_err(|_| context.error(ErrorKind::Join, "nobody waits for the listing any more"))
}

async fn everything(
    objects: &Arc<dyn ObjectStore>,
    prefix: &str,
    context: &Context,
    pages: &mpsc::Sender<Page>,
) -> Result<(), Error> {
    let mut found = pin!(below(objects, (prefix, None), context)?.map_ok(listed).chunks(Page::FULL));
    while let Some(page) = found.next().await {
        let objects = page.into_iter().collect::<Result<_, _>>()?;
        send(pages, Page { objects, folders: Vec::new() }, context).await?;
    }
    Ok(())
}

async fn level(
    objects: &Arc<dyn ObjectStore>,
    prefix: &str,
    context: &Context,
    pages: &mpsc::Sender<Page>,
) -> Result<(), Error> {
    let (folder, _) = split(prefix, context)?;
    let found = match objects.list_with_delimiter(Some(&folder)).await {
        Ok(found) => found,
        Err(error) => return missing_is_empty(error, context),
    };
    let in_level = |path: &Path| path.as_ref().starts_with(prefix);
    // `a` is a folder of `a/b`, and no prefix of `a/` makes it one of its own contents.
    let folders = found.common_prefixes.into_iter().map(|path| format!("{path}/"));
    let mut folders = folders.filter(|folder| folder.starts_with(prefix) && folder.len() > prefix.len());
    let mut found = found.objects.into_iter().filter(|meta| in_level(&meta.location)).map(listed);
    loop {
        let page = Page {
            objects: found.by_ref().take(Page::FULL).collect(),
            folders: folders.by_ref().take(Page::FULL).collect(),
        };
        if page.len() == 0 {
            return Ok(());
        }
        send(pages, page, context).await?;
    }
}

/// For stores that list by whole path segments: only the last segment of the prefix is a text, so one level is filtered
/// and what remains is listed whole. With an `offset`, a store that can leaves out what comes before it; others do not.
pub(crate) fn below(
    objects: &Arc<dyn ObjectStore>,
    (prefix, offset): (&str, Option<&str>),
    context: &Context,
) -> Result<impl Stream<Item = Result<ObjectMeta, Error>> + Send + use<>, Error> {
    let (folder, stem) = split(prefix, context)?;
    let (objects, prefix, context) = (Arc::clone(objects), prefix.to_owned(), context.clone());
    if stem.is_empty() {
        let offset = offset.filter(|offset| *offset > &*prefix).and_then(path);
        return Ok(whole(&objects, folder, offset.as_ref(), context).left_stream());
    }
    let beginning = async move {
        let level = match objects.list_with_delimiter(Some(&folder)).await {
            Ok(level) => level,
            Err(error) => {
                missing_is_empty(error, &context)?;
                return Ok(stream::empty().left_stream());
            }
        };
        let folders = level.common_prefixes.into_iter().map(|path| (format!("{path}/"), Err(path)));
        let metas = level.objects.into_iter().map(|meta| (meta.location.to_string(), Ok(meta)));
        let mut found: Vec<_> = folders.chain(metas).filter(|(key, _)| key.starts_with(&prefix)).collect();
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let found = stream::iter(found).flat_map(move |(_, found)| match found {
            Ok(meta) => stream::iter([Ok(meta)]).left_stream(),
            Err(folder) => whole(&objects, folder, None, context.clone()).right_stream(),
        });
        Ok(found.right_stream())
    };
    Ok(stream::once(beginning).try_flatten().right_stream())
}

fn whole(
    objects: &Arc<dyn ObjectStore>,
    root: Path,
    offset: Option<&Path>,
    context: Context,
) -> impl Stream<Item = Result<ObjectMeta, Error>> + Send + use<> {
    let found = match offset {
        Some(offset) => objects.list_with_offset(Some(&root), offset),
        None => objects.list(Some(&root)),
    };
    found.filter_map(move |found| {
        let found = match found {
            Ok(meta) => Some(Ok(meta)),
            Err(error) => missing_is_empty(error, &context).err().map(Err),
        };
        std::future::ready(found)
    })
}

/// The folder that `prefix` points into, and what the names of interest in it begin with.
fn split<'a>(prefix: &'a str, context: &Context) -> Result<(Path, &'a str), Error> {
    let (folder, stem) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    let folder = Path::parse(folder).map_err(|error| context.error(ErrorKind::InvalidPath, error.to_string()))?;
    Ok((folder, stem))
}

/// A folder that is not there has nothing in it.
fn missing_is_empty(error: object_store::Error, context: &Context) -> Result<(), Error> {
    match context.store_error(error, &Trace::default()) {
        error if error.kind() == ErrorKind::NotFound => Ok(()),
        error => Err(error),
    }
}

fn listed(meta: ObjectMeta) -> Listed {
    Listed {
        key: meta.location.into(),
        size: meta.size,
        last_modified: meta.last_modified,
        e_tag: meta.e_tag,
        storage_class: None,
        version: meta.version,
    }
}
