//! Listings: a sorted view of a bucket, cut into pages.
//!
//! Stores list in their own order (a folder in none at all), S3 in byte order of keys. So a listing is collected, sorted
//! and cut. The sorted view is kept for the pages that follow, until a write passes through the gateway, or it is
//! [`FRESH`] old, as others may write to the same store. A delete only marks the view, so that listing and deleting a large
//! bucket page by page costs one scan.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use object_store::ObjectMeta;

/// How long a view may serve the pages after the first.
const FRESH: Duration = Duration::from_secs(5);

/// Views kept at a time.
const VIEWS: usize = 8;

/// One listed object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) meta: ObjectMeta,
}

/// All objects below one folder of a bucket, by key.
#[derive(Debug)]
pub(crate) struct View {
    entries: Vec<Entry>,
    removed: Mutex<HashSet<usize>>,
    taken: Instant,
}

/// What a page holds, in order.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    Object(&'a Entry),
    CommonPrefix(String),
}

/// A page of a view.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) truncated: bool,
}

impl Page<'_> {
    /// The key or common prefix after which the next page begins.
    pub(crate) fn last(&self) -> Option<&str> {
        self.items.last().map(|item| match item {
            Item::Object(entry) => entry.key.as_str(),
            Item::CommonPrefix(prefix) => prefix,
        })
    }
}

impl View {
    /// Sorts what a scan found.
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        entries.dedup_by(|a, b| a.key == b.key);
        Self { entries, removed: Mutex::default(), taken: Instant::now() }
    }

    /// The first `limit` keys and common prefixes that begin with `prefix` and come after `after`.
    pub(crate) fn page(&self, prefix: &str, delimiter: Option<&str>, after: Option<&str>, limit: usize) -> Page<'_> {
        let removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.entries.partition_point(|entry| entry.key.as_str() < prefix);
        if let Some(after) = after {
            index = index.max(self.entries.partition_point(|entry| entry.key.as_str() <= after));
        }
        let mut page = Page { items: Vec::new(), truncated: false };
        while let Some(entry) = self.entries.get(index).filter(|entry| entry.key.starts_with(prefix)) {
            if removed.contains(&index) {
                index += 1;
                continue;
            }
            let rolled_up = delimiter.and_then(|delimiter| {
                let at = entry.key[prefix.len()..].find(delimiter)?;
                Some(&entry.key[..prefix.len() + at + delimiter.len()])
            });
            let (item, next) = match rolled_up {
                None => (Item::Object(entry), index + 1),
                Some(common) => {
                    let next = index + self.entries[index..].partition_point(|entry| entry.key.starts_with(common));
                    if after.is_some_and(|after| common <= after) {
                        index = next;
                        continue;
                    }
                    (Item::CommonPrefix(common.to_owned()), next)
                }
            };
            if page.items.len() == limit {
                page.truncated = true;
                break;
            }
            page.items.push(item);
            index = next;
        }
        page
    }
}

/// The views at hand.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts the changes to each bucket, so that a view taken during one is not kept.
    changes: HashMap<String, u64>,
    views: VecDeque<(String, String, Arc<View>)>,
}

impl Listings {
    /// A view that may serve a page after the first.
    pub(crate) fn find(&self, bucket: &str, folder: &str) -> Option<Arc<View>> {
        let state = self.state();
        let (_, _, view) = state.views.iter().find(|(b, f, _)| b == bucket && f == folder)?;
        (view.taken.elapsed() < FRESH).then(|| Arc::clone(view))
    }

    /// The number of changes so far, to be given to [`Listings::keep`].
    pub(crate) fn changes(&self, bucket: &str) -> u64 {
        self.state().changes.get(bucket).copied().unwrap_or(0)
    }

    /// Keeps a view, unless the bucket has changed while it was taken.
    pub(crate) fn keep(&self, bucket: &str, folder: &str, view: Arc<View>, changes: u64) {
        let mut state = self.state();
        if state.changes.get(bucket).copied().unwrap_or(0) != changes {
            return;
        }
        state.views.retain(|(b, f, _)| !(b == bucket && f == folder));
        if state.views.len() == VIEWS {
            state.views.pop_front();
        }
        state.views.push_back((bucket.to_owned(), folder.to_owned(), view));
    }

    /// A key was written.
    pub(crate) fn changed(&self, bucket: &str) {
        let mut state = self.state();
        state.count(bucket);
        if !state.views.is_empty() {
            state.views.retain(|(b, _, _)| b != bucket);
        }
    }

    /// A key was removed.
    pub(crate) fn removed(&self, bucket: &str, key: &str) {
        let mut state = self.state();
        state.count(bucket);
        for (_, _, view) in state.views.iter().filter(|(b, _, _)| b == bucket) {
            if let Ok(index) = view.entries.binary_search_by(|entry| entry.key.as_str().cmp(key)) {
                view.removed.lock().unwrap_or_else(PoisonError::into_inner).insert(index);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, bucket: &str) {
        match self.changes.get_mut(bucket) {
            Some(count) => *count += 1,
            None => {
                self.changes.insert(bucket.to_owned(), 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(keys: &[&str]) -> View {
        let meta = ObjectMeta {
            location: object_store::path::Path::from("x"),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: 0,
            e_tag: None,
            version: None,
        };
        View::new(keys.iter().map(|key| Entry { key: (*key).to_owned(), meta: meta.clone() }).collect())
    }

    fn names(page: &Page<'_>) -> Vec<String> {
        let name = |item: &Item<'_>| match item {
            Item::Object(entry) => entry.key.clone(),
            Item::CommonPrefix(prefix) => format!("[{prefix}]"),
        };
        page.items.iter().map(name).collect()
    }

    #[test]
    fn keys_come_in_byte_order_whatever_the_scan_gave() {
        let view = view(&["a/b", "B", "a-b", "é", "a", "z"]);
        assert_eq!(names(&view.page("", None, None, 10)), ["B", "a", "a-b", "a/b", "z", "é"]);
    }

    #[test]
    fn pages_join_to_the_whole_with_any_delimiter() {
        let view = view(&["a", "b/1", "b/2", "b/3", "c/1", "d", "e//1", "e/1"]);
        for delimiter in [None, Some("/"), Some("//"), Some("1")] {
            let whole = names(&view.page("", delimiter, None, 100));
            for limit in 1..5 {
                let (mut joined, mut after) = (Vec::new(), None::<String>);
                loop {
                    let page = view.page("", delimiter, after.as_deref(), limit);
                    joined.extend(names(&page));
                    if !page.truncated {
                        break;
                    }
                    after = page.last().map(str::to_owned);
                }
                assert_eq!(joined, whole, "{delimiter:?} by {limit}");
            }
        }
        assert_eq!(names(&view.page("", Some("/"), None, 100)), ["a", "[b/]", "[c/]", "d", "[e/]"]);
    }

    #[test]
    fn a_prefix_is_text_and_not_a_folder() {
        let view = view(&["ab", "abc", "a/b", "b"]);
        assert_eq!(names(&view.page("ab", None, None, 10)), ["ab", "abc"]);
        assert_eq!(names(&view.page("a", Some("/"), None, 10)), ["[a/]", "ab", "abc"]);
    }

    #[test]
    fn an_exactly_full_page_is_not_truncated() {
        let view = view(&["a", "b"]);
        assert!(!view.page("", None, None, 2).truncated);
        assert!(view.page("", None, None, 1).truncated);
    }

    #[test]
    fn a_removed_key_leaves_a_kept_view_and_a_written_one_ends_it() {
        let listings = Listings::default();
        listings.keep("b", "", Arc::new(view(&["a", "b", "c"])), listings.changes("b"));
        listings.removed("b", "b");
        let kept = listings.find("b", "").expect("a delete keeps the view");
        assert_eq!(names(&kept.page("", None, None, 10)), ["a", "c"]);
        listings.changed("b");
        assert!(listings.find("b", "").is_none());
    }
}
