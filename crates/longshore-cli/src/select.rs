//! The objects that a source stands for: listed, matched and filtered.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use longshore_config::{Pattern, Store};
use longshore_engine::{Depth, Page, list_pages};

use crate::arguments::Filters;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::session::Session;

/// Several objects of one store.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    store: Arc<Store>,
    /// What keys begin with.
    prefix: String,
    /// How much of a key is not part of its name: up to the last slash before a wildcard.
    base: String,
    pattern: Option<Pattern>,
    filter: Filter,
    /// What messages call it.
    typed: String,
}

/// Which names are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Filter {
    pub(crate) fn new(filters: &Filters) -> Self {
        let compile = |texts: &[String]| texts.iter().map(|text| Pattern::shell(text)).collect();
        Self { include: compile(&filters.include), exclude: compile(&filters.exclude) }
    }

    /// Whether the object `name`, relative to its source, is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

impl Source {
    /// The objects of `place`. An object's key is taken as what keys begin with.
    pub(crate) fn new(session: &Session, place: &Place, filters: &Filters) -> Result<Self> {
        let (prefix, base, pattern) = match &place.what {
            What::Object(key) => (key.clone(), key[..key.rfind('/').map_or(0, |slash| slash + 1)].to_owned(), None),
            What::Folder(prefix) => (prefix.clone(), prefix.clone(), None),
            What::Pattern(pattern, base) => (pattern.prefix().to_owned(), base.clone(), Some(pattern.clone())),
        };
        let (store, filter) = (session.store(&place.location)?, Filter::new(filters));
        Ok(Self { store, prefix, base, pattern, filter, typed: place.typed.clone() })
    }

    pub(crate) fn has_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    /// The name of the object or folder `key`, as of this source.
    pub(crate) fn relative<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(self.base.as_str()).unwrap_or(key)
    }

    /// Whether the object `key` is one of them.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches(key)) && self.filter.wants(self.relative(key))
    }

    /// The keys of its objects, sorted; at least one.
    pub(crate) async fn keys(&self, session: &Session) -> Result<Vec<String>> {
        let mut pages = self.pages(session, Depth::Everything);
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(page?.objects.into_iter().map(|object| object.key));
        }
        if keys.is_empty() {
            return Err(self.nothing());
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// What to say where there is none.
    pub(crate) fn nothing(&self) -> Failed {
        let reason = if self.has_pattern() { "no object matches" } else { "there is no object here" };
        Failed::not_found(format!("{}: {reason}", self.typed))
    }

    /// Its objects, and at [`Depth::Level`] its folders, page by page. A page can be empty.
    pub(crate) fn pages(
        &self,
        session: &Session,
        depth: Depth,
    ) -> impl Stream<Item = Result<Page>> + Send + Unpin + use<> {
        let context = session.context(self.typed.as_str());
        let source = self.clone();
        list_pages(&self.store, &self.prefix, depth, &context).map(move |page| {
            let mut page = page.map_err(Failed::from)?;
            page.objects.retain(|object| source.has(&object.key));
            Ok(page)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_is_not_wanted_whatever_is_included() {
        let filter = |include: &[&str], exclude: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
            Filter::new(&Filters { include: owned(include), exclude: owned(exclude) })
        };
        assert!(filter(&[], &[]).wants("a/b.txt"));
        assert!(filter(&["*.txt"], &[]).wants("a/b.txt") && !filter(&["*.txt"], &[]).wants("a/b.log"));
        assert!(!filter(&[], &["a/*"]).wants("a/b.txt") && filter(&[], &["a/*"]).wants("b/a/x"));
        assert!(!filter(&["*.txt"], &["a/*"]).wants("a/b.txt"));
        assert!(filter(&["*.txt", "*.log"], &["?.log"]).wants("aa.log"));
    }
}
