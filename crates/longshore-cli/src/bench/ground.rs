//! The part of a store that a run works in: objects of its own, in a folder of its own, or what is there already.
//!
//! A run writes below `longshore-bench-ID/` and nowhere else, and deletes by name what it may have written, never by listing. What
//! others put into its folder stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use longshore_config::{Scheme, Store};
use longshore_engine::{Depth, Limits, Object, Progress, Source, delete_keys, list_pages, put_many};

use super::content::Content;
use super::plan::Plan;
use super::sizes::Sizes;
use crate::arguments::Filters;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::select;
use crate::session::Session;

/// Objects of one group share a folder. A group is what one listing lists.
pub(crate) const GROUP: u64 = 1000;
/// Keys that are made and deleted at once.
const BATCH: usize = 10_000;
/// How the names of our folders begin.
const FOLDER: &str = "longshore-bench-";

/// Objects to work on.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) store: Arc<Store>,
    place: Place,
    /// The folder of this run; with existing objects, the prefix they were found under.
    pub(crate) base: String,
    sizes: Sizes,
    seed: u64,
    pub(crate) objects: Objects,
}

/// Which objects there are to read.
#[derive(Debug)]
pub(crate) enum Objects {
    /// As many as were prepared, numbered from 0.
    Own(u64),
    /// Found in the store.
    Existing(Vec<Found>),
}

/// An object that was there.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) size: u64,
    /// Its number in the run that wrote it, as its name tells.
    pub(crate) number: Option<u64>,
}

impl Ground {
    /// The ground of a run called `id`. Nothing is sent.
    pub(crate) fn new(plan: &Plan, id: &str, session: &Session) -> Result<Self> {
        let place = &plan.place;
        let folder = match &place.what {
            What::Object(key) if plan.existing => key.clone(),
            What::Object(key) => format!("{key}/"),
            What::Folder(key) => key.clone(),
            What::Pattern(pattern, _) => pattern.prefix().to_owned(),
        };
        let (base, objects) = if plan.existing {
            (folder, Objects::Existing(Vec::new()))
        } else {
            (format!("{folder}{FOLDER}{id}/"), Objects::Own(plan.prepared()))
        };
        let store = session.store(&place.location)?;
        Ok(Self { store, place: place.clone(), base, sizes: plan.sizes.clone(), seed: plan.seed, objects })
    }

    /// How people know the folder.
    pub(crate) fn shown(&self) -> String {
        self.place.shown(&self.base)
    }

    /// The key of object number `number` of this run.
    pub(crate) fn key(&self, number: u64) -> String {
        format!("{}{:06}/{number:010}", self.base, number / GROUP)
    }

    /// What the keys of a group begin with.
    pub(crate) fn group(&self, group: u64) -> String {
        format!("{}{group:06}/", self.base)
    }

    pub(crate) fn size(&self, number: u64) -> u64 {
        self.sizes.of(self.seed, number)
    }

    pub(crate) fn object(&self, key: String) -> Object {
        Object { store: Arc::clone(&self.store), uri: self.place.shown(&key).into(), key }
    }

    /// How many objects there are to read at the beginning.
    pub(crate) fn count(&self) -> u64 {
        match &self.objects {
            Objects::Own(count) => *count,
            Objects::Existing(found) => found.len() as u64,
        }
    }

    /// Finds what is there, up to `most` objects.
    pub(crate) async fn find(&mut self, most: Option<u64>, session: &Session) -> Result<()> {
        let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let source = select::Source::new(session, &self.place, &Filters::default())?;
        let mut pages = source.pages(session, Depth::Everything);
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page?.objects {
                let number =
                    object.key.rsplit('/').next().filter(|name| name.len() == 10).and_then(|name| name.parse().ok());
                found.push(Found { key: object.key, size: object.size, number });
            }
            if found.len() >= most {
                found.truncate(most);
                break;
            }
        }
        if found.is_empty() {
            return Err(source.nothing());
        }
        self.objects = Objects::Existing(found);
        Ok(())
    }

    /// Writes the objects that are there at the beginning.
    pub(crate) async fn prepare(&self, content: &Content, limits: Limits, progress: &Progress) -> Result<()> {
        let count = self.count();
        let objects = (0..count).map(|number| self.object(self.key(number))).collect();
        let bodies = Bodies { content: content.clone(), sizes: (0..count).map(|number| self.size(number)).collect() };
        Ok(put_many(objects, Arc::new(bodies), limits, progress).await?)
    }

    /// Deletes the objects with these numbers, then what is empty of our folders. Returns what is left in them: objects that
    /// others have put there.
    ///
    /// # Errors
    ///
    /// The message names the folder, and what to do.
    pub(crate) async fn clean(&self, numbers: impl Iterator<Item = u64>, session: &Session) -> Result<u64> {
        self.delete(numbers, session).await.map_err(|failed| {
            let advice =
                format!("what this run wrote is still below {0}; delete it with `longshore rm '{0}*'`", self.shown());
            Failed::new(failed.kind, format!("{}; {advice}", failed.message))
        })
    }

    async fn delete(&self, mut numbers: impl Iterator<Item = u64>, session: &Session) -> Result<u64> {
        let context = session.context(self.shown());
        let mut groups = BTreeSet::new();
        loop {
            let batch: Vec<u64> = numbers.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            groups.extend(batch.iter().map(|number| number / GROUP));
            let keys = batch.into_iter().map(|number| self.key(number)).collect();
            delete_keys(&self.store, keys, &context, &Progress::silent()).await?;
        }
        if self.store.scheme() == Scheme::File {
            let folders = groups.into_iter().map(|group| self.group(group)).chain([self.base.clone()]);
            for folder in folders {
                // One that holds something else stays.
                let _ = std::fs::remove_dir(Place::local_path(&folder));
            }
        }
        let mut left = 0;
        let mut pages = list_pages(&self.store, &self.base, Depth::Everything, &context);
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => left += page.objects.len() as u64,
                // A folder that is gone has nothing in it.
                Err(error) if error.kind() == longshore_engine::ErrorKind::NotFound => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(left)
    }
}

/// Bodies that are there already, as slices.
struct Bodies {
    content: Content,
    sizes: Vec<u64>,
}

impl Source for Bodies {
    fn size(&self, _index: usize) -> u64 {
        // A slice of what is in memory anyway: it takes nothing of the call's share.
        0
    }

    fn body(&self, index: usize) -> Bytes {
        self.content.body(index as u64, self.sizes[index])
    }
}
