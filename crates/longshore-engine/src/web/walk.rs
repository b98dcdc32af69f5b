//! Goes through the folders of a WebDAV server, in key order, several ahead of what is wanted next.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use longshore_config::{Pattern, Store, WebAccess, canonical};
use tokio::task::JoinSet;

use super::dav::{QUESTION, name_in, resources};
use super::request::Request;
use crate::error::{Context, Error, ErrorKind};
use crate::list::Entry;
use crate::listing::{Depth, Listed, Page};
use crate::progress::Progress;
use crate::window::lost;

/// Folders that are asked about at once, or wait to be looked at.
const AHEAD: usize = 16;
/// How far on the way one looks for folders to ask about.
const SIGHT: usize = 4096;
/// A link that leads to a folder above it makes folders without end. Real ones do not nest like that.
const DEEPEST: usize = 100;

/// Every object whose key begins with `prefix`. What does not match `pattern` may be left out.
pub(crate) async fn list(
    store: &Store,
    prefix: &str,
    pattern: Option<&Pattern>,
    context: &Context,
    progress: &Progress,
) -> Result<Vec<Entry>, Error> {
    let live = store.live().map_err(|error| context.config_error(error))?;
    let Some(access) = &live.web else { return Ok(Vec::new()) };
    let mut walk = Walk::begin(access, prefix, (Depth::Everything, pattern), context).await?;
    let mut entries = Vec::new();
    while let Some(page) = walk.next().await? {
        progress.add(page.objects.len() as u64, 0);
        entries.extend(page.objects.into_iter().map(|object| Entry { key: object.key, size: object.size }));
    }
    Ok(entries)
}

/// A listing on its way, page by page.
pub(crate) struct Walk {
    access: Arc<WebAccess>,
    context: Context,
    depth: Depth,
    pattern: Option<Pattern>,
    /// What is still to come, the nearest last.
    ahead: Vec<Item>,
    work: JoinSet<(usize, Result<Vec<Item>, Error>)>,
    /// What is in folders that are not next yet.
    ready: HashMap<usize, Vec<Item>>,
    tickets: usize,
}

enum Item {
    Object(Listed),
    Folder {
        /// With the slash at its end.
        key: String,
        level: usize,
        /// Names the request about it, once that is under way.
        ticket: Option<usize>,
    },
}

impl Item {
    fn key(&self) -> &str {
        match self {
            Self::Object(object) => &object.key,
            Self::Folder { key, .. } => key,
        }
    }
}

impl Walk {
    /// Looks into the folder that `prefix` points into. The prefix is plain text, in whatever spelling.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSupported`] where the server has no WebDAV, [`ErrorKind::NotFound`] where it has none of the folders on the
    /// way, and what else it answers. A folder that is missing where others are there is empty.
    pub(crate) async fn begin(
        access: &Arc<WebAccess>,
        prefix: &str,
        (depth, pattern): (Depth, Option<&Pattern>),
        context: &Context,
    ) -> Result<Self, Error> {
        if prefix.contains('?') {
            let reason = "a listing takes no query string; in a path a question mark is written %3F";
            return Err(context.error(ErrorKind::InvalidArgument, reason));
        }
        let prefix = canonical(prefix);
        let folder = &prefix[..prefix.rfind('/').map_or(0, |slash| slash + 1)];
        let mut walk = Self {
            access: Arc::clone(access),
            context: context.clone(),
            depth,
            pattern: pattern.cloned(),
            ahead: Vec::new(),
            work: JoinSet::new(),
            ready: HashMap::new(),
            tickets: 0,
        };
        match look(access, folder, 0, context).await {
            Ok(items) => {
                let wanted = |item: &Item| {
                    // `a` is a folder of `a/b`, and no prefix of `a/` makes it one of its own contents.
                    item.key().starts_with(&prefix) && item.key().len() > folder.len()
                };
                walk.put(items.into_iter().filter(wanted).collect());
            }
            Err(error) if is_missing(&error) => require_dav_above(access, folder, error, context).await?,
            Err(error) => return Err(error),
        }
        Ok(walk)
    }

    /// The next page, in key order; `None` after the last.
    ///
    /// # Errors
    ///
    /// The first folder that cannot be listed.
    pub(crate) async fn next(&mut self) -> Result<Option<Page>, Error> {
        let mut page = Page::default();
        while page.len() < Page::FULL {
            match self.ahead.pop() {
                None => break,
                Some(Item::Object(object)) => page.objects.push(object),
                Some(Item::Folder { key, .. }) if self.depth == Depth::Level => page.folders.push(key),
                Some(Item::Folder { ticket: Some(ticket), .. }) if self.ready.contains_key(&ticket) => {
                    let items = self.ready.remove(&ticket).unwrap_or_default();
                    self.put(items);
                }
                Some(folder) => {
                    self.ahead.push(folder);
                    self.ask_ahead();
                    if let Some(answered) = self.work.join_next().await {
                        let (ticket, items) = answered.map_err(|error| lost(&self.context, error))?;
                        let items = match items {
                            // One that is gone by now has nothing in it.
                            Err(error) if is_missing(&error) => Vec::new(),
                            items => items?,
                        };
                        self.ready.insert(ticket, items);
                    }
                }
            }
        }
        Ok((page.len() > 0).then_some(page))
    }

    /// Lays out what is in a folder, where the folder was.
    fn put(&mut self, mut items: Vec<Item>) {
        if let Some(pattern) = &self.pattern {
            items.retain(|item| match item {
                Item::Object(_) => true,
                Item::Folder { key, .. } => pattern.may_match_below(key.trim_end_matches('/')),
            });
        }
        items.sort_unstable_by(|one, other| other.key().cmp(one.key()));
        items.dedup_by(|one, other| one.key() == other.key());
        self.ahead.extend(items);
    }

    /// Asks about the nearest folders that nobody asked about yet. About the very next one in any case.
    fn ask_ahead(&mut self) {
        for (distance, item) in self.ahead.iter_mut().rev().take(SIGHT).enumerate() {
            if distance > 0 && self.work.len() + self.ready.len() >= AHEAD {
                return;
            }
            if let Item::Folder { key, level, ticket: ticket @ None } = item {
                self.tickets += 1;
                *ticket = Some(self.tickets);
                let (access, context) = (Arc::clone(&self.access), self.context.clone());
                let (key, level, number) = (key.clone(), *level, self.tickets);
                self.work.spawn(async move { (number, look(&access, &key, level, &context).await) });
            }
        }
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error.status(), Some(404 | 410))
}

/// What is in `folder`, which is empty or ends in a slash.
async fn look(access: &WebAccess, folder: &str, level: usize, context: &Context) -> Result<Vec<Item>, Error> {
    if level > DEEPEST {
        let reason = format!("folders nest more than {DEEPEST} deep; does a link there lead to a folder above it?");
        return Err(context.error(ErrorKind::Generic, reason));
    }
    let method = Method::from_bytes(b"PROPFIND").unwrap_or_default();
    let request =
        Request::new(access, method, folder, context)?.header(HeaderName::from_static("depth"), "1")?.body(QUESTION);
    let (status, url, document) = match request.send_whole().await {
        Err(error) if matches!(error.status(), Some(405 | 501)) => return Err(no_dav(error)),
        answer => answer?,
    };
    if status != StatusCode::MULTI_STATUS {
        return Err(no_dav(context.response_error(None, None, request.trace())));
    }
    let unreadable = |reason: String| {
        let reason = format!("the server's listing of {:?} cannot be used: {reason}", format!("/{folder}"));
        context.response_error(None, None, request.trace()).with_kind(ErrorKind::Generic).with_reason(reason)
    };
    let mut items = Vec::new();
    for resource in resources(&document).map_err(unreadable)? {
        let Some(name) = name_in(&url, &resource.href).map_err(unreadable)? else { continue };
        items.push(if resource.is_folder {
            Item::Folder { key: format!("{folder}{name}/"), level: level + 1, ticket: None }
        } else {
            Item::Object(Listed {
                key: format!("{folder}{name}"),
                size: resource.size,
                last_modified: resource.last_modified,
                e_tag: resource.e_tag,
                ..Listed::default()
            })
        });
    }
    Ok(items)
}

fn no_dav(error: Error) -> Error {
    let reason = "the server offers no WebDAV (PROPFIND), so nothing can be listed there; read single URLs";
    error.with_kind(ErrorKind::NotSupported).with_reason(reason)
}

/// Tells a missing folder from a server that answers 404 to what it does not understand: the folders above are there, or
/// nothing is.
async fn require_dav_above(access: &WebAccess, folder: &str, missing: Error, context: &Context) -> Result<(), Error> {
    let mut above = folder.trim_end_matches('/');
    while !above.is_empty() {
        above = above.rfind('/').map_or("", |slash| &above[..slash]);
        let key = if above.is_empty() { String::new() } else { format!("{above}/") };
        match look(access, &key, 0, context).await {
            Ok(_) => return Ok(()),
            Err(error) if is_missing(&error) => {}
            Err(error) if error.kind() == ErrorKind::NotSupported => return Err(error),
            // It is there, and its contents are none of our business.
            Err(error) if matches!(error.status(), Some(401 | 403)) => break,
            Err(error) => return Err(error),
        }
    }
    Err(missing.with_reason("not found, and there is no folder above it that can be listed"))
}
